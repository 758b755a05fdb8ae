"""A customer and its mail history. These types lead from one to the other and back, so they are one module."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self, TypeVar

import strawberry

from gateway.mail.choice import OptOutKind, SuppressionReason, SuppressionScope
from gateway.mail.hit import HitReason, HitVerdict
from gateway.mail.message import NEED_ATTENTION, Status
from gateway.mail.source import ROW_COLORS, ColorHint, ConnectionType, Direction, SourceType
from gateway.mail.verdict import Cause
from gateway.outbox.possible_actions import MessageAction
from service.graph.campaign import Campaign
from service.graph.connection import After, Connection, First, Window
from service.graph.contact import OptOut, OptOuts
from service.graph.context import Info
from service.graph.email_info import (
    ICON_COLOR,
    STATUS,
    EmailInfo,
    MessageAttachment,
    OfMessage,
    icon_color,
)
from service.graph.history_pages import ConnectionNoteFilter, clicks_request, notes_request, sent_request
from service.graph.loaders import existing_row
from service.graph.node import (
    Node,
    customer_global_id,
    history_global_id,
    history_id_sql,
    message_global_id,
    row_global_id,
)
from service.graph.row import FromRow
from service.shape.executor import Shaped
from service.shape.field import case_of, column, page_by, rows_of, same_row
from service.shape.read import PageRequest

CLICK_COUNT = (
    "(select count(*)::integer from hit k where k.customer_id = m.customer_id and k.message_id = m.id"
    " and k.kind = 'CLICK' and k.verdict <> 'MACHINE')"
)
OPEN_COUNT = (
    "(select count(*)::integer from hit k where k.customer_id = m.customer_id and k.message_id = m.id"
    " and k.kind = 'OPEN' and k.verdict <> 'MACHINE')"
)
ROW_COLOR = case_of("m.source_type", ROW_COLORS)
NEEDS_ATTENTION = (
    f"(m.status in ({', '.join(repr(str(status)) for status in sorted(NEED_ATTENTION))})"
    f" and m.cause is distinct from '{Cause.OPTED_OUT}')"
)
CONNECTION_TYPE = "case when m.campaign_id is not null then 'MARKETING_CAMPAIGN' else 'INDIVIDUAL_EMAIL' end"

Row = TypeVar("Row", bound=FromRow)


def row_color(source_type: str | None) -> ColorHint:
    """The colour of a row, from the one mapping."""
    return ROW_COLORS[SourceType(source_type) if source_type else None]


@strawberry.type(description="The person or company whose history this is.")
class Customer(FromRow, Node):
    """Over a row of customer."""

    @strawberry.field(description="The id, unique over all types.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return customer_global_id(self.row["id"])

    external_ref: str = strawberry.field(description="Its id in the CRM.")
    name: str | None = strawberry.field(description="Its name; null when not given, or erased.")
    locale: str | None = strawberry.field(
        description="The language of its mail (BCP 47); null for the sender's.",
    )
    time_zone: str | None = strawberry.field(description="Its IANA time zone; null for the sender's.")
    created_at: datetime = strawberry.field(description="When it was first upserted.")

    @strawberry.field(description="Its addresses, the primary first.")
    async def addresses(self, info: Info) -> list[CustomerAddress]:
        """One statement for all customers of a page."""
        return [CustomerAddress.of(row) for row in await info.context.loaders.addresses.load(self.row["id"])]

    @strawberry.field(description="What it chose not to get.")
    async def opt_outs(self, info: Info) -> OptOuts:
        """One statement for all customers of a page."""
        found = {row["kind"]: OptOut.of(row) for row in await info.context.loaders.opt_outs.load(self.row["id"])}
        return OptOuts(marketing=found.get(OptOutKind.MARKETING), event_based=found.get(OptOutKind.EVENT_BASED))

    @strawberry.field(description="Its mail history: three lists.")
    async def emails(self, info: Info) -> CustomerEmails:
        """One statement for all lists that can be shaped."""
        return await CustomerEmails.read(info, self.row["id"])

    @strawberry.field(description="Its newest connection note, for lists of customers; null when there is none.")
    async def latest_email(self, info: Info) -> ConnectionNote | None:
        """Two statements for all customers of a page."""
        newest = await info.context.loaders.latest.load(self.row["id"])
        if newest is None:
            return None
        return ConnectionNote.of(
            await existing_row(info.context.loaders.messages, (newest["customer_id"], newest["id"]))
        )

    @strawberry.field(description="Whether mail of the newest 50 waits for a person: failed, uncertain or held.")
    async def needs_attention(self, info: Info) -> bool:
        """One statement for all customers of a page."""
        found = await info.context.loaders.failed.load(self.row["id"])
        return bool(found and found["needs_attention"])

    @strawberry.field(description="How many of its newest 50 messages show a red icon.")
    async def failed_emails(self, info: Info) -> int:
        """One statement for all customers of a page."""
        found = await info.context.loaders.failed.load(self.row["id"])
        return int(found["failed"]) if found else 0


@strawberry.type(description="An address of a customer.")
class CustomerAddress(FromRow):
    """Over a row of customer_address."""

    address: str = strawberry.field(description="The address, its domain in A-labels.")
    is_primary: bool = strawberry.field(name="primary", description="Whether mail goes here unless told otherwise.")
    suppressed_since: datetime | None = strawberry.field(
        description="Since when it must not be mailed; null when it may be."
    )
    suppression_reason: SuppressionReason | None = strawberry.field(description="Why it must not be mailed.")

    @strawberry.field(description="What stands against it; null when nothing does.")
    async def suppression(self, info: Info) -> Suppression | None:
        """One statement for all addresses of a page."""
        found = self.row["suppression_id"]
        return Suppression.of(await existing_row(info.context.loaders.suppressions, found)) if found else None


@strawberry.type(
    description="An address that must not be mailed. It outlives the customer: it is known by a keyed hash."
)
class Suppression(FromRow, Node):
    """Over a row of suppression or lifted_suppression."""

    @strawberry.field(description="The id, unique over all types; a key of its own, never the hash.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return row_global_id("Suppression", self.row["id"])

    address: str | None = strawberry.field(
        description="The address; null when no customer and no person's input tells it any more."
    )
    reason: SuppressionReason = strawberry.field(description="Why.")
    scope: SuppressionScope = strawberry.field(description="What it stops.")
    suppressed_at: datetime = strawberry.field(description="Since when.")
    actor: str = strawberry.field(name="by", description="Who: gateway, customer, or the name of a token or person.")
    why: str | None = strawberry.field(description="Why, in that person's words.")
    lifted_at: datetime | None = strawberry.field(description="When it was lifted; null while it stands.")
    lifted_by: str | None = strawberry.field(description="Who lifted it.")
    lifted_why: str | None = strawberry.field(description="Why it was lifted.")

    @strawberry.field(
        description="The mail that was refused or complained of; null when there is none, or it is erased."
    )
    async def message(self, info: Info) -> Message | None:
        """One statement for all messages of a page."""
        key = (self.row["evidence_customer_id"], self.row["evidence_id"])
        return Message.of(await existing_row(info.context.loaders.messages, key)) if self.row["evidence_id"] else None

    @strawberry.field(description="Whose address it is; null when nobody's any more, the newest when several hold it.")
    async def customer(self, info: Info) -> Customer | None:
        """One statement for all customers of a page."""
        holder = self.row["holder_id"]
        return Customer.of(await existing_row(info.context.loaders.customers, holder)) if holder else None

    @strawberry.field(description="How many messages are held for it, counted up to 1,000.")
    async def held_messages(self, info: Info) -> int:
        """One statement for all suppressions of a page."""
        found = await existing_row(info.context.loaders.held, self.row["id"])
        return int(found["held"])


@strawberry.type(
    description="The customer's mail history: three lists, each newest first. An error in one leaves the others."
)
class CustomerEmails(Shaped, Node):
    """Lists of one customer, shaped by one statement; where one cannot be shaped, resolvers read keys, then rows."""

    customer_id: strawberry.Private[int]

    @strawberry.field(description="The id, unique over all types: CustomerEmails_ and the customer's number.")
    def id(self) -> strawberry.ID:
        """One of each customer."""
        return strawberry.ID(f"CustomerEmails_{self.customer_id}")

    @classmethod
    async def read(cls, info: Info, customer_id: int) -> Self:
        """The lists as they are selected."""
        emails = cls(customer_id=customer_id)
        if info.context.shaping:
            emails.shaped = await info.context.lists.read(info._raw_info, customer_id)
        return emails

    @strawberry.field(description="The campaign mail sent to the customer.", metadata=page_by(sent_request))
    async def sent(self, info: Info, first: First = 50, after: After = None) -> Connection[SentEmail] | None:
        """The first list."""
        return await self._page(info, SentEmail, await sent_request(info.context, self.customer_id, first, after))

    @strawberry.field(
        description="The links that the customer clicked, in all mail or in one message. A mail with copies is one "
        "content: the clicks of all who read it are here.",
        metadata=page_by(clicks_request),
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
        request = await clicks_request(info.context, self.customer_id, first, after, message_id, include_machine)
        return await self._page(info, LinkClick, request)

    @strawberry.field(
        description="Every mail sent to or received from the customer, of all source types.",
        metadata=page_by(notes_request),
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
        request = await notes_request(info.context, self.customer_id, first, after, filter)
        return await self._page(info, ConnectionNote, request)

    async def _page(self, info: Info, kind: type[Row], request: PageRequest[Window]) -> Connection[Row]:
        keys = await info.context.lists.keys(request)
        loaders = info.context.loaders
        loader = loaders.hits if kind is LinkClick else loaders.messages
        rows = await loader.load_many([(self.customer_id, key) for key in keys[: request.window.first]])
        return request.window.connect([kind.of(row) for row in rows if row is not None], [key.hex for key in keys])


@strawberry.type(description="One campaign mail sent to the customer.")
class SentEmail(OfMessage, Node):
    """A row of the first list."""

    @strawberry.field(
        description="The id, unique over all types: SentEmail_ and what follows Message_ in the message's.",
        metadata=column(history_id_sql("SentEmail")),
    )
    def id(self) -> strawberry.ID:
        """Global id."""
        return history_global_id("SentEmail", *self.key)

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
        return Campaign.of(await existing_row(info.context.loaders.campaigns, self.row["campaign_id"]))

    @strawberry.field(description="What the info icon tells.", metadata=same_row())
    def info(self) -> EmailInfo:
        """The same row."""
        return EmailInfo.of(self.row)

    @strawberry.field(description="The message itself.", metadata=same_row())
    def message(self) -> Message:
        """The same row."""
        return Message.of(self.row)


@strawberry.type(description="One click on a link of a mail.")
class LinkClick(FromRow, Node):
    """A row of the second list (SQL alias h; its message is m)."""

    @strawberry.field(description="The id, unique over all types.", metadata=column(history_id_sql("LinkClick", "h")))
    def id(self) -> strawberry.ID:
        """Global id."""
        return history_global_id("LinkClick", self.row["customer_id"], self.row["id"])

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
            await existing_row(info.context.loaders.messages, (self.row["customer_id"], self.row["message_id"]))
        )


@strawberry.type(description="One mail sent to or received from the customer.")
class ConnectionNote(OfMessage, Node):
    """A row of the third list."""

    @strawberry.field(
        description="The id, unique over all types: ConnectionNote_ and what follows Message_ in the message's.",
        metadata=column(history_id_sql("ConnectionNote")),
    )
    def id(self) -> strawberry.ID:
        """Global id."""
        return history_global_id("ConnectionNote", *self.key)

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


@strawberry.type(description="One mail to or from one customer.")
class Message(OfMessage, Node):
    """Over a message row."""

    @strawberry.field(description="The id, unique over all types.", metadata=column(history_id_sql("Message")))
    def id(self) -> strawberry.ID:
        """Global id."""
        return message_global_id(*self.key)

    direction: Direction = strawberry.field(description="Sent or received.", metadata=column("m.direction"))
    source_type: SourceType | None = strawberry.field(
        description="Where it came from; of a received mail, where the mail came from that it answers.",
        metadata=column("m.source_type"),
    )
    status: Status = strawberry.field(description="Where it is in its life.", metadata=column(STATUS))
    subject: str | None = strawberry.field(description="Its subject; null once erased.", metadata=column("m.subject"))
    occurred_at: datetime = strawberry.field(
        description="When it was put on its way, or received.", metadata=column("m.mail_date")
    )
    sent_at: datetime | None = strawberry.field(
        description="When the server took it; null while it has not.", metadata=column("m.sent_at")
    )
    opened_at: datetime | None = strawberry.field(
        description="When a person first opened it; null when none is known to have. A mail with copies is one "
        "content: the customer or who has a copy.",
        metadata=column("m.opened_at"),
    )
    letter_kind: str | None = strawberry.field(
        description="The letter's kind, such as CREATED or REFUND; null for campaigns.",
        metadata=column("m.letter_kind"),
    )
    click_count: int = strawberry.field(
        description="How many clicks it got, machines left out; those in its copies count.",
        metadata=column(CLICK_COUNT),
    )
    open_count: int = strawberry.field(
        description="How often its pixel was fetched, machines left out; copies count. A mail client may fetch it once "
        "for many looks, or never: openedAt counts a click as well.",
        metadata=column(OPEN_COUNT),
    )

    @strawberry.field(description="The colour of its row.", metadata=column(ROW_COLOR))
    def color_hint(self) -> ColorHint:
        """By source type."""
        return row_color(self.row["source_type"])

    @strawberry.field(description="Whose it is.")
    async def customer(self, info: Info) -> Customer:
        """One statement for all customers of a page."""
        return Customer.of(await existing_row(info.context.loaders.customers, self.row["customer_id"]))

    @strawberry.field(
        description="The campaign it belongs to; null for individual mail.",
        metadata=same_row(when="m.campaign_id is not null"),
    )
    async def campaign(self, info: Info) -> Campaign | None:
        """One statement for all campaigns of a page."""
        campaign = self.row["campaign_id"]
        return Campaign.of(await existing_row(info.context.loaders.campaigns, campaign)) if campaign else None

    @strawberry.field(description="What the info icon tells.", metadata=same_row())
    def info(self) -> EmailInfo:
        """The same row."""
        return EmailInfo.of(self.row)

    @strawberry.field(
        description="Whether it waits for a person: uncertain, held and releasable, or failed.",
        metadata=column(NEEDS_ATTENTION),
    )
    def needs_attention(self) -> bool:
        """By status and cause."""
        return self.row["status"] in NEED_ATTENTION and self.row["cause"] != Cause.OPTED_OUT

    @strawberry.field(description="What can be done about it now; empty when nothing can.")
    async def actions(self, info: Info) -> list[MessageAction]:
        """Three statements for all messages of a page."""
        return await info.context.loaders.actions.load(self.key)

    @strawberry.field(
        description="The files that came with it.",
        metadata=rows_of(
            "message_attachment f where f.customer_id = m.customer_id and f.message_id = m.id order by f.position"
        ),
    )
    async def attachments(self, info: Info) -> list[MessageAttachment]:
        """One statement for all rows of a page."""
        return [MessageAttachment.of(row) for row in await info.context.loaders.attachments.load(self.key)]
