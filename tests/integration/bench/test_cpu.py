"""A small run of `make bench ONLY=cpu`, with all its processes."""

from __future__ import annotations

import sys

import pytest

from tests.bench.cpu import cpu
from tests.bench.rows import Size

SMALL = Size(messages=3000, seconds=60.0)


@pytest.mark.skipif(sys.platform != "linux", reason="CPU time is read from /proc, which Linux alone has")
async def test_a_small_run_tells_the_costs_of_the_gateway_and_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    for name, value in {"KINDS": "sender tracked found rsa naive", "TURNS": "1", "OLD": "", "SINK": ""}.items():
        monkeypatch.setenv(name, value)

    # when
    measured = await cpu(SMALL)

    # then
    assert isinstance(measured, list)
    rows = {row.name: row for row in measured}
    assert {
        "cpu-sender",
        "cpu-tracked",
        "cpu-found",
        "cpu-found-naive",
        "cpu-rsa",
        "cpu-rsa-signature",
        "cpu-naive",
        "cpu-tracked-naive",
    } <= set(rows)
    assert rows["cpu-tracked"].value > rows["cpu-sender"].value > 0
    assert rows["cpu-naive"].value > rows["cpu-tracked"].value
    assert "own sink" in rows["cpu-tracked"].note
    assert all(part in rows["cpu-rsa"].note for part in ("worker", "PostgreSQL", "signing", "sink", "WAL"))
