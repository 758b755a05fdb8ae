-- Received mail: stored before it is acknowledged, read afterwards.

-- name: insert_inbound_mail$
-- Stores a received mail once for its recipient; its id, or nothing when it was stored before.
insert into inbound_mail (source, envelope_from, envelope_to, content_sha256, size)
values (:source, :envelope_from, :envelope_to, :content_sha256, :size)
on conflict (content_sha256, (coalesce(envelope_to, ''))) do nothing
returning id;

-- name: insert_inbound_mails
-- Stores several received mails, each once for its recipient, like `insert_inbound_mail`; a row for each new one.
insert into inbound_mail (source, envelope_from, envelope_to, content_sha256, size)
select given.source, given.envelope_from, given.envelope_to, given.content_sha256, given.size
from unnest(:sources::inbound_source[], :envelope_froms::text[], :envelope_tos::text[], :content_sha256s::bytea[],
            :sizes::bigint[]) as given(source, envelope_from, envelope_to, content_sha256, size)
on conflict (content_sha256, (coalesce(envelope_to, ''))) do nothing
returning id;

-- name: commit_to_disk$
-- The present transaction's commit waits for the disk, whatever the server's default is.
select set_config('synchronous_commit', 'on', true);

-- name: note_listening!
-- Notes that mail is taken by these ways.
insert into inbound_listener (source)
select given.source from unnest(:sources::inbound_source[]) as given(source) order by given.source
on conflict (source) do update set seen_at = now();
