-- migrate:up

-- Refusals in a row that said the same, with no acceptance between: of a relay or of a destination domain. Enough of
-- them stop it until a person resumes it. An acceptance deletes the rows of its relay and domain, a day without
-- another refusal the row.
create table refusal_run (
    of_relay boolean not null,
    -- The relay's name, or the domain.
    place text not null,
    -- Code and words without addresses, names of hosts, ids and digits.
    words text not null check (length(words) <= 350),
    -- HMACs of the different addresses, no more than it takes to stop the place.
    address_keys bytea[] not null,
    domains text[] not null,
    changed_at timestamptz not null default now(),
    primary key (of_relay, place, words)
);

alter table destination
    add column stopped_at timestamptz,
    add column stopped_why text,
    add check ((stopped_at is null) = (stopped_why is null));

create or replace view message_wait as
select o.customer_id, o.message_id as id,
       case when o.lease_until > now() or l.paused_at is not null or d.stopped_at is not null
                 or relay_opens_at(o.bound_relay) = 'infinity'
                then null
            else greatest(o.due_at, d.paused_until, nullif(relay_opens_at(o.bound_relay), '-infinity')) end
           as next_attempt_at,
       case when o.handed_off_at is not null then 'The mail server''s answer'
            when o.lease_until > now() then 'A free connection'
            when l.paused_at is not null then 'The lane is paused: ' || l.paused_why
            when d.stopped_at is not null then 'The destination is stopped: ' || d.stopped_why
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
-- Migrations only go forward: correct a mistake with a new one.
