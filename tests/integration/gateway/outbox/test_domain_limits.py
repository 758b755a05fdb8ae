"""A destination's limits: what may be set, and that it is what is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.errors import Refusal, RefusalCode
from gateway.outbox.domain_limits import (
    DestinationLimit,
    destinations,
    domain_depths,
    limit_destination,
    resume_destination,
)
from gateway.outbox.parked import release_parked
from tests.builders import insert, make_customer, make_message, make_outbox


async def refused(connection: Any, **limit: Any) -> tuple[RefusalCode, tuple[Any, ...]] | None:
    """How such a limit is refused; None when it is not."""
    try:
        await limit_destination(connection, DestinationLimit(**({"domain": "x.example"} | limit)))
    except Refusal as refusal:
        return refusal.code, refusal.field
    return None


async def test_each_limit_has_its_range(still: Any) -> None:
    for name, field, most in (
        ("per_minute", "perMinute", 100_000),
        ("per_day", "perDay", 100_000_000),
        ("connections", "connections", 1000),
        ("warm_up_start", "warmUpStart", 100_000_000),
    ):
        for value in (1, most):
            assert await refused(still, **{name: value}) is None
        for value in (0, most + 1):
            assert await refused(still, **{name: value}) == (RefusalCode.INVALID, (field,))
    for factor, error in ((0.99, True), (1, False), (10, False), (10.01, True)):
        found = await refused(still, warm_up_start=1, warm_up_factor=factor)
        assert found == ((RefusalCode.INVALID, ("warmUpFactor",)) if error else None)
    for domain, error in (("x" * 253, False), ("x" * 254, True), ("", True), ("a@b.example", True)):
        assert await refused(still, domain=domain) == ((RefusalCode.INVALID, ("domain",)) if error else None)


async def test_what_was_set_is_shown_and_with_nothing_it_is_lifted(still: Any) -> None:
    limit = DestinationLimit(
        domain="Some.Example", per_minute=30, per_day=900, connections=4, warm_up_start=50, warm_up_factor=1.5
    )
    await limit_destination(still, limit)
    await limit_destination(still, DestinationLimit(domain="warm.example", warm_up_start=10))
    await limit_destination(still, DestinationLimit(domain="cold.example", per_day=7, warm_up_factor=3))
    shown = {
        one.domain: (one.per_minute, one.per_day, one.connections, one.cap_today) for one in await destinations(still)
    }
    assert shown == {
        "some.example": (30.0, 900, 4, 50),
        "warm.example": (None, None, None, 10),
        "cold.example": (None, 7, None, 7),
    }
    factors = await still.fetch("select domain, warm_up_factor::float8 from destination order by domain")
    assert [row["warm_up_factor"] for row in factors] == [None, 1.5, 2.0]
    # By name, behind one
    assert [one.domain for one in await destinations(still, after="cold.example")] == [
        "some.example", "warm.example",
    ]  # fmt: skip


async def test_a_domain_that_nothing_holds_cannot_be_resumed(still: Any) -> None:
    with pytest.raises(Refusal) as found:
        await resume_destination(still, "x.example", "Dana")
    assert (found.value.code, found.value.field) == (RefusalCode.NOT_FOUND, ("domain",))


async def test_domains_are_shown_by_how_much_waits_and_with_what_holds_it(still: Any) -> None:
    customer = await make_customer(still)
    for domain, count in (("some.example", 2), ("most.example", 3), ("paused.example", 1), ("stopped.example", 1)):
        for _ in range(count):
            message = await make_message(still, customer)
            await make_outbox(still, customer, message, address=f"a@{domain}")
    later = await still.fetchval("select now() + interval '1 hour'")
    now = await still.fetchval("select now()")
    await insert(still, "destination", domain="most.example", paused_until=now, paused_why="It was busy.")
    await insert(still, "destination", domain="paused.example", paused_until=later, paused_why="It is busy.")
    await insert(
        still, "destination", domain="stopped.example", paused_until=later, paused_why="It is busy.",
        stopped_at=now, stopped_why="It refuses us.",
    )  # fmt: skip
    assert [(one.domain, one.depth, one.paused_until, one.paused_why) for one in await domain_depths(still)] == [
        ("most.example", 3, None, None),
        ("some.example", 2, None, None),
        ("paused.example", 1, later, "It is busy."),
        ("stopped.example", 1, None, "It refuses us."),
    ]


async def test_a_pause_that_ends_frees_what_it_held_and_not_the_copy_beside_it(still: Any) -> None:
    # Given a mail that waits for a paused domain, and a copy of it that another domain put off
    customer = await make_customer(still)
    message = await make_message(still, customer)
    later = datetime.now(UTC) + timedelta(hours=1)
    waits = {"due_at": later, "scheduled": True}
    await make_outbox(still, customer, message, address="c@paused.example", attempt=1, **waits)
    await make_outbox(still, customer, message, address="d@slow.example", recipient_no=1, attempt=1, **waits)
    # When what the domain holds is released
    await release_parked(still, domain="paused.example")
    # Then the mail is due, and its copy keeps its time
    due = await still.fetch("select recipient_no, due_at <= now() as due from outbox order by recipient_no")
    assert [tuple(row) for row in due] == [(0, True), (1, False)]
