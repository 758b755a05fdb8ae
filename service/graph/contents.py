"""The mail itself of messages: kept, or composed again. One statement for all messages of a page, and one each for what
is not in memory: versions of templates, of senders, stored bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from asyncpg import Record

from gateway.compose import sender_profiles
from gateway.compose.exact import KeptMail, compose_again
from gateway.compose.sender_profiles import SenderVersion
from gateway.deployment import Deployment
from gateway.errors import Refusal
from gateway.mail.mail_content import READ, MailContent, read_content
from gateway.mail.message import MessageRef
from gateway.mail.untracked import untracked_html, untracked_text
from gateway.storage import content
from gateway.templates import versions
from gateway.templates.versions import CompiledTemplate
from service.database import statement

Fetch = Callable[..., Awaitable[list[Record]]]
"""As `Reading.fetch`."""
Key = tuple[int, UUID]
Version = TypeVar("Version", CompiledTemplate, SenderVersion)

READ_TOGETHER = 262_144
"""Octets of a stored mail that is read with the others of its page, 25 MiB for a page of 100; larger ones are read one
after the other."""
OTHER_BYTES = "What is kept differs from what a mail server was given."

_CONTENTS = statement("contents_of_messages")
_STARTS = statement("starts_of_contents")
_WHOLE = statement("whole_content")
_TEMPLATES = statement("templates_to_compose_again")
_SENDERS = statement("senders_to_compose_again")


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """One mail's bytes: `made` of a campaign's, which are composed; others are stored under `sha256`."""

    ref: MessageRef
    subject: str | None
    size: int
    sha256: bytes
    inexact_why: str | None = None
    made: bytes | None = None


async def read_contents(fetch: Fetch, deployment: Deployment, keys: Sequence[Key]) -> dict[Key, Content]:
    """The mail of these messages, by their keys; of some there is none (`contents_of_messages`)."""
    rows = await fetch(_CONTENTS, customer_ids=[customer for customer, _ in keys], ids=[message for _, message in keys])
    campaigns = [row for row in rows if row["stored_sha256"] is None]
    templates, senders = await _templates(fetch, campaigns), await _senders(fetch, campaigns)
    found: dict[Key, Content] = {}
    for row in rows:
        if row["stored_sha256"] is not None:
            made: Content | None = _stored(row)
        else:
            template = versions.with_subject(templates[row["template_version_id"]], row["own_subject"])
            made = _composed(row, template, senders[row["sender_version_id"]], deployment)
            await asyncio.sleep(0)  # others' turn: a page of large campaign mail takes tens of milliseconds
        if made is not None:
            found[row["customer_id"], row["id"]] = made
    return found


def _ref(row: Record) -> MessageRef:
    return MessageRef(customer_id=row["customer_id"], message_id=row["id"])


def _stored(row: Record) -> Content:
    differs = row["mail_sha256"] is not None and row["mail_sha256"] != row["stored_sha256"]
    return Content(
        ref=_ref(row),
        subject=row["subject"],
        size=row["stored_size"],
        sha256=row["stored_sha256"],
        inexact_why=OTHER_BYTES if differs else None,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Facts:
    """`gateway.compose.headers.KeptFacts` of a row."""

    mail_date: Any
    recipient: str
    recipient_name: str | None
    campaign_id: UUID | None
    tracked: bool
    token_key_id: str | None
    composer_version: int


def _composed(row: Record, template: CompiledTemplate, sender: SenderVersion, deployment: Deployment) -> Content | None:
    """None for mail that lacks a value, and so was never composed."""
    kept = KeptMail(
        ref=_ref(row),
        facts=_Facts(**{name: row[name] for name in _Facts.__slots__}),
        merge_data=row["merge_data"],
        mail_sha256=row["mail_sha256"],
        decided=row["decided"],
        erased=row["values_erased"],
    )
    try:
        made = compose_again(kept, template=template, sender=sender, deployment=deployment)
    except Refusal:
        return None
    return Content(
        ref=kept.ref,
        subject=row["subject"],
        size=len(made.content),
        sha256=sha256(made.content).digest(),
        inexact_why=made.inexact_why,
        made=made.content,
    )


async def _templates(fetch: Fetch, rows: Sequence[Record]) -> Mapping[UUID, CompiledTemplate]:
    wanted = {row["template_version_id"] for row in rows}
    return await _versions(fetch, _TEMPLATES, wanted, versions.recent, versions.remember)


async def _senders(fetch: Fetch, rows: Sequence[Record]) -> Mapping[UUID, SenderVersion]:
    wanted = {row["sender_version_id"] for row in rows}
    return await _versions(fetch, _SENDERS, wanted, sender_profiles.recent, sender_profiles.remember)


async def _versions(
    fetch: Fetch,
    wanted: Any,
    ids: Iterable[UUID],
    recent: Callable[[UUID], Version | None],
    remember: Callable[[Record], Version],
) -> Mapping[UUID, Version]:
    """Versions by their ids: those that are in memory, and the others by one statement."""
    found = {one: version for one in ids if (version := recent(one)) is not None}
    missing = [one for one in ids if one not in found]
    rows = await fetch(wanted, ids=missing) if missing else []
    return found | {row["id"]: remember(row) for row in rows}


async def read_texts(fetch: Fetch, deployment: Deployment, contents: Sequence[Content]) -> list[MailContent]:
    """What these mails say, without our tracking, in their order. Parsed in a thread."""
    together = [one.sha256 for one in contents if one.made is None and one.size <= READ_TOGETHER]
    rows = {row["sha256"]: row for row in await _starts(fetch, together)}

    def parse(one: Content, row: Record | None) -> MailContent:
        raw = one.made if one.made is not None else content.decode_start(row, READ) if row is not None else b""
        return _untracked(read_content(raw, whole=len(raw) == one.size), deployment)

    found: dict[int, MailContent] = {}
    small = {at: one for at, one in enumerate(contents) if one.made is not None or one.sha256 in rows}
    found |= await asyncio.to_thread(lambda: {at: parse(one, rows.get(one.sha256)) for at, one in small.items()})
    for at, one in enumerate(contents):
        if at not in found:
            start = await _starts(fetch, [one.sha256])
            found[at] = await asyncio.to_thread(parse, one, start[0] if start else None)
    return [found[at] for at in range(len(contents))]


async def _starts(fetch: Fetch, hashes: Sequence[bytes]) -> list[Record]:
    return await fetch(_STARTS, sha256s=list(hashes), octets=READ) if hashes else []


def _untracked(said: MailContent, deployment: Deployment) -> MailContent:
    keyring, public_url = deployment.keyring, deployment.settings.public_url
    return MailContent(
        headers=said.headers,
        html=None if said.html is None else untracked_html(said.html, keyring, public_url),
        text=None if said.text is None else untracked_text(said.text, keyring, public_url),
    )


async def whole(fetch: Fetch, one: Content) -> bytes | None:
    """All bytes of a mail; None when they were taken away meanwhile."""
    if one.made is not None:
        return one.made
    rows = await fetch(_WHOLE, sha256=one.sha256)
    return await asyncio.to_thread(content.decode, rows[0]) if rows else None
