-- Events: every change of a message's status that no attempt records.

-- name: insert_event!
-- Records one change of one recipient: what, by whom, on what evidence.
insert into event (customer_id, message_id, recipient_no, kind, actor, data)
values (:customer_id, :message_id, :recipient_no, :kind, :actor, :data);
