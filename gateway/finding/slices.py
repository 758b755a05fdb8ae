"""Slices: search rows by their ids, some 65,000 each, so that words are looked up in the newest first."""

from __future__ import annotations

from gateway.database import QUERIES, Connection

FULL = 65_536
"""Rows of a slice when it is closed: an absent word costs 18 us a slice, a word in half of its mail 8 ms (measured)."""

_SAMPLED = 100_000
"""Messages of the sample by which slices are laid for mail that is there already: some hundred milliseconds."""
_OCTETS_A_MESSAGE = 400
"""At least so many octets has a message, with the room its page leaves for updates."""


async def open_next(connection: Connection) -> None:
    """Close the newest slice when it is full. Call it after rows were written."""
    await QUERIES.open_slice(connection, full=FULL)


async def lay(connection: Connection) -> None:
    """Lay slices for the mail that is there already, before the first row is written."""
    messages = await QUERIES.size_of_messages(connection) / _OCTETS_A_MESSAGE
    percent = min(100.0, 100.0 * _SAMPLED / max(1.0, messages))
    await QUERIES.lay_slices(connection, percent=percent, full=FULL)
