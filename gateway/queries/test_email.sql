-- Mailings before they are sent: looked at, and mailed to addresses of our own.

-- name: mailing_to_preview^
-- A mailing with what its mail is made of: the values for all recipients, of a draft those of its campaign; the
-- template's sample data; how many were left out for want of a value, once its audience is frozen.
select g.id, g.campaign_id, g.template_version_id, g.subject, c.sender_version_id, c.tracked, c.bound_relay,
       case when g.status = 'DRAFT' then c.merge_data else g.merge_data end as merge_data,
       coalesce(v.source->'sample_data', '{}'::jsonb) as sample_data, v.links, g.frozen_at is not null as frozen,
       (select coalesce(sum(y.left_out_merge_field_missing), 0)::integer
        from mailing_tally y where y.mailing_id = g.id) as lacking
from mailing g
join campaign c on c.id = g.campaign_id
join template_version v on v.id = g.template_version_id
where g.id = :mailing_id;

-- name: recipient_to_preview^
-- A customer as a mailing would greet it, with its own values and those that came for it alone.
select u.id, u.name, u.locale, u.time_zone, u.attributes, u.erased_at is not null as erased,
       coalesce((select r.merge_data from mailing_recipient r
                 where r.mailing_id = :mailing_id and r.customer_id = u.id limit 1),
                (select n.merge_data from campaign_customer n
                 where n.campaign_id = :campaign_id and n.customer_id = u.id),
                '{}'::jsonb) as merge_data
from customer u
where u.id = :customer_id;

-- name: customer_to_preview^
-- A customer as a template would greet it, with its own values.
select u.id, u.name, u.locale, u.time_zone, u.attributes, u.erased_at is not null as erased
from customer u
where u.id = :customer_id;

-- name: lock_test_mail$
-- Callers who send test mail wait for each other, so that a day's limit is kept.
select pg_advisory_xact_lock(hashtextextended('test mail', 7));

-- name: test_mail_of_a_day$
-- How many test mails were made within the last 24 hours.
select count(*)::integer from test_email t where t.created_at > now() - interval '1 day';

-- name: test_mail_beside^
-- A customer beside whom test mail with sample data is kept: any, so that no history has all of it. Also the ids of the
-- mails, and the time.
select u.id, array(select uuidv7() from generate_series(1, :mails::integer)) as message_ids, now() as mail_date
from (
    select :customer_id::bigint as id where :customer_id::bigint is not null
    union all
    (select c.id from customer c
     where c.erased_at is null
       and c.id >= (select floor(random() * n.id) from customer n order by n.id desc limit 1)
     order by c.id limit 1)
    union all
    (select c.id from customer c where c.erased_at is null order by c.id limit 1)
) u
limit 1;

-- name: insert_test_email!
-- Says of an internal message that it is a test: of a mailing, or, where that is null, of a template not published.
insert into test_email (customer_id, message_id, mailing_id, first_message_id, place, actor)
values (:customer_id, :message_id, :mailing_id, :first_message_id, :place, :actor);

-- name: test_mails_of_call
-- The test mails of one call, in the order of their addresses, each with whether a server answered or it was decided.
select t.customer_id, t.message_id, m.recipient as address,
       m.decided_at is not null or exists (
           select from attempt a where a.customer_id = t.customer_id and a.message_id = t.message_id) as answered
from test_email t
join message m on m.customer_id = t.customer_id and m.id = t.message_id
where t.first_message_id = :first_message_id
order by t.place;
