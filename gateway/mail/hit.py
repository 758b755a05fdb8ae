"""Classifies hits: a person, a machine, or unknown fetched a pixel or a link. With reasons, by a version of the rules.

A hit is classified in its context: the other hits on the same message, and what its origin fetched elsewhere. Later
hits change the context, so classifications are revised; the raw hit never changes.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")

LONGEST_AGENT = 512
"""Characters of a User-Agent that are kept: real ones have under 300."""

_PREFETCH_HEADERS = frozenset({b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"})
_PREFETCH = re.compile(rb"prefetch|prerender|preview", re.IGNORECASE)


class HitKind(StrEnum):
    """What was fetched: the pixel, or a link. SQL: `hit_kind`."""

    OPEN = "OPEN"
    CLICK = "CLICK"


class HitVerdict(StrEnum):
    """Who fetched it. SQL: `hit_verdict`."""

    HUMAN = "HUMAN"
    MACHINE = "MACHINE"
    UNKNOWN = "UNKNOWN"


class HitReason(StrEnum):
    """Why a hit is classified so. SQL: `hit_reason`."""

    PREFETCH_HEADER = "PREFETCH_HEADER"
    HEAD_REQUEST = "HEAD_REQUEST"
    EMPTY_AGENT = "EMPTY_AGENT"
    SCANNER_AGENT = "SCANNER_AGENT"
    PRIVACY_PROXY = "PRIVACY_PROXY"
    IMAGE_PROXY = "IMAGE_PROXY"
    LINK_BURST = "LINK_BURST"
    MANY_MESSAGES = "MANY_MESSAGES"
    BEFORE_ANSWER = "BEFORE_ANSWER"
    HONEYPOT = "HONEYPOT"
    BROWSER_AGENT = "BROWSER_AGENT"
    UNRECOGNISED_AGENT = "UNRECOGNISED_AGENT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One fetch, as it came. `origin` is the network address as it is kept (a keyed hash, usually), None when not."""

    id: UUID
    kind: HitKind
    occurred_at: datetime
    link: int | None
    origin: str | None
    agent: str | None
    head: bool = False
    prefetch: bool = False
    honeypot: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """Who fetched a hit, as far as we know. Reasons are in the order of their enum; there is always at least one."""

    verdict: HitVerdict
    reasons: tuple[HitReason, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Burst:
    """More different links of one message, within so long, than a person follows."""

    links: int
    within: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class HitRules:
    """`rules/hits.toml`. `version` is written beside every classification; raise it when a rule changes."""

    version: int
    settle: timedelta
    bursts: tuple[Burst, ...]
    burst_reach: timedelta
    origin_messages: int
    origin_within: timedelta
    privacy_proxy: frozenset[str]
    image_proxy: re.Pattern[str]
    scanner: re.Pattern[str]
    reader: re.Pattern[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From `start` to `end`, both included."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class HitContext:
    """What the classification of one message's hits depends on besides those hits.

    `answered_at`: when the server gave its final answer; None while it has not and `undecided` is true, or when
    it is unknown (an uncertain message). `busy`: for each origin, when it fetched too many messages at once.
    """

    answered_at: datetime | None
    undecided: bool
    busy: Mapping[str, Sequence[Span]]


def clean_agent(header: bytes | None) -> str | None:
    """Returns a User-Agent as it may be stored: UTF-8, one line, no controls, at most LONGEST_AGENT characters."""
    if header is None:
        return None
    text = header[: LONGEST_AGENT * 4].decode("utf-8", "replace")
    if text.isprintable():
        return text[:LONGEST_AGENT]
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)[:LONGEST_AGENT]


def is_prefetch(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request says that no person asked for it yet: Sec-Purpose (Fetch standard) and its predecessors.

    `headers` by their names in small letters.
    """
    return any(_PREFETCH.search(headers[name]) for name in _PREFETCH_HEADERS & headers.keys())


def classify_hits(hits: Sequence[Hit], context: HitContext, rules: HitRules) -> list[Classification]:
    """Returns a classification for each hit of one message, in the order of `hits`, which must be oldest first."""
    burst = _burst_hits(hits, rules)
    return [_classify(hit, hit.id in burst, context, rules) for hit in hits]


def busy_spans(seen: Sequence[tuple[datetime, UUID]], rules: HitRules) -> list[Span]:
    """Returns when one origin fetched too many messages within `origin_within`.

    `seen` is when it fetched which message, oldest first.
    """
    spans: list[Span] = []
    messages: Counter[UUID] = Counter()
    start = 0
    for moment, message in seen:
        messages[message] += 1
        while moment - seen[start][0] > rules.origin_within:
            _discount(messages, seen[start][1])
            start += 1
        if len(messages) < rules.origin_messages:
            continue
        opening = seen[start][0]
        if spans and opening <= spans[-1].end:
            opening = spans.pop().start
        spans.append(Span(start=opening, end=moment))
    return spans


def join_spans(spans: Sequence[Span]) -> list[Span]:
    """Returns the same moments, oldest first, in spans that do not touch."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and span.start <= joined[-1].end:
            before = joined.pop()
            span = Span(start=before.start, end=max(before.end, span.end))
        joined.append(span)
    return joined


def _classify(hit: Hit, in_burst: bool, context: HitContext, rules: HitRules) -> Classification:
    agent = hit.agent or ""
    image_proxy = bool(rules.image_proxy.search(agent))
    machine = {
        HitReason.PREFETCH_HEADER: hit.prefetch,
        HitReason.HEAD_REQUEST: hit.head,
        HitReason.EMPTY_AGENT: not agent.strip(),
        HitReason.SCANNER_AGENT: bool(rules.scanner.search(agent)),
        HitReason.PRIVACY_PROXY: hit.kind is HitKind.OPEN and agent in rules.privacy_proxy,
        HitReason.LINK_BURST: in_burst,
        # An image proxy's few addresses fetch for thousands of readers.
        HitReason.MANY_MESSAGES: not image_proxy and _many_messages(hit, context),
        HitReason.BEFORE_ANSWER: _before_answer(hit, context),
        HitReason.HONEYPOT: hit.honeypot,
    }
    reasons = tuple(reason for reason, applies in machine.items() if applies)
    if reasons:
        return Classification(verdict=HitVerdict.MACHINE, reasons=reasons)
    if image_proxy:
        return Classification(verdict=HitVerdict.UNKNOWN, reasons=(HitReason.IMAGE_PROXY,))
    if rules.reader.search(agent):
        return Classification(verdict=HitVerdict.HUMAN, reasons=(HitReason.BROWSER_AGENT,))
    return Classification(verdict=HitVerdict.UNKNOWN, reasons=(HitReason.UNRECOGNISED_AGENT,))


def _before_answer(hit: Hit, context: HitContext) -> bool:
    if context.undecided:
        return True
    return context.answered_at is not None and hit.occurred_at < context.answered_at


def _many_messages(hit: Hit, context: HitContext) -> bool:
    if hit.origin is None:
        return False
    spans = context.busy.get(hit.origin, ())
    place = bisect_right(spans, hit.occurred_at, key=lambda span: span.start) - 1
    return place >= 0 and hit.occurred_at <= spans[place].end


def _burst_hits(hits: Sequence[Hit], rules: HitRules) -> set[UUID]:
    """Clicks of a burst, and whatever else their origins fetched with the same agent within `burst_reach` of it."""
    clicks = [hit for hit in hits if hit.kind is HitKind.CLICK]
    burst: dict[UUID, Hit] = {}
    for rule in rules.bursts:
        burst.update((hit.id, hit) for hit in _burst_clicks(clicks, rule))
    moments: dict[tuple[str, str | None], list[datetime]] = {}
    for hit in sorted(burst.values(), key=lambda hit: hit.occurred_at):
        if hit.origin is not None:
            moments.setdefault((hit.origin, hit.agent), []).append(hit.occurred_at)
    return set(burst) | {hit.id for hit in hits if _is_near(hit, moments, rules.burst_reach)}


def _burst_clicks(clicks: Sequence[Hit], rule: Burst) -> Iterator[Hit]:
    """The clicks of any period as long as the rule says that has as many different links as it says."""
    start = done = 0
    links: Counter[int | None] = Counter()
    for end, click in enumerate(clicks):
        links[click.link] += 1
        while click.occurred_at - clicks[start].occurred_at > rule.within:
            _discount(links, clicks[start].link)
            start += 1
        if len(links) >= rule.links:
            yield from clicks[max(start, done) : end + 1]
            done = end + 1


def _discount(counted: Counter[T], key: T) -> None:
    """Count one less; what is counted no more leaves, so that the counter's length is how many there are."""
    counted[key] -= 1
    if not counted[key]:
        del counted[key]


def _is_near(hit: Hit, moments: Mapping[tuple[str, str | None], list[datetime]], reach: timedelta) -> bool:
    """Whether the hit's origin and agent have a moment of a burst within `reach` of it."""
    if hit.origin is None:
        return False
    of_origin = moments.get((hit.origin, hit.agent))
    if not of_origin:
        return False
    place = bisect_left(of_origin, hit.occurred_at)
    return any(abs(moment - hit.occurred_at) <= reach for moment in of_origin[max(place - 1, 0) : place + 1])
