"""The individual mails of each customer's story, as inputs of the API's sending mutations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from service.standalone.demo.customers import Customer

PORTAL = "https://portal.northlight.example"
BOOKKEEPING = {"address": "bookkeeping@northlight.example", "name": "Northlight bookkeeping"}
TECHNICIANS = ("Rosa Delgado", "Ben Achterberg", "Maya Lindholm", "Theo Grant")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """One call of a sending mutation. `attach` asks for the proposal as a PDF."""

    mutation: str
    input: Mapping[str, Any]
    attach: bool = False


def letters_of(customer: Customer, customer_id: str, started: date) -> list[Sending]:
    """Returns the mails of the customer's story, in order. Deterministic: a repeated run sends nothing twice."""
    made = [make(customer, started) for make in _STORIES[customer.story]]
    return [
        Sending(
            mutation=one.mutation,
            attach=one.attach,
            input={
                "customerId": customer_id,
                "idempotencyKey": f"demo/{customer.ref}/{number}",
                **({"cc": [{"address": customer.cc}]} if customer.cc else {}),
                **one.input,
            },
        )
        for number, one in enumerate(made, start=1)
    ]


def _window(customer: Customer, started: date, days: int, hour: int, hours: int) -> dict[str, str]:
    begins = datetime.combine(_workday(started + timedelta(days=days)), time(hour))
    ends = begins + timedelta(hours=hours)
    local = "%Y-%m-%dT%H:%M"
    return {"start": begins.strftime(local), "end": ends.strftime(local), "timeZone": customer.time_zone}


def _workday(day: date) -> date:
    """Returns the day itself, or the Monday after a weekend day."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def _work_order(
    kind: str, type_: str, *, days: int, hour: int = 9, hours: int = 2, notes: str | None = None, confirm: bool = False
) -> Callable[[Customer, date], Sending]:
    def make(customer: Customer, started: date) -> Sending:
        # An order keeps its number through change, reminder and cancellation; another visit gets its own.
        number = f"WO-{customer.number}{'A' if days < 0 else 'B'}"
        return Sending(
            mutation="sendWorkOrderEmail",
            input={
                "kind": kind,
                "number": number,
                "type": type_,
                "window": _window(customer, started, days + customer.number % 3, hour, hours),
                "technician": TECHNICIANS[customer.number % len(TECHNICIANS)],
                "jobSiteAddress": customer.site,
                "notes": notes,
                "confirmUrl": f"{PORTAL}/visits/{number}/confirm" if confirm else None,
            },
        )

    return make


def _document(kind: str, title: str, **given: Any) -> Callable[[Customer, date], Sending]:
    def make(customer: Customer, started: date) -> Sending:
        expires = datetime.combine(started + timedelta(days=21), time(22), tzinfo=UTC)
        return Sending(
            mutation="sendESignatureEmail",
            attach=bool(given.get("attach")),
            input={
                "documentKind": kind,
                "title": title.format(project=customer.project),
                "revision": given.get("revision"),
                "portalUrl": f"{PORTAL}/sign/{customer.ref.lower()}-{kind.lower().replace('_', '-')}",
                "expiresAt": expires.isoformat().replace("+00:00", "Z"),
                "onlineOnly": not given.get("attach"),
                "bccSender": True,
            },
        )

    return make


def _payment(kind: str, share: str, note: str, **given: str) -> Callable[[Customer, date], Sending]:
    def make(customer: Customer, started: date) -> Sending:
        invoice = f"INV-{customer.number}-{share.replace('.', '')}"
        card: dict[str, str] = {}
        if kind != "PAYMENT_LINK":
            last_four = f"{customer.number * 7 % 10_000:04}"
            card = {"cardBrand": "Visa" if customer.number % 2 else "Mastercard", "cardLastFour": last_four}
        if kind == "CHARGE":
            card["authorisationCode"] = f"A{customer.number * 97 % 1_000_000:06}"
        return Sending(
            mutation="sendCardProcessingEmail",
            input={
                "kind": kind,
                "amount": {"amount": str(customer.part(share)), "currency": customer.currency},
                "invoiceNumber": invoice,
                "portalUrl": f"{PORTAL}/pay/{invoice.lower()}" if kind in ("PAYMENT_LINK", "DECLINE") else None,
                "note": note,
                "bcc": [BOOKKEEPING] if kind in ("CHARGE", "REFUND") else [],
                **card,
            },
        )

    return make


_PROPOSAL = _document("PROPOSAL", "{project}", attach=True, revision="A")
_DEPOSIT = _payment("CHARGE", "0.3", "Thirty percent on signing. Thank you!")
_VISIT = _work_order("CREATED", "Installation", days=6, hours=6, confirm=True)
_YESTERDAY = _work_order(
    "COMPLETED", "Installation", days=-4, hour=8, hours=6, notes="All rooms tested with you. Manuals are in the portal."
)

_STORIES: Mapping[str, tuple[Callable[[Customer, date], Sending], ...]] = {
    "proposal": (_PROPOSAL,),
    "deposit": (_PROPOSAL, _payment("PAYMENT_LINK", "0.3", "Thirty percent on signing, the rest when all works.")),
    "declined": (
        _PROPOSAL,
        _payment("DECLINE", "0.3", "The bank declined the deposit. Nothing was charged."),
        _payment("PAYMENT_LINK", "0.3", "Here you can use another card."),
    ),
    "scheduled": (_PROPOSAL, _DEPOSIT, _VISIT, _work_order("REMINDER", "Installation", days=6, hours=6, confirm=True)),
    "changed": (
        _VISIT,
        _document("CHANGE_ORDER", "Revised scope: {project}", revision="1"),
        _work_order("CHANGED", "Installation", days=9, hour=13, hours=5, notes="Moved: the new parts come on Friday."),
    ),
    "cancelled": (
        _DEPOSIT,
        _VISIT,
        _work_order("CANCELLED", "Installation", days=6, hours=6, notes="As agreed on the phone."),
        _payment("REFUND", "0.3", "Your deposit is on its way back: three to five working days."),
    ),
    "installed": (
        _YESTERDAY,
        _payment("CHARGE", "0.7", "The balance on completion. Enjoy your system."),
        _work_order("CREATED", "Fine tuning", days=12, hour=15, confirm=True, notes="Living with it brings wishes."),
    ),
    "invoiced": (_YESTERDAY, _payment("PAYMENT_LINK", "0.7", "The balance, payable within fourteen days.")),
    "refunded": (
        _YESTERDAY,
        _payment("CHARGE", "0.7", "The balance on completion."),
        _payment("REFUND", "0.05", "One speaker bracket less than planned."),
    ),
}


def price_list(customer: Customer) -> list[tuple[str, Decimal]]:
    """Returns the price lines of the proposal's PDF: what, and its amount."""
    return [
        ("Equipment", customer.part("0.55")),
        ("Cabling and materials", customer.part("0.15")),
        ("Installation and programming", customer.part("0.30")),
    ]
