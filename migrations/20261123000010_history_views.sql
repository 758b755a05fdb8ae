-- migrate:up

-- Why an undecided message waits, in plain words, and until when: read by the history's `waitsFor` and
-- `nextAttemptAt`. Left joins only, and
-- what is rarely the reason in a branch of its own, so that a query pays for nothing that it does not read.
create view message_wait as
select o.customer_id, o.message_id as id,
       case when o.handed_off_at is not null or l.paused_at is not null then null
            when d.paused_until > now() then d.paused_until
            when o.due_at > now() and (o.attempt > 1 and not o.rate_counted or d.min_interval is not null or d.per_day is not null
                                       or d.connections is not null or d.warm_up_from is not null) then o.due_at
            when o.lease_owner is null
                and exists (select from relay r where o.bound_relay is null or r.name = o.bound_relay)
                and not exists (
                    select from relay r
                    where (o.bound_relay is null or r.name = o.bound_relay) and r.stopped_at is null
                      and (r.paused_until is null or r.paused_until <= now()))
            then (select min(r.paused_until) from relay r
                  where (o.bound_relay is null or r.name = o.bound_relay) and r.stopped_at is null)
            when o.due_at > now() then o.due_at
       end as next_attempt_at,
       case when o.handed_off_at is not null then 'It is being handed to the mail server.'
            when l.paused_at is not null then l.paused_why
            when d.paused_until > now() then 'Mail to ' || o.domain || ' is paused. ' || d.paused_why
            when o.due_at > now() and o.attempt > 1 and not o.rate_counted
            then 'The server put it off; try ' || o.attempt || ' comes then.'
            when o.due_at > now() and (d.min_interval is not null or d.per_day is not null or d.connections is not null
                                       or d.warm_up_from is not null)
            then 'Mail to ' || o.domain || ' is limited; this is its turn.'
            when o.lease_owner is null
                and exists (select from relay r where o.bound_relay is null or r.name = o.bound_relay)
                and not exists (
                    select from relay r
                    where (o.bound_relay is null or r.name = o.bound_relay) and r.stopped_at is null
                      and (r.paused_until is null or r.paused_until <= now()))
            then coalesce(
                (select 'The relay ' || r.name || ' is paused. ' || r.paused_why from relay r
                 where (o.bound_relay is null or r.name = o.bound_relay) and r.stopped_at is null
                 order by r.paused_until limit 1),
                (select 'The relay is stopped. ' || r.stopped_why from relay r
                 where o.bound_relay is null or r.name = o.bound_relay order by r.name limit 1))
            when o.due_at > now() then 'It will be tried again then.'
            else 'It is next in line, or mail of a sooner lane is.' end as waits_for
from outbox o
left join lane l on l.id = o.lane_id
left join destination d on d.domain = o.domain
where o.recipient_no = 0;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
