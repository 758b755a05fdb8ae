"""What is found across customers, in tests: brought up to date, and recounted from the ledger."""

from __future__ import annotations

from typing import Any

from gateway.deployment import Deployment
from gateway.finding import job

RECOUNT = """
select m.id, m.customer_id, m.mailing_id, n.name as domain,
       (select v.sender_id::text from sender_version v where v.id = m.sender_version_id) as sender,
       (select a.relay from attempt a where a.message_id = m.id and a.recipient_no = 0 order by a.number desc limit 1)
           as relay,
       m.source_type, m.direction, m.status, m.cause, m.tracked,
       exists (select from hit h where h.message_id = m.id and h.rules_version > 0
               and (h.verdict = 'HUMAN' or (h.verdict = 'UNKNOWN' and h.kind = 'OPEN'))) as opened,
       exists (select from hit h where h.message_id = m.id and h.rules_version > 0
               and h.verdict = 'HUMAN' and h.kind = 'CLICK') as clicked,
       exists (select from event e where e.message_id = m.id and e.kind = 'COMPLAINED' and e.recipient_no = 0
               and e.data ->> 'feedbackType' is distinct from 'OPT_OUT') as complained,
       (select count(*) from attempt a
        where a.message_id = m.id and a.recipient_no = 0 and a.verdict = 'DEFERRED')::smallint as deferrals,
       case when m.direction = 'SENT'
            then greatest(0, extract(epoch from m.sent_at - m.mail_date) * 1000)::bigint + 0 * length(m.sent_at::text)
            end as took_ms
from message m
left join received_mail r on r.customer_id = m.customer_id and r.message_id = m.id
cross join lateral (select nullif(lower(split_part(case when m.direction = 'SENT' then m.recipient
                                                        else r.from_address end, '@', 2)), '') as name) n
where not m.internal and (m.campaign_id is null or m.status <> 'QUEUED'
                          or exists (select from attempt a where a.message_id = m.id and a.recipient_no = 0)
                          or exists (select from event e where e.message_id = m.id
                                     and e.kind not in ('TRIGGERED', 'RESCUED')))
"""
KEPT = """
select s.id, s.customer_id, s.mailing_id, d.name as domain, p.name as sender, r.name as relay, s.source_type,
       s.direction, s.status, s.cause, s.tracked, s.opened, s.clicked, s.complained, s.deferrals, s.took_ms
from message_search s
left join search_name d on d.no = s.domain_no and d.kind = 'DOMAIN'
left join search_name p on p.no = s.sender_no and p.kind = 'SENDER'
left join search_name r on r.no = s.relay_no and r.kind = 'RELAY'
"""
MISPLACED = """
select s.id, s.slice from message_search s
where s.slice <> (select k.no from search_slice k where k.first_id <= s.id order by k.first_id desc limit 1)
"""
LATEST = """
select s.customer_id, (array_agg(s.id order by s.id desc))[1] from message_search s group by s.customer_id
"""


async def keep_up(connection: Any, deployment: Deployment) -> int:
    """Brings what is found up to date, as the worker does; returns in how many batches."""
    batches = 1
    while await job.keep_up(connection, deployment):
        batches += 1
    return batches


async def finding_amiss(connection: Any) -> list[str]:
    """What is kept and a recount of the ledger does not give, and the other way round."""
    latest = "select customer_id, message_id from customer_latest"
    wrong: list[str] = []
    for name, one, other in (
        ("kept", KEPT, RECOUNT),
        ("not kept", RECOUNT, KEPT),
        ("latest", latest, LATEST),
        ("not latest", LATEST, latest),
    ):
        rows = await connection.fetch(f"({one}) except ({other})")
        wrong += [f"{name} {dict(row)}" for row in rows]
    wrong += [f"misplaced {tuple(row)}" for row in await connection.fetch(MISPLACED)]
    rows = "select no from search_slice k where rows > (select count(*) from message_search s where s.slice = k.no)"
    return wrong + [f"counted too many in slice {row[0]}" for row in await connection.fetch(rows)]
