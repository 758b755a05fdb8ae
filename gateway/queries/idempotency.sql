-- Idempotency keys, one namespace: a repeat returns the first result.

-- name: lock_idempotency_key$
-- Locks a key: callers with the same one wait for each other until their transactions end.
select pg_advisory_xact_lock(hashtextextended(:key, 7));

-- name: find_idempotency_key^
-- The first result under this key. A commit whose wait for the synchronous standby was cut short is visible here before
-- it is safe there: the empty message makes the repeat wait, too.
select input_sha256, customer_id, message_id, campaign_id, mailing_id,
       pg_logical_emit_message(true, ''::text, ''::text) as waits_for_standbys
from idempotency_key where key = :key;

-- name: insert_idempotency_key!
-- Keeps a first result, as long as its message or campaign exists.
insert into idempotency_key (key, input_sha256, customer_id, message_id, campaign_id)
values (:key, :input_sha256, :customer_id, :message_id, :campaign_id);

-- name: insert_mailing_key!
-- Keeps the key of a mailing's making, as long as it exists.
insert into idempotency_key (key, input_sha256, campaign_id, mailing_id)
values (:key, :input_sha256, :campaign_id, :mailing_id);
