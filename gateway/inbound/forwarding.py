"""A customer's reply goes on to the staff mailbox of the sender that it answers, as internal mail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.compose import headers, sender_profiles
from gateway.compose.forwarded import FORWARDED_BY, OUR_MARK, Forwarded, compose_forwarded
from gateway.compose.sender_profiles import SenderVersion, is_under
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.inbound.reading import Reading, StoredMail
from gateway.inbound.reports import record_event
from gateway.mail.address import domain_of
from gateway.mail.inbound import InboundKind
from gateway.mail.message import EventKind, MessageRef
from gateway.mail.mime import AttachedFile
from gateway.mail.received import MAIL_TYPES, Part, read_mail
from gateway.outbox.lanes import IndividualLane
from gateway.outbox.outcomes import GATEWAY
from gateway.storage import content

DEADLINE = timedelta(hours=48)
"""Later nobody waits for a reply to be forwarded: it is in the history."""
MAX_HOPS = 25
"""Received lines: the longest real journeys have some 15, and RFC 5321 6.3 takes 100 for a loop."""
MAX_FILES_BYTES = 15 * 1024 * 1024
"""Octets of files: in base64 some 20 MiB, which nearly every mailbox takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prepared:
    """What of the received bytes goes on."""

    files: tuple[AttachedFile, ...]
    left_out: int


async def forward(
    connection: Connection, ref: MessageRef, stored: StoredMail, reading: Reading, *, deployment: Deployment
) -> None:
    """Forward a reply, `ref` among the received messages, to the staff mailbox of the sender of what it answers: of the
    default sender where it answers nothing. Within the transaction that joins it; once.

    Nothing is forwarded that a machine wrote, that was forwarded before or came round, or that staff wrote themselves;
    nothing to a domain of ours.
    """
    if reading.inbound.kind is not InboundKind.REPLY or reading.reply is None:
        return
    row = await QUERIES.reply_to_forward(connection, customer_id=ref.customer_id, message_id=ref.message_id)
    if row is None:
        return
    sender = await sender_profiles.current(connection, row["sender_id"], default_from=deployment.settings.default_from)
    if not _wanted(sender, reading, deployment):
        return
    raw = await content.load(connection, stored.content_sha256)
    prepared = await asyncio.to_thread(prepare, raw, reading)
    if prepared is not None:
        await _enqueue(connection, ref, row, sender, reading, prepared, deployment)


def _wanted(sender: SenderVersion, reading: Reading, deployment: Deployment) -> bool:
    to, settings, author = sender.forward_replies_to, deployment.settings, reading.correspondence.author
    if to is None:
        return False
    if any(is_under(domain_of(to), ours) for ours in (settings.bounce_domain, settings.reply_domain)):
        return False  # set before the domain became ours
    return author is None or deployment.key_of(author.address.text) != deployment.key_of(to)


def prepare(raw: bytes, reading: Reading) -> _Prepared | None:
    """Returns the files that go on; None when the mail has been round. Takes as long as reading a mail: for a thread.

    Where files alone would not say all (a mail among them, too many, a text that was cut) the mail goes on whole, as a
    file.
    """
    root = read_mail(raw).root
    if has_been_round(root):
        return None
    found = reading.attachments
    listed, more = (found.listed, found.more) if found is not None else ((), 0)
    cut = reading.reply is not None and reading.reply.cut
    if (cut or more or any(one.declared_type in MAIL_TYPES for one in listed)) and len(raw) <= MAX_FILES_BYTES:
        whole = AttachedFile(name="message.eml", media_type="application/octet-stream", content=raw)
        return _Prepared(files=(whole,), left_out=0)
    parts, files, left = list(root.walk(into_mails=False)), [], MAX_FILES_BYTES
    for one in listed:
        octets = parts[one.number].content(left + 1) if one.declared_type not in MAIL_TYPES else None
        if octets is not None and len(octets) <= left:
            media_type = one.found_type or one.declared_type
            files.append(AttachedFile(name=one.name, media_type=media_type, content=octets))
            left -= len(octets)
    return _Prepared(files=tuple(files), left_out=len(listed) + more - len(files))


def has_been_round(root: Part) -> bool:
    """Whether a mail was forwarded by us, or by a deployment like ours, or has come too far to be new."""
    marks = root.all_headers(FORWARDED_BY.lower())
    return any(mark.strip().startswith(OUR_MARK) for mark in marks) or len(root.all_headers("received")) > MAX_HOPS


async def _enqueue(
    connection: Connection,
    ref: MessageRef,
    row: Any,
    sender: SenderVersion,
    reading: Reading,
    prepared: _Prepared,
    deployment: Deployment,
) -> None:
    """Write the internal message, queue it, and say so of the reply."""
    if sender.forward_replies_to is None or reading.reply is None:
        return
    to = sender.forward_replies_to
    by = MessageRef(customer_id=ref.customer_id, message_id=row["forwarding_id"])
    forwarded = Forwarded(
        ref=by,
        mail_date=row["mail_date"],
        sender=sender,
        to=to,
        correspondence=reading.correspondence,
        text=reading.reply.whole,
        files=prepared.files,
        left_out=prepared.left_out,
    )
    composed = await asyncio.to_thread(compose_forwarded, forwarded)
    await QUERIES.insert_internal_message(
        connection,
        customer_id=by.customer_id,
        id=by.message_id,
        sender_version_id=sender.id,
        mail_date=row["mail_date"],
        sender=sender.mailbox,
        recipient=to,
        subject=composed.subject,
        content_sha256=await content.store(connection, composed.content),
        composer_version=headers.COMPOSER_VERSION,
        bound_relay=row["bound_relay"],
    )
    await QUERIES.insert_outbox(
        connection,
        customer_id=by.customer_id,
        message_id=by.message_id,
        lane=IndividualLane.INDIVIDUAL,
        expires_at=row["mail_date"] + DEADLINE,
        bound_relay=row["bound_relay"],
        recipient_nos=[0],
        addresses=[to],
        address_keys=[deployment.key_of(to)],
        domains=[domain_of(to)],
        attempts=[1],
        retry_once=True,  # twice in a staff mailbox is better than not at all
    )
    await QUERIES.note_forwarding(
        connection, customer_id=ref.customer_id, message_id=ref.message_id, forwarding_id=by.message_id
    )
    data = {"message": str(by.message_id)}
    await record_event(connection, ref, 0, EventKind.FORWARDED, actor=GATEWAY, data=data)
