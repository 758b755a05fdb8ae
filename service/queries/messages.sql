-- Mail found across customers. Of each filter one index is read, which the service chooses: left free, the planner reads
-- seconds for what is rare. A range starts behind a cursor and is at most :scan rows long; what else a filter says is
-- checked of the rows that were read. Row comparisons such as (f.status, f.id) allow no other index than that of both.
-- Newest first; service/finding/sources.py makes the same oldest first by leaving out every `desc`. `{name}` stands for
-- the fragment of this name.

-- fragment: page_of_keys
-- The messages of the keys k of a page; their cursors end with the mark.
join message m on m.customer_id = k.customer_id and m.id = k.id
{beside_message}
where :mark::text is not null
order by k.id desc

-- fragment: searched
-- What is read of search rows.
select f.customer_id, f.id, f.mailing_id, f.domain_no, f.address_hash, f.sender_no, f.relay_no, f.source_type,
       f.direction, f.status, f.cause, f.tracked, f.opened, f.clicked, f.words
from message_search f

-- fragment: in_span
-- Whether it lies behind the cursor and in the span of time: an id tells its moment to some two seconds. No EXISTS:
-- the planner may hash one, and read all mail for it.
f.id > :low::uuid and f.id < :high::uuid
  and (f.id between :sure_low::uuid and :sure_high::uuid
       or (select (:since::timestamptz is null or n.mail_date >= :since)
                  and (:until::timestamptz is null or n.mail_date < :until)
           from message n where n.customer_id = f.customer_id and n.id = f.id))

-- fragment: passes
-- Whether a search row passes the rest of a filter. Of mail without an outcome the outbox knows the status.
((:statuses::email_status[] is null
  or case when f.status = 'QUEUED'
          then (select s.status from message_state s where s.customer_id = f.customer_id and s.id = f.id)
          else f.status end = any(:statuses))
 and (:causes::cause[] is null or f.cause = any(:causes))
 and (:source_types::source_type[] is null or f.source_type = any(:source_types))
 and (:direction::direction is null or f.direction = :direction)
 and (:mailing_ids::integer[] is null or f.mailing_id = any(:mailing_ids))
 and (:sender_nos::integer[] is null or f.sender_no = any(:sender_nos))
 and (:relay_nos::integer[] is null or f.relay_no = any(:relay_nos))
 and (:domain_nos::integer[] is null or f.domain_no = any(:domain_nos))
 and (:address_hashes::bigint[] is null or f.address_hash = any(:address_hashes))
 and (:search_hash::bigint is null or f.address_hash = :search_hash)
 and (:opened::boolean is null or f.opened = :opened)
 and (:clicked::boolean is null or f.clicked = :clicked)
 and (:tracked::boolean is null or f.tracked = :tracked)
 and (:needs_attention::boolean is null
      or :needs_attention = (f.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED')
                             and coalesce((select waits_for_person(t) from message_trouble t
                                           where t.customer_id = f.customer_id and t.message_id = f.id
                                             and t.recipient_no = 0), false)))
 and (:words::text is null or coalesce(f.words @@ (:words::text)::tsquery
                                        and (:recheck::text is null or f.words @@ (:recheck::text)::tsquery),
                                        f.mailing_id = any(:subjects::integer[]), false)))

-- fragment: keys_of_read
-- Of what was `read` those that pass; and the last row of each range that was longer than :scan. One range is in order
-- by itself: service/finding/sources.py leaves out the ORDER BY then, reading stops at the last row that is wanted, and
-- where it ends is not asked for.
, kept as materialized (
    select r.customer_id, r.id from read r where r.passes order by r.id desc limit :rows::bigint
)
select k.customer_id, k.id, false as is_end from kept k
union all
select r.customer_id, r.id, true from read r
where r.place = :scan::bigint and (:several::boolean or (select count(*) from kept) < :rows::bigint)

-- name: numbers_of_names
-- The numbers by which search rows know these domains, relays and senders; unknown names have none.
select n.kind, n.name, n.no
from unnest(:kinds::text[], :names::text[]) as wanted (kind, name)
join search_name n on n.kind = wanted.kind and n.name = wanted.name;

-- name: known_campaigns
-- Those of these campaigns that there are.
select c.id from campaign c where c.id = any(:campaign_ids::uuid[]);

-- name: known_mailings
-- Those of these mailings, and of the mailings of these campaigns, that there are.
select g.id, g.campaign_id
from mailing g where g.id = any(:mailing_ids::integer[]) or g.campaign_id = any(:campaign_ids::uuid[]);

-- name: mailings_by_subject
-- The newest mailings whose subject has these words.
select w.mailing_id
from mailing_words w
where w.words @@ (:words::text)::tsquery and (:recheck::text is null or w.words @@ (:recheck::text)::tsquery)
order by w.mailing_id desc
limit :limit::integer;

-- name: known_senders
-- Those of these senders that there are.
select s.id from sender s where s.id = any(:sender_ids::uuid[]);

-- name: messages_of_keys
-- A page of messages whose keys are known, in their order.
select m.id, null::json as shaped
from unnest(:customer_ids::bigint[], :ids::uuid[]) with ordinality as k (customer_id, id, place)
join message m on m.customer_id = k.customer_id and m.id = k.id and not m.internal
{beside_message}
where :mark::text is not null
order by k.place
limit :rows::bigint;

-- name: found_until
-- Up to when every change has come into the search rows: the moment of the oldest that has not, or now.
-- Nothing while mail from before the search rows is still coming in.
select case when not exists (select from search_backfill)
            then coalesce((select c.noted_at from message_change c order by c.id limit 1), now()) end as moment;

-- name: estimated_search_rows
-- How many search rows pass a filter, as the planner believes.
explain (format json)
select
from message_search f
where f.id > :low::uuid and f.id < :high::uuid
  and (:stored::email_status[] is null or f.status = any(:stored))
  and (:causes::cause[] is null or f.cause = any(:causes))
  and (:source_types::source_type[] is null or f.source_type = any(:source_types))
  and (:direction::direction is null or f.direction = :direction)
  and (:mailing_ids::integer[] is null or f.mailing_id = any(:mailing_ids))
  and (:sender_nos::integer[] is null or f.sender_no = any(:sender_nos))
  and (:relay_nos::integer[] is null or f.relay_no = any(:relay_nos))
  and (:domain_nos::integer[] is null or f.domain_no = any(:domain_nos))
  and (:address_hashes::bigint[] is null or f.address_hash = any(:address_hashes))
  and (:opened::boolean is null or f.opened = :opened)
  and (:clicked::boolean is null or f.clicked = :clicked)
  and (:tracked::boolean is null or f.tracked = :tracked)
  and (:words::text is null or f.words @@ (:words::text)::tsquery);

-- name: estimated_rows_of_words
-- How many search rows have words, as the planner believes.
explain (format json) select from message_search f where f.words @@ (:words::text)::tsquery;

-- fragment: by_status
-- Messages in a state that is not ACCEPTED.
{searched}
where f.status <> 'ACCEPTED' and (f.status, f.id) > (w.key, :low::uuid) and (f.status, f.id) < (w.key, :high::uuid)
  and {in_span}
order by f.status desc, f.id desc

-- fragment: by_cause
-- Messages with a cause.
{searched}
where f.cause is not null and (f.cause, f.id) > (w.key, :low::uuid) and (f.cause, f.id) < (w.key, :high::uuid)
  and {in_span}
order by f.cause desc, f.id desc

-- fragment: by_source
-- Messages of a source type that is not CAMPAIGN.
{searched}
where f.source_type <> 'CAMPAIGN' and (f.source_type, f.id) > (w.key, :low::uuid) and (f.source_type, f.id) < (w.key, :high::uuid)
  and {in_span}
order by f.source_type desc, f.id desc

-- fragment: by_mailing
-- Messages of a mailing.
{searched}
where f.mailing_id is not null and (f.mailing_id, f.id) > (w.key, :low::uuid) and (f.mailing_id, f.id) < (w.key, :high::uuid)
  and {in_span}
order by f.mailing_id desc, f.id desc

-- fragment: by_domain
-- Messages to or from a domain.
{searched}
where (f.domain_no, f.id) > (w.key, :low::uuid) and (f.domain_no, f.id) < (w.key, :high::uuid)
  and {in_span}
order by f.domain_no desc, f.id desc

-- fragment: by_address
-- Messages to or from an address.
{searched}
where (f.address_hash, f.id) > (w.key, :low::uuid) and (f.address_hash, f.id) < (w.key, :high::uuid)
  and {in_span}
order by f.address_hash desc, f.id desc

-- fragment: by_sender
-- Messages sent as a sender.
{searched}
where f.sender_no is not null and (f.sender_no, f.id) > (w.key, :low::uuid) and (f.sender_no, f.id) < (w.key, :high::uuid)
  and {in_span}
order by f.sender_no desc, f.id desc

-- fragment: by_relay
-- Messages last tried by a relay.
{searched}
where f.relay_no is not null and (f.relay_no, f.id) > (w.key, :low::uuid) and (f.relay_no, f.id) < (w.key, :high::uuid)
  and {in_span}
order by f.relay_no desc, f.id desc

-- fragment: by_id
-- Messages of all mail.
{searched}
where {in_span}
order by f.id desc

-- fragment: by_received
-- Messages received.
{searched}
where f.direction = 'RECEIVED' and {in_span}
order by f.id desc

-- fragment: by_clicked
-- Messages that a person clicked in.
{searched}
where f.clicked and {in_span}
order by f.id desc

-- fragment: limit_of_page
-- No page has more rows, the one behind it included. Of a limit that it does not know the planner expects a tenth of the
-- table, and of a large one makes its plan anew each time, which takes longer than the page.
limit 101

-- name: found_by_status
-- The next messages in a state that is not ACCEPTED, of each the next :scan.
with read as materialized (
    select g.customer_id, g.id, g.passes, g.place
    from unnest(:keys::text[]::email_status[]) as w (key)
    cross join lateral (
        select f.customer_id, f.id, {passes} as passes, row_number() over () as place
        from ({by_status} limit :scan::bigint) f
    ) g
)
{keys_of_read};

-- name: page_by_status
-- A page of messages in a state that is not ACCEPTED.
select m.id, null::json as shaped
from (
    select g.customer_id, g.id
    from unnest(:keys::text[]::email_status[]) as w (key)
    cross join lateral (select f.customer_id, f.id from ({by_status} limit :rows::bigint) f) g
    order by g.id desc
    limit :rows::bigint
) k
{page_of_keys};

-- name: found_by_cause
-- The next messages with a cause, of each the next :scan.
with read as materialized (
    select g.customer_id, g.id, g.passes, g.place
    from unnest(:keys::text[]::cause[]) as w (key)
    cross join lateral (
        select f.customer_id, f.id, {passes} as passes, row_number() over () as place
        from ({by_cause} limit :scan::bigint) f
    ) g
)
{keys_of_read};

-- name: page_by_cause
-- A page of messages with a cause.
select m.id, null::json as shaped
from (
    select g.customer_id, g.id
    from unnest(:keys::text[]::cause[]) as w (key)
    cross join lateral (select f.customer_id, f.id from ({by_cause} limit :rows::bigint) f) g
    order by g.id desc
    limit :rows::bigint
) k
{page_of_keys};

-- name: found_by_source
-- The next messages of a source type that is not CAMPAIGN, of each the next :scan.
with read as materialized (
    select g.customer_id, g.id, g.passes, g.place
    from unnest(:keys::text[]::source_type[]) as w (key)
    cross join lateral (
        select f.customer_id, f.id, {passes} as passes, row_number() over () as place
        from ({by_source} limit :scan::bigint) f
    ) g
)
{keys_of_read};

-- name: page_by_source
-- A page of messages of a source type that is not CAMPAIGN.
select m.id, null::json as shaped
from (
    select g.customer_id, g.id
    from unnest(:keys::text[]::source_type[]) as w (key)
    cross join lateral (select f.customer_id, f.id from ({by_source} limit :rows::bigint) f) g
    order by g.id desc
    limit :rows::bigint
) k
{page_of_keys};

-- name: found_by_mailing
-- The next messages of a mailing, of each the next :scan.
with read as materialized (
    select g.customer_id, g.id, g.passes, g.place
    from unnest(:keys::integer[]) as w (key)
    cross join lateral (
        select f.customer_id, f.id, {passes} as passes, row_number() over () as place
        from ({by_mailing} limit :scan::bigint) f
    ) g
)
{keys_of_read};

-- name: page_by_mailing
-- A page of messages of a mailing.
select m.id, null::json as shaped
from (
    select g.customer_id, g.id
    from unnest(:keys::integer[]) as w (key)
    cross join lateral (select f.customer_id, f.id from ({by_mailing} limit :rows::bigint) f) g
    order by g.id desc
    limit :rows::bigint
) k
{page_of_keys};

-- name: found_by_domain
-- The next messages to or from a domain, of each the next :scan.
with read as materialized (
    select g.customer_id, g.id, g.passes, g.place
    from unnest(:keys::integer[]) as w (key)
    cross join lateral (
        select f.customer_id, f.id, {passes} as passes, row_number() over () as place
        from ({by_domain} limit :scan::bigint) f
    ) g
)
{keys_of_read};

-- name: page_by_domain
-- A page of messages to or from a domain.
select m.id, null::json as shaped
from (
    select g.customer_id, g.id
    from unnest(:keys::integer[]) as w (key)
    cross join lateral (select f.customer_id, f.id from ({by_domain} limit :rows::bigint) f) g
    order by g.id desc
    limit :rows::bigint
) k
{page_of_keys};

-- name: found_by_address
-- The next messages to or from an address, of each the next :scan.
with read as materialized (
    select g.customer_id, g.id, g.passes, g.place
    from unnest(:keys::bigint[]) as w (key)
    cross join lateral (
        select f.customer_id, f.id, {passes} as passes, row_number() over () as place
        from ({by_address} limit :scan::bigint) f
    ) g
)
{keys_of_read};

-- name: page_by_address
-- A page of messages to or from an address.
select m.id, null::json as shaped
from (
    select g.customer_id, g.id
    from unnest(:keys::bigint[]) as w (key)
    cross join lateral (select f.customer_id, f.id from ({by_address} limit :rows::bigint) f) g
    order by g.id desc
    limit :rows::bigint
) k
{page_of_keys};

-- name: found_by_sender
-- The next messages sent as a sender, of each the next :scan.
with read as materialized (
    select g.customer_id, g.id, g.passes, g.place
    from unnest(:keys::integer[]) as w (key)
    cross join lateral (
        select f.customer_id, f.id, {passes} as passes, row_number() over () as place
        from ({by_sender} limit :scan::bigint) f
    ) g
)
{keys_of_read};

-- name: page_by_sender
-- A page of messages sent as a sender.
select m.id, null::json as shaped
from (
    select g.customer_id, g.id
    from unnest(:keys::integer[]) as w (key)
    cross join lateral (select f.customer_id, f.id from ({by_sender} limit :rows::bigint) f) g
    order by g.id desc
    limit :rows::bigint
) k
{page_of_keys};

-- name: found_by_relay
-- The next messages last tried by a relay, of each the next :scan.
with read as materialized (
    select g.customer_id, g.id, g.passes, g.place
    from unnest(:keys::integer[]) as w (key)
    cross join lateral (
        select f.customer_id, f.id, {passes} as passes, row_number() over () as place
        from ({by_relay} limit :scan::bigint) f
    ) g
)
{keys_of_read};

-- name: page_by_relay
-- A page of messages last tried by a relay.
select m.id, null::json as shaped
from (
    select g.customer_id, g.id
    from unnest(:keys::integer[]) as w (key)
    cross join lateral (select f.customer_id, f.id from ({by_relay} limit :rows::bigint) f) g
    order by g.id desc
    limit :rows::bigint
) k
{page_of_keys};

-- name: found_by_id
-- The next messages of all mail, of the next :scan.
with read as materialized (
    select f.customer_id, f.id, {passes} as passes, row_number() over () as place
    from ({by_id} limit :scan::bigint) f
)
{keys_of_read};

-- name: page_by_id
-- A page of messages of all mail.
select m.id, null::json as shaped
from (select f.customer_id, f.id from ({by_id} {limit_of_page}) f limit :rows::bigint) k
{page_of_keys};

-- name: found_by_received
-- The next messages received, of the next :scan.
with read as materialized (
    select f.customer_id, f.id, {passes} as passes, row_number() over () as place
    from ({by_received} limit :scan::bigint) f
)
{keys_of_read};

-- name: page_by_received
-- A page of messages received.
select m.id, null::json as shaped
from (select f.customer_id, f.id from ({by_received} {limit_of_page}) f limit :rows::bigint) k
{page_of_keys};

-- name: found_by_clicked
-- The next messages that a person clicked in, of the next :scan.
with read as materialized (
    select f.customer_id, f.id, {passes} as passes, row_number() over () as place
    from ({by_clicked} limit :scan::bigint) f
)
{keys_of_read};

-- name: page_by_clicked
-- A page of messages that a person clicked in.
select m.id, null::json as shaped
from (select f.customer_id, f.id from ({by_clicked} {limit_of_page}) f limit :rows::bigint) k
{page_of_keys};

-- fragment: ledger_passes
-- The same of a message n itself, with what its search row says of it, if it has one yet.
((:statuses::email_status[] is null
  or case when n.status = 'QUEUED'
          then (select s.status from message_state s where s.customer_id = n.customer_id and s.id = n.id)
          else n.status end = any(:statuses))
 and (:customer_ids::bigint[] is null or n.customer_id = any(:customer_ids))
 and (:causes::cause[] is null or n.cause = any(:causes))
 and (:source_types::source_type[] is null or n.source_type = any(:source_types))
 and (:direction::direction is null or n.direction = :direction)
 and (:mailing_ids::integer[] is null or n.mailing_id = any(:mailing_ids))
 and (:sender_ids::uuid[] is null
      or (select y.sender_id from sender_version y where y.id = n.sender_version_id) = any(:sender_ids))
 and (:relays::text[] is null
      or n.direction = 'SENT'
         and (select a.relay from attempt a
              where a.customer_id = n.customer_id and a.message_id = n.id and a.recipient_no = 0
              order by a.number desc limit 1) = any(:relays))
 and (:domains::text[] is null
      or lower(substring(case n.direction when 'SENT' then n.recipient
                         else (select y.from_address from received_mail y
                               where y.customer_id = n.customer_id and y.message_id = n.id) end
                         from '[^@]*$')) = any(:domains))
 and (:address_hashes::bigint[] is null or (select f.address_hash from message_search f where f.id = n.id) = any(:address_hashes) or lower(case n.direction when 'SENT' then n.recipient
                  else (select y.from_address from received_mail y
                        where y.customer_id = n.customer_id and y.message_id = n.id) end) = any(:addresses::text[]))
 and (:search_hash::bigint is null or (select f.address_hash from message_search f where f.id = n.id) = :search_hash or lower(case n.direction when 'SENT' then n.recipient
                  else (select y.from_address from received_mail y
                        where y.customer_id = n.customer_id and y.message_id = n.id) end) = lower(:search_address::text))
 and (:opened::boolean is null or :opened = (n.opened_at is not null))
 and (:clicked::boolean is null or :clicked = coalesce(
      (select f.clicked from message_search f where f.id = n.id and f.customer_id = n.customer_id), false))
 and (:tracked::boolean is null or n.tracked = :tracked)
 and (:needs_attention::boolean is null
      or :needs_attention = (n.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED')
                             and coalesce((select waits_for_person(t) from message_trouble t
                                           where t.customer_id = n.customer_id and t.message_id = n.id
                                             and t.recipient_no = 0), false)))
 and (:words::text is null
      or coalesce((select coalesce(f.words @@ (:words::text)::tsquery
                                   and (:recheck::text is null or f.words @@ (:recheck::text)::tsquery),
                                   f.mailing_id = any(:subjects::integer[]))
                   from message_search f where f.id = n.id and f.customer_id = n.customer_id), false)))

-- fragment: ledger_in_span
-- Whether a message n lies behind the cursor and in the span of time; nobody sees internal mail.
not n.internal and n.id > :low::uuid and n.id < :high::uuid
  and (:since::timestamptz is null or n.mail_date >= :since)
  and (:until::timestamptz is null or n.mail_date < :until)

-- fragment: of_ledger
-- What is read of messages themselves.
select n.customer_id, n.id, n.direction, n.source_type, n.status, n.mailing_id, n.sender_version_id, n.cause,
       n.recipient, n.opened_at, n.tracked
from message n

-- name: notes_where
-- A page of a customer's messages that pass, newest first: all of its mail is read at most.
select m.id, null::json as shaped
from (
    {messages}
    where n.customer_id = :customer_id and {ledger_in_span} and {ledger_passes}
    order by n.customer_id desc, n.id desc
    limit :rows
) m
{beside_message}
order by m.id desc;

-- name: found_of_customers
-- The next messages of customers, of each the next :scan, by the ledger itself.
with read as materialized (
    select g.customer_id, g.id, g.passes, g.place
    from unnest(:keys::bigint[]) as w (key)
    cross join lateral (
        select n.customer_id, n.id, {ledger_passes} as passes, row_number() over () as place
        from (
            {of_ledger}
            where n.customer_id = w.key and {ledger_in_span}
            order by n.customer_id desc, n.id desc
            limit :scan::bigint
        ) n
    ) g
)
{keys_of_read};

-- name: found_by_keys
-- Those of these messages that pass, by the ledger itself.
with read as materialized (
    select n.customer_id, n.id, {ledger_passes} as passes, 0 as place
    from unnest(:key_customers::bigint[], :key_ids::uuid[]) as w (customer_id, id)
    cross join lateral (
        {of_ledger}
        where n.customer_id = w.customer_id and n.id = w.id and {ledger_in_span}
    ) n
)
{keys_of_read};

-- name: found_waiting
-- The next messages of campaigns that wait for their first answer, and have no search row yet. Their ids are read as a
-- whole, some 25,000 a mailing that is under way at most, of them the next :scan.
with read as materialized (
    select n.customer_id, n.id, {ledger_passes} as passes, row_number() over () as place
    from (
        {of_ledger}
        join (
            select o.customer_id, o.message_id
            from lane l
            join outbox o on o.lane_id = l.id and o.recipient_no = 0
            where l.mailing_id is not null and (:mailing_ids::integer[] is null or l.mailing_id = any(:mailing_ids))
              and o.message_id > :low::uuid and o.message_id < :high::uuid
            order by o.message_id desc
            limit :scan::bigint
        ) b on b.customer_id = n.customer_id and b.message_id = n.id
        where {ledger_in_span}
        order by n.id desc
    ) n
)
{keys_of_read};

-- fragment: next_slices
-- The next :scan slices behind the cursor.
select s.no, s.boundary, row_number() over () as place
from (
    select t.no, case when :upwards::boolean then t.next_id else t.first_id end as boundary
    from (select x.no, x.first_id, lead(x.first_id) over (order by x.first_id) as next_id from search_slice x) t
    where t.first_id < :high::uuid and (t.next_id is null or t.next_id > :low::uuid)
    order by t.first_id desc
    limit :scan::bigint
) s

-- name: walked_by_words
-- The next messages by words in the next :scan slices. OFFSET 0 keeps the rest out of the index's condition.
with slices as materialized ({next_slices})
select k.customer_id, k.id, false as is_end
from (
    select g.customer_id, g.id
    from slices s
    cross join lateral (
        select f.customer_id, f.id
        from (
            select m.customer_id, m.id, m.mailing_id, m.domain_no, m.address_hash, m.sender_no, m.relay_no,
                   m.source_type, m.direction, m.status, m.cause, m.tracked, m.opened, m.clicked, m.words
            from message_search m
            where m.slice = s.no and m.words @@ (:words::text)::tsquery
            offset 0
        ) f
        where {in_span} and {passes}
        order by f.id desc
        limit :rows::bigint
    ) g
    limit :rows::bigint
) k
union all
select 0, s.boundary, true from slices s where s.place = :scan::bigint and s.boundary is not null;

-- name: found_by_words
-- The next messages by words that few have, wherever they lie. OFFSET 0 keeps the rest out of the index's condition.
select k.customer_id, k.id, false as is_end
from (
    select f.customer_id, f.id
    from (
        select m.customer_id, m.id, m.mailing_id, m.domain_no, m.address_hash, m.sender_no, m.relay_no,
               m.source_type, m.direction, m.status, m.cause, m.tracked, m.opened, m.clicked, m.words
        from message_search m
        where m.words @@ (:words::text)::tsquery
        offset 0
    ) f
    where {in_span} and {passes}
    order by f.id desc
    limit :rows::bigint
) k;

-- name: walked_by_mailing_domain
-- The next messages of mailings to domains in the next :scan slices. OFFSET 0 keeps the rest out of the index's condition.
with slices as materialized ({next_slices})
select k.customer_id, k.id, false as is_end
from (
    select g.customer_id, g.id
    from slices s
    cross join lateral (
        select f.customer_id, f.id
        from (
            select m.customer_id, m.id, m.mailing_id, m.domain_no, m.address_hash, m.sender_no, m.relay_no,
                   m.source_type, m.direction, m.status, m.cause, m.tracked, m.opened, m.clicked, m.words
            from message_search m
            where m.slice = s.no and m.mailing_id = any(:mailing_ids::integer[]) and m.domain_no = any(:domain_nos::integer[])
            offset 0
        ) f
        where {in_span} and {passes}
        order by f.id desc
        limit :rows::bigint
    ) g
    limit :rows::bigint
) k
union all
select 0, s.boundary, true from slices s where s.place = :scan::bigint and s.boundary is not null;

-- name: walked_by_mailing_sender
-- The next messages of mailings as senders in the next :scan slices. OFFSET 0 keeps the rest out of the index's condition.
with slices as materialized ({next_slices})
select k.customer_id, k.id, false as is_end
from (
    select g.customer_id, g.id
    from slices s
    cross join lateral (
        select f.customer_id, f.id
        from (
            select m.customer_id, m.id, m.mailing_id, m.domain_no, m.address_hash, m.sender_no, m.relay_no,
                   m.source_type, m.direction, m.status, m.cause, m.tracked, m.opened, m.clicked, m.words
            from message_search m
            where m.slice = s.no and m.mailing_id = any(:mailing_ids::integer[]) and m.sender_no = any(:sender_nos::integer[])
            offset 0
        ) f
        where {in_span} and {passes}
        order by f.id desc
        limit :rows::bigint
    ) g
    limit :rows::bigint
) k
union all
select 0, s.boundary, true from slices s where s.place = :scan::bigint and s.boundary is not null;

-- name: walked_by_domain_sender
-- The next messages to domains as senders in the next :scan slices. OFFSET 0 keeps the rest out of the index's condition.
with slices as materialized ({next_slices})
select k.customer_id, k.id, false as is_end
from (
    select g.customer_id, g.id
    from slices s
    cross join lateral (
        select f.customer_id, f.id
        from (
            select m.customer_id, m.id, m.mailing_id, m.domain_no, m.address_hash, m.sender_no, m.relay_no,
                   m.source_type, m.direction, m.status, m.cause, m.tracked, m.opened, m.clicked, m.words
            from message_search m
            where m.slice = s.no and m.domain_no = any(:domain_nos::integer[]) and m.sender_no = any(:sender_nos::integer[])
            offset 0
        ) f
        where {in_span} and {passes}
        order by f.id desc
        limit :rows::bigint
    ) g
    limit :rows::bigint
) k
union all
select 0, s.boundary, true from slices s where s.place = :scan::bigint and s.boundary is not null;
