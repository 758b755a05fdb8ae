-- migrate:up

-- The key of an addMailing finds its mailing. By these indexes a draft is deleted without reading all keys.
alter table idempotency_key add column mailing_id integer references mailing on delete cascade;
create index idempotency_key_of_campaign on idempotency_key (campaign_id) where campaign_id is not null;
create index idempotency_key_of_mailing on idempotency_key (mailing_id) where mailing_id is not null;

-- A message's mailing says which campaign's it is. Its index serves this key when a mailing is deleted; the campaign's
-- key had none, and read all messages when a draft was.
alter table message drop constraint message_campaign_id_fkey;
alter table message
    add constraint message_mailing_id_fkey foreign key (mailing_id) references mailing not valid;
alter table message validate constraint message_mailing_id_fkey;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
