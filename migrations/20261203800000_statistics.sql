-- migrate:up

-- Figures of mail over time: what became of the mail of each hour, day and month (UTC), added up as it happens. A mail
-- counts in the hour of its own id, whenever something became of it: a late bounce or open changes that hour, and no
-- rate passes 100 %. Rows may come back to zero, and stay.
create table mail_statistics (
    -- What is told apart: 'all' nothing; 'mail' source type, cause, relay and sender together; then each of these alone;
    -- 'campaign' the campaign and the cause.
    rollup text collate "C" not null
        check (rollup in ('all', 'mail', 'source', 'cause', 'relay', 'sender', 'campaign')),
    span text collate "C" not null check (span in ('hour', 'day', 'month')),
    starts_at timestamptz not null,
    source_type source_type,
    cause cause,
    relay_no integer,
    sender_no integer,
    campaign_id uuid,
    sent integer not null,
    accepted integer not null,
    deferred integer not null,
    refused integer not null,
    bounced integer not null,
    complained integer not null,
    opened integer not null,
    clicked integer not null,
    received integer not null,
    -- Times to acceptance, some n of them in the bucket b as n * 256 + b. A bucket may stand here several times, and n be
    -- below zero: what comes is put behind the rest, and now and then they are added up.
    times bigint[] not null,
    -- Of all mail of a day, which is what is asked for most: the buckets in which the median and the 95th percentile
    -- lie.
    percentiles integer[],
    unique nulls not distinct (rollup, span, starts_at, source_type, cause, relay_no, sender_no, campaign_id)
) with (fillfactor = 70);

-- The same by the other side's domain and the cause, for days (UTC).
create table domain_statistics (
    day date not null,
    domain_no integer,
    cause cause,
    sent integer not null,
    accepted integer not null,
    deferred integer not null,
    refused integer not null,
    bounced integer not null,
    complained integer not null,
    opened integer not null,
    clicked integer not null,
    received integer not null,
    times bigint[] not null,
    unique nulls not distinct (day, domain_no, cause)
) with (fillfactor = 70);

-- The bucket of a time: each is a tenth wider than the one before, from one millisecond to more than a year, so that
-- its middle is within 5 % of all that is in it.
create function time_bucket(ms bigint) returns integer language sql immutable parallel safe
return case when ms is not null then least(255, floor(ln(greatest(ms, 1)::float8) / ln(1.1::float8)))::integer end;

-- The same times with each bucket once.
create function add_up_times(times bigint[]) returns bigint[] language sql immutable strict parallel safe
return (select coalesce(array_agg(t.n * 256 + t.bucket order by t.bucket), '{}')
        from (select c & 255 as bucket, sum(c >> 8)::bigint as n from unnest(times) as u (c) group by 1) t
        where t.n <> 0);

-- Times with more behind them, added up where they would become many.
create function with_times(times bigint[], more bigint[]) returns bigint[] language sql immutable parallel safe
return case when more = '{}' then times
            when cardinality(times) + cardinality(more) > 200 then add_up_times(times || more)
            else times || more end;

-- The buckets of the median and of the 95th percentile (the nearest rank); null where there are no times.
create function percentiles_of(times bigint[]) returns integer[] language sql immutable parallel safe
return (select array[min(r.bucket) filter (where r.up_to * 2 >= r.total),
                     min(r.bucket) filter (where r.up_to * 100 >= r.total * 95)]
        from (select t.bucket, sum(t.n) over (order by t.bucket) as up_to, sum(t.n) over () as total
              from (select (c & 255)::integer as bucket, sum(c >> 8)::bigint as n
                    from unnest(times) as u (c) group by 1) t
              where t.n <> 0) r);

-- The times of several rows.
create aggregate all_times(bigint[]) (sfunc = array_cat, stype = bigint[], initcond = '{}', parallel = safe);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
