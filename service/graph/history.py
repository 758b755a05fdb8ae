"""A customer's three lists: campaign mail sent, links clicked, connection notes."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from typing import Annotated, Any, Self, TypeVar
from uuid import UUID

import strawberry

from gateway.mail.hit import HitReason, HitVerdict
from gateway.mail.source import ColorHint, ConnectionType, Direction, SourceType
from service.database import statement
from service.errors import BadInput
from service.graph.campaign import Campaign
from service.graph.connection import After, Connection, First, Window, read_window
from service.graph.context import Context, Info
from service.graph.loaders import promised
from service.graph.message import (
    CLICK_COUNT,
    ICON_COLOR,
    ROW_COLOR,
    EmailInfo,
    Message,
    OfMessage,
    icon_color,
    row_color,
)
from service.graph.node import read_message_id
from service.graph.row import FromRow
from service.shape.compile import Page
from service.shape.executor import Shaped
from service.shape.field import column, page_by, same_row
from service.shape.read import Asked, read_lists

CONNECTION_TYPE = "case when m.campaign_id is not null then 'MARKETING_CAMPAIGN' else 'INDIVIDUAL_EMAIL' end"


@strawberry.type(description="One campaign mail sent to the customer.")
class SentEmail(OfMessage):
    """A row of the first list."""

    campaign_title: str = strawberry.field(description="The campaign's title.", metadata=column("c.title"))
    subject: str | None = strawberry.field(
        description="The subject line; null once erased.", metadata=column("m.subject")
    )
    occurred_at: datetime = strawberry.field(
        description="When it was put on its way; the list's order.", metadata=column("m.mail_date")
    )
    sent_at: datetime | None = strawberry.field(
        description="When the server took it; null while it has not.", metadata=column("m.sent_at")
    )
    opened_at: datetime | None = strawberry.field(
        description="When a person first opened it; null when none is known to have.", metadata=column("m.opened_at")
    )
    click_count: int = strawberry.field(
        description="How many clicks it got, machines left out.", metadata=column(CLICK_COUNT)
    )

    @strawberry.field(description="The colour of the info icon.", metadata=column(ICON_COLOR))
    def color_hint(self) -> ColorHint:
        """By status."""
        return icon_color(self.row["status"])

    @strawberry.field(description="The campaign.", metadata=same_row())
    async def campaign(self, info: Info) -> Campaign:
        """One statement for all campaigns of a page."""
        return Campaign.of(await promised(info.context.loaders.campaigns, self.row["campaign_id"]))

    @strawberry.field(description="What the info icon tells.", metadata=same_row())
    def info(self) -> EmailInfo:
        """The same row."""
        return EmailInfo.of(self.row)

    @strawberry.field(description="The message itself.", metadata=same_row())
    def message(self) -> Message:
        """The same row."""
        return Message.of(self.row)


@strawberry.type(description="One click on a link of a mail.")
class LinkClick(FromRow):
    """A row of the second list (SQL alias h; its message is m)."""

    clicked_at: datetime = strawberry.field(description="When.", metadata=column("h.occurred_at"))
    url: str = strawberry.field(description="Where the link leads.", metadata=column("h.url"))
    campaign_title: str | None = strawberry.field(
        description="The title of the mail's campaign; null for individual mail.", metadata=column("c.title")
    )
    subject: str | None = strawberry.field(
        description="The mail's subject; null once erased.", metadata=column("m.subject")
    )
    verdict: HitVerdict = strawberry.field(description="Person or machine.", metadata=column("h.verdict"))
    reasons: list[HitReason] = strawberry.field(description="Why it was judged so.", metadata=column("h.reasons"))

    @strawberry.field(description="The mail that held the link.", metadata=same_row())
    async def message(self, info: Info) -> Message:
        """One statement for all messages of a page."""
        return Message.of(
            await promised(info.context.loaders.messages, (self.row["customer_id"], self.row["message_id"]))
        )


@strawberry.type(description="One mail sent to or received from the customer.")
class ConnectionNote(OfMessage):
    """A row of the third list."""

    occurred_at: datetime = strawberry.field(
        description="When it was put on its way, or received; the list's order.", metadata=column("m.mail_date")
    )
    direction: Direction = strawberry.field(description="Sent or received.", metadata=column("m.direction"))
    source_type: SourceType | None = strawberry.field(
        description="Where it came from; of a received mail, where the mail came from that it answers.",
        metadata=column("m.source_type"),
    )
    subject: str | None = strawberry.field(
        name="title", description="Its subject; null once erased.", metadata=column("m.subject")
    )
    opened_at: datetime | None = strawberry.field(
        description="When a person first opened it, the customer or who has a copy; null when none is known to have.",
        metadata=column("m.opened_at"),
    )
    click_count: int = strawberry.field(
        description="How many clicks it got, machines left out; those in its copies count.",
        metadata=column(CLICK_COUNT),
    )

    @strawberry.field(
        description="Sent as a marketing campaign, or an individual mail.", metadata=column(CONNECTION_TYPE)
    )
    def connection_type(self) -> ConnectionType:
        """By whether a campaign sent it."""
        return ConnectionType.MARKETING_CAMPAIGN if self.row["campaign_id"] else ConnectionType.INDIVIDUAL_EMAIL

    @strawberry.field(description="The colour of the row.", metadata=column(ROW_COLOR))
    def color_hint(self) -> ColorHint:
        """By source type."""
        return row_color(self.row["source_type"])

    @strawberry.field(description="What the info icon tells.", metadata=same_row())
    def info(self) -> EmailInfo:
        """The same row."""
        return EmailInfo.of(self.row)

    @strawberry.field(description="The message itself.", metadata=same_row())
    def message(self) -> Message:
        """The same row."""
        return Message.of(self.row)


@strawberry.input(description="Which connection notes to list.")
class ConnectionNoteFilter:
    """Omitted or null does not filter."""

    source_types: list[SourceType] | None = strawberry.field(
        default=None, description="Only mail of these source types; received mail counts as what it answers."
    )
    direction: Direction | None = strawberry.field(default=None, description="Only sent, or only received mail.")


SENT_PAGE = Page(statement=statement("sent_page"), key="m.id")
NOTES_PAGE = Page(statement=statement("notes_page"), key="m.id")
FILTERED_NOTES_PAGE = Page(statement=statement("filtered_notes_page"), key="m.id")
CLICKS_PAGE = Page(statement=statement("clicks_page"), key="h.id")
ALL_CLICKS_PAGE = Page(statement=statement("all_clicks_page"), key="h.id")
MESSAGE_CLICKS_PAGE = Page(statement=statement("message_clicks_page"), key="h.id")
ALL_MESSAGE_CLICKS_PAGE = Page(statement=statement("all_message_clicks_page"), key="h.id")
MESSAGE_EXISTS = statement("message_exists")
OF_CAMPAIGNS = (Direction.SENT, SourceType.CAMPAIGN)

Row = TypeVar("Row", bound=FromRow)


def _asked(page: Page, customer_id: int, window: Window, **values: Any) -> Asked[Window]:
    values |= {"customer_id": customer_id, "before": window.before, "rows": window.rows}
    return Asked(page=page, values=values, window=window)


async def ask_sent(_: Context, customer_id: int, first: int, after: str | None = None) -> Asked[Window]:
    """The page of the first list. Raises BadInput."""
    return _asked(SENT_PAGE, customer_id, read_window(first, after))


async def ask_clicks(
    context: Context,
    customer_id: int,
    first: int,
    after: str | None = None,
    message_id: str | None = None,
    include_machine: bool = False,
) -> Asked[Window]:
    """The page of the second list. Raises BadInput."""
    window = read_window(first, after)
    if message_id is None:
        return _asked(ALL_CLICKS_PAGE if include_machine else CLICKS_PAGE, customer_id, window)
    page = ALL_MESSAGE_CLICKS_PAGE if include_machine else MESSAGE_CLICKS_PAGE
    return _asked(page, customer_id, window, message_id=await _own_message(context, customer_id, message_id))


async def ask_notes(
    _: Context, customer_id: int, first: int, after: str | None = None, filter: ConnectionNoteFilter | None = None
) -> Asked[Window]:
    """The page of the third list. Raises BadInput."""
    window = read_window(first, after)
    if filter is None:
        return _asked(NOTES_PAGE, customer_id, window)
    return _asked(FILTERED_NOTES_PAGE, customer_id, window, **_kinds(filter))


def _kinds(filter: ConnectionNoteFilter) -> dict[str, Any]:
    """The kinds of notes that a filter lets through, as the statement is asked for them."""
    sources = [*SourceType, None] if filter.source_types is None else filter.source_types
    directions = [filter.direction] if filter.direction else list(Direction)
    wanted = set(product(directions, sources))
    pairs = [one for one in wanted if one != OF_CAMPAIGNS and one[1] is not None]
    return {
        "directions": [direction for direction, _ in pairs],
        "source_types": [source for _, source in pairs],
        "campaigns": OF_CAMPAIGNS in wanted,
        "answers_nothing": (Direction.RECEIVED, None) in wanted,
    }


async def _own_message(context: Context, customer_id: int, message_id: str) -> UUID:
    """Raises BadInput, the same whether the message is nobody's or another customer's."""
    ref = read_message_id(message_id)
    if ref is not None and ref.customer_id == customer_id:
        [row] = await context.reading.fetch(MESSAGE_EXISTS, customer_id=ref.customer_id, message_id=ref.message_id)
        if row["found"]:
            return ref.message_id
    raise BadInput("messageId", "this customer has no such message")


@strawberry.type(
    description="The customer's mail history: three lists, each newest first. An error in one leaves the others."
)
class CustomerEmails(Shaped):
    """Lists of one customer, shaped by one statement; what cannot be shaped has resolvers that read keys, then rows."""

    customer_id: strawberry.Private[int]

    @classmethod
    async def read(cls, info: Info, customer_id: int) -> Self:
        """The lists as they are selected."""
        emails = cls(customer_id=customer_id)
        context = info.context
        if context.shaping:
            emails.shaped = await read_lists(info._raw_info, context.reading, context, customer_id)
        return emails

    @strawberry.field(description="The campaign mail sent to the customer.", metadata=page_by(ask_sent))
    async def sent(self, info: Info, first: First = 50, after: After = None) -> Connection[SentEmail] | None:
        """The first list."""
        return await self._page(info, SentEmail, await ask_sent(info.context, self.customer_id, first, after))

    @strawberry.field(
        description="The links that the customer clicked, in all mail or in one message. A mail with copies is one "
        "content: the clicks of all who read it are here.",
        metadata=page_by(ask_clicks),
    )
    async def clicks(
        self,
        info: Info,
        message_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only clicks in this message of the customer's.")
        ] = None,
        first: First = 50,
        after: After = None,
        include_machine: Annotated[
            bool, strawberry.argument(description="Also clicks that machines made, such as link scanners.")
        ] = False,
    ) -> Connection[LinkClick] | None:
        """The second list."""
        asked = await ask_clicks(info.context, self.customer_id, first, after, message_id, include_machine)
        return await self._page(info, LinkClick, asked)

    @strawberry.field(
        description="Every mail sent to or received from the customer, of all source types.",
        metadata=page_by(ask_notes),
    )
    async def connection_notes(
        self,
        info: Info,
        first: First = 50,
        after: After = None,
        filter: Annotated[
            ConnectionNoteFilter | None, strawberry.argument(description="Which notes; all when omitted.")
        ] = None,
    ) -> Connection[ConnectionNote] | None:
        """The third list."""
        asked = await ask_notes(info.context, self.customer_id, first, after, filter)
        return await self._page(info, ConnectionNote, asked)

    async def _page(self, info: Info, kind: type[Row], asked: Asked[Window]) -> Connection[Row]:
        context = info.context
        keys = [row["id"] for row in await context.reading.fetch(asked.page.statement, **asked.values)]
        loader = context.loaders.hits if kind is LinkClick else context.loaders.messages
        rows = await loader.load_many([(self.customer_id, key) for key in keys[: asked.window.first]])
        return asked.window.connect([kind.of(row) for row in rows if row is not None], [key.hex for key in keys])
