"""Claiming due rows with leases, keeping the leases, and giving rows back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid4

from gateway.database import QUERIES, Connection
from gateway.mail.message import MessageRef
from gateway.mail.source import INTERNAL
from gateway.value import value

BATCH = 200
"""Rows a claim by default: the database's cost a row is flat from here on."""
LARGEST_BATCH = 1000
"""Rows scanned after a claim that only parked rows: 300,000 rows of a paused domain must not hold up the mail behind
them."""
LARGE_CONTENT = 1_048_576
"""Octets from which a mail counts as large: it may wait for room in memory, and is handed off when it has it."""


WHOLE_CLAIMS = 16
"""Claims that go the whole way at once after one that had to: where limited mail lies among the rest the next has to as
well, and each would cost a third more for trying the short way first."""

RecipientKey = tuple[int, UUID, int]
"""Customer, message and recipient number."""


@value
class MessageFacts:
    """What sending needs of a claimed row's message. A campaign's mail is composed of template, sender and merge data;
    other mail is stored whole under `content_sha256`. `merge_data` is the recipient's over the campaign's;
    `own_subject` is its mailing's, None for the template's.
    `composer_version` is the one that the mail was queued under. Internal mail has neither source type nor template."""

    source_type: str | None
    campaign_id: UUID | None
    template_version_id: UUID | None
    sender_version_id: UUID
    mail_date: datetime
    recipient: str
    recipient_name: str | None
    merge_data: dict[str, str] | None
    own_subject: str | None
    content_sha256: bytes | None
    tracked: bool
    token_key_id: str | None
    composer_version: int

    @property
    def kind(self) -> str:
        """As metrics and logs call it: its source type, or INTERNAL."""
        return self.source_type or INTERNAL


@value
class Claimed:
    """One leased outbox row. `owner` is this claim's own id: every write about the row is fenced by it.

    `facts` is None when the message is gone. `handed_off`: the claim handed it off, too. `large`: its mail waits for
    room in memory.
    """

    customer_id: int
    message_id: UUID
    recipient_no: int
    attempt: int
    owner: UUID
    lane_id: int
    address: str
    domain: str
    bound_relay: str | None
    capped: bool
    handed_off: bool
    large: bool
    facts: MessageFacts | None

    @property
    def ref(self) -> MessageRef:
        """The message it is a recipient of."""
        return MessageRef(customer_id=self.customer_id, message_id=self.message_id)

    @property
    def key(self) -> RecipientKey:
        """The order in which groups lock rows: one order everywhere, against deadlocks."""
        return self.customer_id, self.message_id, self.recipient_no

    @property
    def fence(self) -> dict[str, Any]:
        """What a statement must find unchanged to write about this row, in the form it reads."""
        return {
            "customer_id": self.customer_id,
            "message_id": self.message_id,
            "recipient_no": self.recipient_no,
            "attempt": self.attempt,
            "owner": self.owner,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What one claim did: the rows it leased, and how many it parked (they wait for their destination or relay).
    `short`: it went the short way."""

    leased: tuple[Claimed, ...]
    parked: int
    short: bool = False


class NextWay:
    """Which way a worker's next claim goes first."""

    def __init__(self) -> None:
        self._whole_claims = 0

    @property
    def is_short(self) -> bool:
        """Whether it tries the short way."""
        return not self._whole_claims

    def note(self, found: Claim) -> None:
        """Take notice of a claim; one that found nothing says nothing of the queue."""
        if self._whole_claims:
            self._whole_claims -= 1
        elif not found.short and (found.leased or found.parked):
            self._whole_claims = WHOLE_CLAIMS


async def claim(
    connection: Connection,
    *,
    worker: UUID,
    lease: timedelta,
    owner: UUID | None = None,
    scan_limit: int = BATCH,
    max_leased: int | None = None,
    large_room: int | None = None,
    hand_off: bool = False,
    relays: Iterable[str] = (),
    short_way: bool = True,
) -> Claim:
    """Scan `scan_limit` due rows of unpaused lanes and lease up to `max_leased` of them (None: all), up to `large_room`
    large ones among them; `hand_off` also hands off those that may go. Mail bound to one of `relays` that is paused or
    stopped waits. One statement, whose cost depends on `scan_limit` alone (`docs/claim.md`); the `short_way` is tried
    before it, and is all that is needed where nothing forbids or counts any of the first `max_leased` rows. With an
    `owner` of its own, a caller can give back a claim whose result never arrived.
    """
    owner = owner or uuid4()
    wanted = scan_limit if max_leased is None else max_leased
    lease_as = {"owner": owner, "lease": lease, "max_leased": wanted, "hand_off": hand_off, "large": LARGE_CONTENT}
    if short_way and wanted:
        found = [row async for row in QUERIES.claim_plain(connection, **lease_as)]
        if found:
            return Claim(leased=_in_order(found, owner), parked=0, short=True)
    due = QUERIES.claim_due(
        connection,
        **lease_as,
        worker=worker,
        scan_limit=scan_limit,
        large_room=scan_limit if large_room is None else large_room,
        relays=list(relays),
    )
    rows = [row async for row in due]
    leased = [row for row in rows if row["leased"]]
    return Claim(leased=_in_order(leased, owner), parked=len(rows) - len(leased))


def _in_order(rows: Sequence[Any], owner: UUID) -> tuple[Claimed, ...]:
    """An update returns rows in no order: the first in the lanes are handed out first."""
    return tuple(_claimed(row, owner) for row in sorted(rows, key=itemgetter("position")))


_FACTS = tuple(field.name for field in fields(MessageFacts))
_CLAIMED = tuple(field.name for field in fields(Claimed) if field.name not in ("owner", "facts"))
"""The columns of a row of `claim_due`, which have the names of their fields."""


def _claimed(row: Any, owner: UUID) -> Claimed:
    facts = MessageFacts(**{name: row[name] for name in _FACTS}) if row["found"] else None
    return Claimed(**{name: row[name] for name in _CLAIMED}, owner=owner, facts=facts)


def columns(keys: Sequence[RecipientKey]) -> dict[str, list[Any]]:
    """Keys as arrays for `unnest`."""
    return {
        "customer_ids": [customer_id for customer_id, _, _ in keys],
        "message_ids": [message_id for _, message_id, _ in keys],
        "recipient_nos": [recipient_no for _, _, recipient_no in keys],
    }


async def give_back(connection: Connection, rows: Sequence[tuple[Claimed, timedelta | None]]) -> None:
    """Return rows whose mail was certainly not sent to the queue, each due after its wait, or as it was. Rows whose
    lease is another's by now are left alone."""
    ordered = sorted(rows, key=lambda pair: pair[0].key)
    claimed = [row for row, _ in ordered]
    async for _ in QUERIES.give_back(
        connection,
        **columns([row.key for row in claimed]),
        attempts=[row.attempt for row in claimed],
        owners=[row.owner for row in claimed],
        waits=[wait for _, wait in ordered],
    ):
        pass


async def give_back_claim(connection: Connection, owner: UUID) -> None:
    """Return to the queue what a claim whose answer was lost may have leased. Reads the whole outbox: that is rare."""
    async with connection.transaction():
        await QUERIES.may_read_all(connection)
        async for _ in QUERIES.give_back_claim(connection, owner=owner):
            pass


async def extend(connection: Connection, rows: Sequence[Claimed], *, lease: timedelta) -> None:
    """Extend the leases of rows in work. A lease that has expired stays so: its row may be another worker's."""
    ordered = sorted(rows, key=lambda row: row.key)
    keys = columns([row.key for row in ordered])
    await QUERIES.extend_leases(connection, **keys, owners=[row.owner for row in ordered], lease=lease)
