"""What tests of the outbox share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest


@pytest.fixture
async def still(connection: Any) -> AsyncIterator[Any]:
    """A connection in a transaction: `now()` stays the same, and nothing is kept."""
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
