-- migrate:up

-- What people did with campaign mail, counted by recipients; what of it is clicked; how the counts grew.

alter table mailing_tally
    add column opened bigint not null default 0,
    add column opened_unsure bigint not null default 0,
    add column clicked bigint not null default 0,
    add column machine_only bigint not null default 0,
    add column unsubscribed bigint not null default 0,
    add column complained bigint not null default 0,
    add column replied bigint not null default 0;

-- A row for each campaign message that anything happened to. Who was seen at all is one of the first three.
create table message_engagement (
    mailing_id integer not null,
    customer_id bigint not null,
    message_id uuid not null,
    -- A person opened it, or clicked in it, which says the same.
    opened boolean not null default false,
    -- No person for certain, but perhaps one.
    opened_unsure boolean not null default false,
    machine_only boolean not null default false,
    clicked boolean not null default false,
    unsubscribed boolean not null default false,
    complained boolean not null default false,
    replied boolean not null default false,
    primary key (mailing_id, customer_id, message_id),
    check (opened::integer + opened_unsure::integer + machine_only::integer <= 1),
    check (opened or not clicked)
);
create index message_engagement_clicked on message_engagement (mailing_id, customer_id, message_id) where clicked;

-- Left out for one reason, in the order of a page.
create index mailing_left_out_for on mailing_left_out (mailing_id, reason, customer_id, occurrence);

-- The links of a template version, each with the lowest number that leads to the same place: a picture and a button.
-- Fields stand as their names in braces, so that no recipient's address is shown for all.
create function links_of_version(version uuid) returns table (link smallint, same_link smallint, url text)
language sql stable parallel safe as $$
    with links as (
        select distinct on (number) (p.piece ->> 1)::integer as number, (
            select string_agg(case d.part ->> 0 when 'field' then '{{ ' || (d.part ->> 1) || ' }}' else d.part ->> 1 end,
                              '' order by d.place)
            from jsonb_array_elements(p.piece -> 2) with ordinality as d(part, place)
        ) as url
        from template_version v
        cross join lateral jsonb_array_elements(coalesce(v.compiled -> 'html', '[]') || coalesce(v.compiled -> 'text', '[]'))
            as p(piece)
        where v.id = version and p.piece ->> 0 = 'link' and (p.piece ->> 1)::integer between 1 and 32767
        order by number
    )
    select l.number::smallint, (min(l.number) over (partition by l.url))::smallint, l.url from links l
$$;

-- Clicks by link, machines left out, on the row whose link is its same_link.
create table mailing_link (
    mailing_id integer not null references mailing on delete cascade,
    link smallint not null,
    same_link smallint not null,
    url text not null,
    clicks bigint not null default 0,
    people bigint not null default 0,
    primary key (mailing_id, link)
);

-- The counts of a mailing as they were in a minute: what lies between two of them happened between.
create table mailing_sample (
    mailing_id integer not null references mailing on delete cascade,
    minute timestamptz not null,
    -- Those that came back later among them.
    accepted bigint not null,
    refused bigint not null,
    bounced bigint not null,
    opened bigint not null,
    clicked bigint not null,
    unsubscribed bigint not null,
    -- All of whom sending decided: what a pace is told by.
    decided bigint not null,
    primary key (mailing_id, minute)
);
create index mailing_sample_of_minute on mailing_sample (minute);

-- Which counts changed since they were sampled last, of shards in which no worker counts what it sends: while mail is
-- sent its mailing has a lane, which says as much.
create table mailing_changed (
    mailing_id integer not null,
    shard smallint not null,
    primary key (mailing_id, shard)
);
create function note_changed_mailing() returns trigger language plpgsql as $$
begin
    -- Locks the row, so that a sampling between this statement and its commit leaves it for the next.
    insert into mailing_changed (mailing_id, shard) values (new.mailing_id, new.shard)
    on conflict (mailing_id, shard) do update set shard = excluded.shard;
    return null;
end $$;
create trigger mailing_counts_changed after insert or update on mailing_tally
    for each row when (new.shard in (0, 15)) execute function note_changed_mailing();

-- How many of a lane's rows are handed off. Leased rows stand at the head of the queue: it is read in pieces of 500 up
-- to the first without one.
create function handed_off_in_lane(of_lane integer) returns integer language plpgsql stable as $$
declare
    found integer := 0;
    piece record;
begin
    for part in 0..1 loop
        for number in 0..1000 loop
            select count(h.lease_owner) as leased, count(h.handed_off_at) as handed_off into piece
            from (select o.lease_owner, o.handed_off_at from outbox o
                  where o.lane_id = of_lane and o.scheduled = (part = 1) and o.due_at <= now()
                  order by o.due_at, o.message_id offset number * 500 limit 500) h;
            exit when piece.leased = 0;
            found := found + piece.handed_off;
        end loop;
    end loop;
    return found;
end $$;

-- What happened before this was counted.
insert into message_engagement (mailing_id, customer_id, message_id, opened, opened_unsure, machine_only, clicked,
                                unsubscribed, complained, replied)
select m.mailing_id, m.customer_id, m.id, coalesce(h.human, false), coalesce(h.unknown and not h.human, false),
       coalesce(not h.human and not h.unknown, false), coalesce(h.clicked, false), coalesce(e.unsubscribed, false),
       coalesce(e.complained, false), coalesce(e.replied, false)
from message m
left join (
    select k.customer_id, k.message_id, bool_or(k.verdict = 'HUMAN') as human, bool_or(k.verdict = 'UNKNOWN') as unknown,
           bool_or(k.verdict = 'HUMAN' and k.kind = 'CLICK') as clicked
    from hit k where k.rules_version > 0 group by k.customer_id, k.message_id
) h on h.customer_id = m.customer_id and h.message_id = m.id
left join (
    select k.customer_id, k.message_id, bool_or(k.kind = 'OPTED_OUT') as unsubscribed,
           bool_or(k.kind = 'COMPLAINED' and k.data ->> 'feedbackType' <> 'OPT_OUT') as complained,
           bool_or(k.kind = 'REPLIED' and not coalesce((k.data ->> 'automatic')::boolean, false)) as replied
    from event k where k.kind in ('OPTED_OUT', 'COMPLAINED', 'REPLIED') group by k.customer_id, k.message_id
) e on e.customer_id = m.customer_id and e.message_id = m.id
where m.mailing_id is not null and (h.message_id is not null or e.unsubscribed or e.complained or e.replied);

insert into mailing_tally as t (mailing_id, shard, opened, opened_unsure, clicked, machine_only, unsubscribed,
                                complained, replied)
select e.mailing_id, 15, count(*) filter (where e.opened), count(*) filter (where e.opened_unsure),
       count(*) filter (where e.clicked), count(*) filter (where e.machine_only),
       count(*) filter (where e.unsubscribed), count(*) filter (where e.complained), count(*) filter (where e.replied)
from message_engagement e group by e.mailing_id
on conflict (mailing_id, shard) do update
set opened = excluded.opened, opened_unsure = excluded.opened_unsure, clicked = excluded.clicked,
    machine_only = excluded.machine_only, unsubscribed = excluded.unsubscribed, complained = excluded.complained,
    replied = excluded.replied;

insert into mailing_link (mailing_id, link, same_link, url)
select g.id, l.link, l.same_link, l.url
from mailing g cross join lateral links_of_version(g.template_version_id) l
where exists (select from message_engagement e where e.mailing_id = g.id);
update mailing_link k set clicks = c.clicks, people = c.people
from (
    select l.mailing_id, l.same_link, count(*) as clicks, count(distinct (h.customer_id, h.message_id)) as people
    from hit h
    join message m on m.customer_id = h.customer_id and m.id = h.message_id
    join mailing_link l on l.mailing_id = m.mailing_id and l.link = h.link
    where h.kind = 'CLICK' and h.verdict <> 'MACHINE' and h.rules_version > 0
    group by l.mailing_id, l.same_link
) c
where k.mailing_id = c.mailing_id and k.link = c.same_link;

-- The timelines of mailings of before hold what they came to as one moment.
insert into mailing_sample (mailing_id, minute, accepted, refused, bounced, opened, clicked, unsubscribed, decided)
select g.id, date_trunc('minute', coalesce(g.finished_at, now())), sum(t.accepted) + sum(t.bounced), sum(t.refused),
       sum(t.bounced), sum(t.opened), sum(t.clicked), sum(t.unsubscribed),
       sum(t.accepted) + sum(t.refused) + sum(t.bounced) + sum(t.uncertain) + sum(t.held) + sum(t.expired)
from mailing g join mailing_tally t on t.mailing_id = g.id
group by g.id, g.finished_at;
delete from mailing_changed;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
