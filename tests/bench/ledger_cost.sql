-- The statements of `ledger_cost.py`: a ledger of some size, and a campaign to be sent.

-- name: make_customers!
-- Customers with an address each, on fifty domains.
with made as (
    insert into customer (external_ref, name)
    select 'L-' || n, 'Customer ' || n from generate_series(1, :customers::integer) n
    returning id
)
insert into customer_address (customer_id, position, address, address_key)
select made.id, 0, 'c' || made.id || '@d' || made.id % 50 || '.example', sha256(made.id::text::bytea) from made;

-- name: make_messages!
-- A campaign's messages to the first customers, without anything to send.
insert into message (customer_id, source_type, campaign_id, mailing_id, template_version_id, sender_version_id, sender, recipient,
                     recipient_name, subject, merge_data, token_key_id)
select a.customer_id, 'CAMPAIGN', k.id, g.id, g.template_version_id, k.sender_version_id, 'Fabrikam <news@fabrikam.com>',
       a.address, 'Customer ' || a.customer_id, 'News for Ann', '{"first_name": "Ann"}', 'k1'
from customer_address a, campaign k join mailing g on g.campaign_id = k.id
where k.id = :campaign_id
order by a.customer_id limit :mails::integer;

-- name: accept_messages!
-- Their outcomes, so that rows lie in their pages as outcomes leave them.
with accepted as (
    update message m set status = 'ACCEPTED', decided_at = now(), sent_at = now(),
                         mail_sha256 = sha256(m.recipient::bytea)
    where m.campaign_id = :campaign_id
    returning m.customer_id, m.id
)
insert into attempt (customer_id, message_id, number, verdict, rule, stage, code, enhanced, response, relay, host, tls,
                     started_at, took_ms)
select accepted.customer_id, accepted.id, 1, 'ACCEPTED', 'accepted', 'END_OF_DATA', 250, '2.0.0',
       '2.0.0 Ok: queued as 4Zx0kJ1mXxz9', 'main', 'mx.relay.example', 'TLSv1.3', now(), 40
from accepted;

-- name: queue_messages!
-- A campaign's mail to the first customers, due in the order of their ids.
with made as (
    insert into message (customer_id, source_type, campaign_id, mailing_id, template_version_id, sender_version_id, sender,
                         recipient, recipient_name, subject, merge_data, token_key_id)
    select a.customer_id, 'CAMPAIGN', k.id, g.id, g.template_version_id, k.sender_version_id,
           'Fabrikam <news@fabrikam.com>', a.address, 'Customer ' || a.customer_id, 'News for Ann',
           '{"first_name": "Ann"}', 'k1'
    from customer_address a, campaign k join mailing g on g.campaign_id = k.id
    where k.id = :campaign_id
    order by a.customer_id limit :mails::integer
    returning customer_id, id, recipient
)
insert into outbox (customer_id, message_id, lane_id, address, address_key, domain, expires_at, opt_out_kind)
select made.customer_id, made.id, l.id, made.recipient, sha256(made.customer_id::text::bytea),
       split_part(made.recipient, '@', 2), now() + interval '1 day', 'MARKETING'
from made, lane l
where l.campaign_id = :campaign_id;

-- name: bare_claim
-- The least that a claim may be: the head of one lane, leased.
update outbox o
set lease_owner = :owner::uuid, lease_until = now() + interval '5 minutes', handed_off_at = now()
from (select b.ctid as location from outbox b
      where b.lane_id = (select l.id from lane l where l.campaign_id = :campaign_id) and not b.scheduled
        and b.due_at <= now() and b.lease_owner is null
      order by b.due_at, b.message_id limit :rows::integer for update skip locked) h
where o.ctid = h.location
returning o.customer_id, o.message_id, o.address;

-- name: bare_record!
-- The least that recording may be: the row gone, an attempt, the message's status.
with gone as (
    delete from outbox o using unnest(:customer_ids::bigint[], :message_ids::uuid[]) as r(customer_id, message_id)
    where o.customer_id = r.customer_id and o.message_id = r.message_id and o.recipient_no = 0
      and o.lease_owner = :owner::uuid
    returning o.customer_id, o.message_id
), attempts as (
    insert into attempt (customer_id, message_id, number, verdict, rule, stage, code, enhanced, response, relay, host,
                         tls, started_at, took_ms)
    select gone.customer_id, gone.message_id, 1, 'ACCEPTED', 'accepted', 'END_OF_DATA', 250, '2.0.0',
           '2.0.0 Ok: queued as 4Zx0kJ1mXxz9', 'main', 'mx.relay.example', 'TLSv1.3', now(), 40
    from gone
)
update message m set status = 'ACCEPTED', decided_at = now(), sent_at = now(), mail_sha256 = :sha256::bytea
from gone
where m.customer_id = gone.customer_id and m.id = gone.message_id;

-- name: vacuum!
-- Nothing is left for autovacuum to do, and to log, while a round is measured.
vacuum analyze customer, customer_address, message, attempt, outbox;

-- name: checkpoint!
checkpoint;

-- name: wal_position$
select pg_current_wal_insert_lsn() - '0/0'::pg_lsn;

-- name: flush_statistics!
select pg_stat_force_next_flush();

-- name: message_updates^
-- How many rows of `message` were updated, and how many of them within their page (HOT).
select n_tup_upd as updated, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'message';

-- name: settings
-- What decides how many full pages the log gets.
select name, current_setting(name) as value
from unnest(array['checkpoint_timeout', 'max_wal_size', 'full_page_writes', 'wal_compression', 'fsync',
                  'synchronous_commit', 'shared_buffers']) as wanted(name)
