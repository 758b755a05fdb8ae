-- migrate:up

-- Reports and complaints that a person gave to a message: what that message was before, so that it can be made that
-- again while nothing else happened. What the assignment wrote elsewhere bears its time.
create table assigned_report (
    inbound_id uuid primary key references inbound_mail on delete cascade,
    customer_id bigint not null,
    message_id uuid not null,
    -- Why the mail was nobody's.
    reason unmatched_reason not null,
    -- now() of the transaction: suppressions and opt-outs that it made have the same.
    assigned_at timestamptz not null default now(),
    -- The message's newest event before; null where it had none.
    after_event uuid,
    -- What each recipient was: an array of {recipient_no, status, sent_at, bounced_at, cause, advice}.
    recipients jsonb not null,
    -- Whether it had a row of message_engagement, and what that said.
    engaged boolean not null,
    unsubscribed boolean not null,
    complained boolean not null,
    foreign key (customer_id, message_id) references message on delete cascade
);
create index assigned_report_of_message on assigned_report (customer_id, message_id);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
