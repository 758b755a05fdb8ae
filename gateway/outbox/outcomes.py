"""What is written about a delivery: the hand-off before it, the outcome after it. In groups, fenced by lease owner
and attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import inf
from operator import attrgetter
from typing import Protocol
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.mail.message import MessageRef, Status
from gateway.mail.refusal_words import refusal_words
from gateway.mail.response import Exchange
from gateway.mail.verdict import Cause, Outcome, Verdict
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.claim import Claimed, RecipientKey, columns
from gateway.outbox.refusal_runs import Refused, stop_after_refusals
from gateway.value import value

GATEWAY = "gateway"
"""The actor of events that no person caused."""

EXPIRED_ADVICE = "The deadline passed before a server took it. Try again if it still makes sense."
SUPPRESSED_ADVICE = (
    "Its address must not be mailed: a server said that it does not exist, its owner complained, or staff closed it. "
    "Correct the address, or lift the suppression and try again."
)
OPTED_OUT_ADVICE = "The customer opted out of this kind of campaign after the mail was made. Nothing is to be done."
WRONG_RELAY_ADVICE = (
    "This mail may leave only by a relay that is not configured here, so nothing was sent. Have whoever looks after our"
    " mail settings add the relay, then try again; or cancel the mail."
)
NOT_COMPOSED_ADVICE = "The mail could not be composed from its template. Publish a corrected version and send it anew."

LONGEST_RESPONSE = 65_536
"""Characters of a server's words that one attempt keeps: an endless reply must not fill the ledger."""


class HandOff(StrEnum):
    """The database's decision before a byte is sent. Only GO sends."""

    GO = "GO"
    LOST = "LOST"
    PAUSED = "PAUSED"
    EXPIRED = "EXPIRED"
    SUPPRESSED = "SUPPRESSED"
    OPTED_OUT = "OPTED_OUT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Undelivered:
    """A row that will not be sent: its final status and why."""

    status: Status
    cause: Cause
    advice: str


UNDELIVERED = {
    HandOff.EXPIRED: Undelivered(status=Status.EXPIRED, cause=Cause.DEADLINE, advice=EXPIRED_ADVICE),
    HandOff.SUPPRESSED: Undelivered(status=Status.HELD, cause=Cause.SUPPRESSED, advice=SUPPRESSED_ADVICE),
    HandOff.OPTED_OUT: Undelivered(status=Status.HELD, cause=Cause.OPTED_OUT, advice=OPTED_OUT_ADVICE),
}
WRONG_RELAY = Undelivered(status=Status.HELD, cause=Cause.WRONG_RELAY, advice=WRONG_RELAY_ADVICE)
NOT_COMPOSED = Undelivered(status=Status.HELD, cause=Cause.OUR_CONFIGURATION, advice=NOT_COMPOSED_ADVICE)


@value
class Finished:
    """One attempt's outcome, ready to be written: its names and values are those that `record_outcomes` reads as JSON.

    `ended` is the process's monotonic clock when the answer came: PostgreSQL derives its own times from it, so a wrong
    clock on this host writes no wrong time. `mail_sha256_hex` is of the mail without its DKIM signatures.
    """

    owner: UUID
    customer_id: int
    message_id: UUID
    recipient_no: int
    attempt: int
    verdict: Outcome
    cause: Cause | None
    advice: str | None
    rule: str
    stage: str
    code: int | None
    enhanced: str | None
    response: str | None
    relay: str
    host: str | None
    tls: str | None
    took_ms: int
    mail_sha256_hex: str
    wait_seconds: float
    suppress: bool
    ended: float
    domain: str

    @property
    def key(self) -> RecipientKey:
        """The order in which groups lock rows."""
        return self.customer_id, self.message_id, self.recipient_no

    @property
    def ref(self) -> MessageRef:
        """Its message."""
        return MessageRef(customer_id=self.customer_id, message_id=self.message_id)


class AttemptKey(Protocol):
    """What identifies an attempt: its recipient, its number, and its claim."""

    @property
    def customer_id(self) -> int: ...
    @property
    def message_id(self) -> UUID: ...
    @property
    def recipient_no(self) -> int: ...
    @property
    def attempt(self) -> int: ...
    @property
    def owner(self) -> UUID: ...


class Attempted(AttemptKey, Protocol):
    """The same, and the domain it went to."""

    @property
    def domain(self) -> str: ...


def finished(
    row: Attempted, exchange: Exchange, verdict: Verdict, *, mail_sha256_hex: str, wait: timedelta, ended: float
) -> Finished:
    """The outcome to record: the server's response whole, our verdict beside it."""
    reply = exchange.answer
    return Finished(
        owner=row.owner,
        customer_id=row.customer_id,
        message_id=row.message_id,
        recipient_no=row.recipient_no,
        attempt=row.attempt,
        verdict=verdict.outcome,
        cause=verdict.cause,
        advice=verdict.advice,
        rule=verdict.rule,
        stage=reply.stage if reply else exchange.stage,
        code=reply.code if reply else None,
        enhanced=reply.enhanced if reply else None,
        response=_words(exchange),
        relay=exchange.relay,
        host=exchange.host,
        tls=exchange.tls,
        took_ms=max(0, exchange.took_ms),
        mail_sha256_hex=mail_sha256_hex,
        wait_seconds=wait.total_seconds(),
        suppress=verdict.suppress,
        ended=ended,
        domain=row.domain,
    )


def _words(exchange: Exchange) -> str | None:
    """The server's words, never ours: its response, else what it said that is none; None when it said nothing."""
    text = exchange.answer.text if exchange.answer else exchange.fault.words if exchange.fault else None
    if text is None:
        return None
    if text.isascii() and len(text) <= LONGEST_RESPONSE and "\0" not in text:
        return text
    # PostgreSQL's text holds neither NUL nor lone surrogates; servers have sent both.
    kept = text[:LONGEST_RESPONSE].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return kept.encode("utf-8", "replace").decode("utf-8")


async def hand_off(connection: Connection, rows: Sequence[Claimed]) -> list[HandOff]:
    """Hand off every row that may go and return the decision for each, in their order. Call it outside a
    transaction."""
    order = sorted(range(len(rows)), key=lambda place: rows[place].key)
    ordered = [rows[place] for place in order]
    answers = [HandOff.LOST] * len(rows)
    async for answer in QUERIES.hand_off(
        connection,
        rows=[row.fence for row in ordered],
        lane_ids=sorted({row.lane_id for row in ordered}),
    ):
        answers[order[answer["n"] - 1]] = HandOff(answer["answer"])
    return answers


async def decide_unsent(
    connection: Connection, rows: Sequence[tuple[Claimed, Undelivered]], *, actor: str = GATEWAY, shard: int = 0
) -> int:
    """Write that these leased rows will not be sent, each with an event. Returns how many were still ours."""
    ordered = sorted(rows, key=lambda pair: pair[0].key)
    return await decide(
        connection,
        [pair[0].key for pair in ordered],
        [pair[1] for pair in ordered],
        owners=[pair[0].owner for pair in ordered],
        actor=actor,
        shard=shard,
    )


async def decide(
    connection: Connection,
    keys: Sequence[RecipientKey],
    why: Sequence[Undelivered],
    *,
    owners: Sequence[UUID | None],
    actor: str,
    shard: int,
) -> int:
    """The same by key (customer, message, recipient), in ascending order; an owner of None takes any row not handed
    off."""
    written = [
        row
        async for row in QUERIES.decide_unsent(
            connection,
            **columns(keys),
            owners=list(owners),
            statuses=[reason.status for reason in why],
            causes=[reason.cause for reason in why],
            advices=[reason.advice for reason in why],
            actor=actor,
            shard=shard,
        )
    ]
    refs = [MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) for row in written]
    await notify_change(connection, ChangeKind.MESSAGE, refs)
    return len(written)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What became of a group of outcomes: how many were still ours, and the relays stopped for refusals in a row that
    said the same."""

    written: int
    stopped_relays: Sequence[str] = ()


async def record(
    connection: Connection, outcomes: Sequence[Finished], *, now: float, shard: int, same_refusals: int
) -> Recorded:
    """Write a group of outcomes in one statement, and count its refusals; `now` is the monotonic clock, `same_refusals`
    how many in the same words stop a relay or destination.

    An outcome whose lease was lost is offered as evidence: it settles a message that became UNCERTAIN by this very
    attempt, and touches nothing else.
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.key)
    if _accepted_alike(ordered):
        late = await _write_accepted(connection, ordered, now=now, shard=shard)
        refused: Sequence[tuple[Finished, str, bytes]] = ()
    else:
        late, refused = await _write_outcomes(connection, ordered, now=now, shard=shard)
    if late:
        await settle_late(connection, late, now=now, shard=shard)
    written = len(ordered) - len(late)
    if not refused:
        return Recorded(written=written)
    counted = _since_accepted(ordered, refused)
    stopped = await stop_after_refusals(connection, counted, enough=same_refusals)
    return Recorded(written=written, stopped_relays=stopped)


_shared = attrgetter("verdict", "cause", "advice", "rule", "stage", "code", "enhanced", "relay", "host", "tls")
"""What `record_accepted` takes once for a whole group."""


def _accepted_alike(outcomes: Sequence[Finished]) -> bool:
    """Whether they are what nearly every group is: all accepted, by one relay, in the same way."""
    shared = set(map(_shared, outcomes))
    return len(shared) == 1 and shared.pop()[:3] == (Outcome.ACCEPTED, None, None)


async def _write_accepted(
    connection: Connection, ordered: Sequence[Finished], *, now: float, shard: int
) -> list[Finished]:
    """Write a group that is accepted alike, at less than half the cost; returns those whose lease was lost."""
    first = ordered[0]
    # One letter a name: PostgreSQL reads every one of them for every row.
    rows = [
        {
            "c": one.customer_id,
            "m": one.message_id,
            "r": one.recipient_no,
            "a": one.attempt,
            "o": one.owner,
            "w": one.response,
            "t": one.took_ms,
            "g": max(0.0, now - one.ended),
            "h": one.mail_sha256_hex,
            "d": one.domain,
        }
        for one in ordered
    ]
    missing = QUERIES.record_accepted(
        connection,
        accepted=rows,
        shard=shard,
        rule=first.rule,
        stage=first.stage,
        code=first.code,
        enhanced=first.enhanced,
        relay=first.relay,
        host=first.host,
        tls=first.tls,
    )
    return [ordered[row["n"] - 1] async for row in missing]


async def _write_outcomes(
    connection: Connection, ordered: Sequence[Finished], *, now: float, shard: int
) -> tuple[list[Finished], list[tuple[Finished, str, bytes]]]:
    """Write any group; returns those whose lease was lost, and the refusals by a reply with their addresses."""
    late, refused = [], []
    async for row in QUERIES.record_outcomes(
        connection, outcomes=ordered, now=now, shard=shard, expired_advice=EXPIRED_ADVICE
    ):
        if row["address_key"] is None:
            late.append(ordered[row["n"] - 1])
        else:
            refused.append((ordered[row["n"] - 1], row["address"], row["address_key"]))
    return late, refused


def _since_accepted(outcomes: Sequence[Finished], refused: Sequence[tuple[Finished, str, bytes]]) -> list[Refused]:
    """Refusals of a group with their addresses, each for its relay and its domain where nothing of the group was
    accepted after it."""
    accepted = sorted((one for one in outcomes if one.verdict is Outcome.ACCEPTED), key=lambda one: one.ended)
    relays, domains = {one.relay: one.ended for one in accepted}, {one.domain: one.ended for one in accepted}
    return [
        Refused(
            relay=one.relay,
            domain=one.domain,
            words=refusal_words(one.code or 0, one.enhanced, one.response or "", address),
            address_key=address_key,
            stage=one.stage,
            code=one.code or 0,
            for_relay=one.ended > relays.get(one.relay, -inf),
            for_domain=one.ended > domains.get(one.domain, -inf),
        )
        for one, address, address_key in refused
    ]


async def settle_late(connection: Connection, late: Sequence[Finished], *, now: float, shard: int) -> int:
    """Offer outcomes that came too late as evidence. Returns how many settled an uncertain message."""
    settled = [row async for row in QUERIES.settle_late(connection, outcomes=late, now=now, shard=shard)]
    return len(settled)


async def tally(
    connection: Connection, mailing_id: int, before: Status, after: Status | None, *, messages: int = 1
) -> None:
    """Move recipients of a mailing from one count to another; `after` None: undecided again."""
    counts = dict.fromkeys(("accepted", "refused", "bounced", "uncertain", "held", "expired", "cancelled"), 0)
    for status, step in ((before, -messages), (after, messages)):
        if (name := str(status).lower()) in counts:
            counts[name] += step
    await QUERIES.move_tally(connection, mailing_id=mailing_id, **counts)
