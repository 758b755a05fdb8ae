-- Opens and clicks: written in batches, classified by the hits around them, and again when those change.

-- name: insert_hits!
-- Writes a batch of hits; existing ones stay, and nothing is kept of erased customers. Their times, and :now, are of
-- the clock of the process that took them: only their ages count.
insert into hit (customer_id, id, message_id, kind, occurred_at, link, url, origin, agent, head, prefetch, honeypot)
select m.customer_id, h.id, m.id, h.kind, now() - greatest(0, :now::float8 - h.at) * interval '1 second', h.link,
       h.url, h.origin, h.agent, h.head, h.prefetch, h.honeypot
from json_to_recordset(:hits::json)
    as h(id uuid, ref json, kind hit_kind, at float8, link smallint, url text, origin text, agent text, head boolean,
         prefetch boolean, honeypot boolean)
join message m on m.customer_id = (h.ref ->> 'customer_id')::bigint and m.id = (h.ref ->> 'message_id')::uuid
join customer c on c.id = m.customer_id and c.erased_at is null
order by m.customer_id, h.id
on conflict (customer_id, id) do nothing;

-- name: try_hit_drain_lock$
-- Takes the lock under which one process at a time moves waiting hits into the database; the session holds it.
select pg_try_advisory_lock(:lock::bigint);

-- name: end_hit_drain$
-- Releases that lock.
select pg_advisory_unlock(:lock::bigint);

-- name: try_classification_lock$
-- Takes the lock of classification, if it is free: two classifying the same message at once would deadlock.
select pg_try_advisory_xact_lock(:lock::bigint);

-- name: wait_for_classification_lock$
-- Takes the lock of classification, and waits for it.
select pg_advisory_xact_lock(:lock::bigint);

-- name: due_hits
-- The oldest hits that are not classified yet and happened before :until.
select h.customer_id, h.id, h.message_id, h.occurred_at, h.origin, h.agent
from hit h
where h.rules_version = 0 and h.occurred_at <= :until::timestamptz
order by h.id
limit :limit::integer;

-- name: hits_to_look_at_again
-- Hits classified while their mail had no final response, and due to be looked at again.
select h.customer_id, h.id, h.message_id, h.occurred_at
from hit h
where h.look_again_at <= :until::timestamptz
order by h.look_again_at
limit :limit::integer;

-- name: put_off_hits!
-- Puts off hits whose mail has no final response yet.
update hit h
set look_again_at = t.look_again_at
from unnest(:customer_ids::bigint[], :ids::uuid[], :look_again_ats::timestamptz[])
    as t(customer_id, id, look_again_at)
where h.customer_id = t.customer_id and h.id = t.id;

-- name: database_time$
-- The database's clock.
select now();

-- name: count_hits_to_reclassify$
-- How many classified hits a stretch of history has, counted no further than :limit.
select count(*) from (
    select from hit h
    where (:customer_id::bigint is null or h.customer_id = :customer_id::bigint)
      and h.id >= uuid_at(:since::timestamptz) and h.id < uuid_at(:until::timestamptz) and h.rules_version > 0
    limit :limit::integer
) counted;

-- name: hits_to_reclassify
-- The next of them, in the order of the primary key.
select h.customer_id, h.id, h.message_id, h.occurred_at
from hit h
where (:customer_id::bigint is null or h.customer_id = :customer_id::bigint)
  and (h.customer_id, h.id) > (:after_customer::bigint, :after_id::uuid)
  and h.id >= uuid_at(:since::timestamptz) and h.id < uuid_at(:until::timestamptz) and h.rules_version > 0
order by h.customer_id, h.id
limit :limit::integer;

-- name: hits_of_origins
-- When these origins fetched what, oldest first; `unmarked` was classified, and not as one of many messages.
select h.origin, h.occurred_at, h.customer_id, h.message_id,
       h.rules_version > 0 and not 'MANY_MESSAGES' = any(h.reasons) as unmarked
from hit h
where h.origin = any(:origins::text[]) and h.id >= uuid_at(:since::timestamptz - interval '1 hour')
  and h.id < uuid_at(:until::timestamptz + interval '1 hour')
  and h.occurred_at between :since::timestamptz and :until::timestamptz
order by h.origin, h.occurred_at
limit :limit::integer;

-- name: hits_of_messages
-- The hits of these messages in a stretch of time, oldest first; of a flooded message the newest.
select h.customer_id, h.message_id, h.id, h.kind, h.occurred_at, h.link, h.origin, h.agent, h.head, h.prefetch,
       h.honeypot, h.verdict, h.reasons, h.rules_version, h.look_again_at
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as w(customer_id, message_id)
cross join lateral (
    select n.customer_id, n.message_id, n.id, n.kind, n.occurred_at, n.link, n.origin, n.agent, n.head, n.prefetch,
           n.honeypot, n.verdict, n.reasons, n.rules_version, n.look_again_at
    from hit n
    where n.customer_id = w.customer_id and n.id >= uuid_at(:since::timestamptz - interval '1 hour')
      and n.message_id = w.message_id and n.occurred_at between :since::timestamptz and :until::timestamptz
    order by n.customer_id desc, n.id desc
    limit :limit::integer
) h
order by h.customer_id, h.message_id, h.occurred_at, h.id;

-- name: hits_by_key
-- Hits by their keys.
select h.customer_id, h.message_id, h.id, h.kind, h.occurred_at, h.link, h.origin, h.agent, h.head, h.prefetch,
       h.honeypot, h.verdict, h.reasons, h.rules_version, h.look_again_at
from unnest(:customer_ids::bigint[], :ids::uuid[]) as w(customer_id, id)
join hit h on h.customer_id = w.customer_id and h.id = w.id;

-- name: answers_of_messages
-- When the server gave its final response for these messages; null while there is none, or when that is unknown. It is
-- unknown for a mail that was ever uncertain, even when it is sent again or settled later: the first may have arrived.
select w.customer_id, w.message_id,
       coalesce(s.status in ('QUEUED', 'HANDED_OFF', 'DEFERRED') and not u.uncertain, false) as undecided,
       case when not u.uncertain then coalesce(m.sent_at, m.decided_at) end as answered_at
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as w(customer_id, message_id)
left join message m on m.customer_id = w.customer_id and m.id = w.message_id
left join message_state s on s.customer_id = m.customer_id and s.id = m.id
cross join lateral (
    select m.status = 'UNCERTAIN' or exists (
        select from event e
        where e.customer_id = m.customer_id and e.message_id = m.id and e.recipient_no = 0 and e.kind = 'UNCERTAIN'
    ) as uncertain
) u;

-- name: classify_hits!
-- Writes classifications beside the raw hits; reasons come as one comma-separated text each.
update hit h
set verdict = j.verdict, reasons = string_to_array(j.reasons, ',')::hit_reason[], rules_version = :version::smallint,
    look_again_at = j.look_again_at
from unnest(:customer_ids::bigint[], :ids::uuid[], :verdicts::hit_verdict[], :reasons::text[],
            :look_again_ats::timestamptz[])
    as j(customer_id, id, verdict, reasons, look_again_at)
where h.customer_id = j.customer_id and h.id = j.id;

-- name: set_opened_at
-- Sets or revises when a person first opened each of these messages: the first open not a machine's, or the first
-- click of a person, which implies one.
update message m
set opened_at = f.opened_at
from (
    select w.customer_id, w.message_id, (
        select min(h.occurred_at) from hit h
        where h.customer_id = w.customer_id and h.message_id = w.message_id
          and h.id >= uuid_at(uuid_extract_timestamp(w.message_id) - interval '1 hour')
          and h.rules_version > 0
          and (h.verdict = 'HUMAN' or (h.kind = 'OPEN' and h.verdict = 'UNKNOWN'))) as opened_at
    from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as w(customer_id, message_id)
) f
where m.customer_id = f.customer_id and m.id = f.message_id and m.opened_at is distinct from f.opened_at
returning m.customer_id, m.id as message_id;

-- name: settle_by_click
-- A person's click on a link of an uncertain mail is evidence that the server accepted it. Returns those messages. A
-- mail with copies is one content: the click may be of a copy's reader, which says nothing about the customer's.
-- status: UNCERTAIN -> ACCEPTED
with settled as (
    update message m
    set status = 'ACCEPTED', sent_at = coalesce(m.sent_at, m.decided_at), cause = null, advice = null
    from unnest(:customer_ids::bigint[], :message_ids::uuid[], :hit_ids::uuid[]) as w(customer_id, message_id, hit_id)
    where m.customer_id = w.customer_id and m.id = w.message_id and m.status = 'UNCERTAIN'
      and not exists (select from copy c where c.customer_id = m.customer_id and c.message_id = m.id)
    returning m.customer_id, m.id as message_id, m.mailing_id, w.hit_id
), events as (
    insert into event (customer_id, message_id, kind, actor, data)
    select s.customer_id, s.message_id, 'SETTLED', 'gateway',
           jsonb_build_object('evidence', 'CLICK', 'hit', s.hit_id, 'verdict', 'ACCEPTED')
    from settled s
), tallied as (
    insert into mailing_tally (mailing_id, shard, accepted, uncertain)
    select s.mailing_id, 0, count(*), -count(*) from settled s where s.mailing_id is not null
    group by s.mailing_id order by s.mailing_id
    on conflict (mailing_id, shard) do update
    set accepted = mailing_tally.accepted + excluded.accepted,
        uncertain = mailing_tally.uncertain + excluded.uncertain
)
select s.customer_id, s.message_id from settled s;
