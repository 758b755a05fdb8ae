"""Claimed rows into mails that are ready to go: loaded, composed, signed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from gateway import compose, content, sender, template
from gateway.claim import Claimed
from gateway.database import QUERIES
from gateway.group import Grouper
from gateway.house import House
from gateway.mail.letter import Mailbox
from gateway.mail.message import MessageRef
from gateway.mail.source import SourceType
from gateway.mail.tracking import return_path
from gateway.send import Mail
from gateway.smtp import Envelope
from gateway.template import CompiledTemplate

LARGE_CONTENT = 1_048_576
"""Octets from which a mail counts as large."""
LARGE_AT_ONCE = 4
"""Large mails in memory at a time: with 25 MiB each, some 150 MiB at the very worst."""
SIGNATURES_AT_ONCE = 32
"""Mails signed a visit to the thread: the visit costs as much as a signature by ed25519."""


class Signs(Protocol):
    """What puts DKIM-Signature before a mail (`gateway.dkim.Signer`)."""

    def sign(self, content: bytes, from_domain: str) -> bytes: ...


class Prepare:
    """Makes mails of claimed rows: campaign mail is composed, individual mail loaded as it was stored."""

    def __init__(self, pool: asyncpg.Pool[Any], house: House, signer: Signs | None) -> None:
        self._pool = pool
        self._house = house
        self._signer = signer
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="dkim")
        self._sign: Grouper[tuple[bytes, str], bytes] = Grouper(self._sign_group, largest=SIGNATURES_AT_ONCE)

    def close(self) -> None:
        """Let the signing threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def room(self, facts: Any) -> AbstractAsyncContextManager[None]:
        """To be held while the mail is in memory: a few large ones at a time."""
        size = facts["content_size"] if facts is not None else None
        return self._large if size is not None and size >= LARGE_CONTENT else nullcontext()

    async def facts(self, connection: Any, rows: Sequence[Claimed]) -> dict[tuple[int, UUID, int], Any]:
        """What composing needs of these rows, by their keys; a row whose message has gone is left out."""
        found = {
            (row["customer_id"], row["message_id"]): row
            async for row in QUERIES.mails_to_send(connection, rows=[row.fence for row in rows])
        }
        return {row.key: found[row.key[:2]] for row in rows if row.key[:2] in found}

    async def mail(self, row: Claimed, facts: Any, *, only: str | None) -> Mail:
        """Compose (or load) and sign. Raises LookupError, ValueError or Refusal when that cannot be done."""
        if facts is None:
            raise LookupError("the message of this row is gone")
        profile = await sender.load(self._pool, facts["sender_version_id"])
        ref, domain = row.ref, profile.domain
        if facts["source_type"] == SourceType.CAMPAIGN:
            version = await template.load(self._pool, facts["template_version_id"])
            body = self._compose(ref, facts, version, profile, domain)
        else:
            body = await content.load(self._pool, facts["content_sha256"])
        envelope = Envelope(
            return_path=return_path(self._house.keyring, domain, ref, row.recipient_no),
            recipient=row.address,
            content=body if self._signer is None else await self._sign((body, domain)),
        )
        return Mail(
            row=row,
            source_type=facts["source_type"],
            envelope=envelope,
            sha256_hex=hashlib.sha256(body).hexdigest(),
            only=only,
        )

    def _compose(
        self, ref: MessageRef, facts: Any, version: CompiledTemplate, profile: sender.SenderVersion, domain: str
    ) -> bytes:
        settings = self._house.settings
        name = facts["recipient_name"]
        return compose.compose_campaign(
            template=version,
            sender=profile,
            facts=compose.Facts(
                ref=ref,
                mail_date=facts["mail_date"],
                to=Mailbox(address=facts["recipient"], name=name),
                customer_name=name,
                locale=profile.locale,
                time_zone=profile.time_zone,
                message_id_domain=domain,
                public_url=settings.public_url,
                tracked=facts["tracked"],
                campaign_id=facts["campaign_id"],
                token_key_id=facts["token_key_id"],
                honeypot=settings.honeypot_link,
            ),
            merge_data=facts["merge_data"],
            keyring=self._house.keyring,
        ).content

    async def _sign_group(self, group: Sequence[tuple[bytes, str]]) -> Sequence[bytes]:
        """Sign a few mails in one visit to a thread: OpenSSL works without the interpreter's lock."""
        signer = self._signer
        if signer is None:
            return [body for body, _ in group]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: [signer.sign(body, domain) for body, domain in group])
