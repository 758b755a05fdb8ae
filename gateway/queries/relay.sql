-- Relays: their limits, what pauses or stops them, and the responses that did.

-- name: register_relays!
-- Writes the configured relays with their limits. Limits that a person set stay in force before them. Pauses, counts and
-- stops stay: they belong to the relay.
insert into relay (name, min_interval, per_day, warm_up_from, warm_up_start, warm_up_factor, configured_min_interval,
                   configured_per_day, configured_warm_up_start, configured_warm_up_factor, seen_at)
select t.name, t.min_interval, t.per_day, case when t.warm_up_start is not null then utc_today() end, t.warm_up_start,
       t.warm_up_factor, t.min_interval, t.per_day, t.warm_up_start, t.warm_up_factor, now()
from (select u.name, u.min_interval, u.per_day, u.warm_up_start,
             case when u.warm_up_start is not null then u.warm_up_factor end as warm_up_factor
      from unnest(:names::text[], :min_intervals::interval[], :per_days::integer[], :warm_up_starts::integer[],
                  :warm_up_factors::numeric[]) as u(name, min_interval, per_day, warm_up_start, warm_up_factor)) t
order by t.name
on conflict (name) do update
set configured_min_interval = excluded.configured_min_interval, configured_per_day = excluded.configured_per_day,
    configured_warm_up_start = excluded.configured_warm_up_start,
    configured_warm_up_factor = excluded.configured_warm_up_factor,
    min_interval = case when relay.limited_by is null then excluded.min_interval else relay.min_interval end,
    per_day = case when relay.limited_by is null then excluded.per_day else relay.per_day end,
    warm_up_start = case when relay.limited_by is null then excluded.warm_up_start else relay.warm_up_start end,
    warm_up_factor = case when relay.limited_by is null then excluded.warm_up_factor else relay.warm_up_factor end,
    warm_up_from = case when relay.limited_by is not null then relay.warm_up_from
                        when excluded.warm_up_start is null then null
                        else coalesce(relay.warm_up_from, excluded.warm_up_from) end,
    seen_at = now();

-- name: relay_exists$
-- Whether there is such a relay.
select exists (select from relay r where r.name = :name);

-- name: limit_relay$
-- Sets a relay's limits by a person's decision; nulls lift them. With :as_configured those of RELAY_URL are in force
-- again. A warm-up with another start or factor than the one under way starts today. The permits start again now, and
-- what the relay took today counts, whether it had a limit or not. Returns its name, nothing where there is none.
update relay r
set min_interval = l.min_interval, per_day = l.per_day, warm_up_start = l.warm_up_start,
    warm_up_factor = l.warm_up_factor,
    warm_up_from = case when l.warm_up_start is null then null
                        when (l.warm_up_start, l.warm_up_factor) = (r.warm_up_start, r.warm_up_factor)
                            then r.warm_up_from
                        else utc_today() end,
    next_permit_at = null, day = utc_today(),
    day_count = greatest(sent_today(r.day, r.day_count),
                         (select coalesce(sum(t.accepted), 0)::integer from relay_tally t
                          where t.relay = r.name and t.quarter >= utc_tomorrow() - interval '1 day')),
    limited_by = case when not :as_configured::boolean then :actor end,
    limited_at = case when not :as_configured::boolean then now() end
from (
    select c.name,
           case when :as_configured::boolean then c.configured_min_interval else :min_interval::interval end
               as min_interval,
           case when :as_configured::boolean then c.configured_per_day else :per_day::integer end as per_day,
           case when :as_configured::boolean then c.configured_warm_up_start else :warm_up_start::integer end
               as warm_up_start,
           case when :as_configured::boolean then c.configured_warm_up_factor else :warm_up_factor::numeric end
               ::numeric(4,2) as warm_up_factor
    from relay c where c.name = :name for update
) l
where r.name = l.name
returning r.name;

-- name: see_relays!
-- Notes that a living worker uses these relays.
update relay set seen_at = now() where name = any(:names::text[]) and seen_at < now() - interval '1 second';

-- name: relay_states
-- Every relay: whether it may be used, until when not and why, its limits, and when a worker last registered it. While a
-- person's pause lasts it is the one that is shown, until the later of both ends; no end is one that nobody knows.
select r.name, r.pause_step, r.stopped_at, r.stopped_why, r.seen_at, r.min_interval, r.per_day, r.next_permit_at,
       r.warm_up_start, r.warm_up_factor, r.warm_up_from, r.limited_by, r.limited_at,
       sent_today(r.day, r.day_count) as sent_today,
       cap_today(r.per_day, r.warm_up_from, r.warm_up_start, r.warm_up_factor) as cap_today,
       p.is_by_person or coalesce(r.paused_until > now(), false) as paused,
       nullif(case when p.is_by_person then greatest(r.paused_until, r.person_paused_until) else r.paused_until end,
              'infinity') as paused_until,
       case when p.is_by_person then r.person_paused_why else r.paused_why end as paused_why,
       case when p.is_by_person then r.person_paused_by end as paused_by,
       now() as read_at, utc_tomorrow() as tomorrow
from relay r
cross join lateral (select coalesce(r.person_paused_until > now(), false) as is_by_person) p
order by r.name;

-- name: accepted_today
-- How many recipients each relay took since midnight of a time zone; relays that took none are left out.
select t.relay, sum(t.accepted)::integer as accepted
from relay_tally t
where t.quarter >= date_trunc('day', now(), :time_zone)
group by t.relay;

-- name: forget_relay_tally$
-- Deletes counts of days that are over in every time zone, :batch at most; returns how many.
with gone as (
    delete from relay_tally t
    where t.ctid = any(array(select o.ctid from relay_tally o where o.quarter < now() - interval '3 days'
                             limit :batch::integer for update skip locked))
    returning 1
)
select count(*) from gone;

-- name: take_relay_permits$
-- Takes up to :wanted of a relay's permits: those its rate allows by now, within what is left of its day. At most a
-- second's worth of unused permits is kept, so that an idle hour does not become a burst. Returns how many.
update relay r
set next_permit_at = case when r.min_interval is null then r.next_permit_at
                          else t.first_permit_at + t.granted * r.min_interval end,
    day = t.today, day_count = t.used + t.granted
from (
    select s.name, s.first_permit_at, s.today, s.used, s.cap,
           greatest(0, least(:wanted::integer, coalesce(s.cap - s.used, :wanted::integer),
               case when s.min_interval is null then :wanted::integer
                    when s.first_permit_at > now() then 0
                    else 1 + floor(extract(epoch from now() - s.first_permit_at)
                                   / extract(epoch from s.min_interval))::integer
               end)) as granted
    from (select name, min_interval, utc_today() as today,
                 greatest(coalesce(next_permit_at, now()), now() - interval '1 second') as first_permit_at,
                 sent_today(day, day_count) as used,
                 cap_today(per_day, warm_up_from, warm_up_start, warm_up_factor) as cap
          from relay where name = :name for update) s
) t
where r.name = t.name
returning t.granted;

-- name: return_relay_permits!
-- Returns permits by which no mail was sent: none was found, or it was not sent. A new day has used none of them.
update relay
set next_permit_at = next_permit_at - :unused::integer * min_interval,
    day_count = case when day = ((now() - :taken_ago::interval) at time zone 'utc')::date
                     then greatest(0, day_count - :unused::integer) else day_count end
where name = :name;

-- name: pause_relay$
-- Pauses a relay, one step longer than last time; returns until when, or nothing if it is paused already.
update relay
set paused_until = now() + :wait::interval, paused_why = :why, pause_step = least(pause_step + 1, 1000)
where name = :name and (paused_until is null or paused_until <= now())
returning paused_until;

-- name: stop_relay$
-- Stops a relay until a person resumes it, after a refused login or many equal refusals. Returns when, or nothing if
-- it is stopped already.
update relay set stopped_at = now(), stopped_why = :why where name = :name and stopped_at is null
returning stopped_at;

-- name: relay_works!
-- Ends the trouble of a relay that took mail: the next starts at the first step. A pause that still lasts stays.
update relay set pause_step = 0, paused_until = null, paused_why = null
where name = :name and pause_step > 0 and (paused_until is null or paused_until <= now());

-- name: pause_relay_by_person^
-- Pauses a relay by a person's decision, or changes that pause; the gateway's own pause or stop stays beside it.
-- Returns until when mail that waits for it was put off before, if that is known, and whether that is later than now;
-- nothing where there is no such relay.
update relay
set person_paused_until = coalesce(:until::timestamptz, 'infinity'), person_paused_why = :why,
    person_paused_by = :actor
where name = :name
returning nullif(greatest(old.paused_until, old.person_paused_until), 'infinity') as paused_until,
          coalesce(old.person_paused_until > new.person_paused_until, false) as is_shortened;

-- name: resume_relay^
-- Ends every pause and stop of a relay by a person's decision; returns until when it was paused, if it is known.
update relay
set stopped_at = null, stopped_why = null, paused_until = null, paused_why = null, pause_step = 0,
    person_paused_until = null, person_paused_why = null, person_paused_by = null
where name = :name
returning nullif(greatest(old.paused_until, old.person_paused_until), 'infinity') as paused_until;

-- name: insert_relay_event!
-- Records a relay's or destination's trouble, with the server's own response, or what a person ordered.
insert into relay_event (relay, domain, kind, stage, code, response, until, actor)
values (:relay, :domain, :kind, :stage, :code, :response, :until, :actor);

-- name: relay_events
-- The newest events of each of these relays, newest first.
select e.relay, e.id, e.domain, e.kind, e.stage, e.code, e.response, e.until, e.actor,
       uuid_extract_timestamp(e.id) as occurred_at
from unnest(:relays::text[]) as wanted (relay)
cross join lateral (
    select n.relay, n.id, n.domain, n.kind, n.stage, n.code, n.response, n.until, n.actor
    from relay_event n where n.relay = wanted.relay order by n.id desc limit :limit::integer
) e
order by e.id desc;

-- name: destination_events
-- The newest events of each of these domains, by whatever relay, newest first.
select e.relay, e.id, e.domain, e.kind, e.stage, e.code, e.response, e.until, e.actor,
       uuid_extract_timestamp(e.id) as occurred_at
from unnest(:domains::text[]) as wanted (domain)
cross join lateral (
    select n.relay, n.id, n.domain, n.kind, n.stage, n.code, n.response, n.until, n.actor
    from relay_event n where n.domain = wanted.domain order by n.id desc limit :limit::integer
) e
order by e.id desc;
