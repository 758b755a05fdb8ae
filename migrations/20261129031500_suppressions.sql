-- migrate:up

-- Suppressions that people set and lift, and what waits for one. A suppression that stands is a row of `suppression`, as
-- before, which sending looks up by the address's key; a lifted one moves to `lifted_suppression` and stays there.

create type suppression_scope as enum ('ALL_MAIL', 'CAMPAIGNS');

alter type event_kind add value 'SUPPRESSION_LIFTED';
alter type event_kind add value 'READDRESSED';

alter table suppression
    -- Its id in the API. An address's key is never shown.
    add column id uuid,
    add column scope suppression_scope not null default 'ALL_MAIL',
    -- In the words of the person who set it; null when the gateway did.
    add column why text check (length(why) between 1 and 500),
    -- As a person typed it; null when the gateway set it: then only customers' addresses tell it.
    add column address text check (length(address) between 3 and 320);
update suppression set id = uuidv7(since - now());
alter table suppression alter column id set default uuidv7(), alter column id set not null;
create unique index suppression_by_id on suppression (id);
create index suppression_address_trigram on suppression using gin (address gin_trgm_ops);

create table lifted_suppression (
    id uuid primary key,
    address_key bytea not null check (length(address_key) = 32),
    reason suppression_reason not null,
    scope suppression_scope not null,
    since timestamptz not null,
    actor text not null,
    why text,
    address text,
    customer_id bigint,
    message_id uuid,
    lifted_at timestamptz not null default now(),
    lifted_by text not null,
    lifted_why text not null check (length(lifted_why) between 1 and 500)
);
create index lifted_suppression_of_address on lifted_suppression (address_key, id);
create index lifted_suppression_address_trigram on lifted_suppression using gin (address gin_trgm_ops);

-- What is held for a suppressed address: few rows of many, so that sending hardly ever writes to these indexes.
create index message_held_for_address on message (lower(recipient)) where status = 'HELD' and cause = 'SUPPRESSED';
create index copy_held_for_address on copy (lower(address)) where status = 'HELD' and cause = 'SUPPRESSED';

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
