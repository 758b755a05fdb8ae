-- Mailings: an audience is frozen, then becomes messages in set-based batches.

-- name: insert_mailing$
-- Adds a mailing to a campaign; returns its id.
insert into mailing (campaign_id, number, template_version_id, subject, merge_data, send_at, local_time, after_days,
                     after_minutes, not_before, not_opened_mailing_id)
values (:campaign_id, :number, :template_version_id, :subject, :merge_data, :send_at, :local_time, :after_days,
        :after_minutes, :not_before, :not_opened_mailing_id)
returning id;

-- name: update_mailing!
-- Writes a mailing as it shall be; its number and id stay.
update mailing
set template_version_id = :template_version_id, subject = :subject, send_at = :send_at, local_time = :local_time,
    after_days = :after_days, after_minutes = :after_minutes, not_before = :not_before,
    not_opened_mailing_id = :not_opened_mailing_id
where id = :mailing_id;

-- name: lock_mailing^
-- Locks a mailing whose campaign is locked; returns it as it is.
select g.id, g.campaign_id, g.number, g.status from mailing g where g.id = :mailing_id for update;

-- name: campaign_of_mailing$
-- Whose a mailing is.
select g.campaign_id from mailing g where g.id = :mailing_id;

-- name: wanted_versions
-- The versions of templates that mailings are to have, in order; the newest where no number is given.
select w.place, t.id is not null as known, v.id
from unnest(:template_ids::uuid[], :numbers::integer[]) with ordinality as w (template_id, number, place)
left join template t on t.id = w.template_id and t.source_type = 'CAMPAIGN'
left join lateral (
    select n.id from template_version n
    where n.template_id = t.id and (w.number is null or n.number = w.number)
    order by n.number desc limit 1
) v on true
order by w.place;

-- name: readers_left_out$
-- The number of the first mailing that leaves out who opened this one, and was not called off.
select g.number from mailing g
where g.not_opened_mailing_id = :mailing_id and g.status <> 'CANCELLED' order by g.number limit 1;

-- name: reader_before$
-- Of this mailing and those for who did not open it, and of this one and that whose readers it leaves out: the number
-- of the first that would go before the other one has.
select g.number
from mailing g join mailing n on n.id = g.not_opened_mailing_id
where g.campaign_id = :campaign_id and :mailing_id::integer in (g.id, n.id)
  and g.status = 'SCHEDULED' and n.status = 'SCHEDULED' and g.due_at <= n.due_at
order by g.number limit 1;

-- name: delete_mailing!
-- Deletes a mailing of a draft.
delete from mailing where id = :mailing_id;

-- name: call_off_mailing!
-- Calls off a mailing whose audience is not frozen.
update mailing set status = 'CANCELLED', finished_at = now() where id = :mailing_id;

-- name: copy_mailings!
-- Gives a draft the mailings of another campaign, those left out that were called off while it went on.
insert into mailing (campaign_id, number, template_version_id, subject, send_at, local_time, after_days, after_minutes,
                     not_before)
select :copy_id::uuid, g.number, g.template_version_id, g.subject, g.send_at, g.local_time, g.after_days,
       g.after_minutes, g.not_before
from mailing g join campaign c on c.id = g.campaign_id
where g.campaign_id = :campaign_id::uuid and (g.status <> 'CANCELLED' or c.status = 'CANCELLED')
order by g.number;

-- name: copy_not_opened!
-- Lets a copy's mailings leave out the readers of its own, as those of the campaign that was copied do.
update mailing mine
set not_opened_mailing_id = other.id
from mailing theirs
join mailing named on named.id = theirs.not_opened_mailing_id
join mailing other on other.campaign_id = :copy_id::uuid and other.number = named.number
where mine.campaign_id = :copy_id::uuid and theirs.campaign_id = :campaign_id::uuid and theirs.number = mine.number;

-- name: describe_mailings
-- A campaign's mailings as its history tells of them.
select g.id, jsonb_build_object(
    'number', g.number, 'status', g.status, 'template', t.name, 'version', v.number, 'subject', g.subject,
    'sendAt', g.send_at, 'atLocalTime', to_char(g.local_time, 'YYYY-MM-DD"T"HH24:MI'), 'afterDays', g.after_days,
    'afterMinutes', g.after_minutes, 'localTime', to_char(g.not_before, 'HH24:MI'), 'notOpened', n.number
) as described
from mailing g
join template_version v on v.id = g.template_version_id
join template t on t.id = v.template_id
left join mailing n on n.id = g.not_opened_mailing_id
where g.campaign_id = :campaign_id order by g.number;

-- name: mailings_of_campaign
-- A campaign's mailings, the first one first.
select g.id, g.number, g.status, g.template_version_id, g.subject, g.send_at, g.local_time, g.after_days, g.after_minutes,
       g.not_before, g.not_opened_mailing_id
from mailing g where g.campaign_id = :campaign_id order by g.number;

-- name: launch_mailing!
-- Schedules a mailing, with the campaign's values as they are now; one that waits for events is due by each of them.
update mailing g set status = 'SCHEDULED', merge_data = c.merge_data, due_at = :due_at
from campaign c where g.id = :mailing_id and c.id = g.campaign_id;

-- name: mailing_to_freeze^
-- Locks the next mailing that is due, or at local times soon is, and whose audience is not frozen, and its campaign,
-- which runs from now on. Messages of its other mailings may be made meanwhile.
select g.id, g.campaign_id, g.status, g.template_version_id, g.merge_data, g.due_at, g.frozen_to, c.kind, c.priority,
       g.send_at, g.local_time, g.after_days, g.after_minutes, g.not_before, g.not_opened_mailing_id,
       s.time_zone as sender_zone
from mailing g
join campaign c on c.id = g.campaign_id
join sender_version s on s.id = c.sender_version_id
where g.status in ('SCHEDULED', 'FREEZING') and c.status in ('SCHEDULED', 'RUNNING')
  and g.due_at <= now() + case when g.local_time is null then interval '0' else :ahead::interval end
  and not exists (select from put_off p where p.work = 'MAILING' and p.id = g.id and p.until > now())
order by c.priority, g.id
limit 1
for no key update of g, c skip locked;

-- name: start_freezing!
-- Notes that a mailing has begun.
with campaigns as (
    update campaign c set status = 'RUNNING'
    from mailing g where g.id = :mailing_id and c.id = g.campaign_id and c.status = 'SCHEDULED'
)
update mailing set status = 'FREEZING' where id = :mailing_id;

-- name: audience_step$
-- The id of the customer up to whom the next batch of an audience goes; null when it goes to the end. It holds at most
-- :batch members of fixed lists and customers named one by one, and of all customers, where dynamic lists are evaluated
-- for each, at most :evaluated.
select least(
    (select e.customer_id
     from (select x.customer_id
           from unnest(:list_ids::integer[]) as l (id)
           cross join lateral (
               select y.customer_id from list_member y
               where y.list_id = l.id and y.customer_id > :after::bigint
               order by y.customer_id limit :batch::bigint
           ) x
           union
           (select n.customer_id from campaign_customer n
            where n.campaign_id = :campaign_id and n.customer_id > :after::bigint
            order by n.customer_id limit :batch::bigint)) e
     order by e.customer_id offset :batch::bigint - 1 limit 1),
    case when :evaluated::bigint is not null then
        (select c.id from customer c where c.id > :after::bigint
         order by c.id offset :evaluated::bigint - 1 limit 1)
    end);

-- name: audience_lists
-- The lists whose members a campaign is for, and those whose members it leaves out.
select n.list_id, n.excluded, l.criteria
from campaign_list n
join customer_list l on l.id = n.list_id
where n.campaign_id = :campaign_id order by n.list_id;

-- name: audience_of_mailing^
-- What the audience of a mailing depends on, as it would be if it went now.
select g.campaign_id, g.template_version_id, g.not_opened_mailing_id, c.kind,
       case when g.status = 'DRAFT' then c.merge_data else g.merge_data end as merge_data
from mailing g
join campaign c on c.id = g.campaign_id
where g.id = :mailing_id;

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
select g.id, g.campaign_id, c.kind, g.template_version_id, g.subject, c.sender_version_id, g.merge_data, c.tracked,
       g.expanded_due, g.expanded_to, c.bound_relay, l.id as lane_id
from mailing g
join campaign c on c.id = g.campaign_id
join lane l on l.mailing_id = g.id
where g.status = 'RUNNING' and c.status = 'RUNNING' and g.expanded < g.recipients
  and (select r.due_at from mailing_recipient r
       where r.mailing_id = g.id and (r.due_at, r.customer_id) > (g.expanded_due, g.expanded_to) and r.occurrence = ''
       order by r.due_at, r.customer_id limit 1) <= now() + :ahead::interval
  and (select count(*) from (select from outbox o where o.lane_id = l.id limit :look_ahead::integer) counted)
      < :look_ahead::integer
  and not exists (select from put_off p where p.work = 'MAILING' and p.id = g.id and p.until > now())
order by c.priority, g.id
limit 1
for update of g skip locked;

-- name: recipients_batch
-- The next recipients of a mailing that are due within :ahead, with those of their customers' values that it shows.
select r.due_at, r.customer_id, r.occurrence, r.address, r.address_key, r.merge_data, c.name,
       case when :attributes::text[] <> '{}' then
           (select jsonb_object_agg(n.name, c.attributes -> n.name)
            from unnest(:attributes::text[]) as n (name) where c.attributes ? n.name)
       end as attributes
from mailing_recipient r
join customer c on c.id = r.customer_id
where r.mailing_id = :mailing_id and (r.due_at, r.customer_id) > (:after_due::timestamptz, :after::bigint)
  and r.due_at <= now() + :ahead::interval and r.occurrence = ''
order by r.due_at, r.customer_id limit :batch::integer;

-- name: make_campaign_messages!
-- Writes a batch: messages, outbox rows for those that may be sent, a held message with its reason for the others. What
-- is due only later is scheduled. Customers' values, where the template shows some, are kept with each message.
-- status: new -> QUEUED, HELD
with made as materialized (
    select uuidv7() as id, t.*, coalesce(r.merge_data || t.customer_values::jsonb, r.merge_data) as merge_data, c.name
    from unnest(:due_ats::timestamptz[], :customer_ids::bigint[], :addresses::text[], :address_keys::bytea[],
                :domains::text[], :subjects::text[], :held_causes::cause[], :held_advices::text[],
                :customer_values::text[], :occurrences::text[])
        as t(due_at, customer_id, address, address_key, domain, subject, held_cause, held_advice, customer_values,
             occurrence)
    join mailing_recipient r
        on r.mailing_id = :mailing_id::integer and r.due_at = t.due_at and r.customer_id = t.customer_id
       and r.occurrence = t.occurrence
    join customer c on c.id = t.customer_id
), messages as (
    insert into message (customer_id, id, source_type, status, campaign_id, mailing_id, template_version_id,
                         sender_version_id, mail_date, decided_at, cause, advice, sender, recipient, recipient_name,
                         subject, merge_data, composer_version, token_key_id, tracked, bound_relay, occurrence)
    select made.customer_id, made.id, 'CAMPAIGN',
           case when held_cause is null then 'QUEUED' else 'HELD' end::email_status, :campaign_id::uuid,
           :mailing_id::integer, :template_version_id, :sender_version_id, now(),
           case when held_cause is not null then now() end, held_cause, held_advice, :sender, made.address, made.name,
           made.subject, made.merge_data, :composer_version, :token_key_id, :tracked, :bound_relay::text,
           made.occurrence
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
)
insert into mailing_tally (mailing_id, shard, made, held)
select :mailing_id::integer, 0, count(*), count(held_cause) from made
on conflict (mailing_id, shard) do update
set made = mailing_tally.made + excluded.made, held = mailing_tally.held + excluded.held;

-- name: advance_mailing!
-- Notes the last recipient of a mailing's audience who has a message, and how many have one.
update mailing
set expanded_due = :due_at, expanded_to = :customer_id, expanded = expanded + :made::integer
where id = :mailing_id;

-- name: lock_settled_mailings
-- Locks mailings of which nothing waits and nothing more is made, as far as this statement sees, and their campaigns.
-- One of which a recipient is being retried is locked already, and skipped. Those that only wait for events are not
-- among them, once their lanes are gone: however many there are, others come to their end.
select g.id, g.campaign_id
from (select l.mailing_id as id from lane l where l.mailing_id is not null
      union select r.id from mailing r where r.status = 'RUNNING') open
join mailing g on g.id = open.id
join campaign c on c.id = g.campaign_id
left join lane l on l.mailing_id = g.id
where (g.status in ('FINISHED', 'CANCELLED')
       or (g.status = 'RUNNING' and c.status = 'RUNNING' and g.expanded >= g.recipients
           and (l.id is not null
                or ((c.kind = 'MARKETING'
                     or ((exists (select from campaign_customer a where a.campaign_id = c.id)
                          or exists (select from campaign_list n
                                  where n.campaign_id = c.id and not n.excluded))
                         and not exists (select from triggered_recipient t where t.mailing_id = g.id)))
                    and coalesce((select sum(t.uncertain) from mailing_tally t where t.mailing_id = g.id), 0) = 0))))
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
  and not exists (select from triggered_recipient t where t.mailing_id = g.id)
  and (exists (select from campaign c where c.id = g.campaign_id and c.kind = 'MARKETING')
       or exists (select from campaign_customer a where a.campaign_id = g.campaign_id)
       or exists (select from campaign_list n where n.campaign_id = g.campaign_id and not n.excluded))
returning g.campaign_id;

-- name: drop_empty_lanes!
-- Deletes the lanes of the locked mailings in which nothing waits even now. A retry makes its mailing's lane again,
-- so that one uncertain mail does not keep a lane for ever. What was sent since the last sample is noted: without a lane
-- nothing else tells.
with dropped as (
    delete from lane l
    where l.mailing_id = any(:mailing_ids::integer[])
      and (select count(*) from (select from outbox o where o.lane_id = l.id limit 1) waiting) = 0
    returning l.mailing_id
)
insert into mailing_changed (mailing_id, shard) select d.mailing_id, 0 from dropped d order by d.mailing_id
on conflict (mailing_id, shard) do nothing;

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
-- Counts recipients whose status a person's decision or later evidence has changed.
insert into mailing_tally as t (mailing_id, shard, accepted, refused, bounced, uncertain, held, expired, cancelled)
values (:mailing_id, 0, :accepted, :refused, :bounced, :uncertain, :held, :expired, :cancelled)
on conflict (mailing_id, shard) do update
set accepted = t.accepted + excluded.accepted, refused = t.refused + excluded.refused,
    bounced = t.bounced + excluded.bounced, uncertain = t.uncertain + excluded.uncertain,
    held = t.held + excluded.held, expired = t.expired + excluded.expired,
    cancelled = t.cancelled + excluded.cancelled;
