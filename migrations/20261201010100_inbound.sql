-- migrate:up

-- Mail that comes back: every received mail as it came, what it was read as, and what it says of the history.

create type inbound_source as enum ('SMTP', 'LMTP', 'HTTP', 'IMAP');
create type inbound_kind as enum ('REPLY', 'BOUNCE', 'COMPLAINT', 'AUTOMATIC');
create type unmatched_reason as enum
    ('NO_TRACE', 'TOKEN_INVALID', 'SEVERAL_CUSTOMERS', 'UNKNOWN_SENDER', 'UNREADABLE');
create type report_action as enum ('FAILED', 'DELAYED', 'DELIVERED', 'RELAYED', 'EXPANDED');
create type author_kind as enum ('CUSTOMER', 'OTHER', 'UNVERIFIED');
-- How a received mail found its message or customer: by a token of ours, by the Message-ID of mail of ours, by a
-- sender's address, or since a person said so.
create type matched_by as enum ('TOKEN', 'MESSAGE_ID', 'ADDRESS', 'PERSON');

create table inbound_mail (
    id uuid primary key default uuidv7(),
    received_at timestamptz not null default now(),
    source inbound_source not null,
    -- MAIL FROM; '' is the null sender, null when its way here does not tell.
    envelope_from text,
    -- RCPT TO in small letters; null when its way here does not tell.
    envelope_to text,
    -- Null once erased.
    content_sha256 bytea references content,
    size bigint not null check (size >= 0),
    -- Null while it waits to be read; the gateway's job reads it, oldest first.
    read_at timestamptz,
    -- Readings that ended with the process or an error; a mail that cannot be read must not hold up the others.
    tries smallint not null default 0 check (tries >= 0),
    kind inbound_kind,
    -- Why it is nobody's; null while it is unread, and once it has a customer.
    unmatched unmatched_reason,
    matched_by matched_by,
    -- The message that it became, or that it reports on.
    customer_id bigint,
    message_id uuid,
    -- What the list of unmatched mail shows; null for mail that has a customer.
    from_address text,
    subject text,
    excerpt text check (length(excerpt) <= 500),
    dismissed_at timestamptz,
    dismissed_by text,
    check ((message_id is null) = (customer_id is null)),
    check ((customer_id is null) = (matched_by is null)),
    check (unmatched is null or customer_id is null),
    check ((kind is null) or (read_at is not null)),
    check ((dismissed_at is null) = (dismissed_by is null))
);
-- The same bytes for the same recipient twice are one mail, for two recipients two.
create unique index inbound_mail_once on inbound_mail (content_sha256, coalesce(envelope_to, ''));
create index inbound_mail_unread on inbound_mail (id) where read_at is null;
create index inbound_mail_unmatched on inbound_mail (id) where unmatched is not null and dismissed_at is null;
create index inbound_mail_of_message on inbound_mail (customer_id, message_id) where customer_id is not null;

-- What a mail system reported of one recipient after the server had taken the mail. Its id is that of the event which
-- stands for it.
create table delivery_report (
    customer_id bigint not null,
    id uuid not null,
    message_id uuid not null,
    recipient_no smallint not null,
    -- The attempt that it is about; null where its token is of a version that did not carry it.
    attempt smallint check (attempt >= 1),
    action report_action not null,
    -- Whether a token of ours, or a person, vouches for it: only then it changes a status or suppresses.
    verified boolean not null,
    matched_by matched_by not null,
    -- As the report has them; all null once erased.
    recipient text,
    status_code text,
    code smallint check (code between 200 and 599),
    words text check (length(words) <= 65536),
    reported_by text,
    host text,
    cause cause,
    advice text,
    rule text,
    inbound_id uuid references inbound_mail on delete set null,
    primary key (customer_id, id),
    foreign key (customer_id, message_id) references message on delete cascade
);
create index delivery_report_of_message on delivery_report (customer_id, message_id, recipient_no, id);

-- What a received message says. The message is of direction RECEIVED; `answers_message_id` there is what it answers.
create table received_mail (
    customer_id bigint not null,
    message_id uuid not null,
    inbound_id uuid references inbound_mail on delete set null,
    from_address text,
    from_name text,
    author author_kind not null,
    -- What was written anew, and the quoted history; '' once erased.
    body text not null check (octet_length(body) <= 262144),
    quoted text,
    cut boolean not null default false,
    automatic boolean not null,
    authentication text,
    -- Files beyond those that message_attachment lists.
    more_attachments integer not null default 0 check (more_attachments >= 0),
    forwarded_at timestamptz,
    -- The internal message, of the same customer, by which it was forwarded to staff.
    forwarded_message_id uuid,
    primary key (customer_id, message_id),
    foreign key (customer_id, message_id) references message on delete cascade,
    check ((forwarded_at is null) = (forwarded_message_id is null))
);
create unique index received_mail_once on received_mail (inbound_id) where inbound_id is not null;

-- A file of received mail is read out of the mail: this is its part's number there. Null for files of ours.
alter table message_attachment add column part integer check (part >= 0);

-- Internal mail goes to our own staff, such as a forwarded reply: it is kept beside the customer whose reply it carries,
-- so that erasure finds it, and stands in no history or count.
alter table message add column internal boolean not null default false;
alter table message drop constraint message_check4;
alter table message add constraint message_has_its_source
    check (direction = 'RECEIVED' or internal
           or (source_type is not null and template_version_id is not null and sender_version_id is not null));
alter table message add constraint message_internal_is_apart
    check (not internal or (direction = 'SENT' and source_type is null and not tracked));

-- Which Reply-To a mail has, and where replies go on to.
alter table sender_version add column track_replies boolean not null default false;
alter table sender_version add column forward_replies_to text check (length(forward_replies_to) between 3 and 320);

-- Such a token may hand in received mail and nothing else.
alter table api_token add column inbound_only boolean not null default false;

-- Where the reading of an IMAP folder stands. UIDs mean something under one UIDVALIDITY only (RFC 3501 2.3.1.1).
create table imap_folder (
    -- host, user and folder, as one text without the password
    name text primary key,
    uid_validity bigint not null,
    last_uid bigint not null
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
