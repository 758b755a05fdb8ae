-- migrate:up

-- The new key in the old one's place, and under its name.
alter table attempt
    drop constraint attempt_pkey,
    add constraint attempt_pkey primary key using index attempt_by_message;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
