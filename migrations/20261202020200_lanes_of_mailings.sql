-- migrate:up

-- A lane a mailing; troubles by mailing; what a campaign says of itself, without what its mailings say now.

alter table lane drop constraint lane_campaign_id_key;
alter table lane add column mailing_id integer unique references mailing on delete cascade;
update lane l set mailing_id = k.id from mailing k where k.campaign_id = l.campaign_id;
alter table lane add constraint lane_of_a_mailing check ((mailing_id is null) = (campaign_id is null));
create index lane_of_campaign on lane (campaign_id) where campaign_id is not null;

alter table message_trouble add column mailing_id integer;
update message_trouble t set mailing_id = k.id from mailing k where k.campaign_id = t.campaign_id;
drop index message_trouble_of_campaign;
alter table message_trouble drop column campaign_id;
create index message_trouble_of_mailing on message_trouble (mailing_id, status, customer_id)
    where mailing_id is not null;

drop function note_trouble(bigint, uuid, smallint, email_status, cause, uuid, text);
create function note_trouble(of_customer bigint, of_message uuid, of_recipient smallint, now_is email_status,
                             now_because cause, of_mailing integer, address text)
returns void language plpgsql as $$
begin
    if now_is not in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED') then
        delete from message_trouble t
        where t.customer_id = of_customer and t.message_id = of_message and t.recipient_no = of_recipient;
        return;
    end if;
    insert into message_trouble (customer_id, message_id, recipient_no, status, cause, mailing_id, held_for)
    values (of_customer, of_message, of_recipient, now_is, now_because, of_mailing,
            case when now_is = 'HELD' and now_because = 'SUPPRESSED' then lower(address) end)
    on conflict (customer_id, message_id, recipient_no) do update
    set status = excluded.status, cause = excluded.cause, held_for = excluded.held_for;
end $$;
create or replace function note_message_trouble() returns trigger language plpgsql as $$
begin
    if not new.internal then
        perform note_trouble(new.customer_id, new.id, 0::smallint, new.status, new.cause, new.mailing_id,
                             new.recipient);
    end if;
    return null;
end $$;

alter table campaign
    drop column template_version_id,
    drop column audience_size,
    drop column opted_out,
    drop column expanded_to,
    add column repeat event_repeat,
    add column archived_at timestamptz,
    add column paused_at timestamptz,
    add column paused_why text;
update campaign c set repeat = 'ONCE_A_DAY' where c.kind = 'EVENT_BASED';
update campaign c
set paused_at = coalesce(l.paused_at, now()), paused_why = coalesce(l.paused_why, 'Paused.')
from campaign p left join lane l on l.campaign_id = p.id
where p.id = c.id and c.status = 'PAUSED';
alter table campaign
    add constraint campaign_says_why_it_is_paused
        check ((status = 'PAUSED') = (paused_at is not null) and (paused_at is null) = (paused_why is null)),
    add constraint campaign_repeats_for_events check ((kind = 'EVENT_BASED') = (repeat is not null)),
    add constraint campaign_is_over_before_it_is_archived
        check (archived_at is null or status in ('FINISHED', 'CANCELLED'));
drop index campaign_running;
create index campaign_under_way on campaign (id) where status in ('RUNNING', 'PAUSED');

-- How many recipients a campaign's mailings have: as frozen, those left out among them; before that, as named.
create function audience_size(of_campaign uuid) returns bigint language sql stable parallel safe as $$
    select coalesce(sum(case when g.frozen_at is not null or g.status = 'CANCELLED' then g.recipients + g.left_out
                             else (select count(*) from campaign_customer n where n.campaign_id = of_campaign) end), 0)
    from mailing g where g.campaign_id = of_campaign
$$;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
