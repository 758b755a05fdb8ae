"""Lists of customers: made, changed and deleted; members of fixed ones, and who is in a list of either kind.

A list is fixed or dynamic for life. A dynamic one is evaluated whenever it is read; its criteria read fixed lists only,
so that none is made of itself. A fixed list may grow: `outbox.enqueue` adds who is mailed about a work order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import asyncpg

from gateway.campaigns import history, list_counts
from gateway.campaigns.criteria import Criteria, Json, MailRule, MemberRule, Path, read_criteria, write_criteria
from gateway.campaigns.criteria_sql import Compiled, Filling, condition_of
from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.campaign import CampaignStatus
from gateway.mail.card_number import refuse_card_number
from gateway.mail.field_checks import check_length
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.letter import WorkOrderKind
from gateway.mail.names import tidy_name

LONGEST_NAME = 255
MAX_LISTS = 10_000
"""In all: they are listed by name, sorted in memory."""
MAX_DYNAMIC_LISTS = 200
"""Whether a customer is in one is found by evaluating its criteria: a customer's page evaluates all of them."""
MAX_MEMBERS_AT_ONCE = 1000
"""Customers of one call: one transaction."""
_LISTS_OF_STATEMENT = 20
"""Dynamic lists whose criteria one statement evaluates: it has 600 rules at most."""


class ListKind(StrEnum):
    """How a list's members are found. SQL: `list_kind`."""

    FIXED = "FIXED"
    DYNAMIC = "DYNAMIC"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewList:
    """A list to make: dynamic with `criteria` (JSON as `criteria.read_criteria` takes it), else fixed."""

    name: str
    criteria: Json | None = None
    grows_on: tuple[WorkOrderKind, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ListChanges:
    """What changes of a list; None leaves it as it is."""

    name: str | None = None
    criteria: Json | None = None
    grows_on: tuple[WorkOrderKind, ...] | None = None


# Made, changed, deleted ------------------------------------------------------------------------------------------


async def create(connection: Connection, new: NewList, actor: str) -> int:
    """Make a list; returns its id. A dynamic one is counted first.

    Raises Refusal, or Refusals of the whole input, having written nothing: REQUIRED, TOO_LONG, TOO_MANY, INVALID,
    CARD_NUMBER, HEADER_INJECTION, CONFLICT for a name that is taken, NOT_FOUND for a list or campaign that criteria
    name, TOO_COSTLY.
    """
    found = RefusalCollector()
    with found.check():
        _check_name(new.name)
    with found.check():
        _check_growth(ListKind.FIXED if new.criteria is None else ListKind.DYNAMIC, new.grows_on)
    criteria = None
    with found.check():
        criteria = await _check_criteria(connection, new.criteria)
    found.raise_any()
    written = None if criteria is None else write_criteria(criteria)
    count = None if criteria is None else (await list_counts.evaluate(connection, criteria)).count
    async with connection.transaction():
        await _check_number(connection, dynamic=criteria is not None)
        await _hold(connection, criteria)
        list_id = await QUERIES.insert_list(
            connection,
            name=tidy_name(new.name),
            kind=ListKind.FIXED if criteria is None else ListKind.DYNAMIC,
            criteria=written,
            grows_on=_in_order(new.grows_on),
            actor=actor,
        )
        if list_id is None:
            raise _name_taken()
        if count is not None:
            await list_counts.store(connection, list_id, written, count)
    return int(list_id)


async def update(connection: Connection, list_id: int, changes: ListChanges) -> None:
    """Change a list; campaigns whose audience is frozen keep it. Raises as `create`, and NOT_FOUND for the list."""
    kind = await _kind_of(connection, list_id)
    found = RefusalCollector()
    with found.check():
        if changes.name is not None:
            _check_name(changes.name)
    with found.check():
        _check_growth(kind, changes.grows_on or ())
    criteria = None
    with found.check():
        if changes.criteria is not None and kind is ListKind.FIXED:
            message = "This list is fixed, and has no criteria: make a dynamic one."
            raise Refusal(RefusalCode.INVALID, message, ("criteria",))
        criteria = await _check_criteria(connection, changes.criteria)
    found.raise_any()
    written = None if criteria is None else write_criteria(criteria)
    count = None if criteria is None else (await list_counts.evaluate(connection, criteria)).count
    try:
        async with connection.transaction():
            await _hold(connection, criteria)
            if await QUERIES.lock_list(connection, list_id=list_id) is None:
                raise _no_such_list()
            await QUERIES.update_list(
                connection,
                list_id=list_id,
                name=None if changes.name is None else tidy_name(changes.name),
                criteria=written,
                grows_on=None if changes.grows_on is None else _in_order(changes.grows_on),
            )
            if count is not None:
                await list_counts.store(connection, list_id, written, count)
    except asyncpg.UniqueViolationError:
        raise _name_taken() from None


async def delete(connection: Connection, list_id: int, actor: str) -> None:
    """Delete a list with its members; drafts that are for it do without it, and their history says so.

    Raises Refusal or Refusals: NOT_FOUND; ILLEGAL_STATE while a campaign that is launched and not over needs it, a
    draft leaves out its members, who would be mailed then, or an import fills it; CONFLICT while a dynamic list is made
    of it.
    """
    async with connection.transaction():
        # Campaigns before the list, in the order of a change of a draft's lists.
        async for _ in QUERIES.campaigns_of_list(connection, list_id=list_id):
            pass
        name = await QUERIES.lock_list_to_delete(connection, list_id=list_id)
        if name is None:
            raise _no_such_list()
        # Locked, so that none of them is launched meanwhile.
        campaigns = [row async for row in QUERIES.campaigns_of_list(connection, list_id=list_id)]
        await _refuse_needed(connection, list_id, campaigns)
        await QUERIES.delete_list(connection, list_id=list_id)
        for row in campaigns:
            await history.record(connection, row["id"], "deleteList", actor, {"list": name})


async def _refuse_needed(connection: Connection, list_id: int, campaigns: Sequence[Any]) -> None:
    """Raises Refusal, or Refusals."""
    found = RefusalCollector()
    for row in campaigns:
        if row["status"] != CampaignStatus.DRAFT:
            with found.check():
                message = f'The campaign "{row["title"]}" needs it: cancel that, or wait until it is finished.'
                raise Refusal(RefusalCode.ILLEGAL_STATE, message, ("listId",))
        elif row["excluded"]:
            with found.check():
                message = f'The draft "{row["title"]}" leaves out its members: take it off there first.'
                raise Refusal(RefusalCode.ILLEGAL_STATE, message, ("listId",))
    file_name = await QUERIES.import_into_list(connection, list_id=list_id)
    with found.check():
        if file_name is not None:
            message = f'The import of "{file_name}" is filling it: cancel that, or wait until it is finished.'
            raise Refusal(RefusalCode.ILLEGAL_STATE, message, ("listId",))
    name = await QUERIES.list_made_of(connection, list_id=list_id)
    with found.check():
        if name is not None:
            message = f'The criteria of the list "{name}" need it: change those first.'
            raise Refusal(RefusalCode.CONFLICT, message, ("listId",))
    found.raise_any()


def _check_name(name: str) -> None:
    refuse_header_break(name, ("name",))
    refuse_card_number(name, ("name",))
    if not tidy_name(name):
        raise Refusal(RefusalCode.REQUIRED, "A list has a name.", ("name",))
    check_length(name, LONGEST_NAME, ("name",))


def _check_growth(kind: ListKind, grows_on: Sequence[WorkOrderKind]) -> None:
    if kind is ListKind.DYNAMIC and grows_on:
        message = "A dynamic list does not grow: its criteria say who is in it."
        raise Refusal(RefusalCode.INVALID, message, ("growsOn",))


def _in_order(kinds: Sequence[WorkOrderKind]) -> list[str]:
    return [kind.value for kind in WorkOrderKind if kind in kinds]


async def _check_number(connection: Connection, *, dynamic: bool) -> None:
    row = await QUERIES.count_lists(connection)
    if row["lists"] >= MAX_LISTS:
        raise Refusal(RefusalCode.TOO_MANY, f"There are {MAX_LISTS:,} lists: delete one first.")
    if dynamic and row["dynamic"] >= MAX_DYNAMIC_LISTS:
        message = f"There are {MAX_DYNAMIC_LISTS} dynamic lists: delete or change one."
        raise Refusal(RefusalCode.TOO_MANY, message, ("criteria",))


async def _check_criteria(connection: Connection, given: Json | None) -> Criteria | None:
    """Raises Refusal or Refusals."""
    if given is None:
        return None
    criteria = read_criteria(given)
    await check_names(connection, criteria)
    return criteria


async def check_names(connection: Connection, criteria: Criteria) -> None:
    """Refuse lists and campaigns that criteria name and that do not exist (NOT_FOUND), and dynamic lists (INVALID).

    Raises Refusal, or Refusals of all of them.
    """
    rows = QUERIES.lists_by_number(connection, list_ids=sorted(criteria.list_ids))
    kinds = {row["id"]: ListKind(row["kind"]) async for row in rows}
    known = QUERIES.known_campaigns(connection, campaign_ids=sorted(criteria.campaign_ids))
    campaigns = {row["id"] async for row in known}
    found = RefusalCollector()
    for path, rule in criteria.rules():
        if isinstance(rule, MemberRule):
            with found.check():
                _check_member_rule(kinds.get(rule.list_id), ("criteria", *path, "member", "listId"))
        if isinstance(rule, MailRule):
            for place, campaign_id in enumerate(rule.campaign_ids or ()):
                if campaign_id not in campaigns:
                    with found.check():
                        below = ("criteria", *path, "mail", "campaignIds", str(place))
                        raise Refusal(RefusalCode.NOT_FOUND, "There is no such campaign.", below)
    found.raise_any()


def _check_member_rule(kind: ListKind | None, path: Path) -> None:
    if kind is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such list.", path)
    if kind is ListKind.DYNAMIC:
        message = "This list is dynamic: repeat its criteria. Only fixed lists can be named."
        raise Refusal(RefusalCode.INVALID, message, path)


async def _hold(connection: Connection, criteria: Criteria | None) -> None:
    """Keep the lists that criteria name until the transaction ends. Raises Refusal, Refusals."""
    if criteria is not None and criteria.list_ids:
        async for _ in QUERIES.hold_lists(connection, list_ids=sorted(criteria.list_ids)):
            pass
        await check_names(connection, criteria)


async def _kind_of(connection: Connection, list_id: int) -> ListKind:
    async for row in QUERIES.lists_by_number(connection, list_ids=[list_id]):
        return ListKind(row["kind"])
    raise _no_such_list()


def _no_such_list() -> Refusal:
    return Refusal(RefusalCode.NOT_FOUND, "There is no such list.", ("listId",))


def _name_taken() -> Refusal:
    return Refusal(RefusalCode.CONFLICT, "There is a list of this name.", ("name",))


# Members of fixed lists ------------------------------------------------------------------------------------------


async def add(connection: Connection, list_id: int, customer_ids: Sequence[int], actor: str) -> int:
    """Add customers to a fixed list; returns how many were not in it, of an id that comes twice one.

    Raises Refusal, or Refusals of the whole input, having written nothing: NOT_FOUND, INVALID for a dynamic list,
    TOO_MANY, ERASED.
    """
    async with connection.transaction():
        await _check_members(connection, list_id, customer_ids, joining=True)
        return int(await QUERIES.add_members(connection, list_id=list_id, customer_ids=list(customer_ids), actor=actor))


async def remove(connection: Connection, list_id: int, customer_ids: Sequence[int]) -> int:
    """Take customers, also erased ones, out of a fixed list; returns how many were in it.

    Raises Refusal, or Refusals of the whole input, having written nothing: NOT_FOUND, INVALID for a dynamic list,
    TOO_MANY.
    """
    async with connection.transaction():
        await _check_members(connection, list_id, customer_ids, joining=False)
        return int(await QUERIES.remove_members(connection, list_id=list_id, customer_ids=list(customer_ids)))


async def _check_members(connection: Connection, list_id: int, customer_ids: Sequence[int], *, joining: bool) -> None:
    found = RefusalCollector()
    with found.check():
        await _hold_fixed(connection, list_id)
    if len(customer_ids) > MAX_MEMBERS_AT_ONCE:
        with found.check():
            message = f"At most {MAX_MEMBERS_AT_ONCE:,} customers in one call."
            raise Refusal(RefusalCode.TOO_MANY, message, ("customerIds",))
        found.raise_any()
    async for row in QUERIES.member_faults(
        connection, customer_ids=list(customer_ids), refuse_erased=joining, faults=RefusalCollector.MAX
    ):
        path = ("customerIds", str(row["place"] - 1))
        with found.check():
            if row["known"]:
                raise Refusal(RefusalCode.ERASED, "This customer was erased.", path)
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", path)
    found.raise_any()


async def _hold_fixed(connection: Connection, list_id: int) -> None:
    """Keep a fixed list until the transaction ends. Raises Refusal."""
    held = [row async for row in QUERIES.hold_lists(connection, list_ids=[list_id])]
    if not held:
        raise _no_such_list()
    if held[0]["kind"] == ListKind.DYNAMIC:
        message = "This list is dynamic: its criteria say who is in it."
        raise Refusal(RefusalCode.INVALID, message, ("listId",))


# Who is in a list, fixed or dynamic ------------------------------------------------------------------------------


async def membership(
    connection: Connection, list_ids: Sequence[int], *, excluded: Sequence[int] = (), first: int = 1
) -> Compiled:
    """Returns the condition under which a customer `c` is in one of these lists and in none of the excluded ones, fixed
    or dynamic; for statements over ranges of customers: `where c.id > $1 and c.id <= $2 and <condition>`, with
    `first=3`, the number of its first parameter. In fixed lists are erased customers, too, in dynamic ones never.

    Lists are read as they are now; hold their rows (`hold_lists`) where they must not be deleted meanwhile. Raises
    Refusal(NOT_FOUND) when one is gone.
    """
    filling = Filling(first=first)
    rows = QUERIES.lists_by_number(connection, list_ids=[*list_ids, *excluded])
    known = {row["id"]: row async for row in rows}
    if not known.keys() >= {*list_ids, *excluded}:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such list.", ("listIds",))
    within = [_in_list(filling, known[one]) for one in list_ids]
    conditions = [f"({' or '.join(within)})" if within else "false"]
    conditions += [f"{_in_list(filling, known[one])} is not true" for one in excluded]
    return Compiled(condition=" and ".join(conditions), parameters=filling.parameters)


def _in_list(filling: Filling, row: Any) -> str:
    if row["criteria"] is None:
        return f"({filling.fill('is_member', list_id=row['id'])})"
    return f"({condition_of(read_criteria(row['criteria']), filling)})"


async def members_between(connection: Connection, list_id: int, *, after: int, up_to: int) -> list[int]:
    """Returns the ids of a list's members, fixed or dynamic, above `after` and up to `up_to`, in order.

    The caller bounds the range. Raises Refusal(NOT_FOUND).
    """
    compiled = await membership(connection, [list_id], first=3)
    statement = Filling().fill("between", {"condition": compiled.condition}, after=after, up_to=up_to)
    return [row["id"] for row in await connection.fetch(statement, after, up_to, *compiled.parameters)]


async def dynamic_pages(
    connection: Connection,
    lists: Mapping[int, Criteria],
    *,
    before: int,
    rows: int,
    search: Mapping[str, Any] | None = None,
) -> dict[int, list[int]]:
    """Returns the ids of at most so many members of each of these dynamic lists, below `before`, the newest customers
    first; of those whom a search finds, by its patterns (`list_counts.evaluate`). One statement for twenty lists.

    Raises asyncpg.QueryCanceledError after COUNT_SECONDS: where hardly anybody meets criteria, everybody is read.
    """

    def page(filling: Filling, list_id: int) -> str:
        parts = {"condition": list_counts.condition_with(lists[list_id], search, filling)}
        return filling.fill("page", parts, list_id=list_id, before=before, rows=rows)

    found: dict[int, list[int]] = {list_id: [] for list_id in lists}
    async with connection.transaction():
        await QUERIES.limit_evaluation(connection, milliseconds=round(list_counts.COUNT_SECONDS * 1000))
        for row in await _evaluate_each(connection, sorted(lists), page):
            found[row["list_id"]].append(row["customer_id"])
    return {list_id: sorted(customers, reverse=True) for list_id, customers in found.items()}


async def dynamic_lists_of(connection: Connection, customer_ids: Sequence[int]) -> dict[int, list[int]]:
    """Returns which dynamic lists each of these customers is in, the newest list first: as of now, one statement for
    twenty lists."""
    lists = {row["id"]: read_criteria(row["criteria"]) async for row in QUERIES.dynamic_lists(connection)}
    customers = list(customer_ids)

    def which(filling: Filling, list_id: int) -> str:
        parts = {"condition": condition_of(lists[list_id], filling)}
        return filling.fill("which_of", parts, list_id=list_id, customer_ids=customers)

    found: dict[int, list[int]] = {customer_id: [] for customer_id in customers}
    for row in await _evaluate_each(connection, sorted(lists), which):
        found[row["customer_id"]].append(row["list_id"])
    return {customer_id: sorted(ids, reverse=True) for customer_id, ids in found.items()}


async def _evaluate_each(
    connection: Connection, list_ids: Sequence[int], statement_of: Callable[[Filling, int], str]
) -> list[Any]:
    """Returns the rows of a statement for each list, some lists a statement."""
    rows: list[Any] = []
    for start in range(0, len(list_ids), _LISTS_OF_STATEMENT):
        filling = Filling()
        parts = [statement_of(filling, list_id) for list_id in list_ids[start : start + _LISTS_OF_STATEMENT]]
        rows += await connection.fetch("\nunion all\n".join(parts), *filling.parameters)
    return rows
