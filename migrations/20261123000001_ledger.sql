-- migrate:up

-- The ledger. Customer first: every history table is keyed (customer_id, id), so one customer's history is one
-- range of the primary key, read backwards. Two writers, never of the same table: `service` writes customer,
-- customer_address, customer_watch, api_token, session and login_link; `gateway` writes every other table.

create extension if not exists pg_trgm;

create type source_type as enum ('CAMPAIGN', 'WORK_ORDER', 'E_SIGNATURE', 'CARD_PROCESSING');
create type direction as enum ('SENT', 'RECEIVED');
create type email_status as enum (
    'QUEUED', 'HANDED_OFF', 'DEFERRED', 'ACCEPTED', 'REFUSED', 'UNCERTAIN',
    'HELD', 'CANCELLED', 'EXPIRED', 'BOUNCED', 'RECEIVED');
create type verdict as enum ('ACCEPTED', 'DEFERRED', 'REFUSED', 'UNCERTAIN');
create type smtp_stage as enum (
    'CONNECT', 'GREETING', 'EHLO', 'STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'CONTENT', 'END_OF_DATA');
create type cause as enum (
    'BAD_ADDRESS', 'BAD_DOMAIN', 'MAILBOX_FULL', 'INACTIVE', 'POLICY', 'SPAM', 'AUTHENTICATION', 'REPUTATION',
    'SIZE', 'CONTENT', 'GREYLISTED', 'RATE_LIMITED', 'RELAY_TROUBLE', 'DESTINATION_TROUBLE', 'OUR_CONFIGURATION',
    'UNSUPPORTED', 'CONNECTION_LOST', 'TIMEOUT', 'SUPPRESSED', 'OPTED_OUT', 'WRONG_RELAY', 'DEADLINE', 'BY_PERSON',
    'UNKNOWN');
create type copy_role as enum ('CC', 'BCC');
create type event_kind as enum (
    'HELD', 'CANCELLED', 'EXPIRED', 'RETRIED', 'ASSUMED_SENT', 'RESCUED', 'UNCERTAIN', 'RELEASED', 'BOUNCED',
    'COMPLAINED', 'SUPPRESSED', 'OPTED_OUT', 'SETTLED');
create type campaign_kind as enum ('MARKETING', 'EVENT_BASED');
create type campaign_status as enum ('DRAFT', 'RUNNING', 'PAUSED', 'CANCELLED', 'FINISHED');
create type hit_kind as enum ('OPEN', 'CLICK');
create type hit_verdict as enum ('HUMAN', 'MACHINE', 'UNKNOWN');
create type hit_reason as enum (
    'PREFETCH_HEADER', 'HEAD_REQUEST', 'EMPTY_AGENT', 'SCANNER_AGENT', 'PRIVACY_PROXY', 'IMAGE_PROXY', 'LINK_BURST',
    'MANY_MESSAGES', 'BEFORE_ANSWER', 'HONEYPOT', 'BROWSER_AGENT', 'UNRECOGNISED_AGENT');
create type opt_out_kind as enum ('MARKETING', 'EVENT_BASED');
create type opt_out_source as enum ('LINK', 'ONE_CLICK', 'STAFF', 'COMPLAINT');
create type suppression_reason as enum ('BAD_ADDRESS', 'COMPLAINT', 'STAFF');
create type relay_event_kind as enum ('PAUSED', 'RESUMED', 'STOPPED', 'CONNECTION', 'TLS', 'LOGIN', 'UNAVAILABLE');

-- Customers (written by service) ---------------------------------------------------------------------------------

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

-- Who looks at a customer's page now: only their changes are notified (one NOTIFY a row would cost half the rate).
create unlogged table customer_watch (
    customer_id bigint not null,
    watcher uuid not null,
    watched_until timestamptz not null,
    primary key (customer_id, watcher)
);

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

-- Content, senders, templates ------------------------------------------------------------------------------------

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
    -- What the author wrote (MJML or HTML, and text), and what publishing made of it once.
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
    raise exception '% rows are immutable: publish a new version instead', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger template_version_is_immutable before update or delete on template_version
    for each row execute function refuse_change();
create trigger sender_version_is_immutable before update or delete on sender_version
    for each row execute function refuse_change();

-- Campaigns and lanes --------------------------------------------------------------------------------------------

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
    -- Audience rows up to here have become messages; the next batch starts behind it.
    expanded_to integer not null default 0 check (expanded_to >= 0),
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

-- A limit is "one every ..."; next_permit_at is when the next may go. Warm-up: the day's cap grows by its step.
create table destination (
    domain text primary key,
    min_interval interval check (min_interval > interval '0'),
    next_permit_at timestamptz,
    per_day integer check (per_day > 0),
    connections smallint check (connections > 0),
    day date,
    day_count integer not null default 0,
    warm_up_from date,
    warm_up_start integer check (warm_up_start > 0),
    warm_up_factor numeric(4, 2) check (warm_up_factor >= 1),
    paused_until timestamptz,
    paused_why text,
    pause_step smallint not null default 0,
    check ((paused_until is null) = (paused_why is null))
);

create table relay (
    name text primary key,
    min_interval interval check (min_interval > interval '0'),
    next_permit_at timestamptz,
    per_day integer check (per_day > 0),
    day date,
    day_count integer not null default 0,
    warm_up_from date,
    warm_up_start integer check (warm_up_start > 0),
    warm_up_factor numeric(4, 2) check (warm_up_factor >= 1),
    paused_until timestamptz,
    paused_why text,
    pause_step smallint not null default 0,
    stopped_at timestamptz,
    stopped_why text,
    seen_at timestamptz,
    check ((paused_until is null) = (paused_why is null)),
    check ((stopped_at is null) = (stopped_why is null))
);

-- 421, connection, TLS and login trouble: events of the relay or destination, never of a message.
create table relay_event (
    id uuid primary key default uuidv7(),
    relay text not null,
    domain text,
    kind relay_event_kind not null,
    stage smtp_stage,
    code smallint,
    response text,
    until timestamptz
);

-- Messages -------------------------------------------------------------------------------------------------------

create table message (
    customer_id bigint not null references customer,
    id uuid not null default uuidv7(),
    direction direction not null default 'SENT',
    source_type source_type,
    -- HANDED_OFF and DEFERRED are states of the outbox row: read `message_state`.
    status email_status not null default 'QUEUED',
    campaign_id uuid references campaign,
    occurrence text not null default '',
    template_version_id uuid references template_version,
    sender_version_id uuid references sender_version,
    -- The letter's kind: CREATED, PROPOSAL, REFUND ...; null for campaigns.
    letter_kind text,
    -- When the mail was put on its way, and its Date header to the second.
    mail_date timestamptz not null default now(),
    decided_at timestamptz,
    sent_at timestamptz,
    bounced_at timestamptz,
    opened_at timestamptz,
    cause cause,
    advice text,
    sender text not null,
    recipient text not null,
    recipient_name text,
    subject text,
    merge_data jsonb,
    -- Individual mail: its composed bytes. Campaign mail: null, composed again from version and merge data.
    content_sha256 bytea references content,
    -- What was handed to the server, without DKIM-Signature.
    mail_sha256 bytea check (length(mail_sha256) = 32),
    composer_version smallint not null default 1,
    token_key_id text,
    tracked boolean not null default false,
    answers_message_id uuid,
    -- Mail of the demo leaves only by the relay of this name.
    bound_relay text,
    primary key (customer_id, id),
    check (status not in ('HANDED_OFF', 'DEFERRED')),
    check ((status = 'RECEIVED') = (direction = 'RECEIVED')),
    check ((status = 'QUEUED') = (decided_at is null)),
    check (status not in ('ACCEPTED', 'BOUNCED') or sent_at is not null),
    check ((status = 'BOUNCED') <= (bounced_at is not null)),
    check (direction = 'RECEIVED' or (source_type is not null and template_version_id is not null
                                      and sender_version_id is not null)),
    check ((campaign_id is not null) = (source_type is not distinct from 'CAMPAIGN' and direction = 'SENT'))
) with (fillfactor = 80);
create unique index message_once_a_campaign on message (campaign_id, customer_id, occurrence)
    where campaign_id is not null;
create index message_sent_list on message (customer_id, id) where campaign_id is not null;
create index message_campaign_trouble on message (campaign_id, status, customer_id)
    where status in ('REFUSED', 'BOUNCED', 'UNCERTAIN', 'HELD', 'EXPIRED') and campaign_id is not null;

-- CC and BCC copies: recipients of their own, with their own outcome. Number 0 is the message's To.
create table copy (
    customer_id bigint not null,
    message_id uuid not null,
    recipient_no smallint not null check (recipient_no between 1 and 100),
    role copy_role not null,
    address text not null,
    name text,
    status email_status not null default 'QUEUED',
    decided_at timestamptz,
    sent_at timestamptz,
    cause cause,
    advice text,
    primary key (customer_id, message_id, recipient_no),
    foreign key (customer_id, message_id) references message on delete cascade,
    check (status not in ('HANDED_OFF', 'DEFERRED', 'RECEIVED')),
    check ((status = 'QUEUED') = (decided_at is null))
);

create table message_attachment (
    customer_id bigint not null,
    message_id uuid not null,
    position smallint not null check (position >= 0),
    name text not null,
    media_type text not null,
    size bigint not null,
    sha256 bytea not null references content,
    primary key (customer_id, message_id, position),
    foreign key (customer_id, message_id) references message on delete cascade
);

-- Pending work, a row a recipient, deleted when decided. The lease columns stay unindexed: updates stay HOT.
create table outbox (
    customer_id bigint not null,
    message_id uuid not null,
    recipient_no smallint not null default 0,
    lane_id integer not null,
    due_at timestamptz not null default now(),
    -- Has a time of its own (a retry, a permit under a limit): such rows are claimed before the backlog.
    scheduled boolean not null default false,
    -- Has already been counted against its destination's limit.
    rate_counted boolean not null default false,
    address text not null,
    address_key bytea not null,
    domain text not null,
    attempt smallint not null default 1 check (attempt >= 1),
    expires_at timestamptz not null,
    lease_owner uuid,
    lease_until timestamptz,
    handed_off_at timestamptz,
    -- Which opt-outs hold it: null for individual mail.
    opt_out_kind opt_out_kind,
    bound_relay text,
    primary key (customer_id, message_id, recipient_no),
    check ((lease_owner is null) = (lease_until is null)),
    check (handed_off_at is null or lease_owner is not null)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
create index outbox_due on outbox (lane_id, scheduled, due_at, message_id);

create table attempt (
    customer_id bigint not null,
    message_id uuid not null,
    recipient_no smallint not null default 0,
    number smallint not null check (number >= 1),
    verdict verdict not null,
    cause cause,
    advice text,
    rule text,
    stage smtp_stage not null,
    code smallint check (code between 200 and 599),
    enhanced text,
    response text,
    relay text not null,
    host text,
    tls text,
    started_at timestamptz not null,
    took_ms integer not null check (took_ms >= 0),
    primary key (customer_id, message_id, recipient_no, number)
);

create table event (
    customer_id bigint not null,
    id uuid not null default uuidv7(),
    message_id uuid not null,
    recipient_no smallint not null default 0,
    kind event_kind not null,
    -- Who: 'gateway', 'customer', or the name of a token or person.
    actor text not null,
    data jsonb not null default '{}',
    primary key (customer_id, id)
);
create index event_of_message on event (customer_id, message_id, id);

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

-- Opens and clicks -----------------------------------------------------------------------------------------------

create table hit (
    customer_id bigint not null,
    id uuid not null default uuidv7(),
    message_id uuid not null,
    kind hit_kind not null,
    -- Raw: never changed.
    occurred_at timestamptz not null default now(),
    link smallint,
    url text,
    origin text,
    agent text,
    head boolean not null default false,
    prefetch boolean not null default false,
    honeypot boolean not null default false,
    -- Judged: may be revised. Version 0 means not judged yet.
    verdict hit_verdict not null default 'UNKNOWN',
    reasons hit_reason[] not null default '{}',
    rules_version smallint not null default 0,
    primary key (customer_id, id),
    check ((kind = 'CLICK') = (url is not null))
);
create index hit_clicks_of_message on hit (customer_id, message_id, id) where kind = 'CLICK';
create index hit_clicks on hit (customer_id, id) where kind = 'CLICK';
create index hit_unjudged on hit (id) where rules_version = 0;
create index hit_origin on hit (origin, id) where origin is not null;

-- Consent --------------------------------------------------------------------------------------------------------

-- A customer's choice, set by staff.
create table opt_out (
    customer_id bigint not null references customer,
    kind opt_out_kind not null,
    opted_out_at timestamptz not null default now(),
    source opt_out_source not null,
    actor text not null,
    primary key (customer_id, kind)
);

-- The choice of whoever reads mail at an address: counts under every customer that has it, and survives erasure.
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

create table suppression (
    address_key bytea primary key check (length(address_key) = 32),
    reason suppression_reason not null,
    since timestamptz not null default now(),
    actor text not null,
    -- The evidence: which message's answer said so. The response itself lies in its attempt.
    customer_id bigint,
    message_id uuid
);

-- The one place where a message's status is read -----------------------------------------------------------------

create view message_state as
select m.customer_id, m.id,
       case when o.message_id is null then m.status
            when o.handed_off_at is not null then 'HANDED_OFF'::email_status
            when o.attempt > 1 then 'DEFERRED'::email_status
            else 'QUEUED'::email_status end as status,
       o.due_at, o.attempt as next_attempt, o.expires_at, o.lane_id, o.domain
from message m
left join outbox o on o.customer_id = m.customer_id and o.message_id = m.id and o.recipient_no = 0;

create view copy_state as
select c.customer_id, c.message_id, c.recipient_no,
       case when o.message_id is null then c.status
            when o.handed_off_at is not null then 'HANDED_OFF'::email_status
            when o.attempt > 1 then 'DEFERRED'::email_status
            else 'QUEUED'::email_status end as status
from copy c
left join outbox o on o.customer_id = c.customer_id and o.message_id = c.message_id
    and o.recipient_no = c.recipient_no;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
