"""Claimed rows into mails that are ready to go: loaded, composed, signed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import asyncpg

from gateway.compose import campaign, sender_profiles
from gateway.compose.headers import Composed
from gateway.compose.sender_profiles import SenderVersion
from gateway.delivery.dkim import Asked, Signer, finish
from gateway.delivery.dkim_processes import Signatures
from gateway.delivery.flight_recorder import Slot
from gateway.delivery.send import Mail
from gateway.deployment import Deployment
from gateway.mail.source import SourceType
from gateway.mail.tracking import return_paths
from gateway.outbox.claim import Claimed, MessageFacts
from gateway.smtp.relays import Envelope
from gateway.storage import content
from gateway.templates import versions
from gateway.templates.versions import CompiledTemplate
from gateway.value import value

LARGE_AT_ONCE = 4
"""Large mails in memory at a time: with 25 MiB each, some 150 MiB at the very worst."""


@value
class Source:
    """What a row's mail is made of: a campaign's template, or other mail as it was stored."""

    facts: MessageFacts
    sender: SenderVersion
    template: CompiledTemplate | None = None
    stored: bytes = b""


@value
class Draft:
    """A mail, and the signatures that are still to be put in front of it, which take long."""

    mail: Mail
    asked: tuple[Asked, ...] = ()


class MailBuilder:
    """Makes mails of claimed rows: campaign mail is composed, individual mail loaded as it was stored. `room` is to be
    held while a large mail is in memory.

    `source` first, from memory or by `load`; then `compose`; then `sign`, many together.
    """

    def __init__(self, pool: asyncpg.Pool[Any], deployment: Deployment, signer: Signer | None) -> None:
        self._pool = pool
        self._deployment = deployment
        self._signer = signer
        self.room = asyncio.Semaphore(LARGE_AT_ONCE)
        self._signatures = None if signer is None else Signatures(signer)
        self._return_path_of = lru_cache(maxsize=64)(partial(return_paths, deployment.keyring))

    async def close(self) -> None:
        """End the signing processes."""
        if self._signatures is not None:
            await self._signatures.close()

    # ---- loading

    def source(self, row: Claimed) -> Source | None:
        """What a campaign's mail is made of, where all of it is in memory: for all but its first mail."""
        facts = row.facts
        if facts is None or facts.template_version_id is None or facts.source_type != SourceType.CAMPAIGN:
            return None
        sender = sender_profiles.recent(facts.sender_version_id)
        template = versions.recent(facts.template_version_id)
        if template is not None and facts.own_subject is not None:
            template = versions.with_subject(template, facts.own_subject)
        return Source(facts=facts, sender=sender, template=template) if sender and template else None

    async def load(self, row: Claimed) -> Source:
        """The same of any mail. Raises LookupError when something is gone, and what PostgreSQL raises."""
        facts = row.facts
        if facts is None:
            raise LookupError("the message of this row is gone")
        sender = await sender_profiles.load(self._pool, facts.sender_version_id)
        if facts.template_version_id is None or facts.source_type != SourceType.CAMPAIGN:
            stored = await content.load(self._pool, facts.content_sha256 or b"")
            return Source(facts=facts, sender=sender, stored=stored)
        template = versions.with_subject(await versions.load(self._pool, facts.template_version_id), facts.own_subject)
        return Source(facts=facts, sender=sender, template=template)

    # ---- composing

    def compose(self, row: Claimed, source: Source, *, via_relay: str | None, slot: Slot | None = None) -> Draft:
        """The mail, with the signatures that are made at once. Raises ValueError or Refusal: it cannot be composed."""
        made = self._composed(row, source)
        body, domain = made.content, source.sender.domain
        asked = self._signer.ask(body, domain, made.signed_headers) if self._signer else ()
        later = any(one.slow for one in asked)
        envelope = Envelope(
            return_path=self._return_path_of(self._deployment.settings.bounce_domain or domain)(
                row.ref, row.recipient_no, row.attempt
            ),
            recipient=row.address,
            content=body if later or not asked else finish(body, asked, [one.by(one.signed) for one in asked]),
            # Composed mail is ASCII but for an address in its headers; its copies to others show it, too.
            smtputf8=not body.isascii(),
        )
        sha256_hex = hashlib.sha256(body).hexdigest()
        if slot is not None:
            slot.mail_sha256_hex = sha256_hex
        mail = Mail(
            row=row,
            kind=source.facts.kind,
            envelope=envelope,
            sha256_hex=sha256_hex,
            via_relay=via_relay,
            slot=slot,
        )
        return Draft(mail=mail, asked=asked if later else ())

    def _composed(self, row: Claimed, source: Source) -> Composed:
        facts, sender = source.facts, source.sender
        if source.template is None:
            return Composed(subject="", content=source.stored)
        return campaign.compose_campaign(
            template=source.template,
            sender=sender,
            facts=campaign.campaign_facts(row.ref, facts, sender, self._deployment.settings),
            merge_data=facts.merge_data or {},
            keyring=self._deployment.keyring,
            to_be_signed=self._signer is not None,
        )

    # ---- signing

    async def sign(self, drafts: Sequence[Draft]) -> list[Mail]:
        """The mails, with all their signatures: those that take long are made together, elsewhere."""
        slow = [one for draft in drafts for one in draft.asked if one.slow]
        if not slow or self._signatures is None:
            return [draft.mail for draft in drafts]
        made = iter(await self._signatures.make(slow))
        return [
            _finished(draft, [next(made) if one.slow else one.by(one.signed) for one in draft.asked])
            for draft in drafts
        ]


def _finished(draft: Draft, signatures: Sequence[bytes]) -> Mail:
    mail, envelope = draft.mail, draft.mail.envelope
    return replace(mail, envelope=replace(envelope, content=finish(envelope.content, draft.asked, signatures)))
