-- migrate:up

-- Campaigns: what is sent to whom, the counts of what became of it, and the lanes that mail waits in.

create type campaign_kind as enum ('MARKETING', 'EVENT_BASED');
create type campaign_status as enum ('DRAFT', 'RUNNING', 'PAUSED', 'CANCELLED', 'FINISHED');

create table campaign (
    id uuid primary key default uuidv7(),
    title text not null check (length(title) between 1 and 255),
    kind campaign_kind not null,
    status campaign_status not null default 'DRAFT',
    priority smallint not null default 4 check (priority between 1 and 7),
    template_version_id uuid not null references template_version,
    sender_version_id uuid not null references sender_version,
    merge_data jsonb not null default '{}',
    tracked boolean not null default true,
    audience_size integer not null default 0 check (audience_size >= 0),
    opted_out integer not null default 0 check (opted_out >= 0),
    -- Audience rows up to this position have become messages; the next batch starts behind it.
    expanded_to integer not null default 0 check (expanded_to >= 0),
    -- A campaign of the demo leaves only by the relay of this name, like the demo's single mails.
    bound_relay text,
    created_at timestamptz not null default now(),
    launched_at timestamptz,
    finished_at timestamptz,
    check ((status = 'DRAFT') = (launched_at is null)),
    check ((status in ('FINISHED', 'CANCELLED')) = (finished_at is not null))
);
create index campaign_running on campaign (id) where status = 'RUNNING';

create table campaign_audience (
    campaign_id uuid not null references campaign on delete cascade,
    position integer not null check (position >= 1),
    customer_id bigint not null references customer,
    address text,
    merge_data jsonb not null default '{}',
    primary key (campaign_id, position),
    unique (campaign_id, customer_id)
);

-- One counter a status, in 16 shards that are added up when read: workers that count at the same time rarely wait for
-- each other.
create table campaign_tally (
    campaign_id uuid not null references campaign on delete cascade,
    shard smallint not null check (shard between 0 and 15),
    made bigint not null default 0,
    accepted bigint not null default 0,
    refused bigint not null default 0,
    uncertain bigint not null default 0,
    held bigint not null default 0,
    expired bigint not null default 0,
    cancelled bigint not null default 0,
    primary key (campaign_id, shard)
) with (fillfactor = 10);

-- A lane is a queue with its own priority; a campaign is a lane, so pausing it touches one row.
create table lane (
    id integer generated always as identity primary key,
    name text not null unique,
    campaign_id uuid unique references campaign on delete cascade,
    -- Lower is sooner: work orders 10, other individual mail 20, campaigns 100 + their priority.
    priority smallint not null,
    paused_at timestamptz,
    paused_why text,
    check ((paused_at is null) = (paused_why is null))
);
insert into lane (name, priority) values ('work-order', 10), ('individual', 20);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
