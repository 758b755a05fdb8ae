-- Attachments: uploaded files, and those that letters carry.

-- name: insert_attachment$
-- Stores one uploaded file; returns its id.
insert into attachment (sha256, name, media_type, size, uploaded_by)
values (:sha256, :name, :media_type, :size, :uploaded_by)
returning id;

-- name: attachments_with_content
-- Files for letters, with their bytes.
select a.id, a.name, a.media_type, a.size, k.encoding, k.bytes
from attachment a join content k on k.sha256 = a.sha256
where a.id = any(:ids::uuid[]);

-- name: delete_stale_attachments
-- Deletes uploads that no letter used within :older_than, 500 at most to keep a sweep short; returns their hashes.
delete from attachment
where id in (select id from attachment
             where referenced_at is null and created_at < now() - :older_than::interval
             order by created_at limit 500 for update skip locked)
returning sha256;

-- name: delete_unused_content!
-- Deletes the bytes of those uploads, unless something else uses them or they were stored again meanwhile.
delete from content k
where k.sha256 = any(:hashes::bytea[]) and k.created_at < now() - :older_than::interval
  and not exists (select 1 from attachment a where a.sha256 = k.sha256)
  and not exists (select 1 from message_attachment m where m.sha256 = k.sha256)
  and not exists (select 1 from message m where m.content_sha256 = k.sha256)
  and not exists (select 1 from inbound_mail i where i.content_sha256 = k.sha256);
