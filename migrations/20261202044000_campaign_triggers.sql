-- migrate:up

-- What happened to customers that an event-based campaign was told of: once a day, or once ever, as `occurrence` says.
create table campaign_trigger (
    campaign_id uuid not null references campaign on delete cascade,
    customer_id bigint not null references customer,
    -- The customer's day, or the same for ever.
    occurrence text not null check (length(occurrence) between 1 and 32),
    event text not null check (length(event) between 1 and 255),
    -- The caller's: the same one again finds this row.
    idempotency_key text not null unique,
    actor text not null,
    triggered_at timestamptz not null default now(),
    primary key (campaign_id, customer_id, occurrence)
);

-- Recipients of events whose message is still to be made: it is made shortly before it is due.
create table triggered_recipient (
    mailing_id integer not null references mailing on delete cascade,
    due_at timestamptz not null,
    customer_id bigint not null,
    occurrence text not null,
    primary key (mailing_id, due_at, customer_id, occurrence)
);

-- Recipients of events, beside those of its audience.
alter table mailing add column events integer not null default 0 check (events >= 0);

-- How many recipients a campaign's mailings have: as frozen, those left out among them, or before that, as named; and of
-- events so far.
create or replace function audience_size(of_campaign uuid) returns bigint language sql stable parallel safe as $$
    select coalesce(sum(g.events + case when g.frozen_at is not null or g.status = 'CANCELLED'
                                        then g.recipients + g.left_out
                                        else (select count(*) from campaign_customer n
                                              where n.campaign_id = of_campaign) end), 0)
    from mailing g where g.campaign_id = of_campaign
$$;

alter type event_kind add value 'TRIGGERED';

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
