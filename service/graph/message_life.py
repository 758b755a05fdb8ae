"""The pages of a message's life: what `events` reads, by which values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from service.database import statement
from service.graph.connection import Window, read_text_window
from service.shape.field import page_within


@dataclass(frozen=True, kw_only=True, slots=True)
class LifeWindow:
    """A page of a message's life: equal for pages that one statement reads for many messages."""

    window: Window
    include_machine: bool

    @property
    def values(self) -> Mapping[str, Any]:
        """Of the statement's parameters."""
        hits_from, events_from = _first_ids(self.window.before)
        return {
            "include_machine": self.include_machine,
            "after": self.window.before,
            "rows": self.window.rows,
            "hits_from": hits_from,
            "events_from": events_from,
        }


_HIT, _EVENT = "2", "3"
"""What stands in a cursor between the moment and the key; QUEUED and attempts have 0 and 1."""
_CURSOR = re.compile(r"(?P<at>[0-9a-f]{16})(?:0|1[0-9]{8,11}|[23][0-9a-f]{32})")


def life_window(include_machine: bool, first: int, after: str | None) -> LifeWindow:
    """The page that the arguments of `events` mean. Raises BadInput."""
    return LifeWindow(window=read_text_window(first, after, _CURSOR), include_machine=include_machine)


def _first_ids(after: str) -> tuple[UUID, UUID]:
    """The smallest ids that a hit and an event behind this cursor may have: UUIDv7, which begin with milliseconds."""
    if not after:
        return UUID(int=0), UUID(int=0)
    microseconds, kind, key = int(after[:16], 16), after[16], after[17:]
    moment = -(-microseconds // 1000)
    if kind == _HIT:
        return UUID(int=_following(key)), _first_of(moment)
    if kind == _EVENT:
        return _first_of(moment + 1), UUID(int=_following(key))
    return _first_of(moment), _first_of(moment)


def _following(key: str) -> int:
    return min(int(key, 16) + 1, 2**128 - 1)


def _first_of(milliseconds: int) -> UUID:
    return UUID(int=min(milliseconds, 2**48 - 1) << 80)


def _life_values(include_machine: bool = False, first: int = 50, after: str | None = None) -> Mapping[str, Any]:
    return life_window(include_machine, first, after).values


LIFE = page_within(
    statement("life_of_message"),
    alias="e",
    owner={"customer_id": "m.customer_id", "message_id": "m.id"},
    values=_life_values,
)
"""What `message.events` declares."""
