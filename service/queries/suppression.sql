-- Suppressions as the API shows them: standing and lifted alike.

-- fragment: every_suppression
-- Standing and lifted ones.
select s.id, s.address_key, s.reason, s.scope, s.since, s.actor, s.why, s.address, s.customer_id, s.message_id,
       null::timestamptz as lifted_at, null::text as lifted_by, null::text as lifted_why
from suppression s
union all
select l.id, l.address_key, l.reason, l.scope, l.since, l.actor, l.why, l.address, l.customer_id, l.message_id,
       l.lifted_at, l.lifted_by, l.lifted_why
from lifted_suppression l

-- name: suppressions_by_id
-- Whole rows of suppressions, with the newest customer who has the address, and the mail that is the evidence.
select p.id, p.reason, p.scope, p.since as suppressed_at, p.actor, p.why, coalesce(p.address, d.address) as address,
       p.lifted_at, p.lifted_by, p.lifted_why, d.customer_id as holder_id,
       m.customer_id as evidence_customer_id, m.id as evidence_id
from ({every_suppression}) p
left join lateral (
    select a.customer_id, a.address from customer_address a
    where a.address_key = p.address_key
    order by a.customer_id desc limit 1
) d on true
left join message m on m.customer_id = p.customer_id and m.id = p.message_id and not m.internal
where p.id = any(:ids::uuid[]);

-- name: suppressions_page
-- One page of the suppressions that stand, or of those that were lifted, newest first.
select p.id
from ({every_suppression}) p
where p.id < :before and (p.lifted_at is not null) = :lifted::boolean
  and (:reason::text is null or p.reason::text = :reason)
order by p.id desc
limit :rows;

-- name: suppressions_found
-- The same of an address, by its key, or of addresses that have :pattern in them and are still known.
select p.id
from ({every_suppression}) p
where p.id < :before and (p.lifted_at is not null) = :lifted::boolean
  and (:reason::text is null or p.reason::text = :reason)
  and (p.address_key = :address_key or p.address ilike :pattern
       or p.address_key in (select a.address_key from customer_address a where a.address ilike :pattern))
order by p.id desc
limit :rows;

-- name: count_suppressions
-- How many of them there are, counted up to :most.
select count(*)::integer as found
from (
    select from ({every_suppression}) p
    where (p.lifted_at is not null) = :lifted::boolean and (:reason::text is null or p.reason::text = :reason)
    limit :most
) n;

-- name: count_found_suppressions
-- The same of an address, by its key, or of addresses that have :pattern in them and are still known.
select count(*)::integer as found
from (
    select from ({every_suppression}) p
    where (p.lifted_at is not null) = :lifted::boolean and (:reason::text is null or p.reason::text = :reason)
      and (p.address_key = :address_key or p.address ilike :pattern
           or p.address_key in (select a.address_key from customer_address a where a.address ilike :pattern))
    limit :most
) n;

-- name: held_counts
-- How many messages are held for each of these suppressed addresses, as they are still spelled: at most 1,000.
select p.id, h.held::integer as held
from ({every_suppression}) p
cross join lateral (
    select array(select lower(p.address) where p.address is not null
                 union
                 select lower(a.address) from customer_address a where a.address_key = p.address_key) as spelled
) k
cross join lateral (
    select count(*) as held
    from (select from message_trouble t where t.held_for = any(k.spelled) limit 1000) n
) h
where p.id = any(:ids::uuid[]);
