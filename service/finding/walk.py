"""The keys of the messages that a query finds: exact, in order, and fewer than asked for where reading has an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gateway.mail.message import MessageRef
from service.finding.query import MessageQuery
from service.finding.sources import Bounds, Key, Part, Source, sources_of
from service.finding.wanted import Fetcher, Wanted, resolve


@dataclass(frozen=True, kw_only=True, slots=True)
class Walked:
    """Messages in order. `stopped` is where reading stopped before the end without having found enough: None when it
    found enough, or there is no more. What follows a page follows `stopped`, or else its last message."""

    refs: Sequence[MessageRef]
    stopped: UUID | None = None


async def keys(
    fetch: Fetcher, query: MessageQuery, *, after: UUID | None, rows: int, oldest_first: bool = False
) -> Walked:
    """The next messages behind an id, `rows` at most, newest first. Raises BadInput for unknown names."""
    return await walk(fetch, await resolve(fetch, query), after=after, rows=rows, oldest_first=oldest_first)


async def walk(fetch: Fetcher, wanted: Wanted, *, after: UUID | None, rows: int, oldest_first: bool = False) -> Walked:
    """The same of a query whose names are known."""
    bounds = Bounds(low=wanted.low, high=wanted.high, upwards=oldest_first)
    if after is not None:
        bounds = bounds.behind(after)
    sources, found, round_, last = sources_of(wanted), list[Key](), 0, list[Part]()
    while sources:
        last = await _round(fetch, sources, bounds, rows - len(found), round_, last)
        new, reached = _together(bounds, last)
        found += new
        if reached is None or len(found) >= rows:
            break
        bounds, round_ = bounds.behind(reached), round_ + 1
        if round_ >= max(one.rounds for one in sources):
            return Walked(refs=_refs(found), stopped=reached)
    return Walked(refs=_refs(found[:rows]))


async def _round(
    fetch: Fetcher, sources: Sequence[Source], bounds: Bounds, rows: int, round_: int, last: Sequence[Part]
) -> list[Part]:
    """What each source finds; `last` is what the round before found. What came to the end then is not read again."""
    parts: list[Part] = []
    for place, one in enumerate(sources):
        before = last[place] if last else None
        if before is not None and before.reached is None:
            parts.append(bounds.rest(before))
        else:
            parts.append(await one.read(fetch, bounds, rows, min(round_, one.rounds - 1), before))
    return parts


def _together(bounds: Bounds, parts: Sequence[Part]) -> tuple[list[Key], UUID | None]:
    """What the sources found together, up to where all of them are complete."""
    reached = bounds.nearest(part.reached for part in parts)
    together = {key for part in parts for key in part.keys if bounds.reaches(key[0], reached)}
    return sorted(together, reverse=not bounds.upwards), reached


def _refs(found: Sequence[Key]) -> list[MessageRef]:
    return [MessageRef(customer_id=customer, message_id=message) for message, customer in found]
