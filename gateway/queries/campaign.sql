-- Campaigns: what a person decides about one, and when one is over.

-- name: insert_campaign$
-- Makes a draft, of which nothing is sent before its launch; returns its id.
insert into campaign (title, kind, priority, sender_version_id, merge_data, tracked, bound_relay, repeat)
values (:title, :kind::campaign_kind, :priority, :sender_version_id, :merge_data, :tracked, :bound_relay,
        :repeat::event_repeat)
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

-- name: now$
-- The database's clock.
select now();

-- name: campaign_content^
-- What a campaign is made of, of one that is locked; and the time.
select c.title, c.kind, c.priority, c.sender_version_id, v.sender_id, c.merge_data, c.tracked, c.repeat, c.bound_relay,
       c.launched_at, c.archived_at, now() as now
from campaign c join sender_version v on v.id = c.sender_version_id
where c.id = :campaign_id;

-- name: customers_of_campaign
-- The customers named one by one, in order.
select n.customer_id, n.merge_data from campaign_customer n where n.campaign_id = :campaign_id order by n.position;

-- name: lists_of_campaign
-- The lists of a campaign.
select n.list_id, n.excluded from campaign_list n where n.campaign_id = :campaign_id order by n.list_id;

-- name: insert_campaign_lists!
-- Gives a campaign lists, or exclusions.
insert into campaign_list (campaign_id, list_id, excluded)
select :campaign_id, t.list_id, :excluded from unnest(:list_ids::integer[]) as t (list_id);

-- name: delete_campaign_lists!
-- Takes a campaign's lists away, or its exclusions.
delete from campaign_list where campaign_id = :campaign_id and excluded = :excluded;

-- name: delete_campaign_customers!
-- Takes away the customers named one by one.
delete from campaign_customer where campaign_id = :campaign_id;

-- name: update_campaign!
-- Writes a campaign as it shall be. Its lanes, once there are some, have its priority.
with lanes as (
    update lane l set priority = 100 + :priority::smallint
    where l.campaign_id = :campaign_id and l.priority <> 100 + :priority::smallint
)
update campaign
set title = :title, priority = :priority::smallint, sender_version_id = :sender_version_id, merge_data = :merge_data,
    tracked = :tracked, repeat = :repeat::event_repeat
where id = :campaign_id;

-- name: copy_campaign$
-- Makes a draft like another campaign, by the sender as it is now; returns its id.
insert into campaign (title, kind, priority, sender_version_id, merge_data, tracked, bound_relay, repeat)
select :title, c.kind, c.priority, :sender_version_id, c.merge_data, c.tracked, :bound_relay, c.repeat
from campaign c where c.id = :campaign_id
returning id;

-- name: copy_campaign_customers!
-- Names the same customers one by one, those left out that were erased since.
insert into campaign_customer (campaign_id, position, customer_id, address, merge_data)
select :copy_id::uuid, n.position, n.customer_id, n.address, n.merge_data
from campaign_customer n join customer c on c.id = n.customer_id
where n.campaign_id = :campaign_id::uuid and c.erased_at is null;

-- name: copy_campaign_lists!
-- Gives a draft the same lists.
insert into campaign_list (campaign_id, list_id, excluded)
select :copy_id::uuid, n.list_id, n.excluded from campaign_list n where n.campaign_id = :campaign_id::uuid;

-- name: delete_campaign!
-- Deletes a draft, with all that it has.
delete from campaign where id = :campaign_id;

-- name: archive_campaign!
-- Puts a campaign away, or back.
update campaign set archived_at = case when :archived::boolean then coalesce(archived_at, now()) end
where id = :campaign_id;

-- name: describe_campaign$
-- A campaign as its history tells of it, without whom it names one by one.
select jsonb_build_object(
    'title', c.title, 'kind', c.kind, 'priority', c.priority, 'sender', s.name, 'senderVersion', v.number,
    'mergeData', c.merge_data, 'tracked', c.tracked, 'repeat', c.repeat,
    'lists', array(select l.name from campaign_list n join customer_list l on l.id = n.list_id
                   where n.campaign_id = c.id and not n.excluded order by l.name),
    'excludedLists', array(select l.name from campaign_list n join customer_list l on l.id = n.list_id
                           where n.campaign_id = c.id and n.excluded order by l.name),
    'customers', (select count(*) from campaign_customer n where n.campaign_id = c.id))
from campaign c
join sender_version v on v.id = c.sender_version_id
join sender s on s.id = v.sender_id
where c.id = :campaign_id;

-- name: finish_campaign$
-- Finishes a locked campaign whose mailings are all over; returns whether it did.
with finished as (
    update campaign c set status = 'FINISHED', finished_at = now(), paused_at = null, paused_why = null
    where c.id = :campaign_id and c.status in ('SCHEDULED', 'RUNNING', 'PAUSED')
      and not exists (select from mailing g
                      where g.campaign_id = c.id and g.status not in ('FINISHED', 'CANCELLED'))
    returning 1
)
select count(*) > 0 from finished;

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

-- name: on_the_wire$
-- How many mails of a campaign are handed off and not decided: counted over all that wait, where progress, asked for
-- again and again, reads the heads of the queues (`handed_off_in_lane`).
select count(*) from outbox o
where o.lane_id in (select lane.id from lane where lane.campaign_id = :campaign_id) and o.handed_off_at is not null;

-- name: resume_campaign!
-- Lets a paused campaign and its lanes go on.
with lanes_resumed as (
    update lane l set paused_at = null, paused_why = null where l.campaign_id = :campaign_id
)
update campaign c
set status = case when exists (select from mailing g
                               where g.campaign_id = c.id and g.status <> 'CANCELLED'
                                 and (g.status <> 'SCHEDULED' or g.due_at <= now()))
                  then 'RUNNING' else 'SCHEDULED' end::campaign_status, paused_at = null, paused_why = null
where c.id = :campaign_id;

-- name: cancel_campaign
-- Ends a campaign for good, with its mailings that are not over. Returns how many recipients of each have no message
-- and get none, where there are any: they are counted with those whose mail is called back.
with lanes_paused as (
    update lane l set paused_at = now(), paused_why = :why
    where l.campaign_id = :campaign_id and l.paused_at is null
), mailings as (
    update mailing g set status = 'CANCELLED', finished_at = now()
    where g.campaign_id = :campaign_id and g.status not in ('FINISHED', 'CANCELLED')
    returning g.id, g.recipients - g.expanded as unmade
), triggered as (
    delete from triggered_recipient t using mailings m where t.mailing_id = m.id returning t.mailing_id
), campaigns as (
    update campaign
    set status = 'CANCELLED', launched_at = coalesce(launched_at, now()), finished_at = now(), paused_at = null,
        paused_why = null
    where id = :campaign_id
)
select u.id as mailing_id, sum(u.unmade)::bigint as unmade
from (select m.id, m.unmade from mailings m
      union all select t.mailing_id, count(*) from triggered t group by t.mailing_id) u
group by u.id having sum(u.unmade) > 0;

-- name: cancel_campaign_rows$
-- Cancels all of a campaign's mail that is not handed off, with an event each; returns how many. Counts them, and the
-- recipients without a message, after it has all other locks: who cancels one mail has that, and waits for the counts.
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
), counted as materialized (
    select n.mailing_id, sum(n.cancelled) as cancelled
    from (select m.mailing_id, count(*) as cancelled from messages m group by m.mailing_id
          union all select u.mailing_id, u.unmade
          from unnest(:mailing_ids::integer[], :unmade::bigint[]) as u(mailing_id, unmade)) n
    group by n.mailing_id
), tallied as (
    insert into mailing_tally (mailing_id, shard, cancelled)
    select n.mailing_id, 0, n.cancelled from counted n order by n.mailing_id
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
