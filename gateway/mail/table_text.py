"""Tables as text (RFC 4180) that a spreadsheet opens without running anything of it."""

from __future__ import annotations

from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take a cell for a formula by, or pass over before one."""
_QUOTED = frozenset(',"\r\n')


def csv_line(cells: Iterable[str]) -> str:
    """Returns one line with its line end. A cell that begins like a formula gets an apostrophe before it."""
    return ",".join(map(_cell, cells)) + "\r\n"


def _cell(text: str) -> str:
    if text.startswith(_FORMULA):
        text = f"'{text}"
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
