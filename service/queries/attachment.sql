-- name: attachment_by_id
-- What an upload became.
select a.name, a.media_type, a.size
from attachment a
where a.id = :id;

-- name: file_of_message^
-- A file of a message, unless its customer is erased. One of received mail is a part of it, and its bytes are read out
-- of the mail.
select f.name, f.part, k.encoding, k.bytes
from message_attachment f
join customer c on c.id = f.customer_id and c.erased_at is null
left join content k on k.sha256 = f.sha256
where f.customer_id = :customer_id and f.message_id = :message_id and f.position = :position;
