-- One namespace of keys: a repeat answers the first result.

-- name: lock_idempotency_key$
-- Serialises callers of one key until their transaction ends.
select pg_advisory_xact_lock(hashtextextended(:key, 7));

-- name: find_idempotency_key^
-- The first result under this key.
select input_sha256, customer_id, message_id, campaign_id from idempotency_key where key = :key;

-- name: insert_idempotency_key!
-- Remembers a first result, as long as its message or campaign lives.
insert into idempotency_key (key, input_sha256, customer_id, message_id, campaign_id)
values (:key, :input_sha256, :customer_id, :message_id, :campaign_id);
