-- migrate:up

-- What mail is made of: stored bytes, attachments, senders, templates, calendar events.

create type source_type as enum ('CAMPAIGN', 'WORK_ORDER', 'E_SIGNATURE', 'CARD_PROCESSING');

-- Bytes by their SHA-256: composed individual mail, attachments, received mail. `zlib` when that is smaller.
create table content (
    sha256 bytea primary key check (length(sha256) = 32),
    size bigint not null check (size >= 0),
    encoding text not null check (encoding in ('identity', 'zlib')),
    bytes bytea not null,
    created_at timestamptz not null default now()
);
alter table content alter column bytes set storage external;

create table attachment (
    id uuid primary key default uuidv7(),
    sha256 bytea not null references content,
    name text not null check (length(name) between 1 and 255),
    media_type text not null check (length(media_type) <= 255),
    size bigint not null check (size between 0 and 26214400),
    uploaded_by text not null,
    created_at timestamptz not null default now(),
    referenced_at timestamptz
);
create index attachment_unreferenced on attachment (created_at) where referenced_at is null;

create table sender (
    id uuid primary key default uuidv7(),
    -- 'default' is the sender made of DEFAULT_FROM.
    name text not null unique check (length(name) between 1 and 255),
    created_at timestamptz not null default now()
);

create table sender_version (
    id uuid primary key default uuidv7(),
    sender_id uuid not null references sender,
    number integer not null check (number >= 1),
    from_name text check (length(from_name) <= 255),
    from_address text not null check (length(from_address) between 3 and 320),
    reply_to text check (length(reply_to) <= 320),
    signature text check (length(signature) <= 2000),
    postal_address text check (length(postal_address) <= 500),
    locale text not null default 'en',
    time_zone text not null default 'UTC',
    created_at timestamptz not null default now(),
    unique (sender_id, number)
);

create table template (
    id uuid primary key default uuidv7(),
    name text not null unique check (length(name) between 1 and 255),
    source_type source_type not null,
    created_at timestamptz not null default now()
);

create table template_version (
    id uuid primary key default uuidv7(),
    template_id uuid not null references template,
    number integer not null check (number >= 1),
    locale text not null default 'en',
    subject text not null check (length(subject) between 1 and 998),
    -- What the author wrote (MJML or HTML, and text), and what publishing compiled it to, once.
    source jsonb not null,
    compiled jsonb not null,
    fields text[] not null default '{}',
    links integer not null default 0 check (links between 0 and 1000),
    has_unsubscribe boolean not null,
    preview_subject text not null,
    preview_html text not null,
    preview_text text not null,
    source_sha256 bytea not null check (length(source_sha256) = 32),
    created_at timestamptz not null default now(),
    unique (template_id, number)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% rows are immutable: publish a new version instead', tg_table_name
        using errcode = 'restrict_violation';
end $$;
create trigger template_version_is_immutable before update or delete on template_version
    for each row execute function refuse_change();
create trigger sender_version_is_immutable before update or delete on sender_version
    for each row execute function refuse_change();

-- Letters about one work order share one event in the customer's calendar; the latest of them is the one with the
-- highest SEQUENCE (RFC 5545 3.8.7.4). Two letters of one second must not have the same: it is counted here, one up a
-- letter.
create table work_order (
    customer_id bigint not null references customer,
    number text not null,
    sequence integer not null check (sequence >= 0),
    primary key (customer_id, number)
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
