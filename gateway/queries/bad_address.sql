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
), address as materialized (
    select d.customer_id, d.address_key, lower(d.address) as address,
           (select max(l.lifted_at) from lifted_suppression l
            where l.address_key = d.address_key and l.scope = 'ALL_MAIL') as lifted_at
    from touched join customer_address d on d.customer_id = touched.customer_id
), mail as materialized (
    select d.customer_id, d.address_key, r.id, r.status, r.cause, r.happened_at,
           greatest('-infinity', d.lifted_at,
                    max(r.happened_at) filter (where r.status = 'ACCEPTED' or r.dismissed)
                    over (partition by d.customer_id, d.address_key)) as since
    from address d
    cross join lateral (
        select m.id, m.status,
               case m.status when 'BOUNCED' then m.bounced_at when 'ACCEPTED' then m.sent_at else m.decided_at
               end as happened_at,
               -- What passed its deadline says so: why is what its last attempt was told.
               case when m.status <> 'EXPIRED' then m.cause else (
                   select t.cause from attempt t
                   where t.customer_id = d.customer_id and t.message_id = m.id and t.recipient_no = 0
                   order by t.number desc limit 1) end as cause,
               m.status in ('REFUSED', 'BOUNCED', 'EXPIRED')
               and (select t.dismissed_at from message_trouble t
                    where t.customer_id = d.customer_id and t.message_id = m.id and t.recipient_no = 0) is not null
                   as dismissed
        from (
            select n.id, n.direction, n.internal, n.recipient, n.status, n.cause, n.decided_at, n.sent_at, n.bounced_at
            from message n
            where n.customer_id = d.customer_id
            order by n.customer_id desc, n.id desc
            limit :depth
        ) m
        where m.direction = 'SENT' and not m.internal and lower(m.recipient) = d.address
    ) r
), failure as (
    select f.customer_id, f.address_key, f.id, f.happened_at, f.cause, f.place,
           row_number() over (partition by f.customer_id, f.address_key, f.place
                              order by f.happened_at desc, f.id desc) as newest,
           min(f.happened_at) filter (where f.place < 3) over pair as failing_since,
           count(*) filter (where f.place = 1) over pair as speaking,
           count(*) filter (where f.place = 2) over pair as repeated
    from (
        select r.customer_id, r.address_key, r.id, r.happened_at, r.cause,
               -- Held because a server said, perhaps of another customer's mail, that there is no such mailbox.
               case when r.status = 'HELD' then 3 when r.cause = any(:speaks::cause[]) then 1 else 2 end as place
        from mail r
        where r.happened_at > r.since
          and case when r.status in ('REFUSED', 'BOUNCED', 'EXPIRED')
                   then r.cause = any(:speaks::cause[]) or r.cause = any(:repeats::cause[])
                   when r.status = 'HELD' and r.cause = 'SUPPRESSED'
                   then exists (select from suppression p
                                where p.address_key = r.address_key and p.reason = 'BAD_ADDRESS')
                   else false end
    ) f
    window pair as (partition by f.customer_id, f.address_key)
), listed as materialized (
    select f.customer_id, f.address_key, f.id as message_id, f.happened_at as failed_at,
           case when f.place = 3 then f.happened_at else f.failing_since end as failing_since,
           case when f.place = 3 then 'BAD_ADDRESS' else f.cause end as cause
    from failure f
    where f.newest = 1
      and case f.place when 1 then true when 2 then f.speaking = 0 and f.repeated >= :often
                       else f.speaking = 0 and f.repeated < :often end
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
    -- `not in` and `in` under `or` are looked up by hash, however many rows are expected.
    delete from bad_address b using touched c
    where b.customer_id = c.customer_id
      and (b.customer_id, b.address_key) not in (select l.customer_id, l.address_key from listed l)
      and ((b.customer_id, b.address_key) not in (select d.customer_id, d.address_key from address d)
           or (b.customer_id, b.address_key) in (select r.customer_id, r.address_key from mail r))
    returning b.id
)
select (select count(*) from written)::integer as written, (select count(*) from gone)::integer as gone;
