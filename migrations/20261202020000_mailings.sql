-- migrate:up

-- A campaign has mailings, each a template version, a subject and a time, with an audience, a lane and counts of its own.

create type mailing_status as enum ('DRAFT', 'SCHEDULED', 'FREEZING', 'RUNNING', 'FINISHED', 'CANCELLED');
create type left_out_reason as enum
    ('OPTED_OUT', 'SUPPRESSED', 'NO_ADDRESS', 'DUPLICATE_ADDRESS', 'ERASED', 'MERGE_FIELD_MISSING');
create type event_repeat as enum ('ONCE_A_DAY', 'ONCE');

create table mailing (
    id integer generated always as identity primary key,
    campaign_id uuid not null references campaign on delete cascade,
    -- 1 is the first; it stays when another is taken off.
    number smallint not null check (number >= 1),
    status mailing_status not null default 'DRAFT',
    template_version_id uuid not null references template_version,
    -- A subject line of its own; null for the template's.
    subject text check (length(subject) between 1 and 998),
    -- The campaign's values for all recipients, taken over at the launch: what sending reads.
    merge_data jsonb not null default '{}',
    -- When it goes: at a moment, at a local time of each customer's, or so long after the launch or event; else at once.
    send_at timestamptz,
    local_time timestamp,
    after_days integer check (after_days >= 0),
    after_minutes integer check (after_minutes >= 0),
    not_before time,
    -- It leaves out who is known to have opened this one.
    not_opened_mailing_id integer references mailing,
    -- When its first mail is due; of event-based campaigns null.
    due_at timestamptz,
    -- Customers up to this id are in its audience, or left out; the next batch starts behind it.
    frozen_to bigint not null default 0,
    frozen_at timestamptz,
    recipients integer not null default 0 check (recipients >= 0),
    left_out integer not null default 0 check (left_out >= 0),
    -- The last recipient who has a message, in the order of mailing_recipient.
    expanded_due timestamptz not null default '-infinity',
    expanded_to bigint not null default 0,
    expanded integer not null default 0 check (expanded >= 0),
    finished_at timestamptz,
    unique (campaign_id, number),
    check (num_nonnulls(send_at, local_time, after_days) <= 1),
    check ((after_days is null) = (after_minutes is null)),
    check (not_before is null or after_days is not null),
    check ((status in ('FINISHED', 'CANCELLED')) = (finished_at is not null))
);
create index mailing_open on mailing (campaign_id) where status in ('SCHEDULED', 'FREEZING', 'RUNNING');
create index mailing_of_template on mailing (template_version_id);

alter table campaign_audience rename to campaign_customer;
alter table campaign_customer rename constraint campaign_audience_pkey to campaign_customer_pkey;
alter table campaign_customer rename constraint campaign_audience_position_check to campaign_customer_position_check;
alter table campaign_customer
    rename constraint campaign_audience_campaign_id_customer_id_key to campaign_customer_campaign_id_customer_id_key;
alter table campaign_customer rename constraint campaign_audience_campaign_id_fkey to campaign_customer_campaign_id_fkey;
alter table campaign_customer rename constraint campaign_audience_customer_id_fkey to campaign_customer_customer_id_fkey;

-- The lists whose members a campaign is for, and those whose members it leaves out.
create table campaign_list (
    campaign_id uuid not null references campaign on delete cascade,
    list_id integer not null references customer_list on delete cascade,
    excluded boolean not null default false,
    primary key (campaign_id, list_id)
);
create index campaign_list_of_list on campaign_list (list_id);

-- The audience of a mailing, in the order it is sent. Written when it is frozen; of event-based campaigns with the
-- message of each event, which `occurrence` tells apart.
create table mailing_recipient (
    mailing_id integer not null references mailing on delete cascade,
    due_at timestamptz not null,
    customer_id bigint not null references customer,
    occurrence text not null default '',
    -- Null once its customer was erased.
    address text,
    address_key bytea check (length(address_key) = 32),
    merge_data jsonb not null default '{}',
    primary key (mailing_id, due_at, customer_id, occurrence)
);
create unique index mailing_recipient_of_customer on mailing_recipient (customer_id, mailing_id, occurrence);
-- An address gets one mail of a mailing, however many customers have it.
create unique index mailing_recipient_once_an_address on mailing_recipient (mailing_id, address_key)
    where occurrence = '';

-- Who is in the lists and gets no message, with why.
create table mailing_left_out (
    mailing_id integer not null references mailing on delete cascade,
    customer_id bigint not null references customer,
    occurrence text not null default '',
    reason left_out_reason not null,
    primary key (mailing_id, customer_id, occurrence)
);
create index mailing_left_out_of_customer on mailing_left_out (customer_id, mailing_id);

-- One counter a status and a reason, in 16 shards that are added up when read: workers that count at the same time
-- rarely wait for each other. What people did is counted by recipients.
create table mailing_tally (
    mailing_id integer not null references mailing on delete cascade,
    shard smallint not null check (shard between 0 and 15),
    made bigint not null default 0,
    accepted bigint not null default 0,
    refused bigint not null default 0,
    bounced bigint not null default 0,
    uncertain bigint not null default 0,
    held bigint not null default 0,
    expired bigint not null default 0,
    cancelled bigint not null default 0,
    left_out_opted_out bigint not null default 0,
    left_out_suppressed bigint not null default 0,
    left_out_no_address bigint not null default 0,
    left_out_duplicate_address bigint not null default 0,
    left_out_erased bigint not null default 0,
    left_out_merge_field_missing bigint not null default 0,
    primary key (mailing_id, shard)
) with (fillfactor = 10);

create table campaign_event (
    campaign_id uuid not null references campaign on delete cascade,
    id uuid not null default uuidv7(),
    -- The mutation that did it, or what came of itself.
    action text not null check (length(action) between 1 and 100),
    actor text not null,
    detail jsonb not null default '{}',
    primary key (campaign_id, id)
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
