-- What a lost worker's flight recorder says, written at once instead of when its leases run out.

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
