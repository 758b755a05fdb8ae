-- migrate:up

-- What a page of a message's life is read by.
-- A moment as text that sorts as it does: microseconds since 1970.
create function moment_key(at timestamptz) returns text
    language sql stable parallel safe
    return lpad(to_hex((extract(epoch from at) * 1000000)::bigint), 16, '0');

create index hit_of_machines_in_message on hit (message_id, customer_id, id) where verdict = 'MACHINE';

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
