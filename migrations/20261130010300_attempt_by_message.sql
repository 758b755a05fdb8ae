-- migrate:up transaction:false
-- Attempts are written in the order of their messages and read by message: an index that begins with the message's id,
-- which grows with time, is written at its end. By customer first, each attempt went to a page of its own, which is
-- logged whole after a checkpoint, and read from the disk once there are many.
-- Made beside the old key, so that processes that run go on writing.
create unique index concurrently attempt_by_message on attempt (message_id, customer_id, recipient_no, number);

-- migrate:down
-- Migrations only go forward: correct a mistake with a new one.
