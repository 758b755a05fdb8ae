-- Bulk actions: done once, in batches, to the messages that a preview showed.

-- name: find_bulk_action^
-- What came of a token so far. It waits for the synchronous standby, as `find_idempotency_key` does.
select b.id, b.messages, b.done, b.skipped, b.finished_at is not null as finished,
       pg_logical_emit_message(true, ''::text, ''::text) as waits_for_standbys
from bulk_action b where b.token_sha256 = :token_sha256;

-- name: write_down_bulk_action!
-- Writes down what is to be done to which messages, once for a token: a repeat waits for the first and changes nothing.
insert into bulk_action (token_sha256, action, actor, shown_at, messages, skipped, customer_ids, message_ids, statuses,
                         finished_at)
values (:token_sha256, :action, :actor, :shown_at, :messages::integer, :skipped::integer, :customer_ids::bigint[],
        :message_ids::uuid[], :statuses::email_status[],
        case when :skipped::integer = :messages::integer then now() end)
on conflict (token_sha256) do nothing;

-- name: lock_bulk_action^
-- Locks a bulk action that is not carried out to its end, waiting for who has it, and takes its next :batch messages.
select b.id, b.action, b.actor, b.shown_at,
       b.customer_ids[b.dealt_with + 1 : b.dealt_with + :batch::integer] as customer_ids,
       b.message_ids[b.dealt_with + 1 : b.dealt_with + :batch::integer] as message_ids,
       b.statuses[b.dealt_with + 1 : b.dealt_with + :batch::integer]::text[] as statuses
from bulk_action b
where b.id = :id and b.finished_at is null
for update;

-- name: forsaken_bulk_action$
-- Locks the next bulk action whose request was cut off: no batch of it came for as long as :left_alone.
select b.id
from bulk_action b
where b.finished_at is null and b.carried_at < clock_timestamp() - :left_alone::interval
  and not exists (select from put_off p where p.work = 'BULK_ACTION' and p.id = b.id and p.until > now())
order by b.id limit 1
for update skip locked;

-- name: await_bulk_turn$
-- Lets one batch of any bulk action go at a time: of two, each would wait for counts that the other has.
select pg_advisory_xact_lock(hashtextextended('bulk action', 7))::text;

-- name: advance_bulk_action!
-- Notes that a batch of a bulk action was carried out; after the last one its messages are forgotten.
update bulk_action b
set done = b.done + :done::integer, skipped = b.skipped + :skipped::integer,
    dealt_with = b.dealt_with + :done::integer + :skipped::integer, carried_at = clock_timestamp(),
    finished_at = case when n.is_last then clock_timestamp() end,
    customer_ids = case when n.is_last then '{}' else b.customer_ids end,
    message_ids = case when n.is_last then '{}' else b.message_ids end,
    statuses = case when n.is_last then '{}' else b.statuses end
from (select a.id, a.done + a.skipped + :done::integer + :skipped::integer = a.messages as is_last
      from bulk_action a where a.id = :id) n
where b.id = :id and n.id = b.id;
