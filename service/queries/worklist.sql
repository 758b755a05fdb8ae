-- What waits for a person: each list by an index that holds little else, each count up to a limit.

-- fragment: uncertain
-- Mail of which nobody knows whether the server took it, of campaigns, too.
message_trouble t
where waits_for_person(t) and t.status = 'UNCERTAIN'

-- fragment: held
-- Individual mail that a person can release; what is held of a campaign counts under it.
message_trouble t
where waits_for_person(t) and t.status = 'HELD' and t.mailing_id is null

-- fragment: failed
-- Individual mail that was refused, came back or expired for another cause than its address, by which others are listed.
message_trouble t
where waits_for_person(t) and t.status in ('REFUSED', 'BOUNCED', 'EXPIRED') and t.mailing_id is null
  and (t.cause is null or t.cause not in ('OPTED_OUT', 'BAD_ADDRESS', 'BAD_DOMAIN', 'MAILBOX_FULL', 'INACTIVE'))

-- fragment: to_mend
-- Failures of campaigns that a retry can mend (`hopeless` in gateway/campaigns/decisions.py says which it cannot).
message_trouble t
where t.mailing_id is not null and waits_for_person(t) and t.status <> 'UNCERTAIN'
  and (t.cause is null or t.cause not in ('OPTED_OUT', 'SUPPRESSED', 'BAD_ADDRESS', 'BAD_DOMAIN'))

-- fragment: troubled_campaigns
-- Campaigns that wait for a person, each once: with failures that a retry can mend, of each mailing one is read; with a
-- mailing or a decision that was put off; paused by the gateway.
(
    with recursive mending as (
        (select t.mailing_id from {to_mend} order by t.mailing_id limit 1)
        union all
        select (select t.mailing_id from {to_mend} and t.mailing_id > b.mailing_id order by t.mailing_id limit 1)
        from mending b where b.mailing_id is not null
    )
    select c.id
    from campaign c
    where c.archived_at is null and c.id in (
        select g.campaign_id
        from mending b join mailing g on g.id = b.mailing_id join campaign r on r.id = g.campaign_id
        where r.status <> 'CANCELLED'
        union
        select g.campaign_id from put_off p join mailing g on g.id = p.id where p.work = 'MAILING'
        union
        select d.campaign_id from put_off p join campaign_decision d on d.id = p.id where p.work = 'DECISION'
        union
        select s.id from campaign s where s.status = 'PAUSED' and s.paused_why not like 'Paused by %'
    )
)

-- name: uncertain_page
-- One page of uncertain mail, the longest waiting first.
select t.customer_id, t.message_id, t.since
from {uncertain} and (t.since, t.message_id) > (:since::timestamptz, :message_id::uuid)
order by t.since, t.message_id
limit :rows;

-- name: held_page
-- One page of held individual mail, the longest waiting first.
select t.customer_id, t.message_id, t.since
from {held} and (t.since, t.message_id) > (:since::timestamptz, :message_id::uuid)
order by t.since, t.message_id
limit :rows;

-- name: failed_page
-- One page of individual mail that failed, the longest waiting first.
select t.customer_id, t.message_id, t.since
from {failed} and (t.since, t.message_id) > (:since::timestamptz, :message_id::uuid)
order by t.since, t.message_id
limit :rows;

-- name: waiting_messages
-- A page of messages whose keys are known, in their order, each with the cursor of its place in a list.
select m.id, null::json as shaped
from unnest(:customer_ids::bigint[], :ids::uuid[], :cursors::text[])
    with ordinality as k (customer_id, id, cursor, place)
join message m on m.customer_id = k.customer_id and m.id = k.id
{beside_message}
order by k.place
limit :rows::bigint;

-- name: estimated_uncertain
-- How much uncertain mail there is, as the planner believes.
explain (format json) select from {uncertain};

-- name: estimated_held
-- How much held individual mail there is, as the planner believes.
explain (format json) select from {held};

-- name: estimated_failed
-- How much individual mail failed, as the planner believes.
explain (format json) select from {failed};

-- name: uncertain_incidents
-- Uncertain mail of the oldest :most by incident: one relay, stage, cause and minute; one of more than :largest is
-- several. The last attempt says which, where it ended so; where its worker was lost, nobody knows the relay, and it is
-- uncertain since the content may have been sent. A row a source type.
with told as materialized (
    select w.customer_id, w.message_id, w.since, date_trunc('minute', w.since) as minute, a.relay,
           coalesce(a.stage, 'END_OF_DATA') as stage, coalesce(w.cause, 'CONNECTION_LOST') as cause, m.source_type,
           m.opened_at is not null as has_evidence
    from (select t.customer_id, t.message_id, t.since, t.cause
          from {uncertain} order by t.since, t.message_id limit :most) w
    join message m on m.customer_id = w.customer_id and m.id = w.message_id
    left join lateral (
        select l.relay, l.stage
        from (select k.relay, k.stage, k.verdict, k.started_at, k.took_ms from attempt k
              where k.message_id = w.message_id and k.customer_id = w.customer_id and k.recipient_no = 0
              order by k.number desc limit 1) l
        where l.verdict = 'UNCERTAIN'
          and l.started_at + l.took_ms * interval '1 millisecond' > w.since - interval '10 minutes'
    ) a on true
), parts as (
    select t.*, (row_number() over (incident order by t.since, t.message_id) - 1) / :largest::integer as part,
           min(t.since) over incident as first
    from told t
    window incident as (partition by t.relay, t.stage, t.cause, t.minute)
), numbered as (
    select p.*, dense_rank() over (order by p.first, p.relay, p.stage, p.cause, p.part) as incident from parts p
)
select n.incident, n.relay, n.stage::text, n.cause::text, n.source_type::text, min(n.since) as started_at,
       count(*)::integer as messages, count(*) filter (where n.has_evidence)::integer as with_evidence,
       array_agg('Message_' || n.customer_id || '_' || encode(uuid_send(n.message_id), 'hex')
                 order by n.since, n.message_id) as ids
from numbered n
where n.incident <= :incidents
group by n.incident, n.relay, n.stage, n.cause, n.source_type
order by n.incident, count(*) desc, n.source_type;

-- name: troubled_campaigns_page
-- One page of campaigns that wait for a person, newest first.
select c.id from {troubled_campaigns} c where c.id < :before order by c.id desc limit :rows;

-- name: senders_not_ready
-- Senders in use whose domain DNS does not serve for our mail, by the last check; the first by name.
select d.sender_id, d.ready, d.checked_at, d.records
from sender_dns d
join sender s on s.id = d.sender_id
where d.in_use and not d.ready
order by s.name
limit :rows;

-- name: worklist_counts
-- How much waits, by list, each counted to one more than :most.
select (select count(*) from (select from {uncertain} limit :most + 1) n)::integer as uncertain,
       (select count(*) from (select from {held} limit :most + 1) n)::integer as held,
       (select count(*) from (select from {failed} limit :most + 1) n)::integer as failed,
       (select count(*) from (select from bad_address b limit :most + 1) n)::integer as bad_addresses,
       (select count(*) from (select from inbound_mail i
                              where i.unmatched is not null and i.dismissed_at is null limit :most + 1) n
       )::integer as unmatched,
       (select count(*) from (select from {troubled_campaigns} c limit :most + 1) n)::integer as campaigns,
       (select count(*) from relay r where r.stopped_at is not null)::integer as relays,
       (select count(*) from destination d where d.stopped_at is not null)::integer as destinations,
       (select count(*) from lane l where l.campaign_id is null and l.paused_why not like 'Paused by %'
       )::integer as lanes,
       (select count(*) from sender_dns d where d.in_use and not d.ready)::integer as senders;

-- name: lanes_paused_by_gateway
-- Lanes of individual mail that are paused, not by a person.
select l.name from lane l where l.campaign_id is null and l.paused_why not like 'Paused by %' order by l.id;

-- name: count_campaigns
-- How many campaigns a filter keeps.
select count(*)::integer as campaigns
from campaign c
where (c.archived_at is not null) = :archived::boolean
  and (:statuses::text[] is null or c.status::text = any(:statuses::text[]))
  and (:kind::text is null or c.kind::text = :kind::text)
  and (:pattern::text is null or c.title ilike :pattern::text)
  and (:list_ids::integer[] is null
       or c.id in (select n.campaign_id from campaign_list n where n.list_id = any(:list_ids::integer[])));

-- name: estimated_unmatched
-- How much received mail is nobody's, as the planner believes.
explain (format json)
select from inbound_mail i
where i.unmatched is not null and i.dismissed_at is null
  and (:reason::unmatched_reason is null or i.unmatched = :reason::unmatched_reason);

-- name: count_unmatched
-- How much received mail is nobody's, counted to one more than :most.
select count(*)::integer as mails
from (select from inbound_mail i
      where i.unmatched is not null and i.dismissed_at is null
        and (:reason::unmatched_reason is null or i.unmatched = :reason::unmatched_reason)
      limit :most + 1) n;

-- name: last_settled
-- The last that a person decided about a message; of several at once, the last of them.
select e.customer_id, e.message_id, e.kind, e.actor, uuid_extract_timestamp(e.id) as settled_at
from event e
where e.actor <> 'gateway'
  and e.kind in ('RETRIED', 'ASSUMED_SENT', 'RELEASED', 'READDRESSED', 'CANCELLED', 'DISMISSED', 'SUPPRESSION_LIFTED',
                 'ASSIGNED', 'REPORT_BELIEVED')
order by e.id desc
limit 1;
