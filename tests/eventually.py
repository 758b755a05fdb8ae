"""Waits for what another process, the database or a background task does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

_POLL_SECONDS = 0.02


async def eventually(
    condition: Callable[[], Any | Awaitable[Any]], what: str = "the awaited state", *, seconds: float = 60
) -> Any:
    """Polls `condition`; returns its first true result. Raises AssertionError that names `what` after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = condition()
                if inspect.isawaitable(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"{what} did not come within {seconds:g} s") from None
