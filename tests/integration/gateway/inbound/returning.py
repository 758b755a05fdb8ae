"""Mail that comes back, for tests: reports and complaints as systems write them, and taking them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from gateway.deployment import Deployment
from gateway.inbound.read_job import InboundReader
from gateway.inbound.store import Envelope, InboundSource, store
from gateway.mail.message import MessageRef
from gateway.mail.tracking import return_path, unsubscribe_url
from tests.builders import KEYRING, insert, mailing_of, make_attempt, make_campaign, make_customer, make_message

ANN = "ann@customer.example"
DOMAIN = "bounce.fabrikam.example"
NO_SUCH_USER = "smtp; 550 5.1.1 <ann@customer.example>: Recipient address rejected: User unknown"


def path(ref: MessageRef, recipient_no: int = 0) -> str:
    """The return path of a recipient."""
    return return_path(KEYRING, DOMAIN, ref, recipient_no)


def altered(address: str) -> str:
    """A return path with another MAC."""
    local, _, domain = address.partition("@")
    return f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"


def message_id(ref: MessageRef, domain: str = "fabrikam.example") -> str:
    """The Message-ID of a mail of ours."""
    return f"<{ref.message_id.hex}.{ref.customer_id}@{domain}>"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a report says of one recipient."""

    action: str = "failed"
    recipient: str = ANN
    status: str = "5.1.1"
    diagnostic: str = NO_SUCH_USER


def report(
    *said: Said, to: str = "mailer@elsewhere.example", own_id: str = "<r1@mx.example>", returned: str = ""
) -> bytes:
    """A delivery report (RFC 3464) of these recipients; `returned` are headers of the returned mail."""
    groups = "\r\n".join(
        f"Final-Recipient: rfc822; {one.recipient}\r\nAction: {one.action}\r\nStatus: {one.status}\r\n"
        f"Remote-MTA: dns; mx.customer.example\r\nDiagnostic-Code: {one.diagnostic}\r\n"
        for one in said or (Said(),)
    )
    return (
        "From: MAILER-DAEMON@mx.example\r\n"
        f"To: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: {own_id}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThe mail system writes this.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"{groups}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: hello@fabrikam.example\r\n{returned}\r\n--b--\r\n"
    ).encode()


def complaint(*, kind: str = "abuse", own_id: str = "<c1@feedback.example>", returned: str = "") -> bytes:
    """A complaint (RFC 5965) about a mail with these headers."""
    return (
        "From: feedback@provider.example\r\nTo: abuse@fabrikam.example\r\nSubject: complaint\r\n"
        f"Message-ID: {own_id}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is a complaint.\r\n"
        f"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: P/1\r\n"
        "Version: 1\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: hello@fabrikam.example\r\nSubject: News\r\n"
        f"{returned}\r\nHello\r\n--b--\r\n"
    ).encode()


def unsubscribe_header(ref: MessageRef) -> str:
    """The List-Unsubscribe of a campaign mail."""
    return f"List-Unsubscribe: <{unsubscribe_url(KEYRING, 'http://mail.example', ref)}>\r\n"


async def take_in(connection: Any, raw: bytes, *, to: str | None = None, sender: str | None = "") -> UUID:
    """Stores a mail as the listener does; returns its id."""
    source = InboundSource.SMTP if to is not None else InboundSource.IMAP
    stored = await store(connection, raw, Envelope(source=source, sender=sender, recipient=to))
    assert stored is not None
    return stored


async def read_all(connection: Any, deployment: Deployment) -> None:
    """Reads what waits, as the background jobs do."""
    reader = InboundReader(deployment)
    while await reader.read_small(connection) or await reader.read_apart(connection):
        pass


async def receive(
    connection: Any, deployment: Deployment, raw: bytes, *, to: str | None = None, sender: str | None = ""
) -> Any:
    """Takes in a mail and reads it; returns its row."""
    stored = await take_in(connection, raw, to=to, sender=sender)
    await read_all(connection, deployment)
    return await connection.fetchrow("select * from inbound_mail where id = $1", stored)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A mail of ours and what reads its state."""

    ref: MessageRef
    campaign: UUID | None
    connection: Any = field(repr=False)

    async def status(self) -> str:
        """What the message is now."""
        row = await self._row("select status::text from message_state where customer_id = $1 and id = $2")
        return str(row["status"])

    async def message(self) -> Any:
        """The message's row."""
        return await self._row("select * from message where customer_id = $1 and id = $2")

    async def events(self) -> list[str]:
        """What happened to it, in order."""
        rows = await self.connection.fetch(
            "select kind::text from event where customer_id = $1 and message_id = $2 order by id", *self._key
        )
        return [row["kind"] for row in rows]

    async def reports(self) -> list[Any]:
        """What was reported of it, in order."""
        rows: list[Any] = await self.connection.fetch(
            "select * from delivery_report where customer_id = $1 and message_id = $2 order by id", *self._key
        )
        return rows

    async def tally(self) -> dict[str, int]:
        """Its campaign's counts that are not nothing."""
        row = await self.connection.fetchrow(
            "select sum(t.accepted)::int as accepted, sum(t.bounced)::int as bounced,"
            " sum(t.uncertain)::int as uncertain, sum(t.held)::int as held, sum(t.refused)::int as refused,"
            " sum(t.cancelled)::int as cancelled, sum(t.expired)::int as expired"
            " from mailing_tally t join mailing g on g.id = t.mailing_id where g.campaign_id = $1",
            self.campaign,
        )
        return {name: count for name, count in row.items() if count}

    @property
    def _key(self) -> tuple[int, UUID]:
        return self.ref.customer_id, self.ref.message_id

    async def _row(self, statement: str) -> Any:
        return await self.connection.fetchrow(statement, *self._key)


async def make_sent(
    connection: Any, *, status: str = "ACCEPTED", of_campaign: bool = False, attempts: int = 1, **values: Any
) -> Sent:
    """A mail to Ann that was sent in so many attempts, and counted where it is a campaign's."""
    customer = await make_customer(connection, addresses=[ANN])
    campaign = await make_campaign(connection) if of_campaign else None
    message = await make_message(
        connection, customer, **{"status": status, "recipient": ANN, "campaign_id": campaign, **values}
    )
    for number in range(1, attempts + 1):
        verdict = "UNCERTAIN" if status == "UNCERTAIN" and number == attempts else "ACCEPTED"
        await make_attempt(connection, customer, message, number=number, verdict=verdict)
    if campaign is not None:
        counted = {} if status == "QUEUED" else {status.lower(): 1}
        mailing = await mailing_of(connection, campaign)
        await insert(connection, "mailing_tally", mailing_id=mailing, shard=0, made=1, **counted)
    return Sent(ref=MessageRef(customer_id=customer, message_id=message), campaign=campaign, connection=connection)


async def suppressed(connection: Any) -> list[tuple[str, str]]:
    """What is suppressed: reason and scope."""
    rows = await connection.fetch("select reason::text, scope::text from suppression")
    return [(row["reason"], row["scope"]) for row in rows]
