-- name: attachment_by_id
-- What an upload became.
select a.name, a.media_type, a.size
from attachment a
where a.id = :id;
