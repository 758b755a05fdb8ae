"""The schema, put together. `python -m service.graph.schema` prints it: `make schema` writes schema.graphql."""

from __future__ import annotations

from typing import Annotated, TypeVar
from uuid import UUID

import strawberry
from asyncpg import Record
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.types import ExecutionContext

from service.errors import BadInput
from service.finding.query import MessageOrder
from service.graph import (
    address_check,
    bulk_actions,
    campaign_list,
    imports,
    mailing_preview,
    message_filter,
    sender_check,
    suppression,
    template,
    template_draft,
    unmatched,
)
from service.graph.bad_addresses import BadAddress, CausesArgument, list_bad_addresses
from service.graph.bulk_actions import MessageActionPreview
from service.graph.campaign import Campaign, Mailing
from service.graph.connection import After, Connection, First
from service.graph.context import Context, Info
from service.graph.cost import Cost
from service.graph.counting import CountableConnection, CountedConnection
from service.graph.customer import (
    ConnectionNote,
    Customer,
    CustomerEmails,
    CustomerList,
    EmailInfo,
    LinkClick,
    Message,
    SentEmail,
    Suppression,
)
from service.graph.customer_search import CustomerOrder, FilterArgument, OrderArgument, find_customer, list_customers
from service.graph.gateway_state import Gateway
from service.graph.imports import CustomerImport
from service.graph.lists import CriteriaArgument, ListPreview, NameArgument, list_lists, preview_list
from service.graph.mailing_preview import MailingPreview
from service.graph.message_filter import SearchArgument as SearchMailArgument
from service.graph.message_parts import DeliveryReport
from service.graph.messages import FilterArgument as MessageFilterArgument
from service.graph.messages import MessageConnection, list_messages
from service.graph.messages import OrderArgument as MessageOrderArgument
from service.graph.mutation import Mutation
from service.graph.node import GlobalId, Node, asked_id, read_id
from service.graph.recipient_lists import find_recipient
from service.graph.recipients import CampaignRecipient
from service.graph.row import FromRow, read_field
from service.graph.scalars import SCALARS
from service.graph.search_patterns import SearchArgument
from service.graph.sender import Sender
from service.graph.sender_check import SenderCheck
from service.graph.statistics import FilterArgument as StatisticsFilterArgument
from service.graph.statistics import (
    GroupByArgument,
    SinceArgument,
    StatisticsGroup,
    StatisticsRow,
    TimeZoneArgument,
    UntilArgument,
    read_statistics,
)
from service.graph.subscription import Subscription
from service.graph.template import NameSearchArgument, Template, TemplateVersion
from service.graph.template_draft import TemplatePreview
from service.graph.unmatched import UnmatchedMail
from service.graph.worklist import WORKLIST_ID, Worklist
from service.shape.executor import ShapingExecutor

IdArgument = Annotated[strawberry.ID, strawberry.argument(description="The global id.")]


@strawberry.type(description="What can be asked.")
class Query:
    """The entry points."""

    @strawberry.field(description="One customer, by `id` or by `externalRef`; null when there is none.")
    async def customer(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="Its global id.")] = None,
        external_ref: Annotated[str | None, strawberry.argument(description="Its id in the CRM.")] = None,
    ) -> Customer | None:
        """Raises BadInput unless exactly one is given."""
        return await find_customer(info.context, id, external_ref)

    @strawberry.field(description="Customers, by their latest mail, or those that a search finds.")
    async def customers(
        self,
        info: Info,
        search: SearchArgument = None,
        filter: FilterArgument = None,
        order_by: OrderArgument = CustomerOrder.LATEST_MAIL,
        first: First = 50,
        after: After = None,
    ) -> CountedConnection[Customer]:
        """Raises BadInput."""
        return await list_customers(info, search, filter, order_by, first, after)

    @strawberry.field(
        description="Mail of all customers. Campaign mail that waits for its first answer is found by its status, its "
        "id or its customer alone.",
        directives=[Cost(objects=20)],
    )
    async def messages(
        self,
        info: Info,
        filter: MessageFilterArgument = None,
        search: SearchMailArgument = None,
        order_by: MessageOrderArgument = MessageOrder.NEWEST,
        first: First = 50,
        after: After = None,
    ) -> MessageConnection | None:
        """Raises BadInput."""
        return await list_messages(info, filter, search, order_by, first, after)

    @strawberry.field(description="Suppressed addresses, newest first.")
    async def suppressions(
        self,
        info: Info,
        search: suppression.SearchArgument = None,
        reason: suppression.ReasonArgument = None,
        lifted: suppression.LiftedArgument = False,
        first: First = 50,
        after: After = None,
    ) -> CountedConnection[Suppression] | None:
        """Raises BadInput."""
        return await suppression.list_suppressions(info, search, reason, lifted, first, after)

    @strawberry.field(description="Addresses that take no mail, the newest failure first.")
    async def bad_addresses(
        self,
        info: Info,
        search: Annotated[str | None, strawberry.argument(description="As in `customers`.")] = None,
        causes: CausesArgument = None,
        first: First = 50,
        after: After = None,
    ) -> CountedConnection[BadAddress] | None:
        """Raises BadInput."""
        return await list_bad_addresses(info, search, causes, first, after)

    @strawberry.field(description="Received mail that could not be given to a customer or message, newest first.")
    async def unmatched_mail(
        self, info: Info, reason: unmatched.ReasonArgument = None, first: First = 50, after: After = None
    ) -> CountedConnection[UnmatchedMail] | None:
        """Raises BadInput."""
        return await unmatched.list_unmatched(info, reason, first, after)

    @strawberry.field(description="Imports, newest first.")
    async def imports(self, info: Info, first: First = 50, after: After = None) -> Connection[CustomerImport] | None:
        """Raises BadInput."""
        return await imports.list_imports(info, first, after)

    @strawberry.field(description="Lists by name.")
    async def lists(
        self, info: Info, search: NameArgument = None, first: First = 50, after: After = None
    ) -> Connection[CustomerList] | None:
        """Raises BadInput."""
        return await list_lists(info, search, first, after)

    @strawberry.field(
        description="How many customers such criteria find, and some of them, before a list is made of them.",
        directives=[Cost(objects=1000)],
    )
    async def preview_list(self, info: Info, criteria: CriteriaArgument) -> ListPreview | None:
        """Raises BadInput, TooSlow."""
        return await preview_list(info, criteria)

    @strawberry.field(description="One message; null when there is none.")
    async def message(self, info: Info, id: IdArgument) -> Message | None:
        """Raises BadInput for what is no message's id."""
        found = await _node(info.context, asked_id(id, "Message", "id"))
        return found if isinstance(found, Message) else None

    @strawberry.field(description="One campaign; null when there is none.")
    async def campaign(self, info: Info, id: IdArgument) -> Campaign | None:
        """Raises BadInput for what is no campaign's id."""
        found = await _node(info.context, asked_id(id, "Campaign", "id"))
        return found if isinstance(found, Campaign) else None

    @strawberry.field(description="Campaigns, newest first.")
    async def campaigns(
        self,
        info: Info,
        filter: campaign_list.FilterArgument = None,
        search: campaign_list.SearchArgument = None,
        first: First = 50,
        after: After = None,
    ) -> CountableConnection[Campaign]:
        """Raises BadInput."""
        return await campaign_list.list_campaigns(info, filter, search, first, after)

    @strawberry.field(description="One template; null when there is none.")
    async def template(self, info: Info, id: IdArgument) -> Template | None:
        """Raises BadInput for what is no template's id."""
        found = await _node(info.context, asked_id(id, "Template", "id"))
        return found if isinstance(found, Template) else None

    @strawberry.field(description="Campaign templates by name; those that come with the product are left out.")
    async def templates(
        self, info: Info, search: NameSearchArgument = None, first: First = 50, after: After = None
    ) -> Connection[Template] | None:
        """Raises BadInput."""
        return await template.list_templates(info, search, first, after)

    @strawberry.field(description="Senders by name.")
    async def senders(self, info: Info, first: First = 50, after: After = None) -> Connection[Sender] | None:
        """Raises BadInput."""
        return await sender_check.list_senders(info, first, after)

    @strawberry.field(
        description="What a mailing looks like; null when there is no such mailing or customer.",
        directives=[Cost(objects=50)],
    )
    async def preview_mailing(
        self, info: Info, id: mailing_preview.MailingArgument, customer_id: mailing_preview.CustomerArgument = None
    ) -> MailingPreview | None:
        """With the values of the campaign."""
        return await mailing_preview.preview_mailing(info, id, customer_id)

    @strawberry.field(
        description="What a template would look like, before it is published; null when there is no such customer. "
        "Writes nothing.",
        directives=[Cost(objects=50)],
    )
    async def preview_template(
        self,
        info: Info,
        source: template_draft.SourceArgument,
        customer_id: template_draft.CustomerArgument = None,
    ) -> TemplatePreview | None:
        """Raises BadInput."""
        return await template_draft.preview_template(info, source, customer_id)

    @strawberry.field(
        description="What DNS says of a sender's domain; null when there is no such sender.",
        directives=[Cost(objects=500)],
    )
    async def check_sender(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A Sender's id.")]
    ) -> SenderCheck | None:
        """Asks DNS."""
        return await sender_check.check_sender(info, id)

    @strawberry.field(
        description="What speaks against an address that a person types: it looks mistyped, or nobody takes mail for "
        "its domain. Asks DNS.",
        directives=[Cost(objects=500)],
    )
    async def check_address(self, info: Info, address: address_check.AddressArgument) -> address_check.AddressCheck:
        """Raises BadInput for what is no address."""
        return await address_check.check_address(info, address)

    @strawberry.field(
        description="What a bulk action would do, and the token that lets it. Writes nothing.",
        directives=[Cost(objects=1000)],
    )
    async def preview_message_action(
        self,
        info: Info,
        action: bulk_actions.ActionArgument,
        filter: bulk_actions.FilterArgument,
        search: message_filter.SearchArgument = None,
    ) -> MessageActionPreview | None:
        """Raises BadInput, TooSlow."""
        return await bulk_actions.preview_message_action(info, action, filter, search)

    @strawberry.field(description="Anything with a global id; null when there is none.")
    async def node(self, info: Info, id: IdArgument) -> Node | None:
        """Raises BadInput for what is no global id."""
        if id == WORKLIST_ID:
            return Worklist()
        found = read_id(id)
        if found is None:
            raise BadInput("id", "is no id of ours; pass an `id` as an answer gave it")
        return await _node(info.context, found)

    @strawberry.field(
        description="Figures of mail over time, kept as it happens, a second or two behind. Each mail counts in the "
        "hour and day in which it was put on its way, or received, whenever something became of it. Groups without "
        "mail are left out.",
        directives=[Cost(objects=200)],
    )
    async def statistics(
        self,
        info: Info,
        since: SinceArgument,
        until: UntilArgument,
        group_by: GroupByArgument = [StatisticsGroup.DAY],  # noqa: B006 - read only
        filter: StatisticsFilterArgument = None,
        time_zone: TimeZoneArgument = "UTC",
    ) -> list[StatisticsRow] | None:
        """Raises BadInput."""
        return await read_statistics(info, since, until, group_by, filter, time_zone)

    @strawberry.field(description="What waits for a person: lists of their own, each with its count.")
    def needs_attention(self) -> Worklist:
        """Reads nothing yet."""
        return Worklist()

    @strawberry.field(description="The mail gateway as it is now: lanes, relays, destinations.")
    def gateway(self) -> Gateway:
        """Reads nothing yet."""
        return Gateway()


async def _node(context: Context, found: GlobalId) -> Node | None:
    loaders = context.loaders
    match found:
        case GlobalId(type="Customer", customer_id=int(customer)):
            return _of(Customer, await loaders.customers.load(customer))
        case GlobalId(type="Message", customer_id=int(customer), row_id=UUID() as row):
            return _of(Message, await loaders.messages.load((customer, row)))
        case GlobalId(type="CustomerEmails", customer_id=int(customer)):
            return CustomerEmails(customer_id=customer) if await loaders.customers.load(customer) else None
        case GlobalId(type="EmailInfo", customer_id=int(customer), row_id=UUID() as row):
            return _of(EmailInfo, await loaders.messages.load((customer, row)))
        case GlobalId(type="ConnectionNote", customer_id=int(customer), row_id=UUID() as row):
            return _of(ConnectionNote, await loaders.messages.load((customer, row)))
        case GlobalId(type="SentEmail", customer_id=int(customer), row_id=UUID() as row):
            message = await loaders.messages.load((customer, row))
            return _of(SentEmail, message if message and message["campaign_id"] else None)
        case GlobalId(type="LinkClick", customer_id=int(customer), row_id=UUID() as row):
            return _of(LinkClick, await loaders.hits.load((customer, row)))
        case GlobalId(type="DeliveryReport", customer_id=int(customer), row_id=UUID() as row):
            return _of(DeliveryReport, await loaders.reports.load((customer, row)))
        case GlobalId(type="Campaign", row_id=UUID() as row):
            return _of(Campaign, await loaders.campaigns.load(row))
        case GlobalId(type="CampaignRecipient", number=int(number), customer_id=int(customer), occurrence=occurrence):
            return _of(CampaignRecipient, await find_recipient(context, number, customer, occurrence))
        case GlobalId(type="Mailing", number=int(number)):
            return _of(Mailing, await loaders.mailings.load(number))
        case GlobalId(type="CustomerList", number=int(number)):
            return _of(CustomerList, await loaders.lists.load(number))
        case GlobalId(type="Template", row_id=UUID() as row):
            return _of(Template, await loaders.templates.load(row))
        case GlobalId(type="TemplateVersion", row_id=UUID() as row):
            return _of(TemplateVersion, await loaders.template_versions.load(row))
        case GlobalId(type="Suppression", row_id=UUID() as row):
            return _of(Suppression, await loaders.suppressions.load(row))
        case GlobalId(type="BadAddress", row_id=UUID() as row):
            return _of(BadAddress, await loaders.bad_addresses.load(row))
        case GlobalId(type="UnmatchedMail", row_id=UUID() as row):
            return _of(UnmatchedMail, await loaders.unmatched.load(row))
        case GlobalId(type="CustomerImport", row_id=UUID() as row):
            return _of(CustomerImport, await loaders.imports.load(row))
        case GlobalId(type="Sender", row_id=UUID() as row):
            return _of(Sender, await loaders.senders.load(row))
    return None


Made = TypeVar("Made", bound=FromRow)


def _of(kind: type[Made], row: Record | None) -> Made | None:
    return kind.of(row) if row else None


class CachedNames(NameConverter):
    """Strawberry converts the name of every argument at every call; this converts each name once."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, str] = {}

    def apply_naming_config(self, name: str) -> str:
        """The name in camel case. There are as many as the schema has."""
        if name not in self._known:
            self._known[name] = super().apply_naming_config(name)
        return self._known[name]


class QuietSchema(strawberry.Schema):
    """Errors go to the transport, which masks and logs them: their messages may quote a mail or an address."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing here."""


schema = QuietSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Sender],
    config=StrawberryConfig(
        name_converter=CachedNames(), default_resolver=read_field, scalar_map=SCALARS, relay_max_results=100
    ),
    execution_context_class=ShapingExecutor,
)


if __name__ == "__main__":
    print(schema.as_str())
