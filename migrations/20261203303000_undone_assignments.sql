-- migrate:up

-- Received mail that a person gave to a customer, and that was taken from it again: the message is gone with what it
-- said, this is kept.
create table undone_assignment (
    id uuid primary key default uuidv7(),
    inbound_id uuid not null,
    customer_id bigint not null,
    assigned_by text not null,
    actor text not null
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
