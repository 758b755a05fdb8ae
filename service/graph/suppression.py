"""Suppressed addresses: listed, set and lifted by a person; and a wrong address corrected."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.consent import suppressions
from gateway.consent.suppressions import LONGEST_WHY
from gateway.errors import Refusal, RefusalCode
from gateway.mail.address import parse_address, with_a_labels
from gateway.mail.card_number import refuse_card_number
from gateway.mail.choice import SuppressionReason, SuppressionScope
from service.database import QUERIES, Connection
from service.graph import suppression_list
from service.graph.connection import After, First, read_window
from service.graph.context import Context, Info
from service.graph.counting import CountedConnection
from service.graph.customer import Customer, Suppression
from service.graph.exporting import linking
from service.graph.intent import Input
from service.graph.loaders import existing_row, existing_rows
from service.graph.node import read_typed_id
from service.graph.suppression_list import SuppressionQuery
from service.graph.user_error import UserError, user_errors

SearchArgument = Annotated[
    str | None,
    strawberry.argument(
        description="A whole address, or part of one that is still known, from three characters on; erased ones are "
        "found by the whole address alone."
    ),
]
ReasonArgument = Annotated[SuppressionReason | None, strawberry.argument(description="Only for this reason.")]
LiftedArgument = Annotated[
    bool, strawberry.argument(description="Those that were lifted, instead of those that stand.")
]


async def list_suppressions(
    info: Info, search: str | None, reason: SuppressionReason | None, lifted: bool, first: First, after: After
) -> CountedConnection[Suppression]:
    """Newest first. Raises BadInput."""
    context, window = info.context, read_window(first, after)
    query = SuppressionQuery(search=search, reason=reason, lifted=lifted)
    fetch, deployment = context.reading.fetch, context.deployment
    ids = await suppression_list.read_page(fetch, deployment, query, window.before, window.rows)
    shown = await existing_rows(context.loaders.suppressions, ids[: window.first])
    page = window.connect([Suppression.of(row) for row in shown], [one.hex for one in ids])
    counting = partial(suppression_list.count, fetch, deployment, query)
    return CountedConnection.counted(page, counting, linking(context, {"suppressions": query.to_json()}))


@strawberry.input(description="An address to suppress.")
class SuppressAddressInput:
    """A repeat is harmless."""

    address: str = strawberry.field(description="The address.")
    scope: SuppressionScope = strawberry.field(default=SuppressionScope.ALL_MAIL, description="What to stop.")
    why: str = strawberry.field(description=f"Why: 1 to {LONGEST_WHY} characters, kept.")


@strawberry.input(description="A suppression to lift.")
class LiftSuppressionInput:
    """By its address."""

    address: str = strawberry.field(description="The address.")
    why: str = strawberry.field(description=f"Why: 1 to {LONGEST_WHY} characters, kept.")
    release_held: bool = strawberry.field(
        default=False,
        description=f"Whether the messages held for it go out, too: up to {suppressions.MAX_RELEASED} of them, the "
        "oldest first; another call goes on with the rest.",
    )


@strawberry.input(description="A lifting to take back.")
class SuppressAgainInput:
    """By the suppression that was lifted."""

    suppression_id: strawberry.ID = strawberry.field(description="The id of the Suppression that was lifted.")


@strawberry.input(description="An address to correct.")
class CorrectAddressInput:
    """Of one customer."""

    customer_id: strawberry.ID = strawberry.field(description="A Customer's id.")
    address: str = strawberry.field(description="The address as it stands.")
    correct_address: str = strawberry.field(description="The right one.")
    retry: bool = strawberry.field(
        default=True,
        description="Whether the mail that waits for it goes to the right one: what is held because of the address, "
        f"and what was refused or came back because of it within {suppressions.RECENTLY.days} days.",
    )


@strawberry.type(description="What came of suppressing an address.")
class SuppressionPayload:
    """Either the suppression or the errors."""

    suppression: Suppression | None = strawberry.field(
        default=None, description="The suppression as it is now; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.type(description="What came of lifting a suppression.")
class LiftSuppressionPayload:
    """Either the suppression or the errors."""

    suppression: Suppression | None = strawberry.field(
        default=None, description="The suppression, lifted; null when refused."
    )
    released: int = strawberry.field(default=0, description="How many held messages were queued again.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.type(description="What came of correcting an address.")
class CorrectAddressPayload:
    """Either the customer or the errors."""

    customer: Customer | None = strawberry.field(
        default=None, description="The customer as it is now; null when refused."
    )
    retried: int = strawberry.field(default=0, description="How many messages were queued again.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


async def suppress_address(info: Info, input: Input[SuppressAddressInput]) -> SuppressionPayload:
    """On record, with who, when and why."""
    context, refusals = info.context, list[Refusal]()
    address = _check_address(input.address, "address", refusals)
    _check_why(input.why, refusals)
    if refusals:
        return SuppressionPayload(user_errors=user_errors(refusals))
    async with context.pools.writing_connection() as connection:
        made = await suppressions.suppress_by_person(
            connection,
            address=address,
            scope=input.scope,
            why=input.why.strip(),
            actor=context.actor,
            deployment=context.deployment,
        )
    row = await existing_row(context.reading_back().loaders.suppressions, made)
    return SuppressionPayload(suppression=Suppression.of(row))


async def lift_suppression(info: Info, input: Input[LiftSuppressionInput]) -> LiftSuppressionPayload:
    """On record, with who, when and why."""
    context, refusals = info.context, list[Refusal]()
    address = _check_address(input.address, "address", refusals)
    _check_why(input.why, refusals)
    if refusals:
        return LiftSuppressionPayload(user_errors=user_errors(refusals))
    async with context.pools.writing_connection() as connection:
        lifted = await suppressions.lift(
            connection,
            address=address,
            why=input.why.strip(),
            release_held=input.release_held,
            actor=context.actor,
            deployment=context.deployment,
        )
    await context.wakeup.notify()
    row = await existing_row(context.reading_back().loaders.suppressions, lifted.suppression_id)
    return LiftSuppressionPayload(suppression=Suppression.of(row), released=lifted.released)


async def suppress_again(info: Info, input: Input[SuppressAgainInput]) -> SuppressionPayload:
    """As it stood before; what went out meanwhile is not called back."""
    context, found = info.context, read_typed_id(input.suppression_id, "Suppression")
    if found is None or found.row_id is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such suppression.", ("suppressionId",))
    async with context.pools.writing_connection() as connection:
        again = await suppressions.suppress_again(connection, suppression_id=found.row_id, actor=context.actor)
    row = await existing_row(context.reading_back().loaders.suppressions, again)
    return SuppressionPayload(suppression=Suppression.of(row))


async def correct_address(info: Info, input: Input[CorrectAddressInput]) -> CorrectAddressPayload:
    """What stands against the wrong address stays: it is still wrong, and the CRM may bring it back."""
    context, refusals = info.context, list[Refusal]()
    found = read_typed_id(input.customer_id, "Customer")
    if found is None or found.customer_id is None:
        refusals.append(Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", ("customerId",)))
    allow = context.deployment.settings.allow_reserved_domains
    correct = _check_address(input.correct_address, "correctAddress", refusals, allow_reserved=allow)
    if found is None or found.customer_id is None or refusals:
        return CorrectAddressPayload(user_errors=user_errors(refusals))
    retried = 0
    async with context.pools.writing_connection() as connection:
        address = await _replace(connection, context, found.customer_id, input.address, correct)
        if input.retry:
            retried = await suppressions.send_waiting(
                connection,
                customer_id=found.customer_id,
                address=address,
                correct_address=correct,
                actor=context.actor,
                deployment=context.deployment,
            )
    await context.wakeup.notify()
    row = await existing_row(context.reading_back().loaders.customers, found.customer_id)
    return CorrectAddressPayload(customer=Customer.of(row), retried=retried)


async def _replace(connection: Connection, context: Context, customer_id: int, address: str, correct: str) -> str:
    """Replace one of the customer's addresses; returns it as it stood. Raises Refusal."""
    asked, correct_key, field = with_a_labels(address).lower(), context.deployment.key_of(correct), ("correctAddress",)
    async with connection.transaction():
        held = [row async for row in QUERIES.addresses_of_customer(connection, customer_id=customer_id)]
        wrong = next((row for row in held if row["address"].lower() == asked), None)
        if wrong is None:
            raise Refusal(RefusalCode.NOT_FOUND, "This is none of the customer's addresses.", ("address",))
        if correct_key == wrong["address_key"]:
            raise Refusal(RefusalCode.CONFLICT, "This is the address as it stands.", field)
        if any(row["address_key"] == correct_key for row in held):
            message = "The customer has this address already: leave the wrong one out in `upsertCustomers`."
            raise Refusal(RefusalCode.CONFLICT, message, field)
        if await suppressions.suppressed_among(connection, [correct_key]):
            message = "This address must not be mailed either: lift its suppression first, if it is right."
            raise Refusal(RefusalCode.SUPPRESSED, message, field)
        await QUERIES.replace_address(
            connection,
            customer_id=customer_id,
            address=wrong["address"],
            correct_address=correct,
            correct_key=correct_key,
        )
    return str(wrong["address"])


def _check_address(text: str, name: str, refusals: list[Refusal], *, allow_reserved: bool = True) -> str:
    """Its normal form. A reserved name may be suppressed and lifted, whatever may be mailed."""
    try:
        return parse_address(text, allow_reserved=allow_reserved, field=(name,)).text
    except Refusal as refusal:
        refusals.append(refusal)
        return ""


def _check_why(why: str, refusals: list[Refusal]) -> None:
    if not why.strip():
        refusals.append(Refusal(RefusalCode.REQUIRED, "Say why: it is kept in the history.", ("why",)))
    elif len(why.strip()) > LONGEST_WHY:
        refusals.append(Refusal(RefusalCode.TOO_LONG, f"At most {LONGEST_WHY} characters.", ("why",)))
    else:
        try:
            refuse_card_number(why, ("why",))
        except Refusal as refusal:
            refusals.append(refusal)
