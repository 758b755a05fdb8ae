-- migrate:up

-- Ids do not compress, and trying it cost the sending path 0.5 us of processor time a mail.
alter table message_change
    alter column customer_ids set storage external,
    alter column message_ids set storage external;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
