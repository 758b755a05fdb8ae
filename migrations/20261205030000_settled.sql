-- migrate:up

-- What people decided last: few events of many, so that what the gateway notes is not written here.
create index event_settled on event (id)
where actor <> 'gateway'
  and kind in ('RETRIED', 'ASSUMED_SENT', 'RELEASED', 'READDRESSED', 'CANCELLED', 'DISMISSED', 'SUPPRESSION_LIFTED',
               'ASSIGNED', 'REPORT_BELIEVED');

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
