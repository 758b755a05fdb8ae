-- migrate:up

-- Erasure takes a mail's address and leaves its key (the same HMAC as customer_address.address_key), so that the mail's
-- unsubscribe link goes on working. Null while the address itself is there.
alter table message alter column recipient drop not null;
alter table message add column recipient_key bytea check (length(recipient_key) = 32);
alter table message add constraint message_keeps_whom_it_went_to
    check (num_nonnulls(recipient, recipient_key) > 0 or direction = 'RECEIVED');

-- migrate:down
-- Migrations go forward: mend a mistake with a new one.
