-- Replies that go on to staff, as internal mail: beside the customer, and in no history or count.

-- name: reply_to_forward^
-- Locks a received message that was not forwarded yet: the sender of what it answers (null when it answers nothing), the
-- relay that alone may take the mail, the id and time of the mail that forwards it. Nothing of an erased customer.
select v.sender_id, a.bound_relay, uuidv7() as forwarding_id, now() as mail_date
from received_mail r
join customer u on u.id = r.customer_id and u.erased_at is null
join message m on m.customer_id = r.customer_id and m.id = r.message_id
left join message a on a.customer_id = m.customer_id and a.id = m.answers_message_id and not a.internal
left join sender_version v on v.id = a.sender_version_id
where r.customer_id = :customer_id and r.message_id = :message_id and r.forwarded_at is null
for update of r;

-- name: insert_internal_message!
-- Writes a mail to our own staff.
-- status: new -> QUEUED
insert into message (customer_id, id, internal, status, sender_version_id, mail_date, sender, recipient, subject,
                     content_sha256, composer_version, bound_relay)
values (:customer_id, :id, true, 'QUEUED', :sender_version_id, :mail_date, :sender, :recipient, :subject,
        :content_sha256, :composer_version, :bound_relay);

-- name: note_forwarding!
-- Says of a received message that it was forwarded, and by which.
update received_mail set forwarded_at = now(), forwarded_message_id = :forwarding_id
where customer_id = :customer_id and message_id = :message_id;
