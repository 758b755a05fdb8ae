"""Relay connections: pages by key, newest first. A row keeps its place while one reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import strawberry

from service.errors import BadInput
from service.graph.node import LARGEST_BIGINT, read_number, read_uuid
from service.shape.field import page_key, rows_of, same_row

# A page is one range of an index, and is held in memory as a whole.
LARGEST_PAGE = 100
BEFORE_EVERYTHING = UUID(int=2**128 - 1)

T = TypeVar("T")

First = Annotated[
    int,
    strawberry.argument(description=f"How many to return: 1 to {LARGEST_PAGE}."),
]
After = Annotated[
    str | None,
    strawberry.argument(description="Return what follows this cursor: an `endCursor` of the page before."),
]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """The Relay `PageInfo`."""

    has_next_page: bool = strawberry.field(description="Whether more follows: ask again with `after: endCursor`.")
    has_previous_page: bool = strawberry.field(description="Whether the page was asked for with `after`.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first row; null when there is none.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last row; null when there is none.")


@strawberry.type(description="One row of a list, with its cursor.")
class Edge(Generic[T]):
    """The Relay edge."""

    cursor: str = strawberry.field(description="Opaque; pass it as `after`.", metadata=page_key())
    node: T = strawberry.field(description="The row.", metadata=same_row())


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    """The Relay connection."""

    edges: list[Edge[T]] = strawberry.field(description="The rows with their cursors.", metadata=rows_of(""))
    nodes: list[T] = strawberry.field(description="The rows.", metadata=rows_of(""))
    page_info: PageInfo = strawberry.field(description="Where this page lies.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which rows a page has: those before a key, at most `first`; one more is read to know whether more follows."""

    first: int
    before: Any
    continued: bool

    @property
    def rows(self) -> int:
        """How many rows to read."""
        return self.first + 1

    def connect(self, nodes: Sequence[T], cursors: Sequence[str]) -> Connection[T]:
        """The connection of the rows that were read, without the extra one."""
        kept = list(nodes[: self.first])
        shown = cursors[: self.first]
        return Connection(
            edges=[Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, kept, strict=False)],
            nodes=kept,
            page_info=PageInfo(
                has_next_page=len(cursors) > self.first,
                has_previous_page=self.continued,
                start_cursor=shown[0] if shown else None,
                end_cursor=shown[-1] if shown else None,
            ),
        )

    def page_info(self, read: int, first: UUID | None, last: UUID | None) -> Mapping[str, Any]:
        """The same `PageInfo` by GraphQL names, for shaped pages, from the number of rows read and the keys shown."""
        return {
            "__typename": "PageInfo",
            "hasNextPage": read > self.first,
            "hasPreviousPage": self.continued,
            "startCursor": first.hex if first else None,
            "endCursor": last.hex if last else None,
        }


def read_window(first: int, after: str | None) -> Window:
    """Of a list keyed by uuid. Raises BadInput for `first` or `after`."""
    return _window(first, after, read_uuid, BEFORE_EVERYTHING)


def read_number_window(first: int, after: str | None) -> Window:
    """Of a list keyed by number. Raises BadInput for `first` or `after`."""
    return _window(first, after, read_number, LARGEST_BIGINT)


def read_text_window(first: int, after: str | None, cursor: re.Pattern[str]) -> Window:
    """Of a list whose cursors are texts that sort as the list does. Raises BadInput for `first` or `after`."""
    return _window(first, after, lambda text: text if cursor.fullmatch(text) else None, "")


def read_cursor_window(first: int, after: str | None, read: Callable[[str], Any], start: Any) -> Window:
    """Of a list whose cursors are read by a function, which returns None for what is none; `start` is the first page's.
    Raises BadInput for `first` or `after`."""
    return _window(first, after, read, start)


def _window(first: int, after: str | None, read: Callable[[str], Any], start: Any) -> Window:
    if not 1 <= first <= LARGEST_PAGE:
        raise BadInput("first", f"is 1 to {LARGEST_PAGE}, not {first}; the rest follows with `after`")
    before = start if after is None else read(after)
    if before is None:
        raise BadInput("after", "is not a cursor of this list; take an `endCursor` or an edge's `cursor` as it is")
    return Window(first=first, before=before, continued=after is not None)
