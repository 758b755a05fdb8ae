"""Claimed rows into mails that are ready to go: loaded, composed, signed."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import asyncpg

from gateway.compose import campaign, headers, sender_profiles
from gateway.compose.sender_profiles import SenderVersion
from gateway.delivery.dkim import Signer, finish
from gateway.delivery.dkim_processes import Signatures
from gateway.delivery.flight_recorder import Slot
from gateway.delivery.send import Mail
from gateway.deployment import Deployment
from gateway.mail.letter import Mailbox
from gateway.mail.message import MessageRef
from gateway.mail.source import SourceType
from gateway.mail.tracking import return_path
from gateway.outbox.claim import Claimed, MessageFacts
from gateway.smtp.relays import Envelope
from gateway.storage import content
from gateway.templates import versions
from gateway.templates.versions import CompiledTemplate

LARGE_AT_ONCE = 4
"""Large mails in memory at a time: with 25 MiB each, some 150 MiB at the very worst."""


class MailBuilder:
    """Makes mails of claimed rows: campaign mail is composed, individual mail loaded as it was stored. `room` is to be
    held while a large mail is in memory."""

    def __init__(self, pool: asyncpg.Pool[Any], deployment: Deployment, signer: Signer | None) -> None:
        self._pool = pool
        self._deployment = deployment
        self._signer = signer
        self.room = asyncio.Semaphore(LARGE_AT_ONCE)
        self._signatures = None if signer is None else Signatures(signer)

    async def close(self) -> None:
        """End the signing processes."""
        if self._signatures is not None:
            await self._signatures.close()

    async def build(self, row: Claimed, *, via_relay: str | None, slot: Slot | None = None) -> Mail:
        """Compose (or load) and sign. Raises LookupError, ValueError or Refusal when that cannot be done."""
        facts = row.facts
        if facts is None:
            raise LookupError("the message of this row is gone")
        profile = await sender_profiles.load(self._pool, facts.sender_version_id)
        ref, domain = row.ref, profile.domain
        if facts.source_type == SourceType.CAMPAIGN:
            version = await versions.load(self._pool, facts.template_version_id)
            body = self._compose(ref, facts, version, profile, domain)
        else:
            body = await content.load(self._pool, facts.content_sha256 or b"")
        envelope = Envelope(
            return_path=return_path(self._deployment.keyring, domain, ref, row.recipient_no),
            recipient=row.address,
            content=await self._signed(body, domain),
            # Composed mail is ASCII but for an address in its headers; its copies to others show it, too.
            smtputf8=not body.isascii(),
        )
        sha256_hex = hashlib.sha256(body).hexdigest()
        if slot is not None:
            slot.mail_sha256_hex = sha256_hex
        return Mail(
            row=row,
            source_type=facts.source_type,
            envelope=envelope,
            sha256_hex=sha256_hex,
            via_relay=via_relay,
            slot=slot,
        )

    def _compose(
        self,
        ref: MessageRef,
        facts: MessageFacts,
        version: CompiledTemplate,
        profile: SenderVersion,
        domain: str,
    ) -> bytes:
        settings = self._deployment.settings
        name = facts.recipient_name
        return campaign.compose_campaign(
            template=version,
            sender=profile,
            facts=headers.Facts(
                ref=ref,
                mail_date=facts.mail_date,
                to=Mailbox(address=facts.recipient, name=name),
                customer_name=name,
                locale=profile.locale,
                time_zone=profile.time_zone,
                message_id_domain=domain,
                public_url=settings.public_url,
                tracked=facts.tracked,
                campaign_id=facts.campaign_id,
                token_key_id=facts.token_key_id,
                composer_version=facts.composer_version,
                honeypot=settings.honeypot_link,
            ),
            merge_data=facts.merge_data or {},
            keyring=self._deployment.keyring,
        ).content

    async def _signed(self, body: bytes, domain: str) -> bytes:
        if self._signer is None or self._signatures is None:
            return body
        asked = self._signer.ask(body, domain)
        return finish(body, asked, [await self._signatures.make(one) for one in asked])
