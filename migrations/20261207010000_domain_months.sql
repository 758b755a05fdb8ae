-- migrate:up

-- The same by month: a year of 30,000 domains is millions of rows by day. A job adds each day to its month two days
-- later, when most of what becomes of its mail is in it; what becomes of it then goes into both (the trigger below).
create table domain_month_statistics (
    month date not null,
    domain_no integer,
    cause cause,
    sent integer not null,
    accepted integer not null,
    deferred integer not null,
    refused integer not null,
    bounced integer not null,
    complained integer not null,
    opened integer not null,
    clicked integer not null,
    received integer not null,
    times bigint[] not null,
    unique nulls not distinct (month, domain_no, cause)
) with (fillfactor = 70);

-- How far days are in their months, in one row: all days before `day`, and of this one the domains before `domain_no`.
-- Mail of no known domain counts as 0.
create table domain_month_progress (
    only_row boolean primary key default true check (only_row),
    day date not null,
    domain_no integer not null
);
insert into domain_month_progress (day, domain_no) values ('2000-01-01', 0);

-- What a change of a day's row adds to its month, once that day is in it. Times that are gone are added below zero.
create function add_to_domain_month() returns trigger language plpgsql as $$
begin
    if not exists (select from domain_month_progress p
                   where (new.day, coalesce(new.domain_no, 0)) < (p.day, p.domain_no)) then
        return null;
    end if;
    insert into domain_month_statistics as m (month, domain_no, cause, sent, accepted, deferred, refused, bounced,
                                              complained, opened, clicked, received, times)
    values (date_trunc('month', new.day)::date, new.domain_no, new.cause, new.sent - coalesce(old.sent, 0),
            new.accepted - coalesce(old.accepted, 0), new.deferred - coalesce(old.deferred, 0),
            new.refused - coalesce(old.refused, 0), new.bounced - coalesce(old.bounced, 0),
            new.complained - coalesce(old.complained, 0), new.opened - coalesce(old.opened, 0),
            new.clicked - coalesce(old.clicked, 0), new.received - coalesce(old.received, 0),
            case when old.times is null then new.times
                 when old.times = new.times then '{}'
                 else add_up_times(new.times || array(select -(c >> 8) * 256 + (c & 255) from unnest(old.times) u (c)))
            end)
    on conflict (month, domain_no, cause) do update
    set sent = m.sent + excluded.sent, accepted = m.accepted + excluded.accepted,
        deferred = m.deferred + excluded.deferred, refused = m.refused + excluded.refused,
        bounced = m.bounced + excluded.bounced, complained = m.complained + excluded.complained,
        opened = m.opened + excluded.opened, clicked = m.clicked + excluded.clicked,
        received = m.received + excluded.received, times = with_times(m.times, excluded.times);
    return null;
end $$;

-- Today's mail, which is nearly all that is booked, is not asked about.
create trigger add_to_domain_month after insert or update on domain_statistics
    for each row when (new.day < (now() at time zone 'UTC')::date)
    execute function add_to_domain_month();

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
