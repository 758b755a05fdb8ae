-- Bytes by their SHA-256: composed individual mail, attachments, received mail.

-- name: insert_content!
-- Stores bytes once. A repeat renews their date, so that the sweep of attachments leaves them for their new use.
insert into content (sha256, size, encoding, bytes)
values (:sha256, :size, :encoding, :bytes)
on conflict (sha256) do update set created_at = now();

-- name: content_by_sha256^
-- The stored bytes of this hash, and how they are encoded.
select encoding, bytes from content where sha256 = :sha256;
