-- migrate:up

-- The history. Customer first: every table is keyed (customer_id, id), so one customer's history is one range of the
-- primary key, read backwards.

create type direction as enum ('SENT', 'RECEIVED');
create type email_status as enum (
    'QUEUED', 'HANDED_OFF', 'DEFERRED', 'ACCEPTED', 'REFUSED', 'UNCERTAIN',
    'HELD', 'CANCELLED', 'EXPIRED', 'BOUNCED', 'RECEIVED');
create type verdict as enum ('ACCEPTED', 'DEFERRED', 'REFUSED', 'UNCERTAIN');
create type cause as enum (
    'BAD_ADDRESS', 'BAD_DOMAIN', 'MAILBOX_FULL', 'INACTIVE', 'POLICY', 'SPAM', 'AUTHENTICATION', 'REPUTATION',
    'SIZE', 'CONTENT', 'GREYLISTED', 'RATE_LIMITED', 'RELAY_TROUBLE', 'DESTINATION_TROUBLE', 'OUR_CONFIGURATION',
    'UNSUPPORTED', 'CONNECTION_LOST', 'TIMEOUT', 'SUPPRESSED', 'OPTED_OUT', 'WRONG_RELAY', 'DEADLINE', 'BY_PERSON',
    'UNKNOWN');
create type copy_role as enum ('CC', 'BCC');
-- RETRIED_ONCE: a deployment may have uncertain mail of a source type sent once more by itself (RETRY_ONCE); it may
-- arrive twice.
create type event_kind as enum (
    'HELD', 'CANCELLED', 'EXPIRED', 'RETRIED', 'ASSUMED_SENT', 'RESCUED', 'UNCERTAIN', 'RELEASED', 'BOUNCED',
    'COMPLAINED', 'SUPPRESSED', 'OPTED_OUT', 'SETTLED', 'RETRIED_ONCE');

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
    recipient text,
    -- Erasure removes a mail's address and leaves its key (the same HMAC as customer_address.address_key), so that the
    -- mail's unsubscribe link goes on working. Null while the address itself is there.
    recipient_key bytea check (length(recipient_key) = 32),
    recipient_name text,
    subject text,
    merge_data jsonb,
    -- Individual mail: its composed bytes. Campaign mail: null, composed again from version and merge data.
    content_sha256 bytea references content,
    -- Of what was handed to the server, without DKIM-Signature.
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
    check ((campaign_id is not null) = (source_type is not distinct from 'CAMPAIGN' and direction = 'SENT')),
    constraint message_keeps_whom_it_went_to
        check (num_nonnulls(recipient, recipient_key) > 0 or direction = 'RECEIVED')
) with (fillfactor = 80);
create unique index message_once_a_campaign on message (campaign_id, customer_id, occurrence)
    where campaign_id is not null;
-- Every page of history reads as many rows as it shows, however much lies between them: campaign mail by the first of
-- these, other mail by direction and source.
create index message_sent_list on message (customer_id, id) where campaign_id is not null;
create index message_by_source on message (customer_id, direction, source_type, id) where campaign_id is null;
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

-- A status as it is shown, without reading the message twice: HANDED_OFF and DEFERRED are states of the outbox row,
-- which is all null once the recipient is decided. PostgreSQL inlines it. Nothing else reads a status.
create function shown_status(decided email_status, waiting uuid, handed_off_at timestamptz, attempt smallint)
returns email_status language sql immutable parallel safe as $$
    select case when waiting is null then decided
                when handed_off_at is not null then 'HANDED_OFF'::email_status
                when attempt > 1 then 'DEFERRED'::email_status
                else 'QUEUED'::email_status end
$$;

create view message_state as
select m.customer_id, m.id, shown_status(m.status, o.message_id, o.handed_off_at, o.attempt) as status,
       o.due_at, o.attempt as next_attempt, o.expires_at, o.lane_id, o.domain
from message m
left join outbox o on o.customer_id = m.customer_id and o.message_id = m.id and o.recipient_no = 0;

create view copy_state as
select c.customer_id, c.message_id, c.recipient_no,
       shown_status(c.status, o.message_id, o.handed_off_at, o.attempt) as status
from copy c
left join outbox o on o.customer_id = c.customer_id and o.message_id = c.message_id
    and o.recipient_no = c.recipient_no;

-- Why an undecided message waits, in plain words, and until when: it may wait for its lane, its destination or a relay.
-- How long a lane stays paused is unknown. Left joins only, so that the planner drops what a query does not read.
create view message_wait as
select o.customer_id, o.message_id as id,
       case when o.lease_until > now() or l.paused_at is not null or relay_opens_at(o.bound_relay) = 'infinity'
                then null
            else greatest(o.due_at, d.paused_until, nullif(relay_opens_at(o.bound_relay), '-infinity')) end
           as next_attempt_at,
       case when o.handed_off_at is not null then 'The mail server''s answer'
            when o.lease_until > now() then 'A free connection'
            when l.paused_at is not null then 'The lane is paused: ' || l.paused_why
            when d.paused_until > now() then 'The destination is paused: ' || d.paused_why
            when relay_opens_at(o.bound_relay) > now() then relay_closed_why(o.bound_relay)
            when o.due_at > now() and o.attempt > 1 and not o.rate_counted then 'The next attempt'
            when o.due_at > now() and o.scheduled then 'Its turn under the destination''s limit'
            when o.attempt > 1 then 'The next attempt'
            else 'Its turn in the lane' end as waits_for
from outbox o
left join lane l on l.id = o.lane_id
left join destination d on d.domain = o.domain
where o.recipient_no = 0;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
