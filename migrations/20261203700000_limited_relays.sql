-- migrate:up

-- A person set or lifted a relay's limits.
alter type relay_event_kind add value 'LIMITED';

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
