-- migrate:up

-- Senders and relays are few, and one of them may hardly be used: a filter for it needs an index as any other.
create index message_search_of_sender on message_search (sender_no, id) where sender_no is not null;
create index message_search_of_relay on message_search (relay_no, id) where relay_no is not null;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
