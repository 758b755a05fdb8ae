"""A stored mail made for another address has the very bytes that it would have had, had it been for that address."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gateway.compose.readdressed import readdressed
from gateway.mail.letter import (
    CardLetter,
    CardMailKind,
    DocumentKind,
    ESignatureLetter,
    Letter,
    Mailbox,
    Money,
    Window,
    WorkOrderKind,
    WorkOrderLetter,
)
from gateway.mail.mime import AttachedFile
from tests.mails import composed

WINDOW = Window.parse("2026-12-01T09:00", "2026-12-01T11:00", "Europe/Berlin")
LETTERS: dict[str, Letter] = {
    "created": WorkOrderLetter(kind=WorkOrderKind.CREATED, number="WO-7", type="Cinema", window=WINDOW),
    "cancelled": WorkOrderLetter(kind=WorkOrderKind.CANCELLED, number="WO-7", type="Cinema", window=WINDOW),
    "card": CardLetter(kind=CardMailKind.CHARGE, amount=Money(amount=Decimal("12.50"), currency="USD")),
    "document": ESignatureLetter(
        document_kind=DocumentKind.PROPOSAL,
        title="To: be signed",
        portal_url="https://sign.fabrikam.example/1",
        expires_at=datetime(2026, 12, 24, 17, tzinfo=UTC),
        body="To: everybody\nContent-Type: application/ics;\n",
    ),
}
OWN_CALENDAR = AttachedFile(
    name="own.ics",
    media_type="application/ics",
    content=b"BEGIN:VCALENDAR\r\nPRODID:-//somebody else//\r\nATTENDEE;CN=Sam:mailto:sam@else.example\r\n",
)
COPIES = (Mailbox(address="boss@customer.example", name="The Boss"),)


@pytest.mark.parametrize("name", LETTERS)
@pytest.mark.parametrize(
    "address",
    [
        "a@b.example",
        "ann@correct.example",
        "jörg@customer.example",
        '"quoted local"@customer.example',
        f"{'long' * 15}@{'label-' * 8}x.{'label-' * 8}x.example",
    ],
)
def test_the_bytes_are_those_of_the_same_letter_to_that_address(name: str, address: str) -> None:
    former = Mailbox(address="wrong-and-rather-long-so-that-it-is-folded@customer.example", name="Ann Größe Lee")
    present = Mailbox(address=address, name="Ann Größe Lee")
    files = (OWN_CALENDAR, AttachedFile(name="a.pdf", media_type="application/pdf", content=b"ATTENDEE;x\r\n" * 50))
    mails = [composed(LETTERS[name], to=to, cc=COPIES, attachments=files).content for to in (former, present)]
    assert readdressed(mails[0], present) == mails[1]
    assert readdressed(mails[1], former) == mails[0]
    assert mails[0] != mails[1]
