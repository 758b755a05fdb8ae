-- The database's own state.

-- name: predates_baseline$
-- Whether a migration older than the baseline of the first release was applied here.
select exists (select from schema_migrations m where m.version < :baseline);
