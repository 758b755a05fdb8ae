-- migrate:up

-- When the outbox was last looked through for leases and deadlines that have passed: one pass over all of it, by
-- whichever worker finds its time come, so that ten workers read no more than one.
create table outbox_scan (
    only_row boolean primary key default true check (only_row),
    scanned_at timestamptz not null default '-infinity'
);
insert into outbox_scan default values;

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

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
