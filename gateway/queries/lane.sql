-- Lanes: depth, pauses, throughput.

-- name: lane_depths
-- Every lane: how much waits in it (counted up to :limit, `deeper` then), what is next due and for how long it has been,
-- and its attempts a second over the last full minute and the running one.
with lane_now as (
    select l.id, l.name, l.campaign_id, c.title as campaign_title, l.priority, l.paused_at, l.paused_why,
           (select count(*) from (select from outbox o where o.lane_id = l.id limit :limit::integer) counted) as depth,
           least((select b.due_at from outbox b where b.lane_id = l.id and b.scheduled
                  order by b.due_at, b.message_id limit 1),
                 (select b.due_at from outbox b where b.lane_id = l.id and not b.scheduled
                  order by b.due_at, b.message_id limit 1)) as next_due_at
    from lane l left join campaign c on c.id = l.campaign_id
    order by l.priority, l.id
    limit 500
), attempted as (
    select p.lane_id, sum(p.attempts)
           / extract(epoch from now() - date_trunc('minute', now()) + interval '1 minute') as rate
    from lane_throughput p
    where p.minute >= date_trunc('minute', now()) - interval '1 minute'
    group by p.lane_id
)
select n.name, n.campaign_id, n.campaign_title, n.priority, n.paused_at, n.paused_why, n.depth,
       n.depth >= :limit::integer as deeper, coalesce(a.rate, 0)::float8 as rate, n.next_due_at,
       coalesce(greatest(0, extract(epoch from now() - n.next_due_at)), 0)::float8 as oldest_seconds
from lane_now n left join attempted a on a.lane_id = n.id
order by n.priority, n.id;

-- name: note_throughput!
-- Adds a worker's attempts since its last report, a row a lane and minute.
insert into lane_throughput (lane_id, worker, minute, attempts)
select t.lane_id, :worker, date_trunc('minute', now()), t.attempts
from unnest(:lane_ids::integer[], :attempts::bigint[]) as t(lane_id, attempts)
order by t.lane_id
on conflict (lane_id, worker, minute) do update set attempts = lane_throughput.attempts + excluded.attempts;

-- name: forget_throughput$
-- Deletes counts too old for a rate of the last minutes, :batch at most; returns how many.
with gone as (
    delete from lane_throughput t
    where t.ctid = any(array(select o.ctid from lane_throughput o where o.minute < now() - interval '10 minutes'
                             limit :batch::integer for update skip locked))
    returning 1
)
select count(*) from gone;

-- name: note_domain_throughput!
-- Adds a worker's attempts since its last report, a row a destination domain and minute.
insert into domain_throughput (domain, worker, minute, attempts)
select t.domain, :worker, date_trunc('minute', now()), t.attempts
from unnest(:domains::text[], :attempts::bigint[]) as t(domain, attempts)
order by t.domain
on conflict (domain, worker, minute) do update set attempts = domain_throughput.attempts + excluded.attempts;

-- name: forget_domain_throughput$
-- Deletes counts of domains too old for their rate, :batch at most; returns how many. There are many domains.
with gone as (
    delete from domain_throughput t
    where t.ctid = any(array(select o.ctid from domain_throughput o where o.minute < now() - interval '3 minutes'
                             limit :batch::integer for update skip locked))
    returning 1
)
select count(*) from gone;

-- name: domain_depths
-- The domains that most mail waits for, counted over the first :limit rows: how much, at which rate it goes (attempts a
-- second, over the last full minute and the running one), what is due next, and a pause.
with waiting as (
    select t.domain, count(*) as depth, min(t.due_at) as next_due_at
    from (select o.domain, o.due_at from outbox o limit :limit::integer) t
    group by t.domain order by count(*) desc, t.domain limit 100
)
select w.domain, w.depth, w.next_due_at, domain_rate(w.domain) as rate,
       case when d.stopped_at is null
            then nullif(greatest(d.paused_until, d.person_paused_until), 'infinity') end as paused_until,
       coalesce(d.stopped_why, case when d.person_paused_until > now() then d.person_paused_why else d.paused_why end)
           as paused_why
from waiting w
left join destination d on d.domain = w.domain
    and (d.paused_until > now() or d.person_paused_until > now() or d.stopped_at is not null)
order by w.depth desc, w.domain;

-- name: pause_lane$
-- Pauses a lane: once this is committed, nothing more is handed off from it. Returns its id unless it was paused.
update lane set paused_at = now(), paused_why = :why where name = :name and paused_at is null
returning id;

-- name: resume_lane$
-- Resumes a lane; returns its id.
update lane set paused_at = null, paused_why = null where name = :name
returning id;

-- name: find_lane^
-- A lane by its name.
select id, name, campaign_id, paused_at, paused_why from lane where name = :name;
