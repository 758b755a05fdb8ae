-- A ledger of a second a mail, with its search rows: four fifths campaign mail without words, the rest letters with them.
-- Domains are as unequal as in life; a relay and a sender are hardly used.

-- name: fill_names!
-- A tenth as many customers as thousands of mails; 5,000 domains, two relays, two senders.
with customers as (
    insert into customer (external_ref, name, locale, time_zone)
    select 'C-' || n, 'Customer ' || n, 'en', 'UTC' from generate_series(1, :customers::integer) n
), names as (
    insert into search_name (kind, name)
    select 'DOMAIN', 'domain-' || n || '.example' from generate_series(1, 5000) n
    union all select 'RELAY', r.name from (values ('main'), ('spare')) as r (name)
), template_made as (
    insert into template (name, source_type) values ('bench', 'CAMPAIGN') returning id
), version_made as (
    insert into template_version (template_id, number, subject, source, compiled, has_unsubscribe, preview_subject,
                                  preview_html, preview_text, source_sha256)
    select t.id, 1, 'News', '{}', '{}', true, 'News', '<p>News</p>', 'News', sha256('news') from template_made t
    returning id
), senders_made as (
    insert into sender (name) select 'bench ' || n from generate_series(1, 2) n returning id, name
), profiles_made as (
    insert into sender_version (sender_id, number, from_address)
    select s.id, 1, 'hello@fabrikam.example' from senders_made s returning id, sender_id
), campaigns_made as (
    insert into campaign (title, kind, status, launched_at, sender_version_id)
    select 'Offer number ' || n, 'MARKETING', 'RUNNING', now(), (select p.id from profiles_made p order by p.id limit 1)
    from generate_series(1, 200) n
    returning id
)
insert into mailing (campaign_id, number, status, template_version_id)
select c.id, 1, 'RUNNING', v.id from version_made v, campaigns_made c;

-- name: fill_sender_names!
-- Senders' names are their ids.
insert into search_name (kind, name) select 'SENDER', s.id::text from sender s order by s.name;

-- name: fill_messages!
-- A campaign's mail is some days long; failures are rare, and uncertain mail is very rare.
insert into message (customer_id, id, source_type, status, cause, campaign_id, mailing_id, occurrence,
                     template_version_id, sender_version_id, mail_date, decided_at, sent_at, bounced_at, opened_at,
                     tracked, sender, recipient, subject)
select 1 + (n.n::bigint * 7919) % :customers::integer,
       (lpad(to_hex((extract(epoch from n.at) * 1000)::bigint), 12, '0') || '7000a' || lpad(to_hex(n.n), 15, '0'))::uuid,
       case when n.n % 5 > 0 then 'CAMPAIGN' when n.n % 3 = 0 then 'E_SIGNATURE' else 'WORK_ORDER' end::source_type,
       n.status::email_status,
       case n.status when 'REFUSED' then 'BAD_ADDRESS' when 'BOUNCED' then 'MAILBOX_FULL' when 'HELD' then 'SUPPRESSED'
                     when 'UNCERTAIN' then 'CONNECTION_LOST' end::cause,
       case when n.n % 5 > 0 then g.campaign_id end, case when n.n % 5 > 0 then g.id end, n.n::text, v.version_id,
       case when n.n % 2000 = 11 then v.profiles[2] else v.profiles[1] end, n.at, n.at,
       case when n.status in ('ACCEPTED', 'BOUNCED') then n.at end, case n.status when 'BOUNCED' then n.at end,
       case when n.n % 4 = 0 and n.status = 'ACCEPTED' then n.at end, true,
       'Fabrikam Installers <hello@fabrikam.example>',
       'reader' || n.n % 50000 || '@domain-' || 1 + (5000 * power(((n.n::bigint * 104729) % 1000003) / 1000003.0, 5))::integer % 5000
           || '.example',
       'Your appointment number ' || n.n || ' with Fabrikam Installers'
from (
    select n, date_trunc('second', now()) - (:messages::integer - n) * interval '1 second' as at,
           case when n % 50 = 1 then 'REFUSED' when n % 200 = 3 then 'BOUNCED' when n % 500 = 7 then 'HELD'
                when n % 20000 = 5 then 'UNCERTAIN' else 'ACCEPTED' end as status
    from generate_series(1, :messages::integer) n
) n
join (select g.campaign_id, g.id, row_number() over (order by g.id) as place from mailing g) g
    on g.place = 1 + n.n::bigint * 200 / (:messages::integer + 1)
cross join (
    select (select min(t.id::text)::uuid from template_version t) as version_id,
           array(select p.id from sender_version p join sender s on s.id = p.sender_id order by s.name) as profiles
) v;

-- name: fill_waiting!
-- So many troubles more, half of them individual mail, each of a kind for every list, with an attempt.
with chosen as (
    (select n.customer_id, n.id, n.mail_date from message n where n.mailing_id is null and n.status = 'ACCEPTED'
     order by n.id desc limit :troubles::integer / 2)
    union all
    (select n.customer_id, n.id, n.mail_date from message n where n.mailing_id is not null and n.status = 'ACCEPTED'
     order by n.id desc limit :troubles::integer / 2)
), numbered as (
    select c.*, row_number() over (order by c.id) % 5 as kind from chosen c
), attempts as (
    insert into attempt (customer_id, message_id, recipient_no, number, started_at, took_ms, verdict, cause, advice,
                         stage, relay)
    select n.customer_id, n.id, 0, 1, n.mail_date, 100,
           case n.kind when 0 then 'UNCERTAIN' else 'REFUSED' end::verdict, 'CONNECTION_LOST', '', 'END_OF_DATA', 'main'
    from numbered n
)
update message m
set status = (array['UNCERTAIN', 'HELD', 'HELD', 'REFUSED', 'EXPIRED'])[1 + n.kind]::email_status,
    cause = (array['CONNECTION_LOST', 'WRONG_RELAY', 'OPTED_OUT', 'POLICY', 'DEADLINE'])[1 + n.kind]::cause,
    sent_at = null, opened_at = null
from numbered n
where m.customer_id = n.customer_id and m.id = n.id;

-- name: fill_unmatched!
-- Received mail that is nobody's, a tenth of it still on the list.
insert into inbound_mail (source, size, kind, read_at, unmatched, from_address, dismissed_at, dismissed_by)
select 'SMTP', 900, 'REPLY', now(), 'UNKNOWN_SENDER', 'x' || n || '@elsewhere.example',
       case when n % 10 > 0 then now() end, case when n % 10 > 0 then 'Kim' end
from generate_series(1, :mails::integer) n;

-- name: fill_troubles!
-- What waits for a person.
insert into message_trouble (customer_id, message_id, recipient_no, status, cause, mailing_id, since)
select m.customer_id, m.id, 0, m.status, m.cause, m.mailing_id, m.decided_at
from message m where m.status in ('REFUSED', 'BOUNCED', 'HELD', 'UNCERTAIN', 'EXPIRED');

-- name: fill_bad_addresses!
-- An address that takes no mail for each customer with a failed mail that is not a campaign's.
with failed as (
    select t.customer_id, max(t.message_id::text)::uuid as message_id, max(t.since) as since
    from message_trouble t where t.mailing_id is null and t.status in ('REFUSED', 'BOUNCED') group by t.customer_id
), addresses as (
    insert into customer_address (customer_id, position, address, address_key)
    select f.customer_id, 0, 'reader' || f.customer_id || '@domain-' || f.customer_id % 5000 || '.example',
           sha256(('key ' || f.customer_id)::bytea)
    from failed f
    returning customer_id, address_key
)
insert into bad_address (customer_id, address_key, message_id, failed_at, failing_since, cause)
select f.customer_id, a.address_key, f.message_id, f.since, f.since,
       (array['BAD_ADDRESS', 'MAILBOX_FULL', 'BAD_DOMAIN'])[1 + f.customer_id % 3]::cause
from failed f join addresses a on a.customer_id = f.customer_id;

-- name: fill_slices!
-- As the job closes them: by 65,536 rows.
insert into search_slice (first_id, rows)
select m.id, 65536 from (select n.id, row_number() over (order by n.id) as place from message n) m
where m.place % 65536 = 0;

-- name: fill_search!
-- As the job writes them.
insert into message_search (id, customer_id, slice, mailing_id, domain_no, address_hash, sender_no, relay_no, source_type,
                            direction, status, cause, tracked, opened, clicked, took_ms, words)
select m.id, m.customer_id, s.no, m.mailing_id, d.no, hashtextextended(m.recipient, 0),
       case when m.number % 2000 = 11 then b.senders[2] else b.senders[1] end,
       case when m.number % 1000 = 13 then b.relays[2] else b.relays[1] end, m.source_type, m.direction, m.status,
       m.cause, true, m.opened_at is not null, m.number % 80 = 0 and m.opened_at is not null, 100,
       case when m.mailing_id is null or m.status <> 'ACCEPTED' then array_to_tsvector(array[
           'your', '^you', 'appointment', '^app', '^appoi', 'number', '^num', '^numbe', m.number::text, 'with', '^wit',
           'fabrikam', '^fab', '^fabri', 'installers', '^ins', '^insta', m.recipient, 'reader' || m.number % 50000,
           'name' || m.number % 2000, '^nam', 'q' || lpad(to_hex(m.number * 7919), 10, '0')]) end
from (select n.*, n.occurrence::bigint as number, split_part(n.recipient, '@', 2) as domain from message n) m
join search_name d on d.kind = 'DOMAIN' and d.name = m.domain
cross join (
    select array(select n.no from search_name n where n.kind = 'SENDER' order by n.no) as senders,
           array(select n.no from search_name n where n.kind = 'RELAY' order by n.name) as relays
) b
join lateral (select k.no from search_slice k where k.first_id <= m.id order by k.first_id desc limit 1) s on true;
