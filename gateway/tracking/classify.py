"""Classifies hits some seconds after they came, in their context; and history again, by the current rules.

One transaction loads the hits of some messages, has `gateway.mail.hit` classify them, and writes what changed: the
classifications, when each message was first opened, and that a person's click settles a message that was UNCERTAIN.
While a mail has no final answer every hit on it comes too early to be a person's: such hits are classified again once
it has one, or once it is known that there will be none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.mail.hit import (
    Classification,
    Hit,
    HitContext,
    HitKind,
    HitReason,
    HitRules,
    HitVerdict,
    Span,
    classify_hits,
)
from gateway.mail.message import MessageRef
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.engagement import ClickStep, note_hits
from gateway.tracking.busy_origins import MessageKey, find_busy_origins
from gateway.tracking.hit_rules import read_hit_rules

MAX_DUE_HITS = 500
"""Due hits in one transaction: classified and written in a tenth of a second."""

MAX_HITS_OF_MESSAGE = 5000
"""Hits of one message classified together: more than are stored of a flood in the time a burst reaches."""

MIN_RECLASSIFY_WAIT = timedelta(seconds=5)
MAX_RECLASSIFY_WAIT = timedelta(minutes=5)
"""A hit whose mail has no final answer is classified again after as long as it has waited, between these two: seldom
for a mail that is deferred for days, soon for one that is being delivered."""

MAX_RECLASSIFIED = 100_000
"""Hits that one call of `reclassify` classifies: a caller waits for it, some ten seconds."""

_RECLASSIFY_PAGE = 1000
_CLASSIFICATION_LOCK = 0x6A756467

HitKey = tuple[int, UUID]
"""Customer and hit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reclassified:
    """How many hits were classified again, and how many of them are classified otherwise now, or for other reasons."""

    classified: int
    changed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _DueHit:
    """A hit to be classified. `origin` and `agent` are read only of hits that have not been yet."""

    customer_id: int
    message_id: UUID
    id: UUID
    occurred_at: datetime
    origin: str | None = None
    agent: str | None = None

    @property
    def message(self) -> MessageKey:
        return self.customer_id, self.message_id

    @property
    def key(self) -> HitKey:
        return self.customer_id, self.id


_AS_IT_CAME = ("id", "occurred_at", "link", "origin", "agent", "head", "prefetch", "honeypot")


@dataclass(frozen=True, kw_only=True, slots=True)
class _StoredHit:
    """A hit with its classification as it is in the ledger. `rules_version` is 0 while it has none."""

    message: MessageKey
    hit: Hit
    classification: Classification
    rules_version: int
    reclassify_at: datetime | None

    @classmethod
    def from_row(cls, row: Any) -> _StoredHit:
        return cls(
            message=(row["customer_id"], row["message_id"]),
            hit=Hit(kind=HitKind(row["kind"]), **{name: row[name] for name in _AS_IT_CAME}),
            classification=Classification(
                verdict=HitVerdict(row["verdict"]), reasons=tuple(HitReason(reason) for reason in row["reasons"])
            ),
            rules_version=row["rules_version"],
            reclassify_at=row["look_again_at"],
        )

    @property
    def key(self) -> HitKey:
        return self.message[0], self.hit.id


@dataclass(frozen=True, kw_only=True, slots=True)
class _Classified:
    """A stored hit and its new classification."""

    stored: _StoredHit
    classification: Classification
    reclassify_at: datetime | None

    @property
    def changed(self) -> bool:
        """Whether the classification is another one."""
        return self.classification != self.stored.classification

    def is_stale(self, rules_version: int) -> bool:
        """Whether anything is to be written."""
        stored = self.stored
        return self.changed or rules_version != stored.rules_version or self.reclassify_at != stored.reclassify_at

    @property
    def click_step(self) -> ClickStep | None:
        """What it changes in the clicks of its link, machines left out: None when nothing."""
        hit, before = self.stored.hit, self.stored.classification.verdict
        if hit.kind is not HitKind.CLICK or hit.link is None:
            return None
        counted = self.stored.rules_version > 0 and before is not HitVerdict.MACHINE
        counts = self.classification.verdict is not HitVerdict.MACHINE
        if counts == counted:
            return None
        customer_id, message_id = self.stored.message
        step = 1 if counts else -1
        return ClickStep(customer_id=customer_id, message_id=message_id, hit_id=hit.id, link=hit.link, step=step)

    @property
    def is_evidence(self) -> bool:
        """Whether it says that the mail arrived: a person's click."""
        return self.stored.hit.kind is HitKind.CLICK and self.classification.verdict is HitVerdict.HUMAN


@dataclass(frozen=True, kw_only=True, slots=True)
class _Selection:
    """What to classify: the hits of these messages from `first` to `last`. Those `wanted` are among them, even where a
    limit keeps others out."""

    messages: Collection[MessageKey]
    wanted: frozenset[HitKey]
    first: datetime
    last: datetime

    @classmethod
    def of(cls, hits: Sequence[_DueHit]) -> _Selection:
        """All hits of their messages from the first to the last of these."""
        moments = [hit.occurred_at for hit in hits]
        return cls(
            messages={hit.message for hit in hits},
            wanted=frozenset(hit.key for hit in hits),
            first=min(moments),
            last=max(moments),
        )


# What is due -----------------------------------------------------------------------------------------------------


async def classify_due(connection: Connection, now: datetime | None = None) -> int:
    """Classify the oldest hits that have settled, and their neighbours again; and hits whose mail has its final answer
    by now. Returns how many were due: 0 when there is no more to do.

    One transaction, one caller at a time: another one gets 0. `now` stands in for the database's clock.
    """
    rules = read_hit_rules()
    async with connection.transaction():
        if not await QUERIES.try_classification_lock(connection, lock=_CLASSIFICATION_LOCK):
            return 0
        now = now or await QUERIES.database_time(connection)
        return await _classify_settled(connection, now, rules) + await _reclassify_waiting(connection, now, rules)


async def _classify_settled(connection: Connection, now: datetime, rules: HitRules) -> int:
    settled = now - rules.settle
    due = [_DueHit(**row) async for row in QUERIES.due_hits(connection, until=settled, limit=MAX_DUE_HITS)]
    if not due:
        return 0
    busy = await find_busy_origins(connection, due, rules)
    alone = _Selection.of(due)
    selection = _Selection(
        messages={*alone.messages, *busy.messages},
        wanted=alone.wanted,
        first=alone.first - rules.burst_reach,
        last=min(alone.last + rules.burst_reach, settled),
    )
    await _write(connection, await _classify(connection, selection, now, rules), rules)
    return len(due)


async def _reclassify_waiting(connection: Connection, now: datetime, rules: HitRules) -> int:
    """Classify hits again whose mail has its final answer, or will never have one; put the others off."""
    due = [_DueHit(**row) async for row in QUERIES.hits_to_look_at_again(connection, until=now, limit=MAX_DUE_HITS)]
    if not due:
        return 0
    contexts = await _contexts(connection, {hit.message for hit in due}, busy={})
    waiting = [hit for hit in due if contexts[hit.message].undecided]
    decided = [hit for hit in due if not contexts[hit.message].undecided]
    if waiting:
        await QUERIES.put_off_hits(
            connection,
            customer_ids=[hit.customer_id for hit in waiting],
            ids=[hit.id for hit in waiting],
            look_again_ats=[_reclassify_at(hit.occurred_at, now) for hit in waiting],
        )
    if decided:
        await _reclassify_page(connection, decided, now, rules)
    return len(due)


def _next_time(stored: _StoredHit, now: datetime) -> datetime:
    return stored.reclassify_at or _reclassify_at(stored.hit.occurred_at, now)


def _reclassify_at(occurred_at: datetime, now: datetime) -> datetime:
    return now + min(max(now - occurred_at, MIN_RECLASSIFY_WAIT), MAX_RECLASSIFY_WAIT)


# History ---------------------------------------------------------------------------------------------------------


async def reclassify(
    connection: Connection,
    *,
    customer_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Reclassified:
    """Classify history again, of one customer or of all, from `since` to before `until`. A transaction a page.

    Raises Refusal(TOO_MANY), having changed nothing, above MAX_RECLASSIFIED hits.
    """
    rules = read_hit_rules()
    now = await QUERIES.database_time(connection)
    history = {
        "customer_id": customer_id,
        "since": since or datetime.fromtimestamp(0, UTC),
        "until": until or now + timedelta(days=1),
    }
    limit = MAX_RECLASSIFIED
    if await QUERIES.count_hits_to_reclassify(connection, **history, limit=limit + 1) > limit:
        raise Refusal(
            RefusalCode.TOO_MANY,
            f"More than {limit} hits: reclassify those of one customer, or of a shorter period, at a time.",
            ("since",),
        )
    classified = changed = 0
    after: HitKey = (0, UUID(int=0))
    while True:
        async with connection.transaction():
            await QUERIES.wait_for_classification_lock(connection, lock=_CLASSIFICATION_LOCK)
            rows = QUERIES.hits_to_reclassify(
                connection, **history, after_customer=after[0], after_id=after[1], limit=_RECLASSIFY_PAGE
            )
            hits = [_DueHit(**row) async for row in rows]
            if not hits:
                return Reclassified(classified=classified, changed=changed)
            page = await _reclassify_page(connection, hits, now, rules)
        classified, changed = classified + page.classified, changed + page.changed
        after = hits[-1].key


async def _reclassify_page(
    connection: Connection, hits: Sequence[_DueHit], now: datetime, rules: HitRules
) -> Reclassified:
    """Classify exactly these hits, which were classified before."""
    selection = _Selection.of(hits)
    classified = [
        one for one in await _classify(connection, selection, now, rules) if one.stored.key in selection.wanted
    ]
    await _write(connection, classified, rules)
    return Reclassified(classified=len(classified), changed=sum(one.changed for one in classified))


# Classifying a selection -----------------------------------------------------------------------------------------


async def _classify(connection: Connection, selection: _Selection, now: datetime, rules: HitRules) -> list[_Classified]:
    """Classify a selection, with as much context around it as a burst reaches."""
    stored = await _load(connection, selection, rules)
    busy = await find_busy_origins(connection, [one.hit for one in stored], rules)
    contexts = await _contexts(connection, selection.messages, busy.spans)
    classified: list[_Classified] = []
    for message, group in groupby(stored, key=lambda one: one.message):
        of_message = list(group)
        context = contexts[message]
        classifications = classify_hits([one.hit for one in of_message], context, rules)
        classified += [
            _Classified(
                stored=one,
                classification=classification,
                reclassify_at=_next_time(one, now) if context.undecided else None,
            )
            for one, classification in zip(of_message, classifications, strict=True)
            if selection.first <= one.hit.occurred_at <= selection.last
        ]
    return classified


async def _load(connection: Connection, selection: _Selection, rules: HitRules) -> list[_StoredHit]:
    """The hits of a selection and those around it, oldest first within each message."""
    rows = QUERIES.hits_of_messages(
        connection,
        **_arrays(selection.messages),
        since=selection.first - rules.burst_reach,
        until=selection.last + rules.burst_reach,
        limit=MAX_HITS_OF_MESSAGE,
    )
    found = [_StoredHit.from_row(row) async for row in rows]
    missed = selection.wanted - {one.key for one in found}
    if missed:
        # Older than the newest of a flood, or with the id of a process whose clock is wrong: else never classified.
        keys = {"customer_ids": [key[0] for key in missed], "ids": [key[1] for key in missed]}
        found += [_StoredHit.from_row(row) async for row in QUERIES.hits_by_key(connection, **keys)]
        found.sort(key=lambda one: (one.message, one.hit.occurred_at, one.hit.id))
    return found


async def _contexts(
    connection: Connection, messages: Collection[MessageKey], busy: Mapping[str, Sequence[Span]]
) -> dict[MessageKey, HitContext]:
    return {
        (row["customer_id"], row["message_id"]): HitContext(
            answered_at=row["answered_at"], undecided=row["undecided"], busy=busy
        )
        async for row in QUERIES.answers_of_messages(connection, **_arrays(messages))
    }


async def _write(connection: Connection, classified: Iterable[_Classified], rules: HitRules) -> None:
    """Write the new classifications, then what follows from them for the messages."""
    stale = sorted((one for one in classified if one.is_stale(rules.version)), key=lambda one: one.stored.key)
    if not stale:
        return
    await QUERIES.classify_hits(
        connection,
        customer_ids=[one.stored.message[0] for one in stale],
        ids=[one.stored.hit.id for one in stale],
        verdicts=[one.classification.verdict for one in stale],
        reasons=[",".join(one.classification.reasons) for one in stale],
        look_again_ats=[one.reclassify_at for one in stale],
        version=rules.version,
    )
    messages = {one.stored.message for one in stale}
    async for _ in QUERIES.set_opened_at(connection, **_arrays(messages)):
        pass
    await note_hits(connection, messages, [step for one in stale if (step := one.click_step) is not None])
    refs = [MessageRef(customer_id=message[0], message_id=message[1]) for message in messages]
    await notify_change(connection, ChangeKind.HIT, refs)
    clicks = {one.stored.message: one.stored.hit.id for one in stale if one.is_evidence}
    if clicks:
        hit_ids = [clicks[message] for message in sorted(clicks)]
        async for _ in QUERIES.settle_by_click(connection, **_arrays(clicks), hit_ids=hit_ids):
            pass


def _arrays(messages: Collection[MessageKey]) -> dict[str, list[Any]]:
    """The parameters of a statement over messages, in their order."""
    keys = sorted(messages)
    return {"customer_ids": [key[0] for key in keys], "message_ids": [key[1] for key in keys]}
