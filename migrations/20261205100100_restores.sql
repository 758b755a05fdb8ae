-- migrate:up

-- Which ledger this is, and how far it has come: gateways count its position up while they run, and remember outside of
-- the ledger what they have seen. One that has seen a position which is not there knows that the ledger went back.
create table ledger (
    only_row boolean primary key default true check (only_row),
    -- Null until a gateway has run; a restored ledger gets another one, and nobody remembers anything of that.
    id uuid,
    position bigint not null default 0,
    noted_at timestamptz not null default '-infinity'
);
insert into ledger default values;

-- Positions of one server without a gap: from the first on, up to the next one's. Two ledgers that were one up to a
-- restore have eras of their own from then on, so that a position of the one is not taken for the other's.
create table ledger_era (
    id uuid primary key default uuidv7(),
    first bigint not null unique,
    begun_at timestamptz not null default now(),
    system_identifier bigint not null,
    timeline integer not null
);

-- The server that this runs on: its identifier, which copies of its files share, and its timeline, which grows with each
-- promotion and each recovery to a moment in the past.
create function ledger_server(out system_identifier bigint, out timeline integer) language sql volatile as $$
    select (pg_control_system()).system_identifier,
           ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
$$;

-- That a person said that the ledger was restored, and what came of it.
create table ledger_restore (
    id integer generated always as identity primary key,
    actor text not null,
    begun_at timestamptz not null default now(),
    finished_at timestamptz,
    -- Who it was until then.
    ledger_id uuid,
    -- Recipients whose mail may have been sent since, and how many of those had no message yet.
    uncertain bigint not null default 0 check (uncertain >= 0),
    made bigint not null default 0 check (made >= 0),
    campaigns_paused integer not null default 0 check (campaigns_paused >= 0),
    retries_called_off integer not null default 0 check (retries_called_off >= 0)
);
create unique index ledger_restore_open on ledger_restore ((true)) where finished_at is null;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
