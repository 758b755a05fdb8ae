"""Growth: what the disk has room for, and when a cost counts as flat."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from tests.bench.growth import ALL, LARGE, OCTETS_A_MESSAGE, OCTETS_BESIDE, SMALL, Cost, room_for, rows

HERE = Path(__file__).parent
Usage = namedtuple("Usage", ("total", "used", "free"))


def with_room_for(monkeypatch: pytest.MonkeyPatch, messages: int) -> None:
    free = OCTETS_BESIDE + OCTETS_A_MESSAGE * messages
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(total=2 * free, used=free, free=free))


def test_what_the_disk_has_no_room_for_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with_room_for(monkeypatch, ALL)
    assert room_for(ALL, HERE) == (ALL, "")
    with_room_for(monkeypatch, ALL - 1)
    messages, left_out = room_for(ALL, HERE)
    assert messages == LARGE
    assert left_out == "; 10,000,000 left out: the disk has room for 9,999,999"


def test_a_disk_without_room_for_any_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with_room_for(monkeypatch, SMALL)
    with pytest.raises(RuntimeError, match="give it a larger disk"):
        room_for(LARGE, HERE)


def test_a_cost_is_flat_within_three_tenths_and_the_first_round_does_not_count() -> None:
    small = [
        Cost(buffers=900.0, read=9.0, cpu=900.0),
        Cost(buffers=10.0, read=0.0, cpu=50.0),
        Cost(buffers=10.0, read=0.0, cpu=40.0),
    ]
    large = [
        Cost(buffers=900.0, read=9.0, cpu=900.0),
        Cost(buffers=13.0, read=2.0, cpu=60.0),
        Cost(buffers=13.0, read=2.0, cpu=56.0),
    ]
    buffers, cpu = rows("claim", small, large, "of 1,000")
    assert (buffers.name, buffers.ratio, buffers.met) == ("growth-claim-buffers", 1.3, True)
    assert (cpu.name, cpu.ratio, cpu.met) == ("growth-claim-cpu", 1.4, False)
    assert cpu.note.startswith("2.0 blocks read")
