-- Lists of customers as they are shown. Who is in a dynamic one is the gateway's to say.

-- fragment: found
-- Members whom a search finds; as `customers_found`.
n.customer_id in (
    select c.id from customer c where c.name_words like :word and c.name_words like all(:other_words::text[])
    union
    select x.id from customer x where x.reference_key like :reference
    union
    select d.customer_id from customer_address d where d.address ilike :address or d.address ilike :in_a_labels
)

-- name: lists_by_id
-- Lists, with the count of dynamic ones as of their last evaluation.
select l.id, l.name, l.kind, l.criteria, l.grows_on, l.created_at, l.actor, l.member_count, l.count_precision,
       l.counted_at
from customer_list l
where l.id = any(:ids::integer[]);

-- name: lists_page
-- One page of lists by name, case and accents ignored. There are ten thousand at most.
select l.id, l.name
from customer_list l
where strpos(folded(l.name), folded(:part)) > 0
  and (folded(l.name), l.name) > (folded(:after), :after)
order by folded(l.name), l.name
limit :rows;

-- name: member_counts
-- How many members these fixed lists have.
select wanted.list_id as id, (select count(*) from list_member y where y.list_id = wanted.list_id) as members
from unnest(:ids::integer[]) as wanted (list_id);

-- name: list_members_page
-- One page of the members of each of these fixed lists, the newest first.
select y.list_id, y.customer_id, y.added_at, y.actor
from unnest(:ids::integer[]) as wanted (list_id)
cross join lateral (
    select n.list_id, n.customer_id, n.added_at, n.actor
    from list_member n
    where n.list_id = wanted.list_id and (n.added_at, n.customer_id) < (:before_at::timestamptz, :before)
    order by n.list_id desc, n.added_at desc, n.customer_id desc
    limit :rows
) y;

-- name: list_members_found
-- The same, of the members whom a search finds.
select y.list_id, y.customer_id, y.added_at, y.actor
from unnest(:ids::integer[]) as wanted (list_id)
cross join lateral (
    select n.list_id, n.customer_id, n.added_at, n.actor
    from list_member n
    where n.list_id = wanted.list_id and (n.added_at, n.customer_id) < (:before_at::timestamptz, :before) and {found}
    order by n.list_id desc, n.added_at desc, n.customer_id desc
    limit :rows
) y;

-- name: count_members_found^
-- How many members of a fixed list a search finds, counted no further than a limit.
select count(*) as members
from (select from list_member n where n.list_id = :list_id and {found} limit :most) f;

-- name: fixed_lists_of_customers
-- One page of the fixed lists that each of these customers is in, the newest lists first.
select y.list_id, y.customer_id, y.added_at, y.actor
from unnest(:ids::bigint[]) as wanted (customer_id)
cross join lateral (
    select n.list_id, n.customer_id, n.added_at, n.actor
    from list_member n
    where n.customer_id = wanted.customer_id and n.list_id < :before::bigint
    order by n.customer_id desc, n.list_id desc
    limit :rows
) y;

-- name: count_fixed_lists^
-- How many fixed lists a customer is in.
select count(*) as lists from list_member n where n.customer_id = :customer_id;
