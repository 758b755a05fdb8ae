"""Mail of all customers: a page of what a filter and a search find, how many there are, all of it as a file.

The usual filters are a range of one index, whose page is one statement. What has more to check is walked: its keys are
read first, then a page of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry

from gateway.mail.message import MessageRef
from service.database import Statement, statement
from service.errors import BadInput
from service.finding.count import count
from service.finding.query import WAITING, MessageOrder, MessageQuery
from service.finding.sources import DRIVERS, Bounds, drivers_of, only_driver, upwards
from service.finding.walk import walk
from service.finding.wanted import Wanted, moment_of, resolve
from service.graph.connection import LARGEST_PAGE, Connection, Edge, PageInfo
from service.graph.context import Context, Info
from service.graph.counting import CountedConnection, Counting
from service.graph.customer import Message
from service.graph.exporting import Linking, linking
from service.graph.message_filter import MessageFilter, query_of
from service.graph.node import read_uuid
from service.shape.compile import Page
from service.shape.executor import Shaped
from service.shape.field import apart
from service.shape.read import PageRequest, read_page

MARK = 8
"""Digits behind an id in a cursor, of the query that it belongs to."""

FOUND_UNTIL = statement("found_until")

FilterArgument = Annotated[MessageFilter | None, strawberry.argument(description="Which; all when omitted.")]
OrderArgument = Annotated[MessageOrder, strawberry.argument(description="In which order.")]


@strawberry.type(name="MessageConnection", description="One page of a list.")
class MessageConnection(Shaped, CountedConnection[Message]):
    """What is shaped is read already; the other fields are resolvers'."""

    asked: strawberry.Private[Asked | None] = None
    stopped: strawberry.Private[UUID | None] = None

    @strawberry.field(
        description="Up to when mail has come into the list: seconds behind; null where it is read from the customers' "
        "own mail, and while mail from before the search was there still comes in.",
        metadata=apart(),
    )
    async def searched_until(self, info: Info) -> datetime | None:
        """A statement of its own."""
        if self.asked is None or self.asked.query.ids is not None or self.asked.query.customer_ids is not None:
            return None
        [row] = await info.context.reading.fetch(FOUND_UNTIL)
        moment: datetime | None = row["moment"]
        return moment

    @strawberry.field(
        description="How far a filter without an index was read, when that is not enough for a whole page: ask again "
        "with `after: endCursor`; null when the page is whole.",
        metadata=apart(),
    )
    def scanned_to(self) -> datetime | None:
        """By the id where reading stopped."""
        return None if self.stopped is None else moment_of(self.stopped)

    @classmethod
    def of_page(cls, page: Connection[Message], counting: Counting, linking: Linking) -> Self:
        """A page of a list that is no filter's."""
        return cls(edges=page.edges, nodes=page.nodes, page_info=page.page_info, counting=counting, linking=linking)

    @classmethod
    def of_shaped(cls, shaped: Mapping[str, Any], counting: Counting, linking: Linking) -> Self:
        """The same of what was read as it is selected."""
        made = cls(edges=[], nodes=[], page_info=_NO_PAGE, counting=counting, linking=linking)
        made.shaped = shaped
        return made


async def list_messages(
    info: Info, filter: MessageFilter | None, search: str | None, order: MessageOrder, first: int, after: str | None
) -> MessageConnection:
    """A page of them. Raises BadInput."""
    asked = Asked.read(query_of(filter, search, info.context.deployment), order, first, after)
    return await page_of(info, asked)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A page that is asked for: `mark` is that of the query's cursors, `after` the id behind which it lies."""

    query: MessageQuery
    order: MessageOrder
    first: int
    mark: str
    after: UUID | None

    @classmethod
    def read(cls, query: MessageQuery, order: MessageOrder, first: int, after: str | None) -> Self:
        """Raises BadInput for `first` or `after`."""
        if not 1 <= first <= LARGEST_PAGE:
            raise BadInput("first", f"is 1 to {LARGEST_PAGE}, not {first}; the rest follows with `after`")
        mark = query.mark(order)
        return cls(query=query, order=order, first=first, mark=mark, after=_read_after(after, mark))

    @property
    def oldest_first(self) -> bool:
        """Whether the order is ascending."""
        return self.order is MessageOrder.OLDEST

    def cursor(self, id: UUID) -> str:
        """Of a message, or of where reading stopped."""
        return id.hex + self.mark


def _read_after(after: str | None, mark: str) -> UUID | None:
    if after is None:
        return None
    found = read_uuid(after[:-MARK])
    if found is None:
        raise BadInput("after", "is not a cursor of this list; take an `endCursor` or an edge's `cursor` as it is")
    if after[-MARK:] != mark:
        raise BadInput("after", "is a cursor of another filter, search or order: give the same as for its page")
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Window:
    """The rows that a page's own statement shows."""

    asked: Asked

    @property
    def first(self) -> int:
        return self.asked.first

    def page_info(self, read: int, first: UUID | None, last: UUID | None) -> Mapping[str, Any]:
        """By what was read, one more than is shown."""
        return _page_info(self.asked, read > self.asked.first, first, last)


@dataclass(frozen=True, kw_only=True, slots=True)
class _KnownWindow:
    """The rows of a page whose keys were read before: all are shown."""

    asked: Asked
    refs: Sequence[MessageRef]
    more: bool
    end: UUID | None

    @property
    def first(self) -> int:
        return self.asked.first

    def page_info(self, read: int, first: UUID | None, last: UUID | None) -> Mapping[str, Any]:
        """By the keys."""
        start = self.refs[0].message_id if self.refs else self.end
        return _page_info(self.asked, self.more, start, self.end)


def _page_info(asked: Asked, more: bool, first: UUID | None, last: UUID | None) -> dict[str, Any]:
    return {
        "__typename": "PageInfo",
        "hasNextPage": more,
        "hasPreviousPage": asked.after is not None,
        "startCursor": asked.cursor(first) if first else None,
        "endCursor": asked.cursor(last) if last else None,
    }


# Pages -----------------------------------------------------------------------------------------------------------


def _page(of: Statement) -> Page:
    mark = of.parameters.index("mark") + 1
    return Page(
        statement=of, key="m.id", usual=frozenset("mo"), cursor=f"encode(uuid_send(m.id), 'hex') || ${mark}::text"
    )


PAGES: Mapping[tuple[str, bool], Page] = {
    (driver, oldest): _page(upwards(found) if oldest else found)
    for driver in DRIVERS
    for found in [statement(f"page_by_{driver}")]
    for oldest in (False, True)
}
"""By the index and whether the oldest comes first."""
OF_KEYS = _page(statement("messages_of_keys"))


async def page_of(info: Info, asked: Asked) -> MessageConnection:
    """The page as it is selected. Raises BadInput for names that stand for nothing."""
    context = info.context
    wanted = await resolve(context.reading.fetch, asked.query)
    driver = _only_driver(wanted)
    if driver is not None:
        request: PageRequest[Any] = _by_index(asked, wanted, driver)
        stopped = None
    else:
        request, stopped = await _by_keys(context, asked, wanted)
    shaped = await read_page(context.reading, info._raw_info, request) if context.shaping else None
    if shaped is not None:
        return _connection(context, asked, stopped, shaped=shaped)
    return await _resolved(context, asked, request, stopped)


def _only_driver(wanted: Wanted) -> str | None:
    """The index that finds all and nothing else; None when there is something to check."""
    query, drivers = wanted.query, drivers_of(wanted)
    [first, *others] = drivers
    if wanted.nothing or others or WAITING & set(query.statuses or ()) or not only_driver(query, first):
        return None
    return first


def _by_index(asked: Asked, wanted: Wanted, driver: str) -> PageRequest[_Window]:
    bounds = Bounds(low=wanted.low, high=wanted.high, upwards=asked.oldest_first)
    if asked.after is not None:
        bounds = bounds.behind(asked.after)
    page = PAGES[driver, asked.oldest_first]
    values = {
        **wanted.values,
        "keys": drivers_of(wanted)[driver],
        "low": bounds.low,
        "high": bounds.high,
        "rows": asked.first + 1,
        "mark": asked.mark,
    }
    return PageRequest(page=page, window=_Window(asked=asked), values=_hashable(page, values))


async def _by_keys(context: Context, asked: Asked, wanted: Wanted) -> tuple[PageRequest[_KnownWindow], UUID | None]:
    """The page, and where reading stopped before it was full."""
    walked = await walk(
        context.reading.fetch, wanted, after=asked.after, rows=asked.first + 1, oldest_first=asked.oldest_first
    )
    refs = walked.refs[: asked.first]
    stopped = walked.stopped if len(walked.refs) <= asked.first else None
    last = refs[-1].message_id if refs else None
    window = _KnownWindow(
        asked=asked,
        refs=refs,
        more=stopped is not None or len(walked.refs) > asked.first,
        end=last if stopped is None else stopped,
    )
    values = {
        "customer_ids": [ref.customer_id for ref in refs],
        "ids": [ref.message_id for ref in refs],
        "rows": asked.first + 1,
        "mark": asked.mark,
    }
    return PageRequest(page=OF_KEYS, window=window, values=_hashable(OF_KEYS, values)), stopped


def _hashable(page: Page, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the page's statement takes."""
    given = {name: values[name] for name in page.statement.parameters}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


async def _resolved(
    context: Context, asked: Asked, request: PageRequest[Any], stopped: UUID | None
) -> MessageConnection:
    """By loaders: what is selected declares no SQL."""
    refs = getattr(request.window, "refs", None)
    read = 0
    if refs is None:
        rows = await context.reading.fetch(_keys_of(request.page.statement), **request.values)
        read = len(rows)
        refs = [MessageRef(customer_id=row["customer_id"], message_id=row["id"]) for row in rows[: asked.first]]
    found = await context.loaders.messages.load_many([(ref.customer_id, ref.message_id) for ref in refs])
    shown = [(ref, Message.of(row)) for ref, row in zip(refs, found, strict=True) if row is not None]
    ends = (refs[0].message_id, refs[-1].message_id) if refs else (None, None)
    told = request.window.page_info(read, *ends)
    return _connection(
        context,
        asked,
        stopped,
        edges=[Edge(cursor=asked.cursor(ref.message_id), node=node) for ref, node in shown],
        nodes=[node for _, node in shown],
        page_info=PageInfo(
            has_next_page=told["hasNextPage"],
            has_previous_page=told["hasPreviousPage"],
            start_cursor=told["startCursor"],
            end_cursor=told["endCursor"],
        ),
    )


def _keys_of(page: Statement) -> Statement:
    """A page's statement that returns its keys alone."""
    return Statement(
        name=f"{page.name} keys",
        sql=page.sql.replace("null::json as shaped", "m.customer_id"),
        parameters=page.parameters,
    )


_NO_PAGE = PageInfo(has_next_page=False, has_previous_page=False, start_cursor=None, end_cursor=None)
"""Of a connection whose page is shaped."""


def _connection(
    context: Context,
    asked: Asked,
    stopped: UUID | None,
    *,
    shaped: Mapping[str, Any] | None = None,
    edges: Sequence[Edge[Message]] = (),
    nodes: Sequence[Message] = (),
    page_info: PageInfo | None = None,
) -> MessageConnection:
    made = MessageConnection(
        edges=list(edges),
        nodes=list(nodes),
        page_info=page_info or _NO_PAGE,
        counting=partial(count, context.reading.fetch, asked.query),
        linking=linking(context, {"messages": asked.query.to_json(), "oldest_first": asked.oldest_first}),
        asked=asked,
        stopped=stopped,
    )
    if shaped is not None:
        made.shaped = shaped
    return made
