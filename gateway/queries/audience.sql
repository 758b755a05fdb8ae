-- The audience of a mailing, put together by gateway/campaigns/audience.py for its campaign's lists: `:name` is a
-- parameter, which is numbered as it comes; `{name}` is another fragment's text. Of freezing and its preview.

-- fragment: fixed_members
-- Members of fixed lists within a range of customers, list by list: each is a range of the key.
select y.customer_id
from unnest(:list_ids::integer[]) as l (id)
cross join lateral (
    select e.customer_id from list_member e
    where e.list_id = l.id and e.customer_id > :after::bigint and e.customer_id <= :up_to::bigint offset 0
) y

-- fragment: dynamic_members
-- Members of a dynamic list within the same range.
select c.id from customer c where c.id > :after::bigint and c.id <= :up_to::bigint and {condition}

-- fragment: not_in_fixed
-- In none of the fixed lists whose members are left out.
(select true from list_member y
 where y.list_id = any(:list_ids::integer[]) and y.customer_id = m.customer_id limit 1) is null

-- fragment: not_in_dynamic
-- Not in a dynamic list whose members are left out.
(select true from customer c where c.id = m.customer_id and {condition}) is null

-- fragment: of_lists
-- Members of lists but those left out; the next fragment adds to it.
select m.customer_id from ({members}) m (customer_id) where {kept}
union

-- fragment: audience
-- Everybody within the range: members of lists, and customers named one by one, of whom exclusions leave out nobody.
{of_lists}
select n.customer_id from campaign_customer n
where n.campaign_id = :campaign_id::uuid and n.customer_id > :after::bigint and n.customer_id <= :up_to::bigint

-- fragment: due_for_all
-- When a mail is due: for everybody at once.
:due_at::timestamptz

-- fragment: due_by_zone
-- When a mail is due: by the customer's time zone, and for others by the sender's.
coalesce(z.due_at, :otherwise::timestamptz)

-- fragment: zones
-- When a mail is due in each zone.
left join unnest(:zones::text[], :due_ats::timestamptz[]) as z (zone, due_at) on z.zone = c.time_zone

-- fragment: not_opened
-- Of whom, and of whose address, no open of another mailing is known.
where (select true from message o
       where o.mailing_id = :mailing_id::integer and o.customer_id = n.customer_id and o.opened_at is not null
       limit 1) is null
  and (select true from mailing_recipient r
       join message o on o.mailing_id = r.mailing_id and o.customer_id = r.customer_id
       where r.mailing_id = :mailing_id::integer and r.address_key = chosen.address_key and r.occurrence = ''
         and o.opened_at is not null limit 1) is null

-- fragment: judged
-- Everybody within a range, each with its address and values, or with why it is left out. Who is named one by one has
-- the address and the values that it is named with, also when it is in a list. Whatever the planner thinks, all
-- of it is read by keys: of plain joins and `exists` it may make a pass over everybody in each batch.
with candidates as materialized (
    {audience}
), judged as materialized (
    select n.customer_id, {due} as due_at, chosen.address, chosen.address_key,
           coalesce(named.merge_data, '{}'::jsonb) as merge_data,
           case when c.erased_at is not null then 'ERASED'
                when chosen.address is null then 'NO_ADDRESS'
                when (select true from address_opt_out x
                      where x.address_key = chosen.address_key and x.kind = :kind::opt_out_kind)
                  or (select true from customer_address h
                      join opt_out x on x.customer_id = h.customer_id and x.kind = :kind::opt_out_kind
                      where h.address_key = chosen.address_key limit 1) then 'OPTED_OUT'
                when (select true from suppression s where s.address_key = chosen.address_key) then 'SUPPRESSED'
                when not coalesce(named.merge_data, '{}'::jsonb) ?& :required::text[]
                  or not c.attributes ?& :required_attributes::text[] then 'MERGE_FIELD_MISSING'
           end::left_out_reason as reason
    from candidates n
    cross join lateral (
        select c.erased_at, c.attributes, c.time_zone from customer c where c.id = n.customer_id limit 1
    ) c
    left join campaign_customer named
        on named.campaign_id = :campaign_id::uuid and named.customer_id = n.customer_id
    left join lateral (
        select ca.address, ca.address_key from customer_address ca
        where ca.customer_id = n.customer_id and (named.address is null or lower(ca.address) = lower(named.address))
        order by ca.position limit 1
    ) chosen on true
    {zones}
    {not_opened}
)

-- fragment: freeze
-- Writes them down, in the order of their ids, so that the customer with the lowest one keeps an address; returns how
-- many there were.
{judged}, recipients as (
    insert into mailing_recipient (mailing_id, due_at, customer_id, address, address_key, merge_data)
    select :mailing_id::integer, j.due_at, j.customer_id, j.address, j.address_key, j.merge_data
    from judged j where j.reason is null order by j.customer_id
    on conflict (mailing_id, address_key) where occurrence = '' do nothing
    returning customer_id
), left_out as (
    insert into mailing_left_out (mailing_id, customer_id, reason)
    select :mailing_id::integer, j.customer_id, coalesce(j.reason, 'DUPLICATE_ADDRESS')
    from judged j
    -- Hashed whatever the planner expects; an anti-join of few becomes a nested loop over many.
    where j.reason is not null or j.customer_id not in (select r.customer_id from recipients r)
    returning reason
), tallied as (
    insert into mailing_tally as t (mailing_id, shard, left_out_opted_out, left_out_suppressed, left_out_no_address,
                                    left_out_duplicate_address, left_out_erased, left_out_merge_field_missing)
    select :mailing_id::integer, 0, count(*) filter (where l.reason = 'OPTED_OUT'),
           count(*) filter (where l.reason = 'SUPPRESSED'), count(*) filter (where l.reason = 'NO_ADDRESS'),
           count(*) filter (where l.reason = 'DUPLICATE_ADDRESS'), count(*) filter (where l.reason = 'ERASED'),
           count(*) filter (where l.reason = 'MERGE_FIELD_MISSING')
    from left_out l having count(*) > 0
    on conflict (mailing_id, shard) do update
    set left_out_opted_out = t.left_out_opted_out + excluded.left_out_opted_out,
        left_out_suppressed = t.left_out_suppressed + excluded.left_out_suppressed,
        left_out_no_address = t.left_out_no_address + excluded.left_out_no_address,
        left_out_duplicate_address = t.left_out_duplicate_address + excluded.left_out_duplicate_address,
        left_out_erased = t.left_out_erased + excluded.left_out_erased,
        left_out_merge_field_missing = t.left_out_merge_field_missing + excluded.left_out_merge_field_missing
), advanced as (
    update mailing g
    set recipients = g.recipients + (select count(*) from recipients),
        left_out = g.left_out + (select count(*) from left_out), frozen_to = :frozen_to::bigint
    where g.id = :mailing_id::integer
)
select count(*) from judged

-- fragment: preview
-- Counts them by the reason why they are left out; of those who are not, each address gets one mail.
{judged}
select j.reason, count(*) as customers, count(distinct j.address_key) as addresses from judged j group by j.reason
