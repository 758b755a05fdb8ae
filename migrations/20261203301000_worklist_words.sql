-- migrate:up

-- Apart, since a new value of a type is usable only after its migration.
alter type event_kind add value 'DISMISSED';
alter type event_kind add value 'UNDONE';

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
