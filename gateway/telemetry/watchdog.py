"""Ends a process whose event loop is stuck, so that its supervisor starts another."""

from __future__ import annotations

import asyncio
import faulthandler

STUCK_SECONDS = 60.0
"""The longest step of ours takes a second; a machine that swaps, or is suspended, must not lose its processes."""
_TURNS = 10
"""Looks in that time."""


async def watch_event_loop(seconds: float = STUCK_SECONDS) -> None:
    """Runs until cancelled. When the loop has not turned for `seconds`, the process writes to standard error where each
    of its threads stands (files, lines and functions, no values), and exits with 1.

    The timer needs neither the loop nor the interpreter's lock, which a single regular expression may hold for minutes.
    """
    try:
        while True:
            faulthandler.dump_traceback_later(seconds, exit=True)
            await asyncio.sleep(seconds / _TURNS)
    finally:
        faulthandler.cancel_dump_traceback_later()
