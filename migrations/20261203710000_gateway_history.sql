-- migrate:up

-- Answers that a server gave other than "accepted", which `relay_tally` counts: how many said later or no, by cause, by
-- relay and lane (campaigns are one), a row a quarter of an hour and shard. Written with the outcomes, and with these
-- alone: mail that is accepted costs nothing here.
create table answer_tally (
    relay text not null,
    lane text not null,
    cause cause,
    quarter timestamptz not null,
    shard smallint not null,
    deferred bigint not null,
    refused bigint not null,
    unique nulls not distinct (quarter, relay, lane, cause, shard)
) with (fillfactor = 50);

-- The gateway's history: what it did in each minute, kept two days. One worker writes it, when the minute is over, by
-- what the tallies have grown since the last time: every answer is in it once.
create table gateway_minute (
    minute timestamptz primary key
);
create table gateway_minute_answers (
    minute timestamptz not null references gateway_minute on delete cascade,
    relay text not null,
    lane text,
    cause cause,
    accepted bigint not null,
    deferred bigint not null,
    refused bigint not null,
    unique nulls not distinct (minute, relay, lane, cause)
);
create table gateway_minute_lane (
    minute timestamptz not null references gateway_minute on delete cascade,
    lane text not null,
    depth bigint not null check (depth >= 0),
    oldest_seconds bigint not null check (oldest_seconds >= 0),
    attempts bigint not null check (attempts >= 0),
    primary key (minute, lane)
);

-- What of the tallies is in the history already.
create table counted_answers (
    relay text not null,
    lane text,
    cause cause,
    quarter timestamptz not null,
    accepted bigint not null,
    deferred bigint not null,
    refused bigint not null,
    unique nulls not distinct (quarter, relay, lane, cause)
);
insert into counted_answers (relay, quarter, accepted, deferred, refused)
select t.relay, t.quarter, sum(t.accepted), 0, 0 from relay_tally t group by t.relay, t.quarter;

create table gateway_history (
    only_row boolean primary key default true check (only_row),
    written_to timestamptz not null
);
insert into gateway_history (written_to) values (date_trunc('minute', now()));

-- What the tallies have grown since they were last counted, then or later: a quarter of an hour is written to while it
-- lasts and for as long as the last outcomes of it take, far less than another.
create function uncounted_answers(counted_to timestamptz)
returns table (relay text, lane text, cause cause, quarter timestamptz, accepted bigint, deferred bigint,
               refused bigint)
language sql stable as $$
    select g.relay, g.lane, g.cause, g.quarter, g.accepted - coalesce(c.accepted, 0),
           g.deferred - coalesce(c.deferred, 0), g.refused - coalesce(c.refused, 0)
    from (
        select t.relay, null::text as lane, null::cause as cause, t.quarter, sum(t.accepted)::bigint as accepted,
               0::bigint as deferred, 0::bigint as refused
        from relay_tally t where t.quarter >= counted_to - interval '30 minutes' group by t.relay, t.quarter
        union all
        select a.relay, a.lane, a.cause, a.quarter, 0, sum(a.deferred)::bigint, sum(a.refused)::bigint
        from answer_tally a where a.quarter >= counted_to - interval '30 minutes'
        group by a.relay, a.lane, a.cause, a.quarter
    ) g
    left join counted_answers c on c.quarter = g.quarter and c.relay = g.relay and c.lane is not distinct from g.lane
        and c.cause is not distinct from g.cause
    where (g.accepted, g.deferred, g.refused)
          is distinct from (coalesce(c.accepted, 0), coalesce(c.deferred, 0), coalesce(c.refused, 0))
$$;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
