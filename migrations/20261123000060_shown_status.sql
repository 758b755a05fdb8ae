-- migrate:up

-- The one place where a status is read, without reading the message twice: HANDED_OFF and DEFERRED are states of the
-- outbox row, which is all null once the recipient is decided. PostgreSQL inlines it.
create function shown_status(decided email_status, waiting uuid, handed_off_at timestamptz, attempt smallint)
returns email_status language sql immutable parallel safe as $$
    select case when waiting is null then decided
                when handed_off_at is not null then 'HANDED_OFF'::email_status
                when attempt > 1 then 'DEFERRED'::email_status
                else 'QUEUED'::email_status end
$$;

create or replace view message_state as
select m.customer_id, m.id, shown_status(m.status, o.message_id, o.handed_off_at, o.attempt) as status,
       o.due_at, o.attempt as next_attempt, o.expires_at, o.lane_id, o.domain
from message m
left join outbox o on o.customer_id = m.customer_id and o.message_id = m.id and o.recipient_no = 0;

create or replace view copy_state as
select c.customer_id, c.message_id, c.recipient_no,
       shown_status(c.status, o.message_id, o.handed_off_at, o.attempt) as status
from copy c
left join outbox o on o.customer_id = c.customer_id and o.message_id = c.message_id
    and o.recipient_no = c.recipient_no;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
