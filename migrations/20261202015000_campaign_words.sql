-- migrate:up

-- Apart, since a new value of a type is usable only after its migration.
alter type campaign_status add value 'SCHEDULED' after 'DRAFT';

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
