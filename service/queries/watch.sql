-- name: renew_watches!
-- This process's word that somebody looks at these customers' pages, good for a minute.
insert into customer_watch (customer_id, watcher, watched_until)
select w.customer_id, :watcher::uuid, now() + :good_for::interval
from unnest(:customer_ids::bigint[]) as w (customer_id)
order by w.customer_id
on conflict (customer_id, watcher) do update set watched_until = excluded.watched_until;

-- name: end_watch!
-- No page of this customer is open at this process any more.
delete from customer_watch where customer_id = :customer_id and watcher = :watcher::uuid;

-- name: forget_watches!
-- Words of processes that are gone, a thousand at a time.
delete from customer_watch w
where w.ctid = any(array(select o.ctid from customer_watch o where o.watched_until < now() - interval '1 minute'
                         limit 1000 for update skip locked));
