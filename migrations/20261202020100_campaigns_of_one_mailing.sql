-- migrate:up

-- Every campaign there is becomes one of one mailing. Stop the workers and servers of the version before first: they
-- know neither the tables nor the columns.

insert into mailing (campaign_id, number, status, template_version_id, merge_data, due_at, frozen_at, recipients,
                     left_out, expanded, finished_at)
select c.id, 1, case c.status when 'PAUSED' then 'RUNNING' else c.status::text end::mailing_status,
       c.template_version_id, c.merge_data, c.launched_at, c.launched_at, c.audience_size - c.opted_out, c.opted_out,
       c.expanded_to - c.opted_out, c.finished_at
from campaign c;

alter table message add column mailing_id integer;
-- Workers stop while this is done: no message changes.
update message m set mailing_id = k.id from mailing k where k.campaign_id = m.campaign_id;

-- The order was that of positions: a microsecond each keeps it. Who has a message, or may still get one, is a recipient.
insert into mailing_recipient (mailing_id, due_at, customer_id, address, address_key, merge_data)
select r.id, r.due_at, r.customer_id, r.address,
       -- Two customers with one address got two mails; the constraint holds from now on.
       case when row_number() over (partition by r.id, r.address_key order by r.due_at) = 1 then r.address_key end,
       r.merge_data
from (
    select k.id, c.launched_at + a.position * interval '1 microsecond' as due_at, a.customer_id,
           coalesce(m.recipient, chosen.address, a.address) as address, chosen.address_key, a.merge_data
    from campaign c
    join mailing k on k.campaign_id = c.id
    join campaign_customer a on a.campaign_id = c.id
    left join message m on m.campaign_id = c.id and m.customer_id = a.customer_id
    left join lateral (
        select ca.address, ca.address_key from customer_address ca
        where ca.customer_id = a.customer_id and (a.address is null or lower(ca.address) = lower(a.address))
        order by ca.position limit 1
    ) chosen on true
    where c.launched_at is not null and (m.id is not null or a.position > c.expanded_to)
) r;

insert into mailing_left_out (mailing_id, customer_id, reason)
select k.id, a.customer_id, 'OPTED_OUT'
from campaign c
join mailing k on k.campaign_id = c.id
join campaign_customer a on a.campaign_id = c.id and a.position <= c.expanded_to
left join message m on m.campaign_id = c.id and m.customer_id = a.customer_id
where m.id is null;

update mailing k
set expanded_due = c.launched_at + c.expanded_to * interval '1 microsecond', expanded_to = 9223372036854775807
from campaign c where c.id = k.campaign_id and c.launched_at is not null and c.expanded_to > 0;

insert into mailing_tally (mailing_id, shard, made, accepted, refused, uncertain, held, expired, cancelled)
select k.id, t.shard, t.made, t.accepted, t.refused, t.uncertain, t.held, t.expired, t.cancelled
from campaign_tally t join mailing k on k.campaign_id = t.campaign_id;

-- What came back is counted apart; who chose not to get it is counted here; what a cancelled campaign never made was
-- cancelled.
insert into mailing_tally (mailing_id, shard, accepted, bounced, left_out_opted_out, cancelled)
select k.id, 0, -coalesce(b.bounced, 0), coalesce(b.bounced, 0), k.left_out,
       case when k.status = 'CANCELLED' then greatest(0, k.recipients - k.expanded) else 0 end
from mailing k
left join (
    select m.mailing_id, count(*) as bounced from message m
    where m.mailing_id is not null and m.status = 'BOUNCED' group by m.mailing_id
) b on b.mailing_id = k.id
where k.status <> 'DRAFT'
on conflict (mailing_id, shard) do update
set accepted = mailing_tally.accepted + excluded.accepted, bounced = mailing_tally.bounced + excluded.bounced,
    left_out_opted_out = mailing_tally.left_out_opted_out + excluded.left_out_opted_out,
    cancelled = mailing_tally.cancelled + excluded.cancelled;
drop table campaign_tally;

alter table message add constraint message_of_a_mailing check ((mailing_id is null) = (campaign_id is null));
drop index message_once_a_campaign;
create unique index message_once_a_mailing on message (mailing_id, customer_id, occurrence)
    where mailing_id is not null;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
