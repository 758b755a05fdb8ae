"""The gateway's history: a row a minute of what it did and what waited, kept two days.

What servers answered is counted where outcomes are written (`relay_tally`, `answer_tally`: in the same transaction, so
that nothing is lost with a worker); one of all workers writes once a minute by how much these have grown. So the
history adds up to what was sent, and mail that is accepted costs nothing more for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from gateway.database import QUERIES, Connection
from gateway.mail.verdict import Cause
from gateway.outbox.lanes import CAMPAIGNS, lane_states, queues_of
from gateway.outbox.retention import forget_history

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)


class GatewaySpan(StrEnum):
    """How far back a history goes."""

    HOUR = "HOUR"
    DAY = "DAY"


_SPANS = {GatewaySpan.HOUR: (timedelta(hours=1), MINUTE), GatewaySpan.DAY: (timedelta(days=1), QUARTER)}
"""How long each is, and how long one of its moments."""


@dataclass(kw_only=True, slots=True)
class Answers:
    """How many recipients were accepted, put off and refused, and the refusals by cause, the most first."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    causes: Counter[Cause | None] = field(default_factory=Counter)

    def add(self, *, accepted: int, deferred: int, refused: int, cause: Cause | None) -> None:
        """Count these, too."""
        self.accepted += accepted
        self.deferred += deferred
        self.refused += refused
        if refused:
            self.causes[cause] += refused


@dataclass(kw_only=True, slots=True)
class LaneMoment:
    """A lane in one span: what waited at its end (counted up to 10,000 a lane), for how many whole seconds the oldest
    had been due, how many were tried; and of these what is no acceptance."""

    name: str
    depth: int = 0
    oldest_seconds: int = 0
    attempts: int = 0
    answers: Answers = field(default_factory=Answers)


@dataclass(kw_only=True, slots=True)
class GatewayMoment:
    """The gateway in one span of time, which begins at `started_at`."""

    started_at: datetime
    answers: Answers = field(default_factory=Answers)
    relays: dict[str, Answers] = field(default_factory=lambda: defaultdict(Answers))
    lanes: dict[str, LaneMoment] = field(default_factory=dict)

    def lane(self, name: str) -> LaneMoment:
        """This lane in it."""
        return self.lanes.setdefault(name, LaneMoment(name=name))


async def write_minute(connection: Connection) -> bool:
    """Write the minute that is over, unless another worker has. Returns whether this one did. What a gap of any length
    held is in the row of its last minute."""
    async with connection.transaction():
        span = await QUERIES.begin_minute(connection)
        if span is None:
            return False
        since, until = span["since"], span["until"]
        await QUERIES.write_minute_answers(connection, since=since, until=until)
        queues = queues_of(await lane_states(connection))
        await QUERIES.write_minute_lanes(
            connection,
            since=since,
            until=until,
            campaigns=CAMPAIGNS,
            lanes=list(queues),
            depths=[queue.depth for queue in queues.values()],
            oldest_seconds=[int(queue.oldest_seconds) for queue in queues.values()],
        )
    await forget_history(connection, since=since)
    return True


async def gateway_history(connection: Connection, last: GatewaySpan) -> tuple[GatewayMoment, ...]:
    """What the gateway did, oldest first, up to this very moment: at most 60 minutes, or 96 quarters of an hour. Spans
    in which no worker ran are left out."""
    length, width = _SPANS[last]
    moments: dict[datetime, GatewayMoment] = {}

    def moment(started_at: datetime) -> GatewayMoment:
        return moments.setdefault(started_at, GatewayMoment(started_at=started_at))

    now: datetime = await QUERIES.now(connection)
    newest = now - timedelta(seconds=now.timestamp() % width.total_seconds())
    since = newest - length + width
    async for row in QUERIES.gateway_lanes(connection, width=width, since=since, campaigns=CAMPAIGNS):
        lane = moment(row["started_at"]).lane(row["lane"])
        lane.depth, lane.oldest_seconds, lane.attempts = row["depth"], row["oldest_seconds"], row["attempts"]
    async for row in QUERIES.gateway_answers(connection, width=width, since=since):
        _add_answers(moment(row["started_at"]), row)
    # Another may have begun since.
    newest = max((newest, *moments))
    for name, queue in queues_of(await lane_states(connection)).items():
        lane = moment(newest).lane(name)
        lane.depth, lane.oldest_seconds = queue.depth, int(queue.oldest_seconds)
    return tuple(moments[started_at] for started_at in sorted(moments))


def _add_answers(moment: GatewayMoment, row: Mapping[str, Any]) -> None:
    cause = Cause(row["cause"]) if row["cause"] is not None else None
    counts = {name: row[name] for name in ("accepted", "deferred", "refused")}
    moment.answers.add(**counts, cause=cause)
    moment.relays[row["relay"]].add(**counts, cause=cause)
    if row["lane"] is not None:  # of accepted mail only the relay is counted
        moment.lane(row["lane"]).answers.add(**counts, cause=cause)
