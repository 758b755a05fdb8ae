-- name: applied_migrations
-- The versions that dbmate has applied.
select m.version
from schema_migrations m
order by m.version
limit 10000;

-- name: relay_health
-- Each relay: whether a gateway has registered it within a minute, and whether it is paused or stopped.
select r.name, r.seen_at > now() - interval '1 minute' as seen,
       r.stopped_at is not null or coalesce(r.paused_until > now(), false) as troubled
from relay r
order by r.name
limit 1000;
