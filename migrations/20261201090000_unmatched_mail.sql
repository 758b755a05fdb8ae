-- migrate:up

-- What the sweep of unmatched mail looks at, dismissed or not, however much mail of customers lies between.
create index inbound_mail_nobodys on inbound_mail (id) include (size) where unmatched is not null;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
