-- Received mail: stored before it is acknowledged, read afterwards.

-- name: insert_inbound_mails
-- Stores received mails, each once for its recipient; the ids of those that were not stored before.
insert into inbound_mail (source, envelope_from, envelope_to, content_sha256, size)
select given.source, given.envelope_from, given.envelope_to, given.content_sha256, given.size
from unnest(:sources::inbound_source[], :envelope_froms::text[], :envelope_tos::text[], :content_sha256s::bytea[],
            :sizes::bigint[]) as given(source, envelope_from, envelope_to, content_sha256, size)
on conflict (content_sha256, (coalesce(envelope_to, ''))) do nothing
returning id;

-- name: take_unread_mail
-- Takes the next mail to be read, so that nobody else does for :lease, and counts a try of each. :apart takes what is
-- read in a process of its own: mail of more than :small octets, and what was tried before.
with due as materialized (
    select i.id from inbound_mail i
    where i.read_at is null and i.due_at <= now() and (i.size > :small::bigint or i.tries > 0) = :apart::boolean
    order by i.due_at, i.id
    limit :limit::integer
    for update skip locked
)
update inbound_mail i set tries = i.tries + 1, due_at = now() + :lease::interval
from due where i.id = due.id
returning i.id, i.received_at, i.source, i.envelope_from, i.envelope_to, i.content_sha256, i.size, i.tries;

-- name: put_back_unread_mail!
-- Returns mail that was taken and not read, through no fault of its own: the try does not count.
update inbound_mail set tries = greatest(tries - 1, 0), due_at = now() + :wait::interval
where id = any(:ids::uuid[]) and read_at is null;

-- name: put_off_unread_mail!
-- Makes a mail whose reading failed due again before its time is up.
update inbound_mail set due_at = now() + :wait::interval where id = :id and read_at is null;

-- name: lock_unread_mail$
-- Locks a mail that is still unread; its id, or nothing when another has read it. From then on the transaction waits for
-- no lock longer than :wait.
select id, set_config('lock_timeout', (extract(epoch from :wait::interval) * 1000)::integer::text, true)
from inbound_mail where id = :id and read_at is null for update;

-- name: lock_inbound_mail^
-- Locks a mail for a decision about it, or to read it again.
select id, received_at, source, envelope_from, envelope_to, content_sha256, size, read_at is not null as read,
       kind::text, unmatched::text, matched_by::text, customer_id, message_id
from inbound_mail where id = :id for update;

-- name: finish_inbound_mail$
-- Writes what a mail was read as: nobody's, with what the list of such mail shows, or whose it is. Returns whether that
-- customer was erased.
update inbound_mail
set read_at = coalesce(read_at, now()), kind = :kind::inbound_kind, unmatched = :unmatched::unmatched_reason,
    matched_by = :matched_by::matched_by, customer_id = :customer_id, message_id = :message_id,
    from_address = :from_address, subject = :subject, excerpt = :excerpt
where id = :id
returning exists (select from customer u where u.id = customer_id and u.erased_at is not null);

-- name: contents_by_sha256
-- The stored bytes of these hashes, and how they are encoded.
select sha256, encoding, bytes from content where sha256 = any(:hashes::bytea[]);

-- name: message_of_ids^
-- The first of these messages that was sent, and whose From has the domain that stands beside its id.
select m.customer_id, m.id as message_id
from unnest(:customer_ids::bigint[], :message_ids::uuid[], :domains::text[])
    with ordinality as named(customer_id, message_id, domain, n)
join message m on m.customer_id = named.customer_id and m.id = named.message_id
join sender_version s on s.id = m.sender_version_id
where m.direction = 'SENT' and lower(split_part(s.from_address, '@', 2)) = named.domain
order by named.n
limit 1;

-- name: lock_reported_message^
-- Locks the message that a report or complaint is about.
select now() as at, m.internal, u.erased_at is not null as erased
from message m join customer u on u.id = m.customer_id
where m.customer_id = :customer_id and m.id = :message_id and m.direction = 'SENT'
for update of m;

-- name: reported_recipients
-- Every recipient of a message, as a report about it needs them: the number of the latest attempt, whether an earlier
-- one may have left the mail with a server, the attempt that is handed off now, whether a report that counts said that
-- the mail is in the mailbox.
with recipients as (
    select 0::smallint as recipient_no, m.recipient as address, m.recipient_key as address_key, m.status, m.sent_at
    from message m where m.customer_id = :customer_id and m.id = :message_id
    union all
    select c.recipient_no, c.address, null, c.status, c.sent_at
    from copy c where c.customer_id = :customer_id and c.message_id = :message_id
)
select r.recipient_no, r.address, r.address_key, r.status::text, r.sent_at, o.attempt as handed_off, latest.number as latest,
       exists (select from attempt a
               where a.customer_id = :customer_id and a.message_id = :message_id and a.recipient_no = r.recipient_no
                 and a.number < latest.number and a.verdict in ('ACCEPTED', 'UNCERTAIN'))
         or exists (select from event e
                    where e.customer_id = :customer_id and e.message_id = :message_id
                      and e.recipient_no = r.recipient_no and e.kind = 'UNCERTAIN'
                      and (e.data ->> 'attempt')::integer < latest.number) as sent_before,
       exists (select from delivery_report d
               where d.customer_id = :customer_id and d.message_id = :message_id and d.recipient_no = r.recipient_no
                 and d.verified and d.action = 'DELIVERED') as delivered
from recipients r
left join outbox o on o.customer_id = :customer_id and o.message_id = :message_id and o.recipient_no = r.recipient_no
    and o.handed_off_at is not null
cross join lateral (
    select greatest(
        (select coalesce(max(a.number), 0) from attempt a
         where a.customer_id = :customer_id and a.message_id = :message_id and a.recipient_no = r.recipient_no),
        (select coalesce(max((e.data ->> 'attempt')::integer), 0) from event e
         where e.customer_id = :customer_id and e.message_id = :message_id and e.recipient_no = r.recipient_no
           and e.kind in ('UNCERTAIN', 'RETRIED', 'RETRIED_ONCE'))) as number) latest
order by r.recipient_no;

-- name: insert_delivery_reports
-- Writes what a mail reports of one message, and an event of the same id for each; those that stand already are left
-- out. Returns the place of each that is new among those given, and its id.
with reported as materialized (
    select uuidv7() as id, decode(t.key_hex, 'hex') as report_key, t.*
    from rows from (json_to_recordset(:reports::json) as (
        recipient_no smallint, attempt smallint, action report_action, verified boolean, matched_by matched_by,
        recipient text, status_code text, code smallint, words text, reported_by text, host text, cause cause,
        advice text, rule text, key_hex text))
        with ordinality as t(recipient_no, attempt, action, verified, matched_by, recipient, status_code, code, words,
             reported_by, host, cause, advice, rule, key_hex, n)
), written as (
    insert into delivery_report (customer_id, id, message_id, recipient_no, attempt, action, verified, matched_by,
                                 recipient, status_code, code, words, reported_by, host, cause, advice, rule,
                                 inbound_id, report_key)
    select :customer_id, r.id, :message_id, r.recipient_no, r.attempt, r.action, r.verified, r.matched_by,
           r.recipient, r.status_code, r.code, r.words, r.reported_by, r.host, r.cause, r.advice, r.rule,
           :inbound_id, r.report_key
    from reported r
    order by r.n
    on conflict (customer_id, message_id, report_key) do nothing
    returning id
), events as (
    insert into event (customer_id, id, message_id, recipient_no, kind, actor, data)
    select :customer_id, r.id, :message_id, r.recipient_no,
           case r.action when 'FAILED' then 'BOUNCED' else r.action::text end::event_kind, :actor,
           jsonb_strip_nulls(jsonb_build_object('verified', r.verified, 'attempt', r.attempt, 'cause', r.cause))
    from reported r join written w on w.id = r.id
), noted as (
    -- A report changes no message, but its words find it.
    insert into message_change (customer_ids, message_ids)
    select array[:customer_id::bigint], array[:message_id::uuid] where exists (select from written)
)
select r.n, r.id from reported r join written w on w.id = r.id order by r.n;

-- name: bounce_recipients
-- A report that counts says that the mail came back. A mail that was uncertain had been taken, then: no later than it
-- was given up as uncertain. Returns the recipients whose status it changed.
-- status: ACCEPTED, UNCERTAIN -> BOUNCED
with bounced as materialized (
    select * from unnest(:recipient_nos::smallint[], :causes::cause[], :advices::text[], :report_ids::uuid[])
        as t(recipient_no, cause, advice, report_id)
), messages as (
    update message m
    set status = 'BOUNCED', bounced_at = now(), sent_at = coalesce(m.sent_at, m.decided_at), cause = b.cause,
        advice = b.advice
    from bounced b
    where b.recipient_no = 0 and m.customer_id = :customer_id and m.id = :message_id
      and m.status in ('ACCEPTED', 'UNCERTAIN')
    returning b.recipient_no, b.report_id, m.mailing_id, old.status = 'UNCERTAIN' as was_uncertain
), copies as (
    update copy c
    set status = 'BOUNCED', sent_at = coalesce(c.sent_at, c.decided_at), cause = b.cause, advice = b.advice
    from bounced b
    where b.recipient_no > 0 and c.customer_id = :customer_id and c.message_id = :message_id
      and c.recipient_no = b.recipient_no and c.status in ('ACCEPTED', 'UNCERTAIN')
    returning b.recipient_no, b.report_id, old.status = 'UNCERTAIN' as was_uncertain
), changed as (
    select m.recipient_no, m.report_id, m.was_uncertain from messages m
    union all select c.recipient_no, c.report_id, c.was_uncertain from copies c
), events as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select :customer_id, :message_id, c.recipient_no, 'SETTLED', :actor,
           jsonb_build_object('evidence', 'REPORT', 'report', c.report_id, 'verdict', 'ACCEPTED')
    from changed c where c.was_uncertain
), tallied as (
    insert into mailing_tally (mailing_id, shard, accepted, uncertain, bounced)
    select m.mailing_id, 0, m.was_uncertain::integer - 1, -m.was_uncertain::integer, 1
    from messages m where m.mailing_id is not null
    on conflict (mailing_id, shard) do update
    set accepted = mailing_tally.accepted + excluded.accepted,
        uncertain = mailing_tally.uncertain + excluded.uncertain, bounced = mailing_tally.bounced + excluded.bounced
)
select c.recipient_no from changed c;

-- name: settle_by_report
-- A report that counts says that the mail arrived or was passed on: an uncertain one had been taken. Returns the
-- recipients whose status it changed.
-- status: UNCERTAIN -> ACCEPTED
with arrived as materialized (
    select * from unnest(:recipient_nos::smallint[], :report_ids::uuid[]) as t(recipient_no, report_id)
), messages as (
    update message m
    set status = 'ACCEPTED', sent_at = coalesce(m.sent_at, m.decided_at), cause = null, advice = null
    from arrived a
    where a.recipient_no = 0 and m.customer_id = :customer_id and m.id = :message_id and m.status = 'UNCERTAIN'
    returning a.recipient_no, a.report_id, m.mailing_id
), copies as (
    update copy c
    set status = 'ACCEPTED', sent_at = coalesce(c.sent_at, c.decided_at), cause = null, advice = null
    from arrived a
    where a.recipient_no > 0 and c.customer_id = :customer_id and c.message_id = :message_id
      and c.recipient_no = a.recipient_no and c.status = 'UNCERTAIN'
    returning a.recipient_no, a.report_id
), changed as (
    select m.recipient_no, m.report_id from messages m union all select c.recipient_no, c.report_id from copies c
), events as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select :customer_id, :message_id, c.recipient_no, 'SETTLED', :actor,
           jsonb_build_object('evidence', 'REPORT', 'report', c.report_id, 'verdict', 'ACCEPTED')
    from changed c
), tallied as (
    insert into mailing_tally (mailing_id, shard, accepted, uncertain)
    select m.mailing_id, 0, 1, -1 from messages m where m.mailing_id is not null
    on conflict (mailing_id, shard) do update
    set accepted = mailing_tally.accepted + excluded.accepted,
        uncertain = mailing_tally.uncertain + excluded.uncertain
)
select c.recipient_no from changed c;

-- name: suppression_lifted_since$
-- Whether a person lifted a suppression of this address after that time.
select exists (select from lifted_suppression l where l.address_key = :address_key and l.lifted_at > :since);

-- name: forget_inbound_content!
-- Takes a mail's bytes off it, since its customer was erased.
update inbound_mail set content_sha256 = null, envelope_from = null where id = :id;

-- name: lock_content!
-- Locks stored bytes: from now on until the transaction ends, nothing new can refer to them.
select from content where sha256 = any(:hashes::bytea[]) order by sha256 for update;

-- name: delete_unreferenced_content!
-- Deletes those of these bytes to which nothing refers. They must be locked.
delete from content k
where k.sha256 = any(:hashes::bytea[])
  and not exists (select from inbound_mail i where i.content_sha256 = k.sha256)
  and not exists (select from attachment a where a.sha256 = k.sha256)
  and not exists (select from message_attachment m where m.sha256 = k.sha256)
  and not exists (select from message m where m.content_sha256 = k.sha256);

-- name: insert_complaint$
-- Records that a recipient of a message complained, and returns the event; nothing for the same kind of complaint again.
insert into event (customer_id, message_id, recipient_no, kind, actor, data)
select :customer_id, :message_id, :recipient_no, 'COMPLAINED', :actor,
       jsonb_build_object('feedbackType', :feedback_type::text)
where not exists (
    select from event e
    where e.customer_id = :customer_id and e.message_id = :message_id and e.recipient_no = :recipient_no
      and e.kind = 'COMPLAINED' and e.data ->> 'feedbackType' = :feedback_type::text)
returning id;

-- name: lock_delivery_report^
-- Locks a report for a person's decision about it, and its message.
select d.id, d.message_id, d.recipient_no, d.attempt, d.action::text, d.verified, d.recipient, d.status_code, d.code,
       d.words, d.host
from delivery_report d
join message m on m.customer_id = d.customer_id and m.id = d.message_id
where d.customer_id = :customer_id and d.id = :report_id
for update of m, d;

-- name: verify_delivery_report!
-- Makes a report count, since a person says so.
update delivery_report set verified = true, matched_by = 'PERSON'
where customer_id = :customer_id and id = :report_id;

-- name: revise_delivery_reports
-- Writes what a mail's reports were read as by newer rules, where that differs; returns their ids.
with revised as (
    update delivery_report d
    set status_code = t.status_code, code = t.code, words = t.words, host = t.host, cause = t.cause, advice = t.advice,
        rule = t.rule
    from rows from (json_to_recordset(:reports::json) as (
        status_code text, code smallint, words text, host text, cause cause, advice text, rule text, key_hex text))
        as t(status_code, code, words, host, cause, advice, rule, key_hex)
    where d.inbound_id = :inbound_id and d.report_key = decode(t.key_hex, 'hex')
      and (d.status_code, d.code, d.words, d.host, d.cause, d.rule)
          is distinct from (t.status_code, t.code, t.words, t.host, t.cause, t.rule)
    returning d.id, d.customer_id, d.message_id
), noted as (
    insert into message_change (customer_ids, message_ids)
    select array_agg(r.customer_id), array_agg(r.message_id)
    from (select distinct v.customer_id, v.message_id from revised v) r
    having count(*) > 0
)
select r.id from revised r;

-- name: inbound_customer^
-- Locks the customer to whom a person assigns a mail, and tells whether a message is one that we sent it.
select u.erased_at is not null as erased,
       exists (select from message m
               where m.customer_id = u.id and m.id = :message_id::uuid and not m.internal) as has_message
from customer u where u.id = :id for key share;

-- name: unmatched_among
-- Which of these mails exist, whether a customer has them, whether they are read.
select i.id, i.unmatched is not null as unmatched from inbound_mail i where i.id = any(:ids::uuid[]) order by i.id
for update;

-- name: dismiss_inbound_mail!
-- Takes unmatched mail off the list; what is off already stays as it is.
update inbound_mail set dismissed_at = now(), dismissed_by = :actor
where id = any(:ids::uuid[]) and dismissed_at is null;

-- name: put_inbound_mail_back!
-- Puts unmatched mail on the list again; what is on it already stays as it is.
update inbound_mail set dismissed_at = null, dismissed_by = null
where id = any(:ids::uuid[]) and dismissed_at is not null;

-- name: unmatched_to_reread
-- Mail that is nobody's and on the list, that came in a span of time, the oldest first.
select i.id from inbound_mail i
where i.unmatched is not null and i.dismissed_at is null
  and i.id >= coalesce(uuid_at(:since::timestamptz), :first::uuid)
  and i.id < coalesce(uuid_at(:until::timestamptz), :last::uuid)
order by i.id
limit :limit::integer;

-- name: mail_to_reread
-- Mail that was read and is not taken off the list, that came in a span of time, the oldest first.
select i.id from inbound_mail i
where i.read_at is not null and i.dismissed_at is null
  and i.id >= coalesce(uuid_at(:since::timestamptz), :first::uuid)
  and i.id < coalesce(uuid_at(:until::timestamptz), :last::uuid)
order by i.id
limit :limit::integer;

-- name: received_words$
-- A hash of what a mail's text was read as; nothing for a mail that became no message.
select md5(row(r.body, r.quoted, r.cut, r.automatic)::text) from received_mail r where r.inbound_id = :inbound_id;

-- name: delete_old_unmatched_mail
-- Deletes the oldest mail that is nobody's: what came more than :older_than ago, and what is beyond the newest :most or
-- their first :most_octets; :limit at most. Returns the hashes of its bytes.
with kept_from as materialized (
    select greatest(
        uuid_at(now() - :older_than::interval),
        (select i.id from inbound_mail i where i.unmatched is not null
         order by i.id desc offset :most::integer - 1 limit 1),
        (select newest.id
         from (select i.id, sum(i.size) over (order by i.id desc) as octets
               from inbound_mail i where i.unmatched is not null) newest
         where newest.octets <= :most_octets::bigint
         order by newest.id limit 1)) as id
), old as (
    select i.id from inbound_mail i
    where i.unmatched is not null and i.id < (select kept_from.id from kept_from)
    order by i.id
    limit :limit::integer
    for update skip locked
)
delete from inbound_mail i using old where i.id = old.id returning i.content_sha256;

-- name: note_listening!
-- Notes that mail is taken by these ways.
insert into inbound_listener (source)
select given.source from unnest(:sources::inbound_source[]) as given(source) order by given.source
on conflict (source) do update set seen_at = now();
