-- The statements of `bulk_actions.py`: mail whose fate is uncertain.

-- name: make_uncertain_letters!
-- Individual mail that is uncertain, one a customer; with its attempts.
with made as (
    insert into message (customer_id, source_type, status, cause, template_version_id, sender_version_id, decided_at,
                         sender, recipient, subject)
    select a.customer_id, 'WORK_ORDER', 'UNCERTAIN', 'TIMEOUT', :template_version_id, :sender_version_id, now(),
           'Fabrikam <news@fabrikam.com>', a.address, 'Your appointment'
    from customer_address a
    returning customer_id, id
)
insert into attempt (customer_id, message_id, number, verdict, rule, stage, relay, started_at, took_ms)
select m.customer_id, m.id, 1, 'UNCERTAIN', 'timeout', 'END_OF_DATA', 'main', now(), 40
from made m;
