-- migrate:up

-- What a dynamic list's criteria found when they were last evaluated. Evaluating reads many customers, so lists are
-- counted one after the other by a background job, and a page of lists only reads these columns.
create type count_precision as enum ('EXACT', 'AT_LEAST', 'ESTIMATE');

alter table customer_list
    add column member_count bigint check (member_count >= 0),
    add column count_precision count_precision,
    add column counted_at timestamptz,
    -- When the job counts it again; also past a count that took too long.
    add column recount_at timestamptz,
    add constraint customer_list_is_counted_whole check (num_nulls(member_count, count_precision, counted_at) in (0, 3)),
    add constraint customer_list_counts_dynamic_ones check (kind = 'DYNAMIC' or num_nonnulls(counted_at, recount_at) = 0);

-- The members of a fixed list, the newest first.
create index list_member_newest on list_member (list_id, added_at, customer_id);

-- A value of a customer's own as an instant: RFC 3339 in a text, a date or a time without offset in UTC; null for
-- every other value. Stable: a cast to timestamptz is.
create function attribute_time(given jsonb) returns timestamptz
    language sql stable parallel safe
    return case
        when jsonb_typeof(given) <> 'string'
          or (given #>> '{}') !~ '^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:?\d{2})?)?$'
          or not pg_input_is_valid(given #>> '{}', 'timestamptz') then null
        when (given #>> '{}') ~ '^.{10}[Tt ].*([Zz]|[+-]\d{2}:?\d{2})$' then (given #>> '{}')::timestamptz
        else (given #>> '{}')::timestamp at time zone 'UTC'
    end;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
