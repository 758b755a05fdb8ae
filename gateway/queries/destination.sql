-- Destination domains: limits, warm-up, pauses.

-- name: pause_destination$
-- Pauses a destination, one step longer than last time; returns until when, or nothing if it is paused already.
insert into destination (domain, paused_until, paused_why, pause_step)
values (:domain, now() + :wait::interval, :why, 1)
on conflict (domain) do update
set paused_until = excluded.paused_until, paused_why = excluded.paused_why,
    pause_step = least(destination.pause_step + 1, 1000)
where destination.paused_until is null or destination.paused_until <= now()
returning paused_until;

-- name: stop_destination$
-- Stops a destination until a person resumes it. Returns when, or nothing if it is stopped already.
insert into destination (domain, stopped_at, stopped_why) values (:domain, now(), :why)
on conflict (domain) do update
set stopped_at = excluded.stopped_at, stopped_why = excluded.stopped_why
where destination.stopped_at is null
returning stopped_at;

-- name: destination_step$
-- How often in a row a destination was paused.
select pause_step from destination where domain = :domain;

-- name: destination_works
-- Ends the trouble of destinations that took mail: rows without limits are deleted, the others start at the first step.
with working as (
    select domain, min_interval is null and per_day is null and connections is null and warm_up_from is null
             and stopped_at is null and person_paused_until is null as bare
    from destination
    where domain = any(:domains::text[]) and pause_step > 0 and (paused_until is null or paused_until <= now())
    order by domain for update skip locked
), deleted as (
    delete from destination d using working w where d.domain = w.domain and w.bare
)
update destination d set pause_step = 0, paused_until = null, paused_why = null
from working w where d.domain = w.domain and not w.bare
returning d.domain;

-- name: resume_destination^
-- Ends every pause and stop by a person's decision: a row without limits is deleted. Returns until when mail that waits
-- for it was put off, if that is known; nothing for a domain without a row.
with found as (
    select f.domain, f.min_interval is null and f.per_day is null and f.connections is null
             and f.warm_up_from is null as bare,
           nullif(greatest(f.paused_until, f.person_paused_until), 'infinity') as paused_until
    from destination f where f.domain = :domain for update
), deleted as (
    delete from destination d using found f where d.domain = f.domain and f.bare
), resumed as (
    update destination d
    set stopped_at = null, stopped_why = null, paused_until = null, paused_why = null, pause_step = 0,
        person_paused_until = null, person_paused_why = null, person_paused_by = null
    from found f where d.domain = f.domain and not f.bare
)
select f.paused_until from found f;

-- name: pause_destination_by_person^
-- Pauses a destination by a person's decision, or changes that pause; the gateway's own pause or stop stays beside it.
-- Returns until when mail that waits for it was put off before, if that is known, and whether that is later than now.
insert into destination (domain, person_paused_until, person_paused_why, person_paused_by)
values (:domain, coalesce(:until::timestamptz, 'infinity'), :why, :actor)
on conflict (domain) do update
set person_paused_until = excluded.person_paused_until, person_paused_why = excluded.person_paused_why,
    person_paused_by = excluded.person_paused_by
returning nullif(greatest(old.paused_until, old.person_paused_until), 'infinity') as paused_until,
          coalesce(old.person_paused_until > new.person_paused_until, false) as is_shortened;

-- name: destinations_paused_by_persons
-- Domains that a person has paused now: what is on its way to them is called back.
select d.domain from destination d
where d.person_paused_until is not null and d.person_paused_until > now()
limit 10000;

-- name: limit_destination!
-- Sets a domain's limits; nulls lift them. Warm-up starts today unless it has started. The permits start again now.
insert into destination (domain, min_interval, per_day, connections, warm_up_from, warm_up_start, warm_up_factor)
values (:domain, :min_interval, :per_day, :connections,
        case when :warm_up_start::integer is not null then utc_today() end,
        :warm_up_start::integer, :warm_up_factor)
on conflict (domain) do update
set min_interval = excluded.min_interval, per_day = excluded.per_day, connections = excluded.connections,
    next_permit_at = null, warm_up_start = excluded.warm_up_start, warm_up_factor = excluded.warm_up_factor,
    warm_up_from = case when excluded.warm_up_start is null then null
                        else coalesce(destination.warm_up_from, excluded.warm_up_from) end;

-- name: destinations
-- Every domain that is limited, stopped or paused now, by name: one whose pause is over has a row until it takes mail.
-- While a person's pause lasts it is the one that is shown, until the later of both ends.
select d.domain, d.min_interval, d.per_day, d.connections, d.stopped_at, d.stopped_why, d.next_permit_at,
       nullif(case when d.person_paused_until > now() then greatest(d.paused_until, d.person_paused_until)
                   when d.paused_until > now() then d.paused_until end, 'infinity') as paused_until,
       case when d.person_paused_until > now() then d.person_paused_why
            when d.paused_until > now() then d.paused_why end as paused_why,
       case when d.person_paused_until > now() then d.person_paused_by end as paused_by,
       d.warm_up_start, d.warm_up_factor, d.warm_up_from,
       cap_today(d.per_day, d.warm_up_from, d.warm_up_start, d.warm_up_factor) as cap_today,
       sent_today(d.day, d.day_count) as sent_today, domain_rate(d.domain) as rate
from destination d
where (:after::text is null or d.domain > :after::text)
  and (d.min_interval is not null or d.per_day is not null or d.connections is not null or d.warm_up_from is not null
       or d.stopped_at is not null or d.paused_until > now() or d.person_paused_until > now())
order by d.domain limit :limit::integer;

-- name: release_domain_connections!
-- Frees connections of capped destinations.
update domain_connection_lease l set connections = greatest(0, l.connections - t.freed)
from unnest(:domains::text[], :freed::integer[]) as t(domain, freed)
where l.domain = t.domain and l.worker = :worker;

-- name: extend_domain_connections!
-- Extends a living worker's leases of connections. Where it gives their number, those of a claim whose result never
-- arrived are free again.
update domain_connection_lease l
set connections = coalesce(t.connections, l.connections), leased_until = now() + :lease::interval
from unnest(:domains::text[], :connections::integer[]) as t(domain, connections)
where l.domain = t.domain and l.worker = :worker;

-- name: drop_domain_connections!
-- Frees the connections of lost workers, 10,000 rows at a time, and deletes this worker's empty ones. The workers' own
-- rows are one for each of their domains.
delete from domain_connection_lease l
where l.ctid = any(array(select o.ctid from domain_connection_lease o
                         where o.leased_until < now() or (o.worker = :worker and o.connections = 0)
                         limit 10000 for update skip locked));

-- name: troubled_domains
-- Domains that were paused for trouble and have not taken mail since.
select domain from destination where pause_step > 0 order by domain limit 10000;
