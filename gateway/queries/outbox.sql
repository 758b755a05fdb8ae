-- Pending work: claim, hand off, give back, recover. Every clock here is PostgreSQL's.

-- name: claim_plain
-- Claims due mail the short way: the first :max_leased due rows of the unpaused lanes, in the order of `claim_due`, if
-- nothing forbids or counts any of them: no restricted destination, no relay that one must leave by, no mail of :large
-- octets. Otherwise it leases none, and `claim_due` is to be asked. What it leases, `claim_due` would have leased, with
-- the same columns.
-- status: QUEUED, DEFERRED -> HANDED_OFF
with lanes as (
    select l.id, l.priority, l.scheduled from claimable_lane l order by l.priority, l.id, l.scheduled desc
), due as materialized (
    select o.customer_id, o.message_id, o.domain, o.bound_relay, o.location, l.id as lane_id,
           row_number() over () as position
    from lanes l
    cross join lateral (
        select b.customer_id, b.message_id, b.domain, b.bound_relay, b.ctid as location
        from outbox b
        where b.lane_id = l.id and b.scheduled = l.scheduled and b.due_at <= now() and b.lease_owner is null
        order by b.due_at, b.message_id
        limit :max_leased::integer
        for update skip locked
    ) o
    limit :max_leased::integer
), unpaused_lanes as materialized (
    -- As in `claim_due`: a pause that has returned is exact.
    select lane.id
    from (select distinct due.lane_id from due) d join lane on lane.id = d.lane_id and lane.paused_at is null
    for share of lane skip locked
), loaded as materialized (
    select due.location, due.position, due.bound_relay, m.*
    from due
    left join lateral (
        select m.id as found_id, m.source_type, m.campaign_id, m.template_version_id, m.sender_version_id, m.mail_date,
               m.recipient, m.recipient_name, g.merge_data || m.merge_data as merge_data, g.subject as own_subject,
               m.content_sha256, m.tracked, m.token_key_id, m.composer_version, k.size as content_size
        from message m
        left join mailing g on g.id = m.mailing_id
        left join content k on k.sha256 = m.content_sha256
        where m.customer_id = due.customer_id and m.id = due.message_id
        limit 1  -- by its key
    ) m on true
), plain as materialized (
    select not exists (select from loaded where loaded.bound_relay is not null
                                             or loaded.content_size >= :large::bigint)
           and not exists (select from (select distinct due.domain from due) x
                           where (select is_restricted(d) from destination d where d.domain = x.domain)) as is_plain
)
update outbox o
set lease_owner = :owner::uuid,
    lease_until = now() + :lease::interval,
    handed_off_at = case
        when :hand_off::boolean and o.expires_at > now()
             and o.lane_id in (select unpaused_lanes.id from unpaused_lanes)
             and (select true from suppression s
                  where s.address_key = o.address_key
                    and (s.scope = 'ALL_MAIL' or o.opt_out_kind is not null)) is null
             and (o.opt_out_kind is null or coalesce(
                 (select true from opt_out x where x.customer_id = o.customer_id and x.kind = o.opt_out_kind),
                 (select true from address_opt_out x where x.address_key = o.address_key and x.kind = o.opt_out_kind)
             ) is null)
            then now() end
from loaded p
where o.ctid = p.location and (select plain.is_plain from plain)
returning o.customer_id, o.message_id, o.recipient_no, o.attempt, o.lane_id, o.address, o.domain, o.bound_relay,
          p.position, false as capped, true as leased, o.handed_off_at is not null as handed_off, false as large,
          p.found_id is not null as found, p.source_type, p.campaign_id, p.template_version_id, p.sender_version_id,
          p.mail_date, p.recipient, p.recipient_name, p.merge_data, p.own_subject, p.content_sha256, p.tracked,
          p.token_key_id, p.composer_version;

-- name: claim_due
-- Claims due mail, in the steps due, limited, placed, chosen, leased: `docs/claim.md` explains each and what it costs.
-- Of the next :scan_limit due rows of the unpaused lanes (sooner lanes first, scheduled rows before the backlog), those
-- that a pause or a limit forbids now are parked: put off until it ends. The first :max_leased of the others, among
-- them :large_room of :large octets or more, are leased to :owner. Where :hand_off says so, those against which nothing
-- speaks are handed off in the same statement; `hand_off` decides later about the others, among them every large mail,
-- which may wait long for room, and every mail that only one relay may take.
-- Returns parked and leased rows (`leased` tells them apart), and of a leased one what sending needs: its message, its
-- merge data over its mailing's, its stored copy's size. `found` is false where the message is gone.
-- status: QUEUED, DEFERRED -> HANDED_OFF
with lanes as (
    select l.id, l.priority, l.scheduled from claimable_lane l order by l.priority, l.id, l.scheduled desc
),
-- due: the head of the queue, lane by lane. Rows that another worker has locked are skipped.
due as materialized (
    select o.customer_id, o.message_id, o.recipient_no, o.domain, o.rate_counted, o.due_at, o.bound_relay, o.attempt,
           o.location, l.id as lane_id, l.priority, l.scheduled
    from lanes l
    cross join lateral (
        select b.customer_id, b.message_id, b.recipient_no, b.domain, b.rate_counted, b.due_at, b.bound_relay,
               b.attempt, b.ctid as location
        from outbox b
        where b.lane_id = l.id and b.scheduled = l.scheduled and b.due_at <= now() and b.lease_owner is null
        order by b.due_at, b.message_id
        limit :scan_limit::integer
        for update skip locked
    ) o
    limit :scan_limit::integer
), unpaused_lanes as materialized (
    -- A pause that has returned is exact: it waits for us, or we see it. One under way is not waited for, since it may
    -- be waiting for our rows; `hand_off` has the final say then.
    select lane.id from lane
    where lane.id in (select due.lane_id from due) and lane.paused_at is null
    for share skip locked
),
-- limited: the destinations among them that are limited or paused, locked, with what is left of each limit.
limited as materialized (
    select d.domain, d.min_interval,
           -- Whether a stopped one has been resumed is looked at again now and then: resuming frees most of what waits.
           -- So is one that a person paused without an end.
           case when d.stopped_at is not null or d.person_paused_until = 'infinity' then now() + interval '10 minutes'
                else greatest(d.paused_until, d.person_paused_until) end as paused_until,
           case when d.pause_step > 0 then 1 else d.connections end as connections,
           greatest(d.next_permit_at, now()) as first_permit_at,
           cap_today(d.per_day, d.warm_up_from, d.warm_up_start, d.warm_up_factor)
             - sent_today(d.day, d.day_count) as left_today,
           -- After a pause one mail goes first, to see whether the domain takes mail again.
           d.pause_step > 0 as is_probed,
           case when d.pause_step > 0 then 1 else d.connections end
             - coalesce((select sum(l.connections) from domain_connection_lease l
                         where l.domain = d.domain and l.leased_until > now()), 0) as connections_left
    from destination d
    where d.domain in (select due.domain from due) and is_restricted(d)
    order by d.domain
    for update of d
),
-- placed: when each row may go. Null is now; otherwise the row is to be parked until then.
ranked as (
    select due.*, l.min_interval, l.paused_until, l.connections, l.first_permit_at, l.left_today, l.connections_left,
           l.is_probed,
           row_number() over (partition by due.domain, due.rate_counted
                              order by due.priority, due.due_at, due.message_id) as permit_no,
           row_number() over (partition by due.domain
                              -- A mail that failed already is no good probe.
                              order by l.is_probed and due.attempt > 1, due.priority, due.rate_counted desc,
                                       due.due_at, due.message_id)
             as connection_no,
           -- A stopped relay waits for a person: resuming it frees what is parked for it.
           case when r.stopped_at is not null or r.person_paused_until = 'infinity' then now() + interval '1 minute'
                else greatest(r.paused_until, r.person_paused_until) end as relay_until
    from due
    left join limited l on l.domain = due.domain
    -- Mail bound to a relay that this worker does not have is no matter of waiting.
    left join relay r on r.name = due.bound_relay and r.name = any(:relays::text[])
        and (r.paused_until > now() or r.person_paused_until > now() or r.stopped_at is not null)
), permitted as (
    select ranked.*,
           case when rate_counted or min_interval is null then now()
                else first_permit_at + (permit_no - 1) * min_interval end as permit_at,
           utc_tomorrow() as tomorrow,
           min_interval is not null or left_today is not null as is_metered
    from ranked
), placed as (
    select permitted.*,
           case when relay_until is not null then relay_until
                when paused_until > now() then paused_until
                when not rate_counted and left_today is not null and permit_no > left_today then tomorrow
                when not rate_counted and permit_at >= tomorrow then tomorrow
                when permit_at > now() then permit_at
                when is_probed and connection_no > connections_left then now() + interval '2 seconds'
                -- Over the destination's connections: look again when a quarter of a second for each mail before it
                -- would have passed. A guess too short costs an update, one too long leaves connections idle.
                when connections is not null and connection_no > connections_left
                    then now() + ceil((connection_no - greatest(connections_left, 0)) / connections::numeric)::integer
                         * interval '250 milliseconds'
           end as park_until,
           relay_until is null and coalesce(paused_until <= now(), true) and not rate_counted
             and (left_today is null or permit_no <= left_today) and permit_at < tomorrow and is_metered as is_counted
    from permitted
), loaded as (
    select placed.*, m.*, coalesce(m.content_size >= :large::bigint, false) as is_large
    from placed
    left join lateral (
        select m.id as found_id, m.source_type, m.campaign_id, m.template_version_id, m.sender_version_id, m.mail_date,
               m.recipient, m.recipient_name, g.merge_data || m.merge_data as merge_data, g.subject as own_subject,
               m.content_sha256, m.tracked, m.token_key_id, m.composer_version, k.size as content_size
        from message m
        left join mailing g on g.id = m.mailing_id
        left join content k on k.sha256 = m.content_sha256
        where m.customer_id = placed.customer_id and m.id = placed.message_id and placed.park_until is null
        limit 1  -- by its key, whatever the planner thinks of the batch
    ) m on true
), fitting as (
    select loaded.*, park_until is null
             and (not is_large or count(*) filter (where is_large) over in_order <= :large_room::integer) as fits
    from loaded
    window in_order as (order by priority, lane_id, scheduled desc, due_at, message_id, recipient_no)
), numbered as (
    select fitting.*, count(*) filter (where fits) over in_order as position,
           fits and count(*) filter (where fits) over in_order <= :max_leased::integer as is_leased
    from fitting
    window in_order as (order by priority, lane_id, scheduled desc, due_at, message_id, recipient_no)
),
-- chosen: what this claim leases and parks; the rest of the scanned rows stay as they are.
chosen as materialized (
    -- Where a row of a limited domain is left for the next claim, those behind it get no permit before it.
    select n.*
    from (select numbered.*, bool_or(park_until is null and not is_leased) over (partition by domain) as some_left
          from numbered) n
    where n.is_leased or (n.park_until is not null and not (n.some_left and n.is_counted))
), permits_used as (
    update destination d
    set next_permit_at = coalesce(p.last_permit_at + d.min_interval, d.next_permit_at),
        day = utc_today(), day_count = p.counted + sent_today(d.day, d.day_count)
    from (select domain, count(*) as counted, max(permit_at) filter (where min_interval is not null) as last_permit_at
          from chosen where is_counted group by domain) p
    where d.domain = p.domain
), connections_leased as (
    insert into domain_connection_lease as l (domain, worker, connections, leased_until)
    select domain, :worker::uuid, count(*), now() + :lease::interval
    from chosen where connections is not null and park_until is null
    group by domain order by domain
    on conflict (domain, worker) do update
    set connections = excluded.connections + case when l.leased_until > now() then l.connections else 0 end,
        leased_until = excluded.leased_until
)
-- leased: one update of the chosen rows, parked ones included.
update outbox o
set lease_owner = case when p.park_until is null then :owner::uuid end,
    lease_until = case when p.park_until is null then now() + :lease::interval end,
    handed_off_at = case
        -- Scalar subqueries, not EXISTS: looked up by key for each row, never a table read whole into a hash.
        when :hand_off::boolean and p.park_until is null and o.bound_relay is null and o.expires_at > now()
             and o.lane_id in (select unpaused_lanes.id from unpaused_lanes)
             and not p.is_large
             and (select true from suppression s
                  where s.address_key = o.address_key
                    and (s.scope = 'ALL_MAIL' or o.opt_out_kind is not null)) is null
             and (o.opt_out_kind is null or coalesce(
                 (select true from opt_out x where x.customer_id = o.customer_id and x.kind = o.opt_out_kind),
                 (select true from address_opt_out x where x.address_key = o.address_key and x.kind = o.opt_out_kind)
             ) is null)
            then now() end,
    due_at = coalesce(p.park_until, o.due_at),
    scheduled = o.scheduled or p.park_until is not null,
    rate_counted = o.rate_counted or p.is_counted
from chosen p
where o.ctid = p.location  -- locked, so it stays there
returning o.customer_id, o.message_id, o.recipient_no, o.attempt, o.lane_id, o.address, o.domain, o.bound_relay,
          p.position, p.connections is not null as capped, p.park_until is null as leased,
          o.handed_off_at is not null as handed_off, p.is_large as large, p.found_id is not null as found, p.source_type,
          p.campaign_id, p.template_version_id, p.sender_version_id, p.mail_date, p.recipient, p.recipient_name,
          p.merge_data, p.own_subject, p.content_sha256, p.tracked, p.token_key_id, p.composer_version;

-- name: seconds_to_next_due$
-- Seconds until the next row of an unpaused lane is due; null when nothing waits.
select extract(epoch from min(o.due_at) - now())::float8
from claimable_lane l
cross join lateral (
    select b.due_at from outbox b
    where b.lane_id = l.id and b.scheduled = l.scheduled and b.lease_owner is null
    order by b.due_at, b.message_id limit 1
) o;

-- name: hand_off
-- Marks as handed off every requested row that is still leased to its owner, in time, in an unpaused lane, and neither
-- suppressed nor opted out. Returns each row that is still leased with GO or with why not. Lanes are locked in share,
-- so that a pause that has returned is exact.
-- status: QUEUED, DEFERRED -> HANDED_OFF
with requested as materialized (
    select * from rows from (json_to_recordset(:rows::json) as (
        customer_id bigint, message_id uuid, recipient_no smallint, attempt smallint, owner uuid))
        with ordinality as t(customer_id, message_id, recipient_no, attempt, owner, n)
), unpaused_lanes as materialized (
    select lane.id from lane
    where lane.id = any(:lane_ids::integer[]) and lane.paused_at is null
    order by lane.id
    for share
), leased as materialized (
    select r.n, o.customer_id, o.message_id, o.recipient_no,
           case when l.id is null then 'PAUSED'
                when o.expires_at <= now() then 'EXPIRED'
                when exists (select from suppression s
                             where s.address_key = o.address_key
                               and (s.scope = 'ALL_MAIL' or o.opt_out_kind is not null)) then 'SUPPRESSED'
                when o.opt_out_kind is not null and (
                    exists (select from opt_out x where x.customer_id = o.customer_id and x.kind = o.opt_out_kind)
                    or exists (select from address_opt_out x
                               where x.address_key = o.address_key and x.kind = o.opt_out_kind)) then 'OPTED_OUT'
                when exists (select from destination d
                             where d.domain = o.domain
                               and (d.paused_until > now() or d.person_paused_until > now()
                                    or d.stopped_at is not null)) then 'PAUSED'
                else 'GO' end as answer
    from requested r
    join outbox o on o.customer_id = r.customer_id and o.message_id = r.message_id
        and o.recipient_no = r.recipient_no
    left join unpaused_lanes l on l.id = o.lane_id
    where o.attempt = r.attempt and o.lease_owner = r.owner and o.handed_off_at is null
      and o.lease_until > clock_timestamp()
    for update of o
), handed_off as (
    update outbox o set handed_off_at = now()
    from leased l
    where l.answer = 'GO' and o.customer_id = l.customer_id and o.message_id = l.message_id
      and o.recipient_no = l.recipient_no
)
select leased.n, leased.answer from leased;

-- name: give_back
-- Returns rows to the queue whose mail is known not to have been sent; :waits puts some off, null keeps their time.
-- Fenced by recipient, attempt and owner.
-- status: HANDED_OFF -> QUEUED, DEFERRED
with requested as materialized (
    select * from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[],
                         :attempts::smallint[], :owners::uuid[], :waits::interval[])
        as t(customer_id, message_id, recipient_no, attempt, owner, wait)
)
update outbox o
set lease_owner = null, lease_until = null, handed_off_at = null,
    due_at = coalesce(now() + r.wait, o.due_at),
    scheduled = o.scheduled or r.wait is not null
from requested r
where o.customer_id = r.customer_id and o.message_id = r.message_id and o.recipient_no = r.recipient_no
  and o.attempt = r.attempt and o.lease_owner = r.owner
returning o.customer_id, o.message_id;

-- name: give_back_claim
-- Returns to the queue every row of a claim whose result never arrived: no worker has them, so nothing was sent.
-- status: HANDED_OFF -> QUEUED, DEFERRED
update outbox o
set lease_owner = null, lease_until = null, handed_off_at = null
where o.lease_owner = :owner::uuid
returning o.customer_id, o.message_id;

-- name: extend_leases!
-- Extends the leases of rows in work; an expired lease stays expired.
update outbox o
set lease_until = now() + :lease::interval
from (select * from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[], :owners::uuid[])
          as t(customer_id, message_id, recipient_no, owner)) a
where o.customer_id = a.customer_id and o.message_id = a.message_id and o.recipient_no = a.recipient_no
  and o.lease_owner = a.owner and o.lease_until > now();

-- name: begin_scan$
-- Returns true when no worker has scanned the outbox within :every: the scan is the caller's then. Otherwise nothing.
update outbox_scan set scanned_at = now() where scanned_at <= now() - :every::interval returning true;

-- name: may_read_all$
-- Until this transaction ends, a table may be read from one end to the other.
select set_config('enable_seqscan', 'on', true);

-- name: passed
-- What is to be settled, in any lane, found in one pass: leases that ran out before and after the hand-off, and rows
-- without a lease past their deadline.
select o.customer_id, o.message_id, o.recipient_no,
       case when o.lease_owner is null then 'EXPIRED'
            when o.handed_off_at is null then 'UNSENT'
            else 'UNCERTAIN' end as what
from outbox o
where o.lease_until < now() or (o.lease_owner is null and o.expires_at <= now())
limit :limit::integer;

-- name: recover_unsent
-- Returns to the queue what a lost worker had leased and not handed off: nothing of it was sent.
with lost as materialized (
    select o.customer_id, o.message_id, o.recipient_no, o.attempt
    from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[])
        as a(customer_id, message_id, recipient_no)
    join outbox o on o.customer_id = a.customer_id and o.message_id = a.message_id
        and o.recipient_no = a.recipient_no
    where o.lease_until < now() and o.handed_off_at is null
    order by o.customer_id, o.message_id, o.recipient_no
    for update of o skip locked
), returned as (
    update outbox o set lease_owner = null, lease_until = null
    from lost
    where o.customer_id = lost.customer_id and o.message_id = lost.message_id and o.recipient_no = lost.recipient_no
    returning o.customer_id, o.message_id, o.recipient_no, o.attempt
)
insert into event (customer_id, message_id, recipient_no, kind, actor, data)
select returned.customer_id, returned.message_id, returned.recipient_no, 'RESCUED', 'gateway',
       jsonb_build_object('attempt', returned.attempt)
from returned
returning customer_id;

-- name: recover_handed_off
-- What a lost worker had handed off may or may not have been sent: UNCERTAIN, for evidence or a person to settle; or,
-- where the deployment chose it, sent once more after :wait.
-- status: HANDED_OFF -> UNCERTAIN, DEFERRED
with lost as materialized (
    select o.customer_id, o.message_id, o.recipient_no, o.attempt, o.lease_owner, o.handed_off_at,
           o.retry_once and now() + :wait::interval < o.expires_at as retried
    from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[])
        as a(customer_id, message_id, recipient_no)
    join outbox o on o.customer_id = a.customer_id and o.message_id = a.message_id
        and o.recipient_no = a.recipient_no
    where o.lease_until < now() and o.handed_off_at is not null
    order by o.customer_id, o.message_id, o.recipient_no
    for update of o skip locked
), decided as (
    delete from outbox o using lost
    where o.customer_id = lost.customer_id and o.message_id = lost.message_id and o.recipient_no = lost.recipient_no
      and not lost.retried
    returning o.customer_id, o.message_id, o.recipient_no
), retried as (
    update outbox o
    set attempt = o.attempt + 1, due_at = now() + :wait::interval, scheduled = true, rate_counted = false,
        retry_once = false, lease_owner = null, lease_until = null, handed_off_at = null
    from lost
    where o.customer_id = lost.customer_id and o.message_id = lost.message_id and o.recipient_no = lost.recipient_no
      and lost.retried
), messages as (
    update message m set status = 'UNCERTAIN', decided_at = now(), cause = 'CONNECTION_LOST', advice = :advice::text
    from decided d
    where d.recipient_no = 0 and m.customer_id = d.customer_id and m.id = d.message_id
      and m.status = 'QUEUED'
    returning m.mailing_id
), copies as (
    update copy c set status = 'UNCERTAIN', decided_at = now(), cause = 'CONNECTION_LOST', advice = :advice::text
    from decided d
    where d.recipient_no > 0 and c.customer_id = d.customer_id and c.message_id = d.message_id
      and c.recipient_no = d.recipient_no and c.status = 'QUEUED'
), tallied as (
    insert into mailing_tally (mailing_id, shard, uncertain)
    select mailing_id, :shard::smallint, count(*) from messages where mailing_id is not null
    group by mailing_id order by mailing_id
    on conflict (mailing_id, shard) do update set uncertain = mailing_tally.uncertain + excluded.uncertain
), events as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select lost.customer_id, lost.message_id, lost.recipient_no, 'UNCERTAIN'::event_kind, 'gateway',
           jsonb_build_object('attempt', lost.attempt, 'handedOffAt', lost.handed_off_at, 'owner', lost.lease_owner)
    from lost
    union all
    select lost.customer_id, lost.message_id, lost.recipient_no, 'RETRIED_ONCE'::event_kind, 'gateway',
           jsonb_build_object('attempt', lost.attempt)
    from lost where lost.retried
), noted as (
    -- What is decided is noted by the trigger of `message`.
    insert into message_change (customer_ids, message_ids)
    select array_agg(lost.customer_id), array_agg(lost.message_id) from lost where lost.retried having count(*) > 0
)
select lost.customer_id, lost.message_id from lost;

-- name: lock_rows_of_message!
-- Locks what of a message is in the queue, before the message, like all that decides what is in it.
select from outbox o
where o.customer_id = :customer_id and o.message_id = :message_id order by o.recipient_no for update;

-- name: lock_rows_of_messages!
-- The same of many messages, in the order of their keys.
select from outbox o
where (o.customer_id, o.message_id) in (select t.customer_id, t.message_id
                                        from unnest(:customer_ids::bigint[], :message_ids::uuid[])
                                            as t(customer_id, message_id))
order by o.customer_id, o.message_id, o.recipient_no for update;

-- name: decide_unsent
-- Decides rows that will not be sent (HELD, EXPIRED, CANCELLED), with an event each. An owner decides its own rows, of
-- which it knows that nothing was sent; null takes unleased and leased rows alike, as a person's cancel does, but none
-- that was handed off. Returns the rows it decided.
-- status: QUEUED, DEFERRED -> HELD, CANCELLED, EXPIRED
-- status: HANDED_OFF -> HELD
with requested as materialized (
    select * from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[], :owners::uuid[],
                         :statuses::email_status[], :causes::cause[], :advices::text[])
        as t(customer_id, message_id, recipient_no, owner, status, cause, advice)
), decided as (
    delete from outbox o using requested r
    where o.customer_id = r.customer_id and o.message_id = r.message_id and o.recipient_no = r.recipient_no
      and case when r.owner is null then o.handed_off_at is null else o.lease_owner = r.owner end
    returning r.customer_id, r.message_id, r.recipient_no, r.status, r.cause, r.advice, o.attempt
), messages as (
    update message m set status = d.status, decided_at = now(), cause = d.cause, advice = d.advice
    from decided d
    where d.recipient_no = 0 and m.customer_id = d.customer_id and m.id = d.message_id
      and m.status = 'QUEUED'
    returning m.mailing_id, m.status
), copies as (
    update copy c set status = d.status, decided_at = now(), cause = d.cause, advice = d.advice
    from decided d
    where d.recipient_no > 0 and c.customer_id = d.customer_id and c.message_id = d.message_id
      and c.recipient_no = d.recipient_no and c.status = 'QUEUED'
), events as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select d.customer_id, d.message_id, d.recipient_no, d.status::text::event_kind, :actor::text,
           jsonb_build_object('cause', d.cause, 'attempt', d.attempt)
    from decided d
), tallied as (
    insert into mailing_tally (mailing_id, shard, held, expired, cancelled)
    select mailing_id, :shard::smallint, count(*) filter (where status = 'HELD'),
           count(*) filter (where status = 'EXPIRED'), count(*) filter (where status = 'CANCELLED')
    from messages where mailing_id is not null
    group by mailing_id order by mailing_id
    on conflict (mailing_id, shard) do update
    set held = mailing_tally.held + excluded.held, expired = mailing_tally.expired + excluded.expired,
        cancelled = mailing_tally.cancelled + excluded.cancelled
)
select decided.customer_id, decided.message_id, decided.recipient_no from decided;

-- name: insert_outbox!
-- Queues recipients of one message in the lane of this name; a missing lane is an error, not a mail that waits for
-- ever.
insert into outbox (customer_id, message_id, recipient_no, lane_id, address, address_key, domain, expires_at,
                    bound_relay, attempt, retry_once)
select :customer_id, :message_id, t.recipient_no, (select lane.id from lane where lane.name = :lane), t.address,
       t.address_key, t.domain, :expires_at, :bound_relay, t.attempt, :retry_once
from unnest(:recipient_nos::smallint[], :addresses::text[], :address_keys::bytea[], :domains::text[],
            :attempts::smallint[]) as t(recipient_no, address, address_key, domain, attempt);

-- name: release_parked$
-- Makes parked mail due now: what waits for a pause or a limit of a destination, or for the pause of the only relay it
-- may leave by. :rate_counted: also what has a permit under a limit, which is counted anew. What a server put off keeps
-- its time, unless that is the end of the pause, :paused_until. Returns how many, at most :limit.
with parked as materialized (
    select o.customer_id, o.message_id, o.recipient_no, o.rate_counted
    from outbox o
    where (o.domain = :domain or o.bound_relay = :relay) and o.lease_owner is null and o.scheduled and o.due_at > now()
      and case when o.rate_counted then :rate_counted::boolean
               else o.attempt = 1 or o.due_at = :paused_until::timestamptz end
    limit :limit::integer
    for update skip locked
), released as (
    update outbox o set due_at = now(), rate_counted = false
    from parked p
    where o.customer_id = p.customer_id and o.message_id = p.message_id and o.recipient_no = p.recipient_no
), permits_returned as (
    update destination d set day_count = greatest(0, d.day_count - p.rate_counted)
    from (select count(*) filter (where parked.rate_counted) as rate_counted from parked) p
    where d.domain = :domain and d.day = utc_today() and p.rate_counted > 0
)
select count(*) from parked;

-- name: vacuum_outbox!
-- Removes the dead rows at the head of the queue: autovacuum_naptime is a setting of the whole server, not ours to set.
vacuum (skip_locked, truncate off) outbox;

-- name: requeue!
-- Queues recipients of decided messages again, by a person's decision, with a new deadline: each in its mailing's lane,
-- else in the lane of its name. A missing lane is an error.
insert into outbox (customer_id, message_id, recipient_no, lane_id, address, address_key, domain, attempt, expires_at,
                    opt_out_kind, bound_relay)
select t.customer_id, t.message_id, t.recipient_no,
       (select lane.id from lane
        where lane.mailing_id = t.mailing_id or (t.mailing_id is null and lane.name = t.lane)),
       t.address, t.address_key, t.domain, t.attempt, now() + t.deadline, t.opt_out_kind::opt_out_kind, t.bound_relay
from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[], :lanes::text[],
            :mailing_ids::integer[], :addresses::text[], :address_keys::bytea[], :domains::text[],
            :attempts::smallint[], :deadlines::interval[], :opt_out_kinds::text[], :bound_relays::text[])
    as t(customer_id, message_id, recipient_no, lane, mailing_id, address, address_key, domain, attempt, deadline,
         opt_out_kind, bound_relay);
