"""Senders listed, and what DNS says of one's domain."""

from __future__ import annotations

from datetime import UTC, datetime

import strawberry

from gateway.campaigns import sender_check
from gateway.mail.address import domain_of
from gateway.mail.dns_records import DnsRecordKind
from service.database import statement
from service.graph.connection import After, Connection, First, read_window
from service.graph.context import Info
from service.graph.loaders import existing_row, existing_rows
from service.graph.node import asked_id
from service.graph.row import FromValue
from service.graph.sender import Sender

SENDERS_PAGE = statement("senders_page")


@strawberry.type(description="One record of a sender's domain.")
class DnsRecordCheck(FromValue[sender_check.DnsRecordCheck]):
    """As the gateway found it."""

    kind: DnsRecordKind = strawberry.field(description="Which.")
    ok: bool | None = strawberry.field(
        description="Whether receivers can use it and it is right for our mail; null when that is not known: DNS did "
        "not answer, no resolver is set, or this process cannot read our private key. Of SPF it does not say that the "
        "host which hands our mail on is listed: only the relay's operator knows its addresses."
    )
    name: str = strawberry.field(description="Where it stands.")
    found: str | None = strawberry.field(description="What is there now; null when nothing is.")
    wanted: str | None = strawberry.field(
        description="What to put there; null when it serves, or when that depends on what you have."
    )
    advice: str | None = strawberry.field(
        description="What is wrong and what to do, or what could not be looked at; null when there is nothing to say."
    )


@strawberry.type(description="What DNS says of a sender's domain.")
class SenderCheck(FromValue[sender_check.SenderCheck]):
    """As the gateway found it."""

    @strawberry.field(description="The sender.")
    async def sender(self, info: Info) -> Sender:
        """By the loader that read it before."""
        return Sender.of(await existing_row(info.context.loaders.senders, self.value.sender_id))

    ready: bool | None = strawberry.field(
        description="Whether bulk mail may go: every record serves. Null when none is known to be wrong and one is not "
        "known."
    )
    checked_at: datetime = strawberry.field(description="When DNS was asked.")

    @strawberry.field(description="One a record: SPF, a DKIM key each that we sign by, DMARC, the return path.")
    def records(self) -> list[DnsRecordCheck]:
        """At most thirteen."""
        return [DnsRecordCheck.of(one) for one in self.value.records]


async def check_sender(info: Info, text: str) -> SenderCheck | None:
    """Asked anew each time: what was put into DNS a minute ago is to be seen. Raises BadInput."""
    context, found = info.context, asked_id(text, "Sender", "id")
    row = await context.loaders.senders.load(found.row_id) if found.row_id else None
    if row is None:
        return None
    checked = await sender_check.check_sender(
        row["id"],
        domain_of(row["from_address"]),
        context.deployment.settings,
        now=datetime.fromtimestamp(context.clock(), UTC),
    )
    return SenderCheck.of(checked)


async def list_senders(info: Info, first: First, after: After) -> Connection[Sender]:
    """By name. Raises BadInput."""
    window = read_window(first, after)
    rows = await info.context.reading.fetch(SENDERS_PAGE, after=window.before, rows=window.rows)
    keys = [row["id"] for row in rows]
    senders = await existing_rows(info.context.loaders.senders, keys[: window.first])
    return window.connect([Sender.of(row) for row in senders], [key.hex for key in keys])
