"""A bounded cache of the least recently used kind: for rows that never change."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """At most `limit` values; the one unused for longest is dropped first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._latest: tuple[Key, Value] | None = None

    def get(self, key: Key) -> Value | None:
        """Returns the value, now the most recently used one; None when there is none."""
        # A campaign's mails need the same value one after the other: comparing is cheaper than hashing and moving.
        if self._latest is not None and self._latest[0] == key:
            return self._latest[1]
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
            self._latest = key, value
        return value

    def put(self, key: Key, value: Value) -> Value:
        """Keep and return `value`."""
        self._values[key] = value
        self._values.move_to_end(key)
        self._latest = key, value
        if len(self._values) > self._limit:
            self._values.popitem(last=False)
        return value
