-- migrate:up

-- Work that failed for a reason of its own waits, longer every time, so that it does not hold up what comes behind it.
-- Gone with the next batch that succeeds.
create table put_off (
    work text not null check (work in ('MAILING', 'DECISION')),
    id bigint not null,
    failures smallint not null default 1,
    until timestamptz not null,
    error text not null,
    primary key (work, id)
);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
