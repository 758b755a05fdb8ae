-- Reports and complaints that a person gave to a message, and took from it again.

-- name: note_assigned_report!
-- Notes what a message is before a person gives it a report or complaint. The message must be locked.
insert into assigned_report (inbound_id, customer_id, message_id, reason, after_event, recipients, engaged,
                             unsubscribed, complained)
select :inbound_id, m.customer_id, m.id, :reason::unmatched_reason,
       (select e.id from event e
        where e.customer_id = m.customer_id and e.message_id = m.id order by e.id desc limit 1),
       (select jsonb_agg(to_jsonb(r)) from (
            select 0::smallint as recipient_no, m.status, m.sent_at, m.bounced_at, m.cause, m.advice
            union all
            select c.recipient_no, c.status, c.sent_at, null, c.cause, c.advice
            from copy c where c.customer_id = m.customer_id and c.message_id = m.id) r),
       g.message_id is not null, coalesce(g.unsubscribed, false), coalesce(g.complained, false)
from message m
left join message_engagement g
    on g.mailing_id = m.mailing_id and g.customer_id = m.customer_id and g.message_id = m.id
where m.customer_id = :customer_id and m.id = :message_id;

-- name: report_assigned_last$
-- The report or complaint that a person gave to a message as the last that happened to it.
select a.inbound_id
from (select e.kind, e.data from event e
      where e.customer_id = :customer_id and e.message_id = :message_id order by e.id desc limit 1) l
join assigned_report a
    on a.customer_id = :customer_id and a.message_id = :message_id and a.inbound_id = (l.data ->> 'mail')::uuid
where l.kind = 'ASSIGNED';

-- name: reason_of_assigned_report$
-- Why this mail was nobody's before a person gave it to a message.
select a.reason::text from assigned_report a where a.inbound_id = :inbound_id;

-- name: take_back_reported_message^
-- Makes a message what it was before a person gave it this mail; returns its mailing, what it was until now and is
-- again, or nothing where that is the same.
-- status: BOUNCED -> ACCEPTED, UNCERTAIN
-- status: ACCEPTED -> UNCERTAIN
update message m
set status = b.status, sent_at = b.sent_at, bounced_at = b.bounced_at, cause = b.cause, advice = b.advice
from assigned_report a
cross join lateral jsonb_to_recordset(a.recipients)
    as b(recipient_no smallint, status email_status, sent_at timestamptz, bounced_at timestamptz, cause cause,
         advice text)
where a.inbound_id = :inbound_id and b.recipient_no = 0 and m.customer_id = a.customer_id and m.id = a.message_id
  and m.status <> b.status
returning m.mailing_id, old.status::text as was, new.status::text as "is";

-- name: take_back_reported_copies
-- The same of its copies; returns their numbers.
-- status: BOUNCED -> ACCEPTED, UNCERTAIN
-- status: ACCEPTED -> UNCERTAIN
update copy c
set status = b.status, sent_at = b.sent_at, cause = b.cause, advice = b.advice
from assigned_report a
cross join lateral jsonb_to_recordset(a.recipients)
    as b(recipient_no smallint, status email_status, sent_at timestamptz, cause cause, advice text)
where a.inbound_id = :inbound_id and c.customer_id = a.customer_id and c.message_id = a.message_id
  and c.recipient_no = b.recipient_no and c.status <> b.status
returning c.recipient_no;

-- name: take_back_engagement!
-- Makes what its recipient did with a campaign message what it was before, with the counts of its mailing.
with given as (
    select a.customer_id, a.message_id, a.engaged, a.unsubscribed, a.complained, m.mailing_id
    from assigned_report a join message m on m.customer_id = a.customer_id and m.id = a.message_id
    where a.inbound_id = :inbound_id and m.mailing_id is not null
), gone as (
    delete from message_engagement e using given g
    where not g.engaged
      and e.mailing_id = g.mailing_id and e.customer_id = g.customer_id and e.message_id = g.message_id
    returning e.mailing_id, -e.unsubscribed::integer as unsubscribed, -e.complained::integer as complained
), again as (
    update message_engagement e set unsubscribed = g.unsubscribed, complained = g.complained
    from given g
    where g.engaged
      and e.mailing_id = g.mailing_id and e.customer_id = g.customer_id and e.message_id = g.message_id
      and (e.unsubscribed, e.complained) is distinct from (g.unsubscribed, g.complained)
    returning new.mailing_id, new.unsubscribed::integer - old.unsubscribed::integer as unsubscribed,
              new.complained::integer - old.complained::integer as complained
), changed as (
    select gone.mailing_id, gone.unsubscribed, gone.complained from gone
    union all select again.mailing_id, again.unsubscribed, again.complained from again
)
insert into mailing_tally as t (mailing_id, shard, unsubscribed, complained)
select c.mailing_id, 15, c.unsubscribed, c.complained from changed c
on conflict (mailing_id, shard) do update
set unsubscribed = t.unsubscribed + excluded.unsubscribed, complained = t.complained + excluded.complained;

-- name: forget_what_was_reported
-- Deletes what this mail said of the message, with the events that the assignment wrote before its own; notes that the
-- message changed. Returns the kinds of those events.
with given as (
    select a.customer_id, a.message_id, a.after_event from assigned_report a where a.inbound_id = :inbound_id
), reports as (
    delete from delivery_report d using given g
    where d.customer_id = g.customer_id and d.message_id = g.message_id and d.inbound_id = :inbound_id
), noted as (
    insert into message_change (customer_ids, message_ids)
    select array[g.customer_id], array[g.message_id] from given g
), gone as (
    delete from event e using given g
    where e.customer_id = g.customer_id and e.message_id = g.message_id and e.kind <> 'ASSIGNED'
      and (g.after_event is null or e.id > g.after_event)
    returning e.id, e.kind::text as kind
)
select gone.kind from gone order by gone.id;

-- name: take_back_suppressions
-- Ends the suppressions that the assignment of this mail made; returns the keys of their addresses.
delete from suppression s using assigned_report a
where a.inbound_id = :inbound_id and s.address_key = any(:address_keys::bytea[])
  and s.customer_id = a.customer_id and s.message_id = a.message_id and s.since = a.assigned_at
returning s.address_key;

-- name: put_back_suppressions!
-- Makes the suppressions stand again that the assignment of this mail replaced by wider ones.
with lifted as (
    delete from lifted_suppression l using assigned_report a
    where a.inbound_id = :inbound_id and l.address_key = any(:address_keys::bytea[]) and l.lifted_at = a.assigned_at
    returning l.id, l.address_key, l.reason, l.scope, l.since, l.actor, l.why, l.address, l.customer_id, l.message_id
)
insert into suppression (id, address_key, reason, scope, since, actor, why, address, customer_id, message_id)
select l.id, l.address_key, l.reason, l.scope, l.since, l.actor, l.why, l.address, l.customer_id, l.message_id
from lifted l;

-- name: take_back_opt_outs
-- Ends the opt-outs of an address that the assignment of this mail made, which stays on record; returns their kinds.
with gone as (
    delete from address_opt_out o using assigned_report a
    where a.inbound_id = :inbound_id and o.address_key = any(:address_keys::bytea[]) and o.source = 'COMPLAINT'
      and o.customer_id = a.customer_id and o.message_id = a.message_id and o.opted_out_at = a.assigned_at
    returning o.address_key, o.kind, o.customer_id, o.message_id
)
insert into consent_event (customer_id, address_key, kind, opted_out, source, actor, message_id)
select g.customer_id, g.address_key, g.kind, false, 'STAFF', :actor, g.message_id from gone g
returning address_key, kind;

-- name: held_since_assignment
-- Mail that has been held for one of these addresses since this mail was assigned, under every customer that has it,
-- the oldest first.
select t.customer_id, t.message_id
from assigned_report a
cross join lateral (
    select u.customer_id from customer_address u where u.address_key = any(:address_keys::bytea[])
    union select a.customer_id
) of_address
join message_trouble t
    on t.customer_id = of_address.customer_id and t.status = 'HELD' and t.cause in ('SUPPRESSED', 'OPTED_OUT')
    and t.since >= a.assigned_at
where a.inbound_id = :inbound_id
order by t.message_id
limit :limit::integer;

-- name: forget_assigned_report!
-- The mail is given to no message any more.
delete from assigned_report a where a.inbound_id = :inbound_id;

-- name: happened_since_decision^
-- The last decision about a message that can be taken back, by whom, and the first that happened after it: the kind of
-- an event, OPENED or CLICKED, or ATTEMPTED.
with decision as (
    select e.id, e.kind::text as kind, e.actor from event e
    where e.customer_id = :customer_id and e.message_id = :message_id
      and e.kind in ('ASSUMED_SENT', 'DISMISSED', 'ASSIGNED')
    order by e.id desc limit 1
)
select d.kind as decision, d.actor, s.kind, s.at
from decision d
cross join lateral (
    select e.kind::text as kind, uuid_extract_timestamp(e.id) as at from event e
    where e.customer_id = :customer_id and e.message_id = :message_id and e.id > d.id and e.kind::text <> d.kind
    union all
    select case h.kind when 'CLICK' then 'CLICKED' else 'OPENED' end, uuid_extract_timestamp(h.id) from hit h
    where h.message_id = :message_id and h.customer_id = :customer_id and h.id > d.id
    union all
    select 'ATTEMPTED', a.started_at from attempt a
    where a.message_id = :message_id and a.customer_id = :customer_id
      and a.started_at > uuid_extract_timestamp(d.id)
) s
order by s.at limit 1;
