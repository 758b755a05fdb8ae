-- Campaigns: an audience becomes messages in set-based batches.

-- name: insert_campaign$
-- Makes a draft, of which nothing is sent before its launch; returns its id.
insert into campaign (title, kind, priority, template_version_id, sender_version_id, merge_data, tracked, audience_size,
                      bound_relay)
values (:title, :kind, :priority, :template_version_id, :sender_version_id, :merge_data, :tracked, :audience_size,
        :bound_relay)
returning id;

-- name: insert_audience!
-- Adds recipients to a draft, in order.
insert into campaign_audience (campaign_id, position, customer_id, address, merge_data)
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
-- Locks a campaign for a person's decision; returns it as it is.
select c.id, c.status, c.priority, c.kind, c.template_version_id, c.sender_version_id, c.audience_size,
       s.postal_address
from campaign c
join sender_version s on s.id = c.sender_version_id
where c.id = :campaign_id
for update of c;

-- name: launch_campaign!
-- Starts a campaign: from now on its messages are made, a bounded look-ahead before they are sent.
update campaign set status = 'RUNNING', launched_at = now() where id = :campaign_id;

-- name: insert_campaign_lane!
-- Makes a campaign's lane; pausing it touches this one row.
insert into lane (name, campaign_id, priority)
values ('campaign-' || replace(:campaign_id::uuid::text, '-', ''), :campaign_id::uuid, 100 + :priority::smallint)
on conflict (campaign_id) do nothing;

-- name: set_campaign_status!
-- Marks a campaign as paused, running again, or cancelled for good.
update campaign
set status = :status::campaign_status, finished_at = case when :status::text = 'CANCELLED' then now() end
where id = :campaign_id;

-- name: pause_campaign_lane!
-- Pauses a campaign's lane: once this is committed, nothing more of the campaign is handed off.
update lane set paused_at = now(), paused_why = :why where campaign_id = :campaign_id and paused_at is null;

-- name: resume_campaign_lane!
-- Resumes a campaign's lane.
update lane set paused_at = null, paused_why = null where campaign_id = :campaign_id;

-- name: cancel_campaign_rows$
-- Cancels all of a campaign's mail that is not handed off, with an event each; returns how many.
-- status: QUEUED, DEFERRED -> CANCELLED
with unsent as materialized (
    select o.customer_id, o.message_id, o.recipient_no
    from outbox o
    where o.lane_id = (select lane.id from lane where lane.campaign_id = :campaign_id) and o.handed_off_at is null
    order by o.customer_id, o.message_id, o.recipient_no
    for update
), decided as (
    delete from outbox o using unsent u
    where o.customer_id = u.customer_id and o.message_id = u.message_id and o.recipient_no = u.recipient_no
    returning o.customer_id, o.message_id, o.attempt
), messages as (
    update message m set status = 'CANCELLED', decided_at = now(), cause = 'BY_PERSON', advice = :advice
    from decided d where m.customer_id = d.customer_id and m.id = d.message_id and m.status = 'QUEUED'
    returning m.customer_id, m.id
), events as (
    insert into event (customer_id, message_id, kind, actor, data)
    select d.customer_id, d.message_id, 'CANCELLED', :actor::text, jsonb_build_object('attempt', d.attempt)
    from decided d
), tallied as (
    insert into campaign_tally (campaign_id, shard, cancelled)
    select :campaign_id, 0, count(*) from messages
    on conflict (campaign_id, shard) do update set cancelled = campaign_tally.cancelled + excluded.cancelled
)
select count(*) from decided;

-- name: cancelled_with_rows
-- Cancelled campaigns that still have a lane: mail handed off during the cancel may have returned to the queue.
select c.id from campaign c join lane l on l.campaign_id = c.id where c.status = 'CANCELLED' order by c.id limit 100;

-- name: campaign_to_make^
-- Locks the next running campaign that has recipients without a message and fewer than :look_ahead rows waiting.
select c.id, c.kind, c.template_version_id, c.sender_version_id, c.merge_data, c.tracked, c.expanded_to,
       c.audience_size, c.bound_relay, l.id as lane_id
from campaign c
join lane l on l.campaign_id = c.id
where c.status = 'RUNNING' and c.expanded_to < c.audience_size
  and (select count(*) from (select from outbox o where o.lane_id = l.id limit :look_ahead::integer) counted)
      < :look_ahead::integer
order by c.priority, c.id
limit 1
for update of c skip locked;

-- name: audience_batch
-- The next recipients of a campaign, with their address and whether they may be mailed.
select a.position, a.customer_id, a.merge_data, c.name, coalesce(chosen.address, a.address) as address,
       chosen.address_key, c.erased_at is not null
         or exists (select from opt_out x where x.customer_id = a.customer_id and x.kind = :kind::opt_out_kind)
         or exists (select from address_opt_out x
                    where x.address_key = chosen.address_key and x.kind = :kind::opt_out_kind) as opted_out,
       exists (select from suppression s where s.address_key = chosen.address_key) as suppressed
from campaign_audience a
join customer c on c.id = a.customer_id
left join lateral (
    select ca.address, ca.address_key from customer_address ca
    where ca.customer_id = a.customer_id and (a.address is null or lower(ca.address) = lower(a.address))
    order by ca.position limit 1
) chosen on true
where a.campaign_id = :campaign_id and a.position > :after::integer and a.position <= :after::integer + :batch::integer
order by a.position;

-- name: make_campaign_messages!
-- Writes a batch: messages, outbox rows for those who may be mailed, a held message with its reason for the suppressed.
-- status: new -> QUEUED, HELD
with made as materialized (
    select uuidv7() as id, t.*, a.merge_data, c.name
    from unnest(:positions::integer[], :customer_ids::bigint[], :addresses::text[], :address_keys::bytea[],
                :domains::text[], :subjects::text[], :held_causes::cause[], :held_advices::text[])
        as t(position, customer_id, address, address_key, domain, subject, held_cause, held_advice)
    join campaign_audience a on a.campaign_id = :campaign_id::uuid and a.position = t.position
    join customer c on c.id = t.customer_id
), messages as (
    insert into message (customer_id, id, source_type, status, campaign_id, template_version_id, sender_version_id,
                         mail_date, decided_at, cause, advice, sender, recipient, recipient_name, subject, merge_data,
                         composer_version, token_key_id, tracked, bound_relay)
    select made.customer_id, made.id, 'CAMPAIGN',
           case when held_cause is null then 'QUEUED' else 'HELD' end::email_status, :campaign_id::uuid,
           :template_version_id, :sender_version_id, now(), case when held_cause is not null then now() end, held_cause,
           held_advice, :sender, made.address, made.name, made.subject, made.merge_data, :composer_version,
           :token_key_id, :tracked, :bound_relay::text
    from made
), queued as (
    insert into outbox (customer_id, message_id, lane_id, address, address_key, domain, expires_at, opt_out_kind,
                        bound_relay, retry_once)
    select made.customer_id, made.id, :lane_id, made.address, made.address_key, made.domain,
           now() + :deadline::interval, :kind::opt_out_kind, :bound_relay::text, :retry_once
    from made where held_cause is null
), events as (
    insert into event (customer_id, message_id, kind, actor, data)
    select made.customer_id, made.id, 'HELD', 'gateway', jsonb_build_object('cause', held_cause)
    from made where held_cause is not null
)
insert into campaign_tally (campaign_id, shard, made, held)
select :campaign_id::uuid, 0, count(*), count(held_cause) from made
on conflict (campaign_id, shard) do update
set made = campaign_tally.made + excluded.made, held = campaign_tally.held + excluded.held;

-- name: advance_campaign!
-- Notes how far a campaign has come: audience rows up to here have become messages or were counted as opted out.
update campaign set expanded_to = :expanded_to, opted_out = opted_out + :opted_out::integer
where id = :campaign_id;

-- name: lock_settled_campaigns
-- Locks campaigns of which nothing waits and nothing more is made, as far as this statement sees. A campaign of which a
-- recipient is being retried is locked already, and skipped.
select c.id
from (select l.campaign_id as id from lane l union select r.id from campaign r where r.status = 'RUNNING') open
join campaign c on c.id = open.id
left join lane l on l.campaign_id = c.id
where (c.status in ('FINISHED', 'CANCELLED')
       or (c.status = 'RUNNING' and c.expanded_to >= c.audience_size
           and (l.id is not null
                or coalesce((select sum(t.uncertain) from campaign_tally t where t.campaign_id = c.id), 0) = 0)))
  -- One probe of the index a lane, however much waits: an anti-join might read the whole outbox.
  and (select count(*) from (select from outbox o where o.lane_id = l.id limit 1) waiting) = 0
order by c.id limit 1000
for update of c skip locked;

-- name: finish_campaigns
-- Finishes those of the locked campaigns that run, have nothing waiting even now, and no uncertain recipient.
update campaign c set status = 'FINISHED', finished_at = now()
where c.id = any(:campaign_ids::uuid[]) and c.status = 'RUNNING'
  and (select count(*) from (select from outbox o join lane l on l.id = o.lane_id
                             where l.campaign_id = c.id limit 1) waiting) = 0
  and coalesce((select sum(t.uncertain) from campaign_tally t where t.campaign_id = c.id), 0) = 0
returning c.id;

-- name: drop_empty_lanes!
-- Deletes the lanes of the locked campaigns in which nothing waits even now. A retry makes its campaign's lane again,
-- so that one uncertain mail does not keep a lane for ever.
delete from lane l
where l.campaign_id = any(:campaign_ids::uuid[])
  and (select count(*) from (select from outbox o where o.lane_id = l.id limit 1) waiting) = 0;

-- name: reopen_campaign$
-- Prepares a campaign for the retry of a recipient: a finished one runs again and gets its lane back; the lock keeps
-- both until the recipient is queued. Returns its id, or nothing for a campaign that was cancelled, even just before.
with open as materialized (
    select c.id, c.status, c.priority from campaign c
    where c.id = :campaign_id and c.status <> 'CANCELLED'
    for update
), reopened as (
    update campaign c set status = 'RUNNING', finished_at = null
    from open where c.id = open.id and open.status = 'FINISHED'
), lane_made as (
    insert into lane (name, campaign_id, priority, paused_at, paused_why)
    select 'campaign-' || replace(open.id::text, '-', ''), open.id, 100 + open.priority,
           case when open.status = 'PAUSED' then now() end,
           case when open.status = 'PAUSED' then 'Its campaign is paused.' end
    from open
    on conflict (campaign_id) do nothing
)
select id from open;

-- name: move_tally!
-- Counts one recipient whose status a person's decision or later evidence has changed.
insert into campaign_tally (campaign_id, shard, accepted, refused, uncertain, held, expired, cancelled)
values (:campaign_id, 0, :accepted, :refused, :uncertain, :held, :expired, :cancelled)
on conflict (campaign_id, shard) do update
set accepted = campaign_tally.accepted + excluded.accepted, refused = campaign_tally.refused + excluded.refused,
    uncertain = campaign_tally.uncertain + excluded.uncertain, held = campaign_tally.held + excluded.held,
    expired = campaign_tally.expired + excluded.expired, cancelled = campaign_tally.cancelled + excluded.cancelled;
