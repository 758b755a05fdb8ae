"""When an origin fetched too many messages at once, and which of them were classified before that was known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.tracking import busy_origins
from gateway.tracking.busy_origins import find_busy_origins
from gateway.tracking.hit_rules import read_hit_rules
from tests.hits import CHROME, START, hit, make_ref

RULES = read_hit_rules()
PROXY = "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A hit that is to be classified."""

    occurred_at: datetime
    origin: str | None = "scanner"
    agent: str | None = CHROME


def seen(seconds: float, **values: Any) -> Seen:
    return Seen(occurred_at=START + timedelta(seconds=seconds), **values)


async def scan(
    connection: Any, moments: Sequence[float], *, origin: str = "scanner", agent: str = CHROME
) -> list[UUID]:
    """Hits of one origin on another message each; returns the messages."""
    refs = [await make_ref(connection) for _ in moments]
    for ref, moment in zip(refs, moments, strict=True):
        await hit(connection, ref, moment, origin=origin, agent=agent)
    return [ref.message_id for ref in refs]


async def busy(connection: Any, *hits: Seen) -> tuple[dict[str, list[tuple[float, float]]], set[UUID]]:
    """When which origin was busy, in seconds after START, and the messages to revise."""
    found = await find_busy_origins(connection, hits, RULES)
    spans = {
        origin: [((span.start - START).total_seconds(), (span.end - START).total_seconds()) for span in of_origin]
        for origin, of_origin in found.spans.items()
        if of_origin
    }
    return spans, {message for _, message in found.messages}


async def test_an_origin_is_busy_around_a_hit_and_what_was_classified_before_is_revised(connection: Any) -> None:
    # Given five messages fetched within five seconds, and one long before
    await scan(connection, [-100])
    early, *others = await scan(connection, [0, 1, 2, 3, 5])
    # When none of them was classified, then none is revised
    assert await busy(connection, seen(0)) == ({"scanner": [(0, 5)]}, set())
    assert await busy(connection, seen(5)) == ({"scanner": [(0, 5)]}, set())
    # When all were, then those that were not known to be a scanner's are, the first and the last among them
    await connection.execute("update hit set rules_version = 1")
    known = "update hit set reasons = '{MANY_MESSAGES}' where message_id = any($1)"
    await connection.execute(known, others[:3])
    assert await busy(connection, seen(2)) == ({"scanner": [(0, 5)]}, {early, others[3]})
    # Another origin's hit asks nothing about this one
    assert await busy(connection, seen(2, origin="ann")) == ({}, set())


async def test_an_image_proxy_is_never_busy_and_who_names_no_agent_may_be(connection: Any) -> None:
    await scan(connection, [0, 1, 2, 3, 4], origin="proxy", agent=PROXY)
    assert await busy(connection, seen(2, origin="proxy", agent=PROXY)) == ({}, set())
    await scan(connection, [0, 1, 2, 3, 4])
    assert await busy(connection, seen(2, agent=None)) == ({"scanner": [(0, 4)]}, set())
    assert await busy(connection, seen(2, origin=None)) == ({}, set())


async def test_what_one_read_cannot_hold_is_read_in_halves(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for moments in (
        # Five at one moment, in the middle of the period or at its ends
        [0, 10, 10, 10, 10, 10, 20],
        [0, 0, 0, 0, 0, 20],
        [0, 20, 20, 20, 20, 20],
        # All at once, or as good as that: a period that cannot be halved
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0.000001],
    ):
        # Given a scanner's classified hits
        origin = f"scanner {moments}"
        messages = await scan(connection, moments, origin=origin)
        await connection.execute("update hit set rules_version = 1")
        hits = [seen(moment, origin=origin) for moment in moments]
        whole = await busy(connection, *hits)
        assert whole[1] <= set(messages)
        assert len(whole[1]) >= 5
        # When no more are read at once than there are, then the same is found
        with monkeypatch.context() as patched:
            patched.setattr(busy_origins, "MAX_ORIGIN_HITS", len(moments))
            assert await busy(connection, *hits) == whole
