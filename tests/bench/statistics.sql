-- Mail to book, the campaigns it is of, and the customers it goes to.

-- name: make_customers
-- Customers; returns their ids.
insert into customer (external_ref, name) select 'B-' || n, 'Customer ' || n from generate_series(1, :rows::integer) n
returning id;

-- name: make_campaigns$
-- Campaigns of one mailing each; returns the first one's number.
with made as (
    insert into campaign (title, kind, sender_version_id)
    select 'Bench ' || n, 'MARKETING', uuidv7() from generate_series(1, :campaigns::integer) n returning id
), mailings as (
    insert into mailing (campaign_id, number, template_version_id) select m.id, 1, uuidv7() from made m returning id
)
select min(g.id) from mailings g;

-- name: new_ids
-- Ids of mail of this moment.
select uuidv7() as id from generate_series(1, :rows::integer);

-- name: written_mail
-- Mail of a span, as it counts: campaigns of some two days, letters, failures; some opened.
select uuidv7(t.at - clock_timestamp()) as id,
       case when r.kind < 0.9 then :first_mailing::integer
            + (extract(epoch from t.at - :year::timestamptz) / 105120)::integer end as mailing_id,
       exp(random() * ln(30000))::integer as domain_no, 1 + (r.kind < 0.3)::integer + (r.kind < 0.1)::integer as sender_no,
       10 + (random() < 0.2)::integer as relay_no,
       (case when r.kind < 0.9 then 'CAMPAIGN' when r.kind < 0.95 then 'WORK_ORDER' when r.kind < 0.97 then 'E_SIGNATURE'
             else 'CARD_PROCESSING' end)::source_type as source_type,
       'SENT'::direction as direction,
       (case when r.fate > 0.03 then 'ACCEPTED' when r.fate > 0.02 then 'BOUNCED' else 'REFUSED' end)::email_status as status,
       (case when r.fate > 0.03 then null when r.fate > 0.015 then 'BAD_ADDRESS' when r.fate > 0.007 then 'POLICY'
             when r.fate > 0.003 then 'SPAM' else 'MAILBOX_FULL' end)::cause as cause,
       true as tracked, r.kind < 0.2 as opened, r.kind < 0.05 as clicked, r.fate > 0.999 as complained,
       (random() < 0.05)::integer::smallint as deferrals,
       case when r.fate > 0.02 then time_bucket(exp(random_normal(8, 1.5))::bigint) end as bucket
from generate_series(1, :rows::integer) n
cross join lateral (select random() as kind, random() as fate, n as row offset 0) r
cross join lateral (select :since::timestamptz + random() * (:until::timestamptz - :since::timestamptz) as at, n as row
                    offset 0) t;

-- name: look_up
-- One search row by its key.
select m.id, m.customer_id, m.status, m.cause, m.took_ms from message_search m where m.id = :id::uuid;

-- name: some_keys
-- Keys of search rows.
select m.id from message_search m limit :rows::integer;

-- name: sizes$
-- How many rows the year takes, and how much room.
select (select count(*) from mail_statistics) || ' rows by mail, '
       || pg_size_pretty(pg_total_relation_size('mail_statistics')) || '; '
       || (select count(*) from domain_statistics) || ' by domain, '
       || pg_size_pretty(pg_total_relation_size('domain_statistics')) || '; '
       || (select count(*) from domain_month_statistics) || ' by domain and month, '
       || pg_size_pretty(pg_total_relation_size('domain_month_statistics'));
