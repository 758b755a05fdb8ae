-- migrate:up

-- The same by month: a year of 30,000 domains is millions of rows by day. A job adds each day to its month two days
-- later, when most of what becomes of its mail is in it; what becomes of it then goes into both (the triggers below).
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
-- Mail of no known domain counts as 0. `added_at` is when a worker last added some: the next one leaves others its time.
create table domain_month_progress (
    only_row boolean primary key default true check (only_row),
    day date not null,
    domain_no integer not null,
    added_at timestamptz not null
);
insert into domain_month_progress (day, domain_no, added_at) values ('2000-01-01', 0, 'epoch');

-- What days that are in their months already add to these: by progress alone, whatever clocks say.
create function add_new_to_domain_months() returns trigger language plpgsql as $$
begin
    insert into domain_month_statistics as m (month, domain_no, cause, sent, accepted, deferred, refused, bounced,
                                              complained, opened, clicked, received, times)
    select date_trunc('month', n.day)::date, n.domain_no, n.cause, sum(n.sent), sum(n.accepted), sum(n.deferred),
           sum(n.refused), sum(n.bounced), sum(n.complained), sum(n.opened), sum(n.clicked), sum(n.received),
           all_times(n.times)
    from new_days n join domain_month_progress p on (n.day, coalesce(n.domain_no, 0)) < (p.day, p.domain_no)
    group by 1, 2, 3
    on conflict (month, domain_no, cause) do update
    set sent = m.sent + excluded.sent, accepted = m.accepted + excluded.accepted,
        deferred = m.deferred + excluded.deferred, refused = m.refused + excluded.refused,
        bounced = m.bounced + excluded.bounced, complained = m.complained + excluded.complained,
        opened = m.opened + excluded.opened, clicked = m.clicked + excluded.clicked,
        received = m.received + excluded.received, times = with_times(m.times, excluded.times);
    return null;
end $$;

-- The same of rows that change: what they are now, less what they were; times that are gone count below zero.
create function add_changes_to_domain_months() returns trigger language plpgsql as $$
begin
    insert into domain_month_statistics as m (month, domain_no, cause, sent, accepted, deferred, refused, bounced,
                                              complained, opened, clicked, received, times)
    select date_trunc('month', c.day)::date, c.domain_no, c.cause, sum(c.k * c.sent), sum(c.k * c.accepted),
           sum(c.k * c.deferred), sum(c.k * c.refused), sum(c.k * c.bounced), sum(c.k * c.complained),
           sum(c.k * c.opened), sum(c.k * c.clicked), sum(c.k * c.received),
           add_up_times(all_times(case when c.k = 1 then c.times
                                       else array(select -(t >> 8) * 256 + (t & 255) from unnest(c.times) u (t)) end))
    from (select 1 as k, n.day, n.domain_no, n.cause, n.sent, n.accepted, n.deferred, n.refused, n.bounced,
                 n.complained, n.opened, n.clicked, n.received, n.times
          from new_days n
          union all
          select -1, o.day, o.domain_no, o.cause, o.sent, o.accepted, o.deferred, o.refused, o.bounced,
                 o.complained, o.opened, o.clicked, o.received, o.times
          from old_days o) c
    join domain_month_progress p on (c.day, coalesce(c.domain_no, 0)) < (p.day, p.domain_no)
    group by 1, 2, 3
    on conflict (month, domain_no, cause) do update
    set sent = m.sent + excluded.sent, accepted = m.accepted + excluded.accepted,
        deferred = m.deferred + excluded.deferred, refused = m.refused + excluded.refused,
        bounced = m.bounced + excluded.bounced, complained = m.complained + excluded.complained,
        opened = m.opened + excluded.opened, clicked = m.clicked + excluded.clicked,
        received = m.received + excluded.received, times = with_times(m.times, excluded.times);
    return null;
end $$;

create trigger add_new_to_domain_months after insert on domain_statistics
    referencing new table as new_days
    for each statement execute function add_new_to_domain_months();

create trigger add_changes_to_domain_months after update on domain_statistics
    referencing new table as new_days old table as old_days
    for each statement execute function add_changes_to_domain_months();

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
