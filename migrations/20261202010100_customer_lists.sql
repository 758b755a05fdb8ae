-- migrate:up

-- Lists: sets of customers that campaigns are sent to. A fixed list has members, a dynamic one criteria, for life.
create type list_kind as enum ('FIXED', 'DYNAMIC');

create table customer_list (
    id integer generated always as identity primary key,
    name text not null unique check (length(name) between 1 and 255),
    kind list_kind not null,
    -- In the shape of ListCriteriaInput.
    criteria jsonb check (jsonb_typeof(criteria) = 'object'),
    -- Kinds of work-order letters: a customer that is mailed one joins.
    grows_on text[] not null default '{}',
    created_at timestamptz not null default now(),
    actor text not null,
    check ((kind = 'DYNAMIC') = (criteria is not null)),
    check (kind = 'FIXED' or grows_on = '{}')
);

create table list_member (
    list_id integer not null references customer_list on delete cascade,
    customer_id bigint not null references customer,
    added_at timestamptz not null default now(),
    actor text not null,
    primary key (list_id, customer_id)
);
create index list_member_of_customer on list_member (customer_id, list_id);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
