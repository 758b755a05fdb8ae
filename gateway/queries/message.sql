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

-- name: suppressed_keys
-- Which of these addresses must not be mailed.
select address_key from suppression where address_key = any(:address_keys::bytea[]);

-- name: insert_message!
-- Writes one letter's message, queued or held.
-- status: new -> QUEUED, HELD
insert into message (customer_id, id, source_type, status, template_version_id, sender_version_id, letter_kind,
                     mail_date, decided_at, cause, advice, sender, recipient, recipient_name, subject, content_sha256,
                     composer_version, token_key_id, tracked, bound_relay)
values (:customer_id, :id, :source_type, :status, :template_version_id, :sender_version_id, :letter_kind, :mail_date,
        case when :status <> 'QUEUED'::email_status then now() end, :cause, :advice, :sender, :recipient,
        :recipient_name, :subject, :content_sha256, :composer_version, :token_key_id, :tracked, :bound_relay);

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

-- name: lock_message^
-- Locks a message for a person's decision; returns it as it is.
select m.status, m.source_type, m.campaign_id, m.recipient, m.bound_relay, m.sender_version_id, m.letter_kind,
       c.kind as campaign_kind
from message m left join campaign c on c.id = m.campaign_id
where m.customer_id = :customer_id and m.id = :message_id and m.direction = 'SENT'
for update of m;

-- name: recipients_of_message
-- Every recipient of a message: its status, whether it is queued or handed off, and the attempts already used.
select 0::smallint as recipient_no, m.recipient as address, m.status::text as decided,
       o.message_id is not null as queued, o.handed_off_at is not null as handed_off, used.attempts
from message m
left join outbox o on o.customer_id = m.customer_id and o.message_id = m.id and o.recipient_no = 0
cross join lateral (
    select greatest(
        (select coalesce(max(a.number), 0) from attempt a
         where a.customer_id = m.customer_id and a.message_id = m.id and a.recipient_no = 0),
        (select coalesce(max((e.data ->> 'attempt')::integer), 0) from event e
         where e.customer_id = m.customer_id and e.message_id = m.id and e.recipient_no = 0
           and e.kind in ('UNCERTAIN', 'RETRIED', 'RETRIED_ONCE'))) as attempts) used
where m.customer_id = :customer_id and m.id = :message_id
union all
select c.recipient_no, c.address, c.status::text, o.message_id is not null, o.handed_off_at is not null, used.attempts
from copy c
left join outbox o on o.customer_id = c.customer_id and o.message_id = c.message_id
    and o.recipient_no = c.recipient_no
cross join lateral (
    select greatest(
        (select coalesce(max(a.number), 0) from attempt a
         where a.customer_id = c.customer_id and a.message_id = c.message_id and a.recipient_no = c.recipient_no),
        (select coalesce(max((e.data ->> 'attempt')::integer), 0) from event e
         where e.customer_id = c.customer_id and e.message_id = c.message_id and e.recipient_no = c.recipient_no
           and e.kind in ('UNCERTAIN', 'RETRIED', 'RETRIED_ONCE'))) as attempts) used
where c.customer_id = :customer_id and c.message_id = :message_id
order by 1;

-- name: change_message!
-- Writes a person's decision about a message: QUEUED again, ACCEPTED by assumption, or CANCELLED while it was held.
-- status: UNCERTAIN, HELD, REFUSED, EXPIRED, BOUNCED -> QUEUED
-- status: UNCERTAIN -> ACCEPTED
-- status: HELD -> CANCELLED
update message
set status = :status::email_status, decided_at = case when :status::text <> 'QUEUED' then now() end,
    sent_at = case when :status::text = 'ACCEPTED' then coalesce(sent_at, decided_at, now()) end, bounced_at = null,
    cause = :cause, advice = :advice
where customer_id = :customer_id and id = :message_id;

-- name: change_copies!
-- Writes a person's decision about some copies of a message.
-- status: UNCERTAIN, HELD, REFUSED, EXPIRED, BOUNCED -> QUEUED
-- status: UNCERTAIN -> ACCEPTED
-- status: HELD -> CANCELLED
update copy
set status = :status::email_status, decided_at = case when :status::text <> 'QUEUED' then now() end,
    sent_at = case when :status::text = 'ACCEPTED' then coalesce(sent_at, decided_at, now()) end,
    cause = :cause, advice = :advice
where customer_id = :customer_id and message_id = :message_id and recipient_no = any(:recipient_nos::smallint[]);
