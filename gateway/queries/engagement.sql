-- What people did with campaign mail: a row a message, counts a mailing. Messages without a mailing cost a look-up.

-- name: engage_by_hits
-- Writes anew what the classified hits of these messages say, and adds the difference to the counts; returns those of
-- campaigns, with their mailings. Shard 15 is of such counts alone: what needs another as well takes it afterwards.
with asked as (
    select m.customer_id, m.id as message_id, m.mailing_id
    from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as w(customer_id, message_id)
    join message m on m.customer_id = w.customer_id and m.id = w.message_id
    where m.mailing_id is not null
), seen as materialized (
    select a.mailing_id, a.customer_id, a.message_id, h.human, h.unknown, h.clicked
    from asked a
    cross join lateral (
        select coalesce(bool_or(p.verdict = 'HUMAN'), false) as human,
               coalesce(bool_or(p.verdict = 'UNKNOWN'), false) as unknown,
               coalesce(bool_or(p.verdict = 'HUMAN' and p.kind = 'CLICK'), false) as clicked
        from hit p
        where p.message_id = a.message_id and p.customer_id = a.customer_id and p.verdict <> 'MACHINE'
          and p.rules_version > 0
    ) h
), written as (
    insert into message_engagement as e (mailing_id, customer_id, message_id, opened, opened_unsure, machine_only,
                                         clicked)
    select s.mailing_id, s.customer_id, s.message_id, s.human, s.unknown and not s.human,
           not s.human and not s.unknown, s.clicked
    from seen s order by s.mailing_id, s.customer_id, s.message_id
    on conflict (mailing_id, customer_id, message_id) do update
    set opened = excluded.opened, opened_unsure = excluded.opened_unsure, machine_only = excluded.machine_only,
        clicked = excluded.clicked
    where (e.opened, e.opened_unsure, e.machine_only, e.clicked)
          is distinct from (excluded.opened, excluded.opened_unsure, excluded.machine_only, excluded.clicked)
    returning new.mailing_id, new.opened::integer - coalesce(old.opened, false)::integer as opened,
              new.opened_unsure::integer - coalesce(old.opened_unsure, false)::integer as opened_unsure,
              new.machine_only::integer - coalesce(old.machine_only, false)::integer as machine_only,
              new.clicked::integer - coalesce(old.clicked, false)::integer as clicked
), noted as (
    insert into message_change (customer_ids, message_ids)
    select array_agg(w.customer_id), array_agg(w.message_id)
    from (select distinct u.customer_id, u.message_id
          from unnest(:customer_ids::bigint[], :message_ids::uuid[]) as u(customer_id, message_id)) w
    having count(*) > 0
), tallied as (
    insert into mailing_tally as t (mailing_id, shard, opened, opened_unsure, machine_only, clicked)
    select w.mailing_id, 15, sum(w.opened), sum(w.opened_unsure), sum(w.machine_only), sum(w.clicked)
    from written w group by w.mailing_id order by w.mailing_id
    on conflict (mailing_id, shard) do update
    set opened = t.opened + excluded.opened, opened_unsure = t.opened_unsure + excluded.opened_unsure,
        machine_only = t.machine_only + excluded.machine_only, clicked = t.clicked + excluded.clicked
)
select a.mailing_id, a.customer_id, a.message_id from asked a;

-- name: engage_by_choice!
-- Notes that the recipient of a campaign message opted out by it, reported it as spam or answered it; once counted is
-- counted. Other messages are noted as changed alone.
with written as (
    insert into message_engagement as e (mailing_id, customer_id, message_id, unsubscribed, complained, replied)
    select m.mailing_id, m.customer_id, m.id, :unsubscribed, :complained, :replied
    from message m where m.customer_id = :customer_id and m.id = :message_id and m.mailing_id is not null
    on conflict (mailing_id, customer_id, message_id) do update
    set unsubscribed = e.unsubscribed or excluded.unsubscribed, complained = e.complained or excluded.complained,
        replied = e.replied or excluded.replied
    where (excluded.unsubscribed and not e.unsubscribed) or (excluded.complained and not e.complained)
       or (excluded.replied and not e.replied)
    returning new.mailing_id, new.unsubscribed::integer - coalesce(old.unsubscribed, false)::integer as unsubscribed,
              new.complained::integer - coalesce(old.complained, false)::integer as complained,
              new.replied::integer - coalesce(old.replied, false)::integer as replied
), noted as (
    insert into message_change (customer_ids, message_ids)
    values (array[:customer_id::bigint], array[:message_id::uuid])
)
insert into mailing_tally as t (mailing_id, shard, unsubscribed, complained, replied)
select w.mailing_id, 15, w.unsubscribed, w.complained, w.replied from written w
on conflict (mailing_id, shard) do update
set unsubscribed = t.unsubscribed + excluded.unsubscribed, complained = t.complained + excluded.complained,
    replied = t.replied + excluded.replied;

-- name: know_links!
-- Writes down the links of mailings in which somebody clicked first, as their template versions have them.
insert into mailing_link (mailing_id, link, same_link, url)
select g.id, l.link, l.same_link, l.url
from mailing g cross join lateral links_of_version(g.template_version_id) l
where g.id = any(:mailing_ids::integer[]) and not exists (select from mailing_link k where k.mailing_id = g.id)
on conflict (mailing_id, link) do nothing;

-- name: know_other_links!
-- The same of links that their templates do not show.
insert into mailing_link (mailing_id, link, same_link, url)
select distinct on (c.mailing_id, c.link) c.mailing_id, c.link, c.link, h.url
from json_to_recordset(:changed::json) as c(mailing_id integer, customer_id bigint, hit_id uuid, link smallint)
join hit h on h.customer_id = c.customer_id and h.id = c.hit_id
order by c.mailing_id, c.link
on conflict (mailing_id, link) do nothing;

-- name: count_link_clicks!
-- Adds to the clicks of links, machines left out, what a classification changed: `step` clicks of one message on one
-- link. A person counts once a link: where the message has a click now and had none before, or the other way round.
with steps as (
    select k.mailing_id, c.customer_id, c.message_id, k.same_link, sum(c.step) as step
    from json_to_recordset(:changed::json)
        as c(mailing_id integer, customer_id bigint, message_id uuid, link smallint, step integer)
    join mailing_link k on k.mailing_id = c.mailing_id and k.link = c.link
    group by k.mailing_id, c.customer_id, c.message_id, k.same_link
), counted as (
    select s.mailing_id, s.same_link, sum(s.step) as clicks,
           sum((n.clicks > 0)::integer - (n.clicks > s.step)::integer) as people
    from steps s
    cross join lateral (
        select count(*) as clicks from hit h
        where h.message_id = s.message_id and h.customer_id = s.customer_id and h.kind = 'CLICK'
          and h.verdict <> 'MACHINE' and h.rules_version > 0
          and h.link in (select k.link from mailing_link k
                         where k.mailing_id = s.mailing_id and k.same_link = s.same_link)
    ) n
    group by s.mailing_id, s.same_link
)
update mailing_link k set clicks = k.clicks + c.clicks, people = k.people + c.people
from counted c where k.mailing_id = c.mailing_id and k.link = c.same_link;
