-- migrate:up

-- Test mail of a template that is not published yet is of no mailing.
alter table test_email alter column mailing_id drop not null;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
