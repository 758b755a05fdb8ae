-- What `growth.py` adds to the ledger of `finding_pages.sql`, and what it measures in it.

-- name: fill_addresses!
-- One address each.
insert into customer_address (customer_id, position, address, address_key)
select c.id, 0, 'c' || c.id || '@d' || c.id % 50 || '.example', sha256(c.id::text::bytea) from customer c;

-- name: fill_recipients!
-- Whom each mailing was for.
insert into mailing_recipient (mailing_id, due_at, customer_id, occurrence, address, address_key, merge_data)
select m.mailing_id, m.mail_date, m.customer_id, m.occurrence, m.recipient, sha256(m.id::text::bytea),
       '{"first_name": "Ann"}'
from message m where m.mailing_id is not null
order by m.id;

-- name: fill_attempts!
-- One a message, in the order in which they were made.
insert into attempt (customer_id, message_id, number, verdict, cause, rule, stage, code, enhanced, response, relay, host,
                     tls, started_at, took_ms)
select m.customer_id, m.id, 1, case when m.status = 'REFUSED' then 'REFUSED' else 'ACCEPTED' end::verdict, m.cause,
       'accepted', 'END_OF_DATA', case when m.status = 'REFUSED' then 550 else 250 end,
       case when m.status = 'REFUSED' then '5.1.1' else '2.0.0' end,
       case when m.status = 'REFUSED' then '5.1.1 User unknown' else '2.0.0 Ok: queued as 4Zx0kJ1mXxz9' end,
       'main', 'mx.relay.example', 'TLSv1.3', m.mail_date, 40
from message m
order by m.id;

-- name: fill_hits!
-- So many of each message, within the hour after it; a customer always reads at the same place.
insert into hit (customer_id, id, message_id, kind, occurred_at, link, url, origin, agent, verdict, reasons, rules_version)
select m.customer_id, uuidv7(m.mail_date + h * interval '20 minutes' - now()), m.id,
       case when h % 3 = 0 then 'CLICK' else 'OPEN' end::hit_kind, m.mail_date + h * interval '20 minutes',
       case when h % 3 = 0 then 1 end, case when h % 3 = 0 then 'https://www.fabrikam.example/offers/spring' end,
       md5(m.customer_id::text), 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'HUMAN', '{BROWSER_AGENT}', 1
from message m, generate_series(1, :hits_a_message::integer) h
order by m.id;

-- name: fill_latest!
-- The newest of each customer.
insert into customer_latest (customer_id, message_id)
select m.customer_id, max(m.id::text)::uuid from message m group by m.customer_id;

-- name: busy_customers
-- Customers from all over the ledger whose first page is full.
select m.customer_id
from message m where m.customer_id % greatest(1, (select count(*) from customer) / 200) = 0
group by m.customer_id having count(*) >= 60
order by m.customer_id limit :customers::integer;

-- name: queue_messages!
-- A campaign's mail to customers from all over the ledger, due in the order of their ids.
with made as (
    insert into message (customer_id, source_type, campaign_id, mailing_id, template_version_id, sender_version_id,
                         sender, recipient, recipient_name, subject, merge_data, token_key_id)
    select a.customer_id, 'CAMPAIGN', k.id, g.id, g.template_version_id, k.sender_version_id,
           'Fabrikam <news@fabrikam.com>', a.address, 'Customer ' || a.customer_id, 'News for Ann',
           '{"first_name": "Ann"}', 'k1'
    from customer_address a, campaign k join mailing g on g.campaign_id = k.id
    where k.id = :campaign_id
      and a.customer_id % greatest(1, (select count(*) from customer) / :mails::integer) = 0
    order by a.customer_id limit :mails::integer
    returning customer_id, id, recipient
)
insert into outbox (customer_id, message_id, lane_id, address, address_key, domain, expires_at, opt_out_kind)
select made.customer_id, made.id, l.id, made.recipient, sha256(made.customer_id::text::bytea),
       split_part(made.recipient, '@', 2), now() + interval '1 day', 'MARKETING'
from made, lane l
where l.campaign_id = :campaign_id;

-- name: newest_accepted
-- Mail of the last days, which readers open.
select m.customer_id, m.id from message m where m.status = 'ACCEPTED' and m.mailing_id is not null
order by m.id desc limit :messages::integer;

-- name: flush_statistics!
select pg_stat_force_next_flush();

-- name: buffers_of^
-- Blocks that a backend has asked for, and those of them that were not in the server's memory.
select sum(i.hits + coalesce(i.read_bytes, 0) / 8192)::bigint as asked,
       sum(coalesce(i.read_bytes, 0) / 8192)::bigint as read
from pg_stat_get_backend_io(:process::integer) i where i.object = 'relation';

-- name: sizes$
-- What the largest tables take with their indexes.
select string_agg(c.relname || ' ' || pg_size_pretty(pg_total_relation_size(c.oid)), ', '
                  order by pg_total_relation_size(c.oid) desc)
from pg_class c
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and pg_total_relation_size(c.oid) > 10000000;
