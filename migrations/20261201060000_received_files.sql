-- migrate:up

-- A file of received mail stands in the mail itself: `part` says where, and no content of its own is stored.
alter table message_attachment alter column sha256 drop not null;
alter table message_attachment add constraint message_attachment_is_stored_once
    check (num_nonnulls(part, sha256) = 1);

-- The author of received mail, who may be erased; of ours the sender, who is never.
alter table message alter column sender drop not null;
alter table message add constraint message_says_who_sent_it check (sender is not null or direction = 'RECEIVED');

-- What copies of one mail have in common, whatever their ways added: a mail to two addresses of ours is shown once.
-- Null without a Message-ID, and once erased.
alter table received_mail add column fingerprint bytea check (length(fingerprint) = 32);
create index received_mail_copies on received_mail (customer_id, fingerprint) where fingerprint is not null;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
