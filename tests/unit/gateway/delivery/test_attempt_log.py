"""One line an attempt: what it says, and what it must not."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import orjson
import pytest

from gateway.delivery.attempt_log import log_attempt
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


def written(caplog: pytest.LogCaptureFixture, source_type: str, domain: str, found: Exchange) -> dict[str, Any]:
    """The line of an attempt, as it is written."""
    with caplog.at_level(logging.INFO, "gateway.attempt"):
        log_attempt(claimed(domain), source_type, found, judge(found, RULES))
    [record] = caplog.records
    shown: dict[str, Any] = orjson.loads(JsonLines().format(record))
    return shown


def test_a_refusal_has_its_codes_and_no_word_of_the_servers(caplog: pytest.LogCaptureFixture) -> None:
    found = answered("RCPT 550 5.1.1 <ann@gmail.com>: user unknown")

    line = written(caplog, "WORK_ORDER", "gmail.com", found)

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
    line = written(caplog, "CAMPAIGN", "fabrikam.example", found)

    assert (line["stage"], line["code"], line["fault"]) == ("END_OF_DATA", None, "DROPPED")
    assert (line["verdict"], line["lane"], line["provider"]) == ("UNCERTAIN", "campaigns", "other")
    assert not any(word in str(line) for word in ("ann@", "fabrikam", "gone"))


def test_nothing_is_made_where_nobody_reads(caplog: pytest.LogCaptureFixture) -> None:
    found = answered("END_OF_DATA 250 ok")
    with caplog.at_level(logging.WARNING, "gateway.attempt"):
        log_attempt(claimed("gmail.com"), "CAMPAIGN", found, judge(found, RULES))
    assert caplog.records == []
