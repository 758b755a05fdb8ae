"""The lists that links name, as files: how each is called, and its pieces as they are read, a batch at a time.

For each batch a connection is taken anew, so that none waits while a client reads slowly.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from asyncpg import Record

from gateway.campaigns import import_export
from gateway.deployment import Deployment
from gateway.mail.export_links import ExportFormat, ExportLink
from gateway.mail.inbound import UnmatchedReason
from gateway.mail.message import MessageRef
from gateway.mail.table_text import csv_line
from service.database import DatabasePools, Reading, Statement
from service.finding.query import MessageQuery
from service.finding.walk import keys
from service.graph import bad_address_list, suppression_list, unmatched_list
from service.graph.address_solutions import Judged, read_solutions
from service.graph.bad_address_list import BadAddressQuery
from service.graph.customer_search import export_customers
from service.graph.list_pages import Membership, all_members, lists_of_customer
from service.graph.loaders import Loaders, existing_rows
from service.graph.node import customer_global_id, message_global_id, number_global_id, row_global_id
from service.graph.recipient_lists import export_rows
from service.graph.suppression_list import SuppressionQuery
from service.graph.waiting_list import WaitingList, export_refs
from service.http.consent_files import CUSTOMER_COLUMNS, SUPPRESSION_COLUMNS, customer_lines, suppression_lines

RECIPIENT_COLUMNS = (
    "customerId",
    "externalRef",
    "name",
    "mailingId",
    "address",
    "status",
    "leftOut",
    "cause",
    "dueAt",
    "opened",
    "clicked",
    "messageId",
)
MEMBERSHIP_COLUMNS = ("listId", "list", "customerId", "externalRef", "name", "address", "addedAt", "by")
"""The columns of files, and the names of their JSON. Of a member the address is the one that it is mailed at."""

BAD_ADDRESS_COLUMNS = (
    "customerId",
    "externalRef",
    "name",
    "address",
    "failedAt",
    "failingSince",
    "cause",
    "response",
    "suppressed",
    "waitingMessages",
    "solutions",
    "suggestedAddress",
)
"""As the source system's report of bounced and invalid addresses has them. In JSON the solutions are a list."""
MESSAGE_COLUMNS = (
    "messageId",
    "customerId",
    "externalRef",
    "name",
    "direction",
    "sourceType",
    "status",
    "cause",
    "occurredAt",
    "sentAt",
    "openedAt",
    "clicks",
    "from",
    "to",
    "subject",
    "campaignId",
    "mailingId",
    "relay",
    "response",
)
UNMATCHED_COLUMNS = ("mailId", "receivedAt", "kind", "reason", "from", "to", "subject", "excerpt", "size")
EXPORTED_AT_ONCE = 500
"""Messages of a file that are in memory at a time."""
MAX_EXPORTED = 1_000_000
"""Messages of a file, some 300 MB: a table of more opens in no program, and the filter's dates divide it."""

_Lines = AsyncIterator[list[tuple[Any, ...]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportFile:
    """A file that is written while its pieces are asked for."""

    name: str
    pieces: AsyncIterator[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _ReadAccess:
    """What customers are read with."""

    reading: Reading
    pools: DatabasePools


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportFiles:
    """Opens files; what it reads with outlives a request."""

    pools: DatabasePools
    deployment: Deployment

    async def open(self, link: ExportLink) -> ExportFile | None:
        """The file of a link; None when its list is gone."""
        ending = link.format.value.lower()
        match link.wanted:
            case {"import": import_id}:
                return await self._refused_lines(UUID(import_id), link.format)
            case {"list": list_id, "search": search}:
                if await self._loaders().lists.load(list_id) is None:
                    return None
                members = self._members(all_members(lambda: self._loaders().list_pages, list_id, search))
                return ExportFile(name=f"members.{ending}", pieces=_table(MEMBERSHIP_COLUMNS, members, link.format))
            case {"lists_of": customer_id}:
                lists = self._members(lists_of_customer(lambda: self._loaders().list_pages, customer_id))
                return ExportFile(name=f"lists.{ending}", pieces=_table(MEMBERSHIP_COLUMNS, lists, link.format))
            case {"bad_addresses": wanted}:
                addresses = self._bad_addresses(
                    bad_address_list.export_rows(self._fetch, BadAddressQuery.from_json(wanted))
                )
                return ExportFile(
                    name=f"bad-addresses.{ending}", pieces=_table(BAD_ADDRESS_COLUMNS, addresses, link.format)
                )
            case {"suppressions": wanted}:
                query = SuppressionQuery.from_json(wanted)
                ids = suppression_list.export_ids(self._fetch, self.deployment, query)
                pieces = _table(SUPPRESSION_COLUMNS, suppression_lines(self._loaders, ids), link.format)
                return ExportFile(name=f"suppressions.{ending}", pieces=pieces)
            case {"customers": wanted}:
                chosen = export_customers(self._read_access, wanted)
                pieces = _table(CUSTOMER_COLUMNS, customer_lines(self._loaders, chosen), link.format)
                return ExportFile(name=f"customers.{ending}", pieces=pieces)
            case {"messages": query, "oldest_first": oldest_first}:
                mails = self._messages(self._found(MessageQuery.from_json(query), oldest_first))
                return ExportFile(name=f"messages.{ending}", pieces=_table(MESSAGE_COLUMNS, mails, link.format))
            case {"waiting": of}:
                mails = self._messages(export_refs(self._fetch, WaitingList(of)))
                return ExportFile(name=f"{of}.{ending}", pieces=_table(MESSAGE_COLUMNS, mails, link.format))
            case {"unmatched": reason}:
                rows = unmatched_list.export_rows(self._fetch, UnmatchedReason(reason) if reason else None)
                pieces = _table(UNMATCHED_COLUMNS, _unmatched(rows), link.format)
                return ExportFile(name=f"unmatched-mail.{ending}", pieces=pieces)
        within = self._loaders().list_pages.dynamic.load
        recipients = self._recipients(export_rows(self._fetch, within, link.wanted))
        return ExportFile(name=f"recipients.{ending}", pieces=_table(RECIPIENT_COLUMNS, recipients, link.format))

    def _loaders(self) -> Loaders:
        """Anew for each batch, or all batches would stay in memory."""
        return Loaders(Reading(self.pools), self.pools, self.deployment)

    def _read_access(self) -> _ReadAccess:
        return _ReadAccess(reading=Reading(self.pools), pools=self.pools)

    async def _fetch(self, wanted: Statement, **values: Any) -> list[Record]:
        return await Reading(self.pools).fetch(wanted, **values)

    async def _refused_lines(self, import_id: UUID, written: ExportFormat) -> ExportFile | None:
        async with self.pools.reading_connection() as connection:
            names = await import_export.headings(connection, import_id)
        if names is None:
            return None
        pieces = import_export.write_file(self.pools.reading_connection, import_id, names, written)
        return ExportFile(name=f"refused-lines.{written.value.lower()}", pieces=pieces)

    async def _recipients(self, batches: AsyncIterator[Sequence[Record]]) -> _Lines:
        async for rows in batches:
            customers = await _by_id(self._loaders(), [row["customer_id"] for row in rows])
            yield [_recipient(row, customers[row["customer_id"]]) for row in rows]

    async def _bad_addresses(self, batches: AsyncIterator[Sequence[Record]]) -> _Lines:
        async for rows in batches:
            loaders, ids = self._loaders(), [row["id"] for row in rows]
            customers = await _by_id(loaders, [row["customer_id"] for row in rows])
            waiting = await loaders.waiting.load_many(ids)
            judged = await read_solutions(Reading(self.pools), self.deployment, ids)
            yield [
                _bad_address(row, customers[row["customer_id"]], counted, judged[row["id"]])
                for row, counted in zip(rows, waiting, strict=True)
                if row["id"] in judged  # it has taken mail meanwhile, or the customer lost it
            ]

    async def _found(self, query: MessageQuery, oldest_first: bool) -> AsyncIterator[Sequence[MessageRef]]:
        """The first MAX_EXPORTED of a query."""
        after, left = None, MAX_EXPORTED
        while left > 0:
            rows = min(left, EXPORTED_AT_ONCE)
            walked = await keys(self._fetch, query, after=after, rows=rows, oldest_first=oldest_first)
            yield walked.refs
            if walked.stopped is None and len(walked.refs) < rows:
                return
            after, left = walked.stopped or walked.refs[-1].message_id, left - len(walked.refs)

    async def _messages(self, batches: AsyncIterator[Sequence[MessageRef]]) -> _Lines:
        """Each as it is when it is read."""
        async for refs in batches:
            loaders = self._loaders()
            found = await loaders.messages.load_many([(one.customer_id, one.message_id) for one in refs])
            shown = [row for row in found if row is not None]
            customers = await _by_id(loaders, [row["customer_id"] for row in shown])
            yield [_message(row, customers[row["customer_id"]]) for row in shown]

    async def _members(self, batches: AsyncIterator[Sequence[Membership]]) -> _Lines:
        async for found in batches:
            loaders, ids = self._loaders(), [one.customer_id for one in found]
            customers = await _by_id(loaders, ids)
            addresses = dict(zip(ids, await loaders.addresses.load_many(ids), strict=True))
            list_ids = sorted({one.list_id for one in found})
            lists = {row["id"]: row for row in await existing_rows(loaders.lists, list_ids)}
            yield [
                _member(one, lists[one.list_id], customers[one.customer_id], addresses[one.customer_id])
                for one in found
            ]


async def _by_id(loaders: Loaders, ids: Sequence[int]) -> dict[int, Record]:
    return {row["id"]: row for row in await existing_rows(loaders.customers, sorted(set(ids)))}


def _recipient(row: Record, customer: Record) -> tuple[Any, ...]:
    made = row["message_id"]
    return (
        customer_global_id(row["customer_id"]),
        customer["external_ref"],
        customer["name"],
        number_global_id("Mailing", row["mailing_id"]),
        row["address"],
        row["status"],
        row["left_out"],
        row["cause"],
        row["due_at"],
        row["opened"],
        row["clicked"],
        message_global_id(row["customer_id"], made) if made else None,
    )


def _bad_address(row: Record, customer: Record, waiting: Record | None, judged: Judged) -> tuple[Any, ...]:
    return (
        customer_global_id(row["customer_id"]),
        customer["external_ref"],
        customer["name"],
        row["address"],
        row["failed_at"],
        row["failing_since"],
        row["cause"],
        judged.said,
        row["suppression_id"] is not None,
        waiting["waiting"] if waiting else 0,
        [one.text for one in judged.solutions],
        next((one.address for one in judged.solutions if one.address), None),
    )


def _message(row: Record, customer: Record) -> tuple[Any, ...]:
    return (
        message_global_id(row["customer_id"], row["id"]),
        customer_global_id(row["customer_id"]),
        customer["external_ref"],
        customer["name"],
        row["direction"],
        row["source_type"],
        row["status"],
        row["cause"],
        row["occurred_at"],
        row["sent_at"],
        row["opened_at"],
        row["click_count"],
        row["sender"],
        row["recipient"],
        row["subject"],
        row_global_id("Campaign", row["campaign_id"]) if row["campaign_id"] else None,
        number_global_id("Mailing", row["mailing_id"]) if row["mailing_id"] else None,
        row["relay"],
        row["response"],
    )


async def _unmatched(batches: AsyncIterator[Sequence[Record]]) -> _Lines:
    async for rows in batches:
        yield [
            (
                row_global_id("UnmatchedMail", row["id"]),
                row["received_at"],
                row["kind"],
                row["reason"],
                row["from_address"],
                row["envelope_to"],
                row["subject"],
                row["excerpt"],
                row["size"],
            )
            for row in rows
        ]


def _member(member: Membership, of: Record, customer: Record, addresses: Sequence[Record]) -> tuple[Any, ...]:
    return (
        number_global_id("CustomerList", member.list_id),
        of["name"],
        customer_global_id(member.customer_id),
        customer["external_ref"],
        customer["name"],
        addresses[0]["address"] if addresses else None,
        member.added_at,
        member.actor,
    )


async def _table(columns: Sequence[str], batches: _Lines, written: ExportFormat) -> AsyncIterator[str]:
    """The lines of a file, of CSV below their header."""
    if written is ExportFormat.CSV:
        yield csv_line(columns)
    async for lines in batches:
        if written is ExportFormat.JSONL:
            yield "".join(orjson.dumps(dict(zip(columns, line, strict=True))).decode() + "\n" for line in lines)
        else:
            yield "".join(csv_line(map(_text, line)) for line in lines)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
