"""The list of waiting hits in Valkey: bounded, the oldest first."""

from __future__ import annotations

import pytest

from gateway.tracking.buffer import HitBuffer


async def test_a_full_list_keeps_the_oldest_and_counts_the_rest(
    buffer: HitBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.tracking.buffer.MAX_BUFFERED", 3)
    assert await buffer.push([b"1", b"2"]) == 0
    assert await buffer.push([b"3", b"4", b"5"]) == 2
    assert await buffer.push([b"6"]) == 1
    assert await buffer.oldest(10) == [b"1", b"2", b"3"]
    await buffer.remove_oldest(2)
    assert await buffer.oldest(10) == [b"3"]
