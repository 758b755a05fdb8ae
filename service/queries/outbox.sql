-- name: waits_for_another_relay$
-- Whether mail that is not bound to this relay waits, or may still be made by a campaign.
select exists (select from outbox o where o.bound_relay is distinct from :relay::text)
    or exists (select from campaign c
               where c.status in ('RUNNING', 'PAUSED') and c.expanded_to < c.audience_size
                 and c.bound_relay is distinct from :relay::text);
