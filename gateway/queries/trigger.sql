-- Events that campaigns are told of.

-- name: campaign_to_trigger^
-- A campaign that is told of an event, locked in share: it is not cancelled meanwhile.
select c.id, c.kind, c.status, c.repeat, s.time_zone
from campaign c join sender_version s on s.id = c.sender_version_id
where c.id = :campaign_id
for share of c;

-- name: customer_to_trigger^
-- Whom an event happened to: the chosen address, or else the primary one, and what speaks against mail to it.
select c.id, c.erased_at is not null as erased, c.time_zone, c.attributes, chosen.address, chosen.address_key,
       exists (select from suppression s where s.address_key = chosen.address_key) as suppressed,
       exists (select from opt_out x where x.customer_id = c.id and x.kind = 'EVENT_BASED')
         or exists (select from address_opt_out x
                    where x.address_key = chosen.address_key and x.kind = 'EVENT_BASED')
         or exists (select from customer_address h
                    join opt_out x on x.customer_id = h.customer_id and x.kind = 'EVENT_BASED'
                    where h.address_key = chosen.address_key) as opted_out
from customer c
left join lateral (
    select a.address, a.address_key from customer_address a
    where a.customer_id = c.id and (:address::text is null or lower(a.address) = lower(:address::text))
    order by a.position limit 1
) chosen on true
where c.id = :customer_id;

-- name: mailings_to_trigger
-- The mailings that follow an event, the first one first.
select g.id, g.number, g.template_version_id, g.subject, g.merge_data, g.after_days, g.after_minutes, g.not_before
from mailing g
where g.campaign_id = :campaign_id and g.status not in ('DRAFT', 'FINISHED', 'CANCELLED')
order by g.number;

-- name: insert_trigger$
-- Writes down an event; returns nothing when the campaign was told of one of this customer's in the same time already.
insert into campaign_trigger (campaign_id, customer_id, occurrence, event, idempotency_key, actor)
values (:campaign_id, :customer_id, :occurrence, :event, :key, :actor)
on conflict (campaign_id, customer_id, occurrence) do nothing
returning occurrence;

-- name: triggered_before^
-- The event that this key told of, and the first mailing that follows it.
select t.customer_id, t.occurrence, (
    select r.mailing_id from mailing g
    join mailing_recipient r
        on r.mailing_id = g.id and r.customer_id = t.customer_id and r.occurrence = t.occurrence
    where g.campaign_id = t.campaign_id order by g.number limit 1) as mailing_id
from campaign_trigger t where t.idempotency_key = :key;

-- name: insert_triggered_recipients!
-- The recipients of an event, one a mailing, whose messages are made when each is due.
with recipients as (
    insert into mailing_recipient (mailing_id, due_at, customer_id, occurrence, address, address_key, merge_data)
    select t.mailing_id, t.due_at, :customer_id, :occurrence, :address, :address_key, :merge_data::jsonb
    from unnest(:mailing_ids::integer[], :due_ats::timestamptz[]) as t(mailing_id, due_at)
    returning mailing_id, due_at, customer_id, occurrence
), waiting as (
    insert into triggered_recipient (mailing_id, due_at, customer_id, occurrence)
    select r.mailing_id, r.due_at, r.customer_id, r.occurrence from recipients r
), counted as materialized (
    -- In order, or two events of a series at once might each wait for the other.
    select g.id from mailing g where g.id = any(:mailing_ids::integer[]) order by g.id for no key update
)
update mailing g set events = g.events + 1 from counted n where g.id = n.id;

-- name: mailing_with_triggered$
-- A mailing under way with events whose messages are to be made now. Its campaign is locked first, as a cancel and an
-- event lock it, and in share, so that events are taken meanwhile.
select g.id
from mailing g join campaign c on c.id = g.campaign_id
where g.events > 0 and g.status = 'RUNNING' and c.status = 'RUNNING'
  and exists (select from triggered_recipient t where t.mailing_id = g.id and t.due_at <= now() + :ahead::interval)
  and not exists (select from put_off p where p.work = 'MAILING' and p.id = g.id and p.until > now())
order by c.priority, g.id
limit 1
for share of c skip locked
for update of g skip locked;

-- name: give_lane!
-- Gives a mailing under way a lane, if it has none: that of an idle one was deleted. Its campaign is locked.
insert into lane (name, campaign_id, mailing_id, priority)
select 'campaign-' || replace(g.campaign_id::text, '-', '') || '-' || g.number, g.campaign_id, g.id, 100 + c.priority
from mailing g join campaign c on c.id = g.campaign_id
where g.id = :mailing_id
on conflict (mailing_id) do nothing;

-- name: running_mailing^
-- What messages of a mailing are made with; its lane is there.
select g.id, g.campaign_id, c.kind, g.template_version_id, g.subject, c.sender_version_id, g.merge_data, c.tracked,
       g.expanded_due, g.expanded_to, c.bound_relay, l.id as lane_id
from mailing g
join campaign c on c.id = g.campaign_id
join lane l on l.mailing_id = g.id
where g.id = :mailing_id;

-- name: take_triggered
-- Takes the next recipients of events that are due within :ahead, with those of their customers' values that the mailing
-- shows.
with due as materialized (
    select t.mailing_id, t.due_at, t.customer_id, t.occurrence
    from triggered_recipient t
    where t.mailing_id = :mailing_id and t.due_at <= now() + :ahead::interval
    order by t.due_at, t.customer_id, t.occurrence limit :batch::integer
    for update
), taken as (
    delete from triggered_recipient t using due d
    where t.mailing_id = d.mailing_id and t.due_at = d.due_at and t.customer_id = d.customer_id
      and t.occurrence = d.occurrence
)
select r.due_at, r.customer_id, r.occurrence, r.address, r.address_key, r.merge_data, c.name,
       case when :attributes::text[] <> '{}' then
           (select jsonb_object_agg(n.name, c.attributes -> n.name)
            from unnest(:attributes::text[]) as n (name) where c.attributes ? n.name)
       end as attributes
from due d
join mailing_recipient r on r.mailing_id = d.mailing_id and r.due_at = d.due_at and r.customer_id = d.customer_id
    and r.occurrence = d.occurrence
join customer c on c.id = r.customer_id
order by r.due_at, r.customer_id, r.occurrence;

-- name: insert_triggered_events!
-- Writes into each message's history what made the campaign send it.
insert into event (customer_id, message_id, kind, actor, data)
select m.customer_id, m.id, 'TRIGGERED', t.actor, jsonb_build_object('event', t.event)
from unnest(:customer_ids::bigint[], :occurrences::text[]) as made(customer_id, occurrence)
join message m on m.mailing_id = :mailing_id and m.customer_id = made.customer_id and m.occurrence = made.occurrence
join campaign_trigger t
    on t.campaign_id = m.campaign_id and t.customer_id = m.customer_id and t.occurrence = m.occurrence;
