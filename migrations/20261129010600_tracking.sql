-- migrate:up

-- Opens and clicks: each fetch of a pixel or a link, kept raw, and how it was classified.

create type hit_kind as enum ('OPEN', 'CLICK');
create type hit_verdict as enum ('HUMAN', 'MACHINE', 'UNKNOWN');
create type hit_reason as enum (
    'PREFETCH_HEADER', 'HEAD_REQUEST', 'EMPTY_AGENT', 'SCANNER_AGENT', 'PRIVACY_PROXY', 'IMAGE_PROXY', 'LINK_BURST',
    'MANY_MESSAGES', 'BEFORE_ANSWER', 'HONEYPOT', 'BROWSER_AGENT', 'UNRECOGNISED_AGENT');

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
    -- The classification: may be revised. Version 0 means not classified yet.
    verdict hit_verdict not null default 'UNKNOWN',
    reasons hit_reason[] not null default '{}',
    rules_version smallint not null default 0,
    -- For a hit that was classified while its mail had no final response: when to look for one again. Null: never.
    look_again_at timestamptz,
    primary key (customer_id, id),
    check ((kind = 'CLICK') = (url is not null))
);
create index hit_unclassified on hit (id) where rules_version = 0;
create index hit_to_look_at_again on hit (look_again_at) where look_again_at is not null;
create index hit_origin on hit (origin, id) where origin is not null;

-- Every page of clicks reads as many rows as it shows: clicks of people apart from those of machines.
create index hit_clicks on hit (customer_id, id) where kind = 'CLICK';
create index hit_clicks_of_people on hit (customer_id, id) where kind = 'CLICK' and verdict <> 'MACHINE';

-- Clicks of one message by the message first: by the customer first, the planner may take this index for all of a
-- customer's clicks, and sort them, because the average customer has few.
create index hit_clicks_of_message on hit (message_id, customer_id, id) where kind = 'CLICK';

-- What people did with one mail, clicks and opens alike: a page of its clicks, and both counts, are one range each.
create index hit_of_people_in_message on hit (message_id, customer_id, kind, id) where verdict <> 'MACHINE';

-- The smallest UUIDv7 of a moment: finds hits by time through keys that end in an id.
create function uuid_at(moment timestamptz) returns uuid language sql immutable strict parallel safe as $$
    select (lpad(to_hex(greatest(floor(extract(epoch from moment) * 1000), 0)::bigint), 12, '0')
            || '00000000000000000000')::uuid
$$;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
