-- migrate:up

-- Received mail is read by the worker that takes it first: taking counts a try and puts the next one off, so that a
-- mail that ends the process which reads it is neither lost nor first in the queue again.
alter table inbound_mail add column due_at timestamptz not null default now();
drop index inbound_mail_unread;
create index inbound_mail_unread on inbound_mail (due_at, id) where read_at is null;
-- The list of unmatched mail, and what is older than it is kept, dismissed or not.
drop index inbound_mail_unmatched;
create index inbound_mail_unmatched on inbound_mail (id) where unmatched is not null;

-- What tells a report from others of the same recipient: one that comes twice, by two ways or when its mail is read
-- again, is one. A report that a token vouches for is another than one that anybody may have written.
alter table delivery_report add column report_key bytea check (length(report_key) = 32);
create unique index delivery_report_once on delivery_report (customer_id, message_id, report_key);
create index delivery_report_of_mail on delivery_report (inbound_id) where inbound_id is not null;

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
