"""Whose a received mail is, and which message of ours it answers.

In this order: our token in the address that it came to, our Message-ID in In-Reply-To or References, the address of its
From. A token is signed and only readers of our mail have it. A Message-ID proves nothing by itself: it stands in every
forwarded thread. So it counts only for one to whom that message went; what anybody else writes waits for a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.inbound.matching import own_message_ids
from gateway.inbound.reading import Reading, StoredMail, Unmatched
from gateway.mail.address import domain_of, split_mailbox
from gateway.mail.correspondence import Correspondence
from gateway.mail.inbound import MatchedBy, UnmatchedReason
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef
from gateway.mail.source import SourceType
from gateway.mail.tracking import read_customer_address, read_reply_address, read_return_path


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A message of ours that is answered. `domain` is that of its Message-ID. `went_to_author`: whether the one who
    answers is its customer, by an address of today or the one that it went to; `copied_to_author`: whether they have a
    copy."""

    ref: MessageRef
    source_type: SourceType
    domain: str
    went_to_author: bool
    copied_to_author: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Whose a received mail is. `recipient_no` is the recipient whose own return path it came to, None where that is
    not known."""

    customer_id: int
    matched_by: MatchedBy
    answered: Answered | None
    recipient_no: int | None = None


async def find_origin(
    connection: Connection, stored: StoredMail, reading: Reading, *, deployment: Deployment
) -> Origin | Unmatched:
    """Find a mail's customer, and the message that it answers; Unmatched where nothing tells, or several customers have
    the address."""
    written = reading.correspondence
    key = author_key(written, deployment)
    addresses = _came_to(stored, reading)
    return (
        await _by_token(connection, addresses, written, key, deployment.keyring)
        or _by_customer_address(addresses, deployment.keyring)
        or await _by_message_id(connection, reading, key)
        or await _by_address(connection, key)
        or Unmatched(reason=_reason(addresses, deployment))
    )


async def given_origin(
    connection: Connection, reading: Reading, *, customer_id: int, answers: UUID | None, deployment: Deployment
) -> Origin:
    """The origin that a person names; without a message, that of the customer's which the mail's headers name."""
    written = reading.correspondence
    key = author_key(written, deployment)
    if answers is not None:
        found = await _answered(connection, [MessageRef(customer_id=customer_id, message_id=answers)], written, key)
    else:
        found = [one for one in await _named(connection, reading, key) if one.ref.customer_id == customer_id]
    return Origin(customer_id=customer_id, matched_by=MatchedBy.PERSON, answered=found[0] if found else None)


def author_key(written: Correspondence, deployment: Deployment) -> bytes | None:
    """The key of the one address of From; None where it names nobody, or several."""
    return deployment.key_of(written.author.address.text) if written.author else None


def _came_to(stored: StoredMail, reading: Reading) -> list[str]:
    """The addresses of a mail, the envelope's first. A token is as good in a header: its writer has it."""
    return [stored.envelope_recipient or "", *reading.recipients]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Token:
    ref: MessageRef
    recipient_no: int | None


def _tokens(keyring: Keyring, addresses: Iterable[str]) -> Iterable[_Token]:
    for address in addresses:
        ref = read_reply_address(keyring, address)
        if ref is not None:
            yield _Token(ref=ref, recipient_no=None)
        path = read_return_path(keyring, address)  # programs that answer by themselves use it (RFC 3834 4)
        if path is not None:
            yield _Token(ref=path.ref, recipient_no=path.recipient_no)


async def _by_token(
    connection: Connection, addresses: Sequence[str], written: Correspondence, key: bytes | None, keyring: Keyring
) -> Origin | None:
    for token in _tokens(keyring, addresses):
        found = await _answered(connection, [token.ref], written, key)
        if found:
            return Origin(
                customer_id=token.ref.customer_id,
                matched_by=MatchedBy.TOKEN,
                answered=found[0],
                recipient_no=token.recipient_no,
            )
    return None


def _by_customer_address(addresses: Iterable[str], keyring: Keyring) -> Origin | None:
    """Whom a person of ours wrote to in their own mail program: the answer is to no message of ours."""
    for address in addresses:
        customer_id = read_customer_address(keyring, address)
        if customer_id is not None:
            return Origin(customer_id=customer_id, matched_by=MatchedBy.TOKEN, answered=None)
    return None


async def _by_message_id(connection: Connection, reading: Reading, key: bytes | None) -> Origin | None:
    for found in await _named(connection, reading, key):
        if found.went_to_author or found.copied_to_author:
            return Origin(customer_id=found.ref.customer_id, matched_by=MatchedBy.MESSAGE_ID, answered=found)
    return None


async def _by_address(connection: Connection, key: bytes | None) -> Origin | Unmatched | None:
    if key is None:
        return None
    found = [row["customer_id"] async for row in QUERIES.customers_of_address(connection, address_key=key)]
    if len(found) > 1:
        return Unmatched(reason=UnmatchedReason.SEVERAL_CUSTOMERS)
    return Origin(customer_id=found[0], matched_by=MatchedBy.ADDRESS, answered=None) if found else None


_LIKE_A_TOKEN = re.compile(r"[bvr][1-4][a-z0-9]{24,62}|c[1-4][a-z0-9]{19,33}")
"""The local part of an address of ours that is signed, or was before somebody altered it."""


def _reason(addresses: Iterable[str], deployment: Deployment) -> UnmatchedReason:
    settings = deployment.settings
    for address in addresses:
        local, _, domain = address.lower().rpartition("@")
        if domain and domain in (settings.reply_domain, settings.bounce_domain) and _LIKE_A_TOKEN.fullmatch(local):
            return UnmatchedReason.TOKEN_INVALID
    return UnmatchedReason.UNKNOWN_SENDER


async def _named(connection: Connection, reading: Reading, key: bytes | None) -> list[Answered]:
    """The messages of ours that a mail's headers name, the one that it answers first; bounded as they are."""
    domains = {own.ref: own.domain for own in own_message_ids(reading)}
    found = await _answered(connection, list(domains), reading.correspondence, key)
    return [one for one in found if one.domain == domains[one.ref]]


async def _answered(
    connection: Connection, refs: Sequence[MessageRef], written: Correspondence, key: bytes | None
) -> list[Answered]:
    """Of these messages, those that can be answered, in their order."""
    if not refs:
        return []
    rows = QUERIES.answered_messages(
        connection,
        customer_ids=[ref.customer_id for ref in refs],
        message_ids=[ref.message_id for ref in refs],
        address_key=key,
    )
    author = written.author.address.text.casefold() if written.author else None
    return [_answered_message(row, author) async for row in rows]


def _answered_message(row: Any, author: str | None) -> Answered:
    return Answered(
        ref=MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]),
        source_type=SourceType(row["source_type"]),
        domain=domain_of(split_mailbox(row["sender"])[1]),
        went_to_author=row["is_of_customer"] or (author is not None and _same(row["recipient"], author)),
        copied_to_author=author is not None and any(_same(address, author) for address in row["copies"]),
    )


def _same(address: str | None, author: str) -> bool:
    return address is not None and address.casefold() == author
