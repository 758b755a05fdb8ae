-- migrate:up

-- What DNS said of the domains of senders in use, by the last check of the background job.
create table sender_dns (
    sender_id uuid primary key references sender on delete cascade,
    -- What was checked: another domain, or other keys of ours, is a reason to check again.
    domain text not null,
    settings text not null,
    in_use boolean not null,
    -- Null before the first check, and of a sender that is not in use.
    checked_at timestamptz,
    ready boolean,
    records jsonb not null default '[]',
    -- When it is looked at again.
    due_at timestamptz not null,
    -- While a worker asks DNS about it: no other does, about any.
    asking_until timestamptz,
    check (checked_at is not null or ready is null)
);
create index sender_dns_not_ready on sender_dns (sender_id) where in_use and not ready;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
