-- migrate:up

-- Mailings mailed to addresses of our own before they are sent. Each is an internal message beside some customer; what
-- came of it stands there. Counted against a day's limit.
create table test_email (
    customer_id bigint not null,
    message_id uuid not null,
    mailing_id integer not null references mailing on delete cascade,
    -- The first message of the call that asked for it; `place` is its address's among those of the call.
    first_message_id uuid not null,
    place smallint not null check (place between 0 and 4),
    actor text not null,
    created_at timestamptz not null default now(),
    primary key (customer_id, message_id),
    foreign key (customer_id, message_id) references message on delete cascade
);
create index test_email_by_call on test_email (first_message_id);
create index test_email_by_time on test_email (created_at);
create index test_email_of_mailing on test_email (mailing_id);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
