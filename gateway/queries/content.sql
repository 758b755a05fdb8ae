-- Bytes by their SHA-256: composed individual mail, attachments, received mail.

-- name: insert_content!
-- Stores bytes once. A repeat renews their date, so that the sweep of attachments leaves them for their new use.
insert into content (sha256, size, encoding, bytes)
values (:sha256, :size, :encoding, :bytes)
on conflict (sha256) do update set created_at = now();

-- name: content_by_sha256^
-- The stored bytes of this hash, and how they are encoded.
select encoding, bytes from content where sha256 = :sha256;

-- name: insert_contents!
-- Stores several bytes once each, like `insert_content`. No hash may stand there twice.
insert into content (sha256, size, encoding, bytes)
select given.sha256, given.size, given.encoding, given.bytes
from unnest(:sha256s::bytea[], :sizes::bigint[], :encodings::text[], :contents::bytea[])
    as given(sha256, size, encoding, bytes)
on conflict (sha256) do update set created_at = now();
