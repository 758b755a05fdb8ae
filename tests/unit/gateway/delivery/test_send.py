"""One delivery: what is recorded, given back or held, by what SMTP calls back with."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from gateway.delivery.send import Deliveries, Mail
from gateway.mail.response import Exchange
from gateway.mail.verdict import Outcome, Verdict
from gateway.outbox.claim import Claimed
from gateway.outbox.outcomes import Finished, HandOff, Undelivered
from gateway.smtp.connection import Receiver
from gateway.smtp.relays import Envelope
from gateway.verdict_rules import read_verdict_rules
from tests.engine import claimed
from tests.unit.exchanges import answered, broken

PAUSE = timedelta(minutes=5)
ROW = claimed()
MAIL = Mail(
    row=ROW,
    kind="CAMPAIGN",
    envelope=Envelope(return_path="b@fabrikam.example", recipient="ann@customer.example", content=b"Hi"),
    sha256_hex="00" * 32,
)


class Worker:
    """What a delivery needs of a worker; `did` is what it was asked, in order."""

    def __init__(self, exchange: Exchange, *, hand_off: HandOff = HandOff.GO, trouble: Exception | None = None) -> None:
        self.did: list[Any] = []
        self.exchange = exchange
        self.answer = hand_off
        self.raises = trouble
        self.tasks: list[Coroutine[Any, Any, None]] = []
        self.deliveries = Deliveries(
            router=self,
            outcomes=self,
            attempts=self,
            rules=read_verdict_rules(),
            wait=lambda attempt, verdict: PAUSE,
            clock=lambda: 7.0,
            start=self.tasks.append,
        )

    async def send(self) -> list[Any]:
        """Send the mail, run what that starts; returns what was done."""
        self.deliveries.send(MAIL, lambda verdict: self.did.append(("ended", verdict and verdict.outcome)))
        await asyncio.gather(*self.tasks)
        return self.did

    def deliver(self, mail: Mail, result: Receiver) -> None:
        assert not result.done()
        result.set_result(self.exchange)
        assert result.done()

    def note(self, row: Claimed, source_type: str, exchange: Exchange, verdict: Verdict) -> None:
        self.did.append("logged")

    async def trouble(self, mail: Mail, exchange: Exchange, verdict: Verdict) -> timedelta | None:
        self.did.append("trouble")
        if self.raises is not None:
            raise self.raises
        return PAUSE

    def works(self, mail: Mail, exchange: Exchange) -> None:
        self.did.append("works")

    def record(self, outcome: Finished) -> None:
        self.did.append((outcome.verdict, outcome.code, outcome.wait_seconds, outcome.ended))

    async def give_back(self, row: Claimed, wait: timedelta | None = None) -> None:
        self.did.append(("given back", wait))

    async def hand_off(self, row: Claimed) -> HandOff:
        return self.answer

    async def undelivered(self, undelivered: tuple[Claimed, Undelivered]) -> None:
        self.did.append(("undelivered", undelivered[1].status))


async def test_an_accepted_mail_is_recorded_where_its_answer_arrives_without_a_task() -> None:
    worker = Worker(answered("END_OF_DATA 250 2.0.0 Ok"))

    did = await worker.send()

    assert did == ["logged", "works", (Outcome.ACCEPTED, 250, 0.0, 7.0), ("ended", Outcome.ACCEPTED)]
    assert worker.tasks == []


async def test_a_deferral_is_recorded_with_its_wait() -> None:
    did = await Worker(answered("RCPT 450 4.2.1 mailbox busy")).send()
    assert did == ["logged", "works", (Outcome.DEFERRED, 450, 300.0, 7.0), ("ended", Outcome.DEFERRED)]


async def test_an_answer_that_speaks_of_the_relay_too_is_recorded_after_that_is_noted() -> None:
    did = await Worker(answered("MAIL 421 4.3.2 shutting down")).send()
    assert did == ["logged", "trouble", (Outcome.DEFERRED, 421, 300.0, 7.0), ("ended", Outcome.DEFERRED)]


async def test_a_failure_before_the_mail_was_named_gives_it_back() -> None:
    did = await Worker(broken("CONNECT CONNECT")).send()
    assert did == ["logged", "trouble", ("given back", PAUSE), ("ended", Outcome.DEFERRED)]


@pytest.mark.parametrize("where", ["at once", "in its task"])
async def test_a_failure_of_our_own_code_ends_the_delivery_and_decides_nothing(
    where: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(broken("CONNECT CONNECT"), trouble=KeyError("a defect of ours"))
    if where == "at once":
        monkeypatch.setattr(worker, "note", lambda *values: 1 / 0)

    did = await worker.send()

    assert did[-1] == ("ended", None)
    assert not [one for one in did if one[0] in ("given back", Outcome.DEFERRED)]
    assert "sending failed in our own code" in caplog.text


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        (HandOff.GO, []),
        (HandOff.LOST, []),
        (HandOff.PAUSED, [("given back", None)]),
        (HandOff.EXPIRED, [("undelivered", "EXPIRED")]),
        (HandOff.SUPPRESSED, [("undelivered", "HELD")]),
        (HandOff.OPTED_OUT, [("undelivered", "HELD")]),
    ],
)
async def test_what_must_not_go_is_recorded_when_it_is_handed_off(answer: HandOff, done: list[Any]) -> None:
    worker = Worker(answered("END_OF_DATA 250 Ok"), hand_off=answer)
    assert await worker.deliveries.hand_off(ROW) is answer
    assert worker.did == done
