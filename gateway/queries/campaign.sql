-- Campaigns: what a person decides about one, and when one is over.

-- name: insert_campaign$
-- Makes a draft, of which nothing is sent before its launch; returns its id.
insert into campaign (title, kind, priority, sender_version_id, merge_data, tracked, bound_relay, repeat)
values (:title, :kind::text::campaign_kind, :priority, :sender_version_id, :merge_data, :tracked, :bound_relay,
        case when :kind::text = 'EVENT_BASED' then 'ONCE_A_DAY'::event_repeat end)
returning id;

-- name: insert_campaign_customers!
-- Adds customers one by one to a draft, in order.
insert into campaign_customer (campaign_id, position, customer_id, address, merge_data)
select :campaign_id, t.position, t.customer_id, t.address, t.merge_data::jsonb
from unnest(:positions::integer[], :customer_ids::bigint[], :addresses::text[], :merge_data::text[])
    as t(position, customer_id, address, merge_data);

-- name: audience_faults
-- The first recipients who cannot get a campaign: unknown, erased, without the address, or at a reserved name.
select t.position, c.id is not null as known, c.erased_at is not null as erased, a.address
from unnest(:positions::integer[], :customer_ids::bigint[], :addresses::text[])
    as t(position, customer_id, address)
left join customer c on c.id = t.customer_id
left join lateral (
    select ca.address from customer_address ca
    where ca.customer_id = c.id and (t.address is null or lower(ca.address) = lower(t.address))
    order by ca.position limit 1
) a on true
where c.id is null or c.erased_at is not null or a.address is null
   or lower(substring(a.address from '[^.]*$')) = any(:reserved_names::text[])
order by t.position limit :faults::integer;

-- name: newest_template_version$
-- The version that a campaign made now uses.
select v.id from template_version v
where v.template_id = :template_id order by v.number desc limit 1;

-- name: lock_campaign^
-- Locks a campaign for a person's decision; returns it as it is, whether it is for anybody, and the time.
select c.id, c.status, c.priority, c.kind, c.sender_version_id, s.postal_address, now() as now,
       exists (select from campaign_customer n where n.campaign_id = c.id)
       or exists (select from campaign_list n where n.campaign_id = c.id and not n.excluded) as has_audience
from campaign c
join sender_version s on s.id = c.sender_version_id
where c.id = :campaign_id
for update of c;

-- name: insert_campaign_event!
-- Writes down a change of a campaign: what, by whom, and what it was.
insert into campaign_event (campaign_id, action, actor, detail) values (:campaign_id, :action, :actor, :detail);

-- name: launch_campaign!
-- Starts a campaign: its mailings go when each is due.
update campaign set status = :status::campaign_status, launched_at = now() where id = :campaign_id;

-- name: pause_campaign!
-- Pauses a campaign and its lanes: once this is committed, nothing more of it is handed off.
with lanes_paused as (
    update lane l set paused_at = now(), paused_why = :why
    where l.campaign_id = :campaign_id and l.paused_at is null
)
update campaign set status = 'PAUSED', paused_at = now(), paused_why = :why where id = :campaign_id;

-- name: resume_campaign!
-- Lets a paused campaign and its lanes go on.
with lanes_resumed as (
    update lane l set paused_at = null, paused_why = null where l.campaign_id = :campaign_id
)
update campaign c
set status = case when exists (select from mailing g
                               where g.campaign_id = c.id and (g.status <> 'SCHEDULED' or g.due_at <= now()))
                  then 'RUNNING' else 'SCHEDULED' end::campaign_status, paused_at = null, paused_why = null
where c.id = :campaign_id;

-- name: cancel_campaign!
-- Ends a campaign for good, with its mailings that are not over: who has no message yet is counted as cancelled.
with lanes_paused as (
    update lane l set paused_at = now(), paused_why = :why
    where l.campaign_id = :campaign_id and l.paused_at is null
), mailings as (
    update mailing g set status = 'CANCELLED', finished_at = now()
    where g.campaign_id = :campaign_id and g.status not in ('FINISHED', 'CANCELLED')
    returning g.id, g.recipients - g.expanded as unmade
), tallied as (
    insert into mailing_tally (mailing_id, shard, cancelled)
    select m.id, 0, m.unmade from mailings m where m.unmade > 0
    on conflict (mailing_id, shard) do update set cancelled = mailing_tally.cancelled + excluded.cancelled
)
update campaign
set status = 'CANCELLED', launched_at = coalesce(launched_at, now()), finished_at = now(), paused_at = null,
    paused_why = null
where id = :campaign_id;

-- name: cancel_campaign_rows$
-- Cancels all of a campaign's mail that is not handed off, with an event each; returns how many.
-- status: QUEUED, DEFERRED -> CANCELLED
with unsent as materialized (
    select o.customer_id, o.message_id, o.recipient_no
    from outbox o
    where o.lane_id in (select lane.id from lane where lane.campaign_id = :campaign_id) and o.handed_off_at is null
    order by o.customer_id, o.message_id, o.recipient_no
    for update
), decided as (
    delete from outbox o using unsent u
    where o.customer_id = u.customer_id and o.message_id = u.message_id and o.recipient_no = u.recipient_no
    returning o.customer_id, o.message_id, o.attempt
), messages as (
    update message m set status = 'CANCELLED', decided_at = now(), cause = 'BY_PERSON', advice = :advice
    from decided d where m.customer_id = d.customer_id and m.id = d.message_id and m.status = 'QUEUED'
    returning m.mailing_id
), events as (
    insert into event (customer_id, message_id, kind, actor, data)
    select d.customer_id, d.message_id, 'CANCELLED', :actor::text, jsonb_build_object('attempt', d.attempt)
    from decided d
), tallied as (
    insert into mailing_tally (mailing_id, shard, cancelled)
    select m.mailing_id, 0, count(*) from messages m group by m.mailing_id order by m.mailing_id
    on conflict (mailing_id, shard) do update set cancelled = mailing_tally.cancelled + excluded.cancelled
)
select count(*) from decided;

-- name: cancelled_with_rows
-- Cancelled campaigns that still have a lane: mail handed off during the cancel may have returned to the queue.
select c.id from campaign c
where c.status = 'CANCELLED' and exists (select from lane l where l.campaign_id = c.id)
order by c.id limit 100;

-- name: finish_campaigns
-- Finishes those of these campaigns that run and whose mailings are all over; one that waits for events goes on.
update campaign c set status = 'FINISHED', finished_at = now()
where c.id = any(:campaign_ids::uuid[]) and c.status = 'RUNNING'
  and not exists (select from mailing g
                  where g.campaign_id = c.id and g.status not in ('FINISHED', 'CANCELLED'))
returning c.id;
