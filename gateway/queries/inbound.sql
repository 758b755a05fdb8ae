-- Received mail: stored before it is acknowledged, read afterwards.

-- name: insert_inbound_mail$
-- Stores a received mail once for its recipient; its id, or nothing when it was stored before.
insert into inbound_mail (source, envelope_from, envelope_to, content_sha256, size)
values (:source, :envelope_from, :envelope_to, :content_sha256, :size)
on conflict (content_sha256, (coalesce(envelope_to, ''))) do nothing
returning id;
