"""The pages of a customer's mail history: the statement that a list's arguments select, and its values."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

from gateway.mail.source import Direction, SourceType
from service.database import statement
from service.errors import BadInput
from service.finding.query import MessageQuery
from service.graph.connection import Window, read_window
from service.graph.context import Context
from service.graph.message_filter import ConnectionNoteFilter, query_of
from service.graph.node import read_message_id
from service.shape.compile import Page
from service.shape.read import PageRequest

SENT_PAGE = Page(statement=statement("sent_page"), key="m.id", usual=frozenset("moc"))
NOTES_WHERE = Page(statement=statement("notes_where"), key="m.id", usual=frozenset("mo"))
NOTES_PAGE = Page(statement=statement("notes_page"), key="m.id", usual=frozenset("mo"))
FILTERED_NOTES_PAGE = Page(statement=statement("filtered_notes_page"), key="m.id", usual=frozenset("mo"))
CLICKS_PAGE = Page(statement=statement("clicks_page"), key="h.id", usual=frozenset("hmc"))
ALL_CLICKS_PAGE = Page(statement=statement("all_clicks_page"), key="h.id", usual=frozenset("hmc"))
MESSAGE_CLICKS_PAGE = Page(statement=statement("message_clicks_page"), key="h.id", usual=frozenset("hmc"))
ALL_MESSAGE_CLICKS_PAGE = Page(statement=statement("all_message_clicks_page"), key="h.id", usual=frozenset("hmc"))
MESSAGE_EXISTS = statement("message_exists")
OF_CAMPAIGNS = (Direction.SENT, SourceType.CAMPAIGN)


def _request(page: Page, customer_id: int, window: Window, **values: Any) -> PageRequest[Window]:
    values |= {"customer_id": customer_id, "before": window.before, "rows": window.rows}
    return PageRequest(page=page, values=values, window=window)


async def sent_request(_: Context, customer_id: int, first: int, after: str | None = None) -> PageRequest[Window]:
    """The page of the first list. Raises BadInput."""
    return _request(SENT_PAGE, customer_id, read_window(first, after))


async def clicks_request(
    context: Context,
    customer_id: int,
    first: int,
    after: str | None = None,
    message_id: str | None = None,
    include_machine: bool = False,
) -> PageRequest[Window]:
    """The page of the second list. Raises BadInput."""
    window = read_window(first, after)
    if message_id is None:
        return _request(ALL_CLICKS_PAGE if include_machine else CLICKS_PAGE, customer_id, window)
    page = ALL_MESSAGE_CLICKS_PAGE if include_machine else MESSAGE_CLICKS_PAGE
    return _request(page, customer_id, window, message_id=await _own_message(context, customer_id, message_id))


async def notes_request(
    context: Context, customer_id: int, first: int, after: str | None = None, filter: ConnectionNoteFilter | None = None
) -> PageRequest[Window]:
    """The page of the third list. Raises BadInput."""
    window = read_window(first, after)
    if filter is None:
        return _request(NOTES_PAGE, customer_id, window)
    query = query_of(filter, None, context.deployment)
    if replace(query, source_types=None, direction=None).is_whole:
        return _request(FILTERED_NOTES_PAGE, customer_id, window, **_kinds(filter))
    return await _where_request(context, customer_id, window, query)


async def _where_request(
    context: Context, customer_id: int, window: Window, query: MessageQuery
) -> PageRequest[Window]:
    """By any other filter. Raises BadInput for a campaign, a mailing or a sender that there is not."""
    wanted = await context.loaders.wanted.load(query)
    high = UUID(int=0) if wanted.nothing else min(window.before, wanted.high)
    values = {**wanted.values, "low": wanted.low, "high": high}
    taken = {name: values[name] for name in NOTES_WHERE.statement.parameters if name in values}
    hashable = {name: tuple(value) if isinstance(value, list) else value for name, value in taken.items()}
    return _request(NOTES_WHERE, customer_id, window, **hashable)


def _kinds(filter: ConnectionNoteFilter) -> dict[str, Any]:
    """The kinds of notes that pass a filter, as values of the statement."""
    sources = [*SourceType, None] if filter.source_types is None else filter.source_types
    directions = [filter.direction] if filter.direction else list(Direction)
    wanted = set(product(directions, sources))
    pairs = [one for one in wanted if one != OF_CAMPAIGNS and one[1] is not None]
    return {
        "directions": tuple(direction for direction, _ in pairs),
        "source_types": tuple(source for _, source in pairs),
        "campaigns": OF_CAMPAIGNS in wanted,
        "answers_nothing": (Direction.RECEIVED, None) in wanted,
    }


async def _own_message(context: Context, customer_id: int, message_id: str) -> UUID:
    """Raises BadInput, the same for a message that does not exist and for another customer's."""
    ref = read_message_id(message_id)
    if ref is not None and ref.customer_id == customer_id:
        [row] = await context.reading.fetch(MESSAGE_EXISTS, customer_id=ref.customer_id, message_id=ref.message_id)
        if row["found"]:
            return ref.message_id
    raise BadInput("messageId", "this customer has no such message")
