-- migrate:up

-- Before anything is made: an older server fails somewhere in the middle, in words that nobody understands.
do $$
begin
    if current_setting('server_version_num')::integer < 180000 then
        raise exception 'PostgreSQL 18 or newer is needed, this is %: upgrade it, or name another in DATABASE_URL',
            current_setting('server_version');
    end if;
end
$$;

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
