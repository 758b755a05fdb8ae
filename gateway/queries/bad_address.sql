-- Addresses that take no mail: kept from what became of each customer's newest mail.

-- name: keep_bad_addresses^
-- Looks at the customers of changed messages that failed, or that have an address in the list: of each of their
-- addresses the newest failure since it took mail, since what stopped all mail to it was lifted, and since a failure of
-- it was dismissed. Of each customer :depth messages are read, so that one costs no more than another; an address of
-- which they hold none stays as it is. `speaks`: causes of which one failure suffices; `repeats`: those that must come
-- :often times. Returns how many rows were written, and how many were deleted.
with changed as materialized (
    select n.customer_id, n.message_id
    from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as n (customer_id, message_id)
), touched as materialized (
    select t.customer_id
    from changed n
    join message_trouble t on t.customer_id = n.customer_id and t.message_id = n.message_id and t.recipient_no = 0
    where t.status <> 'UNCERTAIN' and t.cause is distinct from 'OPTED_OUT'
    union
    select b.customer_id from changed n join bad_address b on b.customer_id = n.customer_id
), mail as materialized (
    select r.customer_id, r.id, r.address, r.status, r.happened_at, r.dismissed,
           -- What passed its deadline says so: why is what its last attempt was told.
           case when r.status <> 'EXPIRED' then r.cause else (
               select a.cause from attempt a
               where a.customer_id = r.customer_id and a.message_id = r.id and a.recipient_no = 0
               order by a.number desc limit 1) end as cause
    from touched
    cross join lateral (
        select m.customer_id, m.id, lower(m.recipient) as address, m.status, m.cause,
               case m.status when 'BOUNCED' then m.bounced_at when 'ACCEPTED' then m.sent_at else m.decided_at
               end as happened_at, false as dismissed
        from (
            select n.customer_id, n.id, n.direction, n.internal, n.recipient, n.status, n.cause, n.decided_at,
                   n.sent_at, n.bounced_at
            from message n
            where n.customer_id = touched.customer_id
            order by n.customer_id desc, n.id desc
            limit :depth
        ) m
        where m.direction = 'SENT' and not m.internal and m.recipient is not null
    ) r
), address as materialized (
    select d.customer_id, d.address_key, lower(d.address) as address, greatest(
               (select max(l.lifted_at) from lifted_suppression l
                where l.address_key = d.address_key and l.scope = 'ALL_MAIL'),
               (select max(r.happened_at) from mail r
                where r.customer_id = d.customer_id and r.address = lower(d.address)
                  and (r.status = 'ACCEPTED' or r.dismissed)),
               '-infinity') as since
    from touched join customer_address d on d.customer_id = touched.customer_id
), failure as materialized (
    select d.customer_id, d.address_key, r.id, r.happened_at, r.cause, r.cause = any(:speaks::cause[]) as speaks,
           row_number() over (partition by d.customer_id, d.address_key
                              order by r.cause = any(:speaks::cause[]) desc, r.happened_at desc, r.id desc) as place,
           min(r.happened_at) over (partition by d.customer_id, d.address_key) as failing_since,
           count(*) over (partition by d.customer_id, d.address_key) as failures
    from address d
    join mail r on r.customer_id = d.customer_id and r.address = d.address and r.happened_at > d.since
    where r.status in ('REFUSED', 'BOUNCED', 'EXPIRED')
      and (r.cause = any(:speaks::cause[]) or r.cause = any(:repeats::cause[]))
), listed as materialized (
    select f.customer_id, f.address_key, f.id as message_id, f.happened_at as failed_at, f.failing_since, f.cause
    from failure f
    where f.place = 1 and (f.speaks or f.failures >= :often)
    union all
    -- Held because a server said of another customer's mail that there is no such mailbox.
    select h.customer_id, h.address_key, h.id, h.happened_at, h.happened_at, 'BAD_ADDRESS'
    from (
        select distinct on (d.customer_id, d.address_key) d.customer_id, d.address_key, r.id, r.happened_at
        from address d
        join mail r on r.customer_id = d.customer_id and r.address = d.address and r.happened_at > d.since
        where r.status = 'HELD' and r.cause = 'SUPPRESSED'
          and exists (select from suppression p where p.address_key = d.address_key and p.reason = 'BAD_ADDRESS')
          and not exists (select from failure f where f.customer_id = d.customer_id and f.address_key = d.address_key
                            and f.place = 1 and (f.speaks or f.failures >= :often))
        order by d.customer_id, d.address_key, r.happened_at desc, r.id desc
    ) h
), written as (
    insert into bad_address as b (customer_id, address_key, message_id, failed_at, failing_since, cause)
    select l.customer_id, l.address_key, l.message_id, l.failed_at, l.failing_since, l.cause
    from listed l
    order by l.customer_id, l.address_key
    on conflict (customer_id, address_key) do update
    set message_id = excluded.message_id, failed_at = excluded.failed_at, failing_since = excluded.failing_since,
        cause = excluded.cause
    where (b.message_id, b.failed_at, b.failing_since, b.cause)
          is distinct from (excluded.message_id, excluded.failed_at, excluded.failing_since, excluded.cause)
    returning b.id
), gone as (
    delete from bad_address b using touched c
    where b.customer_id = c.customer_id
      and not exists (select from listed l where l.customer_id = b.customer_id and l.address_key = b.address_key)
      and (not exists (select from address d where d.customer_id = b.customer_id and d.address_key = b.address_key)
           or exists (select from address d join mail r on r.customer_id = d.customer_id and r.address = d.address
                      where d.customer_id = b.customer_id and d.address_key = b.address_key))
    returning b.id
)
select (select count(*) from written)::integer as written, (select count(*) from gone)::integer as gone;
