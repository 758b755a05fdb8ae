-- The pages: the page's rows first, then what is beside them; the planner drops every join that a selection does not
-- read, and every column. `null::json as shaped` is what shaping replaces; `{name}` stands for the fragment of this name.

-- fragment: entries
-- The entries of one message's life (n), from a cursor on: of each kind a range at most a page long. A cursor is the
-- moment of an entry and its key, so that its order is the text's; `hits_from` and `events_from` are the first ids behind
-- it. An attempt counts from its end; those of one message are bounded by its copies and their tries.
select moment_key(n.mail_date) || '0' as cursor, 0::smallint as recipient_no, 'QUEUED'::event_kind as kind,
       n.mail_date as occurred_at, 'gateway' as actor, null::jsonb as data, null::uuid as id, null::smallint as attempt,
       null::hit_verdict as verdict
where n.direction = 'SENT'
union all
select moment_key(t.ended_at) || '1' || lpad(t.recipient_no::text, 3, '0') || lpad(t.number::text, 5, '0'),
       t.recipient_no, 'ATTEMPTED', t.ended_at, 'gateway', null, null, t.number, null
from (
    select a.recipient_no, a.number, a.started_at + a.took_ms * interval '1 millisecond' as ended_at
    from attempt a
    where a.message_id = n.id and a.customer_id = n.customer_id
) t
union all
select moment_key(uuid_extract_timestamp(h.id)) || '2' || encode(uuid_send(h.id), 'hex'), 0, h.shown,
       uuid_extract_timestamp(h.id), 'customer', null, h.id, null, h.verdict
from (
    select g.*
    from (values ('OPEN'::hit_kind, 'OPENED'::event_kind), ('CLICK', 'CLICKED')) as s (kind, shown)
    cross join lateral (
        select h.id, s.shown, h.verdict
        from hit h
        where h.message_id = n.id and h.customer_id = n.customer_id and h.kind = s.kind and h.verdict <> 'MACHINE'
          and h.id >= :hits_from::uuid
        order by h.id
        limit :rows::bigint
    ) g
    union all
    (
        select h.id, case h.kind when 'OPEN' then 'OPENED'::event_kind else 'CLICKED' end, h.verdict
        from hit h
        where :include_machine::boolean and h.message_id = n.id and h.customer_id = n.customer_id
          and h.verdict = 'MACHINE' and h.id >= :hits_from::uuid
        order by h.id
        limit :rows::bigint
    )
) h
union all
select moment_key(uuid_extract_timestamp(k.id)) || '3' || encode(uuid_send(k.id), 'hex'), k.recipient_no, k.kind,
       uuid_extract_timestamp(k.id), k.actor, k.data, k.id, null, null
from (
    select k.id, k.recipient_no, k.kind, k.actor, k.data
    from event k
    where k.customer_id = n.customer_id and k.message_id = n.id and k.id >= :events_from::uuid
    order by k.id
    limit :rows::bigint
) k

-- fragment: life
-- A page of those entries, the oldest first.
select e.cursor, n.customer_id, n.id as message_id, e.recipient_no, e.kind, e.occurred_at, e.actor, e.data, e.id,
       e.attempt, e.verdict
from (
    {entries}
) e
where e.cursor collate "C" > :after::text
order by e.cursor collate "C"
limit :rows::bigint

-- fragment: clicks
-- The rows of a page of clicks, before it is cut.
select k.customer_id, k.id, k.message_id, k.occurred_at, k.url, k.verdict, k.reasons
from hit k

-- fragment: beside_click
-- What fields of a click may read besides its row: its message, and what is beside that.
left join message m on m.customer_id = h.customer_id and m.id = h.message_id
{beside_message}

-- name: sent_page
-- One page of campaign mail sent to a customer, newest first.
select m.id, null::json as shaped
from (
    {messages}
    where n.customer_id = :customer_id and n.id < :before and n.campaign_id is not null
    order by n.customer_id desc, n.id desc
    limit :rows
) m
{beside_message}
order by m.id desc;

-- name: notes_page
-- One page of every message to or from a customer, newest first. It steps over internal mail, of which there is at most
-- one for each received message: no index of its own is worth a write a mail.
select m.id, null::json as shaped
from (
    {messages}
    where n.customer_id = :customer_id and n.id < :before and not n.internal
    order by n.customer_id desc, n.id desc
    limit :rows
) m
{beside_message}
order by m.id desc;

-- name: filtered_notes_page
-- The same, of some kinds only: of each kind a range at most a page long, then the newest of them all. `directions` and
-- `source_types` are pairs; mail of campaigns, and received mail that replies to nothing, have a parameter each.
select m.id, null::json as shaped
from (
    select p.customer_id, p.id
    from (
        select r.customer_id, r.id
        from unnest(:directions::direction[], :source_types::source_type[]) as wanted (direction, source_type)
        cross join lateral (
            select n.customer_id, n.id
            from message n
            where n.customer_id = :customer_id and n.campaign_id is null and n.direction = wanted.direction
              and n.source_type = wanted.source_type and n.id < :before
            order by n.id desc
            limit :rows
        ) r
        union all
        (
            select n.customer_id, n.id
            from message n
            where :campaigns::boolean and n.customer_id = :customer_id and n.campaign_id is not null and n.id < :before
            order by n.id desc
            limit :rows
        )
        union all
        (
            select n.customer_id, n.id
            from message n
            where :answers_nothing::boolean and n.customer_id = :customer_id and n.campaign_id is null
              and n.direction = 'RECEIVED' and n.source_type is null and n.id < :before
            order by n.source_type desc, n.id desc
            limit :rows
        )
    ) p
    order by p.id desc
    limit :rows
) k
join message m on m.customer_id = k.customer_id and m.id = k.id
{beside_message}
order by k.id desc;

-- name: clicks_page
-- One page of a customer's clicks, newest first, without those of machines.
select h.id, null::json as shaped
from (
    {clicks}
    where k.customer_id = :customer_id and k.id < :before and k.kind = 'CLICK' and k.verdict <> 'MACHINE'
    order by k.customer_id desc, k.id desc
    limit :rows
) h
{beside_click}
order by h.id desc;

-- name: all_clicks_page
-- The same, with those of machines.
select h.id, null::json as shaped
from (
    {clicks}
    where k.customer_id = :customer_id and k.id < :before and k.kind = 'CLICK'
    order by k.customer_id desc, k.id desc
    limit :rows
) h
{beside_click}
order by h.id desc;

-- name: message_clicks_page
-- One page of the clicks in one message, newest first, without those of machines.
select h.id, null::json as shaped
from (
    {clicks}
    where k.customer_id = :customer_id and k.message_id = :message_id and k.id < :before and k.kind = 'CLICK'
      and k.verdict <> 'MACHINE'
    order by k.customer_id desc, k.message_id desc, k.id desc
    limit :rows
) h
{beside_click}
order by h.id desc;

-- name: all_message_clicks_page
-- The same, with those of machines.
select h.id, null::json as shaped
from (
    {clicks}
    where k.customer_id = :customer_id and k.message_id = :message_id and k.id < :before and k.kind = 'CLICK'
    order by k.customer_id desc, k.message_id desc, k.id desc
    limit :rows
) h
{beside_click}
order by h.id desc;

-- name: messages_by_id
-- Whole rows of messages for the ordinary resolvers, in the requested order; absent ones are left out.
select m.customer_id, m.id, m.direction, m.source_type, s.status, m.subject, m.letter_kind,
       m.mail_date as occurred_at, m.decided_at, m.sent_at, m.opened_at, m.sender, m.recipient,
       m.campaign_id, m.mailing_id, c.title as campaign_title, m.template_version_id, m.cause, m.advice, m.tracked,
       m.answers_message_id, m.reference,
       (select v.sender_id from sender_version v where v.id = m.sender_version_id) as sender_id,
       coalesce((select waits_for_person(t) from message_trouble t
                 where t.customer_id = m.customer_id and t.message_id = m.id and t.recipient_no = 0),
                false) as needs_attention,
       w.next_attempt_at, w.waits_for, k.click_count, k.open_count,
       a.cause as attempt_cause, a.advice as attempt_advice,
       a.stage, a.code, a.enhanced, a.response, a.relay, a.host, a.tls
from unnest(:customer_ids::bigint[], :ids::uuid[]) with ordinality as wanted (customer_id, id, place)
join message m on m.customer_id = wanted.customer_id and m.id = wanted.id and not m.internal
join message_state s on s.customer_id = m.customer_id and s.id = m.id
left join message_wait w on w.customer_id = m.customer_id and w.id = m.id
left join campaign c on c.id = m.campaign_id
left join lateral (
    select count(*) filter (where h.kind = 'CLICK')::integer as click_count,
           count(*) filter (where h.kind = 'OPEN')::integer as open_count
    from hit h
    where h.customer_id = m.customer_id and h.message_id = m.id and h.verdict <> 'MACHINE'
) k on true
left join lateral (
    select a.cause, a.advice, a.stage, a.code, a.enhanced, a.response, a.relay, a.host, a.tls
    from attempt a
    where a.customer_id = m.customer_id and a.message_id = m.id and a.recipient_no = 0
    order by a.number desc
    limit 1
) a on true
order by wanted.place;

-- name: hits_by_id
-- Whole rows of clicks for the ordinary resolvers.
select h.customer_id, h.id, h.message_id, h.occurred_at as clicked_at, h.url, h.verdict, h.reasons,
       m.subject, c.title as campaign_title
from unnest(:customer_ids::bigint[], :ids::uuid[]) with ordinality as wanted (customer_id, id, place)
join hit h on h.customer_id = wanted.customer_id and h.id = wanted.id and h.kind = 'CLICK'
left join message m on m.customer_id = h.customer_id and m.id = h.message_id
left join campaign c on c.id = m.campaign_id
order by wanted.place;

-- name: message_exists
-- Whether a message is this customer's.
select exists(select 1 from message m where m.customer_id = :customer_id and m.id = :message_id
              and not m.internal) as found;

-- name: attempts_of_messages
-- Every attempt of these messages, by recipient and number.
select a.customer_id, a.message_id, a.recipient_no, a.number, a.started_at, a.took_ms, a.verdict, a.cause, a.advice,
       a.stage, a.code, a.enhanced, a.response, a.relay, a.host, a.tls
from unnest(:customer_ids::bigint[], :ids::uuid[]) as wanted (customer_id, id)
join attempt a on a.customer_id = wanted.customer_id and a.message_id = wanted.id
order by a.customer_id, a.message_id, a.recipient_no, a.number;

-- name: copies_of_messages
-- Every CC and BCC copy of these messages, each with the last response to it.
select r.customer_id, r.message_id, r.recipient_no, r.role, r.address, r.name, z.status, r.decided_at, r.sent_at,
       r.cause, r.advice, a.cause as attempt_cause, a.advice as attempt_advice,
       a.stage, a.code, a.enhanced, a.response, a.relay, a.host, a.tls
from unnest(:customer_ids::bigint[], :ids::uuid[]) as wanted (customer_id, id)
join copy r on r.customer_id = wanted.customer_id and r.message_id = wanted.id
join copy_state z on z.customer_id = r.customer_id and z.message_id = r.message_id
    and z.recipient_no = r.recipient_no
left join lateral (
    select a.cause, a.advice, a.stage, a.code, a.enhanced, a.response, a.relay, a.host, a.tls
    from attempt a
    where a.customer_id = r.customer_id and a.message_id = r.message_id and a.recipient_no = r.recipient_no
    order by a.number desc
    limit 1
) a on true
order by r.customer_id, r.message_id, r.recipient_no;

-- name: events_of_messages
-- Every event of these messages, oldest first.
select e.customer_id, e.message_id, e.recipient_no, e.kind, uuid_extract_timestamp(e.id) as occurred_at, e.actor,
       e.data, e.id, null::smallint as attempt, null::hit_verdict as verdict
from unnest(:customer_ids::bigint[], :ids::uuid[]) as wanted (customer_id, id)
join event e on e.customer_id = wanted.customer_id and e.message_id = wanted.id
order by e.customer_id, e.message_id, e.id;

-- name: life_of_message
-- A page of one message's life, as a page within a row (`service.shape.field.Nested`).
select e.cursor, e.customer_id, e.message_id, e.recipient_no, e.kind, e.occurred_at, e.actor, e.data, e.id, e.attempt,
       e.verdict
from message n
cross join lateral (
    {life}
) e
where n.customer_id = :customer_id and n.id = :message_id
order by e.cursor collate "C";

-- name: life_of_messages
-- The same of each of these messages.
select e.cursor, e.customer_id, e.message_id, e.recipient_no, e.kind, e.occurred_at, e.actor, e.data, e.id, e.attempt,
       e.verdict
from unnest(:customer_ids::bigint[], :ids::uuid[]) with ordinality as wanted (customer_id, id, place)
join message n on n.customer_id = wanted.customer_id and n.id = wanted.id
cross join lateral (
    {life}
) e
order by wanted.place, e.cursor collate "C";

-- name: reports_by_id
-- Whole rows of delivery reports for the ordinary resolvers.
select d.customer_id, d.id, d.message_id, d.recipient_no, d.action, uuid_extract_timestamp(d.id) as received_at,
       d.status_code, d.words, d.reported_by, d.host, d.cause, d.verified
from unnest(:customer_ids::bigint[], :ids::uuid[]) as wanted (customer_id, id)
join delivery_report d on d.customer_id = wanted.customer_id and d.id = wanted.id;

-- name: failures_of_messages
-- The newest failure report of each recipient of these messages.
select distinct on (d.customer_id, d.message_id, d.recipient_no)
       d.customer_id, d.id, d.message_id, d.recipient_no, d.action, uuid_extract_timestamp(d.id) as received_at,
       d.status_code, d.words, d.reported_by, d.host, d.cause, d.verified
from unnest(:customer_ids::bigint[], :ids::uuid[]) as wanted (customer_id, id)
join delivery_report d on d.customer_id = wanted.customer_id and d.message_id = wanted.id and d.action = 'FAILED'
order by d.customer_id, d.message_id, d.recipient_no, d.id desc;

-- name: received_mail_by_message
-- What these received messages say; of erased ones nothing is left to say.
select y.customer_id, y.message_id, y.from_address, y.from_name, y.author, y.body, y.quoted, y.cut, y.automatic,
       y.authentication, y.forwarded_at
from unnest(:customer_ids::bigint[], :ids::uuid[]) as wanted (customer_id, id)
join received_mail y on y.customer_id = wanted.customer_id and y.message_id = wanted.id
where y.body <> '' or y.quoted is not null or y.from_address is not null;

-- name: attachments_of_messages
-- The attachments of these messages, in their order.
select f.customer_id, f.message_id, f.position, f.name, f.media_type, f.size, f.part,
       encode(coalesce(f.sha256, f.part_sha256), 'hex') as sha256
from unnest(:customer_ids::bigint[], :ids::uuid[]) as wanted (customer_id, id)
join message_attachment f on f.customer_id = wanted.customer_id and f.message_id = wanted.id
order by f.customer_id, f.message_id, f.position;

-- name: previews_by_version
-- The generic previews of template versions: sample data only.
select v.id, v.preview_subject as subject, v.preview_html as html, v.preview_text as text
from template_version v
where v.id = any(:ids::uuid[]);

-- name: preview_of_message
-- The generic preview of the template that a message was made from: sample data only.
select v.preview_html as html
from message m
join template_version v on v.id = m.template_version_id
where m.customer_id = :customer_id and m.id = :message_id;
