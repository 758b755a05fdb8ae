"""`/readyz` says when bounces that come later would be lost; requests may come all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.inbound.heartbeat import note_listening
from gateway.inbound.store import InboundSource
from service.auth.tokens import create_token, revoke_token
from service.cache import Cache
from service.database import DatabasePools
from service.health import Health


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[Cache]:
    made = Cache(redis_url, clock=lambda: 0.0)
    yield made
    await made.close()


class Clock:
    """Each look is a minute after the last, so that no report is remembered."""

    now = 0.0

    def __call__(self) -> float:
        """A minute later."""
        self.now += 60
        return self.now


def health(pools: DatabasePools, cache: Cache, *, has_bounce_domain: bool = True) -> Health:
    return Health(pools, cache, has_bounce_domain=has_bounce_domain, is_draining=lambda: False, clock=Clock())


async def test_without_a_bounce_domain_later_bounces_are_lost(pools: DatabasePools, cache: Cache) -> None:
    report = await health(pools, cache, has_bounce_domain=False).report()
    assert (report["status"], report["inbound"]) == ("ready", "later bounces will be lost: set BOUNCE_DOMAIN")


async def test_somebody_must_take_them(pools: DatabasePools, cache: Cache, pool: Any) -> None:
    made = health(pools, cache)
    report = await made.report()
    assert report["status"] == "ready"
    assert report["inbound"].startswith("later bounces will be lost: nothing takes them")
    # A process of the gateway takes them
    await note_listening(pool, [InboundSource.SMTP, InboundSource.IMAP])
    await note_listening(pool, [InboundSource.SMTP])
    assert (await made.report())["inbound"] == "ok"
    # It has gone, and a provider hands them in
    await pool.execute("update inbound_listener set seen_at = now() - interval '61 seconds'")
    assert (await made.report())["inbound"] != "ok"
    await create_token(pool, "crm")
    assert (await made.report())["inbound"] != "ok"
    async with pool.acquire() as connection:
        await create_token(connection, "provider", inbound_only=True)
        assert (await made.report())["inbound"] == "ok"
        await revoke_token(connection, "provider")
    assert (await made.report())["inbound"] != "ok"
