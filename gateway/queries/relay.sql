-- Relays: their limits, what pauses or stops them, and the responses that did.

-- name: register_relays!
-- Writes the configured relays with their limits. Pauses, counts and stops stay: they belong to the relay.
insert into relay (name, min_interval, per_day, warm_up_from, warm_up_start, warm_up_factor, seen_at)
select t.name, t.min_interval, t.per_day,
       case when t.warm_up_start is not null then utc_today() end, t.warm_up_start,
       case when t.warm_up_start is not null then t.warm_up_factor end, now()
from unnest(:names::text[], :min_intervals::interval[], :per_days::integer[], :warm_up_starts::integer[],
            :warm_up_factors::numeric[]) as t(name, min_interval, per_day, warm_up_start, warm_up_factor)
order by t.name
on conflict (name) do update
set min_interval = excluded.min_interval, per_day = excluded.per_day, warm_up_start = excluded.warm_up_start,
    warm_up_factor = excluded.warm_up_factor,
    warm_up_from = case when excluded.warm_up_start is null then null
                        else coalesce(relay.warm_up_from, excluded.warm_up_from) end,
    seen_at = now();

-- name: see_relays!
-- Notes that a living worker uses these relays.
update relay set seen_at = now() where name = any(:names::text[]) and seen_at < now() - interval '1 second';

-- name: relay_states
-- Every relay: whether it may be used, until when not and why, its limits, and when a worker last registered it.
select r.name, r.paused_until, r.paused_why, r.pause_step, r.stopped_at, r.stopped_why, r.seen_at, r.min_interval,
       r.per_day, r.next_permit_at, sent_today(r.day, r.day_count) as sent_today,
       cap_today(r.per_day, r.warm_up_from, r.warm_up_start, r.warm_up_factor) as cap_today,
       r.paused_until > now() as paused, now() as read_at, utc_tomorrow() as tomorrow
from relay r
order by r.name;

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

-- name: resume_relay^
-- Resumes a paused or stopped relay by a person's decision; returns until when it was paused, if it is known.
update relay
set stopped_at = null, stopped_why = null, paused_until = null, paused_why = null, pause_step = 0
where name = :name
returning old.paused_until as paused_until;

-- name: insert_relay_event!
-- Records a relay's or destination's trouble, with the server's own response.
insert into relay_event (relay, domain, kind, stage, code, response, until)
values (:relay, :domain, :kind, :stage, :code, :response, :until);

-- name: relay_events
-- The newest events of each of these relays, newest first.
select e.relay, e.id, e.domain, e.kind, e.stage, e.code, e.response, e.until
from unnest(:relays::text[]) as wanted (relay)
cross join lateral (
    select n.relay, n.id, n.domain, n.kind, n.stage, n.code, n.response, n.until
    from relay_event n where n.relay = wanted.relay order by n.id desc limit :limit::integer
) e
order by e.id desc;
