"""A customer's three lists: campaign mail sent, links clicked, connection notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from asyncpg import Record

from gateway.mail.source import ColorHint, ConnectionType, Direction, SourceType
from service.database import Statement, statement
from service.errors import BadInput
from service.graph.campaign import Campaign
from service.graph.connection import After, Connection, First, Window, read_window
from service.graph.context import Context, Info
from service.graph.enums import HitReason, HitVerdict
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
from service.shape.field import column, same_row

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
        description="When a person first opened it; null when none is known to have.", metadata=column("m.opened_at")
    )
    click_count: int = strawberry.field(
        description="How many clicks it got, machines left out.", metadata=column(CLICK_COUNT)
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


SENT_PAGE = statement("sent_page")
NOTES_PAGE = statement("notes_page")
FILTERED_NOTES_PAGE = statement("filtered_notes_page")
CLICKS_PAGE = statement("clicks_page")
MESSAGE_CLICKS_PAGE = statement("message_clicks_page")
MESSAGE_EXISTS = statement("message_exists")


@strawberry.type(
    description="The customer's mail history: three lists, each newest first. An error in one leaves the others."
)
class CustomerEmails:
    """Lists of one customer."""

    customer_id: strawberry.Private[int]

    @strawberry.field(description="The campaign mail sent to the customer.")
    async def sent(self, info: Info, first: First = 50, after: After = None) -> Connection[SentEmail] | None:
        """One statement, shaped; else the keys, then their rows."""
        window = read_window(first, after)
        keys = await self._keys(info.context, SENT_PAGE, window)
        return window.connect(
            [SentEmail.of(row) for row in await self._messages(info.context, keys, window)], _hex(keys)
        )

    @strawberry.field(description="The links that the customer clicked, in all mail or in one message.")
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
        """One statement, shaped; else the keys, then their rows."""
        window = read_window(first, after)
        values: dict[str, Any] = {"include_machine": include_machine}
        page = CLICKS_PAGE
        if message_id is not None:
            page, values["message_id"] = MESSAGE_CLICKS_PAGE, await self._own_message(info.context, message_id)
        keys = await self._keys(info.context, page, window, **values)
        loaders = info.context.loaders
        rows = await loaders.hits.load_many([(self.customer_id, key) for key in keys[: window.first]])
        return window.connect([LinkClick.of(row) for row in rows if row is not None], _hex(keys))

    @strawberry.field(description="Every mail sent to or received from the customer, of all source types.")
    async def connection_notes(
        self,
        info: Info,
        first: First = 50,
        after: After = None,
        filter: Annotated[
            ConnectionNoteFilter | None, strawberry.argument(description="Which notes; all when omitted.")
        ] = None,
    ) -> Connection[ConnectionNote] | None:
        """One statement, shaped; else the keys, then their rows."""
        window = read_window(first, after)
        page, values = NOTES_PAGE, {}
        if filter is not None:
            page, values = FILTERED_NOTES_PAGE, {"source_types": filter.source_types, "direction": filter.direction}
        keys = await self._keys(info.context, page, window, **values)
        rows = await self._messages(info.context, keys, window)
        return window.connect([ConnectionNote.of(row) for row in rows], _hex(keys))

    async def _keys(self, context: Context, page: Statement, window: Window, **values: Any) -> list[UUID]:
        rows = await context.ledger.fetch(
            page, customer_id=self.customer_id, before=window.before, rows=window.rows, **values
        )
        return [row["id"] for row in rows]

    async def _messages(self, context: Context, keys: Sequence[UUID], window: Window) -> list[Record]:
        wanted = [(self.customer_id, key) for key in keys[: window.first]]
        return [row for row in await context.loaders.messages.load_many(wanted) if row is not None]

    async def _own_message(self, context: Context, message_id: str) -> UUID:
        """Raises BadInput, the same whether the message is nobody's or another customer's."""
        ref = read_message_id(message_id)
        if ref is not None and ref.customer_id == self.customer_id:
            [row] = await context.ledger.fetch(MESSAGE_EXISTS, customer_id=ref.customer_id, message_id=ref.message_id)
            if row["found"]:
                return ref.message_id
        raise BadInput("messageId", "this customer has no such message")


def _hex(keys: Sequence[UUID]) -> list[str]:
    return [key.hex for key in keys]
