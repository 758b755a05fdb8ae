-- Replies: received mail that a person or an answering machine wrote, as messages of its customer.

-- name: answered_messages
-- Of these messages, those of ours that can be answered, in the order given, and whether an address is their
-- customer's today. Internal mail is in no history.
select m.customer_id, m.id as message_id, m.source_type::text, m.sender, m.recipient,
       exists (select from customer_address a
               where a.customer_id = m.customer_id and a.address_key = :address_key::bytea) as is_of_customer,
       array(select c.address from copy c
             where c.customer_id = m.customer_id and c.message_id = m.id) as copies
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) with ordinality as wanted(customer_id, id, place)
join message m on m.customer_id = wanted.customer_id and m.id = wanted.id
where m.direction = 'SENT' and not m.internal
order by wanted.place;

-- name: customers_of_address
-- The customers that have this address, two at most: more are as ambiguous.
select distinct a.customer_id from customer_address a where a.address_key = :address_key order by a.customer_id limit 2;

-- name: lock_customer_of_reply^
-- Locks a customer, so that its received mail is written one after the other and none while it is erased.
select c.erased_at is not null as erased,
       exists (select from customer_address a
               where a.customer_id = c.id and a.address_key = :address_key::bytea) as has_address
from customer c
where c.id = :customer_id
for no key update of c;

-- name: message_of_inbound_mail^
-- The message that a received mail became when it was read before, and how that was found.
select r.customer_id, r.message_id, i.matched_by::text
from received_mail r join inbound_mail i on i.id = r.inbound_id
where r.inbound_id = :inbound_id and i.matched_by is not null;

-- name: copy_of_received_mail^
-- The message that another copy of the same mail became not long before or after.
select r.message_id, r.author::text, m.answers_message_id
from received_mail r join message m on m.customer_id = r.customer_id and m.id = r.message_id
where r.customer_id = :customer_id and r.fingerprint = :fingerprint
  and m.mail_date between :received_at::timestamptz - :within::interval
                      and :received_at::timestamptz + :within::interval
order by r.message_id limit 1;

-- name: insert_received_message$
-- Writes a received mail as a message, at the time when it came, whenever it is read; returns its id.
-- status: new -> RECEIVED
insert into message (customer_id, id, direction, source_type, status, mail_date, decided_at, sender, recipient, subject,
                     content_sha256, answers_message_id)
values (:customer_id, uuidv7(:received_at::timestamptz - clock_timestamp()), 'RECEIVED', :source_type::source_type,
        'RECEIVED', :received_at, :received_at, :sender, :recipient, :subject, :content_sha256, :answers)
returning id;

-- name: insert_received_mail!
-- Writes what a received message says.
insert into received_mail (customer_id, message_id, inbound_id, from_address, from_name, author, body, quoted, cut,
                           automatic, authentication, more_attachments, fingerprint)
values (:customer_id, :message_id, :inbound_id, :from_address, :from_name, :author, :body, :quoted, :cut, :automatic,
        :authentication, :more_attachments, :fingerprint);

-- name: insert_received_attachments!
-- Writes the files that came with a received message: which part of the mail each is.
insert into message_attachment (customer_id, message_id, position, name, media_type, size, part)
select :customer_id, :message_id, t.position, t.name, t.media_type, t.size, t.part
from unnest(:positions::smallint[], :names::text[], :media_types::text[], :sizes::bigint[], :parts::integer[])
    as t(position, name, media_type, size, part);

-- name: vouch_for_received_mail!
-- Writes what a copy of a mail that came by a surer way says of its author, and what it answers.
with vouched as (
    update received_mail r set author = :author::author_kind
    where r.customer_id = :customer_id and r.message_id = :message_id
)
update message m set answers_message_id = coalesce(m.answers_message_id, :answers::uuid)
where m.customer_id = :customer_id and m.id = :message_id;

-- name: reread_received_mail!
-- Writes what a mail's text is by the rules of today; nothing of an erased customer's, which no longer has its mail.
update received_mail r
set body = :body, quoted = :quoted, cut = :cut, automatic = :automatic
from message m
where m.customer_id = r.customer_id and m.id = r.message_id and m.content_sha256 is not null
  and r.customer_id = :customer_id and r.message_id = :message_id
  and (r.body, r.quoted, r.cut, r.automatic) is distinct from (:body, :quoted, :cut::boolean, :automatic::boolean);

-- name: is_being_sent$
-- Whether a recipient's mail is handed off now, so that what came of it is not written yet; false for an answer that
-- has waited for :patience.
select exists (
    select from outbox o
    where o.customer_id = :customer_id and o.message_id = :message_id and o.recipient_no = :recipient_no
      and o.handed_off_at is not null and now() - :received_at::timestamptz < :patience::interval);

-- name: settle_by_reply
-- An answer that carries the token of an uncertain mail is evidence that it arrived. Returns the message where it was
-- uncertain. Without the number of the recipient who answered, a mail with copies stays: the answer may be of another.
-- status: UNCERTAIN -> ACCEPTED
with settled as (
    update message m
    set status = 'ACCEPTED', sent_at = coalesce(m.sent_at, m.decided_at), cause = null, advice = null
    where m.customer_id = :customer_id and m.id = :message_id and m.status = 'UNCERTAIN'
      and case when :recipient_no::smallint is null
               then not exists (select from copy c where c.customer_id = m.customer_id and c.message_id = m.id)
               else :recipient_no::smallint = 0 end
    returning m.customer_id, m.id as message_id, m.mailing_id
), events as (
    insert into event (customer_id, message_id, kind, actor, data)
    select s.customer_id, s.message_id, 'SETTLED', :actor,
           jsonb_build_object('evidence', 'REPLY', 'message', :reply_id::uuid, 'verdict', 'ACCEPTED')
    from settled s
), tallied as (
    insert into mailing_tally (mailing_id, shard, accepted, uncertain)
    select s.mailing_id, 0, 1, -1 from settled s where s.mailing_id is not null
    on conflict (mailing_id, shard) do update
    set accepted = mailing_tally.accepted + excluded.accepted,
        uncertain = mailing_tally.uncertain + excluded.uncertain
)
select s.customer_id, s.message_id from settled s;

-- name: settle_copy_by_reply
-- The same for an uncertain copy, whose reader answered to its own return path.
-- status: UNCERTAIN -> ACCEPTED
with settled as (
    update copy c
    set status = 'ACCEPTED', sent_at = coalesce(c.sent_at, c.decided_at), cause = null, advice = null
    where c.customer_id = :customer_id and c.message_id = :message_id and c.recipient_no = :recipient_no
      and c.status = 'UNCERTAIN'
    returning c.customer_id, c.message_id, c.recipient_no
), events as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select s.customer_id, s.message_id, s.recipient_no, 'SETTLED', :actor,
           jsonb_build_object('evidence', 'REPLY', 'message', :reply_id::uuid, 'verdict', 'ACCEPTED')
    from settled s
)
select s.customer_id, s.message_id from settled s;

-- name: received_file^
-- A file of a received message, and the mail that it stands in.
select f.name, f.media_type, f.part, k.encoding, k.bytes
from message_attachment f
join message m on m.customer_id = f.customer_id and m.id = f.message_id
join content k on k.sha256 = m.content_sha256
where f.customer_id = :customer_id and f.message_id = :message_id and f.position = :position and f.part is not null;

-- name: assignment_of_message^
-- Of a received message that a person assigned: the mail, why that was nobody's, and what the message answers; whether
-- it is all that became of it: the decision came last, no other mail is this message, it was not forwarded to staff,
-- and it settled nothing.
select i.id as inbound_id, coalesce(l.data ->> 'reason', 'UNKNOWN_SENDER') as reason, m.answers_message_id,
       l.kind = 'ASSIGNED' and r.forwarded_at is null and i.content_sha256 is not null
       and not exists (select from inbound_mail o
                       where o.customer_id = m.customer_id and o.message_id = m.id and o.id <> i.id)
       and not exists (select from event s
                       where s.customer_id = m.customer_id and s.message_id = m.answers_message_id
                         and s.kind = 'SETTLED' and s.data ->> 'message' = m.id::text) as last
from message m
join received_mail r on r.customer_id = m.customer_id and r.message_id = m.id
join inbound_mail i on i.id = r.inbound_id and i.customer_id = m.customer_id and i.message_id = m.id
    and i.matched_by = 'PERSON'
cross join lateral (
    select e.kind, e.data from event e
    where e.customer_id = m.customer_id and e.message_id = m.id order by e.id desc limit 1
) l
where m.customer_id = :customer_id and m.id = :message_id and m.direction = 'RECEIVED';

-- name: received_messages_to_undo
-- Those of these received messages of which `assignment_of_message` says that the person's decision came last.
select m.customer_id, m.id as message_id
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as wanted(customer_id, id)
join message m on m.customer_id = wanted.customer_id and m.id = wanted.id and m.direction = 'RECEIVED'
join received_mail r on r.customer_id = m.customer_id and r.message_id = m.id and r.forwarded_at is null
join inbound_mail i on i.id = r.inbound_id and i.customer_id = m.customer_id and i.message_id = m.id
    and i.matched_by = 'PERSON' and i.content_sha256 is not null
cross join lateral (
    select e.kind from event e
    where e.customer_id = m.customer_id and e.message_id = m.id order by e.id desc limit 1
) l
where l.kind = 'ASSIGNED'
  and not exists (select from inbound_mail o
                  where o.customer_id = m.customer_id and o.message_id = m.id and o.id <> i.id)
  and not exists (select from event s
                  where s.customer_id = m.customer_id and s.message_id = m.answers_message_id
                    and s.kind = 'SETTLED' and s.data ->> 'message' = m.id::text);

-- name: lock_received_message$
-- Locks a received message; returns its id, or nothing when there is none.
select m.id from message m
where m.customer_id = :customer_id and m.id = :message_id and m.direction = 'RECEIVED'
for update of m;

-- name: note_undone_assignment!
-- Keeps of a mail that it was given to a customer, and by whom that was taken back.
insert into undone_assignment (inbound_id, customer_id, assigned_by, actor)
select :inbound_id, :customer_id, e.actor, :actor
from event e
where e.customer_id = :customer_id and e.message_id = :message_id and e.kind = 'ASSIGNED'
order by e.id desc limit 1;

-- name: delete_received_message!
-- Deletes a received message with its events: its mail is nobody's again.
with events as (
    delete from event e where e.customer_id = :customer_id and e.message_id = :message_id
)
delete from message m where m.customer_id = :customer_id and m.id = :message_id and m.direction = 'RECEIVED';
