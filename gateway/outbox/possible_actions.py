"""What a person can do about a message as it is now, and why not of the rest.

`why_not` is the only judge: the API names the actions of which it says nothing, and the actions themselves ask it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.address import RESERVED_NAMES
from gateway.mail.choice import SuppressionScope
from gateway.mail.message import DISMISSIBLE, TRANSITIONS, EventKind, MessageRef, Status
from gateway.mail.source import SourceType
from gateway.mail.verdict import Cause
from gateway.outbox.outcomes import SUPPRESSED_ADVICE, WRONG_RELAY_ADVICE


class MessageAction(StrEnum):
    """What a person can do about a message."""

    RETRY = "RETRY"
    RETRY_TO_PRESENT_ADDRESS = "RETRY_TO_PRESENT_ADDRESS"
    ASSUME_SENT = "ASSUME_SENT"
    CANCEL = "CANCEL"
    LIFT_SUPPRESSION = "LIFT_SUPPRESSION"
    CORRECT_ADDRESS = "CORRECT_ADDRESS"
    BELIEVE_REPORT = "BELIEVE_REPORT"
    DISMISS = "DISMISS"
    UNDO = "UNDO"


RETRYABLE = frozenset(status for status, following in TRANSITIONS.items() if Status.QUEUED in following) - {
    Status.HANDED_OFF  # returns to the queue by itself, where nothing was sent
}
OF_THE_ADDRESS = frozenset(
    {
        Cause.BAD_ADDRESS,
        Cause.BAD_DOMAIN,
        Cause.INACTIVE,
        Cause.MAILBOX_FULL,
        Cause.SUPPRESSED,
        Cause.UNSUPPORTED,
        Cause.POLICY,
        Cause.DEADLINE,
        Cause.UNKNOWN,
    }
)
"""Causes that another address of the customer's may mend."""


class StayReason(StrEnum):
    """Why a message stays as it is when something is done to many."""

    STATUS = "STATUS"
    SUPPRESSED = "SUPPRESSED"
    OPTED_OUT = "OPTED_OUT"
    NO_ADDRESS = "NO_ADDRESS"
    SAME_ADDRESS = "SAME_ADDRESS"
    CAMPAIGN_CANCELLED = "CAMPAIGN_CANCELLED"
    RELAY_GONE = "RELAY_GONE"
    DISMISSED = "DISMISSED"
    ERASED = "ERASED"


class NotPossible(Refusal):
    """Why something cannot be done about a message. `stays`: that as one of few reasons, to be counted."""

    def __init__(self, code: RefusalCode, message: str, stays: StayReason) -> None:
        super().__init__(code, message, ("messageId",))
        self.stays = stays


NOTHING_TO_UNDO = (
    "There is no decision to take back: a person made none about it, or something else has happened to it since."
)

_BARS = {
    RefusalCode.SUPPRESSED: (StayReason.SUPPRESSED, SUPPRESSED_ADVICE),
    RefusalCode.OPTED_OUT: (
        StayReason.OPTED_OUT,
        "The customer opted out of such mail. `setOptOut` allows it again, if the customer asks.",
    ),
    RefusalCode.ADDRESS_INVALID: (
        StayReason.NO_ADDRESS,
        "It has no address to go to. Add one to the customer, and send it there.",
    ),
    RefusalCode.ADDRESS_RESERVED: (
        StayReason.NO_ADDRESS,
        "Nobody can have its address: the name is reserved for tests. Correct the address.",
    ),
    RefusalCode.ERASED: (StayReason.ERASED, "The customer was erased: nothing is sent to it."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """An address that mail may go to, its key, and what forbids that; `bar` is None when nothing does."""

    address: str
    key: bytes
    bar: RefusalCode | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """One recipient of a message as it is now: number 0 is its To. `attempts` is the number of the last."""

    number: int
    place: Place
    decided: Status
    cause: Cause | None
    queued: bool
    handed_off: bool
    attempts: int

    @property
    def retryable(self) -> bool:
        """Whether a person may have it sent again, as far as its own state goes."""
        return not self.queued and self.decided in RETRYABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A sent message as it is now. `present`: its customer's addresses, the primary first. `sha256`: of its stored
    content (`is_stored`), else of the mail that a server was given last. `report_waits`: a report says that it came
    back, and nothing vouches for that. `dismissed`: a person took it off the worklist. `undoable`: a
    person's decision, the last that happened to it."""

    ref: MessageRef
    source_type: SourceType
    mailing_id: int | None
    campaign_kind: str | None
    campaign_cancelled: bool
    bound_relay: str | None
    relay_missing: bool
    recipient_name: str | None
    sha256: bytes | None
    is_stored: bool
    report_waits: bool
    dismissed: bool
    undoable: EventKind | None
    recipients: tuple[Recipient, ...]
    present: tuple[Place, ...]

    @property
    def to(self) -> Recipient:
        """The customer itself."""
        return self.recipients[0]

    @property
    def retryable(self) -> list[Recipient]:
        """Every recipient to whom it may be sent again: those that nothing forbids."""
        return [one for one in self.recipients if one.retryable and one.place.bar is None]


def actions_of(standing: Standing) -> list[MessageAction]:
    """Returns what can be done about this message now."""
    return [action for action in MessageAction if why_not(action, standing) is None]


def why_not(action: MessageAction, standing: Standing) -> NotPossible | None:
    """Returns why this cannot be done about the message now; None when it can."""
    match action:
        case MessageAction.RETRY:
            return _why_not_retry(standing)
        case MessageAction.RETRY_TO_PRESENT_ADDRESS:
            return _why_not_readdress(standing)
        case MessageAction.ASSUME_SENT:
            if any(not one.queued and one.decided is Status.UNCERTAIN for one in standing.recipients):
                return None
            return illegal("Only mail that is uncertain can be assumed sent.")
        case MessageAction.CANCEL:
            waits = any(one.queued or one.decided is Status.HELD for one in standing.recipients)
            if waits and not any(one.handed_off for one in standing.recipients):
                return None
            return illegal("Only mail that is queued, deferred or held can be cancelled.")
        case MessageAction.LIFT_SUPPRESSION:
            if any(one.retryable and one.place.bar is RefusalCode.SUPPRESSED for one in standing.recipients):
                return None
            return illegal("No suppression keeps this mail.")
        case MessageAction.CORRECT_ADDRESS:
            to = standing.to
            failed = to.retryable and to.decided is not Status.UNCERTAIN and to.cause in OF_THE_ADDRESS
            if failed and any(one.key == to.place.key for one in standing.present):
                return None
            return illegal("Nothing says that this customer's address is wrong.")
        case MessageAction.BELIEVE_REPORT:
            if standing.to.place.bar is RefusalCode.ERASED:
                return _barred(RefusalCode.ERASED)
            if any(one.handed_off for one in standing.recipients):
                return illegal("It is being sent right now: look again when that is decided.")
            return None if standing.report_waits else illegal("No report about it waits to be believed.")
        case MessageAction.DISMISS:
            return _why_not_dismiss(standing)
        case MessageAction.UNDO:
            return None if standing.undoable else illegal(NOTHING_TO_UNDO)


def illegal(message: str, stays: StayReason = StayReason.STATUS) -> NotPossible:
    """Returns the refusal of what a message's state does not allow."""
    return NotPossible(RefusalCode.ILLEGAL_STATE, message, stays)


def _why_not_send(standing: Standing) -> NotPossible | None:
    if standing.campaign_cancelled:
        return illegal("Its campaign was cancelled.", StayReason.CAMPAIGN_CANCELLED)
    return illegal(WRONG_RELAY_ADVICE, StayReason.RELAY_GONE) if standing.relay_missing else None


def _why_not_retry(standing: Standing) -> NotPossible | None:
    failed = [one for one in standing.recipients if one.retryable]
    if not failed:
        return illegal("Only mail that is uncertain, held, refused, expired or came back can be retried.")
    if (refusal := _why_not_send(standing)) is not None:
        return refusal
    bars = [one.place.bar for one in failed]
    return None if None in bars else _barred(bars[0])


def _why_not_readdress(standing: Standing) -> NotPossible | None:
    if not standing.to.retryable:
        return illegal("Only mail that is uncertain, held, refused, expired or came back can be retried.")
    if (refusal := _why_not_send(standing)) is not None:
        return refusal
    if standing.to.place.bar is RefusalCode.ERASED:
        return _barred(RefusalCode.ERASED)
    if not standing.present:
        return _barred(RefusalCode.ADDRESS_INVALID)
    if standing.present[0].key == standing.to.place.key:
        return illegal("The customer's present address is the one that it was for.", StayReason.SAME_ADDRESS)
    return _barred(standing.present[0].bar)


def _why_not_dismiss(standing: Standing) -> NotPossible | None:
    to = standing.to
    if to.queued or to.decided not in DISMISSIBLE:
        return illegal("Only mail that is held, refused, expired or came back can be dismissed.")
    if to.cause is Cause.OPTED_OUT:
        return illegal("Nothing is to be done about it: the customer opted out of such mail.", StayReason.OPTED_OUT)
    return illegal("It is dismissed already.", StayReason.DISMISSED) if standing.dismissed else None


def _barred(code: RefusalCode | None) -> NotPossible | None:
    if code is None:
        return None
    stays, message = _BARS[code]
    return NotPossible(code, message, stays)


async def read_standings(
    connection: Connection, refs: Sequence[MessageRef], deployment: Deployment
) -> dict[MessageRef, Standing]:
    """Returns these messages as they are now, by three statements; those that were not sent are left out."""
    keys: dict[str, Any] = {
        "customer_ids": [ref.customer_id for ref in refs],
        "message_ids": [ref.message_id for ref in refs],
    }
    messages = [row async for row in QUERIES.messages_to_decide(connection, **keys)]
    recipients: dict[tuple[int, UUID], list[Any]] = {}
    async for row in QUERIES.recipients_of_messages(connection, **keys):
        recipients.setdefault((row["customer_id"], row["message_id"]), []).append(row)
    used = [row["address"] for rows in recipients.values() for row in rows if row["address"]]
    used += [address for row in messages for address in row["addresses"]]
    known = {address: deployment.key_of(address) for address in used}
    bars = {row["address_key"]: row async for row in QUERIES.bars_of_addresses(
        connection, address_keys=sorted(set(known.values())))}  # fmt: skip
    found: dict[MessageRef, Standing] = {}
    for row in messages:
        ref = MessageRef(customer_id=row["customer_id"], message_id=row["message_id"])
        places = _Places(row, known, bars, deployment)
        found[ref] = Standing(
            ref=ref,
            source_type=SourceType(row["source_type"]),
            mailing_id=row["mailing_id"],
            campaign_kind=row["campaign_kind"],
            campaign_cancelled=row["campaign_cancelled"],
            bound_relay=row["bound_relay"],
            relay_missing=row["bound_relay"] is not None and row["bound_relay"] not in deployment.relay_names,
            recipient_name=row["recipient_name"],
            sha256=row["sha256"],
            is_stored=row["is_stored"],
            report_waits=row["report_waits"],
            dismissed=row["dismissed"],
            undoable=EventKind(row["undoable"]) if row["undoable"] else None,
            recipients=tuple(_recipient(one, places) for one in recipients[ref.customer_id, ref.message_id]),
            present=tuple(places.of(address) for address in row["addresses"]),
        )
    return found


async def received_to_undo(connection: Connection, refs: Sequence[MessageRef]) -> set[MessageRef]:
    """Returns those of these messages that were received, and given to their customer by a person's last decision."""
    found = QUERIES.received_messages_to_undo(
        connection,
        customer_ids=[ref.customer_id for ref in refs],
        message_ids=[ref.message_id for ref in refs],
    )
    return {MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) async for row in found}


class _Places:
    """The addresses of one message and its customer, with what forbids that this message goes to each."""

    def __init__(self, row: Any, known: dict[str, bytes], bars: dict[bytes, Any], deployment: Deployment) -> None:
        self._row = row
        self._known = known
        self._bars = bars
        self._allow_reserved = deployment.settings.allow_reserved_domains

    def of(self, address: str | None) -> Place:
        if self._row["erased"]:
            return Place(address="", key=b"", bar=RefusalCode.ERASED)
        if not address:
            return Place(address="", key=b"", bar=RefusalCode.ADDRESS_INVALID)
        key = self._known[address]
        return Place(address=address, key=key, bar=self._bar(address, self._bars[key]))

    def _bar(self, address: str, standing: Any) -> RefusalCode | None:
        kind, scope = self._row["campaign_kind"], standing["scope"]
        if not self._allow_reserved and address.rpartition(".")[2].lower() in RESERVED_NAMES:
            return RefusalCode.ADDRESS_RESERVED
        if scope is not None and (kind is not None or scope == SuppressionScope.ALL_MAIL):
            return RefusalCode.SUPPRESSED
        opted_out = kind is not None and (self._row["opted_out"] or kind in standing["opted_out"])
        return RefusalCode.OPTED_OUT if opted_out else None


def _recipient(row: Any, places: _Places) -> Recipient:
    return Recipient(
        number=row["recipient_no"],
        place=places.of(row["address"]),
        decided=Status(row["decided"]),
        cause=Cause(row["cause"]) if row["cause"] else None,
        queued=row["queued"],
        handed_off=row["handed_off"],
        attempts=row["attempts"],
    )
