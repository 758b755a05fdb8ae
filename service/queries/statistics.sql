-- Figures of mail over time, added up from rows that the gateway keeps: none of these reads a mail.

-- fragment: sums
-- The counts of a group of rows s, and whether there is anything among them.
sum(s.sent) as sent, sum(s.accepted) as accepted, sum(s.deferred) as deferred, sum(s.refused) as refused,
           sum(s.bounced) as bounced, sum(s.complained) as complained, sum(s.opened) as opened,
           sum(s.clicked) as clicked, sum(s.received) as received

-- fragment: has_some
-- Of a group of rows s: that not every mail in it has gone to another group since.
sum(s.sent) <> 0 or sum(s.received) <> 0

-- name: statistics_of_mail
-- Figures of spans of one rollup each: `labels` where a span is part of a longer one, whose beginning it is. At most
-- :rows, the earliest first and of one time the largest. Each span is one range of the index, whatever the planner
-- thinks (offset 0); it takes them for few (limit), and keeps one plan: making one costs more than the rows of a year.
with s as (
    select case when :by_time::boolean then coalesce(p.label, r.starts_at) end as starts_at,
           case when :by_source::boolean then r.source_type end as source_type,
           case when :by_cause::boolean then r.cause end as cause,
           case when :by_relay::boolean then r.relay_no end as relay_no,
           case when :by_sender::boolean then r.sender_no end as sender_no,
           case when :by_campaign::boolean then r.campaign_id end as campaign_id,
           r.sent, r.accepted, r.deferred, r.refused, r.bounced, r.complained, r.opened, r.clicked, r.received,
           case when :timed::boolean and r.percentiles is null then r.times end as times, r.percentiles
    from (select u.rollup, u.span, u.label, u.since, u.until
          from unnest(:rollups::text[], :spans::text[], :labels::timestamptz[], :froms::timestamptz[],
                      :untils::timestamptz[]) as u (rollup, span, label, since, until)
          limit :rows::integer) p
    cross join lateral (
        select m.starts_at, m.source_type, m.cause, m.relay_no, m.sender_no, m.campaign_id, m.sent, m.accepted,
               m.deferred, m.refused, m.bounced, m.complained, m.opened, m.clicked, m.received, m.times, m.percentiles
        from mail_statistics m
        where m.rollup = p.rollup and m.span = p.span and m.starts_at >= p.since and m.starts_at < p.until
          and (:source_types::text[] is null or m.source_type = any(:source_types::text[]::source_type[]))
          and (:campaign_ids::uuid[] is null or m.campaign_id = any(:campaign_ids::uuid[]))
          and (:relays::text[] is null or m.relay_no = any(array(
                  select n.no from search_name n where n.kind = 'RELAY' and n.name = any(:relays::text[]))))
          and (:senders::text[] is null or m.sender_no = any(array(
                  select n.no from search_name n where n.kind = 'SENDER' and n.name = any(:senders::text[]))))
        offset 0
    ) r
)
select s.starts_at, s.source_type, s.cause, (select y.name from search_name y where y.no = s.relay_no) as relay,
       (select x.name::uuid from search_name x where x.no = s.sender_no) as sender_id, s.campaign_id,
       null::text as domain, {sums},
       case when :timed::boolean then coalesce(min(s.percentiles), percentiles_of(all_times(s.times))) end as percentiles
from s
group by s.starts_at, s.source_type, s.cause, s.relay_no, s.sender_no, s.campaign_id
having {has_some}
order by s.starts_at, sum(s.sent) + sum(s.received) desc, s.source_type, s.cause, s.relay_no, s.sender_no, s.campaign_id
limit :rows::integer;

-- name: statistics_of_all_mail
-- Figures of all mail by day or hour, as they are kept: nothing is added up.
select m.starts_at, null::source_type as source_type, null::cause as cause, null::text as relay, null::uuid as sender_id,
       null::uuid as campaign_id, null::text as domain, m.sent, m.accepted, m.deferred, m.refused, m.bounced, m.complained,
       m.opened, m.clicked, m.received,
       case when :timed::boolean then coalesce(m.percentiles, percentiles_of(m.times)) end as percentiles
from mail_statistics m
where m.rollup = 'all' and m.span = :span::text and m.starts_at >= :since::timestamptz
  and m.starts_at < :until::timestamptz and (m.sent <> 0 or m.received <> 0)
order by m.starts_at
limit :rows::integer;

-- fragment: rows_by_domain
-- Rows by domain and cause of a span of days: months where it has whole ones that are made, and days for the rest.
select d.day, d.domain_no, d.cause, d.sent, d.accepted, d.deferred, d.refused, d.bounced, d.complained, d.opened,
               d.clicked, d.received, d.times
        from domain_statistics d
        where d.day >= :since::date and d.day < (select w.since from whole w)
        union all
        select m.month, m.domain_no, m.cause, m.sent, m.accepted, m.deferred, m.refused, m.bounced, m.complained,
               m.opened, m.clicked, m.received, m.times
        from domain_month_statistics m
        where m.month >= (select w.since from whole w) and m.month < (select w.until from whole w)
        union all
        select d.day, d.domain_no, d.cause, d.sent, d.accepted, d.deferred, d.refused, d.bounced, d.complained,
               d.opened, d.clicked, d.received, d.times
        from domain_statistics d
        where d.day >= (select w.until from whole w) and d.day < :until::date

-- name: statistics_of_domains
-- The same of days by domain and cause: of the :domains domains with most mail among those asked for. What is not told
-- by day is read from the months that lie in the span.
with whole as materialized (
    select case when m.since < m.until and not :by_time::boolean then m.since else :until::date end as since,
           case when m.since < m.until and not :by_time::boolean then m.until else :until::date end as until
    from (select date_trunc('month', :since::date + interval '1 month - 1 day')::date as since,
                 least(date_trunc('month', :until::date), date_trunc('month', p.day))::date as until
          from domain_month_progress p) m
), named as (
    select case when :names::text[] is not null
                then array(select n.no from search_name n where n.kind = 'DOMAIN' and n.name = any(:names::text[]))
           end as nos
), top as materialized (
    select s.domain_no
    from ({rows_by_domain}) s
    where :by_domain::boolean
      and (:names::text[] is null or s.domain_no = any((select d.nos from named d)::integer[]))
    group by s.domain_no
    having {has_some}
    order by sum(s.sent) + sum(s.received) desc, s.domain_no
    limit :domains::integer
), g as (
    select case when :by_time::boolean then s.day end as day, case when :by_domain::boolean then s.domain_no end as no,
           case when :by_cause::boolean then s.cause end as cause, {sums},
           all_times(case when :timed::boolean then s.times end) as times
    from ({rows_by_domain}) s
    where (:names::text[] is null or s.domain_no = any((select d.nos from named d)::integer[]))
      and (not :by_domain::boolean or coalesce(s.domain_no, 0) in (select coalesce(t.domain_no, 0) from top t))
    group by 1, 2, 3
    having {has_some}
    order by 1, sum(s.sent) + sum(s.received) desc, 2, 3
    limit :rows::integer
)
select g.day::timestamp at time zone 'UTC' as starts_at, null::source_type as source_type, g.cause, null::text as relay,
       null::uuid as sender_id, null::uuid as campaign_id, n.name as domain, g.sent, g.accepted, g.deferred, g.refused,
       g.bounced, g.complained, g.opened, g.clicked, g.received,
       case when :timed::boolean then percentiles_of(g.times) end as percentiles
from g
left join search_name n on n.no = g.no
order by g.day, g.sent + g.received desc, g.no, g.cause;
