-- The statements of `campaigns.py`: a list, and the least that the rows of a mailing can cost.

-- name: make_list$
-- A fixed list of the first customers; returns its id.
with list as (
    insert into customer_list (name, kind, actor) values ('Bench ' || :name::text, 'FIXED', 'bench') returning id
), members as (
    insert into list_member (list_id, customer_id, actor)
    select list.id, c.id, 'bench' from list, (select id from customer order by id limit :members::integer) c
)
select id from list;

-- name: bare_recipients!
-- The members as recipients.
insert into mailing_recipient (mailing_id, due_at, customer_id, address, address_key)
select :mailing_id, now(), n.customer_id, a.address, a.address_key
from list_member n join customer_address a on a.customer_id = n.customer_id and a.position = 0
where n.list_id = :list_id
order by n.customer_id;

-- name: bare_messages$
-- The messages of the next of them, and the outbox rows of these; returns the last customer, or null after the last.
with made as (
    insert into message (customer_id, source_type, campaign_id, mailing_id, template_version_id, sender_version_id,
                         sender, recipient, recipient_name, subject, merge_data, token_key_id)
    select r.customer_id, 'CAMPAIGN', c.id, g.id, g.template_version_id, c.sender_version_id,
           'Fabrikam <news@fabrikam.com>', r.address, u.name, 'News for Ann', r.merge_data, 'k1'
    from mailing g
    join campaign c on c.id = g.campaign_id
    join mailing_recipient r on r.mailing_id = g.id
    join customer u on u.id = r.customer_id
    where g.id = :mailing_id and r.customer_id > :after
    order by r.customer_id
    limit :limit
    returning customer_id, id, recipient
), queued as (
    insert into outbox (customer_id, message_id, lane_id, address, address_key, domain, expires_at, opt_out_kind)
    select made.customer_id, made.id, :lane_id, made.recipient, sha256(made.customer_id::text::bytea),
           split_part(made.recipient, '@', 2), now() + interval '1 day', 'MARKETING'
    from made
)
select max(made.customer_id) from made;

-- name: seconds_to_hand_off
-- For each individual mail put since then: how long after that its first attempt began.
select extract(epoch from a.started_at - m.mail_date)::float8 as seconds
from message m
join attempt a on a.customer_id = m.customer_id and a.message_id = m.id and a.number = 1
where m.campaign_id is null and m.mail_date >= :since
order by m.id;
