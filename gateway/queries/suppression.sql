-- Addresses that must not be mailed, known by their key: those that stand, and those that were lifted.

-- name: suppress_address$
-- Suppresses an address; returns the id, or nothing when it was suppressed before: the first reason and evidence stay.
insert into suppression (address_key, reason, scope, actor, why, address, customer_id, message_id)
values (:address_key, :reason::suppression_reason, :scope::suppression_scope, :actor, :why, :address, :customer_id,
        :message_id)
on conflict (address_key) do nothing
returning id;

-- name: suppressed_keys
-- Which of these addresses must not be mailed: with :campaign by campaigns, else by individual mail.
select address_key from suppression
where address_key = any(:address_keys::bytea[]) and (scope = 'ALL_MAIL' or :campaign::boolean);

-- name: lock_suppression^
-- Locks the suppression that stands against an address.
select id, scope from suppression where address_key = :address_key for update;

-- name: lift_suppression^
-- Lifts the suppression of an address: it stays, with who lifted it and why. Returns it, or nothing when none stands.
with lifted as (
    delete from suppression s where s.address_key = :address_key
    returning s.id, s.address_key, s.reason, s.scope, s.since, s.actor, s.why, s.address, s.customer_id, s.message_id
)
insert into lifted_suppression (id, address_key, reason, scope, since, actor, why, address, customer_id, message_id,
                                lifted_by, lifted_why)
select lifted.id, lifted.address_key, lifted.reason, lifted.scope, lifted.since, lifted.actor, lifted.why,
       lifted.address, lifted.customer_id, lifted.message_id, :actor, :why
from lifted
returning id, customer_id, message_id;

-- name: suppress_again^
-- Lets the suppression of this id, the last of its address that was lifted, stand again from its day on, for the same
-- reason; that it was lifted stays on record. Returns its new id, its key and its evidence as far as it is still there;
-- nothing when it is not the last, or when the address is suppressed again.
insert into suppression (address_key, reason, scope, since, actor, why, address, customer_id, message_id)
select l.address_key, l.reason, l.scope, l.since, l.actor, l.why, l.address, m.customer_id, m.id
from lifted_suppression l
left join message m on m.customer_id = l.customer_id and m.id = l.message_id
where l.id = :id
  and not exists (select from lifted_suppression n where n.address_key = l.address_key and n.lifted_at > l.lifted_at)
on conflict (address_key) do nothing
returning id, address_key, scope, customer_id, message_id;

-- name: was_lifted$
-- Whether a suppression of this id was lifted.
select exists (select from lifted_suppression where id = :id);

-- name: last_lifted$
-- The suppression of an address that was lifted last.
select id from lifted_suppression where address_key = :address_key order by id desc limit 1;

-- name: held_for_address
-- Mail that is held for an address, as the caller and the customers who have it spell it, the oldest first.
with spelled as (
    select lower(:address::text) as address
    union
    select lower(a.address) from customer_address a where a.address_key = :address_key
)
select t.customer_id, t.message_id, t.recipient_no
from spelled join message_trouble t on t.held_for = spelled.address
order by 2
limit :limit::integer;

-- name: waiting_for_address
-- A customer's mail that waits for a right address instead of this one, the oldest first: held because of the address,
-- or refused or returned because of it within :within.
select m.customer_id, m.id as message_id
from message_trouble t
join message m on m.customer_id = t.customer_id and m.id = t.message_id
where t.customer_id = :customer_id and t.recipient_no = 0 and lower(m.recipient) = lower(:address::text)
  and ((m.status = 'HELD' and m.cause in ('SUPPRESSED', 'BAD_ADDRESS'))
       or (m.status in ('REFUSED', 'BOUNCED') and m.cause in ('BAD_ADDRESS', 'BAD_DOMAIN')
           and m.decided_at > now() - :within::interval))
order by m.id
limit :limit::integer;

-- name: queued_for_closed_address
-- Mail to an address that is queued and not handed off, under every customer that has it: all of it, or campaigns'.
select o.customer_id, o.message_id, o.recipient_no
from outbox o
where o.customer_id in (select a.customer_id from customer_address a where a.address_key = :address_key
                        union select :customer_id::bigint)
  and o.address_key = :address_key and o.handed_off_at is null
  and (:scope::suppression_scope = 'ALL_MAIL' or o.opt_out_kind is not null)
order by o.customer_id, o.message_id, o.recipient_no
limit :limit::integer;
