-- fragment: needs_attention
-- Whether mail of the customer's newest 50 waits for a person. What an opt-out holds does not, nor what was dismissed.
exists (
    select from (
        select n.customer_id, n.id, n.status from message n where n.customer_id = c.id and not n.internal
        order by n.customer_id desc, n.id desc limit 50
    ) r
    where r.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED')
      and (select waits_for_person(t) from message_trouble t
           where t.customer_id = r.customer_id and t.message_id = r.id and t.recipient_no = 0)
)

-- fragment: opted_out
-- Whether the customer, or a reader at one of its addresses, opted out of campaigns.
(exists (select from opt_out o where o.customer_id = c.id)
 or exists (select from customer_address d
            join address_opt_out o on o.address_key = d.address_key
            where d.customer_id = c.id))

-- fragment: kept_by_filter
-- Whether the filter keeps a customer that is read by something else; what is null does not filter.
(:needs_attention::boolean is null or :needs_attention = {needs_attention})
  and (:opted_out::boolean is null or :opted_out = {opted_out})
  and (:tags::text[] is null or c.tags && :tags::text[])
  and (:list_ids::integer[] is null
       or exists (select from list_member l where l.customer_id = c.id and l.list_id = any(:list_ids::integer[])))

-- fragment: found_by_search
-- Whether the search finds a customer that is read by something else; without a search all are.
(:word::text is null
   or (c.name_words like :word and c.name_words like all(:other_words::text[]))
   or c.reference_key like :reference
   or exists (select from customer_address d
              where d.customer_id = c.id and (d.address ilike :address or d.address ilike :in_a_labels)))

-- name: customer_by_id^
-- One customer by its id.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at
from customer c
where c.id = :id;

-- name: customer_by_external_ref^
-- One customer by its id in the CRM.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at
from customer c
where c.external_ref = :external_ref;

-- name: customers_by_id
-- Many customers at once, for nested `customer` fields.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at
from customer c
where c.id = any(:ids::bigint[]);

-- name: customers_page
-- One page of customers, newest first.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at
from customer c
where c.id < :before and (:needs_attention::boolean is null or :needs_attention = {needs_attention})
  and (:opted_out::boolean is null or :opted_out = {opted_out})
order by c.id desc
limit :rows;

-- name: customers_needing_attention
-- One page of customers with mail that waits for a person, newest first.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at
from (
    select distinct t.customer_id
    from message_trouble t
    where t.customer_id < :before and waits_for_person(t)
) waiting
join customer c on c.id = waiting.customer_id
where {kept_by_filter}
order by waiting.customer_id desc
limit :rows;

-- name: customers_of_lists
-- One page of the members of these lists, newest first: of each list as many as the page has. It is a range of the
-- primary key, written so that no other index is in this order: by customers, a short list among long ones takes long.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at
from (
    select distinct found.id
    from unnest(:list_ids::integer[]) as wanted (list_id)
    cross join lateral (
        select c.id
        from list_member m
        join customer c on c.id = m.customer_id
        where m.list_id >= wanted.list_id and (m.list_id, m.customer_id) < (wanted.list_id, :before::bigint)
          and (:tags::text[] is null or c.tags && :tags::text[])
          and (:needs_attention::boolean is null or :needs_attention = {needs_attention})
          and (:opted_out::boolean is null or :opted_out = {opted_out})
        order by m.list_id desc, m.customer_id desc
        limit :rows
    ) found
) page
join customer c on c.id = page.id
order by c.id desc
limit :rows;

-- name: kinds_of_lists
-- Which of these lists there are, and how their members are found.
select l.id, l.kind::text from customer_list l where l.id = any(:list_ids::integer[]);

-- name: customers_tagged
-- One page of customers with one of these labels, newest first.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at
from customer c
where c.tags && :tags::text[] and c.id < :before
  and (:needs_attention::boolean is null or :needs_attention = {needs_attention})
  and (:opted_out::boolean is null or :opted_out = {opted_out})
order by c.id desc
limit :rows;

-- name: customers_opted_out
-- One page of customers who opted out of campaigns, newest first: there are few against all of them.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at
from customer c
where c.id in (
    select o.customer_id from opt_out o
    union
    select d.customer_id from customer_address d join address_opt_out o on o.address_key = d.address_key
) and c.id < :before and {kept_by_filter}
order by c.id desc
limit :rows;

-- name: customers_found
-- One page of customers whose name has the words, or whose address or external ref is like this; three trigram indexes.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at
from customer c
where c.id in (
    select n.id from customer n
    where n.name_words like :word and n.name_words like all(:other_words::text[])
    union
    select x.id from customer x where x.reference_key like :reference
    union
    select d.customer_id from customer_address d where d.address ilike :address or d.address ilike :in_a_labels
) and c.id < :before and {kept_by_filter}
order by c.id desc
limit :rows;

-- name: customers_by_latest_mail
-- One page of customers with mail, whose newest mail is newest first.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at, l.message_id as latest
from customer_latest l
join customer c on c.id = l.customer_id
where (l.message_id, l.customer_id) < (:latest::uuid, :before::bigint) and {kept_by_filter} and {found_by_search}
order by l.message_id desc, l.customer_id desc
limit :rows;

-- name: customers_without_mail
-- One page of customers without mail, newest first: they come after the others.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at, null::uuid as latest
from customer c
where c.id < :before and not exists (select from customer_latest l where l.customer_id = c.id)
  and {kept_by_filter} and {found_by_search}
order by c.id desc
limit :rows;

-- name: customers_among_by_latest_mail
-- One page of these customers, whose newest mail is newest first, and those without behind them.
select c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at, l.message_id as latest
from unnest(:ids::bigint[]) as wanted (id)
join customer c on c.id = wanted.id
left join customer_latest l on l.customer_id = c.id
where (coalesce(l.message_id, '00000000-0000-0000-0000-000000000000'), c.id) < (:latest::uuid, :before::bigint)
  and {kept_by_filter}
order by coalesce(l.message_id, '00000000-0000-0000-0000-000000000000') desc, c.id desc
limit :rows;

-- name: customer_ids_found
-- Some customers whom a search finds, :most of them.
select n.id from customer n where n.name_words like :word and n.name_words like all(:other_words::text[])
union
select x.id from customer x where x.reference_key like :reference
union
select d.customer_id from customer_address d where d.address ilike :address or d.address ilike :in_a_labels
limit :most;

-- name: customer_ids_in_trouble
-- Some customers with mail that failed, is uncertain or held, :most of them.
select distinct t.customer_id as id
from message_trouble t
where t.recipient_no = 0 and t.cause is distinct from 'OPTED_OUT'
limit :most;

-- name: customer_ids_opted_out
-- Some customers who opted out of campaigns, :most of them.
select o.customer_id as id from opt_out o
union
select d.customer_id from customer_address d join address_opt_out o on o.address_key = d.address_key
limit :most;

-- name: customer_ids_of_lists
-- Some members of these lists, :most of them.
select distinct found.customer_id as id
from unnest(:list_ids::integer[]) as wanted (list_id)
cross join lateral (
    select m.customer_id from list_member m where m.list_id = wanted.list_id limit :most
) found
limit :most;

-- name: customer_ids_tagged
-- Some customers with one of these labels, :most of them.
select c.id from customer c where c.tags && :tags::text[] limit :most;

-- name: count_customers_among
-- How many of these customers the filter keeps.
select count(*) as found
from unnest(:ids::bigint[]) as wanted (id)
join customer c on c.id = wanted.id
where {kept_by_filter}
order by found;

-- name: count_customers
-- How many customers the filter keeps, counted up to :most.
select count(*) as found from (
    select from customer c
    where {kept_by_filter}
order by c.id desc
limit :most
) counted;

-- name: customers_sampled
-- How many customers of some blocks of their table, taken at random, the filter and the search keep, and which part of
-- the table these blocks are.
select count(*) as found,
       least(1, :blocks::float8 / greatest(1, pg_relation_size('customer') / current_setting('block_size')::integer))
           as part
from customer c tablesample system (
    100 * least(1, :blocks::float8 / greatest(1, pg_relation_size('customer') / current_setting('block_size')::integer)))
where {kept_by_filter} and {found_by_search}
order by found;

-- name: addresses_of_customers
-- The addresses of these customers, the primary first, each with its suppression if it has one.
select d.customer_id, d.address, d.position = 0 as is_primary,
       p.id as suppression_id, p.since as suppressed_since, p.reason as suppression_reason
from customer_address d
left join suppression p on p.address_key = d.address_key
where d.customer_id = any(:ids::bigint[])
order by d.customer_id, d.position;

-- name: opt_outs_of_customers
-- What these customers, or the readers at their addresses, chose not to get: the earliest choice of each kind.
select distinct on (f.customer_id, f.kind) f.customer_id, f.kind, f.opted_out_at, f.source, f.actor
from (
    select o.customer_id, o.kind, o.opted_out_at, o.source, o.actor
    from opt_out o
    where o.customer_id = any(:ids::bigint[])
    union all
    select d.customer_id, o.kind, o.opted_out_at, o.source, o.actor
    from customer_address d
    join address_opt_out o on o.address_key = d.address_key
    where d.customer_id = any(:ids::bigint[])
) f
order by f.customer_id, f.kind, f.opted_out_at;

-- name: latest_messages
-- The newest message of each of these customers.
select m.customer_id, m.id
from unnest(:ids::bigint[]) as wanted (customer_id)
cross join lateral (
    select n.customer_id, n.id
    from message n
    where n.customer_id = wanted.customer_id and not n.internal
    order by n.customer_id desc, n.id desc
    limit 1
) m;

-- name: failed_counts
-- How many of the newest 50 messages of each of these customers failed: those with a red icon; how many are uncertain;
-- and whether any waits for a person.
select wanted.customer_id, count(*) filter (where r.status = any(:red::email_status[]))::integer as failed,
       count(*) filter (where r.status = 'UNCERTAIN')::integer as uncertain,
       bool_or(r.status = any(:attention::email_status[])
               and coalesce((select waits_for_person(t) from message_trouble t
                             where t.customer_id = r.customer_id and t.message_id = r.id and t.recipient_no = 0), false)
       ) as needs_attention
from unnest(:ids::bigint[]) as wanted (customer_id)
cross join lateral (
    select n.customer_id, n.id, n.status
    from message n
    where n.customer_id = wanted.customer_id and not n.internal
    order by n.customer_id desc, n.id desc
    limit 50
) r
group by wanted.customer_id;

-- name: upsert_customers
-- Insert or update a batch matched by external ref; a column whose `keeps_` list names the ref stays as it stands.
-- Attributes are merged by name: into none where `clears_attributes` names the ref, and without those removed of it.
insert into customer as c (external_ref, name, locale, time_zone, tags, attributes)
select i.external_ref, i.name, i.locale, i.time_zone, array(select jsonb_array_elements_text(i.tags::jsonb)),
       i.attributes::jsonb
from unnest(:external_refs::text[], :names::text[], :locales::text[], :time_zones::text[], :tags::text[],
            :attributes::text[])
    as i (external_ref, name, locale, time_zone, tags, attributes)
order by i.external_ref
on conflict (external_ref) do update set
    name = case when excluded.external_ref = any(:keeps_name::text[]) then c.name else excluded.name end,
    locale = case when excluded.external_ref = any(:keeps_locale::text[]) then c.locale else excluded.locale end,
    time_zone = case when excluded.external_ref = any(:keeps_time_zone::text[]) then c.time_zone
                     else excluded.time_zone end,
    tags = case when excluded.external_ref = any(:keeps_tags::text[]) then c.tags else excluded.tags end,
    attributes = (case when excluded.external_ref = any(:clears_attributes::text[]) then '{}' else c.attributes end
                  || excluded.attributes)
                 - array(select jsonb_array_elements_text(:removed_attributes::jsonb -> excluded.external_ref))
returning c.id, c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes, c.created_at;

-- name: delete_addresses!
-- Clear the address lists that a batch replaces.
delete from customer_address d
where d.customer_id = any(:ids::bigint[]);

-- name: replace_address$
-- Put another address in the place of one of a customer's; returns its place, or nothing when it is not the customer's.
update customer_address d
set address = :correct_address, address_key = :correct_key
where d.customer_id = :customer_id and d.address = :address
returning d.position;

-- name: addresses_of_customer
-- One customer's addresses, which are locked until the transaction ends.
select d.address, d.address_key
from customer_address d
where d.customer_id = :customer_id
order by d.position
for update of d;

-- name: insert_addresses!
-- Write the address lists of a batch.
insert into customer_address (customer_id, position, address, address_key)
select i.customer_id, i.position, i.address, i.address_key
from unnest(:customer_ids::bigint[], :positions::smallint[], :addresses::text[], :address_keys::bytea[])
    as i (customer_id, position, address, address_key);
