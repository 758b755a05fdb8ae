-- migrate:up

-- Addresses of customers that take no mail, the newest failure first: a row for a customer and an address of its own,
-- kept by the job that keeps `message_search`. It holds no address: who is no customer's any more is in no row.
create table bad_address (
    -- Its id in the API. An address's key is never shown.
    id uuid primary key default uuidv7(),
    customer_id bigint not null references customer on delete cascade,
    address_key bytea not null check (length(address_key) = 32),
    -- The mail that failed last.
    message_id uuid not null,
    failed_at timestamptz not null,
    -- The first failure since the address took mail, or since a person let it go.
    failing_since timestamptz not null,
    cause cause not null,
    unique (customer_id, address_key),
    check (failing_since <= failed_at)
);
create index bad_address_newest on bad_address (failed_at, id);
create index bad_address_of_cause on bad_address (cause, failed_at, id);
create index bad_address_by_key on bad_address (address_key);

-- An address that the customer loses, by whatever writes, takes its row along. At the end of the transaction: an upsert
-- removes all addresses of a customer and writes them anew.
create function forget_bad_address() returns trigger language plpgsql as $$
begin
    delete from bad_address b
    where b.customer_id = old.customer_id and b.address_key = old.address_key
      and not exists (select from customer_address a
                      where a.customer_id = old.customer_id and a.address_key = old.address_key);
    return null;
end $$;
create constraint trigger address_removed after delete on customer_address
    deferrable initially deferred for each row execute function forget_bad_address();
create constraint trigger address_replaced after update of address_key on customer_address
    deferrable initially deferred for each row when (old.address_key <> new.address_key)
    execute function forget_bad_address();

-- Who lifts what stops all mail to an address says that it is right: nothing failed since then.
create function forget_lifted_address() returns trigger language plpgsql as $$
begin
    delete from bad_address b where b.address_key = new.address_key;
    return null;
end $$;
create trigger suppression_lifted after insert on lifted_suppression for each row when (new.scope = 'ALL_MAIL')
    execute function forget_lifted_address();

-- Dismissing a failed mail, or taking that back, says something of its address, and changes no message.
create function note_dismissed_message() returns trigger language plpgsql as $$
begin
    insert into message_change (customer_ids, message_ids) values (array[new.customer_id], array[new.message_id]);
    return null;
end $$;
create trigger message_dismissed after update of dismissed_at on message_trouble for each row
    when (new.recipient_no = 0 and old.status = new.status
          and (old.dismissed_at is null) <> (new.dismissed_at is null))
    execute function note_dismissed_message();

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
