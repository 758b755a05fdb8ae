-- A ledger that was restored: how a gateway notices it, and what becomes of what was queued.

-- name: ledger_state^
-- Which ledger this is, null before its first gateway; whether it is on another server than when a gateway ran last;
-- the restore that was begun and is not finished, null when there is none.
select l.id,
       (e.system_identifier, e.timeline) is distinct from (s.system_identifier, s.timeline) as moved,
       (select r.id from ledger_restore r where r.finished_at is null) as unfinished
from ledger l
cross join ledger_server() s
left join (select n.system_identifier, n.timeline from ledger_era n order by n.first desc limit 1) e on true;

-- name: advance_position!
-- Counts the ledger's position up, where nobody has within :every. A new era begins where nobody has within :silence, and
-- on another server. A time that is still to come is of another server's clock.
with before as materialized (
    select l.noted_at, e.system_identifier, e.timeline
    from ledger l
    left join (select n.system_identifier, n.timeline from ledger_era n order by n.first desc limit 1) e on true
), advanced as (
    update ledger l
    set position = l.position + 1, noted_at = now(), id = coalesce(l.id, gen_random_uuid())
    where not (l.noted_at > now() - :every::interval and l.noted_at <= now())
    returning l.position
)
insert into ledger_era (first, system_identifier, timeline)
select a.position, s.system_identifier, s.timeline
from advanced a cross join before b cross join ledger_server() s
where not (b.noted_at > now() - :silence::interval and b.noted_at <= now())
   or (b.system_identifier, b.timeline) is distinct from (s.system_identifier, s.timeline);

-- name: ledger_position^
-- Where the ledger is; nothing before its first gateway. It waits for the synchronous standby, as `find_idempotency_key`
-- does: a position that a failover loses was not there.
select l.id as ledger, e.id as era, l.position as number, l.noted_at as at,
       pg_logical_emit_message(true, ''::text, ''::text) as waits_for_standbys
from ledger l
cross join (select n.id from ledger_era n order by n.first desc limit 1) e;

-- name: missing_positions
-- Which of these positions are not in the ledger, by their places from 1 on: of an era that it does not have, or beyond
-- where the era ended.
select s.place::integer
from unnest(:eras::uuid[], :numbers::bigint[]) with ordinality as s(era, number, place)
cross join ledger l
left join ledger_era e on e.id = s.era
where e.id is null
   or s.number > coalesce((select n.first - 1 from ledger_era n where n.first > e.first order by n.first limit 1),
                          l.position)
order by s.place;

-- name: running_gateways$
-- How many sessions of gateways this database has, this one not counted.
select count(*) from pg_stat_activity a
where a.datname = current_database() and a.application_name = 'gateway' and a.pid <> pg_backend_pid();

-- name: await_restore_turn$
-- Lets one session at a time say that the ledger was restored: false where another does.
select pg_try_advisory_lock(hashtextextended('restored', 7));

-- name: begin_restore^
-- Writes down that the ledger was restored, or takes up what was begun and not finished.
with begun as (
    insert into ledger_restore (actor, ledger_id) select :actor, l.id from ledger l
    where not exists (select from ledger_restore r where r.finished_at is null)
    returning id, begun_at
)
select b.id, b.begun_at, true as is_new from begun b
union all
select r.id, r.begun_at, false from ledger_restore r where r.finished_at is null;

-- name: skip_forgotten_ids
-- Leaves out ids that may have been given out since the copy: a CRM, and links in mails, would mean somebody else by them.
-- So many are more than any import makes.
select setval(t.sequence, nextval(t.sequence) + t.skipped)
from (select pg_get_serial_sequence(n.name, 'id')::regclass as sequence, n.skipped
      from (values ('customer', 100000000), ('customer_list', 100000), ('mailing', 100000)) n(name, skipped)) t;

-- name: count_restore!
-- Counts what was done, in the transaction that does it.
update ledger_restore r
set uncertain = r.uncertain + :uncertain, made = r.made + :made,
    campaigns_paused = r.campaigns_paused + :campaigns_paused,
    retries_called_off = r.retries_called_off + :retries_called_off
where r.id = :id;

-- name: finish_restore^
-- Makes the ledger another one, which nobody has seen, and says that the restore is dealt with; returns what was done.
with renamed as (
    update ledger l set id = gen_random_uuid(), position = l.position + 1, noted_at = now() returning l.position
), era as (
    insert into ledger_era (first, system_identifier, timeline)
    select n.position, s.system_identifier, s.timeline from renamed n cross join ledger_server() s
)
update ledger_restore r set finished_at = now() where r.id = :id
returning r.uncertain, r.made, r.campaigns_paused, r.retries_called_off;

-- name: give_up_queued
-- The next :batch rows of the outbox whose mail may have been sent since the ledger's copy was made are UNCERTAIN, as of
-- the moment :since, so that all of them are one incident. Mail to our own staff stays: nobody is shown it to settle, and
-- twice in a staff mailbox is better than not at all.
-- status: QUEUED, DEFERRED, HANDED_OFF -> UNCERTAIN
with queued as materialized (
    select o.customer_id, o.message_id, o.recipient_no, o.attempt
    from outbox o
    join message m on m.customer_id = o.customer_id and m.id = o.message_id and not m.internal
    order by o.customer_id, o.message_id, o.recipient_no
    limit :batch::integer
    for update of o
), decided as (
    delete from outbox o using queued q
    where o.customer_id = q.customer_id and o.message_id = q.message_id and o.recipient_no = q.recipient_no
), messages as (
    update message m
    set status = 'UNCERTAIN', decided_at = :since::timestamptz, cause = 'RESTORED', advice = :advice::text
    from queued q
    where q.recipient_no = 0 and m.customer_id = q.customer_id and m.id = q.message_id and m.status = 'QUEUED'
    returning m.mailing_id
), copies as (
    update copy c
    set status = 'UNCERTAIN', decided_at = :since::timestamptz, cause = 'RESTORED', advice = :advice::text
    from queued q
    where q.recipient_no > 0 and c.customer_id = q.customer_id and c.message_id = q.message_id
      and c.recipient_no = q.recipient_no and c.status = 'QUEUED'
), tallied as (
    insert into mailing_tally (mailing_id, shard, uncertain)
    select mailing_id, 0, count(*) from messages where mailing_id is not null
    group by mailing_id order by mailing_id
    on conflict (mailing_id, shard) do update set uncertain = mailing_tally.uncertain + excluded.uncertain
), events as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select q.customer_id, q.message_id, q.recipient_no, 'UNCERTAIN', :actor::text,
           jsonb_build_object('attempt', q.attempt, 'restore', :restore::integer)
    from queued q
)
select q.customer_id, q.message_id from queued q;

-- name: call_off_decisions
-- Ends the decisions that would send again and are not carried out to their end: what they did since is not known.
update campaign_decision d set skipped = d.recipients - d.done, finished_at = now()
where d.finished_at is null and d.action in ('RETRY', 'RETRY_TO_PRESENT_ADDRESS')
returning d.id, d.campaign_id, d.recipients, d.done, d.skipped;

-- name: forget_messages_of_decisions$
-- Deletes what decisions that are over are still about, at most :batch messages; returns how many.
with forgotten as (
    delete from campaign_decision_message m
    using (select n.decision_id, n.customer_id, n.message_id
           from campaign_decision_message n
           join campaign_decision d on d.id = n.decision_id and d.finished_at is not null
           limit :batch::integer) over
    where m.decision_id = over.decision_id and m.customer_id = over.customer_id and m.message_id = over.message_id
    returning m.decision_id
)
select count(*) from forgotten;

-- name: call_off_bulk_actions$
-- The same of bulk actions; returns how many.
with called_off as (
    update bulk_action b
    set skipped = b.messages - b.done, finished_at = clock_timestamp(), customer_ids = '{}', message_ids = '{}',
        statuses = '{}'
    where b.finished_at is null and b.action in ('RETRY', 'RETRY_TO_PRESENT_ADDRESS')
    returning b.id
)
select count(*) from called_off;

-- name: campaigns_under_way
-- Campaigns that would mail somebody by themselves, at most :limit.
select c.id from campaign c where c.status in ('SCHEDULED', 'RUNNING') order by c.id limit :limit::integer;
