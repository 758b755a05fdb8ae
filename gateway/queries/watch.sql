-- Which customers' pages are open now: only their changes are notified.

-- name: watched_customers
-- The customers whose pages are open.
select distinct w.customer_id from customer_watch w where w.watched_until > now() limit :limit::integer;

-- name: watched_among
-- Which of these customers' pages are open.
select distinct w.customer_id from customer_watch w
where w.customer_id = any(:customer_ids::bigint[]) and w.watched_until > now();

-- name: notify_watchers
-- Notifies every listening service process of changes, one notification each.
select pg_notify('customer_emails', t.change) from unnest(:changes::text[]) as t(change);
