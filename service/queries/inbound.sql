-- name: unmatched_page
-- One page of received mail that is nobody's, newest first.
select i.id, i.received_at, coalesce(i.kind, 'BOUNCE') as kind, i.unmatched as reason, i.from_address, i.envelope_to,
       i.subject, coalesce(i.excerpt, '') as excerpt, i.size
from inbound_mail i
where i.unmatched is not null and i.dismissed_at is null and i.id < :before
  and (:reason::unmatched_reason is null or i.unmatched = :reason::unmatched_reason)
order by i.id desc
limit :rows;

-- name: unmatched_by_id
-- Whole rows of received mail that is nobody's.
select i.id, i.received_at, coalesce(i.kind, 'BOUNCE') as kind, i.unmatched as reason, i.from_address, i.envelope_to,
       i.subject, coalesce(i.excerpt, '') as excerpt, i.size
from inbound_mail i
where i.id = any(:ids::uuid[]) and i.unmatched is not null and i.dismissed_at is null;

-- name: reports_to_read
-- The bytes of these delivery reports; larger ones are left out.
select i.id, c.encoding, c.bytes
from inbound_mail i
join content c on c.sha256 = i.content_sha256
where i.id = any(:ids::uuid[]) and i.kind = 'BOUNCE' and i.size <= :largest::bigint;

-- name: customers_of_addresses
-- Up to `most` customers with each of these addresses, the newest first.
select wanted.address_key, found.customer_id
from unnest(:address_keys::bytea[]) as wanted (address_key)
cross join lateral (
    select distinct a.customer_id
    from customer_address a
    where a.address_key = wanted.address_key
    order by a.customer_id desc
    limit :most
) found
order by wanted.address_key, found.customer_id desc;
