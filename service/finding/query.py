"""Which mail is asked for, as a value that a cursor, a signed link or a token can hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import orjson

from gateway.mail.message import MessageRef, Status
from gateway.mail.source import Direction, SourceType
from gateway.mail.verdict import Cause


class MessageOrder(StrEnum):
    """The order of mail; a row never moves."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


WAITING: Final = frozenset({Status.QUEUED, Status.HANDED_OFF, Status.DEFERRED})
"""Statuses of mail that has no outcome: the outbox tells them apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageQuery:
    """Which messages: None does not filter, an empty tuple finds nothing; what is there is ANDed.

    `since` is inclusive, `until` exclusive. `addresses` are in small letters, `address_hashes` the numbers by which
    search rows know them, in the same order; `search_hash` is that of a search for a whole address.
    """

    ids: tuple[MessageRef, ...] | None = None
    customer_ids: tuple[int, ...] | None = None
    statuses: tuple[Status, ...] | None = None
    causes: tuple[Cause, ...] | None = None
    source_types: tuple[SourceType, ...] | None = None
    direction: Direction | None = None
    campaign_ids: tuple[UUID, ...] | None = None
    mailing_ids: tuple[int, ...] | None = None
    sender_ids: tuple[UUID, ...] | None = None
    relays: tuple[str, ...] | None = None
    domains: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    address_hashes: tuple[int, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    opened: bool | None = None
    clicked: bool | None = None
    tracked: bool | None = None
    needs_attention: bool | None = None
    search: str | None = None
    search_hash: int | None = None

    @property
    def finds_nothing(self) -> bool:
        """Whether a list in it is empty, or the span is."""
        empty = any(getattr(self, field.name) == () for field in fields(self))
        return empty or (self.since is not None and self.until is not None and self.since >= self.until)

    @property
    def is_whole(self) -> bool:
        """Whether it lets every message pass."""
        return self == MessageQuery()

    def to_json(self) -> dict[str, Any]:
        """What `from_json` makes the same of; what does not filter is left out."""
        given = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: _to_json(value) for name, value in given if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> MessageQuery:
        """Of what `to_json` gave. Raises ValueError or KeyError for anything else."""
        return cls(**{name: _READERS[name](value) for name, value in values.items()})

    def mark(self, order: str) -> str:
        """Eight hexadecimal digits that the cursors of this query in this order end with."""
        said = orjson.dumps([order, self.to_json()], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(said).hexdigest()[:8]


def _to_json(value: Any) -> Any:
    match value:
        case tuple():
            return [_to_json(one) for one in value]
        case MessageRef():
            return [value.customer_id, value.message_id.hex]
        case UUID():
            return value.hex
        case datetime():
            return value.astimezone(UTC).isoformat()
    return value


def _tuple_of(kind: Any) -> Any:
    return lambda values: tuple(kind(one) for one in values)


def _ref(pair: Any) -> MessageRef:
    customer, message = pair
    return MessageRef(customer_id=int(customer), message_id=UUID(hex=message))


_READERS: Mapping[str, Any] = {
    "ids": _tuple_of(_ref),
    "customer_ids": _tuple_of(int),
    "statuses": _tuple_of(Status),
    "causes": _tuple_of(Cause),
    "source_types": _tuple_of(SourceType),
    "direction": Direction,
    "campaign_ids": _tuple_of(lambda text: UUID(hex=text)),
    "mailing_ids": _tuple_of(int),
    "sender_ids": _tuple_of(lambda text: UUID(hex=text)),
    "relays": _tuple_of(str),
    "domains": _tuple_of(str),
    "addresses": _tuple_of(str),
    "address_hashes": _tuple_of(int),
    "since": datetime.fromisoformat,
    "until": datetime.fromisoformat,
    "opened": bool,
    "clicked": bool,
    "tracked": bool,
    "needs_attention": bool,
    "search": str,
    "search_hash": int,
}
