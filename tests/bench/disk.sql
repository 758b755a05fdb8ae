-- name: refs
-- Messages that were sent, oldest first.
select m.customer_id, m.id from message m where m.direction = 'SENT' order by m.id limit :limit;

-- name: undone$
-- Whether anything of the mail is still to be done: sent, decided, or made findable.
select exists (select from outbox) or exists (select from message_change)
    or exists (select from mailing g where g.status not in ('FINISHED', 'CANCELLED'))
    or not exists (select from message);

-- name: sizes
-- The octets of each table with its indexes and long values; not of those whose rows end with the work, and whose room is
-- used again.
select c.relname as name, pg_total_relation_size(c.oid) as octets
from pg_class c
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
      and c.relname not in ('outbox', 'message_change', 'mailing_changed', 'gateway_minute_lane')
order by 1;
