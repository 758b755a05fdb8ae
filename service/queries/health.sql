-- name: applied_migrations
-- The versions that were applied.
select m.version
from schema_migrations m
order by m.version
limit 10000;

-- name: small_sorts$
-- Until this transaction ends, a sort may use so little memory that `write_check` needs the disk.
select set_config('work_mem', '64kB', true);

-- name: write_check$
-- Whether the database takes only reads; fails where its disk is full, for the sort writes some 300 KB to it.
select current_setting('transaction_read_only') = 'on' and count(sorted.number) > 0
from (select made.number, repeat('x', 1000) as filler from generate_series(1, 300) as made(number)
      order by filler, made.number desc) sorted;

-- name: relay_health
-- Each relay: whether a gateway has registered it within a minute, and whether it is paused or stopped.
select r.name, r.seen_at > now() - interval '1 minute' as seen,
       r.stopped_at is not null
           or coalesce(greatest(r.paused_until, r.person_paused_until) > now(), false) as troubled
from relay r
order by r.name
limit 1000;

-- name: inbound_health^
-- Whether mail that comes back is taken: by a process of the gateway, seen within a minute, or by a provider, which has
-- a token for it.
select exists (select from inbound_listener l where l.seen_at > now() - interval '1 minute')
       or exists (select from api_token t where t.inbound_only and t.revoked_at is null) as taken;

-- name: server_position^
-- Where a server is in the write-ahead log: what a standby has replayed, or what a primary has written and on which
-- timeline.
select s.standby,
       case when s.standby then 0
            else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer end as timeline,
       pg_wal_lsn_diff(case when s.standby then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end,
                       '0/0')::bigint as position
from (select pg_is_in_recovery() as standby) s;

-- name: written_position^
-- Up to where everything that is committed has been written.
select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint as position;
