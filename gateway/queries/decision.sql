-- Decisions about many recipients of a campaign: what they are about is written down when asked, then carried out.

-- name: write_down_decision^
-- Writes down a decision and the messages it is about: those of these mailings in these states now, for these causes,
-- null for any, but not for :hopeless ones; one more than :limit at most.
with wanted as materialized (
    select t.customer_id, t.message_id, t.status
    from message_trouble t
    where t.mailing_id = any(:mailing_ids::integer[]) and t.status = any(:statuses::email_status[])
      and t.recipient_no = 0
      and (:causes::cause[] is null or t.cause = any(:causes::cause[]))
      and (t.cause is null or t.cause <> all(:hopeless::cause[]))
    limit :limit::integer + 1
), counted as materialized (
    select count(*) as recipients from wanted
), decision as (
    insert into campaign_decision (campaign_id, idempotency_key, action, actor, asked_at, recipients, finished_at)
    select :campaign_id, :idempotency_key, :action, :actor, statement_timestamp(), n.recipients,
           case when n.recipients = 0 then now() end
    from counted n
    returning id, recipients
), messages as (
    insert into campaign_decision_message (decision_id, customer_id, message_id, status)
    select d.id, w.customer_id, w.message_id, w.status
    from decision d cross join (select * from wanted order by customer_id, message_id) w
)
select d.id, d.recipients from decision d;

-- name: recipients_of_decision$
-- How many recipients the decision under this key is about.
select d.recipients from campaign_decision d where d.idempotency_key = :idempotency_key;

-- name: decision_to_carry_out^
-- Locks the next decision that is not carried out to its end.
select d.id, d.campaign_id, d.action, d.actor, d.asked_at, d.recipients, d.done, d.skipped, d.carried_customer,
       d.carried_message
from campaign_decision d
where d.finished_at is null
  and not exists (select from put_off p where p.work = 'DECISION' and p.id = d.id and p.until > now())
order by d.id limit 1
for update skip locked;

-- name: take_messages_of_decision
-- Takes the next :batch messages of a decision, in the order of their keys, with what each was when it was asked.
with next as materialized (
    select n.customer_id, n.message_id
    from campaign_decision_message n
    where n.decision_id = :decision_id
      and (n.customer_id, n.message_id) > (:carried_customer::bigint, :carried_message::uuid)
    order by n.customer_id, n.message_id limit :batch::integer
)
delete from campaign_decision_message d using next
where d.decision_id = :decision_id and d.customer_id = next.customer_id and d.message_id = next.message_id
returning d.customer_id, d.message_id, d.status;

-- name: advance_decision$
-- Notes that a batch of a decision was carried out, up to this message; returns whether that was the last.
update campaign_decision d
set done = d.done + :done, skipped = d.skipped + :skipped, carried_customer = :carried_customer,
    carried_message = :carried_message,
    finished_at = case when d.done + :done + d.skipped + :skipped = d.recipients then now() end
where d.id = :decision_id
returning d.finished_at is not null;
