-- The gateway's history: what it did in each minute, and what waited at its end.

-- name: begin_minute^
-- Takes the writing of the minute that is over, if no worker has: since when nothing is written, and until when.
update gateway_history h set written_to = date_trunc('minute', now())
where h.written_to < date_trunc('minute', now())
returning old.written_to as since, new.written_to as until;

-- name: write_minute_answers!
-- Writes what was answered since the last time as the minute before :until, and that it is written.
with grown as materialized (
    select g.relay, g.lane, g.cause, g.quarter, g.accepted, g.deferred, g.refused
    from uncounted_answers(:since::timestamptz) g
), minute_written as (
    insert into gateway_minute (minute) values (:until::timestamptz - interval '1 minute') on conflict do nothing
), answers_written as (
    insert into gateway_minute_answers as a (minute, relay, lane, cause, accepted, deferred, refused)
    select :until::timestamptz - interval '1 minute', g.relay, g.lane, g.cause, sum(g.accepted), sum(g.deferred),
           sum(g.refused)
    from grown g group by g.relay, g.lane, g.cause
    on conflict (minute, relay, lane, cause) do update
    set accepted = a.accepted + excluded.accepted, deferred = a.deferred + excluded.deferred,
        refused = a.refused + excluded.refused
)
insert into counted_answers as c (relay, lane, cause, quarter, accepted, deferred, refused)
select g.relay, g.lane, g.cause, g.quarter, g.accepted, g.deferred, g.refused from grown g
on conflict (quarter, relay, lane, cause) do update
set accepted = c.accepted + excluded.accepted, deferred = c.deferred + excluded.deferred,
    refused = c.refused + excluded.refused;

-- name: write_minute_lanes!
-- Writes what waited in each lane at the end of the minute before :until, and how many were tried in it, or since the
-- last time. Campaigns are one lane, named :campaigns.
with tried as (
    select case when l.campaign_id is null and l.id is not null then l.name else :campaigns::text end as lane,
           sum(p.attempts) as attempts
    from lane_throughput p left join lane l on l.id = p.lane_id
    where p.minute >= :since::timestamptz and p.minute < :until::timestamptz
    group by 1
)
insert into gateway_minute_lane (minute, lane, depth, oldest_seconds, attempts)
select :until::timestamptz - interval '1 minute', t.lane, t.depth, t.oldest_seconds, coalesce(a.attempts, 0)
from unnest(:lanes::text[], :depths::bigint[], :oldest_seconds::bigint[]) as t(lane, depth, oldest_seconds)
left join tried a on a.lane = t.lane
on conflict do nothing;

-- name: forget_minutes$
-- Deletes minutes after two days and a quarter of an hour, of which a day's first quarter is made, with what is told of
-- them; :batch at most. Returns how many.
with gone as (
    delete from gateway_minute t
    where t.ctid = any(array(select o.ctid from gateway_minute o where o.minute < now() - interval '2 days 15 minutes'
                             limit :batch::integer for update skip locked))
    returning 1
)
select count(*) from gone;

-- name: forget_counted_answers$
-- Deletes what of the tallies was counted for good, :batch at most: nothing of their quarters of an hour comes any more.
-- Returns how many.
with gone as (
    delete from counted_answers t
    where t.ctid = any(array(select o.ctid from counted_answers o where o.quarter < :since::timestamptz - interval '1 hour'
                             limit :batch::integer for update skip locked))
    returning 1
)
select count(*) from gone;

-- name: forget_answer_tally$
-- The same of the tally of answers, which nothing else reads.
with gone as (
    delete from answer_tally t
    where t.ctid = any(array(select o.ctid from answer_tally o where o.quarter < :since::timestamptz - interval '1 hour'
                             limit :batch::integer for update skip locked))
    returning 1
)
select count(*) from gone;

-- name: gateway_answers
-- What was answered in each span of :width from :since on, by relay, lane and cause, with what is not in the history yet:
-- that is of the minute under way.
select date_bin(:width::interval, a.minute, timestamptz 'epoch') as started_at, a.relay, a.lane, a.cause,
       sum(a.accepted)::bigint as accepted, sum(a.deferred)::bigint as deferred, sum(a.refused)::bigint as refused
from (
    select m.minute, m.relay, m.lane, m.cause, m.accepted, m.deferred, m.refused
    from gateway_minute_answers m where m.minute >= :since::timestamptz
    union all
    select date_trunc('minute', now()), u.relay, u.lane, u.cause, u.accepted, u.deferred, u.refused
    from gateway_history h cross join lateral uncounted_answers(h.written_to) u
) a
group by 1, a.relay, a.lane, a.cause
order by 1, a.relay, a.lane, a.cause;

-- name: gateway_lanes
-- What waited in each lane at the end of each span of :width from :since on, and how many were tried in it, with what is
-- not in the history yet: that is of the minute under way, of which only the tries are known here.
with running as (
    select case when l.campaign_id is null and l.id is not null then l.name else :campaigns::text end as lane,
           sum(p.attempts) as attempts
    from gateway_history h
    join lane_throughput p on p.minute >= h.written_to
    left join lane l on l.id = p.lane_id
    group by 1
)
select date_bin(:width::interval, m.minute, timestamptz 'epoch') as started_at, m.lane,
       coalesce((array_agg(m.depth order by m.minute desc))[1], 0) as depth,
       coalesce((array_agg(m.oldest_seconds order by m.minute desc))[1], 0) as oldest_seconds,
       sum(m.attempts)::bigint as attempts
from (
    select w.minute, w.lane, w.depth, w.oldest_seconds, w.attempts
    from gateway_minute_lane w where w.minute >= :since::timestamptz
    union all
    select date_trunc('minute', now()), r.lane, null, null, r.attempts from running r
) m
group by 1, m.lane
order by 1, m.lane;
