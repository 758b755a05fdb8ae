-- Mailings: an audience is frozen, then becomes messages in set-based batches.

-- name: insert_mailing$
-- Adds a mailing to a campaign; returns its id.
insert into mailing (campaign_id, number, template_version_id, merge_data)
values (:campaign_id, :number, :template_version_id, :merge_data)
returning id;

-- name: mailings_of_campaign
-- A campaign's mailings, the first one first.
select g.id, g.number, g.status, g.template_version_id, g.send_at
from mailing g where g.campaign_id = :campaign_id order by g.number;

-- name: launch_mailing!
-- Schedules a mailing, with the campaign's values as they are now.
update mailing g set status = 'SCHEDULED', merge_data = c.merge_data, due_at = coalesce(:due_at::timestamptz, now())
from campaign c where g.id = :mailing_id and c.id = g.campaign_id;

-- name: mailing_to_freeze^
-- Locks the next mailing that is due and whose audience is not frozen, and its campaign, which runs from now on.
select g.id, g.campaign_id, g.status, g.template_version_id, g.merge_data, g.due_at, g.frozen_to, c.kind, c.priority
from mailing g
join campaign c on c.id = g.campaign_id
where g.status in ('SCHEDULED', 'FREEZING') and g.due_at <= now() and c.status in ('SCHEDULED', 'RUNNING')
order by c.priority, g.id
limit 1
for update skip locked;

-- name: start_freezing!
-- Notes that a mailing has begun.
with campaigns as (
    update campaign c set status = 'RUNNING'
    from mailing g where g.id = :mailing_id and c.id = g.campaign_id and c.status = 'SCHEDULED'
)
update mailing set status = 'FREEZING' where id = :mailing_id;

-- name: freeze_batch^
-- Freezes the next :batch customers of an audience, in the order of their ids: each becomes a recipient, or is left out
-- with the reason. The customer with the lowest id keeps an address. Returns how many there were, 0 at the end.
with candidates as materialized (
    select a.customer_id, a.address as wanted, a.merge_data
    from campaign_customer a
    where a.campaign_id = :campaign_id and a.customer_id > :after::bigint
    order by a.customer_id limit :batch::integer
), judged as materialized (
    select n.customer_id, chosen.address, chosen.address_key, n.merge_data,
           case when c.erased_at is not null then 'ERASED'
                when chosen.address is null then 'NO_ADDRESS'
                when exists (select from address_opt_out x
                             where x.address_key = chosen.address_key and x.kind = :kind::opt_out_kind)
                  or exists (select from opt_out x
                             where x.customer_id = n.customer_id and x.kind = :kind::opt_out_kind)
                  or exists (select from customer_address h
                             join opt_out x on x.customer_id = h.customer_id and x.kind = :kind::opt_out_kind
                             where h.address_key = chosen.address_key) then 'OPTED_OUT'
                when exists (select from suppression s where s.address_key = chosen.address_key) then 'SUPPRESSED'
                when not n.merge_data ?& :required::text[] or not c.attributes ?& :required_attributes::text[]
                    then 'MERGE_FIELD_MISSING'
           end::left_out_reason as reason
    from candidates n
    join customer c on c.id = n.customer_id
    left join lateral (
        select ca.address, ca.address_key from customer_address ca
        where ca.customer_id = n.customer_id and (n.wanted is null or lower(ca.address) = lower(n.wanted))
        order by ca.position limit 1
    ) chosen on true
), recipients as (
    insert into mailing_recipient (mailing_id, due_at, customer_id, address, address_key, merge_data)
    select :mailing_id, :due_at, j.customer_id, j.address, j.address_key, j.merge_data
    from judged j where j.reason is null order by j.customer_id
    on conflict (mailing_id, address_key) where occurrence = '' do nothing
    returning customer_id
), left_out as (
    insert into mailing_left_out (mailing_id, customer_id, reason)
    select :mailing_id, j.customer_id, coalesce(j.reason, 'DUPLICATE_ADDRESS')
    from judged j left join recipients r on r.customer_id = j.customer_id
    where r.customer_id is null
    returning reason
), tallied as (
    insert into mailing_tally as t (mailing_id, shard, left_out_opted_out, left_out_suppressed, left_out_no_address,
                                    left_out_duplicate_address, left_out_erased, left_out_merge_field_missing)
    select :mailing_id, 0, count(*) filter (where l.reason = 'OPTED_OUT'),
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
        left_out = g.left_out + (select count(*) from left_out),
        frozen_to = coalesce((select max(n.customer_id) from candidates n), g.frozen_to)
    where g.id = :mailing_id
)
select (select count(*) from candidates) as candidates;

-- name: end_freezing!
-- Notes that an audience is frozen, and makes the mailing's lane; pausing that touches one row.
with frozen as (
    update mailing g set status = 'RUNNING', frozen_at = now()
    where g.id = :mailing_id
    returning g.id, g.campaign_id, g.number
)
insert into lane (name, campaign_id, mailing_id, priority)
select 'campaign-' || replace(f.campaign_id::text, '-', '') || '-' || f.number, f.campaign_id, f.id,
       100 + :priority::smallint
from frozen f
on conflict (mailing_id) do nothing;

-- name: mailing_to_make^
-- Locks the next running mailing that has recipients without a message, due within :ahead, and fewer than :look_ahead
-- rows waiting.
select g.id, g.campaign_id, c.kind, g.template_version_id, c.sender_version_id, g.merge_data, c.tracked,
       g.expanded_due, g.expanded_to, c.bound_relay, l.id as lane_id
from mailing g
join campaign c on c.id = g.campaign_id
join lane l on l.mailing_id = g.id
where g.status = 'RUNNING' and c.status = 'RUNNING' and g.expanded < g.recipients
  and (select r.due_at from mailing_recipient r
       where r.mailing_id = g.id and (r.due_at, r.customer_id) > (g.expanded_due, g.expanded_to)
       order by r.due_at, r.customer_id limit 1) <= now() + :ahead::interval
  and (select count(*) from (select from outbox o where o.lane_id = l.id limit :look_ahead::integer) counted)
      < :look_ahead::integer
order by c.priority, g.id
limit 1
for update of g skip locked;

-- name: recipients_batch
-- The next recipients of a mailing that are due within :ahead, with those of their customers' values that it shows.
select r.due_at, r.customer_id, r.address, r.address_key, r.merge_data, c.name,
       case when :attributes::text[] <> '{}' then
           (select jsonb_object_agg(n.name, c.attributes -> n.name)
            from unnest(:attributes::text[]) as n (name) where c.attributes ? n.name)
       end as attributes
from mailing_recipient r
join customer c on c.id = r.customer_id
where r.mailing_id = :mailing_id and (r.due_at, r.customer_id) > (:after_due::timestamptz, :after::bigint)
  and r.due_at <= now() + :ahead::interval
order by r.due_at, r.customer_id limit :batch::integer;

-- name: make_campaign_messages!
-- Writes a batch: messages, outbox rows for those that may be sent, a held message with its reason for the others. What
-- is due only later is scheduled. Customers' values, where the template shows some, are kept with each message.
-- status: new -> QUEUED, HELD
with made as materialized (
    select uuidv7() as id, t.*, coalesce(r.merge_data || t.customer_values::jsonb, r.merge_data) as merge_data, c.name
    from unnest(:due_ats::timestamptz[], :customer_ids::bigint[], :addresses::text[], :address_keys::bytea[],
                :domains::text[], :subjects::text[], :held_causes::cause[], :held_advices::text[],
                :customer_values::text[])
        as t(due_at, customer_id, address, address_key, domain, subject, held_cause, held_advice, customer_values)
    join mailing_recipient r
        on r.mailing_id = :mailing_id::integer and r.due_at = t.due_at and r.customer_id = t.customer_id
    join customer c on c.id = t.customer_id
), messages as (
    insert into message (customer_id, id, source_type, status, campaign_id, mailing_id, template_version_id,
                         sender_version_id, mail_date, decided_at, cause, advice, sender, recipient, recipient_name,
                         subject, merge_data, composer_version, token_key_id, tracked, bound_relay)
    select made.customer_id, made.id, 'CAMPAIGN',
           case when held_cause is null then 'QUEUED' else 'HELD' end::email_status, :campaign_id::uuid,
           :mailing_id::integer, :template_version_id, :sender_version_id, now(),
           case when held_cause is not null then now() end, held_cause, held_advice, :sender, made.address, made.name,
           made.subject, made.merge_data, :composer_version, :token_key_id, :tracked, :bound_relay::text
    from made
), queued as (
    insert into outbox (customer_id, message_id, lane_id, due_at, scheduled, address, address_key, domain, expires_at,
                        opt_out_kind, bound_relay, retry_once)
    select made.customer_id, made.id, :lane_id, greatest(made.due_at, now()), made.due_at > now(), made.address,
           made.address_key, made.domain, greatest(made.due_at, now()) + :deadline::interval, :kind::opt_out_kind,
           :bound_relay::text, :retry_once
    from made where held_cause is null
), events as (
    insert into event (customer_id, message_id, kind, actor, data)
    select made.customer_id, made.id, 'HELD', 'gateway', jsonb_build_object('cause', held_cause)
    from made where held_cause is not null
), advanced as (
    update mailing g
    set expanded_due = last.due_at, expanded_to = last.customer_id, expanded = g.expanded + last.made
    from (select m.due_at, m.customer_id, count(*) over () as made
          from made m order by m.due_at desc, m.customer_id desc limit 1) last
    where g.id = :mailing_id::integer
)
insert into mailing_tally (mailing_id, shard, made, held)
select :mailing_id::integer, 0, count(*), count(held_cause) from made
on conflict (mailing_id, shard) do update
set made = mailing_tally.made + excluded.made, held = mailing_tally.held + excluded.held;

-- name: lock_settled_mailings
-- Locks mailings of which nothing waits and nothing more is made, as far as this statement sees, and their campaigns.
-- One of which a recipient is being retried is locked already, and skipped.
select g.id, g.campaign_id
from (select l.mailing_id as id from lane l where l.mailing_id is not null
      union select r.id from mailing r where r.status = 'RUNNING') open
join mailing g on g.id = open.id
join campaign c on c.id = g.campaign_id
left join lane l on l.mailing_id = g.id
where (g.status in ('FINISHED', 'CANCELLED')
       or (g.status = 'RUNNING' and c.status = 'RUNNING' and g.expanded >= g.recipients
           and (l.id is not null
                or coalesce((select sum(t.uncertain) from mailing_tally t where t.mailing_id = g.id), 0) = 0)))
  -- One probe of the index a lane, however much waits: an anti-join might read the whole outbox.
  and (select count(*) from (select from outbox o where o.lane_id = l.id limit 1) waiting) = 0
order by g.id limit 1000
for update of c, g skip locked;

-- name: finish_mailings
-- Finishes those of the locked mailings that run, have nothing waiting even now, and no uncertain recipient. One of a
-- campaign that waits for events, which has neither lists nor customers of its own, goes on. Returns their campaigns.
update mailing g set status = 'FINISHED', finished_at = now()
where g.id = any(:mailing_ids::integer[]) and g.status = 'RUNNING'
  and (select count(*) from (select from outbox o join lane l on l.id = o.lane_id
                             where l.mailing_id = g.id limit 1) waiting) = 0
  and coalesce((select sum(t.uncertain) from mailing_tally t where t.mailing_id = g.id), 0) = 0
  and (exists (select from campaign c where c.id = g.campaign_id and c.kind = 'MARKETING')
       or exists (select from campaign_customer a where a.campaign_id = g.campaign_id)
       or exists (select from campaign_list n where n.campaign_id = g.campaign_id))
returning g.campaign_id;

-- name: drop_empty_lanes!
-- Deletes the lanes of the locked mailings in which nothing waits even now. A retry makes its mailing's lane again,
-- so that one uncertain mail does not keep a lane for ever.
delete from lane l
where l.mailing_id = any(:mailing_ids::integer[])
  and (select count(*) from (select from outbox o where o.lane_id = l.id limit 1) waiting) = 0;

-- name: reopen_mailing$
-- Prepares a mailing for the retry of a recipient: a finished one runs again, with its campaign, and gets its lane
-- back; the locks keep them until the recipient is queued. Returns its id, or nothing for one that was cancelled, even
-- just before.
with open as materialized (
    select g.id, g.number, g.status, g.campaign_id, c.status as campaign_status, c.priority, c.paused_why
    from mailing g join campaign c on c.id = g.campaign_id
    where g.id = :mailing_id and g.status <> 'CANCELLED' and c.status <> 'CANCELLED'
    for update of c, g
), campaigns as (
    update campaign c set status = 'RUNNING', finished_at = null, archived_at = null
    from open where c.id = open.campaign_id and open.campaign_status = 'FINISHED'
), mailings as (
    update mailing g set status = 'RUNNING', finished_at = null
    from open where g.id = open.id and open.status = 'FINISHED'
), lane_made as (
    insert into lane (name, campaign_id, mailing_id, priority, paused_at, paused_why)
    select 'campaign-' || replace(open.campaign_id::text, '-', '') || '-' || open.number, open.campaign_id, open.id,
           100 + open.priority, case when open.campaign_status = 'PAUSED' then now() end, open.paused_why
    from open
    on conflict (mailing_id) do nothing
)
select id from open;

-- name: move_tally!
-- Counts one recipient whose status a person's decision or later evidence has changed.
insert into mailing_tally as t (mailing_id, shard, accepted, refused, bounced, uncertain, held, expired, cancelled)
values (:mailing_id, 0, :accepted, :refused, :bounced, :uncertain, :held, :expired, :cancelled)
on conflict (mailing_id, shard) do update
set accepted = t.accepted + excluded.accepted, refused = t.refused + excluded.refused,
    bounced = t.bounced + excluded.bounced, uncertain = t.uncertain + excluded.uncertain,
    held = t.held + excluded.held, expired = t.expired + excluded.expired,
    cancelled = t.cancelled + excluded.cancelled;
