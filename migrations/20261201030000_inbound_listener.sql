-- migrate:up

-- By which ways mail that comes back is taken at the moment: each way's processes note it several times a minute.
create table inbound_listener (
    source inbound_source primary key,
    seen_at timestamptz not null default now()
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
