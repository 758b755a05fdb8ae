-- Addresses of customers that take no mail, as the API shows them.

-- fragment: shown
-- What is shown of rows whose ids are in k: whose address it is, and what stands against it. By keys alone, whatever the
-- planner thinks of how many there are.
select b.id, b.customer_id, a.address, b.message_id, b.failed_at, b.failing_since, b.cause, p.id as suppression_id
from k
cross join lateral (select n.* from bad_address n where n.id = k.id offset 0) b
cross join lateral (
    select d.address, d.address_key from customer_address d
    where d.customer_id = b.customer_id and d.address_key = b.address_key limit 1
) a
left join lateral (select s.id from suppression s where s.address_key = a.address_key limit 1) p on true

-- fragment: found_customers
-- The customers that a search finds, as `customers_found` does.
select n.id from customer n
where n.name_words like :word and n.name_words like all(:other_words::text[])
union
select x.id from customer x where x.reference_key like :reference
union
select d.customer_id from customer_address d where d.address ilike :address or d.address ilike :in_a_labels

-- fragment: failing_words
-- What was said last of the customer's own copy of a message (w): by a report that counts, else by a server.
select x.rule, x.stage, x.code, x.enhanced, x.words, x.reported, x.recipient
from (
    (select d.rule, null::smtp_stage as stage, d.code, d.status_code as enhanced, d.words, true as reported,
            d.recipient, 1 as place
     from delivery_report d
     where d.customer_id = w.customer_id and d.message_id = w.message_id and d.recipient_no = 0
       and d.action = 'FAILED' and d.verified
     order by d.id desc limit 1)
    union all
    (select t.rule, t.stage, t.code, t.enhanced, t.response, false, null, 2
     from attempt t
     where t.customer_id = w.customer_id and t.message_id = w.message_id and t.recipient_no = 0
     order by t.number desc limit 1)
) x
where not x.reported or exists (select from message m where m.customer_id = w.customer_id and m.id = w.message_id
                                  and m.status = 'BOUNCED')
order by x.place
limit 1

-- name: bad_addresses_by_id
-- Rows by their ids.
with k as materialized (select unnest(:ids::uuid[]) as id)
{shown};

-- name: bad_addresses_page
-- One page, the newest failure first.
with k as materialized (
    select n.id from bad_address n
    where (n.failed_at, n.id) < (:failed_at::timestamptz, :id::uuid)
    order by n.failed_at desc, n.id desc
    limit :rows
)
{shown}
order by b.failed_at desc, b.id desc;

-- name: bad_addresses_of_causes
-- The same for these causes: of each a range at most a page long.
with k as materialized (
    select r.id
    from unnest(:causes::cause[]) as wanted (cause)
    cross join lateral (
        select n.id, n.failed_at from bad_address n
        where n.cause = wanted.cause and (n.failed_at, n.id) < (:failed_at::timestamptz, :id::uuid)
        order by n.failed_at desc, n.id desc
        limit :rows
    ) r
    order by r.failed_at desc, r.id desc
    limit :rows
)
{shown}
order by b.failed_at desc, b.id desc;

-- name: bad_addresses_found
-- The same of the customers that a search finds.
with found as materialized (
    {found_customers}
), k as materialized (
    select n.id from bad_address n
    where n.customer_id in (select found.id from found)
      and (:causes::cause[] is null or n.cause = any(:causes::cause[]))
      and (n.failed_at, n.id) < (:failed_at::timestamptz, :id::uuid)
    order by n.failed_at desc, n.id desc
    limit :rows
)
{shown}
order by b.failed_at desc, b.id desc;

-- name: count_bad_addresses
-- How many there are, counted up to :limit.
select count(*)::integer as found
from (select from bad_address b where :causes::cause[] is null or b.cause = any(:causes::cause[]) limit :limit) n;

-- name: estimated_bad_addresses
-- How many there are, as the planner believes.
explain (format json)
select from bad_address b where :causes::cause[] is null or b.cause = any(:causes::cause[]);

-- name: count_found_bad_addresses
-- The same of the customers that a search finds.
with found as materialized (
    {found_customers}
)
select count(*)::integer as found
from (
    select from bad_address b
    where b.customer_id in (select found.id from found) and (:causes::cause[] is null or b.cause = any(:causes::cause[]))
    limit :limit
) n;

-- name: waiting_for_correction
-- How many messages wait for each of these addresses to be corrected, counted up to :limit: those that `correctAddress`
-- sends to the right one (`waiting_for_address` of the gateway).
select b.id, n.waiting::integer as waiting
from bad_address b
join customer_address a on a.customer_id = b.customer_id and a.address_key = b.address_key
cross join lateral (
    select count(*) as waiting
    from (
        select from message_trouble t
        join message m on m.customer_id = t.customer_id and m.id = t.message_id
        where t.customer_id = b.customer_id and t.recipient_no = 0 and lower(m.recipient) = lower(a.address)
          and ((m.status = 'HELD' and m.cause in ('SUPPRESSED', 'BAD_ADDRESS'))
               or (m.status in ('REFUSED', 'BOUNCED') and m.cause in ('BAD_ADDRESS', 'BAD_DOMAIN')
                   and m.decided_at > now() - :within::interval))
        limit :limit
    ) r
) n
where b.id = any(:ids::uuid[]);

-- name: facts_of_bad_addresses
-- What solutions are made of: what was said of the mail that failed last, and of the mail for which the address is
-- suppressed as a bad one; the customer's other addresses that may be mailed and took mail, of its newest :depth, the
-- newest success first.
select b.id, a.address, b.cause, b.failing_since, now() as read_at,
       f.rule, f.words as said, p.address_key is not null as closed,
       e.stage, e.code, e.enhanced, e.words, e.reported, e.recipient, o.others
from bad_address b
join customer_address a on a.customer_id = b.customer_id and a.address_key = b.address_key
left join suppression p on p.address_key = b.address_key and p.reason = 'BAD_ADDRESS'
left join lateral (
    select s.* from (values (b.customer_id, b.message_id)) as w (customer_id, message_id)
    cross join lateral ({failing_words}) s
) f on true
left join lateral (
    select s.* from (values (p.customer_id, p.message_id)) as w (customer_id, message_id)
    cross join lateral ({failing_words}) s
) e on true
cross join lateral (
    select coalesce(json_agg(json_build_array(g.address, g.accepted_at) order by g.accepted_at desc), '[]') as others
    from (
        select d.address, max(m.sent_at) as accepted_at
        from customer_address d
        join (
            select n.recipient, n.status, n.sent_at from message n
            where n.customer_id = b.customer_id
            order by n.customer_id desc, n.id desc
            limit :depth
        ) m on lower(m.recipient) = lower(d.address) and m.status = 'ACCEPTED'
        where d.customer_id = b.customer_id and d.address_key <> b.address_key
          and not exists (select from suppression c where c.address_key = d.address_key)
          and not exists (select from bad_address c
                          where c.customer_id = d.customer_id and c.address_key = d.address_key)
        group by d.address
    ) g
) o
where b.id = any(:ids::uuid[]);

-- name: domains_that_took_mail
-- Which of these domains took mail of ours, and of how many customers: of each the newest :depth are looked at.
select n.name as domain, c.customers::integer as customers
from search_name n
cross join lateral (
    select count(distinct r.customer_id) as customers
    from (
        select s.customer_id, s.status from message_search s
        where s.domain_no = n.no
        order by s.id desc
        limit :depth
    ) r
    where r.status = 'ACCEPTED'
) c
where n.kind = 'DOMAIN' and n.name = any(:domains::text[]) and c.customers > 0;

-- name: suppressed_among
-- Which of these addresses must not be mailed.
select s.address_key from suppression s where s.address_key = any(:address_keys::bytea[]);
