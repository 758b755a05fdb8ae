-- Attempts: what became of one SMTP transaction, and what it decides.

-- name: record_outcomes
-- Writes a batch of finished attempts: the attempt, the status, the event, the suppression and the tally, in one
-- statement. Fenced by recipient, attempt and owner: a row that is no longer leased to its owner is not written. A
-- deferral past the deadline is EXPIRED; where the deployment chose it, an uncertain attempt is followed by one more,
-- once, and stays uncertain itself. What is accepted ends the runs of refusals of its relay and domain. Returns the
-- number of each outcome that was not written, hardly ever any, and of each refusal by a reply with its address.
-- status: HANDED_OFF -> ACCEPTED, REFUSED, DEFERRED, UNCERTAIN, EXPIRED
with outcome as materialized (
    select t.*, greatest(0, :now::float8 - t.ended) * interval '1 second' as age,
           t.wait_seconds * interval '1 second' as wait, decode(t.mail_sha256_hex, 'hex') as mail_sha256
    from rows from (json_to_recordset(:outcomes::json) as (
        customer_id bigint, message_id uuid, recipient_no smallint, attempt smallint, owner uuid, verdict verdict,
        cause cause, advice text, rule text, stage smtp_stage, code smallint, enhanced text, response text, relay text,
        host text, tls text, took_ms integer, mail_sha256_hex text, wait_seconds float8, suppress boolean,
        ended float8, domain text))
        with ordinality as t(customer_id, message_id, recipient_no, attempt, owner, verdict, cause, advice, rule, stage,
             code, enhanced, response, relay, host, tls, took_ms, mail_sha256_hex, wait_seconds, suppress, ended, domain,
             n)
), fenced as (
    delete from outbox o using outcome r
    where o.customer_id = r.customer_id and o.message_id = r.message_id and o.recipient_no = r.recipient_no
      and o.attempt = r.attempt and o.lease_owner = r.owner and o.handed_off_at is not null
      and not ((r.verdict = 'DEFERRED' or (r.verdict = 'UNCERTAIN' and o.retry_once))
               and now() + r.wait < o.expires_at)
    returning r.n, o.address, o.address_key, o.lane_id
), deferred as (
    update outbox o
    set attempt = o.attempt + 1, due_at = now() + r.wait, scheduled = true, rate_counted = false,
        retry_once = o.retry_once and r.verdict <> 'UNCERTAIN',
        lease_owner = null, lease_until = null, handed_off_at = null
    from outcome r
    where o.customer_id = r.customer_id and o.message_id = r.message_id and o.recipient_no = r.recipient_no
      and o.attempt = r.attempt and o.lease_owner = r.owner and o.handed_off_at is not null
      and (r.verdict = 'DEFERRED' or (r.verdict = 'UNCERTAIN' and o.retry_once)) and now() + r.wait < o.expires_at
    returning r.n, o.lane_id
), decided as materialized (
    select r.n, r.customer_id, r.message_id, r.recipient_no, r.attempt, r.verdict, r.age, r.mail_sha256, r.suppress,
           r.relay, r.domain, r.code, fenced.address, fenced.address_key,
           case when r.verdict = 'DEFERRED' then 'EXPIRED' else r.verdict::text end as status,
           case when r.verdict = 'DEFERRED' then 'DEADLINE' else r.cause end as cause,
           case when r.verdict = 'DEFERRED' then :expired_advice::text else r.advice end as advice
    from outcome r join fenced on fenced.n = r.n
), attempts as (
    insert into attempt (customer_id, message_id, recipient_no, number, verdict, cause, advice, rule, stage, code,
                         enhanced, response, relay, host, tls, started_at, took_ms)
    select r.customer_id, r.message_id, r.recipient_no, r.attempt, r.verdict, r.cause, r.advice, r.rule, r.stage,
           r.code, r.enhanced, r.response, r.relay, r.host, r.tls,
           now() - r.age - r.took_ms * interval '1 millisecond', r.took_ms
    from outcome r
    where r.n in (select n from fenced union all select n from deferred)
), messages as (
    update message m
    set status = d.status::email_status, decided_at = now(), cause = d.cause, advice = d.advice,
        sent_at = case when d.status = 'ACCEPTED' then now() - d.age else m.sent_at end,
        mail_sha256 = d.mail_sha256
    from decided d
    where d.recipient_no = 0 and m.customer_id = d.customer_id and m.id = d.message_id and m.status = 'QUEUED'
    returning m.mailing_id, m.status
), copies as (
    update copy c
    set status = d.status::email_status, decided_at = now(), cause = d.cause, advice = d.advice,
        sent_at = case when d.status = 'ACCEPTED' then now() - d.age end
    from decided d
    where d.recipient_no > 0 and c.customer_id = d.customer_id and c.message_id = d.message_id
      and c.recipient_no = d.recipient_no and c.status = 'QUEUED'
), events as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select d.customer_id, d.message_id, d.recipient_no, d.status::event_kind, 'gateway',
           jsonb_build_object('cause', d.cause, 'attempt', d.attempt)
    from decided d where d.status in ('EXPIRED', 'UNCERTAIN')
    union all
    select r.customer_id, r.message_id, r.recipient_no, k.kind, 'gateway',
           jsonb_build_object('cause', r.cause, 'attempt', r.attempt)
    from outcome r cross join (values ('UNCERTAIN'::event_kind), ('RETRIED_ONCE')) k(kind)
    where r.verdict = 'UNCERTAIN' and r.n in (select n from deferred)
), noted as (
    -- The trigger of `message` leaves that to us.
    insert into message_change (customer_ids, message_ids)
    select array_agg(r.customer_id), array_agg(r.message_id)
    from outcome r where r.n in (select n from fenced union all select n from deferred)
    having count(*) > 0
), suppressed as (
    insert into suppression (address_key, reason, actor, customer_id, message_id)
    select distinct on (d.address_key) d.address_key, 'BAD_ADDRESS'::suppression_reason, 'gateway', d.customer_id,
           d.message_id
    from decided d where d.suppress and d.status = 'REFUSED'
    order by d.address_key
    on conflict (address_key) do nothing
    returning address_key, customer_id, message_id
), suppression_events as (
    insert into event (customer_id, message_id, kind, actor, data)
    select s.customer_id, s.message_id, 'SUPPRESSED', 'gateway', jsonb_build_object('reason', 'BAD_ADDRESS')
    from suppressed s
), tallied as (
    insert into mailing_tally (mailing_id, shard, accepted, refused, uncertain, expired)
    select mailing_id, :shard::smallint, count(*) filter (where status = 'ACCEPTED'),
           count(*) filter (where status = 'REFUSED'), count(*) filter (where status = 'UNCERTAIN'),
           count(*) filter (where status = 'EXPIRED')
    from messages where mailing_id is not null
    group by mailing_id order by mailing_id
    on conflict (mailing_id, shard) do update
    set accepted = mailing_tally.accepted + excluded.accepted, refused = mailing_tally.refused + excluded.refused,
        uncertain = mailing_tally.uncertain + excluded.uncertain, expired = mailing_tally.expired + excluded.expired
), relay_tallied as (
    insert into relay_tally (relay, quarter, shard, accepted)
    select d.relay, date_bin('15 minutes', now(), timestamptz 'epoch'), :shard::smallint, count(*)
    from decided d
    where d.verdict = 'ACCEPTED'
    group by d.relay order by d.relay
    on conflict (relay, quarter, shard) do update set accepted = relay_tally.accepted + excluded.accepted
), answers_tallied as (
    insert into answer_tally (relay, lane, cause, quarter, shard, deferred, refused)
    select r.relay, case when l.mailing_id is null then l.name else 'campaigns' end, r.cause,
           date_bin('15 minutes', now(), timestamptz 'epoch'), :shard::smallint,
           count(*) filter (where r.verdict = 'DEFERRED'), count(*) filter (where r.verdict = 'REFUSED')
    from outcome r
    join (select fenced.n, fenced.lane_id from fenced
          union all select deferred.n, deferred.lane_id from deferred) w on w.n = r.n
    join lane l on l.id = w.lane_id
    where r.verdict in ('DEFERRED', 'REFUSED')
    group by 1, 2, 3 order by 1, 2, 3
    on conflict (quarter, relay, lane, cause, shard) do update
    set deferred = answer_tally.deferred + excluded.deferred, refused = answer_tally.refused + excluded.refused
), runs_ended as (
    delete from refusal_run e
    where (e.of_relay, e.place) in (
        select true, d.relay from decided d where d.verdict = 'ACCEPTED'
        union all select false, d.domain from decided d where d.verdict = 'ACCEPTED')
)
select r.n, null::text as address, null::bytea as address_key from outcome r
where r.n not in (select fenced.n from fenced union all select deferred.n from deferred)
union all
select d.n, d.address, d.address_key from decided d where d.status = 'REFUSED' and d.code >= 400;

-- name: record_accepted
-- Writes a batch of attempts that one relay accepted with the same code, as `record_outcomes` does with any batch, in
-- the same order: what they share are parameters, a row holds the rest. Returns the number of each that was not written.
-- status: HANDED_OFF -> ACCEPTED
with accepted as materialized (
    select t.customer_id, t.message_id, t.recipient_no, t.attempt, t.owner, t.response, t.took_ms,
           t.age * interval '1 second' as age, t.mail_sha256_hex, t.domain, t.n
    from rows from (json_to_recordset(:accepted::json) as (
        c bigint, m uuid, r smallint, a smallint, o uuid, w text, t integer, g float8, h text, d text))
        with ordinality as t(customer_id, message_id, recipient_no, attempt, owner, response, took_ms, age,
             mail_sha256_hex, domain, n)
), fenced as (
    delete from outbox o using accepted r
    where o.customer_id = r.customer_id and o.message_id = r.message_id and o.recipient_no = r.recipient_no
      and o.attempt = r.attempt and o.lease_owner = r.owner and o.handed_off_at is not null
    returning r.n, r.customer_id, r.message_id, r.recipient_no, r.attempt, r.response, r.took_ms, r.age,
              r.mail_sha256_hex, r.domain
), attempts as (
    insert into attempt (customer_id, message_id, recipient_no, number, verdict, rule, stage, code, enhanced, response,
                         relay, host, tls, started_at, took_ms)
    select f.customer_id, f.message_id, f.recipient_no, f.attempt, 'ACCEPTED', :rule, :stage::smtp_stage,
           :code::smallint, :enhanced, f.response, :relay, :host, :tls,
           now() - f.age - f.took_ms * interval '1 millisecond', f.took_ms
    from fenced f
), messages as (
    update message m
    set status = 'ACCEPTED', decided_at = now(), cause = null, advice = null, sent_at = now() - f.age,
        mail_sha256 = decode(f.mail_sha256_hex, 'hex')
    from fenced f
    where f.recipient_no = 0 and m.customer_id = f.customer_id and m.id = f.message_id and m.status = 'QUEUED'
    returning m.mailing_id
), copies as (
    update copy c set status = 'ACCEPTED', decided_at = now(), cause = null, advice = null, sent_at = now() - f.age
    from fenced f
    where f.recipient_no > 0 and c.customer_id = f.customer_id and c.message_id = f.message_id
      and c.recipient_no = f.recipient_no and c.status = 'QUEUED'
), noted as (
    insert into message_change (customer_ids, message_ids)
    select array_agg(f.customer_id), array_agg(f.message_id) from fenced f having count(*) > 0
), tallied as (
    insert into mailing_tally (mailing_id, shard, accepted)
    select mailing_id, :shard::smallint, count(*) from messages where mailing_id is not null
    group by mailing_id order by mailing_id
    on conflict (mailing_id, shard) do update set accepted = mailing_tally.accepted + excluded.accepted
), relay_tallied as (
    insert into relay_tally (relay, quarter, shard, accepted)
    select :relay, date_bin('15 minutes', now(), timestamptz 'epoch'), :shard::smallint, count(*)
    from fenced
    having count(*) > 0
    on conflict (relay, quarter, shard) do update set accepted = relay_tally.accepted + excluded.accepted
), runs_ended as (
    delete from refusal_run e
    where (e.of_relay, e.place) in (
        select true, :relay where exists (select from fenced)
        union all select distinct false, f.domain from fenced f)
      and exists (select from refusal_run)  -- asked once; mostly there is none
)
select a.n from accepted a where a.n not in (select f.n from fenced f);

-- name: settle_late
-- A server's response that came after its row had been given up as UNCERTAIN: evidence. Settles the message only while
-- it is still uncertain about the same attempt of the same owner; a person's decision in between stands. What is
-- uncertain since the ledger was restored has no owner in it: who made the attempt says what came of it.
-- status: UNCERTAIN -> ACCEPTED, REFUSED
with late as materialized (
    select t.*, greatest(0, :now::float8 - t.ended) * interval '1 second' as age,
           decode(t.mail_sha256_hex, 'hex') as mail_sha256
    from rows from (json_to_recordset(:outcomes::json) as (
        customer_id bigint, message_id uuid, recipient_no smallint, attempt smallint, owner uuid, verdict verdict,
        cause cause, advice text, rule text, stage smtp_stage, code smallint, enhanced text, response text, relay text,
        host text, tls text, took_ms integer, mail_sha256_hex text, ended float8))
        with ordinality as t(customer_id, message_id, recipient_no, attempt, owner, verdict, cause, advice, rule, stage,
             code, enhanced, response, relay, host, tls, took_ms, mail_sha256_hex, ended, n)
), unsettled as materialized (
    select l.* from late l
    where l.verdict in ('ACCEPTED', 'REFUSED', 'DEFERRED')
      and exists (select from event e
                  where e.customer_id = l.customer_id and e.message_id = l.message_id
                    and e.recipient_no = l.recipient_no and e.kind = 'UNCERTAIN'
                    and (e.data ->> 'owner' = l.owner::text or e.data ? 'restore')
                    and (e.data ->> 'attempt')::smallint = l.attempt
                    and not exists (select from event later
                                    where later.customer_id = e.customer_id and later.message_id = e.message_id
                                      and later.recipient_no = e.recipient_no and later.id > e.id
                                      and later.kind in ('RETRIED', 'RETRIED_ONCE')))
      and not exists (select from outbox o
                      where o.customer_id = l.customer_id and o.message_id = l.message_id
                        and o.recipient_no = l.recipient_no)
), messages as (
    update message m
    set status = case when u.verdict = 'ACCEPTED' then 'ACCEPTED' else 'REFUSED' end::email_status,
        sent_at = case when u.verdict = 'ACCEPTED' then now() - u.age end, cause = u.cause, advice = u.advice,
        mail_sha256 = u.mail_sha256
    from unsettled u
    where u.recipient_no = 0 and m.customer_id = u.customer_id and m.id = u.message_id and m.status = 'UNCERTAIN'
    returning u.n, m.mailing_id, m.status
), copies as (
    update copy c
    set status = case when u.verdict = 'ACCEPTED' then 'ACCEPTED' else 'REFUSED' end::email_status,
        sent_at = case when u.verdict = 'ACCEPTED' then now() - u.age end, cause = u.cause, advice = u.advice
    from unsettled u
    where u.recipient_no > 0 and c.customer_id = u.customer_id and c.message_id = u.message_id
      and c.recipient_no = u.recipient_no and c.status = 'UNCERTAIN'
    returning u.n
), settled as materialized (
    select u.* from unsettled u where u.n in (select n from messages union all select n from copies)
), attempts as (
    insert into attempt (customer_id, message_id, recipient_no, number, verdict, cause, advice, rule, stage, code,
                         enhanced, response, relay, host, tls, started_at, took_ms)
    select s.customer_id, s.message_id, s.recipient_no, s.attempt, s.verdict, s.cause, s.advice, s.rule, s.stage,
           s.code, s.enhanced, s.response, s.relay, s.host, s.tls,
           now() - s.age - s.took_ms * interval '1 millisecond', s.took_ms
    from settled s
), events as (
    insert into event (customer_id, message_id, recipient_no, kind, actor, data)
    select s.customer_id, s.message_id, s.recipient_no, 'SETTLED', 'gateway',
           jsonb_build_object('evidence', 'LATE_ANSWER', 'attempt', s.attempt, 'verdict', s.verdict)
    from settled s
), noted as (
    -- The words of a copy's server; what changes a message is noted by its trigger.
    insert into message_change (customer_ids, message_ids)
    select array_agg(s.customer_id), array_agg(s.message_id) from settled s where s.recipient_no > 0
    having count(*) > 0
), tallied as (
    insert into mailing_tally (mailing_id, shard, accepted, refused, uncertain)
    select mailing_id, :shard::smallint, count(*) filter (where status = 'ACCEPTED'),
           count(*) filter (where status = 'REFUSED'), -count(*)
    from messages where mailing_id is not null
    group by mailing_id order by mailing_id
    on conflict (mailing_id, shard) do update
    set accepted = mailing_tally.accepted + excluded.accepted, refused = mailing_tally.refused + excluded.refused,
        uncertain = mailing_tally.uncertain + excluded.uncertain
), relay_tallied as (
    insert into relay_tally (relay, quarter, shard, accepted)
    select s.relay, date_bin('15 minutes', now(), timestamptz 'epoch'), :shard::smallint, count(*)
    from settled s
    where s.verdict = 'ACCEPTED'
    group by s.relay order by s.relay
    on conflict (relay, quarter, shard) do update set accepted = relay_tally.accepted + excluded.accepted
), answers_tallied as (
    insert into answer_tally (relay, lane, cause, quarter, shard, deferred, refused)
    select s.relay, case when m.mailing_id is not null then 'campaigns'
                         when m.source_type = 'WORK_ORDER' then 'work-order' else 'individual' end, s.cause,
           date_bin('15 minutes', now(), timestamptz 'epoch'), :shard::smallint,
           count(*) filter (where s.verdict = 'DEFERRED'), count(*) filter (where s.verdict = 'REFUSED')
    from settled s join message m on m.customer_id = s.customer_id and m.id = s.message_id
    where s.verdict in ('DEFERRED', 'REFUSED')
    group by 1, 2, 3 order by 1, 2, 3
    on conflict (quarter, relay, lane, cause, shard) do update
    set deferred = answer_tally.deferred + excluded.deferred, refused = answer_tally.refused + excluded.refused
)
select n from settled;
