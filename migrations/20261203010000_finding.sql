-- migrate:up

-- Mail is found across customers by narrow rows that a job keeps, a second or two behind the ledger: the ledger's own
-- tables are customer-first, and no index of `message` may hold what sending changes.

create extension if not exists btree_gin;

-- Messages that changed, or came, in one statement each; the job deletes what it has read. Several statements may name
-- a message, in any order: the job reads the ledger's present state.
create table message_change (
    id bigint generated always as identity primary key,
    noted_at timestamptz not null default clock_timestamp(),
    customer_ids bigint[] not null,
    message_ids uuid[] not null,
    check (cardinality(customer_ids) = cardinality(message_ids) and cardinality(message_ids) > 0)
);

-- 1000 a row: the job takes whole rows.
create function note_made_messages() returns trigger language plpgsql as $$
begin
    insert into message_change (customer_ids, message_ids)
    select array_agg(c.customer_id), array_agg(c.id)
    from (select n.customer_id, n.id, (row_number() over () - 1) / 1000 as part
          from changed n
          -- Campaign mail comes with its first answer: until then its campaign lists it.
          where not n.internal and not (n.campaign_id is not null and n.status = 'QUEUED')) c
    group by c.part;
    return null;
end $$;
create function note_changed_messages() returns trigger language plpgsql as $$
begin
    insert into message_change (customer_ids, message_ids)
    select array_agg(c.customer_id), array_agg(c.id)
    from (select n.customer_id, n.id, (row_number() over () - 1) / 1000 as part
          from changed n where not n.internal) c
    group by c.part;
    return null;
end $$;
create trigger messages_made after insert on message
    referencing new table as changed for each statement execute function note_made_messages();
create trigger messages_changed after update on message
    referencing new table as changed for each statement execute function note_changed_messages();

-- Names of domains, relays and sender profiles, by small numbers: a row of millions holds four bytes.
create table search_name (
    no integer generated always as identity primary key,
    kind text not null check (kind in ('DOMAIN', 'RELAY', 'SENDER')),
    name text not null,
    unique (kind, name)
);

-- Slice k holds the messages whose ids lie in [first_id(k), first_id(k+1)): words are looked up slice by slice, the
-- newest first, so that a page costs no more than what it shows. The newest is closed after some 65,000 rows.
create table search_slice (
    no integer generated always as identity primary key,
    first_id uuid not null unique,
    rows integer not null default 0
);
insert into search_slice (first_id) values ('00000000-0000-0000-0000-000000000000');

-- A row for every message but campaign mail without an answer, and internal mail.
create table message_search (
    id uuid primary key,
    customer_id bigint not null,
    slice integer not null,
    mailing_id integer,
    -- Of the other side's address, or of that alone: the first eight bytes of its key.
    domain_no integer,
    address_hash bigint,
    -- The profile it was sent as, in any version.
    sender_no integer,
    -- The relay of the last attempt.
    relay_no integer,
    source_type source_type,
    direction direction not null,
    -- QUEUED, too, while it is handed off or deferred.
    status email_status not null,
    cause cause,
    tracked boolean not null,
    -- By a person, as far as anybody can tell.
    opened boolean not null default false,
    clicked boolean not null default false,
    complained boolean not null default false,
    -- Attempts of the customer's own copy that were put off.
    deferrals smallint not null default 0,
    -- Milliseconds from when it was to go out to its acceptance; null where nobody accepted it.
    took_ms bigint,
    -- Words of individual and received mail, and of what was not simply accepted; null for other campaign mail, which
    -- is found by its mailing.
    words tsvector
) with (fillfactor = 90);
create index message_search_of_mailing on message_search (mailing_id, id) where mailing_id is not null;
create index message_search_of_domain on message_search (domain_no, id);
create index message_search_of_address on message_search (address_hash, id);
create index message_search_of_status on message_search (status, id) where status <> 'ACCEPTED';
create index message_search_of_cause on message_search (cause, id) where cause is not null;
create index message_search_of_source on message_search (source_type, id) where source_type <> 'CAMPAIGN';
create index message_search_received on message_search (id) where direction = 'RECEIVED';
create index message_search_clicked on message_search (id) where clicked;
create index message_search_words on message_search using gin (slice, mailing_id, domain_no, sender_no, words)
    with (fastupdate = on);

-- How far the mail from before this table has come into it: the keys up to these. Gone when all of it has.
create table search_backfill (
    customer_id bigint not null,
    message_id uuid not null
);
insert into search_backfill (customer_id, message_id)
select 0, '00000000-0000-0000-0000-000000000000' where exists (select from message);

-- The newest mail of each customer.
create table customer_latest (
    customer_id bigint primary key references customer,
    message_id uuid not null
) with (fillfactor = 70);
create index customer_latest_by_mail on customer_latest (message_id, customer_id);

-- The number of the work order or the invoice that a letter is about.
alter table message add column reference text;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
