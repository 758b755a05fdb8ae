-- Opt-outs: a customer's, set by staff, and an address's, set by its reader. Every change is an event.

-- name: lock_customer^
-- Locks the customer whose choice changes; changes of one customer wait for each other.
select c.erased_at is not null as erased from customer c where c.id = :customer_id for no key update;

-- name: opt_out_customer
-- Sets a customer's opt-outs; returns the kinds that were not set before.
with chosen as (
    insert into opt_out (customer_id, kind, source, actor)
    select :customer_id, k.kind, :source::opt_out_source, :actor
    from unnest(:kinds::opt_out_kind[]) as k(kind)
    on conflict (customer_id, kind) do nothing
    returning kind
)
insert into consent_event (customer_id, kind, opted_out, source, actor)
select :customer_id, chosen.kind, true, :source::opt_out_source, :actor from chosen
returning kind;

-- name: opt_in_customer
-- Lifts a customer's opt-outs and those of its addresses; returns the kinds that had been set, and at which address.
with own as (
    delete from opt_out o
    where o.customer_id = :customer_id and o.kind = any(:kinds::opt_out_kind[])
    returning o.kind
), of_addresses as (
    delete from address_opt_out o using customer_address a
    where a.customer_id = :customer_id and o.address_key = a.address_key and o.kind = any(:kinds::opt_out_kind[])
    returning o.kind, o.address_key
)
insert into consent_event (customer_id, address_key, kind, opted_out, source, actor)
select :customer_id, lifted.address_key, lifted.kind, false, 'STAFF', :actor
from (select own.kind, null::bytea as address_key from own
      union all select of_addresses.kind, of_addresses.address_key from of_addresses) lifted
returning kind, address_key;

-- name: opt_out_address
-- Sets an address's opt-outs by the link of one message, which gets an event; returns the kinds not set before.
with chosen as (
    insert into address_opt_out (address_key, kind, source, actor, customer_id, message_id)
    select :address_key, k.kind, :source::opt_out_source, 'customer', :customer_id, :message_id
    from unnest(:kinds::opt_out_kind[]) as k(kind)
    on conflict (address_key, kind) do nothing
    returning kind
), events as (
    insert into event (customer_id, message_id, kind, actor, data)
    select :customer_id, :message_id, 'OPTED_OUT', 'customer',
           jsonb_build_object('kinds', array_agg(chosen.kind order by chosen.kind), 'source', :source::opt_out_source)
    from chosen
    having count(*) > 0
)
insert into consent_event (customer_id, address_key, kind, opted_out, source, actor, message_id)
select :customer_id, :address_key, chosen.kind, true, :source::opt_out_source, 'customer', :message_id from chosen
returning kind;

-- name: message_to_opt_out^
-- What the unsubscribe page shows of a message: its recipient, its campaign's kind, its sender, the locale. Nothing of
-- internal mail: the link of a test mail leads nowhere.
select m.recipient, m.recipient_key, coalesce(u.locale, s.locale, 'en') as locale, c.kind,
       coalesce(s.from_name, s.from_address) as sender
from message m
join customer u on u.id = m.customer_id
left join campaign c on c.id = m.campaign_id
left join sender_version s on s.id = m.sender_version_id
where m.customer_id = :customer_id and m.id = :message_id and m.direction = 'SENT' and not m.internal;

-- name: opt_outs_of_address
-- The opt-outs of an address, and those that staff set for the customer.
select o.kind from address_opt_out o where o.address_key = :address_key
union
select o.kind from opt_out o where o.customer_id = :customer_id;

-- name: customers_of_addresses
-- The customers who have one of these addresses.
select distinct a.customer_id from customer_address a where a.address_key = any(:address_keys::bytea[])
limit :limit::integer;

-- name: queued_for_customer
-- Campaign mail of these kinds for a customer that is queued and not handed off.
select o.customer_id, o.message_id, o.recipient_no
from outbox o
where o.customer_id = :customer_id and o.opt_out_kind = any(:kinds::opt_out_kind[]) and o.handed_off_at is null
order by o.customer_id, o.message_id, o.recipient_no
limit :limit::integer;

-- name: queued_for_address
-- The same for an address, under every customer that has it.
select o.customer_id, o.message_id, o.recipient_no
from outbox o
where o.customer_id in (select a.customer_id from customer_address a where a.address_key = :address_key
                        union select :customer_id::bigint)
  and o.address_key = :address_key and o.opt_out_kind = any(:kinds::opt_out_kind[]) and o.handed_off_at is null
order by o.customer_id, o.message_id, o.recipient_no
limit :limit::integer;
