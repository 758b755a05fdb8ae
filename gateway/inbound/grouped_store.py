"""Mail of many connections stored in one transaction: one wait for the disk for all of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import asyncpg

from gateway.batching import Batcher
from gateway.database import AWAY, Connection
from gateway.errors import GatewayError, LedgerFull, LedgerUnavailable
from gateway.inbound.store import Received, store_all
from gateway.telemetry.metrics import INBOUND_STORE_SECONDS

log = logging.getLogger("gateway.inbound")

ONE_TRANSACTION = 100
"""Mails in a group: the wait for the disk is shared by then, and what a group has in memory stays small."""
LARGE = 262_144
"""Octets: a larger mail is stored alone, so that small ones do not wait for it."""
LARGE_TOGETHER = 2
"""Large mails stored at a time: each is in memory three times meanwhile, as it came, compressed, and on its way."""
STORE_SECONDS = 60.0
"""How long a mail may wait to be stored. Senders wait ten minutes for the answer (RFC 5321 4.5.3.2.6)."""

ConnectionMaker: TypeAlias = Callable[[], AbstractAsyncContextManager[Connection]]
"""Lends a connection: `pool.acquire`, or the service's way to its own."""


class GroupedStore:
    """Stores received mail. When a call returns, the mail is on the disk."""

    def __init__(self, lend: ConnectionMaker) -> None:
        self._lend = lend
        self._small: Batcher[Received, GatewayError | None] = Batcher(self._store_group, max_size=ONE_TRANSACTION)
        self._large = asyncio.Semaphore(LARGE_TOGETHER)

    async def __call__(self, mail: Received) -> None:
        """Store one mail for all of its recipients. Raises LedgerUnavailable, LedgerFull: nothing may be said to be
        stored, and a repeat stores it once."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(STORE_SECONDS):
                error = await self._store(mail)
        except TimeoutError:
            error = LedgerUnavailable("PostgreSQL takes too long")
        INBOUND_STORE_SECONDS.observe(time.perf_counter() - begun)
        if error is not None:
            raise error

    async def _store(self, mail: Received) -> GatewayError | None:
        if len(mail.raw) <= LARGE:
            return await self._small(mail)
        async with self._large:
            return await self._alone(mail)

    async def _store_group(self, mails: Sequence[Received]) -> Sequence[GatewayError | None]:
        """Returns what went wrong with each. One mail that cannot be stored does not take the others along."""
        try:
            error = await self._attempt(mails)
        except asyncpg.PostgresError:
            return [await self._alone(mail) for mail in mails]
        return [error] * len(mails)

    async def _alone(self, mail: Received) -> GatewayError | None:
        try:
            return await self._attempt([mail])
        except asyncpg.PostgresError:
            log.exception("a received mail cannot be stored")
            return LedgerUnavailable("PostgreSQL refuses this mail")

    async def _attempt(self, mails: Sequence[Received]) -> GatewayError | None:
        """Returns why PostgreSQL cannot write now. Raises PostgresError where it is a matter of these mails."""
        try:
            async with self._lend() as connection:
                await store_all(connection, mails)
        except (asyncpg.DiskFullError, asyncpg.PostgresIOError) as error:
            return LedgerFull(type(error).__name__)
        except (*AWAY, asyncpg.InternalClientError) as error:  # the latter: the server went as a statement was sent
            return LedgerUnavailable(type(error).__name__)
        return None
