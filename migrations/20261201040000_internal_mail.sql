-- migrate:up

-- Mail to our own staff is no customer's trouble: nobody can retry or dismiss it where that is listed.
create or replace function note_message_trouble() returns trigger language plpgsql as $$
begin
    if not new.internal then
        perform note_trouble(new.customer_id, new.id, 0::smallint, new.status, new.cause, new.campaign_id,
                             new.recipient);
    end if;
    return null;
end $$;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
