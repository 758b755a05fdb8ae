-- What a lost worker's flight recorder says, written at once instead of when its leases run out.

-- name: requeue_unsent
-- Returns to the queue what a lost worker had in hand and whose dot was not sent; what was returned :limit times at the
-- same attempt stays as it is, since it may be what ends its workers. Fenced by recipient, attempt and owner. Returns
-- the rows it returned.
-- status: HANDED_OFF -> QUEUED, DEFERRED
with requested as materialized (
    select t.*, (select count(*) from event e
                 where e.customer_id = t.customer_id and e.message_id = t.message_id
                   and e.recipient_no = t.recipient_no and e.kind = 'RESCUED'
                   and (e.data ->> 'attempt')::smallint = t.attempt) as times
    from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[], :attempts::smallint[],
                :owners::uuid[]) as t(customer_id, message_id, recipient_no, attempt, owner)
), returned as (
    update outbox o
    set lease_owner = null, lease_until = null, handed_off_at = null
    from requested r
    where o.customer_id = r.customer_id and o.message_id = r.message_id and o.recipient_no = r.recipient_no
      and o.attempt = r.attempt and o.lease_owner = r.owner and r.times < :limit::integer
    returning o.customer_id, o.message_id, o.recipient_no, o.attempt
), events as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select returned.customer_id, returned.message_id, returned.recipient_no, 'RESCUED', 'gateway',
           jsonb_build_object('attempt', returned.attempt)
    from returned
)
select returned.customer_id, returned.message_id, returned.recipient_no from returned;

-- name: end_leases
-- Ends the leases of handed-off rows whose worker is lost, so that `recover_handed_off` settles them now. Fenced by
-- recipient, attempt and owner. Returns the rows it ended the leases of.
update outbox o
set lease_until = now() - interval '1 millisecond'
from (select * from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[],
                           :attempts::smallint[], :owners::uuid[])
          as t(customer_id, message_id, recipient_no, attempt, owner)) r
where o.customer_id = r.customer_id and o.message_id = r.message_id and o.recipient_no = r.recipient_no
  and o.attempt = r.attempt and o.lease_owner = r.owner and o.handed_off_at is not null
returning o.customer_id, o.message_id, o.recipient_no;

-- name: free_domain_connections!
-- Frees every connection of limited destinations that a lost worker held.
delete from domain_connection_lease where worker = :worker::uuid;
