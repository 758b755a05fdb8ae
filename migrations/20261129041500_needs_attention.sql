-- migrate:up

-- Customers with mail that waits for a person: few rows of many, so that sending hardly ever writes to this index. The
-- statuses and the cause are those of `needs_attention` in service/queries/customer.sql.
create index message_needs_attention on message (customer_id)
    where status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED') and cause is distinct from 'OPTED_OUT';

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
