-- migrate:up

-- The queue: pending work, and what limits or pauses it (relays, destination domains).

create type smtp_stage as enum (
    'CONNECT', 'GREETING', 'EHLO', 'STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'CONTENT', 'END_OF_DATA');
create type relay_event_kind as enum ('PAUSED', 'RESUMED', 'STOPPED', 'CONNECTION', 'TLS', 'LOGIN', 'UNAVAILABLE');

-- Pending work, a row a recipient, deleted when decided. No index holds the lease columns: their updates stay HOT.
create table outbox (
    customer_id bigint not null,
    message_id uuid not null,
    recipient_no smallint not null default 0,
    lane_id integer not null,
    due_at timestamptz not null default now(),
    -- Has a time of its own (a retry, a permit under a limit): such rows are claimed before the backlog.
    scheduled boolean not null default false,
    -- Has already been counted against its destination's limit.
    rate_counted boolean not null default false,
    address text not null,
    address_key bytea not null,
    domain text not null,
    attempt smallint not null default 1 check (attempt >= 1),
    -- Whether an uncertain attempt is followed by one more (RETRY_ONCE). Set when the mail is queued, and cleared by
    -- that attempt.
    retry_once boolean not null default false,
    expires_at timestamptz not null,
    lease_owner uuid,
    lease_until timestamptz,
    handed_off_at timestamptz,
    -- Which opt-outs hold it: null for individual mail.
    opt_out_kind opt_out_kind,
    bound_relay text,
    primary key (customer_id, message_id, recipient_no),
    check ((lease_owner is null) = (lease_until is null)),
    check (handed_off_at is null or lease_owner is not null)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
create index outbox_due on outbox (lane_id, scheduled, due_at, message_id);

-- Where a claim looks, in this order: each unpaused lane twice, first its scheduled rows, then its backlog. An empty
-- lane costs two probes and is deleted soon: so many campaigns at once are far more than anybody has.
create view claimable_lane as
select l.id, l.priority, s.scheduled
from (select lane.id, lane.priority from lane
      where lane.paused_at is null
      order by lane.priority, lane.id limit 5000) l
cross join (values (true), (false)) s(scheduled);

-- When the outbox was last scanned for leases and deadlines that have passed: one pass over all of it, by the first
-- worker that finds it due, so that ten workers read no more than one.
create table outbox_scan (
    only_row boolean primary key default true check (only_row),
    scanned_at timestamptz not null default '-infinity'
);
insert into outbox_scan default values;

-- A limit is "one every ..."; next_permit_at is when the next may go. Warm-up: the day's cap grows by its factor.
create table destination (
    domain text primary key,
    min_interval interval check (min_interval > interval '0'),
    next_permit_at timestamptz,
    per_day integer check (per_day > 0),
    connections smallint check (connections > 0),
    day date,
    day_count integer not null default 0,
    warm_up_from date,
    warm_up_start integer check (warm_up_start > 0),
    warm_up_factor numeric(4, 2) check (warm_up_factor >= 1),
    paused_until timestamptz,
    paused_why text,
    pause_step smallint not null default 0,
    check ((paused_until is null) = (paused_why is null))
);

create table relay (
    name text primary key,
    min_interval interval check (min_interval > interval '0'),
    next_permit_at timestamptz,
    per_day integer check (per_day > 0),
    day date,
    day_count integer not null default 0,
    warm_up_from date,
    warm_up_start integer check (warm_up_start > 0),
    warm_up_factor numeric(4, 2) check (warm_up_factor >= 1),
    paused_until timestamptz,
    paused_why text,
    pause_step smallint not null default 0,
    stopped_at timestamptz,
    stopped_why text,
    seen_at timestamptz,
    check ((paused_until is null) = (paused_why is null)),
    check ((stopped_at is null) = (stopped_why is null))
);

-- 421, connection, TLS and login trouble: events of the relay or destination, never of a message.
create table relay_event (
    id uuid primary key default uuidv7(),
    relay text not null,
    domain text,
    kind relay_event_kind not null,
    stage smtp_stage,
    code smallint,
    response text,
    until timestamptz
);

-- How many connections of a capped destination each worker may use. Rows exist only for destinations with
-- `connections`; a worker that dies leaves its row until `leased_until`, which it extends with its leases of mail.
create table domain_connection_lease (
    domain text not null references destination on delete cascade,
    worker uuid not null,
    connections integer not null check (connections >= 0),
    leased_until timestamptz not null,
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

-- How fast destination domains take mail: attempts a minute, of the busiest domains of each worker, kept for three
-- minutes.
create table domain_throughput (
    domain text not null,
    worker uuid not null,
    minute timestamptz not null,
    attempts bigint not null check (attempts >= 0),
    primary key (domain, worker, minute)
);

-- Attempts a second for a domain, over the last full minute and the running one.
create function domain_rate(of_domain text) returns float8 language sql stable parallel safe as $$
    select coalesce(sum(p.attempts), 0)::float8
           / extract(epoch from now() - date_trunc('minute', now()) + interval '1 minute')::float8
    from domain_throughput p
    where p.domain = of_domain and p.minute >= date_trunc('minute', now()) - interval '1 minute'
$$;

-- Days of limits are UTC's. These one-line functions cost nothing: PostgreSQL inlines them.
create function utc_today() returns date language sql stable parallel safe
    as $$ select (now() at time zone 'utc')::date $$;
create function utc_tomorrow() returns timestamptz language sql stable parallel safe
    as $$ select date_trunc('day', now(), 'UTC') + interval '1 day' $$;

-- How much a relay or destination has taken today: its count, unless that is of an earlier day.
create function sent_today(day date, day_count integer) returns integer language sql stable parallel safe
    as $$ select case when day = utc_today() then day_count else 0 end $$;

-- How much it may take today: the daily limit, or the warm-up's step of today if that is lower. Warm-up starts at
-- `warm_up_start` a day and is multiplied by `warm_up_factor` every day. Null means no cap.
create function cap_today(per_day integer, warm_up_from date, warm_up_start integer, warm_up_factor numeric)
returns integer language sql stable parallel safe as $$
    select least(per_day, case when warm_up_from is not null and warm_up_start is not null then
        -- 64 steps of 1.5 exceed every cap there is, and keep power() inside numeric.
        least(2147483647, floor(warm_up_start * power(coalesce(warm_up_factor, 2.0),
            least(greatest(utc_today() - warm_up_from, 0), 64))))::integer end)
$$;

-- When the relays that a mail may leave by can be used: -infinity now, infinity when a person must resume one, null
-- when no worker has registered one lately. The soonest of several counts.
create function relay_opens_at(bound text) returns timestamptz language sql stable as $$
    select min(case when r.stopped_at is not null then 'infinity'::timestamptz
                    when r.paused_until > now() then r.paused_until
                    when sent_today(r.day, r.day_count)
                         >= cap_today(r.per_day, r.warm_up_from, r.warm_up_start, r.warm_up_factor) then utc_tomorrow()
                    -- A permit or two away is a turn in the lane; only a queue at the limit is worth showing.
                    when r.next_permit_at > now() + interval '1 second' then r.next_permit_at
                    else '-infinity'::timestamptz end)
    from relay r
    where (bound is null or r.name = bound) and r.seen_at > now() - interval '5 minutes'
$$;

-- Why they cannot be used now, as a sentence.
create function relay_closed_why(bound text) returns text language sql stable as $$
    select case when bool_and(r.stopped_at is not null) then 'The relay is stopped: ' || min(r.stopped_why)
                when bool_and(r.stopped_at is not null or r.paused_until > now())
                    then 'The relay is paused: ' || min(r.paused_why)
                else 'Its turn under the relay''s limit' end
    from relay r
    where (bound is null or r.name = bound) and r.seen_at > now() - interval '5 minutes'
$$;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
