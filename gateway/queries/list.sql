-- Lists of customers: fixed ones have members, dynamic ones criteria. `criteria.sql` has the conditions of those.

-- name: count_lists^
-- How many lists there are, and how many of them are dynamic.
select count(*) as lists, count(*) filter (where l.kind = 'DYNAMIC') as dynamic from customer_list l;

-- name: insert_list$
-- Makes a list; returns its id, or nothing when its name is taken.
insert into customer_list (name, kind, criteria, grows_on, actor)
values (:name, :kind::list_kind, :criteria::jsonb, :grows_on::text[], :actor)
on conflict (name) do nothing
returning id;

-- name: lock_list^
-- Locks a list for a change, which leaves its members' references alone; returns it as it is.
select l.id, l.kind::text, l.criteria, l.name from customer_list l where l.id = :list_id for no key update;

-- name: update_list!
-- Changes of a list what is not null.
update customer_list
set name = coalesce(:name, name), criteria = coalesce(:criteria::jsonb, criteria),
    grows_on = coalesce(:grows_on::text[], grows_on)
where id = :list_id;

-- name: lock_list_to_delete$
-- Locks a list against every use of it; returns how it is called.
select l.name from customer_list l where l.id = :list_id for update;

-- name: campaigns_of_list
-- Locks the campaigns that a list is named by and that are not over.
select c.id, c.title, c.status, n.excluded from campaign_list n join campaign c on c.id = n.campaign_id
where n.list_id = :list_id and c.status not in ('FINISHED', 'CANCELLED')
order by c.id for no key update of c;

-- name: import_into_list$
-- The file of the first import that is filling a list.
select i.file_name from customer_import i
where i.status = 'RUNNING' and not i.dry_run and i.list_id = :list_id order by i.id limit 1;

-- name: list_made_of$
-- How the first dynamic list is called whose criteria read a fixed one.
select l.name from customer_list l
where l.kind = 'DYNAMIC'
  and l.criteria @> jsonb_build_object('allOf', jsonb_build_array(jsonb_build_object('anyOf', jsonb_build_array(
        jsonb_build_object('member', jsonb_build_object('listId', :list_id::integer))))))
order by l.name limit 1;

-- name: delete_list!
-- Deletes a list with its members.
delete from customer_list where id = :list_id;

-- name: hold_lists
-- Locks lists against deletion until the transaction ends; returns them.
select l.id, l.kind::text, l.criteria from customer_list l
where l.id = any(:list_ids::integer[]) order by l.id for key share;

-- name: known_campaigns
-- Which of these campaigns there are.
select c.id from campaign c where c.id = any(:campaign_ids::uuid[]);

-- name: lists_by_number
-- Lists, as far as their members depend on it.
select l.id, l.kind::text, l.criteria from customer_list l where l.id = any(:list_ids::integer[]);

-- name: dynamic_lists
-- The criteria of all dynamic lists, the newest first.
select l.id, l.criteria from customer_list l where l.kind = 'DYNAMIC' order by l.id desc;

-- name: member_faults
-- The first of these customers that cannot join a list: unknown, or erased.
select t.place, c.id is not null as known
from unnest(:customer_ids::bigint[]) with ordinality as t (customer_id, place)
left join customer c on c.id = t.customer_id
where c.id is null or (c.erased_at is not null and :refuse_erased::boolean)
order by t.place limit :faults::integer;

-- name: add_members$
-- Adds customers to a fixed list, in order against deadlocks; returns how many were not in it.
with added as (
    insert into list_member (list_id, customer_id, actor)
    select :list_id, t.customer_id, :actor
    from (select distinct given.customer_id from unnest(:customer_ids::bigint[]) as given (customer_id)) t
    order by t.customer_id
    on conflict (list_id, customer_id) do nothing
    returning 1
)
select count(*) from added;

-- name: remove_members$
-- Takes customers out of a fixed list; returns how many were in it.
with removed as (
    delete from list_member y where y.list_id = :list_id and y.customer_id = any(:customer_ids::bigint[])
    returning 1
)
select count(*) from removed;

-- name: grow_lists!
-- A customer that is mailed about a work order joins the lists that grow by it. A list that is being deleted is left
-- out, so that the mail neither waits for that nor fails by it.
insert into list_member (list_id, customer_id, actor)
select l.id, :customer_id, :actor
from (select g.id from customer_list g
      where g.grows_on <> '{}' and g.grows_on @> array[:kind::text] order by g.id for key share skip locked) l
on conflict (list_id, customer_id) do nothing;

-- name: limit_evaluation!
-- Until the transaction ends: a statement's time, and every plan that may be the fastest for these values. Elsewhere
-- the plans of both programs are kept from changing.
select set_config('statement_timeout', :milliseconds::integer::text, true), set_config('enable_seqscan', 'on', true),
       set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true),
       set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: list_to_count^
-- The dynamic list whose count is due longest; its next one is put off, so that nobody else counts it meanwhile.
update customer_list l set recount_at = now() + :again_after::interval
from (select d.id from customer_list d where d.recount_at <= now()
      order by d.recount_at, d.id limit 1 for no key update skip locked) due
where l.id = due.id
returning l.id, l.criteria;

-- name: store_count!
-- Writes what a list's criteria found, unless they were changed meanwhile.
update customer_list
set member_count = :member_count, count_precision = :precision::count_precision, counted_at = now(),
    recount_at = now() + :again_after::interval
where id = :list_id and criteria = :criteria::jsonb;
