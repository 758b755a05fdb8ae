"""A failure is recorded in the server's words, and pauses its relay or destination by a step more than the last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.mail.response import Exchange
from gateway.mail.verdict import Cause, Outcome, Scope, Verdict
from gateway.outbox.relay_limits import relay_events
from gateway.outbox.trouble import note_trouble
from tests.builders import insert
from tests.unit.exchanges import answered, broken, reply

BUSY = Verdict(
    outcome=Outcome.DEFERRED, cause=Cause.RELAY_TROUBLE, advice="It is busy.", rule="busy", scope=Scope.RELAY
)
DOWN = answered("MAIL 421 4.3.2 Going down")


async def note(connection: Any, exchange: Exchange = DOWN, verdict: Verdict = BUSY, *, pauses: bool = True) -> Any:
    """Notes it; returns the step of the pause, if there was one, and the newest event."""
    steps: list[int] = []

    def pause(step: int, of: Verdict, jitter: float) -> timedelta:
        assert (of, jitter) == (verdict, 0.5)
        steps.append(step)
        return timedelta(minutes=step)

    until = await note_trouble(
        connection, exchange, verdict, domain="b.example", jitter=0.5, pause=pause if pauses else None
    )
    event = (await relay_events(connection, "main"))[0]
    assert event.until == until
    return steps, event


async def test_each_failure_pauses_a_relay_by_a_step_more(still: Any) -> None:
    # A relay that no worker has written yet is only told of
    steps, event = await note(still)
    assert (steps, event.until) == ([1], None)
    await insert(still, "relay", name="main")
    for step in (1, 2):
        steps, event = await note(still)
        assert (steps, event.kind, event.code, event.response) == ([step], "UNAVAILABLE", 421, "4.3.2 Going down")
        assert await still.fetchval("select paused_until - now() from relay") == timedelta(minutes=step)
        assert (event.domain, await still.fetchval("select paused_why from relay")) == (None, "It is busy.")
        await still.execute("update relay set paused_until = now()")


async def test_each_failure_of_a_destination_pauses_that(still: Any) -> None:
    await insert(still, "relay", name="main")
    theirs = replace(BUSY, scope=Scope.DESTINATION)
    for step in (1, 2):
        steps, event = await note(still, verdict=theirs)
        assert (steps, event.domain) == ([step], "b.example")
        assert await still.fetchval("select paused_until - now() from destination") == timedelta(minutes=step)
        await still.execute("update destination set paused_until = now()")
    assert await still.fetchval("select paused_until from relay") is None


async def test_one_mails_odd_answer_is_only_recorded(still: Any) -> None:
    await insert(still, "relay", name="main")
    steps, event = await note(still, broken("MAIL DROPPED", response=reply("MAIL 250 a\0b")), pauses=False)
    assert (steps, event.kind, event.code, event.response) == ([], "CONNECTION", None, "as scripted")
    _, event = await note(still, answered("MAIL 451 a\0b"), pauses=False)
    assert (event.code, event.response) == (451, "a\N{REPLACEMENT CHARACTER}b")
    assert await still.fetchval("select paused_until from relay") is None


async def test_a_refused_login_stops_the_relay(still: Any) -> None:
    await insert(still, "relay", name="main")
    steps, event = await note(still, answered("AUTH 535 No"), replace(BUSY, stops_relay=True, advice=None))
    assert (steps, event.kind, event.stage) == ([], "STOPPED", "AUTH")
    assert await still.fetchval("select stopped_why from relay") == "It did not take mail."
