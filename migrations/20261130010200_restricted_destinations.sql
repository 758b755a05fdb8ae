-- migrate:up

-- Whether anything forbids mail to a destination or counts it: one answer for both ways of claiming. PostgreSQL inlines
-- it.
create function is_restricted(d destination) returns boolean language sql stable parallel safe as $$
    select d.min_interval is not null or d.per_day is not null or d.warm_up_from is not null
        or d.connections is not null or d.pause_step > 0 or coalesce(d.paused_until > now(), false)
        or d.stopped_at is not null
$$;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
