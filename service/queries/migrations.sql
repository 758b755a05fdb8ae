-- name: make_migrations_table!
-- The table of the versions that were applied, as dbmate makes it.
create table if not exists schema_migrations (version varchar not null primary key);

-- name: begin_migrating$
-- Whether this session is the only one that migrates now; not waited for, since `create index concurrently` waits for
-- statements that run.
select pg_try_advisory_lock(:key);

-- name: backend_pid$
-- This session's process, also behind a pooler.
select pg_backend_pid();

-- name: note_migration!
-- A migration was applied.
insert into schema_migrations (version) values (:version);

-- name: database_creation$
-- The statement that makes a database.
select format('create database %I', :name::text);

-- name: removals_of_unfinished_indexes
-- Statements that remove what is left of indexes whose concurrent making ended before they were whole.
select format('drop index concurrently %I.%I', n.nspname, c.relname) as removal
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid and c.relname = any(:names::text[])
limit 100;

-- name: lock_holders
-- Who holds the locks that a session waits for: process 0 is a prepared transaction.
select b.pid, coalesce(nullif(a.application_name, ''), a.backend_type) as program, a.client_addr::text as address,
       a.state, a.xact_start as began, extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds
from unnest(pg_blocking_pids(:pid::integer)) as b (pid)
left join pg_stat_activity a on a.pid = b.pid
order by a.xact_start, b.pid
limit 10;

-- name: migrating_sessions
-- Who migrates now.
select l.pid, coalesce(nullif(a.application_name, ''), a.backend_type) as program, a.client_addr::text as address,
       a.state, a.backend_start as began, extract(epoch from clock_timestamp() - a.backend_start)::float8 as seconds
from pg_locks l
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
      and (l.classid::bigint << 32 | l.objid::bigint) = :key::bigint
order by l.pid
limit 10;
