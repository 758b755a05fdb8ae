"""Files of who must not be mailed, and of customers with what they chose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record

from gateway.mail.choice import OptOutKind
from service.graph.loaders import Loaders
from service.graph.node import customer_global_id, message_global_id, row_global_id

SUPPRESSION_COLUMNS = (
    "suppressionId",
    "address",
    "reason",
    "scope",
    "suppressedAt",
    "by",
    "why",
    "customerId",
    "externalRef",
    "name",
    "messageId",
    "liftedAt",
    "liftedBy",
    "liftedWhy",
)
CUSTOMER_COLUMNS = (
    "customerId",
    "externalRef",
    "name",
    "address",
    "locale",
    "timeZone",
    "marketingOptOutAt",
    "marketingOptOutSource",
    "marketingOptOutBy",
    "eventBasedOptOutAt",
    "eventBasedOptOutSource",
    "eventBasedOptOutBy",
)
"""Of a customer the address is the one that it is mailed at."""

_Lines = AsyncIterator[list[tuple[Any, ...]]]
LoadersAnew = Callable[[], Loaders]
"""New ones for each batch, or all batches would stay in memory."""


async def suppression_lines(loaders_anew: LoadersAnew, batches: AsyncIterator[Sequence[UUID]]) -> _Lines:
    """Each as it is when it is read."""
    async for ids in batches:
        loaders = loaders_anew()
        rows = [row for row in await loaders.suppressions.load_many(ids) if row is not None]
        holders = sorted({row["holder_id"] for row in rows if row["holder_id"]})
        customers = {row["id"]: row for row in await loaders.customers.load_many(holders) if row is not None}
        yield [_suppression(row, customers.get(row["holder_id"])) for row in rows]


def _suppression(row: Record, holder: Record | None) -> tuple[Any, ...]:
    evidence = row["evidence_id"]
    return (
        row_global_id("Suppression", row["id"]),
        row["address"],
        row["reason"],
        row["scope"],
        row["suppressed_at"],
        row["actor"],
        row["why"],
        customer_global_id(holder["id"]) if holder else None,
        holder["external_ref"] if holder else None,
        holder["name"] if holder else None,
        message_global_id(row["evidence_customer_id"], evidence) if evidence else None,
        row["lifted_at"],
        row["lifted_by"],
        row["lifted_why"],
    )


async def customer_lines(loaders_anew: LoadersAnew, batches: AsyncIterator[Sequence[Record]]) -> _Lines:
    """Customers with what they chose not to get."""
    async for rows in batches:
        loaders, ids = loaders_anew(), [row["id"] for row in rows]
        addresses = await loaders.addresses.load_many(ids)
        choices = await loaders.opt_outs.load_many(ids)
        yield [_customer(*each) for each in zip(rows, addresses, choices, strict=True)]


def _customer(row: Record, addresses: Sequence[Record], choices: Sequence[Record]) -> tuple[Any, ...]:
    chosen = {OptOutKind(one["kind"]): (one["opted_out_at"], one["source"], one["actor"]) for one in choices}
    nothing = (None, None, None)
    return (
        customer_global_id(row["id"]),
        row["external_ref"],
        row["name"],
        addresses[0]["address"] if addresses else None,
        row["locale"],
        row["time_zone"],
        *chosen.get(OptOutKind.MARKETING, nothing),
        *chosen.get(OptOutKind.EVENT_BASED, nothing),
    )
