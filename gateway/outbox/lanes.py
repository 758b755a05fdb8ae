"""Lanes: priority, pause, depth and rate. Individual mail never waits behind a campaign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.mail.source import SourceType

DEPTH_LIMIT = 10_000
"""Rows counted a lane: a depth above it is "at least this"; counting a million would cost a scan."""


class IndividualLane(StrEnum):
    """The lanes of individual mail, by name; each campaign has one of its own beside them."""

    WORK_ORDER = "work-order"
    INDIVIDUAL = "individual"


def lane_of(source_type: SourceType) -> IndividualLane:
    """The lane of individual mail of this type: work orders go before all other mail."""
    return IndividualLane.WORK_ORDER if source_type is SourceType.WORK_ORDER else IndividualLane.INDIVIDUAL


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneStanding:
    """A lane as it is now. `depth` counts up to 10,000; `deeper` says that there is more. `rate` is attempts a second
    over the last one to two minutes."""

    name: str
    campaign_id: UUID | None
    campaign_title: str | None
    priority: int
    paused_at: datetime | None
    paused_why: str | None
    depth: int
    deeper: bool
    rate: float
    next_due_at: datetime | None
    oldest_seconds: float


async def lane_states(connection: Connection, *, limit: int = DEPTH_LIMIT) -> tuple[LaneStanding, ...]:
    """Every lane in order of priority, 500 at most."""
    return tuple([LaneStanding(**row) async for row in QUERIES.lane_depths(connection, limit=limit)])


CAMPAIGNS = "campaigns"
"""What the lanes of all campaigns together are called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """What waits in a lane of individual mail, or in those of all campaigns: each lane counted up to 10,000."""

    depth: int = 0
    oldest_seconds: float = 0.0


def queues_of(lanes: Iterable[LaneStanding]) -> dict[str, Queue]:
    """What waits, by the name of each lane of individual mail, and of all campaigns as one: they come and go."""
    queues = {CAMPAIGNS: Queue()}
    for lane in lanes:
        name = lane.name if lane.campaign_id is None else CAMPAIGNS
        before = queues.get(name, Queue())
        oldest = max(before.oldest_seconds, lane.oldest_seconds)
        queues[name] = Queue(depth=before.depth + lane.depth, oldest_seconds=oldest)
    return queues


MAX_COUNTED_DOMAINS = 500
"""Domains whose attempts one worker writes each time, the busiest: a campaign's long tail would be a row a mail."""


async def note_throughput(
    connection: Connection, *, worker: UUID, throughput: Mapping[int, int], domains: Counter[str]
) -> None:
    """Write a worker's attempts since the last time, by lane and by destination domain."""
    if throughput:
        await QUERIES.note_throughput(
            connection, worker=worker, lane_ids=list(throughput), attempts=list(throughput.values())
        )
    if domains:
        busiest = domains.most_common(MAX_COUNTED_DOMAINS)
        await QUERIES.note_domain_throughput(
            connection,
            worker=worker,
            domains=[domain for domain, _ in busiest],
            attempts=[attempts for _, attempts in busiest],
        )


async def pause_lane(connection: Connection, name: str, actor: str) -> None:
    """Pause a lane of individual mail exactly: when this returns, nothing more of it is handed off. Raises Refusal:
    NOT_FOUND, ILLEGAL_STATE."""
    await _individual_lane(connection, name)
    if await QUERIES.pause_lane(connection, name=name, why=f"Paused by {actor}.") is None:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "This lane is paused already.", ("lane",))


async def resume_lane(connection: Connection, name: str) -> None:
    """End a lane's pause. Notify the workers afterwards. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    await _individual_lane(connection, name)
    await QUERIES.resume_lane(connection, name=name)


async def _individual_lane(connection: Connection, name: str) -> None:
    lane = await QUERIES.find_lane(connection, name=name)
    if lane is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such lane.", ("lane",))
    if lane["campaign_id"] is not None:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "This lane is a campaign's: pause or resume the campaign.", ("lane",))
