"""Received mail that is nobody's yet, and what a person decides about received mail."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry

from gateway.errors import Refusal, RefusalCode
from gateway.inbound import decisions
from gateway.mail.inbound import InboundKind, UnmatchedReason
from service.graph.connection import After, First, read_window
from service.graph.context import Info
from service.graph.counting import CountedConnection
from service.graph.customer import Customer, Message
from service.graph.exporting import linking
from service.graph.intent import Input
from service.graph.loaders import existing_rows
from service.graph.node import Node, read_message_id, read_typed_id, row_global_id
from service.graph.row import FromRow
from service.graph.sending import MessagePayload, read_customer_id, read_row_id, written_message
from service.graph.time_range import TimeRangeInput
from service.graph.unmatched_list import count, read_page
from service.graph.user_error import UserError

MAX_DISMISSED = 100
"""Mails of one call: a page of the list."""

ReasonArgument = Annotated[UnmatchedReason | None, strawberry.argument(description="Only for this reason.")]


@strawberry.type(description="A received mail that belongs to nobody yet.")
class UnmatchedMail(FromRow, Node):
    """Over a row of inbound_mail."""

    @strawberry.field(description="The id, unique over all types.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return row_global_id("UnmatchedMail", self.row["id"])

    received_at: datetime = strawberry.field(description="When it came.")
    kind: InboundKind = strawberry.field(description="What it seems to be.")
    reason: UnmatchedReason = strawberry.field(description="Why it matches nobody.")
    from_address: str | None = strawberry.field(
        name="from", description="Its envelope sender, or From; null for bounces."
    )
    envelope_to: str | None = strawberry.field(
        name="to", description="The address of ours it came to; null when its way here does not tell."
    )
    subject: str | None = strawberry.field(description="Its subject.")
    excerpt: str = strawberry.field(description="The beginning of its text: 500 characters.")
    size: int = strawberry.field(description="Its size in bytes.")

    @strawberry.field(
        description="Where it may belong, by its sender's address or by the one that a report names: at most five."
    )
    async def candidates(self, info: Info) -> list[Customer]:
        """Three statements for all mail of a page."""
        found = await info.context.loaders.candidates.load(self.row["id"])
        return [Customer.of(row) for row in await existing_rows(info.context.loaders.customers, found)]


async def list_unmatched(
    info: Info, reason: UnmatchedReason | None, first: First, after: After
) -> CountedConnection[UnmatchedMail]:
    """Newest first. Raises BadInput."""
    context, window = info.context, read_window(first, after)
    rows = await read_page(context.reading.fetch, reason, window.before, window.rows)
    page = window.connect([UnmatchedMail.of(row) for row in rows], [row["id"].hex for row in rows])
    counting = partial(count, context.reading.fetch, reason)
    return CountedConnection.counted(page, counting, linking(context, {"unmatched": reason}))


@strawberry.input(description="A report to believe.")
class BelieveReportInput:
    """By its global id."""

    report_id: strawberry.ID = strawberry.field(description="A DeliveryReport's id.")


@strawberry.input(description="Whose a mail is.")
class AssignMailInput:
    """All by their global ids."""

    mail_id: strawberry.ID = strawberry.field(description="An UnmatchedMail's id.")
    customer_id: strawberry.ID = strawberry.field(description="A Customer's id.")
    message_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The Message of the customer's that it answers or reports on; none when omitted. A report or "
        "complaint needs one.",
    )


@strawberry.input(description="Mail that needs nothing.")
class DismissMailInput:
    """By their global ids."""

    mail_ids: list[strawberry.ID] = strawberry.field(description=f"UnmatchedMail ids, at most {MAX_DISMISSED}.")
    dismissed: bool = strawberry.field(default=True, description="False puts them back on the list.")


@strawberry.input(description="Which received mail to read again.")
class RereadInboundInput:
    """All that matches nobody when nothing is given."""

    received_at: TimeRangeInput | None = strawberry.field(default=None, description="Only received in this span.")
    unmatched_only: bool = strawberry.field(default=True, description="Only what matches nobody.")


@strawberry.type(description="What came of assigning a mail.")
class AssignMailPayload:
    """Either the message or the errors."""

    message: Message | None = strawberry.field(
        default=None, description="The message it became, or that it reports on; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.type(description="What came of dismissing mail.")
class DismissMailPayload:
    """A count, or the errors."""

    dismissed: int = strawberry.field(
        default=0, description="How many were taken off, or put back; those that were so already count."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.type(description="What came of `rereadInbound`.")
class RereadInboundPayload:
    """Counts, or the errors."""

    read: int = strawberry.field(default=0, description="How many were read again.")
    changed: int = strawberry.field(default=0, description="How many are read otherwise than before.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why nothing was done: TOO_MANY above 10,000 mails."
    )


async def believe_report(info: Info, input: Input[BelieveReportInput]) -> MessagePayload:
    """On record, with who and when."""
    context, found = info.context, read_typed_id(input.report_id, "DeliveryReport")
    if found is None or found.customer_id is None or found.row_id is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such report.", ("reportId",))
    async with context.pools.writing_connection() as connection:
        ref = await decisions.believe_report(
            connection,
            customer_id=found.customer_id,
            report_id=found.row_id,
            actor=context.actor,
            deployment=context.deployment,
        )
    return MessagePayload(message=await written_message(context, ref))


async def assign_mail(info: Info, input: Input[AssignMailInput]) -> AssignMailPayload:
    """On record, with who and when."""
    context = info.context
    mail = read_row_id(input.mail_id, "UnmatchedMail", ("mailId",))
    customer = read_customer_id(input.customer_id, ("customerId",))
    answered = _message_of(customer, input.message_id)
    async with context.pools.writing_connection() as connection:
        ref = await decisions.assign(
            connection,
            inbound_id=mail,
            customer_id=customer,
            message_id=answered,
            actor=context.actor,
            deployment=context.deployment,
        )
    return AssignMailPayload(message=await written_message(context, ref))


async def dismiss_mail(info: Info, input: Input[DismissMailInput]) -> DismissMailPayload:
    """On record, with who and when."""
    if len(input.mail_ids) > MAX_DISMISSED:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_DISMISSED} in one call.", ("mailIds",))
    mails = [read_row_id(text, "UnmatchedMail", ("mailIds", str(number))) for number, text in enumerate(input.mail_ids)]
    async with info.context.pools.writing_connection() as connection:
        if input.dismissed:
            dismissed = await decisions.dismiss(connection, inbound_ids=mails, actor=info.context.actor)
        else:
            dismissed = await decisions.put_back(connection, inbound_ids=mails)
    return DismissMailPayload(dismissed=dismissed)


async def reread_inbound(info: Info, input: Input[RereadInboundInput]) -> RereadInboundPayload:
    """What is there is never doubled."""
    span = input.received_at or TimeRangeInput()
    async with info.context.pools.writing_connection() as connection:
        done = await decisions.reread(
            connection,
            since=span.since,
            until=span.until,
            unmatched_only=input.unmatched_only,
            deployment=info.context.deployment,
        )
    return RereadInboundPayload(read=done.read, changed=done.changed)


def _message_of(customer_id: int, text: str | None) -> UUID | None:
    """Raises Refusal NOT_FOUND, also for another customer's."""
    if text is None:
        return None
    ref = read_message_id(text)
    if ref is None or ref.customer_id != customer_id:
        raise Refusal(RefusalCode.NOT_FOUND, "This customer has no such message.", ("messageId",))
    return ref.message_id
