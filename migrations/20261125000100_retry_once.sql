-- migrate:up

-- A deployment may have uncertain mail of a source type tried once more by itself (RETRY_ONCE); it may arrive twice.
alter type event_kind add value 'RETRIED_ONCE';

-- Whether an uncertain try is followed by one more. Set when the mail is queued, and taken away by that try.
alter table outbox add column retry_once boolean not null default false;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
