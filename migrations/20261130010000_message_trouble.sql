-- migrate:up

-- What a person may have to look at: a row for each recipient that is uncertain, refused, held, expired or bounced, few
-- of many. It takes the place of indexes of `message` and `copy` that held their status, with which no update of a
-- message stayed within its page.
create table message_trouble (
    customer_id bigint not null,
    message_id uuid not null,
    -- 0 is the message's To, the others are its copies.
    recipient_no smallint not null,
    status email_status not null check (status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED')),
    cause cause,
    campaign_id uuid,
    -- The address in lower case where the recipient is held because that is suppressed; otherwise null.
    held_for text check (held_for is null or (status = 'HELD' and cause = 'SUPPRESSED')),
    primary key (customer_id, message_id, recipient_no),
    foreign key (customer_id, message_id) references message on delete cascade
);
-- The cause is that of `needs_attention` in service/queries/customer.sql.
create index message_trouble_needs_attention on message_trouble (customer_id)
    where recipient_no = 0 and cause is distinct from 'OPTED_OUT';
create index message_trouble_held_for on message_trouble (held_for) where held_for is not null;
create index message_trouble_of_campaign on message_trouble (campaign_id, status, customer_id)
    where campaign_id is not null;

-- Written by triggers, not by the statements that change a status: so it is right whatever writes, a process of the
-- version before among it, which runs on during an update. Mail that is accepted only evaluates their conditions.
create function note_trouble(of_customer bigint, of_message uuid, of_recipient smallint, now_is email_status,
                             now_because cause, of_campaign uuid, address text)
returns void language plpgsql as $$
begin
    if now_is not in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED') then
        delete from message_trouble t
        where t.customer_id = of_customer and t.message_id = of_message and t.recipient_no = of_recipient;
        return;
    end if;
    insert into message_trouble (customer_id, message_id, recipient_no, status, cause, campaign_id, held_for)
    values (of_customer, of_message, of_recipient, now_is, now_because, of_campaign,
            case when now_is = 'HELD' and now_because = 'SUPPRESSED' then lower(address) end)
    on conflict (customer_id, message_id, recipient_no) do update
    set status = excluded.status, cause = excluded.cause, held_for = excluded.held_for;
end $$;

create function note_message_trouble() returns trigger language plpgsql as $$
begin
    perform note_trouble(new.customer_id, new.id, 0::smallint, new.status, new.cause, new.campaign_id, new.recipient);
    return null;
end $$;

create function note_copy_trouble() returns trigger language plpgsql as $$
begin
    perform note_trouble(new.customer_id, new.message_id, new.recipient_no, new.status, new.cause, null, new.address);
    return null;
end $$;

create trigger message_made_in_trouble after insert on message for each row
    when (new.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED'))
    execute function note_message_trouble();
create trigger message_trouble_changed after update of status, cause, recipient on message for each row
    when (new.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED')
          or old.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED'))
    execute function note_message_trouble();
create trigger copy_made_in_trouble after insert on copy for each row
    when (new.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED'))
    execute function note_copy_trouble();
create trigger copy_trouble_changed after update of status, cause, address on copy for each row
    when (new.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED')
          or old.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED'))
    execute function note_copy_trouble();

insert into message_trouble (customer_id, message_id, recipient_no, status, cause, campaign_id, held_for)
select m.customer_id, m.id, 0, m.status, m.cause, m.campaign_id,
       case when m.status = 'HELD' and m.cause = 'SUPPRESSED' then lower(m.recipient) end
from message m where m.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED')
union all
select c.customer_id, c.message_id, c.recipient_no, c.status, c.cause, null,
       case when c.status = 'HELD' and c.cause = 'SUPPRESSED' then lower(c.address) end
from copy c where c.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED');

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
