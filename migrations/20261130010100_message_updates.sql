-- migrate:up

-- Recording an outcome updates its message. While no index holds a column that it changes, and the page has room, the
-- new version goes to the same page and no index is written (HOT). `message_trouble` answers what these four did.
drop index message_campaign_trouble;
drop index message_needs_attention;
drop index message_held_for_address;
drop index copy_held_for_address;

-- Neighbours are claimed and decided together, before the room of their former versions can be used again; a decided row
-- is some fifth longer than a queued one.
alter table message set (fillfactor = 45);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
