"""`/healthz`: the process. `/readyz`: whether to send requests here, and what is degraded though we serve on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.database import BASELINE
from service.auth.callers import address_of
from service.cache import Cache
from service.database import QUERIES, DatabasePools, statement
from service.errors import CannotWrite, RequestRefused, ServiceError
from service.migrations import MIGRATIONS
from service.replicas import Replicas

_PATIENCE = 2.0
"""Seconds a probe waits for the database."""
_MEMORY = 0.5
"""Seconds a report is good for: probes of many balancers cost one statement."""
_APPLIED = statement("applied_migrations")
_RELAYS = statement("relay_health")
_INBOUND = statement("inbound_health")
_NO_BOUNCE_DOMAIN = "later bounces will be lost: set BOUNCE_DOMAIN"
_NOTHING_LISTENS = "later bounces will be lost: nothing takes them, start python -m gateway --inbound"


def expected_migrations(directory: Path = MIGRATIONS) -> frozenset[str]:
    """The versions this code was written for: the numbers that migrations are named by."""
    return frozenset(path.name.partition("_")[0] for path in directory.glob("[0-9]*.sql"))


class Health:
    """What `/readyz` says. Ready: the database answers and takes writes, its migrations are ours or newer, and we are
    not draining. The other parts are warnings."""

    def __init__(
        self,
        pools: DatabasePools,
        cache: Cache,
        *,
        has_bounce_domain: bool,
        is_draining: Callable[[], bool],
        clock: Callable[[], float],
        replicas: Replicas | None = None,
    ) -> None:
        self._pools = pools
        self._cache = cache
        self._clock = clock
        self._replicas = replicas
        self._expected = expected_migrations()
        self._known: tuple[float, dict[str, str]] = (0.0, {})
        self._has_bounce_domain = has_bounce_domain
        self._is_draining = is_draining

    async def report(self) -> dict[str, str]:
        """Each part as ok, degraded or down."""
        made, known = self._known
        if not known or self._clock() - made > _MEMORY:
            known = await self._look()
            self._known = (self._clock(), known)
        if self._replicas is not None:
            known = {**known, "replicas": self._replicas.report()}
        if self._is_draining():
            return {"status": "draining", **known}
        right = known["database"] == "ok" and known["migrations"] == "ok"
        status = "ready" if right else "unready"
        return {"status": status, **known}

    async def _look(self) -> dict[str, str]:
        valkey = "ok" if await self._cache.is_up() else "degraded"
        try:
            async with asyncio.timeout(_PATIENCE):
                applied = {row["version"] for row in await self._pools.fetch_latest(_APPLIED)}
                relays = await self._pools.fetch_latest(_RELAYS)
                database = await self._check_writes()
                inbound = await self._check_inbound(applied)
        except (ServiceError, TimeoutError):
            return {
                "database": "down",
                "migrations": "unknown",
                "valkey": valkey,
                "gateway": "unknown",
                "relays": "unknown",
                "inbound": "unknown",
            }
        return {
            "database": database,
            "migrations": self._compare(applied),
            "valkey": valkey,
            "gateway": "ok" if any(row["seen"] for row in relays) else "degraded",
            "relays": "degraded" if any(row["troubled"] for row in relays) else "ok",
            "inbound": inbound,
        }

    async def _check_inbound(self, applied: set[str]) -> str:
        """Whether bounces that come later are taken: a warning, since mail is sent all the same."""
        if not self._has_bounce_domain:
            return _NO_BOUNCE_DOMAIN
        if not self._expected <= applied:
            return "unknown"
        return "ok" if (await self._pools.fetch_latest(_INBOUND))[0]["taken"] else _NOTHING_LISTENS

    async def _check_writes(self) -> str:
        """Whether the primary takes writes: a full disk answers reads."""
        try:
            async with self._pools.writing_connection() as connection, connection.transaction():
                await QUERIES.small_sorts(connection)
                return "takes only reads" if await QUERIES.write_check(connection) else "ok"
        except CannotWrite:
            return "cannot write: its disk is full"

    def _compare(self, applied: set[str]) -> str:
        """The applied migrations against ours: ok, or what to do."""
        if any(version < BASELINE for version in applied):
            return "made before the first release: use an empty database"
        return "ok" if self._expected <= applied else "missing: run make migrate"


async def _may_see_parts(request: Request) -> bool:
    try:
        if ip_address(address_of(request)).is_loopback:
            return True
    except ValueError:  # no network address
        pass
    try:
        await request.app.state.resources.authenticator.caller(request)
    except (RequestRefused, ServiceError):
        return False
    return True


async def healthz(_: Request) -> Response:
    """200 as long as the process can answer."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


async def readyz(request: Request) -> Response:
    """200 when requests should come here, else 503. The body has one word for everybody, and the state of each part for
    this machine and for who has a token."""
    health: Any = request.app.state.health
    report = await health.report()
    if not await _may_see_parts(request):
        report = {"status": report["status"]}
    return Response(
        orjson.dumps(report),
        status_code=200 if report["status"] == "ready" else 503,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
