-- What campaigns came to: counts, timelines, links, recipients. Counts are kept by the ledger and added up here.

-- fragment: mailing_counts
-- Every count of a mailing g of a campaign c, in one snapshot. Its audience as it is frozen; before that, those named
-- one by one, for whom it waits; and recipients of events.
cross join lateral (
    select coalesce(sum(y.made), 0) as made, coalesce(sum(y.accepted), 0) as accepted,
           coalesce(sum(y.refused), 0) as refused, coalesce(sum(y.bounced), 0) as bounced,
           coalesce(sum(y.uncertain), 0) as uncertain, coalesce(sum(y.held), 0) as held,
           coalesce(sum(y.expired), 0) as expired, coalesce(sum(y.cancelled), 0) as cancelled,
           coalesce(sum(y.left_out_opted_out), 0) as left_out_opted_out,
           coalesce(sum(y.left_out_suppressed), 0) as left_out_suppressed,
           coalesce(sum(y.left_out_no_address), 0) as left_out_no_address,
           coalesce(sum(y.left_out_duplicate_address), 0) as left_out_duplicate_address,
           coalesce(sum(y.left_out_erased), 0) as left_out_erased,
           coalesce(sum(y.left_out_merge_field_missing), 0) as left_out_merge_field_missing,
           coalesce(sum(y.opened), 0) as opened, coalesce(sum(y.opened_unsure), 0) as opened_unsure,
           coalesce(sum(y.clicked), 0) as clicked, coalesce(sum(y.machine_only), 0) as machine_only,
           coalesce(sum(y.unsubscribed), 0) as unsubscribed, coalesce(sum(y.complained), 0) as complained,
           coalesce(sum(y.replied), 0) as replied
    from mailing_tally y where y.mailing_id = g.id
) t
cross join lateral (
    select g.events + case when g.frozen_at is not null or g.status = 'CANCELLED' then g.recipients + g.left_out
                           else greatest(g.recipients + g.left_out,
                                         (select count(*) from campaign_customer n
                                          where n.campaign_id = g.campaign_id))
                      end as total,
           t.left_out_opted_out + t.left_out_suppressed + t.left_out_no_address + t.left_out_duplicate_address
               + t.left_out_erased + t.left_out_merge_field_missing as left_out,
           coalesce((select handed_off_in_lane(l.id) from lane l where l.mailing_id = g.id), 0) as on_the_wire,
           t.accepted + t.refused + t.bounced + t.uncertain + t.held + t.expired as decided,
           c.status = 'RUNNING' and g.status in ('FREEZING', 'RUNNING') as under_way,
           date_trunc('minute', now()) - interval '5 minutes' as paced_from
) a
cross join lateral (
    -- A sample holds what was until the end of its minute.
    select case when (a.under_way or g.finished_at > a.paced_from) then greatest(0, a.decided - coalesce((
               select s.decided from mailing_sample s where s.mailing_id = g.id and s.minute < a.paced_from
               order by s.minute desc limit 1), 0))
               / greatest(10, extract(epoch from now() - greatest(a.paced_from, g.frozen_at))) * 60
           else 0 end as per_minute
) p

-- name: progress_of_mailings
-- How far mailings are.
select g.id, t.made::bigint, t.accepted::bigint, t.refused::bigint, t.bounced::bigint, t.uncertain::bigint,
       t.held::bigint, t.expired::bigint, t.cancelled::bigint, t.left_out_opted_out::bigint,
       t.left_out_suppressed::bigint, t.left_out_no_address::bigint, t.left_out_duplicate_address::bigint,
       t.left_out_erased::bigint, t.left_out_merge_field_missing::bigint, t.opened::bigint, t.opened_unsure::bigint,
       t.clicked::bigint, t.machine_only::bigint, t.unsubscribed::bigint, t.complained::bigint, t.replied::bigint,
       a.total::bigint, a.left_out::bigint, a.on_the_wire::bigint,
       (a.total - a.left_out - a.decided - t.cancelled - a.on_the_wire)::bigint as queued,
       round(p.per_minute, 1)::float8 as per_minute,
       case when a.under_way then (
           select r.due_at from mailing_recipient r where r.mailing_id = g.id order by r.due_at desc limit 1)
       end as last_due_at, now() as at, a.under_way as is_paced
from mailing g
join campaign c on c.id = g.campaign_id
{mailing_counts}
where g.id = any(:ids::integer[]);

-- name: progress_of_campaigns
-- How far campaigns are: their mailings added up. Of one with a mailing that has not begun no pace tells the end.
select c.id, sum(t.made)::bigint as made, sum(t.accepted)::bigint as accepted,
       sum(t.refused)::bigint as refused, sum(t.bounced)::bigint as bounced, sum(t.uncertain)::bigint as uncertain,
       sum(t.held)::bigint as held, sum(t.expired)::bigint as expired, sum(t.cancelled)::bigint as cancelled,
       sum(t.left_out_opted_out)::bigint as left_out_opted_out,
       sum(t.left_out_suppressed)::bigint as left_out_suppressed,
       sum(t.left_out_no_address)::bigint as left_out_no_address,
       sum(t.left_out_duplicate_address)::bigint as left_out_duplicate_address,
       sum(t.left_out_erased)::bigint as left_out_erased,
       sum(t.left_out_merge_field_missing)::bigint as left_out_merge_field_missing, sum(t.opened)::bigint as opened,
       sum(t.opened_unsure)::bigint as opened_unsure, sum(t.clicked)::bigint as clicked,
       sum(t.machine_only)::bigint as machine_only, sum(t.unsubscribed)::bigint as unsubscribed,
       sum(t.complained)::bigint as complained, sum(t.replied)::bigint as replied, coalesce(sum(a.total), 0)::bigint as total,
       sum(a.left_out)::bigint as left_out, sum(a.on_the_wire)::bigint as on_the_wire,
       coalesce(sum(a.total - a.left_out - a.decided - t.cancelled - a.on_the_wire), 0)::bigint as queued,
       round(sum(p.per_minute), 1)::float8 as per_minute,
       max(case when a.under_way then (
           select r.due_at from mailing_recipient r where r.mailing_id = g.id order by r.due_at desc limit 1)
       end) as last_due_at, now() as at,
       bool_or(a.under_way) and not bool_or(g.status in ('DRAFT', 'SCHEDULED')) as is_paced
from campaign c
left join mailing g on g.campaign_id = c.id
{mailing_counts}
where c.id = any(:ids::uuid[])
group by c.id;

-- name: timeline_of_mailings
-- What happened in each :unit to these mailings, the oldest first: differences of samples, the last one being the counts
-- of now, so that all of them add up to the counts.
with counted as (
    select s.mailing_id, s.minute, s.accepted, s.refused, s.bounced, s.opened, s.clicked, s.unsubscribed
    from mailing_sample s where s.mailing_id = any(:mailing_ids::integer[])
    union all
    select t.mailing_id, now(), sum(t.accepted) + sum(t.bounced), sum(t.refused), sum(t.bounced), sum(t.opened),
           sum(t.clicked), sum(t.unsubscribed)
    from mailing_tally t where t.mailing_id = any(:mailing_ids::integer[]) group by t.mailing_id
), steps as (
    select c.minute, c.accepted - lag(c.accepted, 1, 0::numeric) over w as accepted,
           c.refused - lag(c.refused, 1, 0::numeric) over w as refused,
           c.bounced - lag(c.bounced, 1, 0::numeric) over w as bounced,
           c.opened - lag(c.opened, 1, 0::numeric) over w as opened,
           c.clicked - lag(c.clicked, 1, 0::numeric) over w as clicked,
           c.unsubscribed - lag(c.unsubscribed, 1, 0::numeric) over w as unsubscribed
    from counted c window w as (partition by c.mailing_id order by c.minute)
), buckets as (
    select date_trunc(:unit, s.minute, 'UTC') as starts_at, sum(s.accepted)::bigint as accepted,
           sum(s.refused)::bigint as refused, sum(s.bounced)::bigint as bounced, sum(s.opened)::bigint as opened,
           sum(s.clicked)::bigint as clicked, sum(s.unsubscribed)::bigint as unsubscribed
    from steps s
    where s.minute >= coalesce(date_trunc('minute', :since::timestamptz), '-infinity')
      and s.minute < coalesce(:until::timestamptz, 'infinity')
    group by 1
)
select b.starts_at, b.accepted, b.refused, b.bounced, b.opened, b.clicked, b.unsubscribed
from buckets b
where (b.accepted, b.refused, b.bounced, b.opened, b.clicked, b.unsubscribed) <> (0, 0, 0, 0, 0, 0)
order by b.starts_at
limit :limit::integer;

-- name: links_of_mailings
-- The links of these mailings that are clicked most.
select k.url, sum(k.clicks)::bigint as clicks, sum(k.people)::bigint as people
from mailing_link k
where k.mailing_id = any(:mailing_ids::integer[]) and k.clicks > 0
group by k.url
order by sum(k.clicks) desc, k.url
limit :limit::integer;

-- fragment: recipient_columns
-- A recipient k with what is known of it: its message, if one was made, and where that is in its life.
select k.mailing_id, k.customer_id, k.occurrence, k.planned_at, k.message_key, k.left_out, m.id as message_id,
       coalesce(m.recipient, k.address) as address, s.status,
       case when s.status in ('QUEUED', 'DEFERRED') then coalesce(m.due_at, k.planned_at) end as due_at, m.cause,
       coalesce(e.opened, false) as opened, coalesce(e.clicked, false) as clicked

-- fragment: recipient_joins
-- What it joins.
join mailing g on g.id = k.mailing_id
left join lateral (
    select n.id, n.status, n.cause, n.recipient, o.due_at, o.message_id as waiting, o.handed_off_at, o.attempt
    from message n
    left join outbox o on o.customer_id = n.customer_id and o.message_id = n.id and o.recipient_no = 0
    where n.mailing_id = k.mailing_id and n.customer_id = k.customer_id and n.occurrence = k.occurrence
      and k.left_out is null
    limit 1
) m on true
left join message_engagement e
    on e.mailing_id = k.mailing_id and e.customer_id = k.customer_id and e.message_id = m.id
cross join lateral (
    select case when k.left_out is not null then null
                when m.id is not null then shown_status(m.status, m.waiting, m.handed_off_at, m.attempt)
                when g.status = 'CANCELLED' then 'CANCELLED' else 'QUEUED' end::email_status as status
) s

-- fragment: recipient_passes
-- Whether a filter lets it pass.
((:statuses::email_status[] is null and :left_outs::left_out_reason[] is null)
 or s.status = any(:statuses::email_status[]) or k.left_out = any(:left_outs::left_out_reason[]))
and (:causes::cause[] is null or m.cause = any(:causes::cause[]))
and (:opened::boolean is null or coalesce(e.opened, false) = :opened)
and (:clicked::boolean is null or coalesce(e.clicked, false) = :clicked)

-- fragment: recipients_after
-- The frozen audience of a mailing behind a key, in the order it is sent.
select r.mailing_id, r.customer_id, r.occurrence, r.due_at as planned_at, null::uuid as message_key, r.address,
       null::left_out_reason as left_out
from mailing_recipient r
where r.mailing_id = :mailing_id::integer
  and (r.due_at, r.customer_id, r.occurrence) > (:planned_at::timestamptz, :customer_id::bigint, :occurrence::text)
order by r.due_at, r.customer_id, r.occurrence

-- fragment: left_out_after
-- Who was left out, behind a key; their address is the primary one.
select x.mailing_id, x.customer_id, x.occurrence, null::timestamptz as planned_at, null::uuid as message_key,
       (select d.address from customer_address d where d.customer_id = x.customer_id order by d.position limit 1)
           as address, x.reason as left_out
from mailing_left_out x
where x.mailing_id = :mailing_id::integer
  and (x.customer_id, x.occurrence) > (:customer_id::bigint, :occurrence::text)

-- fragment: of_messages
-- Recipients by their messages: t has mailing, customer and message.
select t.mailing_id, t.customer_id, b.occurrence, r.due_at as planned_at, t.message_id as message_key, r.address,
       null::left_out_reason as left_out

-- fragment: of_messages_joins
-- What it joins.
join message b on b.customer_id = t.customer_id and b.id = t.message_id
left join mailing_recipient r
    on r.customer_id = t.customer_id and r.mailing_id = t.mailing_id and r.occurrence = b.occurrence

-- name: recipients_of_mailing
-- Recipients of a mailing in the order it is sent, of the next :scan those that pass.
{recipient_columns}
from ({recipients_after} limit :scan::integer) k
{recipient_joins}
where {recipient_passes}
order by k.planned_at, k.customer_id, k.occurrence
limit :rows::integer;

-- name: recipients_scanned
-- The key of the last recipient that was read, when :scan were.
{recipients_after} offset :scan::integer - 1 limit 1;

-- name: left_out_of_mailing
-- Who was left out of a mailing, of the next :scan those that pass.
{recipient_columns}
from ({left_out_after} order by x.customer_id, x.occurrence limit :scan::integer) k
{recipient_joins}
where {recipient_passes}
order by k.customer_id, k.occurrence
limit :rows::integer;

-- name: left_out_scanned
-- The key of the last that was read, when :scan were.
{left_out_after} order by x.customer_id, x.occurrence offset :scan::integer - 1 limit 1;

-- name: left_out_for_reason
-- Who was left out of a mailing for one reason.
{recipient_columns}
from ({left_out_after} and x.reason = :value::text::left_out_reason
      order by x.customer_id, x.occurrence limit :scan::integer) k
{recipient_joins}
where {recipient_passes}
order by k.customer_id, k.occurrence
limit :rows::integer;

-- name: left_out_for_reason_scanned
-- The key of the last that was read, when :scan were.
{left_out_after} and x.reason = :value::text::left_out_reason
order by x.customer_id, x.occurrence offset :scan::integer - 1 limit 1;

-- fragment: troubles_after
-- Messages of a mailing in one state that a person may have to look at.
select t.mailing_id, t.customer_id, t.message_id
from message_trouble t
where t.mailing_id = :mailing_id::integer and t.status = :value::text::email_status
  and t.customer_id >= :customer_id::bigint and (t.customer_id, t.message_id) > (:customer_id, :message_key::uuid)
  and t.recipient_no = 0
order by t.customer_id, t.message_id

-- name: recipients_in_trouble
-- Recipients of a mailing in one state that a person may have to look at.
{recipient_columns}
from ({of_messages} from ({troubles_after} limit :scan::integer) t {of_messages_joins}) k
{recipient_joins}
where {recipient_passes}
order by k.customer_id, k.message_key
limit :rows::integer;

-- name: troubles_scanned
-- The key of the last that was read, when :scan were.
select k.mailing_id, k.customer_id, '' as occurrence, null::timestamptz as planned_at, k.message_id as message_key
from ({troubles_after} offset :scan::integer - 1 limit 1) k;

-- fragment: opened_after
-- Messages of a mailing that a person opened.
select t.mailing_id, t.customer_id, t.message_id
from message_engagement t
where t.mailing_id = :mailing_id::integer
  and (t.customer_id, t.message_id) > (:customer_id::bigint, :message_key::uuid) and t.opened
order by t.customer_id, t.message_id

-- name: recipients_who_opened
-- Recipients of a mailing of whom it is known that a person opened it.
{recipient_columns}
from ({of_messages} from ({opened_after} limit :scan::integer) t {of_messages_joins}) k
{recipient_joins}
where {recipient_passes}
order by k.customer_id, k.message_key
limit :rows::integer;

-- name: opened_scanned
-- The key of the last that was read, when :scan were.
select k.mailing_id, k.customer_id, '' as occurrence, null::timestamptz as planned_at, k.message_id as message_key
from ({opened_after} offset :scan::integer - 1 limit 1) k;

-- fragment: clicked_after
-- Messages of a mailing in which a person clicked.
select t.mailing_id, t.customer_id, t.message_id
from message_engagement t
where t.mailing_id = :mailing_id::integer
  and (t.customer_id, t.message_id) > (:customer_id::bigint, :message_key::uuid) and t.clicked
order by t.customer_id, t.message_id

-- name: recipients_who_clicked
-- Recipients of a mailing of whom it is known that a person clicked in it.
{recipient_columns}
from ({of_messages} from ({clicked_after} limit :scan::integer) t {of_messages_joins}) k
{recipient_joins}
where {recipient_passes}
order by k.customer_id, k.message_key
limit :rows::integer;

-- name: clicked_scanned
-- The key of the last that was read, when :scan were.
select k.mailing_id, k.customer_id, '' as occurrence, null::timestamptz as planned_at, k.message_id as message_key
from ({clicked_after} offset :scan::integer - 1 limit 1) k;

-- fragment: customers_found_after
-- Customers that a search finds, as `customers` does, from one on.
select c.id
from customer c
where c.id in (
    select n.id from customer n
    where n.name_words like :word and n.name_words like all(:other_words::text[])
    union
    select x.id from customer x where x.reference_key like :reference
    union
    select d.customer_id from customer_address d where d.address ilike :address or d.address ilike :in_a_labels
) and c.id >= :customer_id::bigint
order by c.id

-- fragment: of_a_customer
-- What these mailings have of a customer c: in the audience, or left out.
select r.mailing_id, r.customer_id, r.occurrence, r.due_at as planned_at, null::uuid as message_key, r.address,
       null::left_out_reason as left_out
from mailing_recipient r where r.customer_id = c.id and r.mailing_id = any(:mailing_ids::integer[])
union all
select x.mailing_id, x.customer_id, x.occurrence, null, null,
       (select d.address from customer_address d where d.customer_id = x.customer_id order by d.position limit 1),
       x.reason
from mailing_left_out x where x.customer_id = c.id and x.mailing_id = any(:mailing_ids::integer[])

-- name: recipients_found
-- Recipients of these mailings among the next :scan customers that a search finds.
{recipient_columns}
from ({customers_found_after} limit :scan::integer) c
cross join lateral ({of_a_customer}) k
{recipient_joins}
where (k.customer_id, k.mailing_id, k.occurrence) > (:customer_id, :mailing_id::integer, :occurrence::text)
  and {recipient_passes}
order by k.customer_id, k.mailing_id, k.occurrence
limit :rows::integer;

-- name: found_scanned
-- The key of the last customer that was read, when :scan were.
select 2147483647 as mailing_id, c.id as customer_id, '' as occurrence, null::timestamptz as planned_at,
       null::uuid as message_key
from ({customers_found_after} offset :scan::integer - 1 limit 1) c;

-- name: recipients_by_key
-- Recipients by mailing, customer and occurrence.
{recipient_columns}
from unnest(:mailing_ids::integer[], :customer_ids::bigint[], :occurrences::text[])
    as w(mailing_id, customer_id, occurrence)
cross join lateral (
    select r.mailing_id, r.customer_id, r.occurrence, r.due_at as planned_at, null::uuid as message_key, r.address,
           null::left_out_reason as left_out
    from mailing_recipient r
    where r.customer_id = w.customer_id and r.mailing_id = w.mailing_id and r.occurrence = w.occurrence
    union all
    select x.mailing_id, x.customer_id, x.occurrence, null, null,
           (select d.address from customer_address d where d.customer_id = x.customer_id order by d.position limit 1),
           x.reason
    from mailing_left_out x
    where x.customer_id = w.customer_id and x.mailing_id = w.mailing_id and x.occurrence = w.occurrence
) k
{recipient_joins};

-- name: campaigns_of_customer
-- What campaigns sent a customer, left it out of, and have for it, the newest mailing first.
{recipient_columns}
from (
    select r.mailing_id, r.customer_id, r.occurrence, r.due_at as planned_at, null::uuid as message_key, r.address,
           null::left_out_reason as left_out
    from mailing_recipient r
    where r.customer_id = :customer_id::bigint
      and (r.mailing_id, r.occurrence) < (:mailing_id::integer, :occurrence::text)
    union all
    select x.mailing_id, x.customer_id, x.occurrence, null, null,
           (select d.address from customer_address d where d.customer_id = x.customer_id order by d.position limit 1),
           x.reason
    from mailing_left_out x
    where x.customer_id = :customer_id::bigint
      and (x.mailing_id, x.occurrence) < (:mailing_id::integer, :occurrence::text)
    order by 1 desc, 3 desc limit :rows::integer
) k
{recipient_joins}
order by k.mailing_id desc, k.occurrence desc;

-- name: count_campaigns_of_customer
-- How many these are, counted no further than :limit.
select count(*) as found
from (
    select from mailing_recipient r where r.customer_id = :customer_id::bigint
    union all
    select from mailing_left_out x where x.customer_id = :customer_id::bigint
    limit :limit::integer
) counted;

-- name: upcoming_of_customer
-- What campaigns will still send a customer, the next one first, :limit at most: what waits, and mailings to come that
-- would reach it as it stands now, of whom :dynamic_lists hold it. As when an audience is frozen, exclusions leave out
-- nobody who is named one by one.
select f.mailing_id, f.customer_id, f.occurrence, f.planned_at, f.message_key, f.left_out, f.message_id, f.address,
       f.status, f.due_at, f.cause, f.opened, f.clicked
from (
    {recipient_columns}
    from (
        select r.mailing_id, r.customer_id, r.occurrence, r.due_at as planned_at, null::uuid as message_key, r.address,
               null::left_out_reason as left_out
        from mailing_recipient r
        join mailing q on q.id = r.mailing_id and q.status in ('FREEZING', 'RUNNING')
        where r.customer_id = :customer_id::bigint
    ) k
    {recipient_joins}
    where s.status in ('QUEUED', 'DEFERRED', 'HANDED_OFF')
    union all
    select g.id, c.id, '', g.due_at, null, null, null, chosen.address, 'QUEUED', g.due_at, null, false, false
    from customer c
    cross join mailing g
    join campaign p on p.id = g.campaign_id and p.kind = 'MARKETING'
    left join campaign_customer n on n.campaign_id = g.campaign_id and n.customer_id = c.id
    cross join lateral (
        select bool_or(not l.excluded) as within, bool_or(l.excluded) as excluded
        from campaign_list l
        where l.campaign_id = g.campaign_id
          and (l.list_id = any(:dynamic_lists::integer[])
               or exists (select from list_member b where b.list_id = l.list_id and b.customer_id = c.id))
    ) held
    cross join lateral (
        select d.address, d.address_key from customer_address d
        where d.customer_id = c.id and (n.address is null or lower(d.address) = lower(n.address))
        order by d.position limit 1
    ) chosen
    where c.id = :customer_id::bigint and c.erased_at is null and g.status = 'SCHEDULED'
      and (n.customer_id is not null or held.within and not held.excluded)
      and not exists (select from suppression z where z.address_key = chosen.address_key)
      and not exists (select from address_opt_out x where x.address_key = chosen.address_key and x.kind = 'MARKETING')
      and not exists (select from customer_address h join opt_out x on x.customer_id = h.customer_id
                      where h.address_key = chosen.address_key and x.kind = 'MARKETING')
      and not exists (select from message o
                      where o.mailing_id = g.not_opened_mailing_id and o.customer_id = c.id and o.opened_at is not null)
      and not exists (select from mailing_recipient r
                      join message o on o.mailing_id = r.mailing_id and o.customer_id = r.customer_id
                      where r.mailing_id = g.not_opened_mailing_id and r.address_key = chosen.address_key
                        and r.occurrence = '' and o.opened_at is not null)
) f
order by f.due_at nulls first, f.mailing_id, f.occurrence
limit :limit::integer;

-- name: frozen_of_mailings
-- How many recipients, those left out among them, these mailings have on record.
select coalesce(sum(g.recipients + g.left_out + g.events), 0)::bigint as recipients
from mailing g where g.id = any(:ids::integer[]);

-- name: caller_lives
-- Whether a token of this name is living, or somebody is signed in by it.
select exists (select from api_token t where t.name = :name and t.revoked_at is null and not t.inbound_only)
    or exists (select from session s where s.name = :name and s.expires_at > now()) as lives;

-- name: campaign_fingerprint
-- What differs whenever anything that a campaign shows has changed, but the passing of time.
select md5(concat_ws('|',
    row(c.title, c.status, c.priority, c.launched_at, c.finished_at, c.archived_at, c.paused_at, c.paused_why)::text,
    (select string_agg(row(g.id, g.status, g.subject, g.template_version_id, g.send_at, g.local_time, g.after_days,
                           g.after_minutes, g.not_before, g.due_at, g.frozen_at, g.recipients, g.left_out,
                           g.events)::text, '|'
                       order by g.id)
     from mailing g where g.campaign_id = c.id),
    (select string_agg(row(y.mailing_id, y.shard, y.made, y.accepted, y.refused, y.bounced, y.uncertain, y.held,
                           y.expired, y.cancelled, y.opened, y.opened_unsure, y.clicked, y.machine_only,
                           y.unsubscribed, y.complained, y.replied)::text, '|' order by y.mailing_id, y.shard)
     from mailing g join mailing_tally y on y.mailing_id = g.id where g.campaign_id = c.id),
    (select sum(handed_off_in_lane(l.id)) from lane l where l.campaign_id = c.id))) as fingerprint
from campaign c
where c.id = :campaign_id::uuid;
