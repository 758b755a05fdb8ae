-- What attempts do not say.

-- name: insert_event!
-- One change of one recipient: what, by whom, on what evidence.
insert into event (customer_id, message_id, recipient_no, kind, actor, data)
values (:customer_id, :message_id, :recipient_no, :kind, :actor, :data);
