"""A mailing before it is sent: looked at, and mailed to addresses of the caller's."""

from __future__ import annotations

import asyncio
from typing import Annotated

import strawberry

from gateway.campaigns import audience_preview, mailing_preview, sending_tests
from gateway.campaigns.counts import Count as GatewayCount
from gateway.errors import Refusal, RefusalCollector
from gateway.mail.verdict import Outcome
from service.graph.context import Context, Info
from service.graph.cost import Cost
from service.graph.counting import Count
from service.graph.intent import Input
from service.graph.message_parts import ServerResponse
from service.graph.node import asked_id
from service.graph.results import LeftOutCount
from service.graph.row import FromValue
from service.graph.sending import read_customer_id, read_number_id
from service.graph.template import MailWarning
from service.graph.user_error import UserError

ANSWER_SECONDS = 25.0
"""How long a call waits for the servers: with the rest of it, the answer comes within 30 seconds."""
_LOOK_SECONDS = 0.25
"""Between two looks at what became of the mails: people wait, and a look is one statement by key."""

MailingArgument = Annotated[strawberry.ID, strawberry.argument(description="A Mailing's id.")]
CustomerArgument = Annotated[
    strawberry.ID | None, strawberry.argument(description="For this Customer, or else with the sample data.")
]


@strawberry.type(description="Whom a mailing would reach now.")
class AudiencePreview(FromValue[audience_preview.AudiencePreview]):
    """As the gateway counts it."""

    @strawberry.field(description="How many would be mailed: addresses, each once.")
    def recipients(self) -> Count:
        """At least so many, where only a part of the audience was judged."""
        return Count.of(GatewayCount(value=self.value.recipients, precision=self.value.precision))

    @strawberry.field(description="How many would be left out, by reason; at least, where `recipients` says so.")
    def left_out(self) -> list[LeftOutCount]:
        """Of that part, too."""
        return [LeftOutCount(reason=reason, recipients=count) for reason, count in self.value.left_out.items()]


@strawberry.type(description="A mailing as it would be.")
class MailingPreview(FromValue[mailing_preview.MailingPreview]):
    """As the gateway makes it."""

    subject: str = strawberry.field(description="The subject line.")
    html: str = strawberry.field(description="The HTML part; show it in a sandboxed frame only.")
    text: str = strawberry.field(description="The text part.")
    size: int = strawberry.field(description="The whole mail's size in bytes.")

    @strawberry.field(description="What would stop a launch, or look wrong.")
    def warnings(self) -> list[MailWarning]:
        """The gateway's."""
        return MailWarning.of_all(self.value.warnings)

    @strawberry.field(
        description="Whom it would reach now; null when the counting took too long.", directives=[Cost(objects=1000)]
    )
    async def audience(self, info: Info) -> AudiencePreview | None:
        """Judged anew; null, too, when the mailing was deleted meanwhile."""
        try:
            async with info.context.pools.reading_connection() as connection:
                found = await audience_preview.audience_preview(connection, self.value.mailing_id)
        except Refusal:
            return None
        return None if found is None else AudiencePreview.of(found)


async def preview_mailing(info: Info, text: str, customer: str | None) -> MailingPreview | None:
    """None when there is no such mailing or customer. Raises BadInput."""
    context, found = info.context, asked_id(text, "Mailing", "id")
    chosen = None if customer is None else asked_id(customer, "Customer", "customerId")
    if found.number is None:
        return None
    async with context.pools.reading_connection() as connection:
        shown = await mailing_preview.preview(
            connection, found.number, chosen.customer_id if chosen else None, context.deployment
        )
    return MailingPreview.of(shown) if shown else None


@strawberry.input(description="A test mail.")
class SendTestEmailInput:
    """To addresses of the caller's."""

    mailing_id: strawberry.ID = strawberry.field(description="A Mailing's id.")
    addresses: list[str] = strawberry.field(
        description=f"Where it goes: one to {sending_tests.MAX_ADDRESSES}, each once; none that is suppressed."
    )
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="With this Customer's data; the sample's when omitted."
    )
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters of the caller's. The same key and content again returns the first result."
    )


@strawberry.type(description="One test mail.")
class TestEmailResult:
    """Over its newest attempt, where there is one."""

    __test__ = False  # pytest takes what is named Test for a test

    address: str = strawberry.field(description="Where it went.")
    verdict: Outcome = strawberry.field(
        description="What became of it; DEFERRED, with no response, while no server has answered."
    )
    response: ServerResponse | None = strawberry.field(
        description="What the server said; null when it said nothing, or has not answered yet."
    )


@strawberry.type(description="What came of a test mail.")
class SendTestEmailPayload:
    """Either the results or the errors."""

    results: list[TestEmailResult] | None = strawberry.field(
        default=None,
        description="What the server answered, one an address, within 30 seconds; null when refused. Ask again with "
        "the same key for what was not answered by then.",
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


async def send_test_email(info: Info, input: Input[SendTestEmailInput]) -> SendTestEmailPayload:
    """Internal mail: in no history and no count."""
    return await answered(info.context, _order(info.context, input))


async def answered(
    context: Context, order: sending_tests.TestOrder, *, misread: tuple[Refusal, ...] = ()
) -> SendTestEmailPayload:
    """Sends it, and waits for what the servers say. Raises Refusal, Refusals."""
    async with context.pools.writing_connection() as connection:
        first = await sending_tests.send(connection, order, context.deployment, misread=misread)
    await context.wakeup.notify()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                async with context.pools.writing_connection() as connection:
                    mails = await sending_tests.read(connection, first)
                if all(mail.answered for mail in mails):
                    break
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        async with context.pools.writing_connection() as connection:
            mails = await sending_tests.read(connection, first)
    return SendTestEmailPayload(results=await _results(context, mails))


def _order(context: Context, given: SendTestEmailInput) -> sending_tests.TestOrder:
    found, mailing_id, customer_id = RefusalCollector(), 0, None
    with found.check():
        mailing_id = read_number_id(given.mailing_id, "Mailing", ("mailingId",))
    with found.check():
        if given.customer_id is not None:
            customer_id = read_customer_id(given.customer_id, ("customerId",))
    found.raise_any()
    return sending_tests.TestOrder(
        mailing_id=mailing_id,
        addresses=tuple(given.addresses),
        idempotency_key=given.idempotency_key,
        actor=context.actor,
        customer_id=customer_id,
        bound_relay=context.bound_relay,
    )


async def _results(context: Context, mails: list[sending_tests.TestMail]) -> list[TestEmailResult]:
    keys = [(mail.ref.customer_id, mail.ref.message_id) for mail in mails]
    attempts = await context.reading_back().loaders.attempts.load_many(keys)
    return [
        TestEmailResult(
            address=mail.address,
            verdict=Outcome(rows[-1]["verdict"]) if rows else Outcome.DEFERRED,
            response=ServerResponse.of(rows[-1]) if rows and rows[-1]["code"] is not None else None,
        )
        for mail, rows in zip(mails, attempts, strict=True)
    ]
