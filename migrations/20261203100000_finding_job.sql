-- migrate:up

-- A queue: rows come and go all day, and each look reads its beginning.
alter table message_change set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000, vacuum_truncate = off
);

-- Messages that the job could not read or write for a reason of their own: they wait, and are tried again, longer every
-- time, so that they hold up no other.
create table search_parked (
    customer_id bigint not null,
    message_id uuid not null,
    failures smallint not null default 1,
    until timestamptz not null,
    -- The error's type; its words may hold people's data.
    error text not null,
    primary key (customer_id, message_id)
);
create index search_parked_until on search_parked (until);

-- A row for every customer with mail, written all day: as in `attempt` and `outbox`, nothing else checks its key.
alter table customer_latest drop constraint customer_latest_customer_id_fkey;

-- What records outcomes of attempts notes them itself, in the same statement: a transition table costs it a third. All
-- else that changes a message is noted by these, row by row, from whichever statement.
drop trigger messages_made on message;
drop trigger messages_changed on message;
drop function note_made_messages();
drop function note_changed_messages();
create function note_message() returns trigger language plpgsql as $$
begin
    insert into message_change (customer_ids, message_ids) values (array[new.customer_id], array[new.id]);
    return null;
end $$;
-- Campaign mail comes with its first answer: until then its campaign lists it.
create trigger message_made after insert on message for each row
    when (not new.internal and not (new.campaign_id is not null and new.status = 'QUEUED'))
    execute function note_message();
-- The outcome of an attempt brings the hash of the mail that was tried.
create trigger message_changed after update on message for each row
    when (not new.internal and not (old.status = 'QUEUED' and new.status <> 'QUEUED'
                                    and new.mail_sha256 is distinct from old.mail_sha256))
    execute function note_message();

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
