"""Idempotency keys: their length, and one digest a content."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.errors import Refusal, RefusalCode
from gateway.mail.letter import Money
from gateway.outbox.idempotency import check_key, digest_of


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", RefusalCode.REQUIRED),
        ("x" * 256, RefusalCode.TOO_LONG),
        ("a\nb", RefusalCode.HEADER_INJECTION),
        ("x", None),
        ("x" * 255, None),
    ],
)
def test_a_key_has_1_to_255_characters_on_one_line(key: str, code: RefusalCode | None) -> None:
    if code is None:
        return check_key(key)
    with pytest.raises(Refusal) as refused:
        check_key(key)
    assert (refused.value.code, refused.value.field) == (code, ("idempotencyKey",))
    return None


USD = Money(amount=Decimal("1.5"), currency="USD")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.50"), Decimal("1.5")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2], (1, 2)),
        (Money(amount=Decimal("1.50"), currency="USD"), USD),
    ],
)
def test_the_same_content_has_one_digest(one: Any, other: Any) -> None:
    assert digest_of(one) == digest_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.5"), Decimal("1.51")),
        ([1, 2], [2, 1]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        (USD, {"amount": Decimal("1.5"), "currency": "USD"}),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
        # The hour that a clock turned back has twice
        (datetime(2026, 10, 25, 2, 30, fold=0, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=UTC)),
    ],
)
def test_other_content_has_another(one: Any, other: Any) -> None:
    assert digest_of(one) != digest_of(other)
