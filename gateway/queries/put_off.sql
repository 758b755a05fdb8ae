-- Work that failed for a reason of its own: other work goes first for a while.

-- name: put_off$
-- Has this work wait, twice as long as the last time, up to :longest; returns until when. The error's type is kept,
-- never its words, which may hold people's data.
insert into put_off as p (work, id, until, error)
values (:work, :id::bigint, clock_timestamp() + :first::interval, :error)
on conflict (work, id) do update
set failures = least(p.failures + 1, 100), error = excluded.error,
    until = clock_timestamp() + least(:first::interval * power(2, least(p.failures, 20)), :longest::interval)
returning until;

-- name: forget_put_off!
-- Notes that this work has succeeded.
delete from put_off where work = :work and id = :id::bigint;
