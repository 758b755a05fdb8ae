-- The statements of `finding.py`: mail to be found, and the triggers that note it.

-- name: make_letters!
-- Individual mail that was accepted, each with words of its own; with its attempts.
with made as (
    insert into message (customer_id, source_type, status, template_version_id, sender_version_id, decided_at, sent_at,
                         sender, recipient, recipient_name, subject, reference)
    select a.customer_id, 'WORK_ORDER', 'ACCEPTED', :template_version_id, :sender_version_id, now(), now(),
           'Fabrikam <news@fabrikam.com>', a.address, (array['Ann','Bob','Carla','Dana','Émile','Fritz','Greta'])[1 + n % 7]
           || ' ' || initcap(substr(md5((n % 5000)::text), 1, 7)),
           'Your appointment for order WO-' || n || ' on ' || (1 + n % 28) || ' November', 'WO-' || n
    from (select a.customer_id, a.address, row_number() over () + :first::integer as n
          from customer_address a limit :mails::integer) a
    returning customer_id, id
)
insert into attempt (customer_id, message_id, number, verdict, rule, stage, code, enhanced, response, relay, host, tls,
                     started_at, took_ms)
select m.customer_id, m.id, 1, 'ACCEPTED', 'accepted', 'END_OF_DATA', 250, '2.0.0',
       '2.0.0 Ok: queued as ' || upper(substr(md5(m.id::text), 1, 11)), 'main', 'mx.relay.example', 'TLSv1.3', now(), 40
from made m;

-- name: backend_process$
-- The server's process that serves this connection.
select pg_backend_pid();

-- name: note_changes#
-- Messages that change are noted again.
drop trigger if exists note_nothing on message_change;
alter table message enable trigger message_made;
alter table message enable trigger message_changed;

-- name: note_no_changes#
-- The sending path as it would be without notes of changed messages, but for gathering their keys.
create or replace function note_nothing() returns trigger language plpgsql as 'begin return null; end';
create trigger note_nothing before insert on message_change for each row execute function note_nothing();
alter table message disable trigger message_made;
alter table message disable trigger message_changed;

-- name: forget_changes#
-- No notes, as after the job.
truncate message_change;

-- name: note_outcomes!
-- Notes a campaign's messages as their outcomes would have been, group by group.
insert into message_change (customer_ids, message_ids)
select array_agg(m.customer_id), array_agg(m.id)
from (select m.customer_id, m.id, row_number() over (order by m.customer_id) / :messages::integer as number
      from message m where m.campaign_id = :campaign_id) m
group by m.number;

-- name: some_messages
-- The first messages of a campaign.
select m.customer_id, m.id from message m where m.campaign_id = :campaign_id order by m.customer_id limit :messages;

-- name: refuse_messages!
-- Has a server say of these that there is no such mailbox.
update message m set status = 'REFUSED', cause = 'BAD_ADDRESS', sent_at = null, decided_at = clock_timestamp()
from unnest(:customer_ids::bigint[], :ids::uuid[]) as w (customer_id, id)
where m.customer_id = w.customer_id and m.id = w.id;

-- name: note_again!
-- As many messages as one group of outcomes, noted as changed.
insert into message_change (customer_ids, message_ids)
select array_agg(m.customer_id), array_agg(m.id)
from (select m.customer_id, m.id from message m where m.campaign_id = :campaign_id
      order by m.customer_id offset :first::integer limit :messages::integer) m;
