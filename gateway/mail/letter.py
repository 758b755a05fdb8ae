"""The letters to one customer: what a mail of each source type says, before it is composed (`product.md`).

Each is validated when it is made and raises `Refusal`, its field path in GraphQL names below the mutation's input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Protocol, Self
from zoneinfo import ZoneInfo

from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.address import parse_address
from gateway.mail.card_number import refuse_card_number
from gateway.mail.currency import MINOR_DIGITS
from gateway.mail.field_checks import (
    check_free_text,
    check_line,
    check_required_line,
    check_time_zone,
    check_url,
    invalid,
)
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.names import tidy_name
from gateway.mail.source import SourceType
from gateway.value import value

LONGEST_NAME = 255
"""Characters of a display name: with its address it still folds into a few header lines."""
LONGEST_SUBJECT = 500
"""Characters: no client shows more, and encoded it stays under ten header lines of RFC 2047 words."""
LONGEST_BODY = 50_000
"""Characters of an own body; with its markup the mail stays below the 102 KB at which Gmail cuts."""
LARGEST_MINOR_UNITS = 2**63 - 1
"""The database keeps money as bigint."""


class WorkOrderKind(StrEnum):
    """What happened to the work order."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    CANCELLED = "CANCELLED"
    REMINDER = "REMINDER"
    COMPLETED = "COMPLETED"


class DocumentKind(StrEnum):
    """What is to be signed."""

    PROPOSAL = "PROPOSAL"
    CHANGE_ORDER = "CHANGE_ORDER"


class CardMailKind(StrEnum):
    """What happened to the card payment, or PAYMENT_LINK: where to pay."""

    CHARGE = "CHARGE"
    REFUND = "REFUND"
    DECLINE = "DECLINE"
    PAYMENT_LINK = "PAYMENT_LINK"


class Deadlines(Protocol):
    """How long mail may be tried where no date of its own ends it. `gateway.settings.Settings` is one."""

    @property
    def completed_deadline(self) -> timedelta: ...
    @property
    def card_deadline(self) -> timedelta: ...


# Parts of letters ------------------------------------------------------------------------------------------------


@value
class Mailbox:
    """An address in its normal form and, if known, a display name (RFC 5322 3.4).

    Input is read by `parse`; what the ledger holds needs no check.
    """

    address: str
    name: str | None = None

    @classmethod
    def parse(cls, address: str, name: str | None, *, allow_reserved: bool, path: tuple[str, ...]) -> Self:
        """Check and normalise; `path` leads to the mailbox, as ("cc", "0"). Raises Refusal."""
        found = RefusalCollector()
        with found.check():
            parsed = parse_address(address, allow_reserved=allow_reserved, field=(*path, "address"))
        with found.check():
            check_line(name, (*path, "name"), LONGEST_NAME)
        found.raise_any()
        return cls(address=parsed.text, name=tidy_name(name or "") or None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """An exact amount above zero, with no more digits than its ISO 4217 currency has."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        found, digits = RefusalCollector(), MINOR_DIGITS.get(self.currency)
        with found.check():
            if digits is None:
                raise invalid("Not a currency of ISO 4217, such as USD or EUR.", "amount", "currency")
        with found.check():
            self._check_amount(digits)
        found.raise_any()

    def _check_amount(self, digits: int | None) -> None:
        exponent = self.amount.as_tuple().exponent
        if not isinstance(exponent, int) or self.amount <= 0 or exponent > 18:
            raise invalid("An amount is a number above zero.", "amount", "amount")
        if digits is None:
            return
        if exponent < -digits:
            raise invalid(f"{self.currency} has {digits} digits after the point, not {-exponent}.", "amount", "amount")
        if self.minor_units > LARGEST_MINOR_UNITS:
            raise invalid("This amount is larger than the ledger can hold.", "amount", "amount")

    @property
    def minor_units(self) -> int:
        """The amount in the currency's smallest unit: 12.50 USD is 1250."""
        return int(self.amount.scaleb(MINOR_DIGITS[self.currency]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """When a visit is: local times without offset, in an IANA zone; `fold` (PEP 495) is 1 for the second coming of a
    time that comes twice."""

    start: datetime
    end: datetime
    time_zone: str

    LONGEST: ClassVar[timedelta] = timedelta(days=366)

    def __post_init__(self) -> None:
        check_time_zone(self.time_zone, ("window", "timeZone"))
        found = RefusalCollector()
        with found.check():
            _check_local(self.start, self.time_zone, "start")
        with found.check():
            _check_local(self.end, self.time_zone, "end")
        found.raise_any()
        if self.start_utc >= self.end_utc:
            raise invalid("The window ends before it starts.", "window", "end")
        if self.end_utc - self.start_utc > self.LONGEST:
            raise invalid("A window is at most 366 days long.", "window", "end")

    @classmethod
    def parse(cls, start: str, end: str, time_zone: str) -> Self:
        """Read local ISO 8601 times such as `2026-12-01T09:00`. One that the zone's clocks show twice needs its offset:
        `2027-11-07T01:30-05:00`. Raises Refusal or Refusals."""
        found = RefusalCollector()
        with found.check():
            check_time_zone(time_zone, ("window", "timeZone"))
        with found.check():
            first = _read_time(start, "start")
        with found.check():
            last = _read_time(end, "end")
        found.raise_any()
        zone = ZoneInfo(time_zone)
        with found.check():
            first = _local_time(first, zone, "start")
        with found.check():
            last = _local_time(last, zone, "end")
        found.raise_any()
        return cls(start=first, end=last, time_zone=time_zone)

    @property
    def start_utc(self) -> datetime:
        """The start as a moment."""
        return self.start.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)

    @property
    def end_utc(self) -> datetime:
        """The end as a moment."""
        return self.end.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)


def _check_local(moment: datetime, time_zone: str, name: str) -> None:
    if moment.tzinfo is not None:
        raise invalid("Give a local time; timeZone says where.", "window", name)
    if not 1971 <= moment.year <= 2999:
        raise invalid("A year between 1971 and 2999.", "window", name)
    zone = ZoneInfo(time_zone)
    shown = moment.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    if shown.replace(tzinfo=None) != moment:
        raise invalid(
            f"{moment:%H:%M} does not exist on {moment:%Y-%m-%d} in {time_zone}: clocks are put forward.",
            "window",
            name,
        )
    if moment.fold and not comes_twice(moment, zone):
        raise invalid(f"{moment:%H:%M} comes once on {moment:%Y-%m-%d} in {time_zone}.", "window", name)


def comes_twice(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the zone's clocks show this local time twice, since they are put back; False for a time they skip."""
    first, second = (moment.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    return first > second


_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?([+-]\d\d:\d\d)?", re.ASCII)


def _read_time(text: str, name: str) -> datetime:
    if not _LOCAL_TIME.fullmatch(text):
        raise invalid("A local time looks like 2026-12-01T09:00.", "window", name)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise invalid("There is no such day or time.", "window", name) from None


def _local_time(given: datetime, zone: ZoneInfo, name: str) -> datetime:
    moment = given.replace(tzinfo=None)
    comings = [moment.replace(tzinfo=zone, fold=fold) for fold in range(1 + comes_twice(moment, zone))]
    if given.tzinfo is None and len(comings) == 1:
        return moment
    for coming in comings:
        if coming.utcoffset() == given.utcoffset():
            return coming.replace(tzinfo=None)
    choices = " or ".join(coming.isoformat() for coming in comings)
    message = f"{zone.key} has another offset then: give {choices}, or leave it out."
    if len(comings) == 2:
        message = f"This time comes twice in {zone.key}, since clocks are put back: give {choices}."
    raise invalid(message, "window", name)


ANY_WINDOW = Window.parse("2000-01-03T09:00", "2000-01-03T10:00", "UTC")
ANY_AMOUNT = Money(amount=Decimal(1), currency="EUR")
"""Stand in for a window or an amount that was refused, while the rest of its letter is checked. Never mailed."""


# The letters -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkOrderLetter:
    """About a visit to a job site. `sequence` is the .ics SEQUENCE if the caller counts it; else the ledger does."""

    kind: WorkOrderKind
    number: str
    type: str
    window: Window
    technician: str | None = None
    job_site_address: str | None = None
    notes: str | None = None
    confirm_url: str | None = None
    sequence: int | None = None

    source_type: ClassVar[SourceType] = SourceType.WORK_ORDER

    def __post_init__(self) -> None:
        found = RefusalCollector()
        with found.check():
            check_required_line(self.number, ("number",), 100)
        with found.check():
            check_required_line(self.type, ("type",))
        with found.check():
            check_line(self.technician, ("technician",))
        with found.check():
            check_free_text(self.job_site_address, ("jobSiteAddress",), 500)
        with found.check():
            check_free_text(self.notes, ("notes",))
        with found.check():
            check_url(self.confirm_url, ("confirmUrl",))
        with found.check():
            if self.sequence is not None and not 0 <= self.sequence < 2**31:
                raise invalid("A sequence is a whole number from 0 to 2147483647.", "sequence")
        found.raise_any()

    @property
    def reference(self) -> str | None:
        """The number by which people speak of it: the work order's."""
        return self.number

    @property
    def letter_kind(self) -> str:
        """The kind, as the ledger keeps it."""
        return self.kind.value

    def deadline(self, now: datetime, deadlines: Deadlines) -> datetime:
        """Until when sending makes sense: the window's start; for COMPLETED a time after now."""
        if self.kind is WorkOrderKind.COMPLETED:
            return now + deadlines.completed_deadline
        return self.window.start_utc


@dataclass(frozen=True, kw_only=True, slots=True)
class ESignatureLetter:
    """A document to sign in the portal until `expires_at`. Its link is never rewritten."""

    document_kind: DocumentKind
    title: str
    portal_url: str
    expires_at: datetime
    revision: str | None = None
    online_only: bool = False
    subject: str | None = None
    body: str | None = None

    source_type: ClassVar[SourceType] = SourceType.E_SIGNATURE

    def __post_init__(self) -> None:
        found = RefusalCollector()
        with found.check():
            check_required_line(self.title, ("title",))
        with found.check():
            check_line(self.revision, ("revision",), 50)
        with found.check():
            check_url(self.portal_url, ("portalUrl",))
        with found.check():
            if self.expires_at.tzinfo is None:
                raise invalid("A time with its offset, such as 2026-12-01T17:00:00Z.", "expiresAt")
        with found.check():
            if self.subject is not None:
                check_required_line(self.subject, ("subject",), LONGEST_SUBJECT)
        with found.check():
            check_free_text(self.body, ("body",), LONGEST_BODY)
        found.raise_any()

    @property
    def reference(self) -> str | None:
        """A document has a title, no number."""
        return None

    @property
    def letter_kind(self) -> str:
        """The document's kind, as the ledger keeps it."""
        return self.document_kind.value

    def deadline(self, now: datetime, deadlines: Deadlines) -> datetime:
        """Until when sending makes sense: until the document expires."""
        return self.expires_at


@dataclass(frozen=True, kw_only=True, slots=True)
class CardLetter:
    """About a card payment. Of the card only brand and last four digits are known."""

    kind: CardMailKind
    amount: Money
    invoice_number: str | None = None
    card_brand: str | None = None
    card_last_four: str | None = None
    authorisation_code: str | None = None
    portal_url: str | None = None
    note: str | None = None

    source_type: ClassVar[SourceType] = SourceType.CARD_PROCESSING

    def __post_init__(self) -> None:
        found = RefusalCollector()
        with found.check():
            check_line(self.invoice_number, ("invoiceNumber",), 100)
        with found.check():
            check_line(self.card_brand, ("cardBrand",), 50)
        with found.check():
            _check_last_four(self.card_last_four)
        with found.check():
            check_line(self.authorisation_code, ("authorisationCode",), 50)
        with found.check():
            if self.kind is CardMailKind.PAYMENT_LINK and self.portal_url is None:
                raise Refusal(RefusalCode.REQUIRED, "A payment link needs the portal's URL.", ("portalUrl",))
            check_url(self.portal_url, ("portalUrl",))
        with found.check():
            check_free_text(self.note, ("note",))
        found.raise_any()

    @property
    def reference(self) -> str | None:
        """The number by which people speak of it: the invoice's, where it has one."""
        return self.invoice_number

    @property
    def letter_kind(self) -> str:
        """The kind, as the ledger keeps it."""
        return self.kind.value

    def deadline(self, now: datetime, deadlines: Deadlines) -> datetime:
        """Until when sending makes sense: a time after now."""
        return now + deadlines.card_deadline


def _check_last_four(digits: str | None) -> None:
    if digits is None:
        return
    refuse_header_break(digits, ("cardLastFour",))
    refuse_card_number(digits, ("cardLastFour",))
    if not re.fullmatch("[0-9]{4}", digits):
        raise invalid("The card's last four digits, and nothing more.", "cardLastFour")


Letter = WorkOrderLetter | ESignatureLetter | CardLetter
