-- The database's own state, and a session's.

-- name: set_session!
-- What a session of ours sets; not when it is opened, where pgbouncer takes few settings. A synchronous_commit of
-- remote_apply, which is more than we ask for, stays.
select set_config(s.name, s.setting, false)
from unnest(:names::text[], :settings::text[]) as s (name, setting)
where s.name <> 'synchronous_commit' or current_setting('synchronous_commit') <> 'remote_apply';

-- name: standing^
-- Whether this server takes writes, and on which timeline, which grows with each promotion; 0 on a standby.
select not s.standby and current_setting('default_transaction_read_only') = 'off' as writable,
       case when s.standby then 0
            else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer end as timeline
from (select pg_is_in_recovery() as standby) s;

-- name: session_mark$
-- What `set_session` set as this session's mark; empty or null when it set none.
select current_setting('customer_emails.session', true);

-- name: predates_baseline$
-- Whether a migration older than the baseline of the first release was applied here.
select exists (select from schema_migrations m where m.version < :baseline);
