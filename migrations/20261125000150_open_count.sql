-- migrate:up

-- What people did with one mail, clicks and opens alike: a page of its clicks, and both counts, are one range each.
create index hit_of_people_in_message on hit (message_id, customer_id, kind, id) where verdict <> 'MACHINE';
drop index hit_clicks_of_people_in_message;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
