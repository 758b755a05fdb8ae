"""Hits judged in their surroundings, some seconds after they came; and history judged again by the current rules.

One transaction loads the hits of some messages, lets `gateway.mail.hit` judge them, and writes what changed: the
verdicts, when each message was first opened, and that a person's click settles a message of which nobody knew
whether it had been sent. While a mail has no final answer every hit on it comes too early to be a person's: such hits
are looked at again until it has one, or until it is known that nobody will know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.mail.hit import (
    Classification,
    Hit,
    HitKind,
    HitReason,
    HitRules,
    HitVerdict,
    Span,
    Surroundings,
    classify_hits,
    crowded_spans,
    hit_rules,
    joined_spans,
)
from gateway.mail.message import MessageRef
from gateway.notify.changes import ChangeKind, notify_change
from gateway.rule_files import RulesError, read_rules_file

MAX_DUE = 500
"""Unjudged hits in one transaction: judged and written in a tenth of a second."""

MAX_OF_MESSAGE = 5000
"""Hits of one message judged together: above what is stored of a flood in the time a burst reaches."""

LOOK_AGAIN_SOONEST = timedelta(seconds=5)
LOOK_AGAIN_LATEST = timedelta(minutes=5)
"""A hit whose mail has no final answer is looked at again after as long as it has waited, between these two: few looks
at a mail that is deferred for days, and a quick one for a mail that is on the wire."""

MAX_OF_ORIGINS = 20_000
"""Rows of origins read at once; where there are more, the time is halved until there are not."""

MAX_REVISED = 2000
"""Messages that one crowd of hits may revise in one transaction; the next hit of that origin revises the others."""

MAX_RECLASSIFIED = 100_000
"""Hits that one call of `reclassify` judges again: a caller waits for it, some ten seconds."""

_RECLASSIFY_PAGE = 1000
_CLASSIFICATION_LOCK = 0x6A756467

MessageKey = tuple[int, UUID]
"""Customer and message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reclassified:
    """How many hits were judged again, and how many verdicts or reasons are other ones now."""

    judged: int
    changed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Judged:
    """One hit with its new judgement. `changed`: it is other than the old one. `stale`: something is to be written."""

    key: MessageKey
    hit: Hit
    judgement: Classification
    look_again_at: datetime | None
    changed: bool
    stale: bool


@cache
def read_hit_rules() -> HitRules:
    """The rules of `rules/hits.toml`. Raises RulesError when they are wrong."""
    try:
        return hit_rules(read_rules_file("hits"))
    except (KeyError, TypeError, ValueError) as error:
        raise RulesError(f"rules/hits.toml: {type(error).__name__}: {error}") from error


async def classify_due(connection: Connection, now: datetime | None = None, *, rules: HitRules | None = None) -> int:
    """Judge the oldest hits that have settled, and revise their neighbours; judge those again whose mail has its final
    answer by now. Answers how many were looked at: 0 is done.

    One transaction; only one judge works at a time, another one gets 0. `now` stands in for the database's clock.
    """
    rules = rules or read_hit_rules()
    async with connection.transaction():
        if not await QUERIES.try_classification_lock(connection, lock=_CLASSIFICATION_LOCK):
            return 0
        now = now or await QUERIES.database_time(connection)
        return await _judge_settled(connection, now, rules) + await _look_again(connection, now, rules)


async def _judge_settled(connection: Connection, now: datetime, rules: HitRules) -> int:
    settled = now - rules.settle
    due = [row async for row in QUERIES.due_hits(connection, until=settled, limit=MAX_DUE)]
    if not due:
        return 0
    first, last = _extent(due)
    crowds = await _crowds(connection, due, rules)
    stretch = _Stretch(
        messages={_key(row) for row in due} | crowds.messages,
        wanted=_hit_keys(due),
        first=first - rules.burst_reach,
        last=min(last + rules.burst_reach, settled),
    )
    await _write(connection, await _judge(connection, stretch, now, rules), rules)
    return len(due)


async def _look_again(connection: Connection, now: datetime, rules: HitRules) -> int:
    """Judge hits again whose mail has its final answer, or will never have one; put the others off."""
    rows = [row async for row in QUERIES.hits_to_look_at_again(connection, until=now, limit=MAX_DUE)]
    answers = await _answers(connection, {_key(row) for row in rows}) if rows else {}
    waiting = [row for row in rows if answers[_key(row)]["undecided"]]
    decided = [row for row in rows if not answers[_key(row)]["undecided"]]
    if waiting:
        await QUERIES.put_off_hits(
            connection,
            customer_ids=[row["customer_id"] for row in waiting],
            ids=[row["id"] for row in waiting],
            look_again_ats=[_next_look(row["occurred_at"], now) for row in waiting],
        )
    if decided:
        await _rejudge_page(connection, decided, now, rules)
    return len(rows)


def _next_look(occurred_at: datetime, now: datetime) -> datetime:
    return now + min(max(now - occurred_at, LOOK_AGAIN_SOONEST), LOOK_AGAIN_LATEST)


async def reclassify(
    connection: Connection,
    *,
    customer_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    rules: HitRules | None = None,
) -> Reclassified:
    """Judge history again: of one customer or of all, from `since` to before `until`. A transaction a page.

    Raises Refusal(TOO_MANY), having changed nothing, above MAX_RECLASSIFIED hits.
    """
    rules = rules or read_hit_rules()
    now = await QUERIES.database_time(connection)
    stretch = {
        "customer_id": customer_id,
        "since": since or datetime.fromtimestamp(0, UTC),
        "until": until or now + timedelta(days=1),
    }
    limit = MAX_RECLASSIFIED
    if await QUERIES.count_hits_to_reclassify(connection, **stretch, limit=limit + 1) > limit:
        raise Refusal(
            RefusalCode.TOO_MANY,
            f"More than {limit} hits: judge them a customer or a stretch of time at once.",
            ("since",),
        )
    judged = changed = 0
    after: tuple[int, UUID] = (0, UUID(int=0))
    while True:
        async with connection.transaction():
            await QUERIES.wait_for_classification_lock(connection, lock=_CLASSIFICATION_LOCK)
            rows = [
                row
                async for row in QUERIES.hits_to_reclassify(
                    connection, **stretch, after_customer=after[0], after_id=after[1], limit=_RECLASSIFY_PAGE
                )
            ]
            if not rows:
                return Reclassified(judged=judged, changed=changed)
            page = await _rejudge_page(connection, rows, now, rules)
        judged, changed = judged + page.judged, changed + page.changed
        after = (rows[-1]["customer_id"], rows[-1]["id"])


async def _rejudge_page(connection: Connection, rows: Sequence[Any], now: datetime, rules: HitRules) -> Reclassified:
    """Judge exactly these hits again, which were judged before."""
    first, last = _extent(rows)
    wanted = _hit_keys(rows)
    stretch = _Stretch(messages={_key(row) for row in rows}, wanted=wanted, first=first, last=last)
    judged = [one for one in await _judge(connection, stretch, now, rules) if (one.key[0], one.hit.id) in wanted]
    await _write(connection, judged, rules)
    return Reclassified(judged=len(judged), changed=sum(one.changed for one in judged))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Crowds:
    """When each origin was on too many messages at once, and which of those were judged before that was seen."""

    spans: Mapping[str, Sequence[Span]]
    messages: frozenset[MessageKey]


async def _crowds(connection: Connection, hits: Iterable[Any], rules: HitRules) -> _Crowds:
    seen = [hit for hit in hits if hit["origin"] and not rules.image_proxy.search(hit["agent"] or "")]
    if not seen:
        return _Crowds(spans={}, messages=frozenset())
    first, last = _extent(seen)
    rows = [
        row
        async for row in QUERIES.hits_of_origins(
            connection,
            origins=sorted({hit["origin"] for hit in seen}),
            since=first - rules.origin_within,
            until=last + rules.origin_within,
            limit=MAX_OF_ORIGINS,
        )
    ]
    if len(rows) < MAX_OF_ORIGINS or first == last:
        return _crowds_of(rows, rules)
    # What was cut off may be the crowd around the last of these hits: look at the earlier and the later ones apart.
    middle = first + (last - first) / 2
    earlier = await _crowds(connection, [hit for hit in seen if hit["occurred_at"] <= middle], rules)
    later = await _crowds(connection, [hit for hit in seen if hit["occurred_at"] > middle], rules)
    return _Crowds(
        spans={
            origin: joined_spans([*earlier.spans.get(origin, ()), *later.spans.get(origin, ())])
            for origin in {*earlier.spans, *later.spans}
        },
        messages=frozenset(sorted(earlier.messages | later.messages)[:MAX_REVISED]),
    )


def _crowds_of(rows: Iterable[Any], rules: HitRules) -> _Crowds:
    spans: dict[str, Sequence[Span]] = {}
    messages: set[MessageKey] = set()
    for origin, of_origin in groupby(rows, key=lambda row: row["origin"]):
        seen = list(of_origin)
        spans[origin] = found = crowded_spans([(row["occurred_at"], row["message_id"]) for row in seen], rules)
        for span in found:
            messages |= {_key(row) for row in seen if row["unmarked"] and span.start <= row["occurred_at"] <= span.end}
    return _Crowds(spans=spans, messages=frozenset(sorted(messages)[:MAX_REVISED]))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stretch:
    """What to judge: the hits of these messages from `first` to `last`. Those `wanted` (customer and hit) are among
    them, whatever limit keeps others away."""

    messages: Collection[MessageKey]
    wanted: frozenset[tuple[int, UUID]]
    first: datetime
    last: datetime


async def _judge(connection: Connection, stretch: _Stretch, now: datetime, rules: HitRules) -> list[_Judged]:
    """Judge a stretch, seeing as far around it as a burst reaches."""
    rows = await _around(connection, stretch, rules)
    answers = await _answers(connection, stretch.messages)
    spans = (await _crowds(connection, rows, rules)).spans
    judged: list[_Judged] = []
    for key, of_message in groupby(rows, key=_key):
        answer = answers[key]
        around = Surroundings(answered_at=answer["answered_at"], undecided=answer["undecided"], crowded=spans)
        listed = list(of_message)
        hits = [_hit(row) for row in listed]
        for row, hit, judgement in zip(listed, hits, classify_hits(hits, around, rules), strict=True):
            if stretch.first <= hit.occurred_at <= stretch.last:
                judged.append(_judged(key, row, hit, judgement, around, now, rules))
    return judged


async def _around(connection: Connection, stretch: _Stretch, rules: HitRules) -> list[Any]:
    """The hits of a stretch and of its surroundings, oldest first within each message."""
    found = QUERIES.hits_of_messages(
        connection,
        **_arrays(stretch.messages),
        since=stretch.first - rules.burst_reach,
        until=stretch.last + rules.burst_reach,
        limit=MAX_OF_MESSAGE,
    )
    rows = [row async for row in found]
    missed = stretch.wanted - _hit_keys(rows)
    if missed:
        # Older than the newest of a flood, or with the id of a process whose clock is wrong: never judged otherwise.
        keys = {"customer_ids": [key[0] for key in missed], "ids": [key[1] for key in missed]}
        rows += [row async for row in QUERIES.hits_by_key(connection, **keys)]
        rows.sort(key=lambda row: (_key(row), row["occurred_at"], row["id"]))
    return rows


def _judged(
    key: MessageKey, row: Any, hit: Hit, judgement: Classification, around: Surroundings, now: datetime, rules: HitRules
) -> _Judged:
    look = (row["look_again_at"] or _next_look(hit.occurred_at, now)) if around.undecided else None
    changed = _differs(row, judgement)
    stale = changed or row["rules_version"] != rules.version or row["look_again_at"] != look
    return _Judged(key=key, hit=hit, judgement=judgement, look_again_at=look, changed=changed, stale=stale)


async def _answers(connection: Connection, messages: Collection[MessageKey]) -> dict[MessageKey, Any]:
    """What is known of each mail's final answer."""
    return {_key(row): row async for row in QUERIES.answers_of_messages(connection, **_arrays(messages))}


async def _write(connection: Connection, judged: Sequence[_Judged], rules: HitRules) -> None:
    """The verdicts that are new, then what follows from them for the messages."""
    ordered = sorted((one for one in judged if one.stale), key=lambda one: (one.key[0], one.hit.id))
    if not ordered:
        return
    await QUERIES.classify_hits(
        connection,
        customer_ids=[one.key[0] for one in ordered],
        ids=[one.hit.id for one in ordered],
        verdicts=[one.judgement.verdict for one in ordered],
        reasons=[",".join(one.judgement.reasons) for one in ordered],
        look_again_ats=[one.look_again_at for one in ordered],
        version=rules.version,
    )
    keys = {one.key for one in ordered}
    async for _ in QUERIES.set_opened_at(connection, **_arrays(keys)):
        pass
    await notify_change(connection, ChangeKind.HIT, [MessageRef(customer_id=key[0], message_id=key[1]) for key in keys])
    clicks = {one.key: one.hit.id for one in ordered if _is_evidence(one)}
    if clicks:
        async for _ in QUERIES.settle_by_click(
            connection, **_arrays(clicks), hit_ids=[clicks[key] for key in sorted(clicks)]
        ):
            pass


def _is_evidence(one: _Judged) -> bool:
    return one.hit.kind is HitKind.CLICK and one.judgement.verdict is HitVerdict.HUMAN


def _key(row: Any) -> MessageKey:
    return row["customer_id"], row["message_id"]


def _hit_keys(rows: Iterable[Any]) -> frozenset[tuple[int, UUID]]:
    return frozenset((row["customer_id"], row["id"]) for row in rows)


def _arrays(messages: Collection[MessageKey]) -> dict[str, list[Any]]:
    """The parameters of a statement over messages, in their order."""
    keys = sorted(messages)
    return {"customer_ids": [key[0] for key in keys], "message_ids": [key[1] for key in keys]}


def _extent(rows: Sequence[Any]) -> tuple[datetime, datetime]:
    moments = [row["occurred_at"] for row in rows]
    return min(moments), max(moments)


def _hit(row: Any) -> Hit:
    return Hit(
        id=row["id"],
        kind=HitKind(row["kind"]),
        occurred_at=row["occurred_at"],
        link=row["link"],
        origin=row["origin"],
        agent=row["agent"],
        head=row["head"],
        prefetch=row["prefetch"],
        honeypot=row["honeypot"],
    )


def _differs(row: Any, judgement: Classification) -> bool:
    old = (row["verdict"], tuple(HitReason(reason) for reason in row["reasons"]))
    return old != (judgement.verdict, judgement.reasons)
