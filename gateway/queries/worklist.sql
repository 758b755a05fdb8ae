-- What waits for a person beside mail: what DNS says of the senders in use.

-- name: lock_sender_dns!
-- Until the transaction ends, no other worker chooses whom to ask DNS about.
select pg_advisory_xact_lock(:lock::bigint);

-- name: senders_to_look_at
-- Senders that are new, changed, or due, the longest due first; none while a worker asks about one. `in_use`: by a
-- campaign that is under way or was launched :within, or by one of the newest :newest individual mails of each source.
with due as materialized (
    select s.id, v.domain, d.due_at
    from sender s
    cross join lateral (
        select lower(substring(n.from_address from '[^@]*$')) as domain
        from sender_version n where n.sender_id = s.id order by n.number desc limit 1
    ) v
    left join sender_dns d on d.sender_id = s.id
    where (d.sender_id is null or d.due_at <= :now::timestamptz or d.domain <> v.domain or d.settings <> :settings)
      and not exists (select from sender_dns a where a.asking_until > :now::timestamptz)
    order by d.due_at nulls first, s.id
    limit :limit::integer
), mailed as materialized (
    select distinct n.name
    from unnest(array['WORK_ORDER', 'E_SIGNATURE', 'CARD_PROCESSING']::source_type[]) as kind(source_type)
    cross join lateral (
        select r.sender_no from message_search r
        where r.source_type = kind.source_type and r.source_type <> 'CAMPAIGN' order by r.id desc limit :newest::integer
    ) newest
    join search_name n on n.no = newest.sender_no
    where exists (select from due)
)
select due.id, due.domain,
       exists (select from mailed where mailed.name = due.id::text)
       or exists (select from campaign c join sender_version v on v.id = c.sender_version_id
                  where v.sender_id = due.id
                    and (c.status in ('SCHEDULED', 'RUNNING', 'PAUSED')
                         or c.launched_at > :now::timestamptz - :within::interval)) as in_use
from due
order by due.due_at nulls first, due.id;

-- name: note_senders!
-- Writes which senders were looked at: those in use are asked about until :asking_until, the others later.
insert into sender_dns (sender_id, domain, settings, in_use, due_at, asking_until)
select t.sender_id, t.domain, :settings, t.in_use, t.due_at, t.asking_until
from unnest(:sender_ids::uuid[], :domains::text[], :in_use::boolean[], :due_ats::timestamptz[],
            :asking_untils::timestamptz[]) as t(sender_id, domain, in_use, due_at, asking_until)
order by t.sender_id
on conflict (sender_id) do update
set in_use = excluded.in_use, due_at = excluded.due_at, asking_until = excluded.asking_until,
    checked_at = case when sender_dns.domain = excluded.domain then sender_dns.checked_at end,
    ready = case when sender_dns.domain = excluded.domain then sender_dns.ready end,
    records = case when sender_dns.domain = excluded.domain then sender_dns.records else '[]' end,
    domain = excluded.domain, settings = excluded.settings;

-- name: write_sender_dns!
-- Writes what DNS said of the domain of these senders, unless they were given another meanwhile.
update sender_dns d
set checked_at = :checked_at, ready = :ready, records = :records::jsonb, due_at = :due_at, asking_until = null
where d.sender_id = any(:sender_ids::uuid[]) and d.domain = :domain;

-- name: is_received$
-- Whether there is such a message, and it was received.
select exists (select from message m
               where m.customer_id = :customer_id and m.id = :message_id and m.direction = 'RECEIVED');
