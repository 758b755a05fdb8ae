"""One log line an attempt: ids, codes and our verdict. No address, domain, subject or word of a server's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from gateway.mail.provider import provider_of
from gateway.mail.response import Exchange
from gateway.mail.source import INTERNAL, SourceType
from gateway.mail.verdict import Verdict
from gateway.outbox.claim import Claimed
from gateway.outbox.lanes import IndividualLane, lane_of

log = logging.getLogger("gateway.attempt")

GATHER_SECONDS = 0.05
"""How long a line may wait for others: a record of the logging module and a write for each cost as much as composing
a mail. A process that is killed takes so much of its log along; the ledger has the attempts all the same."""
MAX_LINES = 1000
"""Lines that wait, at most: some 400 KiB."""

_LANES: Mapping[str, str] = {
    **{kind: "campaigns" if kind is SourceType.CAMPAIGN else lane_of(kind) for kind in SourceType},
    INTERNAL: IndividualLane.INDIVIDUAL,
}
"""As the metrics call them: the lanes of all campaigns are one, so that a campaign's name is in no line."""


class AttemptLog:
    """The lines of one worker's attempts. `later` calls a function after so many seconds (a loop's `call_later`);
    `wall` is the time of day."""

    def __init__(self, *, later: Callable[[float, Callable[[], None]], object], wall: Callable[[], float]) -> None:
        self._later = later
        self._wall = wall
        self._lines: list[str] = []

    def note(self, row: Claimed, kind: str, exchange: Exchange, verdict: Verdict) -> None:
        """Write the attempt's line, soon. `counted` is false in it where the relay or destination failed and the mail
        went back to the queue."""
        if not log.isEnabledFor(logging.INFO):
            return
        if not self._lines:
            self._later(GATHER_SECONDS, self.flush)
        self._lines.append(_line(row, kind, exchange, verdict, at=self._wall()))
        if len(self._lines) >= MAX_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what waits: a record with all its lines, each as `JsonLines` would have made it."""
        lines, self._lines = self._lines, []
        if lines:
            log.info("attempt", extra={"lines": lines})


def _line(row: Claimed, kind: str, exchange: Exchange, verdict: Verdict, *, at: float) -> str:
    reply, fault = exchange.answer, exchange.fault
    said = _said(
        kind,
        exchange.relay,
        provider_of(row.domain),
        reply.stage if reply else exchange.stage,
        reply.code if reply else None,
        reply.enhanced if reply else None,
        fault.kind if fault else None,
        verdict.outcome,
        verdict.cause,
        verdict.rule,
        verdict.counts,
    )
    return (
        f'{{"at":"{_time(int(at * 1000))}","level":"info","logger":"gateway.attempt","message":"attempt",'
        f'"message_id":"{row.message_id}","customer_id":{row.customer_id},"recipient":{row.recipient_no},'
        f'"attempt":{row.attempt},{said},"duration_ms":{exchange.took_ms}}}'
    )


@lru_cache(maxsize=16)
def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


@lru_cache(maxsize=1024)
def _said(
    kind: str,
    relay: str,
    provider: str,
    stage: str,
    code: int | None,
    enhanced_code: str | None,
    fault: str | None,
    verdict: str,
    cause: str | None,
    rule: str,
    counted: bool,
) -> str:
    """What many attempts have in common, as JSON without its braces."""
    fields = {
        "source_type": kind,
        "lane": _LANES[kind],
        "relay": relay,
        "provider": provider,
        "stage": stage,
        "code": code,
        "enhanced_code": enhanced_code,
        "fault": fault,
        "verdict": verdict,
        "cause": cause,
        "rule": rule,
        "counted": counted,
    }
    return orjson.dumps(fields).decode()[1:-1]
