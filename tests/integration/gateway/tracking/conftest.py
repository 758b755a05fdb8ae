"""What tests of tracking share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.tracking.buffer import HitBuffer


@pytest.fixture
async def buffer(redis_url: str) -> AsyncIterator[HitBuffer]:
    """The list of waiting hits, as another process sees it."""
    made = HitBuffer(redis_url)
    yield made
    await made.close()
