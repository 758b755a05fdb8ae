"""A customer and its mail history. These types lead from one to the other and back, so they are one module."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Self, TypeVar
from uuid import UUID

import strawberry

from gateway.campaigns import counts
from gateway.campaigns.counts import CountPrecision
from gateway.campaigns.criteria import read_criteria
from gateway.campaigns.lists import ListKind
from gateway.mail.choice import OptOutKind, SuppressionReason, SuppressionScope
from gateway.mail.hit import HitReason, HitVerdict
from gateway.mail.letter import WorkOrderKind
from gateway.mail.message import NEED_ATTENTION, EventKind, Status
from gateway.mail.source import ROW_COLORS, ColorHint, ConnectionType, Direction, SourceType
from gateway.mail.tracking import customer_address
from gateway.mail.verdict import Cause
from gateway.outbox.possible_actions import MessageAction
from service.graph.campaign import Campaign, Mailing
from service.graph.connection import After, Connection, First, Window, read_number_window
from service.graph.contact import OptOut, OptOuts
from service.graph.content import MessageContent
from service.graph.context import Info
from service.graph.cost import Cost
from service.graph.counting import Count, CountedConnection
from service.graph.exporting import linking
from service.graph.history_pages import clicks_request, notes_request, sent_request
from service.graph.list_criteria import say_criteria, with_global_ids
from service.graph.list_pages import Membership, check_cursor, members_asked
from service.graph.loaders import existing_row
from service.graph.message_filter import ConnectionNoteFilter
from service.graph.message_life import LIFE, life_window
from service.graph.message_parts import (
    ATTEMPT_OF_EVENT,
    COPY_OF_EVENT,
    ICON_COLOR,
    LAST_ATTEMPT,
    RECEIVED,
    REPORT_OF_EVENT,
    STATUS,
    CopyRecipient,
    DeliveryAttempt,
    DeliveryReport,
    MessageAttachment,
    OfMessage,
    ReceivedMail,
    ServerResponse,
    advice_of,
    cause_of,
    copy_of,
    failure_of,
    icon_color,
    newest_failure,
    response_of,
    unless_decided,
)
from service.graph.node import (
    Node,
    customer_global_id,
    history_global_id,
    history_id_sql,
    message_global_id,
    number_global_id,
    row_global_id,
)
from service.graph.recipient_lists import RECIPIENT_CONNECTION, RecipientPage, list_of_customer
from service.graph.row import FromRow, FromValue
from service.graph.scalars import BigInt, Json
from service.graph.search_patterns import SearchArgument
from service.graph.sender import Sender, sender_of
from service.graph.template import EmailPreview
from service.shape.executor import Shaped
from service.shape.field import case_of, column, first_of, page_by, rows_of, same_row
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
    f"(m.status in ({', '.join(repr(str(status)) for status in sorted(NEED_ATTENTION))})"  # noqa: S608 - constants of ours
    " and coalesce((select waits_for_person(t) from message_trouble t"
    " where t.customer_id = m.customer_id and t.message_id = m.id and t.recipient_no = 0), false))"
)
"""Mail in no trouble asks its status alone. A scalar: of `exists` the planner may make a pass over all trouble."""


def _other_message(condition: str) -> str:
    """Another message than the page's as m, with what is beside it (`beside_message` of `queries/history.sql`): in the
    condition on its row n, m is still the page's."""
    return (
        f"(select n.* from message n where {condition}) m"  # noqa: S608 - constants of this file
        " left join outbox o on o.customer_id = m.customer_id and o.message_id = m.id and o.recipient_no = 0"
        " left join message_wait w on w.customer_id = m.customer_id and w.id = m.id"
        " left join campaign c on c.id = m.campaign_id"
        " left join template_version v on v.id = m.template_version_id"
    )


ANSWERED = _other_message("n.customer_id = m.customer_id and n.id = m.answers_message_id")
REPLY_OF_EVENT = _other_message(
    "e.kind = 'REPLIED' and n.customer_id = e.customer_id and n.id = (e.data ->> 'message')::uuid"
)
CLICK_OF_EVENT = "hit h where e.kind = 'CLICKED' and h.customer_id = e.customer_id and h.id = e.id"
CONNECTION_TYPE = "case when m.campaign_id is not null then 'MARKETING_CAMPAIGN' else 'INDIVIDUAL_EMAIL' end"

Row = TypeVar("Row", bound=FromRow)


def row_color(source_type: str | None) -> ColorHint:
    """The colour of a row, from the one mapping."""
    return ROW_COLORS[SourceType(source_type) if source_type else None]


@strawberry.type(description="The person or company whose history this is.")
class Customer(FromRow, Node):
    """Over a row of customer."""

    @strawberry.field(description="The id, unique over all types.", metadata=column("'Customer_' || y.id"))
    def id(self) -> strawberry.ID:
        """Global id."""
        return customer_global_id(self.row["id"])

    external_ref: str = strawberry.field(description="Its id in the CRM.", metadata=column("y.external_ref"))
    name: str | None = strawberry.field(
        description="Its name; null when not given, or erased.", metadata=column("y.name")
    )
    locale: str | None = strawberry.field(
        description="The language of its mail (BCP 47); null for the sender's.", metadata=column("y.locale")
    )
    time_zone: str | None = strawberry.field(
        description="Its IANA time zone; null for the sender's.", metadata=column("y.time_zone")
    )
    tags: list[str] = strawberry.field(
        description="Its labels, sorted, at most 100; empty once erased.", metadata=column("y.tags")
    )
    attributes: Json = strawberry.field(
        description="An object of its own values (texts, numbers, booleans, dates as texts), at most 100; empty once "
        "erased."
    )
    created_at: datetime = strawberry.field(description="When it was first upserted.", metadata=column("y.created_at"))

    @strawberry.field(description="Its addresses, the primary first.")
    async def addresses(self, info: Info) -> list[CustomerAddress]:
        """One statement for all customers of a page."""
        return [CustomerAddress.of(row) for row in await info.context.loaders.addresses.load(self.row["id"])]

    @strawberry.field(
        description="An address of ours: what comes to it joins this history. For Reply-To of what people write to the "
        "customer in their own mail programs; null without REPLY_DOMAIN."
    )
    def reply_to(self, info: Info) -> str | None:
        """Signed, as the Reply-To of a message is."""
        deployment = info.context.deployment
        domain = deployment.settings.reply_domain
        return customer_address(deployment.keyring, domain, self.row["id"]) if domain else None

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

    @strawberry.field(
        description="The lists it is in, the newest list first; dynamic ones as of now.", directives=[Cost(objects=50)]
    )
    async def lists(
        self, info: Info, first: First = 50, after: After = None
    ) -> CountedConnection[ListMembership] | None:
        """A statement for all customers of a page, and one for twenty dynamic lists."""
        window, pages = read_number_window(first, after), info.context.loaders.list_pages
        found = await pages.of_customer(self.row["id"], window)
        page = window.connect([ListMembership.of(one) for one in found], [str(one.list_id) for one in found])
        counting = partial(pages.count_of_customer, self.row["id"])
        return CountedConnection.counted(page, counting, linking(info.context, {"lists_of": self.row["id"]}))

    @strawberry.field(
        description="What campaigns sent it, left it out of, and will still send it.",
        graphql_type=RECIPIENT_CONNECTION,
    )
    async def campaigns(
        self,
        info: Info,
        upcoming: Annotated[
            bool,
            strawberry.argument(
                description="Only what is still to come, the next one first: what waits, and scheduled mailings that "
                "would reach it as it stands now, by its lists, dynamic ones too, or by name."
            ),
        ] = False,
        first: First = 50,
        after: After = None,
    ) -> RecipientPage | None:
        """Raises BadInput."""
        return await list_of_customer(info.context, self.row["id"], upcoming, first, after)

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

    @strawberry.field(description="How many of its newest 50 messages are uncertain.")
    async def uncertain_emails(self, info: Info) -> int:
        """By the same statement."""
        found = await info.context.loaders.failed.load(self.row["id"])
        return int(found["uncertain"]) if found else 0


@strawberry.type(description="One customer in one list.")
class ListMembership(FromValue[Membership]):
    """Of a fixed list a row of list_member."""

    @strawberry.field(description="The list.")
    async def list(self, info: Info) -> CustomerList:
        """One statement for all lists of a page."""
        return CustomerList.of(await existing_row(info.context.loaders.lists, self.value.list_id))

    @strawberry.field(description="The customer.")
    async def customer(self, info: Info) -> Customer:
        """One statement for all customers of a page."""
        return Customer.of(await existing_row(info.context.loaders.customers, self.value.customer_id))

    added_at: datetime | None = strawberry.field(description="Since when; null in dynamic lists.")
    actor: str | None = strawberry.field(
        name="by",
        description="Who added it: a token, a person, an import or the list's own rule; null in dynamic lists.",
    )


@strawberry.type(description="A set of customers to send to.")
class CustomerList(FromRow, Node):
    """Over a row of customer_list."""

    @strawberry.field(description="The id, unique over all types.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return number_global_id("CustomerList", self.row["id"])

    name: str = strawberry.field(description="Its name among ours.")
    kind: ListKind = strawberry.field(description="How its members are found.")
    counted_at: datetime | None = strawberry.field(
        description="When a dynamic list was last counted; null for fixed ones."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    actor: str = strawberry.field(name="by", description="Who made it.")

    @strawberry.field(description="The criteria, in the shape of ListCriteriaInput; null for fixed lists.")
    def criteria(self) -> Json | None:
        """With global ids."""
        return None if self.row["criteria"] is None else Json(with_global_ids(self.row["criteria"]))

    @strawberry.field(description="The criteria in a sentence; null for fixed lists.")
    async def criteria_in_words(self, info: Info) -> str | None:
        """The names of lists and campaigns are read for all lists of a page."""
        if self.row["criteria"] is None:
            return None
        return await say_criteria(info.context, read_criteria(self.row["criteria"]))

    @strawberry.field(
        description="How many members: exact for fixed lists, as of the last evaluation for dynamic ones.",
        directives=[Cost(objects=20)],
    )
    async def count(self, info: Info) -> Count | None:
        """One statement for all fixed lists of a page; null while a dynamic one has not been counted."""
        if self.row["kind"] == ListKind.FIXED:
            return Count(value=BigInt(await self._members(info)), precision=CountPrecision.EXACT)
        if self.row["member_count"] is None:
            return None
        return Count(value=self.row["member_count"], precision=self.row["count_precision"])

    async def _members(self, info: Info) -> int:
        return int((await existing_row(info.context.loaders.member_counts, self.row["id"]))["members"])

    @strawberry.field(
        description="How many campaigns are for it, or leave its members out; drafts and archived ones, too. "
        "`campaigns(filter: {listIds})` has them."
    )
    async def used_by(self, info: Info) -> int:
        """One statement for all lists of a page."""
        row = await info.context.loaders.list_uses.load(self.row["id"])
        return row["campaigns"] if row else 0

    @strawberry.field(
        description="Its members, the newest first: of fixed lists by when they joined, of dynamic ones the newest"
        " customers.",
        directives=[Cost(objects=20)],
    )
    async def members(
        self, info: Info, search: SearchArgument = None, first: First = 50, after: After = None
    ) -> CountedConnection[ListMembership] | None:
        """A statement for all fixed lists of a page, and one for all dynamic ones."""
        asked, pages = members_asked(search, first, after), info.context.loaders.list_pages
        check_cursor(self.row, asked.window)
        found = await pages.members(asked).load(self.row["id"])

        async def count() -> counts.Count:
            is_fixed = self.row["kind"] == ListKind.FIXED
            return await pages.count_members(self.row, asked.search, await self._members(info) if is_fixed else 0)

        page = asked.window.connect([ListMembership.of(one) for one in found], [one.member_cursor for one in found])
        wanted = {"list": self.row["id"], "search": asked.search}
        return CountedConnection.counted(page, count, linking(info.context, wanted))

    @strawberry.field(
        description="A customer that is mailed about a work order of these kinds joins; only fixed lists."
    )
    def grows_on(self) -> list[WorkOrderKind]:
        """As they are kept: in the order of the enum."""
        return [WorkOrderKind(kind) for kind in self.row["grows_on"]]


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


EVENTS = (
    "(select k.customer_id, k.message_id, k.recipient_no, k.kind, uuid_extract_timestamp(k.id) as occurred_at, k.actor,"
    " k.data, k.id, null::smallint as attempt, null::hit_verdict as verdict"
    " from event k where k.customer_id = m.customer_id and k.message_id = m.id) e order by e.id"
)


@strawberry.type(description="What happened to a message.")
class MessageEvent(FromRow):
    """Over an entry of a message's life (SQL alias e; `queries/history.sql`). `id` is that of an event, a report or a
    hit; an attempt has a number."""

    kind: EventKind = strawberry.field(description="What happened.", metadata=column("e.kind"))
    occurred_at: datetime = strawberry.field(description="When.", metadata=column("e.occurred_at"))
    actor: str = strawberry.field(
        name="by", description="Who: gateway, customer, or the name of a token or person.", metadata=column("e.actor")
    )
    data: Json | None = strawberry.field(name="detail", description="On what evidence; its shape depends on the kind.")
    verdict: HitVerdict | None = strawberry.field(
        description="Person or machine; of OPENED and CLICKED.", metadata=column("e.verdict")
    )

    @strawberry.field(description="The transaction; of ATTEMPTED.", metadata=first_of(ATTEMPT_OF_EVENT))
    async def attempt(self, info: Info) -> DeliveryAttempt | None:
        """One statement for all attempts of a page's messages."""
        if self.row["attempt"] is None:
            return None
        wanted = (self.row["recipient_no"], self.row["attempt"])
        attempts = await info.context.loaders.attempts.load((self.row["customer_id"], self.row["message_id"]))
        return next(DeliveryAttempt.of(row) for row in attempts if (row["recipient_no"], row["number"]) == wanted)

    @strawberry.field(
        description="The report; of BOUNCED, DELAYED, DELIVERED, RELAYED and EXPANDED.",
        metadata=first_of(REPORT_OF_EVENT),
    )
    async def report(self, info: Info) -> DeliveryReport | None:
        """One statement for all reports of a page."""
        if self.row["id"] is None:
            return None
        found = await info.context.loaders.reports.load((self.row["customer_id"], self.row["id"]))
        return DeliveryReport.of(found) if found else None

    @strawberry.field(description="The click; of CLICKED.", metadata=first_of(CLICK_OF_EVENT))
    async def click(self, info: Info) -> LinkClick | None:
        """One statement for all clicks of a page."""
        if self.row["kind"] != EventKind.CLICKED:
            return None
        key = (self.row["customer_id"], self.row["id"])
        return LinkClick.of(await existing_row(info.context.loaders.hits, key))

    @strawberry.field(description="The reply; of REPLIED.", metadata=first_of(REPLY_OF_EVENT))
    async def reply(self, info: Info) -> Message | None:
        """One statement for all replies of a page."""
        if self.row["kind"] != EventKind.REPLIED:
            return None
        key = (self.row["customer_id"], UUID(self.row["data"]["message"]))
        found = await info.context.loaders.messages.load(key)
        return Message.of(found) if found else None

    @strawberry.field(
        description="The copy it is about; null when it is about the To recipient.", metadata=first_of(COPY_OF_EVENT)
    )
    async def copy(self, info: Info) -> CopyRecipient | None:
        """By its number."""
        return await copy_of(info, self.row)


@strawberry.type(description="What the info icon tells: status, recipients, every answer, a preview of the template.")
class EmailInfo(OfMessage, Node):
    """The popover of lists 1 and 3."""

    @strawberry.field(
        description="The id, unique over all types: EmailInfo_ and what follows Message_ in the message's.",
        metadata=column(history_id_sql("EmailInfo")),
    )
    def id(self) -> strawberry.ID:
        """Global id."""
        return history_global_id("EmailInfo", *self.key)

    status: Status = strawberry.field(description="Where the mail is in its life.", metadata=column(STATUS))
    sender: str | None = strawberry.field(
        name="from", description="The From address; null once erased.", metadata=column("m.sender")
    )
    recipient: str | None = strawberry.field(
        name="to", description="The To address; null once erased.", metadata=column("m.recipient")
    )
    sent_at: datetime | None = strawberry.field(
        description="When the server took it; null while it has not.", metadata=column("m.sent_at")
    )
    decided_at: datetime | None = strawberry.field(
        description="When its outcome was known; null before.", metadata=column("m.decided_at")
    )
    tracked: bool = strawberry.field(
        description="Whether opens and clicks of it are recorded: no opens are known of mail that is not tracked.",
        metadata=column("m.tracked"),
    )
    next_attempt_at: datetime | None = strawberry.field(
        description="When it is due; null when it does not wait.", metadata=column("w.next_attempt_at")
    )
    waits_for: str | None = strawberry.field(
        description="What it waits for, in plain words.", metadata=column("w.waits_for")
    )

    @strawberry.field(description="The colour of the info icon.", metadata=column(ICON_COLOR))
    def color_hint(self) -> ColorHint:
        """By status."""
        return icon_color(self.row["status"])

    @strawberry.field(
        description="Why it is not there, or not yet.",
        metadata=column(unless_decided("m", "cause", LAST_ATTEMPT)),
    )
    def cause(self) -> Cause | None:
        """Of the outcome, else of the last attempt."""
        return cause_of(self)

    @strawberry.field(
        description="What to do about it, in plain words.",
        metadata=column(unless_decided("m", "advice", LAST_ATTEMPT)),
    )
    def advice(self) -> str | None:
        """Of the outcome, else of the last attempt."""
        return advice_of(self)

    @strawberry.field(
        description="The last answer to the To recipient; null when no server has answered.",
        metadata=first_of(LAST_ATTEMPT, when="a.code is not null"),
    )
    def response(self) -> ServerResponse | None:
        """The message's row holds the last attempt."""
        return response_of(self)

    @strawberry.field(
        description="The newest failure report of the To recipient, verified or not; null when none came.",
        metadata=first_of(
            newest_failure("d.customer_id = m.customer_id and d.message_id = m.id and d.recipient_no = 0")
        ),
    )
    async def report(self, info: Info) -> DeliveryReport | None:
        """One statement for all rows of a page."""
        return await failure_of(info, self.key, 0)

    @strawberry.field(
        description="CC and BCC recipients.",
        metadata=rows_of("copy r where r.customer_id = m.customer_id and r.message_id = m.id order by r.recipient_no"),
    )
    async def copies(self, info: Info) -> list[CopyRecipient]:
        """One statement for all rows of a page."""
        return [CopyRecipient.of(row) for row in await info.context.loaders.copies.load(self.key)]

    @strawberry.field(
        description="Every SMTP transaction: the To recipient's first, then the copies', each in order.",
        metadata=rows_of(
            "attempt a where a.customer_id = m.customer_id and a.message_id = m.id order by a.recipient_no, a.number"
        ),
    )
    async def attempts(self, info: Info) -> list[DeliveryAttempt]:
        """One statement for all rows of a page."""
        return [DeliveryAttempt.of(row) for row in await info.context.loaders.attempts.load(self.key)]

    @strawberry.field(
        description="What else happened, oldest first.",
        metadata=rows_of(EVENTS),
    )
    async def events(self, info: Info) -> list[MessageEvent]:
        """One statement for all rows of a page."""
        return [MessageEvent.of(row) for row in await info.context.loaders.events.load(self.key)]

    @strawberry.field(
        description="The template it was made from, with sample data; null for received mail.",
        metadata=same_row(when="v.id is not null"),
    )
    async def preview(self, info: Info) -> EmailPreview | None:
        """One statement for all versions of a page."""
        version = self.row["template_version_id"]
        return EmailPreview.of(await existing_row(info.context.loaders.previews, version)) if version else None


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
    reference: str | None = strawberry.field(
        description="The number of its work order or invoice; null when it has none.", metadata=column("m.reference")
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

    @strawberry.field(description="Whose it is.", metadata=first_of("customer y where y.id = m.customer_id"))
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

    @strawberry.field(
        description="The mailing of its campaign; null for individual mail.",
        metadata=first_of("mailing g where g.id = m.mailing_id", when="m.mailing_id is not null"),
    )
    async def mailing(self, info: Info) -> Mailing | None:
        """One statement for all mailings of a page."""
        mailing = self.row["mailing_id"]
        return Mailing.of(await existing_row(info.context.loaders.mailings, mailing)) if mailing else None

    @strawberry.field(
        description="The profile it was sent as, in its present version; null for received mail. `info.from` is what "
        "stood in the mail.",
        metadata=first_of(sender_of("m.sender_version_id"), when="m.sender_version_id is not null"),
    )
    async def sender(self, info: Info) -> Sender | None:
        """One statement for all senders of a page."""
        sender = self.row["sender_id"]
        return Sender.of(await existing_row(info.context.loaders.senders, sender)) if sender else None

    @strawberry.field(description="What the info icon tells.", metadata=same_row())
    def info(self) -> EmailInfo:
        """The same row."""
        return EmailInfo.of(self.row)

    needs_attention: bool = strawberry.field(
        description="Whether it waits for a person: uncertain, held and releasable, or failed and not dealt with.",
        metadata=column(NEEDS_ATTENTION),
    )

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

    @strawberry.field(
        description="The mail as it went out or came in; null once erased or past its retention, and to callers who "
        "may not see it.",
        directives=[Cost(objects=20)],
    )
    async def content(self, info: Info) -> MessageContent | None:
        """One statement for all rows of a page."""
        found = await info.context.loaders.contents.load(self.key) if info.context.sees_content else None
        return MessageContent.of(found) if found else None

    @strawberry.field(
        description="What came with it; null for sent mail, and once erased.", metadata=first_of(RECEIVED)
    )
    async def received(self, info: Info) -> ReceivedMail | None:
        """One statement for all rows of a page."""
        if self.row["direction"] != Direction.RECEIVED:
            return None
        found = await info.context.loaders.received.load(self.key)
        return ReceivedMail.of(found) if found else None

    @strawberry.field(
        description="The message that it answers; null when it answers none.", metadata=first_of(ANSWERED)
    )
    async def in_reply_to(self, info: Info) -> Message | None:
        """One statement for all rows of a page."""
        if self.row["answers_message_id"] is None:
            return None
        found = await info.context.loaders.messages.load((self.row["customer_id"], self.row["answers_message_id"]))
        return Message.of(found) if found else None

    @strawberry.field(
        description="Its life, oldest first: queued, every attempt, opens, clicks, reports, replies, decisions.",
        metadata=LIFE,
    )
    async def events(
        self,
        info: Info,
        include_machine: Annotated[
            bool, strawberry.argument(description="Also opens and clicks that machines made.")
        ] = False,
        first: First = 50,
        after: After = None,
    ) -> Connection[MessageEvent] | None:
        """One statement for all rows of a page."""
        window = life_window(include_machine, first, after)
        rows = await info.context.loaders.life(window).load(self.key)
        return window.window.connect([MessageEvent.of(row) for row in rows], [row["cursor"] for row in rows])
