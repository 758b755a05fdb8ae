"""A mail that was read is joined to the ledger: to the message it reports on, or as a message of its own; else it is
listed as nobody's."""

from __future__ import annotations

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.inbound import replies
from gateway.inbound.complaints import write_complaint
from gateway.inbound.matching import TokenSearch, find_complaint_token, trace_report
from gateway.inbound.reading import WRITTEN, Joined, Reading, StoredMail, Unmatched
from gateway.inbound.reports import write_reports
from gateway.mail.dsn import DeliveryReport
from gateway.mail.inbound import InboundKind, UnmatchedReason
from gateway.mail.message import MessageRef

LONGEST_EXCERPT = 500
LONGEST_SUBJECT = 998
"""Characters: a line of a mail (RFC 5322 2.1.1)."""
LONGEST_ADDRESS = 320


async def join_mail(
    connection: Connection, stored: StoredMail, reading: Reading, deployment: Deployment
) -> Joined | Unmatched:
    """Join a mail to the ledger by what it says, and write what it was read as. Within the caller's transaction, which
    has locked the mail. Raises TooEarly (`gateway.inbound.reports`)."""
    found = await _join(connection, stored, reading, deployment)
    await write_result(connection, stored, reading, found, deployment)
    return found


async def _join(
    connection: Connection, stored: StoredMail, reading: Reading, deployment: Deployment
) -> Joined | Unmatched:
    inbound = reading.inbound
    if inbound.kind in WRITTEN:
        return await replies.join(connection, stored, reading, deployment=deployment)
    if inbound.complaint is not None:
        search = find_complaint_token(stored, reading, deployment.keyring)
        if search.trace is not None:
            ref = await write_complaint(connection, inbound.complaint, search.trace, deployment)
            return _joined(ref, search)
        return _unmatched(search)
    search = await trace_report(connection, stored, reading, deployment)
    if search.trace is not None:
        written = await write_reports(connection, stored, reading, search.trace, deployment)
        return _joined(written.ref if written is not None else None, search)
    return _unmatched(search)


def _joined(ref: MessageRef | None, search: TokenSearch) -> Joined | Unmatched:
    """Where a token is right and its message is gone (deleted, or of a database that was put back), nothing is left
    to join."""
    if ref is None or search.trace is None:
        return Unmatched(reason=UnmatchedReason.NO_TRACE)
    return Joined(ref=ref, matched_by=search.trace.matched_by)


def _unmatched(search: TokenSearch) -> Unmatched:
    return Unmatched(reason=UnmatchedReason.TOKEN_INVALID if search.invalid else UnmatchedReason.NO_TRACE)


async def write_result(
    connection: Connection, stored: StoredMail, reading: Reading, found: Joined | Unmatched, deployment: Deployment
) -> None:
    """Write what a mail was read as. Of an erased customer's the bytes are not kept."""
    nobodys = isinstance(found, Unmatched)
    erased = await QUERIES.finish_inbound_mail(
        connection,
        id=stored.id,
        kind=reading.inbound.kind,
        unmatched=found.reason if isinstance(found, Unmatched) else None,
        matched_by=found.matched_by if isinstance(found, Joined) else None,
        customer_id=found.ref.customer_id if isinstance(found, Joined) else None,
        message_id=found.ref.message_id if isinstance(found, Joined) else None,
        from_address=_shown_sender(stored, reading) if nobodys else None,
        subject=_shown(reading.correspondence.subject, LONGEST_SUBJECT) if nobodys else None,
        excerpt=_excerpt(reading) if nobodys else None,
    )
    if erased:
        await forget_content(connection, stored)


async def forget_content(connection: Connection, stored: StoredMail) -> None:
    """Take a mail's bytes off it, and delete them where nothing else refers to them."""
    await QUERIES.forget_inbound_content(connection, id=stored.id)
    await delete_content(connection, [stored.content_sha256])


async def delete_content(connection: Connection, hashes: list[bytes]) -> None:
    """Delete stored bytes to which nothing refers any more. Within the caller's transaction: the lock comes first, so
    that nothing new refers to them between the look and the end."""
    await QUERIES.lock_content(connection, hashes=hashes)
    await QUERIES.delete_unreferenced_content(connection, hashes=hashes)


# What the list of unmatched mail shows ------------------------------------------------------------------------------


def _shown_sender(stored: StoredMail, reading: Reading) -> str | None:
    """Who sent it, as its envelope says, else its From; of a report nobody."""
    if reading.inbound.kind is InboundKind.BOUNCE:
        return None
    author = reading.correspondence.author
    found = stored.envelope_sender or (author.address.text if author is not None else None)
    return _shown(found, LONGEST_ADDRESS) if found else None


def _excerpt(reading: Reading) -> str:
    """The beginning of what was written, or of a report's words."""
    if reading.reply is not None:
        return _shown(reading.reply.text or reading.reply.history, LONGEST_EXCERPT)
    report: DeliveryReport | None = reading.inbound.report
    return _shown(report.recipients[0].words if report is not None and report.recipients else "", LONGEST_EXCERPT)


def _shown(text: str, limit: int) -> str:
    """A line of text that PostgreSQL can keep."""
    return " ".join(text[: 4 * limit].replace("\0", " ").encode("utf-8", "replace").decode().split())[:limit]
