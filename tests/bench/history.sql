-- A ledger to read from. The first customer has :large messages; three quarters of the rest belong to a tenth of the
-- customers, whose pages of 50 are full. A third is campaign mail. Ids rise with time, as PostgreSQL mints them.

-- name: fill_customers!
-- Customers with one address each.
with made as (
    insert into customer (external_ref, name, locale, time_zone)
    select 'C-' || n, 'Customer ' || n, 'en', 'UTC'
    from generate_series(1, :customers::integer) n
    returning id
)
insert into customer_address (customer_id, position, address, address_key)
select m.id, 0, 'c' || m.id || '@customer.example', sha256(m.id::text::bytea)
from made m;

-- name: fill_campaigns!
-- One template, one sender, forty campaigns.
with template_made as (
    insert into template (name, source_type) values ('bench', 'CAMPAIGN') returning id
), version_made as (
    insert into template_version (template_id, number, subject, source, compiled, has_unsubscribe, preview_subject,
                                  preview_html, preview_text, source_sha256)
    select t.id, 1, 'News', '{}', '{}', true, 'News', '<p>News</p>', 'News', sha256('news')
    from template_made t
    returning id
), sender_made as (
    insert into sender (name) values ('bench') returning id
), profile_made as (
    insert into sender_version (sender_id, number, from_address)
    select s.id, 1, 'hello@fabrikam.example'
    from sender_made s
    returning id
), campaigns_made as (
    insert into campaign (title, kind, status, launched_at, sender_version_id)
    select 'Spring offer number ' || n, 'MARKETING', 'RUNNING', now(), p.id
    from profile_made p, generate_series(1, 40) n
    returning id
)
insert into mailing (campaign_id, number, status, template_version_id)
select c.id, 1, 'RUNNING', v.id
from version_made v, campaigns_made c;

-- name: fill_messages!
-- Accepted mail, one second apart.
with campaigns as (
    select array_agg(c.id order by g.id) as ids, array_agg(g.id order by g.id) as mailing_ids,
           min(g.template_version_id::text)::uuid as version_id, min(c.sender_version_id::text)::uuid as profile_id
    from campaign c join mailing g on g.campaign_id = c.id
), numbered as (
    select n, case when n <= :large::integer then 1
                   when n % 4 < 3 then 2 + n % (:customers::integer / 10)
                   else 2 + n % (:customers::integer - 1) end as customer_id
    from generate_series(1, :messages::integer + :large::integer) n
)
insert into message (customer_id, id, source_type, status, campaign_id, mailing_id, occurrence, template_version_id,
                     sender_version_id, mail_date, decided_at, sent_at, opened_at, sender, recipient, subject)
select n.customer_id, uuidv7(n.n * interval '1 second' - interval '30 days'),
       case when n.n % 3 = 0 then 'CAMPAIGN' when n.n % 3 = 1 then 'WORK_ORDER' else 'E_SIGNATURE' end::source_type,
       case when n.n % 20 = 1 then 'REFUSED' else 'ACCEPTED' end::email_status,
       case when n.n % 3 = 0 then c.ids[1 + n.n % 40] end,
       case when n.n % 3 = 0 then c.mailing_ids[1 + n.n % 40] end, n.n::text, c.version_id, c.profile_id,
       now() + n.n * interval '1 second' - interval '30 days', now() + n.n * interval '1.001 seconds',
       now() + n.n * interval '1.001 seconds',
       case when n.n % 2 = 0 then now() + n.n * interval '1.01 seconds' end,
       'Fabrikam Installers <hello@fabrikam.example>', 'c' || n.customer_id || '@customer.example',
       'Your appointment number ' || n.n || ' with Fabrikam Installers'
from numbered n, campaigns c;

-- name: fill_attempts!
-- One a message, with the server's words.
insert into attempt (customer_id, message_id, number, verdict, cause, stage, code, enhanced, response, relay, host,
                     tls, started_at, took_ms)
select m.customer_id, m.id, 1, case when m.status = 'REFUSED' then 'REFUSED' else 'ACCEPTED' end::verdict,
       case when m.status = 'REFUSED' then 'BAD_ADDRESS' end::cause, 'END_OF_DATA',
       case when m.status = 'REFUSED' then 550 else 250 end,
       case when m.status = 'REFUSED' then '5.1.1' else '2.0.0' end,
       case when m.status = 'REFUSED' then '5.1.1 User unknown' else '2.0.0 Ok: queued as 4Zx0kJ1mXxz9' end,
       'main', 'mx.relay.example', 'TLSv1.3', m.mail_date, 40
from message m;

-- name: fill_hits!
-- Clicks and opens, spread over all messages.
insert into hit (customer_id, id, message_id, kind, occurred_at, link, url, agent, verdict, reasons, rules_version)
select m.customer_id, uuidv7(m.place * interval '1 second' - interval '29 days' + h * interval '1 millisecond'), m.id,
       case when h % 3 > 0 then 'CLICK' else 'OPEN' end::hit_kind, m.mail_date + h * interval '1 minute', 1,
       case when h % 3 > 0 then 'https://www.fabrikam.example/offers/spring?number=' || m.place end,
       'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'HUMAN', '{BROWSER_AGENT}', 1
from (select n.customer_id, n.id, n.mail_date, row_number() over (order by n.id) as place from message n) m,
     generate_series(1, :hits_a_message::integer) h;

-- name: fill_parts!
-- A copy, an event and an attachment each, and every tenth message still in the queue: for plans, not for speed.
with content_made as (
    insert into content (sha256, size, encoding, bytes) values (sha256('x'), 1, 'identity', 'x') returning sha256
), copies as (
    insert into copy (customer_id, message_id, recipient_no, role, address)
    select m.customer_id, m.id, 1, 'CC', 'copy@customer.example'
    from message m
), events as (
    insert into event (customer_id, message_id, kind, actor)
    select m.customer_id, m.id, 'RETRIED', 'bench'
    from message m
), attachments as (
    insert into message_attachment (customer_id, message_id, position, name, media_type, size, sha256)
    select m.customer_id, m.id, 0, 'a.pdf', 'application/pdf', 1, c.sha256
    from message m, content_made c
)
insert into outbox (customer_id, message_id, lane_id, address, address_key, domain, expires_at)
select m.customer_id, m.id, 1, m.recipient, sha256(m.recipient::bytea), 'customer.example', now() + interval '1 day'
from message m
where substr(m.id::text, 36, 1) in ('0', '1');
