"""One log line an attempt: ids, codes and our verdict. No address, domain, subject or word of a server's."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from gateway.mail.provider import provider_of
from gateway.mail.response import Exchange
from gateway.mail.source import SourceType
from gateway.mail.verdict import Verdict
from gateway.outbox.claim import Claimed
from gateway.outbox.lanes import lane_of

log = logging.getLogger("gateway.attempt")

_LANES: Mapping[str, str] = {kind: "campaigns" if kind is SourceType.CAMPAIGN else lane_of(kind) for kind in SourceType}
"""As the metrics call them: the lanes of all campaigns are one, so that a campaign's name is in no line."""


def log_attempt(row: Claimed, source_type: str, exchange: Exchange, verdict: Verdict) -> None:
    """Write the line. `counted` is false where the relay or destination failed and the mail went back to the queue."""
    if not log.isEnabledFor(logging.INFO):
        return
    reply, fault = exchange.answer, exchange.fault
    fields = {
        "message_id": row.message_id,
        "customer_id": row.customer_id,
        "recipient": row.recipient_no,
        "attempt": row.attempt,
        "source_type": source_type,
        "lane": _LANES[source_type],
        "relay": exchange.relay,
        "provider": provider_of(row.domain),
        "stage": reply.stage if reply else exchange.stage,
        "code": reply.code if reply else None,
        "enhanced_code": reply.enhanced if reply else None,
        "fault": fault.kind if fault else None,
        "verdict": verdict.outcome,
        "cause": verdict.cause,
        "rule": verdict.rule,
        "counted": verdict.counts,
        "duration_ms": exchange.took_ms,
    }
    log.info("attempt", extra={"fields": fields})
