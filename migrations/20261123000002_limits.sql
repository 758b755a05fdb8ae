-- migrate:up

-- A day's cap of a relay or destination: the daily limit, or the warm-up's step of today if that is lower. Warm-up
-- starts at `warm_up_start` a day and is multiplied by `warm_up_factor` every day. Null means no cap.
create function day_cap(per_day integer, warm_up_from date, warm_up_start integer, warm_up_factor numeric, today date)
returns integer language sql immutable parallel safe as $$
    select least(per_day, case when warm_up_from is not null and warm_up_start is not null then
        -- 64 steps of 1.5 pass every cap there is, and keep power() inside numeric.
        least(2147483647, floor(warm_up_start * power(coalesce(warm_up_factor, 2.0),
            least(greatest(today - warm_up_from, 0), 64))))::integer end)
$$;

-- Who holds how many of a capped destination's connections. Rows exist only for destinations with `connections`; a
-- worker that dies leaves its row until `held_until`, which it extends with its leases.
create table domain_connection_lease (
    domain text not null references destination on delete cascade,
    worker uuid not null,
    held integer not null check (held >= 0),
    held_until timestamptz not null,
    primary key (domain, worker)
);

-- How fast lanes drain: attempts a minute, written by each worker every few seconds, kept for ten minutes. The attempt
-- table has no index by time, and must not need one for this.
create table lane_throughput (
    lane_id integer not null,
    worker uuid not null,
    minute timestamptz not null,
    attempts bigint not null check (attempts >= 0),
    primary key (lane_id, worker, minute)
);

-- Campaigns of the demo leave only by the demo's relay, like its single mails.
alter table campaign add column bound_relay text;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
