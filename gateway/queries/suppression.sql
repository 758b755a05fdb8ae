-- Addresses that must not be mailed at all, known by their key only.

-- name: suppress_address$
-- Suppresses an address; returns its key, or nothing when it was suppressed before: the first reason and evidence stay.
insert into suppression (address_key, reason, actor, customer_id, message_id)
values (:address_key, :reason::suppression_reason, :actor, :customer_id, :message_id)
on conflict (address_key) do nothing
returning address_key;

-- name: queued_for_closed_address
-- Every mail to an address that is queued and not handed off, under every customer that has it.
select o.customer_id, o.message_id, o.recipient_no
from outbox o
where o.customer_id in (select a.customer_id from customer_address a where a.address_key = :address_key
                        union select :customer_id::bigint)
  and o.address_key = :address_key and o.handed_off_at is null
order by o.customer_id, o.message_id, o.recipient_no
limit :limit::integer;
