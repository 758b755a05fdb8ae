-- name: waits_for_another_relay$
-- Whether mail that is not bound to this relay waits, or may still be made by a campaign.
select exists (select from outbox o where o.bound_relay is distinct from :relay::text)
    or exists (select from mailing g join campaign c on c.id = g.campaign_id
               where (g.status in ('SCHEDULED', 'FREEZING') or (g.status = 'RUNNING' and g.expanded < g.recipients))
                 and c.bound_relay is distinct from :relay::text);
