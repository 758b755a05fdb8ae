-- Received mail: stored before it is acknowledged, read afterwards.

-- name: insert_inbound_mail$
-- Stores a received mail once for its recipient; its id, or nothing when it was stored before.
insert into inbound_mail (source, envelope_from, envelope_to, content_sha256, size)
values (:source, :envelope_from, :envelope_to, :content_sha256, :size)
on conflict (content_sha256, (coalesce(envelope_to, ''))) do nothing
returning id;

-- name: insert_inbound_mails!
-- Stores several received mails, each once for its recipient, like `insert_inbound_mail`.
insert into inbound_mail (source, envelope_from, envelope_to, content_sha256, size)
select given.source, given.envelope_from, given.envelope_to, given.content_sha256, given.size
from unnest(:sources::inbound_source[], :envelope_froms::text[], :envelope_tos::text[], :content_sha256s::bytea[],
            :sizes::bigint[]) as given(source, envelope_from, envelope_to, content_sha256, size)
on conflict (content_sha256, (coalesce(envelope_to, ''))) do nothing;
