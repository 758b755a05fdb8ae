-- Samples: the counts of a mailing, minute by minute, for its timeline and pace.

-- name: try_sampling_lock$
-- Takes the lock of sampling, if it is free: one at a time, or an older reading might overwrite a newer.
select pg_try_advisory_xact_lock(:lock::bigint);

-- name: changed_mailings
-- Takes the notes of mailings whose counts changed, :limit of them; those of transactions under way stay for the next
-- time. What sends has a lane instead.
with noted as (
    delete from mailing_changed c
    using (select n.mailing_id, n.shard from mailing_changed n limit :limit::integer for update skip locked) taken
    where c.mailing_id = taken.mailing_id and c.shard = taken.shard
    returning c.mailing_id
)
select n.mailing_id from noted n
union
select l.mailing_id from lane l where l.mailing_id is not null;

-- name: sample_mailings!
-- Writes the counts of these mailings as they are now into the present minute, where they changed since the last time.
insert into mailing_sample as s (mailing_id, minute, accepted, refused, bounced, opened, clicked, unsubscribed, decided)
select c.mailing_id, date_trunc('minute', now()), c.accepted, c.refused, c.bounced, c.opened, c.clicked,
       c.unsubscribed, c.decided
from (
    select t.mailing_id, sum(t.accepted) + sum(t.bounced) as accepted, sum(t.refused) as refused,
           sum(t.bounced) as bounced, sum(t.opened) as opened, sum(t.clicked) as clicked,
           sum(t.unsubscribed) as unsubscribed,
           sum(t.accepted) + sum(t.refused) + sum(t.bounced) + sum(t.uncertain) + sum(t.held) + sum(t.expired)
               as decided
    from mailing_tally t where t.mailing_id = any(:mailing_ids::integer[]) group by t.mailing_id
) c
left join lateral (
    select l.accepted, l.refused, l.bounced, l.opened, l.clicked, l.unsubscribed, l.decided
    from mailing_sample l where l.mailing_id = c.mailing_id order by l.minute desc limit 1
) last on true
where (c.accepted, c.refused, c.bounced, c.opened, c.clicked, c.unsubscribed, c.decided)
      is distinct from (last.accepted, last.refused, last.bounced, last.opened, last.clicked, last.unsubscribed,
                        last.decided)
on conflict (mailing_id, minute) do update
set accepted = excluded.accepted, refused = excluded.refused, bounced = excluded.bounced, opened = excluded.opened,
    clicked = excluded.clicked, unsubscribed = excluded.unsubscribed, decided = excluded.decided;

-- name: thin_samples$
-- Keeps of samples in a span of time the last of each :unit and mailing; deletes :limit at most, and returns how many.
-- A sample holds all that was until then, so that what is left adds up to the same.
with surplus as (
    select s.mailing_id, s.minute from mailing_sample s
    where s.minute >= :since::timestamptz and s.minute < :until::timestamptz
      and exists (select from mailing_sample n
                  where n.mailing_id = s.mailing_id and n.minute > s.minute
                    and n.minute < date_trunc(:unit, s.minute, 'UTC') + ('1 ' || :unit)::interval)
    limit :limit::integer
), thinned as (
    delete from mailing_sample s using surplus x where s.mailing_id = x.mailing_id and s.minute = x.minute
    returning s.minute
)
select count(*) from thinned;
