-- migrate:up

-- Access to the API and the page: tokens, login links, sessions (written by `service`), and the keys that make a
-- repeated request return its first result (written by `gateway`).

create table api_token (
    id uuid primary key default uuidv7(),
    name text not null unique check (length(name) between 1 and 100),
    token_sha256 bytea not null unique check (length(token_sha256) = 32),
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);

create table login_link (
    link_sha256 bytea primary key check (length(link_sha256) = 32),
    name text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);

create table session (
    session_sha256 bytea primary key check (length(session_sha256) = 32),
    csrf_sha256 bytea not null check (length(csrf_sha256) = 32),
    name text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);

-- One namespace for all keys; a repeat returns the first result, other content under the same key is refused.
create table idempotency_key (
    key text primary key check (length(key) between 1 and 255),
    input_sha256 bytea not null check (length(input_sha256) = 32),
    customer_id bigint,
    message_id uuid,
    campaign_id uuid references campaign on delete cascade,
    created_at timestamptz not null default now(),
    foreign key (customer_id, message_id) references message on delete cascade,
    check ((message_id is null) <> (campaign_id is null)),
    check ((customer_id is null) = (message_id is null))
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
