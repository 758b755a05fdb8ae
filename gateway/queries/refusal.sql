-- Refusals in a row that said the same. `record_outcomes` ends the runs of relays and domains that accept mail.

-- name: note_refusals
-- Adds refusals to the runs of their relays and domains. Returns of each run how many different addresses (counted up
-- to :enough) and domains (up to :enough_domains) it has now.
insert into refusal_run as r (of_relay, place, words, address_keys, domains)
select t.of_relay, t.place, t.words, array_agg(distinct t.address_key), array_agg(distinct t.domain)
from unnest(:of_relays::boolean[], :places::text[], :words::text[], :address_keys::bytea[], :domains::text[])
    as t(of_relay, place, words, address_key, domain)
group by t.of_relay, t.place, t.words
order by t.of_relay, t.place, t.words
on conflict (of_relay, place, words) do update
set address_keys = array(select a.key from unnest(r.address_keys || excluded.address_keys) as a(key)
                         group by a.key limit :enough::integer),
    domains = array(select a.domain from unnest(r.domains || excluded.domains) as a(domain)
                    group by a.domain limit :enough_domains::integer),
    changed_at = now()
returning of_relay, place, words, cardinality(address_keys) as addresses, cardinality(domains) as domains;

-- name: forget_refusals!
-- Ends the runs of a relay or domain, by a person's decision.
delete from refusal_run where of_relay = :of_relay and place = :place;

-- name: forget_old_refusals$
-- Ends runs without a refusal for a day: they are no row any more. Of :batch at most; returns how many.
with gone as (
    delete from refusal_run t
    where t.ctid = any(array(select o.ctid from refusal_run o where o.changed_at < now() - interval '1 day'
                             limit :batch::integer for update skip locked))
    returning 1
)
select count(*) from gone;
