-- migrate:up

-- The baseline of the first release: this check, then six topics in the order in which they refer to each other
-- (customers, content, campaigns, queue, history, access). Migrations only go forward from here on: a released file is
-- never edited or removed, and every change of the schema is a new file.

-- Before anything is made: an older server would fail somewhere in the middle, with an error that says nothing of it.
do $$
begin
    if current_setting('server_version_num')::integer < 180000 then
        raise exception 'PostgreSQL 18 or newer is needed, this is %: upgrade it, or name another in DATABASE_URL',
            current_setting('server_version');
    end if;
end
$$;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
