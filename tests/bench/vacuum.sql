-- What a week of load leaves behind in the tables that are vacuumed by their own settings.

-- name: settings_of_server!
-- A minute of the server is a second here.
alter system set autovacuum_naptime = '1s';

-- name: reload!
select pg_reload_conf();

-- name: tables
-- Tables whose vacuum has settings of its own, but for queues.
select c.relname as name
from pg_class c
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname not in ('outbox', 'message_change')
  and exists (select from unnest(c.reloptions) o where o like 'autovacuum_vacuum_scale_factor=%')
order by 1;

-- name: state
-- Of each table: rows, dead ones, how many of those start a vacuum, octets of rows and of indexes, how often it was
-- vacuumed, and how many transactions its oldest row that is not frozen is old.
select c.relname as name, s.n_live_tup as live, s.n_dead_tup as dead, s.autovacuum_count as vacuums,
       o.threshold + o.scale * greatest(c.reltuples, 0) as starts_at,
       pg_table_size(c.oid) as octets, pg_indexes_size(c.oid) as index_octets, age(c.relfrozenxid) as age
from pg_class c
join pg_stat_user_tables s on s.relid = c.oid
cross join lateral (
    select coalesce(max(v.option_value) filter (where v.option_name = 'autovacuum_vacuum_threshold'),
                    current_setting('autovacuum_vacuum_threshold'))::float8 as threshold,
           coalesce(max(v.option_value) filter (where v.option_name = 'autovacuum_vacuum_scale_factor'),
                    current_setting('autovacuum_vacuum_scale_factor'))::float8 as scale
    from pg_options_to_table(c.reloptions) v
) o
where c.relname = any(:tables::text[])
order by 1;

-- name: newest_messages
-- The mail of a day.
select m.customer_id, m.id from message m where m.direction = 'SENT' order by m.id desc limit :messages::integer;

-- name: is_vacuuming$
-- Whether any worker of autovacuum is at work.
select exists (select from pg_stat_activity where backend_type = 'autovacuum worker' and datname = current_database());
