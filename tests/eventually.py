"""Wait for what another process or the database does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

_LOOK_AGAIN = 0.02


async def eventually(condition: Callable[[], Any | Awaitable[Any]], *, seconds: float = 30) -> Any:
    """What `condition` answers, once that is true; it is asked again and again. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(_LOOK_AGAIN)
