-- migrate:up

-- The smallest UUIDv7 of a moment: finds hits by time through keys that end in an id.
create function uuid_at(moment timestamptz) returns uuid language sql immutable strict parallel safe as $$
    select (lpad(to_hex(greatest(floor(extract(epoch from moment) * 1000), 0)::bigint), 12, '0')
            || '00000000000000000000')::uuid
$$;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
