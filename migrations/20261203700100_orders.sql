-- migrate:up

-- A person's pause of a relay or destination lies beside the gateway's own: neither shortens the other, and no mail
-- that goes ends it. Infinity is until a person resumes it.
alter table relay
    add column person_paused_until timestamptz,
    add column person_paused_why text check (length(person_paused_why) between 1 and 500),
    add column person_paused_by text,
    add check ((person_paused_until is null) = (person_paused_why is null)
               and (person_paused_until is null) = (person_paused_by is null));
alter table destination
    add column person_paused_until timestamptz,
    add column person_paused_why text check (length(person_paused_why) between 1 and 500),
    add column person_paused_by text,
    add check ((person_paused_until is null) = (person_paused_why is null)
               and (person_paused_until is null) = (person_paused_by is null));

-- What every worker asks a few times a second: mostly there are none.
create index destination_paused_by_person_idx on destination (person_paused_until)
    where person_paused_until is not null;

-- A relay's limits in force are those of RELAY_URL, unless a person set others: then who did and when, and those of
-- RELAY_URL are kept beside them, for the day the person gives them up.
alter table relay
    add column limited_by text,
    add column limited_at timestamptz,
    add column configured_min_interval interval,
    add column configured_per_day integer,
    add column configured_warm_up_start integer,
    add column configured_warm_up_factor numeric(4,2),
    add check ((limited_by is null) = (limited_at is null));
update relay set configured_min_interval = min_interval, configured_per_day = per_day,
    configured_warm_up_start = warm_up_start, configured_warm_up_factor = warm_up_factor;

-- What a person orders is in the same history as trouble: of a relay, or of a destination whatever the relay.
alter table relay_event
    alter column relay drop not null,
    add column actor text,
    add check (relay is not null or domain is not null);
create index relay_event_relay_idx on relay_event (relay, id);
create index relay_event_domain_idx on relay_event (domain, id) where domain is not null;

create or replace function is_restricted(d destination) returns boolean language sql stable parallel safe as $$
    select d.min_interval is not null or d.per_day is not null or d.warm_up_from is not null
        or d.connections is not null or d.pause_step > 0 or coalesce(d.paused_until > now(), false)
        or coalesce(d.person_paused_until > now(), false) or d.stopped_at is not null
$$;

create or replace function relay_opens_at(bound text) returns timestamptz language sql stable as $$
    select min(case when r.stopped_at is not null then 'infinity'::timestamptz
                    when greatest(r.paused_until, r.person_paused_until) > now()
                        then greatest(r.paused_until, r.person_paused_until)
                    when sent_today(r.day, r.day_count)
                         >= cap_today(r.per_day, r.warm_up_from, r.warm_up_start, r.warm_up_factor) then utc_tomorrow()
                    -- A permit or two away is a turn in the lane; only a queue at the limit is worth showing.
                    when r.next_permit_at > now() + interval '1 second' then r.next_permit_at
                    else '-infinity'::timestamptz end)
    from relay r
    where (bound is null or r.name = bound) and r.seen_at > now() - interval '5 minutes'
$$;

create or replace function relay_closed_why(bound text) returns text language sql stable as $$
    select case when bool_and(r.stopped_at is not null) then 'The relay is stopped: ' || min(r.stopped_why)
                when bool_and(r.stopped_at is not null
                              or coalesce(greatest(r.paused_until, r.person_paused_until) > now(), false))
                    then 'The relay is paused: ' || coalesce(
                        min(r.person_paused_why) filter (where r.person_paused_until > now()), min(r.paused_why))
                else 'Its turn under the relay''s limit' end
    from relay r
    where (bound is null or r.name = bound) and r.seen_at > now() - interval '5 minutes'
$$;

create or replace view message_wait as
select o.customer_id, o.message_id as id,
       case when o.lease_until > now() or l.paused_at is not null or d.stopped_at is not null
                 or d.person_paused_until = 'infinity' or relay_opens_at(o.bound_relay) = 'infinity'
            then null
            else greatest(o.due_at, d.paused_until, d.person_paused_until,
                          nullif(relay_opens_at(o.bound_relay), '-infinity'))
       end as next_attempt_at,
       case when o.handed_off_at is not null then 'The mail server''s answer'
            when o.lease_until > now() then 'A free connection'
            when l.paused_at is not null then 'The lane is paused: ' || l.paused_why
            when d.stopped_at is not null then 'The destination is stopped: ' || d.stopped_why
            when d.person_paused_until > now() then 'The destination is paused: ' || d.person_paused_why
            when d.paused_until > now() then 'The destination is paused: ' || d.paused_why
            when relay_opens_at(o.bound_relay) > now() then relay_closed_why(o.bound_relay)
            when o.due_at > now() and o.attempt > 1 and not o.rate_counted then 'The next attempt'
            when o.due_at > now() and o.scheduled then 'Its turn under the destination''s limit'
            when o.attempt > 1 then 'The next attempt'
            else 'Its turn in the lane'
       end as waits_for
from outbox o
left join lane l on l.id = o.lane_id
left join destination d on d.domain = o.domain
where o.recipient_no = 0;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
