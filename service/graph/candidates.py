"""The customers that unmatched mail may belong to: those with its sender's address, or the one that a report names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from asyncpg import Record

from gateway.deployment import Deployment
from gateway.mail.dsn import read_report
from gateway.mail.inbound import InboundKind
from gateway.mail.received import read_mail
from gateway.report_rules import read_report_rules
from gateway.storage import content
from service.database import Reading, statement

MAX_CANDIDATES = 5
"""Customers of one mail: more is no help to who has to choose."""
MAX_REPORT_BYTES = 262_144
"""Bytes of a report that is read for its recipient: those of a page are in memory together. Most have a tenth."""
_REPORTS = statement("reports_to_read")
_CUSTOMERS = statement("customers_of_addresses")


async def candidates(reading: Reading, deployment: Deployment, mails: Sequence[Record]) -> dict[UUID, list[int]]:
    """The ids of customers by the mail's id, the newest first; `mails` are rows of `unmatched_by_id`."""
    reports = [mail["id"] for mail in mails if mail["kind"] == InboundKind.BOUNCE]
    addresses = {mail["id"]: mail["from_address"] for mail in mails if mail["from_address"]}
    if reports:
        rows = await reading.fetch(_REPORTS, ids=reports, largest=MAX_REPORT_BYTES)
        addresses |= await asyncio.to_thread(_reported_addresses, rows)
    keys = {mail: deployment.key_of(address) for mail, address in addresses.items()}
    holders = await _holders(reading, set(keys.values())) if keys else {}
    return {mail: holders.get(key, []) for mail, key in keys.items()}


def _reported_addresses(rows: Sequence[Record]) -> dict[UUID, str]:
    """The address that each report says a mail was sent to, where it names one."""
    found = {}
    for row in rows:
        report = read_report(read_mail(content.decode(row)), read_report_rules())
        address = report.recipients[0].address if report is not None and report.recipients else None
        if address is not None:
            found[row["id"]] = address
    return found


async def _holders(reading: Reading, keys: set[bytes]) -> Mapping[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for row in await reading.fetch(_CUSTOMERS, address_keys=sorted(keys), most=MAX_CANDIDATES):
        found.setdefault(row["address_key"], []).append(row["customer_id"])
    return found
