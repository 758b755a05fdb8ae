-- migrate:up

-- When the relays that a mail may leave by can be used: -infinity now, infinity when a person must resume one, null
-- when no worker has shown itself lately. The soonest of several counts.
create function relay_opens_at(bound text) returns timestamptz language sql stable as $$
    select min(case when r.stopped_at is not null then 'infinity'::timestamptz
                    when r.paused_until > now() then r.paused_until
                    when r.day = (now() at time zone 'utc')::date
                         and r.day_count >= day_cap(r.per_day, r.warm_up_from, r.warm_up_start, r.warm_up_factor, r.day)
                        then date_trunc('day', now(), 'UTC') + interval '1 day'
                    -- A permit or two away is its turn; only a queue at the limit is worth a word.
                    when r.next_permit_at > now() + interval '1 second' then r.next_permit_at
                    else '-infinity'::timestamptz end)
    from relay r
    where (bound is null or r.name = bound) and r.seen_at > now() - interval '5 minutes'
$$;

-- Why they cannot be used now, in words.
create function relay_closed_why(bound text) returns text language sql stable as $$
    select case when bool_and(r.stopped_at is not null) then 'The relay is stopped: ' || min(r.stopped_why)
                when bool_and(r.stopped_at is not null or r.paused_until > now())
                    then 'The relay is paused: ' || min(r.paused_why)
                else 'Its turn under the relay''s limit' end
    from relay r
    where (bound is null or r.name = bound) and r.seen_at > now() - interval '5 minutes'
$$;

-- Why an undecided message waits, in plain words, and until when. It replaces the first version: a mail may also wait
-- for a relay, and nobody knows until when a lane is paused. Left joins only, so that the planner drops what a query
-- does not read.
create or replace view message_wait as
select o.customer_id, o.message_id as id,
       case when o.lease_until > now() or l.paused_at is not null or relay_opens_at(o.bound_relay) = 'infinity' then null
            else greatest(o.due_at, d.paused_until, nullif(relay_opens_at(o.bound_relay), '-infinity')) end
           as next_attempt_at,
       case when o.handed_off_at is not null then 'The mail server''s answer'
            when o.lease_until > now() then 'A free connection'
            when l.paused_at is not null then 'The lane is paused: ' || l.paused_why
            when d.paused_until > now() then 'The destination is paused: ' || d.paused_why
            when relay_opens_at(o.bound_relay) > now() then relay_closed_why(o.bound_relay)
            when o.due_at > now() and o.attempt > 1 and not o.rate_counted then 'The next attempt'
            when o.due_at > now() and o.scheduled then 'Its turn under the destination''s limit'
            when o.attempt > 1 then 'The next attempt'
            else 'Its turn in the lane' end as waits_for
from outbox o
left join lane l on l.id = o.lane_id
left join destination d on d.domain = o.domain
where o.recipient_no = 0;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
