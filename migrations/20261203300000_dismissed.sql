-- migrate:up

-- Since when something waits for a person, and when a person took it off the worklist; its event says who. A new status
-- is a new trouble: it is on the list again.
alter table message_trouble
    add column since timestamptz not null default now(),
    add column dismissed_at timestamptz,
    add constraint message_trouble_uncertain_is_decided check (dismissed_at is null or status <> 'UNCERTAIN');

update message_trouble t set since = coalesce(m.bounced_at, m.decided_at)
from message m
where t.recipient_no = 0 and m.customer_id = t.customer_id and m.id = t.message_id
  and coalesce(m.bounced_at, m.decided_at) is not null;
update message_trouble t set since = c.decided_at
from copy c
where t.recipient_no > 0 and c.customer_id = t.customer_id and c.message_id = t.message_id
  and c.recipient_no = t.recipient_no and c.decided_at is not null;

-- Whether a trouble waits for a person: of the customer's own copy, not dealt with, and no opt-out's, of which nothing is
-- to be done. The one definition; indexes repeat it, since it is expanded wherever it is named.
create function waits_for_person(t message_trouble) returns boolean language sql immutable parallel safe as $$
    select t.recipient_no = 0 and t.cause is distinct from 'OPTED_OUT' and t.dismissed_at is null
$$;

drop index message_trouble_needs_attention;
create index message_trouble_needs_attention on message_trouble (customer_id)
    where recipient_no = 0 and cause is distinct from 'OPTED_OUT' and dismissed_at is null;
-- The longest waiting first. Of campaigns what is uncertain is listed, the rest is counted under them.
create index message_trouble_uncertain on message_trouble (since, message_id)
    where recipient_no = 0 and status = 'UNCERTAIN';
create index message_trouble_held on message_trouble (since, message_id)
    where recipient_no = 0 and cause is distinct from 'OPTED_OUT' and dismissed_at is null and status = 'HELD'
      and mailing_id is null;
-- Without what speaks of the address: those are listed by address.
create index message_trouble_failed on message_trouble (since, message_id)
    where recipient_no = 0 and dismissed_at is null and status in ('REFUSED', 'BOUNCED', 'EXPIRED')
      and mailing_id is null
      and (cause is null or cause not in ('OPTED_OUT', 'BAD_ADDRESS', 'BAD_DOMAIN', 'MAILBOX_FULL', 'INACTIVE'));
-- One entry is read of each mailing: which have failures that a retry can mend (`hopeless` of campaigns/decisions.py).
create index message_trouble_to_mend on message_trouble (mailing_id)
    where mailing_id is not null and recipient_no = 0 and dismissed_at is null and status <> 'UNCERTAIN'
      and (cause is null or cause not in ('OPTED_OUT', 'SUPPRESSED', 'BAD_ADDRESS', 'BAD_DOMAIN'));

-- Received mail that is nobody's, without what was dismissed.
drop index inbound_mail_unmatched;
create index inbound_mail_unmatched on inbound_mail (id) where unmatched is not null and dismissed_at is null;

drop function note_trouble(bigint, uuid, smallint, email_status, cause, integer, text);
create function note_trouble(of_customer bigint, of_message uuid, of_recipient smallint, now_is email_status,
                             now_because cause, of_mailing integer, address text, moment timestamptz)
returns void language plpgsql as $$
begin
    if now_is not in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED') then
        delete from message_trouble t
        where t.customer_id = of_customer and t.message_id = of_message and t.recipient_no = of_recipient;
        return;
    end if;
    insert into message_trouble as t (customer_id, message_id, recipient_no, status, cause, mailing_id, held_for, since)
    values (of_customer, of_message, of_recipient, now_is, now_because, of_mailing,
            case when now_is = 'HELD' and now_because = 'SUPPRESSED' then lower(address) end, coalesce(moment, now()))
    on conflict (customer_id, message_id, recipient_no) do update
    set status = excluded.status, cause = excluded.cause, held_for = excluded.held_for,
        since = case when t.status = excluded.status then t.since else excluded.since end,
        dismissed_at = case when t.status = excluded.status then t.dismissed_at end;
end $$;
create or replace function note_message_trouble() returns trigger language plpgsql as $$
begin
    if not new.internal then
        perform note_trouble(new.customer_id, new.id, 0::smallint, new.status, new.cause, new.mailing_id,
                             new.recipient, coalesce(new.bounced_at, new.decided_at));
    end if;
    return null;
end $$;
create or replace function note_copy_trouble() returns trigger language plpgsql as $$
begin
    perform note_trouble(new.customer_id, new.message_id, new.recipient_no, new.status, new.cause, null, new.address,
                         new.decided_at);
    return null;
end $$;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
