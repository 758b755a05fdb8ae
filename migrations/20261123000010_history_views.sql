-- migrate:up

-- Why an undecided message waits, in plain words, and until when: read by the history's `waitsFor` and
-- `nextAttemptAt`. Left joins only, so that the planner drops what a query does not read.
create view message_wait as
select o.customer_id, o.message_id as id,
       case when o.lease_until > now() then null else greatest(o.due_at, d.paused_until) end as next_attempt_at,
       case when o.lease_until > now() then null
            when l.paused_at is not null then 'The lane is paused: ' || l.paused_why
            when d.paused_until > now() then 'The destination is paused: ' || d.paused_why
            when o.attempt > 1 then 'The next attempt'
            when o.appointed then 'Its turn under the destination''s limit'
            else 'Its turn in the lane' end as waits_for
from outbox o
left join lane l on l.id = o.lane_id
left join destination d on d.domain = o.domain
where o.recipient_no = 0;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
