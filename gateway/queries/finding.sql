-- Finding mail across customers: what changed is noted by triggers, and a job keeps narrow rows of it.

-- name: try_finding_lock$
-- Takes the lock of this job, if it is free: one at a time, or an older reading might overwrite a newer.
select pg_try_advisory_xact_lock(:lock::bigint);

-- name: take_finding_lock!
-- Waits for that lock.
select pg_advisory_xact_lock(:lock::bigint);

-- name: forget_search_row!
-- Deletes the row of a received message that is gone, and takes it from the figures; its customer's newest is the one
-- before that can be found, if there is one. Received mail has neither a cause nor a relay, a sender or a campaign.
with gone as (
    delete from message_search f where f.id = :message_id
    returning f.slice, f.source_type, f.domain_no, uuid_extract_timestamp(f.id) as at
), booked as (
    update mail_statistics s set received = s.received - 1
    from gone g
    cross join lateral (values ('hour', date_bin('1 hour', g.at, 'epoch')), ('day', date_trunc('day', g.at, 'UTC')),
                               ('month', date_trunc('month', g.at, 'UTC'))) p (span, starts_at)
    cross join lateral (values ('all', null::source_type), ('mail', g.source_type), ('source', g.source_type),
                               ('cause', null), ('relay', null), ('sender', null), ('campaign', null))
        k (rollup, source_type)
    where s.rollup = k.rollup and s.span = p.span and s.starts_at = p.starts_at
      and s.source_type is not distinct from k.source_type and s.cause is null and s.relay_no is null
      and s.sender_no is null and s.campaign_id is null
), booked_domain as (
    update domain_statistics s set received = s.received - 1
    from gone g
    where s.day = (g.at at time zone 'UTC')::date and s.domain_no is not distinct from g.domain_no and s.cause is null
), fewer as (
    update search_slice s set rows = s.rows - 1 from gone g where s.no = g.slice
), newest as (
    select n.id from message n
    where n.customer_id = :customer_id and n.id <> :message_id
      and exists (select from message_search f where f.id = n.id)
    order by n.customer_id desc, n.id desc limit 1
), none as (
    delete from customer_latest l
    where l.customer_id = :customer_id and l.message_id = :message_id and not exists (select from newest)
)
update customer_latest l set message_id = n.id
from newest n where l.customer_id = :customer_id and l.message_id = :message_id;

-- name: take_changes
-- Takes the first notes of changes, whole ones, of :limit messages together or of one note alone; the others that it
-- looked at are not `taken`. Nobody else deletes notes; those of transactions under way are there the next time.
with noted as materialized (
    select n.id, sum(cardinality(n.message_ids)) over (order by n.id) <= :limit::integer
                 or row_number() over (order by n.id) = 1 as taken
    from (select c.id, c.message_ids from message_change c order by c.id limit :limit::integer) n
), deleted as (
    delete from message_change c using noted n where c.id = n.id and n.taken
    returning c.id, c.customer_ids, c.message_ids
)
select n.taken, d.customer_ids, d.message_ids
from noted n left join deleted d on d.id = n.id
order by n.id;

-- name: messages_to_find
-- What the ledger says of these messages now, as far as they are found across customers: neither internal mail, nor
-- campaign mail that waits and of which there is nothing to say yet; and whether each has a search row, looked up by its
-- key: of an EXISTS the planner might hash the table.
select m.customer_id, m.id, m.mailing_id, m.recipient, m.recipient_key, v.sender_id, last.relay, m.source_type,
       m.direction, m.status, m.cause, m.tracked, m.opened_at is not null as opened,
       case when m.mailing_id is not null then coalesce(e.clicked, false)
            else exists (select from hit h
                         where h.message_id = m.id and h.customer_id = m.customer_id and h.kind = 'CLICK'
                           and h.verdict <> 'MACHINE' and h.verdict = 'HUMAN' and h.rules_version > 0) end as clicked,
       case when m.mailing_id is not null then coalesce(e.complained, false)
            else exists (select from event c
                         where c.customer_id = m.customer_id and c.message_id = m.id and c.kind = 'COMPLAINED'
                           and c.recipient_no = 0 and c.data ->> 'feedbackType' is distinct from 'OPT_OUT')
            end as complained,
       case when last.number is null then 0
            when last.number = 1 then (last.verdict = 'DEFERRED')::integer
            else (select count(*) from attempt d
                  where d.message_id = m.id and d.customer_id = m.customer_id and d.recipient_no = 0
                    and d.verdict = 'DEFERRED') end as deferrals,
       case when m.sent_at is not null and m.direction = 'SENT'
            then greatest(0, extract(epoch from m.sent_at - m.mail_date) * 1000)::bigint end as took_ms,
       case when m.sent_at is not null and m.direction = 'SENT'
            then time_bucket(greatest(0, extract(epoch from m.sent_at - m.mail_date) * 1000)::bigint) end as bucket,
       case when m.direction = 'RECEIVED' then (select r.from_address from received_mail r
                                                where r.customer_id = m.customer_id and r.message_id = m.id)
            end as from_address,
       coalesce((select true from message_search f where f.id = m.id), false) as is_known
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as wanted(customer_id, id)
join message m on m.customer_id = wanted.customer_id and m.id = wanted.id
left join sender_version v on v.id = m.sender_version_id
left join lateral (
    select a.number, a.verdict, a.relay from attempt a
    where a.message_id = m.id and a.customer_id = m.customer_id and a.recipient_no = 0
    order by a.number desc limit 1
) last on m.direction = 'SENT'
left join message_engagement e
    on e.mailing_id = m.mailing_id and e.customer_id = m.customer_id and e.message_id = m.id
where not m.internal
  and not (m.mailing_id is not null and m.status = 'QUEUED' and last.number is null
           and not exists (select from event w where w.customer_id = m.customer_id and w.message_id = m.id
                             and w.kind not in ('TRIGGERED', 'RESCUED')));

-- name: texts_to_find
-- The texts by which these messages are found, cut: whom they are for or from, copies too, and what servers and reports
-- said of them, of each the newest ten.
select m.id, m.subject, m.reference,
       case when m.direction = 'SENT' then array_remove(array[m.recipient_name], null)
            else array_remove(array[r.from_name], null) end
       || array(select k.name from copy k where k.customer_id = m.customer_id and k.message_id = m.id
                  and k.name is not null order by k.recipient_no limit 10) as names,
       case when m.direction = 'SENT' then array_remove(array[m.recipient], null)
            else array_remove(array[r.from_address], null) end
       || array(select k.address from copy k where k.customer_id = m.customer_id and k.message_id = m.id
                  and k.address is not null order by k.recipient_no limit 10) as addresses,
       array(select left(a.response, 1000) from attempt a
             where a.message_id = m.id and a.customer_id = m.customer_id and a.verdict = 'ACCEPTED'
               and a.response is not null
             order by a.recipient_no, a.number desc limit 10) as accepted,
       array(select concat_ws(' ', a.code, left(a.response, 1000)) from attempt a
             where a.message_id = m.id and a.customer_id = m.customer_id and a.verdict <> 'ACCEPTED'
               and a.response is not null
             order by a.recipient_no, a.number desc limit 10)
       || array(select left(d.words, 1000) from delivery_report d
                where d.customer_id = m.customer_id and d.message_id = m.id and d.words is not null
                order by d.recipient_no, d.id desc limit 10) as others
from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as wanted(customer_id, id)
join message m on m.customer_id = wanted.customer_id and m.id = wanted.id
left join received_mail r on r.customer_id = m.customer_id and r.message_id = m.id and m.direction = 'RECEIVED';

-- name: number_names
-- Returns the numbers of these names (kind: DOMAIN, RELAY, SENDER; a sender's is its id), new ones for those that have
-- none yet.
with wanted as (
    select distinct w.kind, w.name from unnest(:kinds::text[], :names::text[]) as w(kind, name)
), made as (
    insert into search_name (kind, name)
    select w.kind, w.name from wanted w
    where not exists (select from search_name n where n.kind = w.kind and n.name = w.name)
    order by w.kind, w.name
    on conflict (kind, name) do nothing
    returning kind, name, no
)
select n.kind, n.name, n.no from search_name n join wanted w on w.kind = n.kind and w.name = n.name
union all
select m.kind, m.name, m.no from made m;

-- name: slices_from
-- The slice in which this message lies, and those after it, oldest first.
select s.no, s.first_id from search_slice s
where s.first_id >= (select n.first_id from search_slice n where n.first_id <= :first::uuid
                     order by n.first_id desc limit 1)
order by s.first_id;

-- name: fill_slices!
-- Notes how many rows came into each slice.
update search_slice s set rows = s.rows + f.rows
from unnest(:nos::integer[], :rows::integer[]) as f(no, rows) where s.no = f.no;

-- name: merge_search_rows
-- Writes what the ledger says of messages, where it is not written already. What is the same of many of them comes once
-- (`alike`, to which `places` point); words are lexemes with spaces between, null where a message has none. Returns each
-- row that changed, as it is and as it was: figures are booked by the difference.
with alike as (
    select a.n, a.mailing_id, a.domain_no, a.sender_no, a.relay_no, a.source_type, a.direction, a.status, a.cause,
           a.tracked, a.opened, a.clicked, a.complained, a.deferrals
    from json_to_recordset(:alike::json) as a(
        n integer, mailing_id integer, domain_no integer, sender_no integer, relay_no integer, source_type source_type,
        direction direction, status email_status, cause cause, tracked boolean, opened boolean, clicked boolean,
        complained boolean, deferrals smallint)
), present as (
    select r.customer_id, r.id, a.mailing_id, a.domain_no, r.address_hash, a.sender_no, a.relay_no, a.source_type,
           a.direction, a.status, a.cause, a.tracked, a.opened, a.clicked, a.complained, a.deferrals, r.took_ms,
           (select s.no from search_slice s where s.first_id <= r.id order by s.first_id desc limit 1) as slice,
           array_to_tsvector(string_to_array(r.words, ' ')) as words
    from unnest(:customer_ids::bigint[], :ids::uuid[], :address_hashes::bigint[], :took_ms::bigint[], :words::text[],
                :places::integer[]) as r(customer_id, id, address_hash, took_ms, words, place)
    join alike a on a.n = r.place
), written as (
    insert into message_search as m (id, customer_id, slice, mailing_id, domain_no, address_hash, sender_no, relay_no,
                                     source_type, direction, status, cause, tracked, opened, clicked, complained,
                                     deferrals, took_ms, words)
    select p.id, p.customer_id, p.slice, p.mailing_id, p.domain_no, p.address_hash, p.sender_no, p.relay_no,
           p.source_type, p.direction, p.status, p.cause, p.tracked, p.opened, p.clicked, p.complained, p.deferrals,
           p.took_ms, p.words
    from present p
    on conflict (id) do update
    set customer_id = excluded.customer_id, mailing_id = excluded.mailing_id, domain_no = excluded.domain_no,
        address_hash = excluded.address_hash, sender_no = excluded.sender_no, relay_no = excluded.relay_no,
        source_type = excluded.source_type, direction = excluded.direction, status = excluded.status,
        cause = excluded.cause, tracked = excluded.tracked, opened = excluded.opened, clicked = excluded.clicked,
        complained = excluded.complained, deferrals = excluded.deferrals, took_ms = excluded.took_ms,
        words = excluded.words
    where (m.customer_id, m.mailing_id, m.domain_no, m.address_hash, m.sender_no, m.relay_no, m.source_type,
           m.direction, m.status, m.cause, m.tracked, m.opened, m.clicked, m.complained, m.deferrals, m.took_ms,
           m.words)
          is distinct from
          (excluded.customer_id, excluded.mailing_id, excluded.domain_no, excluded.address_hash, excluded.sender_no,
           excluded.relay_no, excluded.source_type, excluded.direction, excluded.status, excluded.cause,
           excluded.tracked, excluded.opened, excluded.clicked, excluded.complained, excluded.deferrals,
           excluded.took_ms, excluded.words)
    returning new.id, new.slice, old.id is null as is_new,
              new.mailing_id, new.domain_no, new.sender_no, new.relay_no, new.source_type, new.direction, new.status,
              new.cause, new.tracked, new.opened, new.clicked, new.complained, new.deferrals, time_bucket(new.took_ms) as bucket,
              old.mailing_id as old_mailing_id, old.domain_no as old_domain_no, old.sender_no as old_sender_no,
              old.relay_no as old_relay_no, old.source_type as old_source_type, old.direction as old_direction,
              old.status as old_status, old.cause as old_cause, old.tracked as old_tracked, old.opened as old_opened,
              old.clicked as old_clicked, old.complained as old_complained, old.deferrals as old_deferrals,
              time_bucket(old.took_ms) as old_bucket
), filled as (
    update search_slice s set rows = s.rows + f.rows
    from (select w.slice, count(*)::integer as rows from written w where w.is_new group by w.slice) f
    where s.no = f.slice
)
select w.id, w.is_new, w.mailing_id, w.domain_no, w.sender_no, w.relay_no, w.source_type, w.direction, w.status, w.cause,
       w.tracked, w.opened, w.clicked, w.complained, w.deferrals, w.bucket, w.old_mailing_id, w.old_domain_no,
       w.old_sender_no, w.old_relay_no, w.old_source_type, w.old_direction, w.old_status, w.old_cause, w.old_tracked,
       w.old_opened, w.old_clicked, w.old_complained, w.old_deferrals, w.old_bucket
from written w;

-- name: book_mails!
-- Books mails that are alike, by the hour (since 1970) in which they count, in every rollup but that by domain.
with booked_alike as (
    select to_timestamp(m.hour * 3600.0) as hour, m.mailing_id, m.sender_no, m.relay_no, m.source_type, m.cause,
           m.bucket, m.mails, m.sent, m.accepted, m.deferred, m.refused, m.bounced, m.complained, m.opened, m.clicked,
           m.received
    from unnest(:hours::integer[], :mailing_ids::integer[], :sender_nos::integer[], :relay_nos::integer[],
                :source_types::source_type[], :causes::cause[], :buckets::integer[], :mails::integer[],
                :sent::integer[], :accepted::integer[], :deferred::integer[], :refused::integer[], :bounced::integer[],
                :complained::integer[], :opened::integer[], :clicked::integer[], :received::integer[])
         as m(hour, mailing_id, sender_no, relay_no, source_type, cause, bucket, mails, sent, accepted, deferred,
              refused, bounced, complained, opened, clicked, received)
)
insert into mail_statistics as s (rollup, span, starts_at, source_type, cause, relay_no, sender_no, campaign_id,
                                  sent, accepted, deferred, refused, bounced, complained, opened, clicked,
                                  received, times, percentiles)
select b.rollup, b.span, b.starts_at, b.source_type, b.cause, b.relay_no, b.sender_no, b.campaign_id, b.sent,
       b.accepted, b.deferred, b.refused, b.bounced, b.complained, b.opened, b.clicked, b.received,
       coalesce(b.times, '{}'), case when b.rollup = 'all' and b.span = 'day' then percentiles_of(b.times) end
from (select case grouping(a.source_type, a.cause, a.relay_no, a.sender_no, g.campaign_id)
                 when 31 then 'all' when 1 then 'mail' when 15 then 'source' when 23 then 'cause'
                 when 27 then 'relay' when 29 then 'sender' else 'campaign' end as rollup,
             p.span, p.starts_at, a.source_type, a.cause, a.relay_no, a.sender_no, g.campaign_id,
             sum(a.sent) as sent, sum(a.accepted) as accepted, sum(a.deferred) as deferred,
             sum(a.refused) as refused, sum(a.bounced) as bounced, sum(a.complained) as complained,
             sum(a.opened) as opened, sum(a.clicked) as clicked, sum(a.received) as received,
             array_agg(a.mails::bigint * 256 + a.bucket)
                 filter (where a.bucket is not null and a.mails <> 0) as times
      from booked_alike a
      left join mailing g on g.id = a.mailing_id
      cross join lateral (values ('hour', a.hour), ('day', date_trunc('day', a.hour, 'UTC')),
                                 ('month', date_trunc('month', a.hour, 'UTC'))) p (span, starts_at)
      group by grouping sets (
          (p.span, p.starts_at), (p.span, p.starts_at, a.source_type, a.cause, a.relay_no, a.sender_no),
          (p.span, p.starts_at, a.source_type), (p.span, p.starts_at, a.cause), (p.span, p.starts_at, a.relay_no),
          (p.span, p.starts_at, a.sender_no), (p.span, p.starts_at, a.cause, g.campaign_id))) b
where (b.span <> 'hour' or b.rollup in ('all', 'mail', 'campaign'))
  and (b.times is not null
       or (b.sent, b.accepted, b.deferred, b.refused, b.bounced, b.complained, b.opened, b.clicked, b.received)
          <> (0, 0, 0, 0, 0, 0, 0, 0, 0))
on conflict (rollup, span, starts_at, source_type, cause, relay_no, sender_no, campaign_id) do update
set sent = s.sent + excluded.sent, accepted = s.accepted + excluded.accepted,
    deferred = s.deferred + excluded.deferred, refused = s.refused + excluded.refused,
    bounced = s.bounced + excluded.bounced, complained = s.complained + excluded.complained,
    opened = s.opened + excluded.opened, clicked = s.clicked + excluded.clicked,
    received = s.received + excluded.received, times = with_times(s.times, excluded.times),
    percentiles = case when excluded.times = '{}' then s.percentiles
                       when s.rollup = 'all' and s.span = 'day'
                       then percentiles_of(with_times(s.times, excluded.times)) end;

-- name: book_domains!
-- Books mails by day (since 1970), domain and cause, with their times (each an array as text).
insert into domain_statistics as s (day, domain_no, cause, sent, accepted, deferred, refused, bounced, complained,
                                    opened, clicked, received, times)
select date '1970-01-01' + m.day, m.domain_no, m.cause, m.sent, m.accepted, m.deferred, m.refused, m.bounced,
       m.complained, m.opened, m.clicked, m.received, m.times::bigint[]
from unnest(:days::integer[], :domain_nos::integer[], :causes::cause[], :sent::integer[], :accepted::integer[],
            :deferred::integer[], :refused::integer[], :bounced::integer[], :complained::integer[],
            :opened::integer[], :clicked::integer[], :received::integer[], :times::text[])
     as m(day, domain_no, cause, sent, accepted, deferred, refused, bounced, complained, opened, clicked, received,
          times)
on conflict (day, domain_no, cause) do update
set sent = s.sent + excluded.sent, accepted = s.accepted + excluded.accepted,
    deferred = s.deferred + excluded.deferred, refused = s.refused + excluded.refused,
    bounced = s.bounced + excluded.bounced, complained = s.complained + excluded.complained,
    opened = s.opened + excluded.opened, clicked = s.clicked + excluded.clicked,
    received = s.received + excluded.received, times = with_times(s.times, excluded.times);

-- name: is_day_to_add$
-- Whether a day has been over for :settles days and is not in its month, and no worker has added any for :pause; none
-- while mail from before the search rows is still coming in, of any day.
select exists (select from domain_month_progress p
               where p.day < (now() at time zone 'UTC')::date - :settles::integer
                 and clock_timestamp() not between p.added_at and p.added_at + :pause::interval)
       and not exists (select from search_backfill);

-- name: add_day_to_month!
-- Adds the next rows of days that have been over for :settles days to their months: those of one day and of :width
-- domain numbers.
with p as materialized (
    select p.day, p.domain_no, p.domain_no + :width::integer as until_no, b.before
    from (select (now() at time zone 'UTC')::date - :settles::integer as before) b
    join domain_month_progress p on p.day < b.before
), added as (
    insert into domain_month_statistics as m (month, domain_no, cause, sent, accepted, deferred, refused, bounced,
                                              complained, opened, clicked, received, times)
    select date_trunc('month', d.day)::date, d.domain_no, d.cause, d.sent, d.accepted, d.deferred, d.refused, d.bounced,
           d.complained, d.opened, d.clicked, d.received, d.times
    from domain_statistics d
    where d.day = (select p.day from p)
      and (d.domain_no >= (select p.domain_no from p) and d.domain_no < (select p.until_no from p)
           or d.domain_no is null and (select p.domain_no from p) = 0)
    order by d.domain_no, d.cause
    on conflict (month, domain_no, cause) do update
    set sent = m.sent + excluded.sent, accepted = m.accepted + excluded.accepted,
        deferred = m.deferred + excluded.deferred, refused = m.refused + excluded.refused,
        bounced = m.bounced + excluded.bounced, complained = m.complained + excluded.complained,
        opened = m.opened + excluded.opened, clicked = m.clicked + excluded.clicked,
        received = m.received + excluded.received, times = with_times(m.times, excluded.times)
), following as (
    select coalesce(same.day, least(later.day, p.before)) as day, coalesce(same.domain_no, 0) as domain_no
    from p
    left join lateral (select d.day, d.domain_no from domain_statistics d
                       where d.day = p.day and d.domain_no >= p.until_no order by d.domain_no limit 1) same on true
    left join lateral (select d.day from domain_statistics d
                       where d.day > p.day order by d.day limit 1) later on true
)
update domain_month_progress p set day = f.day, domain_no = f.domain_no, added_at = clock_timestamp() from following f;

-- name: keep_latest!
-- Keeps the newest of these messages as that of its customer, unless a newer one is kept.
insert into customer_latest as l (customer_id, message_id)
select distinct on (p.customer_id) p.customer_id, p.id
from unnest(:customer_ids::bigint[], :ids::uuid[]) as p(customer_id, id) order by p.customer_id, p.id desc
on conflict (customer_id) do update set message_id = excluded.message_id where excluded.message_id > l.message_id;

-- name: open_slice!
-- Closes the newest slice, once it has :full rows, and opens one that begins with the newest message in it. A message
-- from the future, of a clock that was wrong, does not decide that: it moves to the new slice.
with newest as (
    select s.no, s.first_id, s.rows from search_slice s order by s.first_id desc limit 1
), behind as (
    select m.id, (select count(*)::integer from message_search f where f.id >= m.id) as rows
    from newest n
    cross join lateral (
        select f.id from message_search f where f.id > n.first_id and f.id < uuid_at(now()) order by f.id desc limit 1
    ) m
    where n.rows >= :full::integer
), opened as (
    insert into search_slice (first_id, rows) select b.id, b.rows from behind b returning no, first_id
), moved as (
    update message_search m set slice = o.no from opened o where m.id >= o.first_id
)
update search_slice s set rows = s.rows - b.rows from newest n, behind b where s.no = n.no;

-- name: forget_parked!
-- These messages have been written, or are gone.
delete from search_parked p
using unnest(:customer_ids::bigint[], :message_ids::uuid[]) as w(customer_id, message_id)
where p.customer_id = w.customer_id and p.message_id = w.message_id;

-- name: park_message!
-- Has this message wait, twice as long as the last time, up to :longest.
insert into search_parked as p (customer_id, message_id, until, error)
values (:customer_id, :message_id, clock_timestamp() + :first::interval, :error)
on conflict (customer_id, message_id) do update
set failures = least(p.failures + 1, 100), error = excluded.error,
    until = clock_timestamp() + least(:first::interval * power(2, least(p.failures, 20)), :longest::interval);

-- name: parked_messages
-- Parked messages whose wait is over, the longest first.
select p.customer_id, p.message_id from search_parked p where p.until <= now() order by p.until limit :limit::integer;

-- name: backfill_cursor^
-- How far the mail from before the search rows has come into them; nothing when all of it has.
select b.customer_id, b.message_id from search_backfill b;

-- name: older_messages
-- The next :limit messages behind a key of the ledger.
select m.customer_id, m.id as message_id from message m
where (m.customer_id, m.id) > (:customer_id::bigint, :message_id::uuid)
order by m.customer_id, m.id limit :limit::integer;

-- name: move_backfill!
-- Notes how far the backfill has come.
update search_backfill set customer_id = :customer_id, message_id = :message_id;

-- name: end_backfill!
-- All mail has come into the search rows.
delete from search_backfill;

-- name: lay_slices!
-- Before the first row is written: slices for the mail that is there already, of some :full rows each by a sample of
-- it, and one for what is to come.
with sample as (
    select m.id, row_number() over (order by m.id) as n
    from message m tablesample system (:percent::real)
    where not exists (select from message_search)
)
insert into search_slice (first_id)
select s.id from sample s where s.n % greatest(1, (:full::integer * :percent::real / 100)::integer) = 0
union
select uuid_at(now())
on conflict (first_id) do nothing;

-- name: size_of_messages$
-- How many octets the messages take, without their indexes.
select pg_relation_size('message');

-- name: clean_search_words$
-- Moves what was written into the index of words and pairs proper: what waits there is read by every search.
select gin_clean_pending_list('message_search_words'::regclass) as pages;

-- name: searched_until$
-- Until when every change is found: the moment of the oldest that is not, or now.
select coalesce((select c.noted_at from message_change c order by c.id limit 1), now());

-- name: mailings_without_words
-- The mailings of these messages whose subject's words are not kept yet.
select g.id, coalesce(g.subject, v.subject) as subject
from (select distinct m.mailing_id from message_search m where m.id = any(:message_ids::uuid[])) s
join mailing g on g.id = s.mailing_id
join template_version v on v.id = g.template_version_id
where not exists (select from mailing_words w where w.mailing_id = g.id);

-- name: keep_mailing_words*!
-- Keeps the words of a mailing's subject; a mailing that sends does not change it.
insert into mailing_words (mailing_id, words) values (:mailing_id, array_to_tsvector(:words::text[]))
on conflict (mailing_id) do nothing;
