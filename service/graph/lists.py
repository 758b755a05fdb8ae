"""Lists of customers: listed, previewed, and the mutations that make, change and fill them."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.campaigns import list_counts, lists
from gateway.campaigns.criteria import Json, read_criteria
from gateway.campaigns.lists import LONGEST_NAME, MAX_MEMBERS_AT_ONCE, ListChanges, NewList
from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.mail import base64url
from gateway.mail.letter import WorkOrderKind
from service.database import statement
from service.errors import BadInput, TooSlow
from service.graph.connection import After, Connection, First, read_cursor_window
from service.graph.context import Context, Info
from service.graph.counting import Count
from service.graph.customer import Customer, CustomerList
from service.graph.intent import Input
from service.graph.list_criteria import ListCriteriaInput, read_criteria_input, say_criteria
from service.graph.loaders import existing_row, existing_rows
from service.graph.mailing_input import customer_or_nothing, number_or_nothing
from service.graph.node import number_global_id
from service.graph.user_error import UserError

LISTS_PAGE = statement("lists_page")

NameArgument = Annotated[str | None, strawberry.argument(description="Part of a name; case and accents are ignored.")]
CriteriaArgument = Annotated[ListCriteriaInput, strawberry.argument(description="The criteria.")]


@strawberry.type(description="What criteria find.")
class ListPreview:
    """As of now."""

    count: Count = strawberry.field(description="How many.")
    sample: list[Customer] = strawberry.field(description="Some of them: at most ten.")
    in_words: str = strawberry.field(description="The criteria in a sentence.")


async def list_lists(info: Info, search: str | None, first: First, after: After) -> Connection[CustomerList]:
    """By name. Raises BadInput."""
    part = (search or "").strip()
    if len(part) > LONGEST_NAME:
        raise BadInput("search", f"is at most {LONGEST_NAME} characters")
    window = read_cursor_window(first, after, _read_cursor, "")
    rows = await info.context.reading.fetch(LISTS_PAGE, part=part, after=window.before, rows=window.rows)
    shown = await existing_rows(info.context.loaders.lists, [row["id"] for row in rows[: window.first]])
    cursors = [base64url.encode(row["name"].encode()) for row in rows]
    return window.connect([CustomerList.of(row) for row in shown], cursors)


def _read_cursor(text: str) -> str | None:
    """The name that a cursor holds; None when it is none."""
    try:
        name = (base64url.decode(text) or b"").decode()
    except UnicodeDecodeError:
        return None
    return name if name and "\0" not in name else None


async def preview_list(info: Info, criteria: ListCriteriaInput) -> ListPreview:
    """Counted and sampled within bounds. Raises BadInput for the first thing that is wrong with the criteria, TooSlow
    when they cost too much."""
    context = info.context
    try:
        read = read_criteria(read_criteria_input(criteria))
    except (Refusal, Refusals) as wrong:
        raise _as_error(wrong) from wrong
    try:
        async with context.pools.reading_connection() as connection:
            await lists.check_names(connection, read)
            found = await list_counts.evaluate(connection, read)
    except Refusals as several:
        raise _as_error(several) from several
    except Refusal as refusal:
        if refusal.code is RefusalCode.TOO_COSTLY:
            raise TooSlow(refusal.message) from refusal
        raise _as_error(refusal) from refusal
    sample = await context.loaders.customers.load_many(list(found.sample))
    return ListPreview(
        count=Count.of(found.count),
        sample=[Customer.of(row) for row in sample if row is not None],
        in_words=await say_criteria(context, read),
    )


def _as_error(wrong: Refusal | Refusals) -> BadInput:
    first = wrong.refusals[0] if isinstance(wrong, Refusals) else wrong
    return BadInput(".".join(first.field), first.message)


# Mutations -------------------------------------------------------------------------------------------------------


@strawberry.input(description="A list to make.")
class CreateListInput:
    """Fixed or dynamic for life."""

    name: str = strawberry.field(description=f"Its name among ours, each once: at most {LONGEST_NAME} characters.")
    criteria: ListCriteriaInput | None = strawberry.field(
        default=None, description="Makes it dynamic; fixed when omitted."
    )
    grows_on: list[WorkOrderKind] | None = strawberry.field(
        default=None, description="A customer that is mailed about a work order of these kinds joins."
    )


@strawberry.input(description="What changes of a list. Omitted fields stay as they are.")
class UpdateListInput:
    """UNSET stands for an omitted field."""

    list_id: strawberry.ID = strawberry.field(description="A CustomerList's id.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name.")
    criteria: ListCriteriaInput | None = strawberry.field(
        default=strawberry.UNSET, description="Its criteria; only of dynamic lists."
    )
    grows_on: list[WorkOrderKind] | None = strawberry.field(
        default=strawberry.UNSET, description="Its growth; only of fixed lists. Null ends it."
    )


@strawberry.input(description="A list to delete.")
class DeleteListInput:
    """By its global id."""

    list_id: strawberry.ID = strawberry.field(description="A CustomerList's id.")


@strawberry.input(description="Customers to add.")
class AddToListInput:
    """All by their global ids."""

    list_id: strawberry.ID = strawberry.field(description="A CustomerList's id.")
    customer_ids: list[strawberry.ID] = strawberry.field(
        description=f"Customers' ids, at most {MAX_MEMBERS_AT_ONCE:,}."
    )


@strawberry.input(description="Customers to take out.")
class RemoveFromListInput:
    """All by their global ids."""

    list_id: strawberry.ID = strawberry.field(description="A CustomerList's id.")
    customer_ids: list[strawberry.ID] = strawberry.field(
        description=f"Customers' ids, at most {MAX_MEMBERS_AT_ONCE:,}."
    )


@strawberry.type(description="What came of a decision about a list.")
class ListPayload:
    """Either the list or the errors."""

    list_: CustomerList | None = strawberry.field(
        name="list", default=None, description="The list as it is now; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.type(description="What came of deleting a list.")
class DeleteListPayload:
    """Either the id or the errors."""

    deleted_list_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id it had; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.type(description="What came of adding or removing.")
class ListMembersPayload:
    """Either the list or the errors."""

    list_: CustomerList | None = strawberry.field(
        name="list", default=None, description="The list as it is now; null when refused."
    )
    changed: int = strawberry.field(default=0, description="How many memberships changed.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


async def create_list(info: Info, input: Input[CreateListInput]) -> ListPayload:
    """A dynamic one is counted before it is made."""
    context = info.context
    new = NewList(
        name=input.name,
        criteria=None if input.criteria is None else read_criteria_input(input.criteria),
        grows_on=tuple(input.grows_on or ()),
    )
    async with context.pools.writing_connection() as connection:
        list_id = await lists.create(connection, new, context.actor)
    return ListPayload(list_=await _written(context, list_id))


async def update_list(info: Info, input: Input[UpdateListInput]) -> ListPayload:
    """What was omitted stays."""
    context, list_id = info.context, _list_id(input.list_id)
    changes = ListChanges(
        name=None if input.name is strawberry.UNSET else input.name or "",
        criteria=_changed_criteria(input.criteria),
        grows_on=None if input.grows_on is strawberry.UNSET else tuple(input.grows_on or ()),
    )
    async with context.pools.writing_connection() as connection:
        await lists.update(connection, list_id, changes)
    return ListPayload(list_=await _written(context, list_id))


def _changed_criteria(given: ListCriteriaInput | None) -> Json | None:
    """A list cannot be without criteria: null is refused like none."""
    if given is strawberry.UNSET:
        return None
    return {"allOf": []} if given is None else read_criteria_input(given)


async def delete_list(info: Info, input: Input[DeleteListInput]) -> DeleteListPayload:
    """With its members."""
    list_id = _list_id(input.list_id)
    async with info.context.pools.writing_connection() as connection:
        await lists.delete(connection, list_id, info.context.actor)
    return DeleteListPayload(deleted_list_id=number_global_id("CustomerList", list_id))


async def add_to_list(info: Info, input: Input[AddToListInput]) -> ListMembersPayload:
    """Who is a member stays one, as of then."""
    context, list_id = info.context, _list_id(input.list_id)
    async with context.pools.writing_connection() as connection:
        changed = await lists.add(connection, list_id, _customers(input.customer_ids), context.actor)
    return ListMembersPayload(list_=await _written(context, list_id), changed=changed)


async def remove_from_list(info: Info, input: Input[RemoveFromListInput]) -> ListMembersPayload:
    """Who is no member stays none."""
    context, list_id = info.context, _list_id(input.list_id)
    async with context.pools.writing_connection() as connection:
        changed = await lists.remove(connection, list_id, _customers(input.customer_ids))
    return ListMembersPayload(list_=await _written(context, list_id), changed=changed)


def _list_id(text: str) -> int:
    """A CustomerList's number; of a text that is no id, one that no list has: it is refused with the rest."""
    return number_or_nothing(text, "CustomerList", 0)


def _customers(ids: list[strawberry.ID]) -> list[int]:
    return [customer_or_nothing(text, place) for place, text in enumerate(ids)]


async def _written(context: Context, list_id: int) -> CustomerList:
    return CustomerList.of(await existing_row(context.reading_back().loaders.lists, list_id))
