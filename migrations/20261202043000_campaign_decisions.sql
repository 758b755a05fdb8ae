-- migrate:up

-- What a person decided about many recipients of a campaign at once: a job carries it out in batches.

create table campaign_decision (
    id integer generated always as identity primary key,
    campaign_id uuid not null references campaign on delete cascade,
    -- A repeat finds the first result by it.
    idempotency_key text not null unique,
    -- Those of single messages.
    action text not null check (action in ('RETRY', 'RETRY_TO_PRESENT_ADDRESS', 'ASSUME_SENT')),
    actor text not null,
    -- What was so by then; a message that was decided anew since is another matter.
    asked_at timestamptz not null,
    recipients integer not null check (recipients >= 0),
    done integer not null default 0 check (done >= 0),
    -- Decided otherwise meanwhile, or not to be mailed.
    skipped integer not null default 0 check (skipped >= 0),
    -- The last message of the batches that are carried out, in the order of campaign_decision_message.
    carried_customer bigint not null default 0,
    carried_message uuid not null default '00000000-0000-0000-0000-000000000000',
    finished_at timestamptz,
    check ((finished_at is not null) = (done + skipped = recipients))
);
create index campaign_decision_open on campaign_decision (id) where finished_at is null;

-- The messages that decisions still to be carried out are about, with what each was when it was asked. No foreign
-- keys: up to a million rows are written while the caller waits, and deleted by the job.
create table campaign_decision_message (
    decision_id integer not null,
    customer_id bigint not null,
    message_id uuid not null,
    status email_status not null,
    primary key (decision_id, customer_id, message_id)
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
