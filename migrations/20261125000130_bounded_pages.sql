-- migrate:up

-- Every page of history reads as many rows as it shows, however much lies between them: clicks of people apart from those
-- of machines, and mail that no campaign sent by direction and source (for the rest there is `message_sent_list`).
create index hit_clicks_of_people on hit (customer_id, id) where kind = 'CLICK' and verdict <> 'MACHINE';
create index message_by_source on message (customer_id, direction, source_type, id) where campaign_id is null;

-- Clicks of one message by the message first: by the customer first, the planner may take this index for all of a
-- customer's clicks, and sort them, because the average customer has few.
drop index hit_clicks_of_message;
create index hit_clicks_of_message on hit (message_id, customer_id, id) where kind = 'CLICK';
create index hit_clicks_of_people_in_message on hit (message_id, customer_id, id)
    where kind = 'CLICK' and verdict <> 'MACHINE';

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
