"""One line an attempt: what it says, and what it must not."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import orjson
import pytest

from gateway.delivery.attempt_log import GATHER_SECONDS, AttemptLog
from gateway.mail.response import Exchange, Fault, FaultKind, Stage
from gateway.mail.verdict import judge
from gateway.outbox.claim import Claimed
from gateway.telemetry.log import JsonLines
from gateway.verdict_rules import read_verdict_rules
from tests.unit.exchanges import answered, exchange

MESSAGE_ID = UUID(int=7)
RULES = read_verdict_rules()


def claimed(domain: str) -> Claimed:
    """A row for `ann` of this domain, in its second attempt."""
    return Claimed(
        customer_id=42,
        message_id=MESSAGE_ID,
        recipient_no=1,
        attempt=2,
        owner=UUID(int=8),
        lane_id=3,
        address=f"ann@{domain}",
        domain=domain,
        bound_relay=None,
        capped=False,
        handed_off=True,
        large=False,
        facts=None,
    )


def noted(*attempts: tuple[str, str, Exchange]) -> AttemptLog:
    """A log in which these attempts are noted, by source type, domain and exchange; it is flushed by hand."""
    attempt_log = AttemptLog(later=lambda seconds, flush: None, wall=lambda: 1_796_000_000.25)
    for source_type, domain, found in attempts:
        attempt_log.note(claimed(domain), source_type, found, judge(found, RULES))
    return attempt_log


def written(caplog: pytest.LogCaptureFixture, *attempts: tuple[str, str, Exchange]) -> list[dict[str, Any]]:
    """The lines of attempts, as they are written."""
    with caplog.at_level(logging.INFO, "gateway.attempt"):
        noted(*attempts).flush()
    [record] = caplog.records
    return [orjson.loads(line) for line in JsonLines().format(record).splitlines()]


def test_a_refusal_has_its_codes_and_no_word_of_the_servers(caplog: pytest.LogCaptureFixture) -> None:
    found = answered("RCPT 550 5.1.1 <ann@gmail.com>: user unknown")

    [line] = written(caplog, ("WORK_ORDER", "gmail.com", found))

    said = {name: line[name] for name in ("message_id", "customer_id", "recipient", "attempt", "lane", "provider")}
    assert said == {
        "message_id": str(MESSAGE_ID),
        "customer_id": 42,
        "recipient": 1,
        "attempt": 2,
        "lane": "work-order",
        "provider": "google",
    }
    assert (line["stage"], line["code"], line["enhanced_code"], line["fault"]) == ("RCPT", 550, "5.1.1", None)
    assert (line["verdict"], line["cause"], line["counted"]) == ("REFUSED", "BAD_ADDRESS", True)
    assert not any(word in str(line) for word in ("ann@", "gmail.com", "user unknown"))


def test_a_broken_connection_has_its_stage_and_fault(caplog: pytest.LogCaptureFixture) -> None:
    fault = Fault(kind=FaultKind.DROPPED, stage=Stage.END_OF_DATA, text="gone", words="bye ann@fabrikam.example")

    found = exchange(fault=fault, stage=Stage.END_OF_DATA, dot_sent=True)
    [line] = written(caplog, ("CAMPAIGN", "fabrikam.example", found))

    assert (line["stage"], line["code"], line["fault"]) == ("END_OF_DATA", None, "DROPPED")
    assert (line["verdict"], line["lane"], line["provider"]) == ("UNCERTAIN", "campaigns", "other")
    assert not any(word in str(line) for word in ("ann@", "fabrikam", "gone"))


def test_attempts_close_to_each_other_are_written_together_a_line_each(caplog: pytest.LogCaptureFixture) -> None:
    one, other = answered("END_OF_DATA 250 ok"), answered("RCPT 450 4.2.1 later")

    lines = written(caplog, ("CAMPAIGN", "gmail.com", one), ("CAMPAIGN", "gmail.com", other))

    assert [line["verdict"] for line in lines] == ["ACCEPTED", "DEFERRED"]
    assert [(line["at"], line["logger"], line["level"]) for line in lines] == [
        ("2026-11-30T00:53:20.250+00:00", "gateway.attempt", "info")
    ] * 2


def test_a_line_is_what_a_record_of_its_own_would_be(caplog: pytest.LogCaptureFixture) -> None:
    [line] = written(caplog, ("CAMPAIGN", "gmail.com", answered("END_OF_DATA 250 ok")))
    record = logging.getLogger("gateway.attempt").makeRecord(
        "gateway.attempt", logging.INFO, "", 1, "attempt", (), None
    )

    assert list(line)[:4] == list(orjson.loads(JsonLines().format(record)))


def test_lines_wait_a_moment_and_in_a_flood_not_even_that(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.delivery.attempt_log.MAX_LINES", 2)
    waits: list[float] = []
    attempt_log = AttemptLog(later=lambda seconds, flush: waits.append(seconds), wall=lambda: 0.0)
    found = answered("END_OF_DATA 250 ok")
    with caplog.at_level(logging.INFO, "gateway.attempt"):
        for _ in range(3):
            attempt_log.note(claimed("gmail.com"), "CAMPAIGN", found, judge(found, RULES))

    assert len(caplog.records) == 1
    assert waits == [GATHER_SECONDS] * 2


def test_nothing_is_made_where_nobody_reads(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "gateway.attempt"):
        noted(("CAMPAIGN", "gmail.com", answered("END_OF_DATA 250 ok"))).flush()
    assert caplog.records == []
