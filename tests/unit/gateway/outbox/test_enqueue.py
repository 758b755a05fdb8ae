"""What makes two requests the same intent, and how many copies and attachments a letter may have."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from gateway.errors import Refusal, RefusalCode
from gateway.mail.letter import CardLetter, CardMailKind, DocumentKind, ESignatureLetter, Letter, Mailbox, Money
from gateway.outbox import enqueue
from gateway.outbox.enqueue import MAX_ATTACHMENTS, MAX_COPIES, SendRequest, input_digest, is_tracked

CARD = CardLetter(kind=CardMailKind.CHARGE, amount=Money(amount=Decimal("12.50"), currency="USD"))
REQUEST = SendRequest(customer_id=7, letter=CARD, idempotency_key="k", actor="ann")
PROPOSAL = {"sha256": b"1" * 32, "name": "proposal.pdf"}


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": 8},
        {"letter": replace(CARD, note="changed")},
        {"letter": replace(CARD, amount=Money(amount=Decimal("12.51"), currency="USD"))},
        {"letter": replace(CARD, amount=Money(amount=Decimal("12.50"), currency="EUR"))},
        {"address": "b@x.example"},
        {"sender_id": UUID(int=1)},
        {"cc": (Mailbox(address="c@x.example"),)},
        {"bcc": (Mailbox(address="c@x.example"),)},
        {"bcc_sender": True},
        {"tracked": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_letter_or_another_reader_is_another_intent(change: dict[str, Any]) -> None:
    assert input_digest(replace(REQUEST, **change)) != input_digest(REQUEST)


@pytest.mark.parametrize(
    "attached",
    [
        [],
        [PROPOSAL | {"sha256": b"2" * 32}],
        [PROPOSAL | {"name": "other.pdf"}],
        [PROPOSAL, PROPOSAL],
    ],
    ids=["none", "other bytes", "other name", "twice"],
)
def test_other_attachments_are_another_intent(attached: list[dict[str, Any]]) -> None:
    assert input_digest(REQUEST, attached) != input_digest(REQUEST, [PROPOSAL])


def test_a_colleague_who_uploads_and_sends_the_same_again_repeats_the_intent() -> None:
    again = replace(
        REQUEST,
        idempotency_key="other",
        actor="bob",
        bound_relay="backup",
        attachment_ids=(UUID(int=1),),
        letter=replace(CARD, amount=Money(amount=Decimal("12.5"), currency="USD")),
    )
    assert input_digest(again, [PROPOSAL]) == input_digest(replace(REQUEST, attachment_ids=(UUID(int=2),)), [PROPOSAL])


def people(count: int) -> tuple[Mailbox, ...]:
    return tuple(Mailbox(address=f"c{number}@x.example") for number in range(count))


@pytest.mark.parametrize(
    "values",
    [
        {"cc": people(MAX_COPIES)},
        {"cc": people(MAX_COPIES - 2), "bcc": people(1), "bcc_sender": True},
        {"attachment_ids": tuple(UUID(int=n) for n in range(MAX_ATTACHMENTS))},
    ],
    ids=["cc", "cc, bcc and the sender", "attachments"],
)
def test_a_letter_may_have_so_many_copies_and_attachments_and_not_one_more(values: dict[str, Any]) -> None:
    enqueue._check_request(replace(REQUEST, **values))
    name, given = next(iter(values.items()))
    with pytest.raises(Refusal) as refused:
        enqueue._check_request(replace(REQUEST, **(values | {name: (*given, given[0])})))
    assert refused.value.code is RefusalCode.TOO_MANY
    assert (MAX_COPIES, MAX_ATTACHMENTS) == (100, 50)


def test_card_mail_is_never_tracked_and_signature_mail_only_when_asked() -> None:
    signature = ESignatureLetter(
        document_kind=DocumentKind.PROPOSAL,
        title="Home cinema",
        portal_url="https://x.example/1",
        expires_at=datetime(2026, 12, 1, tzinfo=UTC),
    )
    cases: list[tuple[Letter, bool | None, bool]] = [
        (CARD, True, False),
        (CARD, None, False),
        (signature, None, False),
        (signature, True, True),
        (signature, False, False),
    ]
    for letter, asked, tracked in cases:
        assert is_tracked(replace(REQUEST, letter=letter, tracked=asked)) is tracked
