-- Events: every change of a message's status that no attempt records.

-- name: insert_event!
-- Records one change of one recipient: what, by whom, on what evidence.
insert into event (customer_id, message_id, recipient_no, kind, actor, data)
values (:customer_id, :message_id, :recipient_no, :kind, :actor, :data);

-- name: insert_decision_events!
-- Records a person's decision about recipients: what each was before, and its last attempt.
insert into event (customer_id, message_id, recipient_no, kind, actor, data)
select t.customer_id, t.message_id, t.recipient_no, :kind::event_kind, :actor::text,
       jsonb_strip_nulls(jsonb_build_object('before', t.before, 'attempt', t.attempt,
                                            'decision', :decision_id::integer))
from unnest(:customer_ids::bigint[], :message_ids::uuid[], :recipient_nos::smallint[], :befores::text[],
            :attempts::smallint[]) as t(customer_id, message_id, recipient_no, before, attempt);
