"""What says that mail is taken, whatever becomes of the database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.inbound import heartbeat
from gateway.inbound.heartbeat import keep_noting
from gateway.inbound.store import InboundSource
from tests.eventually import eventually


async def test_it_is_noted_again_and_again_also_after_a_fault(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 0.01)
    await pool.execute("alter table inbound_listener rename to gone")
    noting = asyncio.create_task(keep_noting(pool, [InboundSource.LMTP]))
    try:
        await asyncio.sleep(0.05)
        assert not noting.done()
        await pool.execute("alter table gone rename to inbound_listener")
        first = await eventually(lambda: pool.fetchval("select seen_at from inbound_listener where source = 'LMTP'"))
        await eventually(lambda: pool.fetchval("select seen_at > $1 from inbound_listener", first), "a later note")
    finally:
        noting.cancel()
