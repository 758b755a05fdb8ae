-- Fragments that the statements of several files share.

-- fragment: messages
-- The rows of a page of messages, before it is cut.
select n.customer_id, n.id, n.direction, n.source_type, n.status, n.campaign_id, n.mailing_id,
       n.template_version_id, n.letter_kind, n.mail_date, n.decided_at, n.sent_at, n.opened_at, n.cause, n.advice,
       n.sender, n.recipient, n.subject, n.tracked, n.answers_message_id, n.reference, n.sender_version_id
from message n

-- fragment: beside_message
-- What fields of a message may read besides its row.
left join outbox o on o.customer_id = m.customer_id and o.message_id = m.id and o.recipient_no = 0
left join message_wait w on w.customer_id = m.customer_id and w.id = m.id
left join campaign c on c.id = m.campaign_id
left join template_version v on v.id = m.template_version_id
