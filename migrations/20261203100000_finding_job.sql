-- migrate:up

-- A queue: rows come and go all day, and each look reads its beginning.
alter table message_change set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000, vacuum_truncate = off
);

-- Messages that the job could not read or write for a reason of their own: they wait, and are tried again, longer every
-- time, so that they hold up no other.
create table search_parked (
    customer_id bigint not null,
    message_id uuid not null,
    failures smallint not null default 1,
    until timestamptz not null,
    -- The error's type; its words may hold people's data.
    error text not null,
    primary key (customer_id, message_id)
);
create index search_parked_until on search_parked (until);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
