-- The database's own state, and a session's.

-- name: set_session!
-- What a session of ours sets; not when it is opened, where pgbouncer takes few settings.
select set_config(s.name, s.setting, false) from unnest(:names::text[], :settings::text[]) as s (name, setting);

-- name: session_mark$
-- What `set_session` set as this session's mark; empty or null when it set none.
select current_setting('customer_emails.session', true);

-- name: predates_baseline$
-- Whether a migration older than the baseline of the first release was applied here.
select exists (select from schema_migrations m where m.version < :baseline);
