"""Positions as they are kept: what is none of ours, or damaged, is none."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from gateway.restoring.positions import LONGEST, LedgerPosition, Remembered, pack, unpack
from gateway.restoring.watch import explain

LEDGER, ERA = UUID(int=1), UUID(int=2)
POSITION = LedgerPosition(ledger=LEDGER, era=ERA, number=4711, at=datetime(2027, 3, 1, 10, 21, 7, tzinfo=UTC))


def test_what_is_kept_is_read() -> None:
    assert unpack(pack(POSITION), LEDGER) == POSITION
    assert len(pack(POSITION)) < LONGEST


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        pack(POSITION)[:-1],
        pack(POSITION).replace(b"4711", b"0"),
        pack(POSITION).replace(b"4711", b"true"),
        pack(POSITION).replace(b"4711", b"9223372036854775808"),
        pack(POSITION).replace(b"2027", b"never"),
        pack(POSITION).replace(b"+00:00", b""),
        pack(POSITION).replace(b"0000-0000", b"zzzz-0000", 1),
        pack(POSITION) + b" " * LONGEST,
    ],
)
def test_what_is_damaged_is_none(damaged: bytes) -> None:
    assert unpack(damaged, LEDGER) is None


def test_who_starts_a_gateway_is_told_of_the_latest_and_what_to_do() -> None:
    earlier = LedgerPosition(ledger=LEDGER, era=ERA, number=9999, at=datetime(2027, 3, 1, 9, 0, 0, tzinfo=UTC))
    said = explain([Remembered(position=earlier, place="Valkey"), Remembered(position=POSITION, place="/run/ours")])
    assert "2027-03-01 10:21:07 UTC, /run/ours" in said
    assert "python -m gateway restored" in said
