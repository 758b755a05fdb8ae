-- migrate:up

-- Customers, their addresses, and what they chose not to receive.
-- No table has two writers: `service` writes customer, customer_address, customer_watch, api_token, session and
-- login_link; `gateway` writes every other table.

create extension if not exists pg_trgm;

create type opt_out_kind as enum ('MARKETING', 'EVENT_BASED');
create type opt_out_source as enum ('LINK', 'ONE_CLICK', 'STAFF', 'COMPLAINT');
create type suppression_reason as enum ('BAD_ADDRESS', 'COMPLAINT', 'STAFF');

-- Customers (written by `service`) -------------------------------------------------------------------------------

create table customer (
    id bigint generated always as identity primary key,
    external_ref text not null unique check (length(external_ref) between 1 and 255),
    name text check (length(name) <= 500),
    locale text check (length(locale) <= 35),
    time_zone text check (length(time_zone) <= 64),
    created_at timestamptz not null default now(),
    erased_at timestamptz
);
create index customer_name_trigram on customer using gin (name gin_trgm_ops);
create index customer_external_ref_trigram on customer using gin (external_ref gin_trgm_ops);

create table customer_address (
    customer_id bigint not null references customer on delete cascade,
    position smallint not null check (position >= 0),
    address text not null check (length(address) between 3 and 320),
    -- HMAC of the normalised address (gateway.mail.address): joins opt-outs and suppressions without naming anybody.
    address_key bytea not null check (length(address_key) = 32),
    primary key (customer_id, position),
    unique (customer_id, address)
);
create index customer_address_trigram on customer_address using gin (address gin_trgm_ops);
create index customer_address_by_key on customer_address (address_key);

-- Which customers' pages are open now: only their changes are notified (one NOTIFY a row would cost half the rate).
create unlogged table customer_watch (
    customer_id bigint not null,
    watcher uuid not null,
    watched_until timestamptz not null,
    primary key (customer_id, watcher)
);

-- Consent (written by `gateway`) ---------------------------------------------------------------------------------

-- A customer's choice, set by staff.
create table opt_out (
    customer_id bigint not null references customer,
    kind opt_out_kind not null,
    opted_out_at timestamptz not null default now(),
    source opt_out_source not null,
    actor text not null,
    primary key (customer_id, kind)
);

-- The choice of the reader of an address: counts under every customer that has the address, and survives erasure.
create table address_opt_out (
    address_key bytea not null check (length(address_key) = 32),
    kind opt_out_kind not null,
    opted_out_at timestamptz not null default now(),
    source opt_out_source not null,
    actor text not null,
    customer_id bigint,
    message_id uuid,
    primary key (address_key, kind)
);

-- Every change of either, in order: nothing is overwritten.
create table consent_event (
    id uuid primary key default uuidv7(),
    customer_id bigint,
    address_key bytea,
    kind opt_out_kind not null,
    opted_out boolean not null,
    source opt_out_source not null,
    actor text not null,
    message_id uuid
);
create index consent_event_of_customer on consent_event (customer_id, id);

-- Addresses that must not be mailed.
create table suppression (
    address_key bytea primary key check (length(address_key) = 32),
    reason suppression_reason not null,
    since timestamptz not null default now(),
    actor text not null,
    -- The evidence: the message whose response said so. The response itself is in that message's attempt.
    customer_id bigint,
    message_id uuid
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
