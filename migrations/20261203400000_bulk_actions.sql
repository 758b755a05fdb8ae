-- migrate:up

-- What a person had done to many messages at once, by the token of a preview. The request carries it out in batches;
-- where it is cut off, a job goes on.
create table bulk_action (
    id integer generated always as identity primary key,
    -- SHA-256 of the token: a repeat finds the first result by it.
    token_sha256 bytea not null unique check (length(token_sha256) = 32),
    action text not null
        check (action in ('RETRY', 'RETRY_TO_PRESENT_ADDRESS', 'ASSUME_SENT', 'CANCEL', 'DISMISS')),
    actor text not null,
    -- What happened to a message after that, the preview did not show.
    shown_at timestamptz not null,
    asked_at timestamptz not null default now(),
    -- As many as were shown.
    messages integer not null check (messages between 1 and 10000),
    done integer not null default 0 check (done >= 0),
    -- Changed since they were shown, or not matched any more, or not to be mailed.
    skipped integer not null default 0 check (skipped >= 0),
    -- Those that are to be dealt with, in the order of their keys, and what each was when it was shown; emptied at the
    -- end. As many as `dealt_with`, from the first on, are.
    customer_ids bigint[] not null,
    message_ids uuid[] not null,
    statuses email_status[] not null,
    dealt_with integer not null default 0,
    -- The last batch.
    carried_at timestamptz not null default now(),
    finished_at timestamptz,
    check ((finished_at is not null) = (done + skipped = messages)),
    check (cardinality(customer_ids) = cardinality(message_ids) and cardinality(customer_ids) = cardinality(statuses))
);
create index bulk_action_open on bulk_action (id) where finished_at is null;

alter table put_off drop constraint put_off_work_check;
alter table put_off add constraint put_off_work_check check (work in ('MAILING', 'DECISION', 'BULK_ACTION'));

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
