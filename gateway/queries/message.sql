-- Messages: made when a letter is enqueued, changed by a person.

-- name: facts_of_customer^
-- A letter's recipient: the customer, the requested address (else the primary one), a new message id and the time.
select c.id, c.name, c.locale, c.time_zone, c.erased_at is not null as erased, a.address, a.address_key,
       uuidv7() as message_id, now() as mail_date
from customer c
left join lateral (
    select ca.address, ca.address_key from customer_address ca
    where ca.customer_id = c.id and (:address::text is null or lower(ca.address) = lower(:address::text))
    order by ca.position limit 1
) a on true
where c.id = :customer_id
for key share of c;

-- name: attachments_asked_for
-- Locks the attachments of these ids, for a letter that carries them.
select id, sha256, name, media_type, size from attachment where id = any(:ids::uuid[]) for update;

-- name: reference_attachments!
-- Marks attachments as used by a letter: the daily sweep leaves them.
update attachment set referenced_at = now() where id = any(:ids::uuid[]) and referenced_at is null;

-- name: insert_message!
-- Writes one letter's message, queued or held.
-- status: new -> QUEUED, HELD
insert into message (customer_id, id, source_type, status, template_version_id, sender_version_id, letter_kind,
                     mail_date, decided_at, cause, advice, sender, recipient, recipient_name, subject, content_sha256,
                     composer_version, token_key_id, tracked, bound_relay, reference)
values (:customer_id, :id, :source_type, :status, :template_version_id, :sender_version_id, :letter_kind, :mail_date,
        case when :status <> 'QUEUED'::email_status then now() end, :cause, :advice, :sender, :recipient,
        :recipient_name, :subject, :content_sha256, :composer_version, :token_key_id, :tracked, :bound_relay,
        :reference);

-- name: insert_copies!
-- Writes the CC and BCC copies of a letter: recipients of their own.
-- status: new -> QUEUED, HELD
insert into copy (customer_id, message_id, recipient_no, role, address, name, status, decided_at, cause, advice)
select :customer_id, :message_id, t.recipient_no, t.role, t.address, t.name, t.status,
       case when t.status <> 'QUEUED' then now() end, t.cause, t.advice
from unnest(:recipient_nos::smallint[], :roles::copy_role[], :addresses::text[], :names::text[],
            :statuses::email_status[], :causes::cause[], :advices::text[])
    as t(recipient_no, role, address, name, status, cause, advice);

-- name: insert_message_attachments!
-- Writes what a letter carries, by content.
insert into message_attachment (customer_id, message_id, position, name, media_type, size, sha256)
select :customer_id, :message_id, t.position, t.name, t.media_type, t.size, t.sha256
from unnest(:positions::smallint[], :names::text[], :media_types::text[], :sizes::bigint[], :sha256s::bytea[])
    as t(position, name, media_type, size, sha256);

-- name: lock_message$
-- Locks a sent message for a person's decision; returns its id, or nothing when there is none.
select m.id from message m
where m.customer_id = :customer_id and m.id = :message_id and m.direction = 'SENT' and not m.internal
for update of m;

-- name: messages_to_decide
-- Of these messages, those that were sent: what a person's decision depends on, with their customer's present
-- addresses, the primary first.
select m.customer_id, m.id as message_id, m.source_type::text, m.mailing_id, m.bound_relay, m.recipient_name,
       coalesce(m.content_sha256, m.mail_sha256) as sha256, m.content_sha256 is not null as is_stored,
       k.kind::text as campaign_kind, k.status is not distinct from 'CANCELLED' as campaign_cancelled,
       u.erased_at is not null as erased,
       exists (select from delivery_report d
               where d.customer_id = m.customer_id and d.message_id = m.id and d.action = 'FAILED'
                 and not d.verified) as report_waits,
       (select t.dismissed_at from message_trouble t
        where t.customer_id = m.customer_id and t.message_id = m.id and t.recipient_no = 0) is not null as dismissed,
       (select l.kind::text
        from (select e.kind, e.id, e.data from event e
              where e.customer_id = m.customer_id and e.message_id = m.id order by e.id desc limit 1) l
        where (l.kind in ('ASSUMED_SENT', 'DISMISSED')
               or (l.kind = 'ASSIGNED'
                   and exists (select from assigned_report g join inbound_mail i on i.id = g.inbound_id
                               where g.customer_id = m.customer_id and g.message_id = m.id
                                 and g.inbound_id = (l.data ->> 'mail')::uuid and i.content_sha256 is not null)))
          and not exists (select from hit h
                          where h.customer_id = m.customer_id and h.message_id = m.id and h.id > l.id)
          and not exists (select from delivery_report d
                          where d.customer_id = m.customer_id and d.message_id = m.id and d.id > l.id)
          and not exists (select from attempt a
                          where a.message_id = m.id and a.customer_id = m.customer_id
                            and a.started_at > uuid_extract_timestamp(l.id))) as undoable,
       exists (select from opt_out x
               where x.customer_id = m.customer_id and x.kind::text = k.kind::text) as opted_out,
       array(select a.address from customer_address a
             where a.customer_id = m.customer_id order by a.position) as addresses
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as wanted(customer_id, id)
join message m on m.customer_id = wanted.customer_id and m.id = wanted.id
join customer u on u.id = m.customer_id
left join campaign k on k.id = m.campaign_id
where m.direction = 'SENT' and not m.internal;

-- name: messages_in_states
-- Of these messages, those that were sent and are in one of these states, or have a copy that is.
select m.customer_id, m.id as message_id
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as wanted(customer_id, id)
join message m on m.customer_id = wanted.customer_id and m.id = wanted.id
where m.direction = 'SENT'
  and (m.status = any(:statuses::email_status[])
       or exists (select from copy c
                  where c.customer_id = m.customer_id and c.message_id = m.id
                    and c.status = any(:statuses::email_status[])));

-- name: bars_of_addresses
-- What stands against each of these addresses: a suppression, the kinds of campaigns it is opted out of.
select wanted.address_key, s.scope::text,
       array(select x.kind::text from address_opt_out x where x.address_key = wanted.address_key) as opted_out
from unnest(:address_keys::bytea[]) as wanted(address_key)
left join suppression s on s.address_key = wanted.address_key;

-- name: recipients_of_messages
-- Every recipient of these messages: its status, whether it is queued or handed off, and the attempts already used.
select m.customer_id, m.id as message_id, 0::smallint as recipient_no, m.recipient as address,
       m.status::text as decided, m.cause::text,
       o.message_id is not null as queued, o.handed_off_at is not null as handed_off, used.attempts
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as wanted(customer_id, id)
join message m on m.customer_id = wanted.customer_id and m.id = wanted.id
left join outbox o on o.customer_id = m.customer_id and o.message_id = m.id and o.recipient_no = 0
cross join lateral (
    select greatest(
        (select coalesce(max(a.number), 0) from attempt a
         where a.customer_id = m.customer_id and a.message_id = m.id and a.recipient_no = 0),
        (select coalesce(max((e.data ->> 'attempt')::integer), 0) from event e
         where e.customer_id = m.customer_id and e.message_id = m.id and e.recipient_no = 0
           and e.kind in ('UNCERTAIN', 'RETRIED', 'RETRIED_ONCE'))) as attempts) used
union all
select c.customer_id, c.message_id, c.recipient_no, c.address, c.status::text, c.cause::text,
       o.message_id is not null, o.handed_off_at is not null, used.attempts
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as wanted(customer_id, id)
join copy c on c.customer_id = wanted.customer_id and c.message_id = wanted.id
left join outbox o on o.customer_id = c.customer_id and o.message_id = c.message_id
    and o.recipient_no = c.recipient_no
cross join lateral (
    select greatest(
        (select coalesce(max(a.number), 0) from attempt a
         where a.customer_id = c.customer_id and a.message_id = c.message_id and a.recipient_no = c.recipient_no),
        (select coalesce(max((e.data ->> 'attempt')::integer), 0) from event e
         where e.customer_id = c.customer_id and e.message_id = c.message_id and e.recipient_no = c.recipient_no
           and e.kind in ('UNCERTAIN', 'RETRIED', 'RETRIED_ONCE'))) as attempts) used
order by 1, 2, 3;

-- name: readdress_message!
-- Puts another address, and for stored mail the content with it, in a message's place for its recipient.
update message
set recipient = :address, content_sha256 = coalesce(:content_sha256, content_sha256), mail_sha256 = null
where customer_id = :customer_id and id = :message_id;

-- name: lock_messages_as_they_were
-- Locks those of these messages that are as they were: in the same status, and not decided anew since :asked_at. In
-- the order of their keys, like all that locks many.
select m.customer_id, m.id as message_id
from unnest(:customer_ids::bigint[], :message_ids::uuid[], :statuses::email_status[]) as was(customer_id, id, status)
join message m on m.customer_id = was.customer_id and m.id = was.id
where m.status = was.status and m.decided_at <= :asked_at
order by m.customer_id, m.id
for update of m;

-- name: lock_messages_as_shown
-- Locks those of these messages that are as they were shown: in the same status, not decided anew, they and their
-- copies, and without an event since :shown_at. In the order of their keys, like all that locks many.
select m.customer_id, m.id as message_id
from unnest(:customer_ids::bigint[], :message_ids::uuid[], :statuses::email_status[]) as was(customer_id, id, status)
join message m on m.customer_id = was.customer_id and m.id = was.id
where m.status = was.status and (m.decided_at is null or m.decided_at <= :shown_at)
  and not exists (select from copy c
                  where c.customer_id = m.customer_id and c.message_id = m.id and c.decided_at > :shown_at)
  and not exists (select from event e
                  where e.customer_id = m.customer_id and e.message_id = m.id
                    and uuid_extract_timestamp(e.id) > :shown_at)
order by m.customer_id, m.id
for update of m;

-- name: change_messages!
-- Writes a person's decision about messages: QUEUED again, ACCEPTED by assumption, or CANCELLED while held.
-- status: UNCERTAIN, HELD, REFUSED, EXPIRED, BOUNCED -> QUEUED
-- status: UNCERTAIN -> ACCEPTED
-- status: HELD -> CANCELLED
update message m
set status = :status::email_status, decided_at = case when :status::text <> 'QUEUED' then now() end,
    sent_at = case when :status::text = 'ACCEPTED' then coalesce(m.sent_at, m.decided_at, now()) end,
    bounced_at = null, cause = :cause, advice = :advice
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as changed(customer_id, id)
where m.customer_id = changed.customer_id and m.id = changed.id;

-- name: change_copies!
-- Writes a person's decision about copies of messages.
-- status: UNCERTAIN, HELD, REFUSED, EXPIRED, BOUNCED -> QUEUED
-- status: UNCERTAIN -> ACCEPTED
-- status: HELD -> CANCELLED
update copy c
set status = :status::email_status, decided_at = case when :status::text <> 'QUEUED' then now() end,
    sent_at = case when :status::text = 'ACCEPTED' then coalesce(c.sent_at, c.decided_at, now()) end,
    cause = :cause, advice = :advice
from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[])
    as changed(customer_id, message_id, recipient_no)
where c.customer_id = changed.customer_id and c.message_id = changed.message_id
  and c.recipient_no = changed.recipient_no;

-- name: dismiss_messages
-- Takes failed mail off the worklist, as far as it is on it, with an event each; no status changes. Returns what it
-- took off.
with locked as materialized (
    select m.customer_id, m.id
    from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as wanted(customer_id, id)
    join message m on m.customer_id = wanted.customer_id and m.id = wanted.id
    order by m.customer_id, m.id
    for update of m
), dismissed as (
    update message_trouble t
    set dismissed_at = now()
    from locked l
    where t.customer_id = l.customer_id and t.message_id = l.id and waits_for_person(t)
      and t.status = any(:statuses::email_status[])
    returning t.customer_id, t.message_id, t.status, t.cause
), events as (
    insert into event (customer_id, message_id, kind, actor, data)
    select d.customer_id, d.message_id, 'DISMISSED', :actor,
           jsonb_strip_nulls(jsonb_build_object('status', d.status, 'cause', d.cause))
    from dismissed d
)
select d.customer_id, d.message_id from dismissed d;

-- name: put_back_on_worklist!
-- Takes back that a person dismissed a message.
update message_trouble t set dismissed_at = null
where t.customer_id = :customer_id and t.message_id = :message_id and t.recipient_no = 0;

-- name: assumed_recipients
-- The recipients of a message that the last decision assumed to have got it, and why each was uncertain: as its last
-- attempt says, where a server ended that; else as the ledger's restore does, or a lost worker. Nothing but that decision
-- came last.
select e.recipient_no, coalesce(a.cause::text, case when w.restored then 'RESTORED' else 'CONNECTION_LOST' end) as cause,
       coalesce(a.advice, case when w.restored then :restored_advice else :lost_advice end) as advice
from event e
left join lateral (
    select u.data ? 'restore' as restored from event u
    where u.customer_id = e.customer_id and u.message_id = e.message_id and u.recipient_no = e.recipient_no
      and u.kind = 'UNCERTAIN' and u.id < e.id
    order by u.id desc limit 1
) w on true
left join attempt a on a.message_id = e.message_id and a.customer_id = e.customer_id
    and a.recipient_no = e.recipient_no and a.number = (e.data ->> 'attempt')::smallint and a.verdict = 'UNCERTAIN'
where e.customer_id = :customer_id and e.message_id = :message_id and e.kind = 'ASSUMED_SENT'
  and not exists (select from event o
                  where o.customer_id = e.customer_id and o.message_id = e.message_id and o.id > e.id
                    and o.kind <> 'ASSUMED_SENT')
order by e.recipient_no;

-- name: take_back_assumed_message!
-- Makes a message uncertain again that a person assumed sent: since when it was, and why.
-- status: ACCEPTED -> UNCERTAIN
update message m
set status = 'UNCERTAIN', decided_at = m.sent_at, sent_at = null, cause = :cause::text::cause, advice = :advice
where m.customer_id = :customer_id and m.id = :message_id and m.status = 'ACCEPTED';

-- name: take_back_assumed_copy!
-- The same of a copy.
-- status: ACCEPTED -> UNCERTAIN
update copy c
set status = 'UNCERTAIN', decided_at = c.sent_at, sent_at = null, cause = :cause::text::cause, advice = :advice
where c.customer_id = :customer_id and c.message_id = :message_id and c.recipient_no = :recipient_no
  and c.status = 'ACCEPTED';
