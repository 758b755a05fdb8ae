-- Pending work: claim, hand-off, give back, rescue. Every clock here is PostgreSQL's.

-- name: claim_due
-- Looks at the next :batch due rows of the unpaused lanes, sooner lanes first and appointed rows before the backlog.
-- Rows whose destination must wait are parked until then; the first :most of the others, among them :large_room of
-- :large octets or more, are leased to :owner and, where :hand_off says so, handed off in the same breath: all that
-- nothing speaks against, but for a large one, which may wait long for room, and one that only one relay may take.
-- Answers parked and leased rows (`leased` tells them apart), and of a leased one what sending needs: its message, its
-- merge data over its campaign's, its stored copy's size. `found` is false where the message is gone.
with open_lanes as (
    select l.id, l.priority, a.scheduled
    -- An empty lane costs two probes and is dropped soon: so many campaigns at once are far more than anybody has.
    from (select lane.id, lane.priority from lane
          where lane.paused_at is null
          order by lane.priority, lane.id limit 5000) l
    cross join (values (true), (false)) a(scheduled)
    order by l.priority, l.id, a.scheduled desc
), due as materialized (
    select o.customer_id, o.message_id, o.recipient_no, o.domain, o.rate_counted, o.due_at, o.bound_relay, l.id as lane_id,
           l.priority, l.scheduled, o.place
    from open_lanes l
    cross join lateral (
        select b.customer_id, b.message_id, b.recipient_no, b.domain, b.rate_counted, b.due_at, b.bound_relay, b.ctid as place
        from outbox b
        where b.lane_id = l.id and b.scheduled = l.scheduled and b.due_at <= now() and b.lease_owner is null
        order by b.due_at, b.message_id
        limit :batch::integer
        for update skip locked
    ) o
    limit :batch::integer
), kept_lanes as materialized (
    -- A pause that has returned is exact: it waits for us, or we see it. One under way is not waited for, since it may
    -- be waiting for our rows; `hand_off` has the last word then.
    select lane.id from lane
    where lane.id in (select due.lane_id from due) and lane.paused_at is null
    for share skip locked
), limited as materialized (
    select d.domain, d.min_interval, d.paused_until, d.connections,
           greatest(d.next_permit_at, now()) as first_permit_at,
           day_cap(d.per_day, d.warm_up_from, d.warm_up_start, d.warm_up_factor, (now() at time zone 'utc')::date)
             - case when d.day = (now() at time zone 'utc')::date then d.day_count else 0 end as left_today,
           d.connections - coalesce((select sum(h.held) from domain_connection_lease h
                                     where h.domain = d.domain and h.held_until > now()), 0) as left_open
    from destination d
    where d.domain in (select due.domain from due)
      and (d.min_interval is not null or d.per_day is not null or d.warm_up_from is not null or d.connections is not null
           or d.paused_until > now())
    order by d.domain
    for update of d
), ranked as (
    select due.*, l.min_interval, l.paused_until, l.connections, l.first_permit_at, l.left_today, l.left_open,
           row_number() over (partition by due.domain, due.rate_counted order by due.priority, due.due_at, due.message_id) as k,
           row_number() over (partition by due.domain order by due.priority, due.rate_counted desc, due.due_at,
                              due.message_id) as any_k,
           -- A stopped relay waits for a person: whoever resumes it frees what is parked for it.
           case when r.stopped_at is not null then now() + interval '1 minute' else r.paused_until end as relay_until
    from due
    left join limited l on l.domain = due.domain
    -- Mail bound to a relay that this worker does not have is no matter of waiting.
    left join relay r on r.name = due.bound_relay and r.name = any(:relays::text[])
        and (r.paused_until > now() or r.stopped_at is not null)
), timed as (
    select ranked.*,
           case when rate_counted or min_interval is null then now() else first_permit_at + (k - 1) * min_interval end as permit_at,
           date_trunc('day', now(), 'UTC') + interval '1 day' as tomorrow
    from ranked
), placed as (
    select timed.*,
           case when relay_until is not null then relay_until
                when paused_until > now() then paused_until
                when not rate_counted and left_today is not null and k > left_today then tomorrow
                when not rate_counted and permit_at >= tomorrow then tomorrow
                when permit_at > now() then permit_at
                -- Over the destination's connections: look again when a quarter of a second for each mail before it
                -- would have passed. A guess too short costs an update, one too long leaves connections idle.
                when connections is not null and any_k > left_open
                    then now() + ceil((any_k - greatest(left_open, 0)) / connections::numeric)::integer
                         * interval '250 milliseconds'
           end as park_until,
           relay_until is null and coalesce(paused_until <= now(), true) and not rate_counted
             and (left_today is null or k <= left_today) and permit_at < tomorrow and domain_is_metered as pays
    from (select timed.*, min_interval is not null or left_today is not null as domain_is_metered from timed) timed
), loaded as (
    select placed.*, m.*, coalesce(m.content_size >= :large::bigint, false) as is_large
    from placed
    left join lateral (
        select m.id as found_id, m.source_type, m.campaign_id, m.template_version_id, m.sender_version_id, m.mail_date,
               m.recipient, m.recipient_name, c.merge_data || m.merge_data as merge_data, m.content_sha256, m.tracked,
               m.token_key_id, m.composer_version, k.size as content_size
        from message m
        left join campaign c on c.id = m.campaign_id
        left join content k on k.sha256 = m.content_sha256
        where m.customer_id = placed.customer_id and m.id = placed.message_id and placed.park_until is null
        limit 1  -- by its key, whatever the planner thinks of the batch
    ) m on true
), counted as (
    select loaded.*, park_until is null
             and (not is_large or count(*) filter (where is_large) over in_order <= :large_room::integer) as fits
    from loaded
    window in_order as (order by priority, lane_id, scheduled desc, due_at, message_id, recipient_no)
), taken as (
    select counted.*, count(*) filter (where fits) over in_order as turn,
           fits and count(*) filter (where fits) over in_order <= :limit::integer as is_taken
    from counted
    window in_order as (order by priority, lane_id, scheduled desc, due_at, message_id, recipient_no)
), chosen as materialized (
    -- Where a row of a limited domain is left for the next claim, those behind it get no permit before it.
    select t.*
    from (select taken.*, bool_or(park_until is null and not is_taken) over (partition by domain) as some_left
          from taken) t
    where t.is_taken or (t.park_until is not null and not (t.some_left and t.pays))
), spent as (
    update destination d
    set next_permit_at = coalesce(p.last_permit_at + d.min_interval, d.next_permit_at),
        day = (now() at time zone 'utc')::date,
        day_count = p.paying + case when d.day = (now() at time zone 'utc')::date then d.day_count else 0 end
    from (select domain, count(*) as paying, max(permit_at) filter (where min_interval is not null) as last_permit_at
          from chosen where pays group by domain) p
    where d.domain = p.domain
), held as (
    insert into domain_connection_lease (domain, worker, held, held_until)
    select domain, :worker::uuid, count(*), now() + :lease::interval
    from chosen where connections is not null and park_until is null
    group by domain order by domain
    on conflict (domain, worker) do update
    set held = excluded.held + case when domain_connection_lease.held_until > now() then domain_connection_lease.held else 0 end,
        held_until = excluded.held_until
)
update outbox o
set lease_owner = case when p.park_until is null then :owner::uuid end,
    lease_until = case when p.park_until is null then now() + :lease::interval end,
    handed_off_at = case
        -- Scalar subqueries, not EXISTS: looked up by key for each row, never a table read whole into a hash.
        when :hand_off::boolean and p.park_until is null and o.bound_relay is null and o.expires_at > now()
             and o.lane_id in (select kept_lanes.id from kept_lanes)
             and not p.is_large
             and (select true from suppression s where s.address_key = o.address_key) is null
             and (o.opt_out_kind is null or coalesce(
                 (select true from opt_out x where x.customer_id = o.customer_id and x.kind = o.opt_out_kind),
                 (select true from address_opt_out x where x.address_key = o.address_key and x.kind = o.opt_out_kind)
             ) is null)
            then now() end,
    due_at = coalesce(p.park_until, o.due_at),
    scheduled = o.scheduled or p.park_until is not null,
    rate_counted = o.rate_counted or p.pays
from chosen p
where o.ctid = p.place  -- locked, so it stays there
returning o.customer_id, o.message_id, o.recipient_no, o.attempt, o.lane_id, o.address, o.domain, o.bound_relay,
          p.turn, p.connections is not null as capped, p.park_until is null as leased,
          o.handed_off_at is not null as handed_off, p.is_large, p.found_id is not null as found, p.source_type,
          p.campaign_id, p.template_version_id, p.sender_version_id, p.mail_date, p.recipient, p.recipient_name,
          p.merge_data, p.content_sha256, p.tracked, p.token_key_id,
          p.composer_version;

-- name: seconds_to_next_due$
-- How long until the next row of an unpaused lane falls due; null when nothing waits.
select extract(epoch from min(o.due_at) - now())::float8
from (select id from lane where paused_at is null order by priority, id limit 5000) l
cross join (values (true), (false)) a(scheduled)
cross join lateral (
    select b.due_at from outbox b
    where b.lane_id = l.id and b.scheduled = a.scheduled and b.lease_owner is null
    order by b.due_at, b.message_id limit 1
) o;

-- name: hand_off
-- Marks as handed off every asked row that is still ours, in time, in an unpaused lane and welcome; answers each row
-- that is still ours with GO or with why not. Lanes are locked in share, so that a pause that has returned is exact.
with asked as materialized (
    select * from rows from (json_to_recordset(:rows::json) as (
        customer_id bigint, message_id uuid, recipient_no smallint, attempt smallint, owner uuid))
        with ordinality as t(customer_id, message_id, recipient_no, attempt, owner, n)
), open_lanes as materialized (
    select lane.id from lane
    where lane.id = any(:lane_ids::integer[]) and lane.paused_at is null
    order by lane.id
    for share
), mine as materialized (
    select a.n, o.customer_id, o.message_id, o.recipient_no,
           case when l.id is null then 'PAUSED'
                when o.expires_at <= now() then 'EXPIRED'
                when exists (select from suppression s where s.address_key = o.address_key) then 'SUPPRESSED'
                when o.opt_out_kind is not null and (
                    exists (select from opt_out x where x.customer_id = o.customer_id and x.kind = o.opt_out_kind)
                    or exists (select from address_opt_out x
                               where x.address_key = o.address_key and x.kind = o.opt_out_kind)) then 'OPTED_OUT'
                when exists (select from destination d
                             where d.domain = o.domain and d.paused_until > now()) then 'PAUSED'
                else 'GO' end as answer
    from asked a
    join outbox o on o.customer_id = a.customer_id and o.message_id = a.message_id
        and o.recipient_no = a.recipient_no
    left join open_lanes l on l.id = o.lane_id
    where o.attempt = a.attempt and o.lease_owner = a.owner and o.handed_off_at is null
      and o.lease_until > clock_timestamp()
    for update of o
), handed as (
    update outbox o set handed_off_at = now()
    from mine m
    where m.answer = 'GO' and o.customer_id = m.customer_id and o.message_id = m.message_id
      and o.recipient_no = m.recipient_no
)
select mine.n, mine.answer from mine;

-- name: give_back
-- Returns rows whose mail is known not to have been sent; :waits puts some off, null keeps their time. Fenced.
with asked as materialized (
    select * from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[],
                         :attempts::smallint[], :owners::uuid[], :waits::interval[])
        as t(customer_id, message_id, recipient_no, attempt, owner, wait)
)
update outbox o
set lease_owner = null, lease_until = null, handed_off_at = null,
    due_at = coalesce(now() + a.wait, o.due_at),
    scheduled = o.scheduled or a.wait is not null
from asked a
where o.customer_id = a.customer_id and o.message_id = a.message_id and o.recipient_no = a.recipient_no
  and o.attempt = a.attempt and o.lease_owner = a.owner
returning o.customer_id, o.message_id;

-- name: give_back_claim
-- Returns every row of a claim whose answer was never heard: nobody has them, so nothing of them was sent.
update outbox o
set lease_owner = null, lease_until = null, handed_off_at = null
where o.lease_owner = :owner::uuid
returning o.customer_id, o.message_id;

-- name: extend_leases!
-- Keeps the leases of claims that are still being worked on; an expired lease stays expired.
update outbox o
set lease_until = now() + :lease::interval
from (select * from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[], :owners::uuid[])
          as t(customer_id, message_id, recipient_no, owner)) a
where o.customer_id = a.customer_id and o.message_id = a.message_id and o.recipient_no = a.recipient_no
  and o.lease_owner = a.owner and o.lease_until > now();

-- name: begin_scan$
-- The caller is to look through the outbox now, since nobody has for so long; else answers nothing.
update outbox_scan set scanned_at = now() where scanned_at <= now() - :every::interval returning true;

-- name: may_read_all$
-- Until this transaction ends, a table may be read from one end to the other.
select set_config('enable_seqscan', 'on', true);

-- name: passed
-- What is to be settled, wherever it waits, found in one pass: leases that ended before and after the hand-off, and
-- deadlines of what nobody has.
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
), freed as (
    update outbox o set lease_owner = null, lease_until = null
    from lost
    where o.customer_id = lost.customer_id and o.message_id = lost.message_id and o.recipient_no = lost.recipient_no
    returning o.customer_id, o.message_id, o.recipient_no, o.attempt
)
insert into event (customer_id, message_id, recipient_no, kind, actor, data)
select freed.customer_id, freed.message_id, freed.recipient_no, 'RESCUED', 'gateway',
       jsonb_build_object('attempt', freed.attempt)
from freed
returning customer_id;

-- name: recover_handed_off
-- What a lost worker had handed off may or may not have been sent: UNCERTAIN, for evidence or a person to settle; or,
-- where the deployment chose it, tried once more after :wait.
with lost as materialized (
    select o.customer_id, o.message_id, o.recipient_no, o.attempt, o.lease_owner, o.handed_off_at,
           o.retry_once and now() + :wait::interval < o.expires_at as again
    from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[])
        as a(customer_id, message_id, recipient_no)
    join outbox o on o.customer_id = a.customer_id and o.message_id = a.message_id
        and o.recipient_no = a.recipient_no
    where o.lease_until < now() and o.handed_off_at is not null
    order by o.customer_id, o.message_id, o.recipient_no
    for update of o skip locked
), gone as (
    delete from outbox o using lost
    where o.customer_id = lost.customer_id and o.message_id = lost.message_id and o.recipient_no = lost.recipient_no
      and not lost.again
    returning o.customer_id, o.message_id, o.recipient_no
), again as (
    update outbox o
    set attempt = o.attempt + 1, due_at = now() + :wait::interval, scheduled = true, rate_counted = false, retry_once = false,
        lease_owner = null, lease_until = null, handed_off_at = null
    from lost
    where o.customer_id = lost.customer_id and o.message_id = lost.message_id and o.recipient_no = lost.recipient_no
      and lost.again
), unsure as (
    update message m set status = 'UNCERTAIN', decided_at = now(), cause = 'CONNECTION_LOST', advice = :advice::text
    from gone
    where gone.recipient_no = 0 and m.customer_id = gone.customer_id and m.id = gone.message_id
      and m.status = 'QUEUED'
    returning m.campaign_id
), unsure_copies as (
    update copy c set status = 'UNCERTAIN', decided_at = now(), cause = 'CONNECTION_LOST', advice = :advice::text
    from gone
    where gone.recipient_no > 0 and c.customer_id = gone.customer_id and c.message_id = gone.message_id
      and c.recipient_no = gone.recipient_no and c.status = 'QUEUED'
), tallied as (
    insert into campaign_tally (campaign_id, shard, uncertain)
    select campaign_id, :shard::smallint, count(*) from unsure where campaign_id is not null
    group by campaign_id order by campaign_id
    on conflict (campaign_id, shard) do update set uncertain = campaign_tally.uncertain + excluded.uncertain
), told as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select lost.customer_id, lost.message_id, lost.recipient_no, 'UNCERTAIN'::event_kind, 'gateway',
           jsonb_build_object('attempt', lost.attempt, 'handedOffAt', lost.handed_off_at, 'owner', lost.lease_owner)
    from lost
    union all
    select lost.customer_id, lost.message_id, lost.recipient_no, 'RETRIED_ONCE'::event_kind, 'gateway',
           jsonb_build_object('attempt', lost.attempt)
    from lost where lost.again
)
select lost.customer_id, lost.message_id from lost;

-- name: decide_unsent
-- Decides rows that will not be sent (HELD, EXPIRED, CANCELLED), with an event each. An owner decides its own, of which
-- it knows that nothing was sent; null takes unleased and leased rows alike, as a person's cancel does, but none that
-- was handed off. Answers the rows it decided.
with asked as materialized (
    select * from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[], :owners::uuid[],
                         :statuses::email_status[], :causes::cause[], :advices::text[])
        as t(customer_id, message_id, recipient_no, owner, status, cause, advice)
), gone as (
    delete from outbox o using asked a
    where o.customer_id = a.customer_id and o.message_id = a.message_id and o.recipient_no = a.recipient_no
      and case when a.owner is null then o.handed_off_at is null else o.lease_owner = a.owner end
    returning a.customer_id, a.message_id, a.recipient_no, a.status, a.cause, a.advice, o.attempt
), decided as (
    update message m set status = gone.status, decided_at = now(), cause = gone.cause, advice = gone.advice
    from gone
    where gone.recipient_no = 0 and m.customer_id = gone.customer_id and m.id = gone.message_id
      and m.status = 'QUEUED'
    returning m.campaign_id, m.status
), decided_copies as (
    update copy c set status = gone.status, decided_at = now(), cause = gone.cause, advice = gone.advice
    from gone
    where gone.recipient_no > 0 and c.customer_id = gone.customer_id and c.message_id = gone.message_id
      and c.recipient_no = gone.recipient_no and c.status = 'QUEUED'
), told as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select gone.customer_id, gone.message_id, gone.recipient_no, gone.status::text::event_kind, :actor::text,
           jsonb_build_object('cause', gone.cause, 'attempt', gone.attempt)
    from gone
), tallied as (
    insert into campaign_tally (campaign_id, shard, held, expired, cancelled)
    select campaign_id, :shard::smallint, count(*) filter (where status = 'HELD'),
           count(*) filter (where status = 'EXPIRED'), count(*) filter (where status = 'CANCELLED')
    from decided where campaign_id is not null
    group by campaign_id order by campaign_id
    on conflict (campaign_id, shard) do update
    set held = campaign_tally.held + excluded.held, expired = campaign_tally.expired + excluded.expired,
        cancelled = campaign_tally.cancelled + excluded.cancelled
)
select gone.customer_id, gone.message_id, gone.recipient_no from gone;

-- name: insert_outbox!
-- Queues recipients of one message in the lane of that name; no lane is an error, not a mail that waits for ever.
insert into outbox (customer_id, message_id, recipient_no, lane_id, address, address_key, domain, expires_at,
                    bound_relay, attempt, retry_once)
select :customer_id, :message_id, t.recipient_no, (select lane.id from lane where lane.name = :lane), t.address,
       t.address_key, t.domain, :expires_at, :bound_relay, t.attempt, :retry_once
from unnest(:recipient_nos::smallint[], :addresses::text[], :address_keys::bytea[], :domains::text[],
            :attempts::smallint[]) as t(recipient_no, address, address_key, domain, attempt);

-- name: release_parked$
-- Mail that waits for a pause or a limit of a destination, or for the pause of the only relay it may leave by, is due
-- now. :rate_counted: also what has a permit under a limit, and is counted anew. What a server put off keeps its time. Answers how
-- many, at most :most.
with parked as materialized (
    select o.customer_id, o.message_id, o.recipient_no, o.rate_counted
    from outbox o
    where (o.domain = :domain or o.bound_relay = :relay) and o.lease_owner is null and o.scheduled and o.due_at > now()
      and case when o.rate_counted then :rate_counted::boolean else o.attempt = 1 end
    limit :limit::integer
    for update skip locked
), freed as (
    update outbox o set due_at = now(), rate_counted = false
    from parked p
    where o.customer_id = p.customer_id and o.message_id = p.message_id and o.recipient_no = p.recipient_no
), unspent as (
    update destination d set day_count = greatest(0, d.day_count - p.rate_counted)
    from (select count(*) filter (where parked.rate_counted) as rate_counted from parked) p
    where d.domain = :domain and d.day = (now() at time zone 'utc')::date and p.rate_counted > 0
)
select count(*) from parked;

-- name: vacuum_outbox!
-- Keeps the head of the queue short: a server-wide autovacuum_naptime is not ours to set.
vacuum (skip_locked, truncate off) outbox;

-- name: requeue!
-- Queues recipients of a decided message again, at a person's word, with a new deadline. No lane is an error.
insert into outbox (customer_id, message_id, recipient_no, lane_id, address, address_key, domain, attempt, expires_at,
                    opt_out_kind, bound_relay)
select :customer_id, :message_id, t.recipient_no,
       (select lane.id from lane
        where lane.campaign_id = :campaign_id or (:campaign_id::uuid is null and lane.name = :lane)),
       t.address, t.address_key, t.domain, t.attempt, now() + :deadline::interval, :opt_out_kind::text::opt_out_kind, :bound_relay
from unnest(:recipient_nos::smallint[], :addresses::text[], :address_keys::bytea[], :domains::text[],
            :attempts::smallint[]) as t(recipient_no, address, address_key, domain, attempt);
