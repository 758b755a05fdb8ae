-- migrate:up

-- Words that mail which comes back needs. Apart, since a new value of a type is usable only after its migration.
alter type smtp_stage add value 'REPORT';

-- Of these QUEUED, ATTEMPTED, OPENED and CLICKED are told by other tables and stand in no event.
alter type event_kind add value 'QUEUED';
alter type event_kind add value 'ATTEMPTED';
alter type event_kind add value 'OPENED';
alter type event_kind add value 'CLICKED';
alter type event_kind add value 'DELAYED';
alter type event_kind add value 'DELIVERED';
alter type event_kind add value 'RELAYED';
alter type event_kind add value 'EXPANDED';
alter type event_kind add value 'REPLIED';
alter type event_kind add value 'RECEIVED';
alter type event_kind add value 'FORWARDED';
alter type event_kind add value 'ASSIGNED';
alter type event_kind add value 'REPORT_BELIEVED';

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
