"""Changes of campaigns for subscriptions: one look a second at each watched campaign, shared by all who watch it.

What changes is counted by many: sending, hits, reports, people. Looking costs as much as one query of its progress, and
only while somebody watches; a notification a change would cost the sending path.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from uuid import UUID

from service.database import DatabasePools, statement
from service.errors import ServiceError

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks: nobody reads faster."""

_FINGERPRINT = statement("campaign_fingerprint")


class CampaignChanges:
    """Tells who watches a campaign that something of it changed. One a process."""

    def __init__(self, pools: DatabasePools, *, every: float = LOOK_SECONDS) -> None:
        self._pools = pools
        self._every = every
        self._watched: dict[UUID, _Watched] = {}

    @property
    def watched(self) -> int:
        """How many campaigns are looked at."""
        return len(self._watched)

    async def subscribe(self, campaign_id: UUID) -> AsyncGenerator[None, None]:
        """Yields at once, then whenever the campaign has changed, at most once a look. Close it to stop watching."""
        watched = self._watched.setdefault(campaign_id, _Watched())
        if watched.task is None:
            watched.task = asyncio.get_running_loop().create_task(self._look(campaign_id, watched))
        arrived = asyncio.Event()
        watched.subscribers.append(arrived)
        try:
            # What comes after the first look differs from it: a subscriber that reads it from now on misses nothing.
            await watched.looked.wait()
            yield
            while True:
                await arrived.wait()
                arrived.clear()
                yield
        finally:
            watched.subscribers.remove(arrived)
            if not watched.subscribers:
                watched.task.cancel()
                self._watched.pop(campaign_id, None)

    async def _look(self, campaign_id: UUID, watched: _Watched) -> None:
        seen = await self._fingerprint(campaign_id)
        watched.looked.set()
        while True:
            await asyncio.sleep(self._every)
            found = await self._fingerprint(campaign_id)
            if found is not None and found != seen:
                seen = found
                for arrived in watched.subscribers:
                    arrived.set()

    async def _fingerprint(self, campaign_id: UUID) -> str | None:
        """None while PostgreSQL does not answer: the next look tells."""
        try:
            rows = await self._pools.fetch_latest(_FINGERPRINT, campaign_id=campaign_id)
        except ServiceError as error:
            log.debug("a watched campaign could not be read: %s", type(error).__name__)
            return None
        return str(rows[0]["fingerprint"]) if rows else ""


class _Watched:
    """Who watches one campaign, the task that looks at it, and whether it has looked once."""

    def __init__(self) -> None:
        self.subscribers: list[asyncio.Event] = []
        self.task: asyncio.Task[None] | None = None
        self.looked = asyncio.Event()
