"""A worker when a server is slow, PostgreSQL cannot write, or it must stop: what it keeps, and what it leaves alone."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.delivery.routing import RelayRouter
from gateway.deployment import Deployment
from gateway.outbox import claim
from gateway.outbox.outcomes import Finished, Recorded, record
from gateway.settings import Settings
from gateway.smtp.relays import Timeouts
from tests.engine import Start, attempts_of, deployment, queue_mail, start, state_of, until
from tests.eventually import eventually
from tests.gateways import gateway_environment
from tests.smtp_server import Reply, Silence, SmtpServer

__all__ = ["deployment", "start"]


async def test_a_mail_that_takes_longer_than_its_lease_keeps_it(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    answer = asyncio.Event()
    smtp_server.script(after_dot=Reply(250, "2.0.0 taken at last", when=answer))
    ref = await queue_mail(connection, deployment)
    start(settings.model_copy(update={"lease_seconds": 2.0}), scan_seconds=0.1, timeouts=Timeouts())
    await smtp_server.received(1)
    first_end = await connection.fetchval("select lease_until from outbox")

    async def past_it() -> bool:
        # Another two looks through the outbox have passed since, and would have found a lease that had ended.
        return bool(
            await connection.fetchval(
                "select scanned_at > $1::timestamptz + interval '0.3 s' from outbox_scan", first_end
            )
        )

    await eventually(past_it, "a look through the outbox after the first lease")
    assert (await state_of(connection, ref))["state"] == "HANDED_OFF"
    answer.set()

    await until(connection, ref, "ACCEPTED")
    assert await connection.fetchval("select count(*) from event") == 0


async def test_while_results_cannot_be_written_nothing_is_claimed_and_then_all_goes_on(
    connection: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = True
    claims = sweeps = 0
    usual_claim, usual_refresh = claim.claim, RelayRouter.refresh

    async def cannot_write(connection: Any, outcomes: Sequence[Finished], **values: Any) -> Recorded:
        if away:
            raise ConnectionResetError
        return await record(connection, outcomes, **values)

    async def counted_claim(*given: Any, **values: Any) -> claim.Claim:
        nonlocal claims
        claims += 1
        return await usual_claim(*given, **values)

    async def counted_refresh(router: RelayRouter) -> None:
        nonlocal sweeps
        sweeps += 1
        await usual_refresh(router)

    monkeypatch.setattr("gateway.delivery.outcome_writer.record", cannot_write)
    monkeypatch.setattr("gateway.outbox.claim.claim", counted_claim)
    monkeypatch.setattr(RelayRouter, "refresh", counted_refresh)
    first = await queue_mail(connection, deployment)
    worker = start()

    async def noticed() -> bool:
        return worker.outcomes.away

    await eventually(noticed, "the ledger's absence")
    # A sender that was claiming just then has finished.
    before = sweeps

    async def swept(times: int) -> None:
        async def check() -> bool:
            return sweeps >= before + times

        await eventually(check, f"{times} sweeps")

    await swept(2)
    claimed_until_now = claims
    second = await queue_mail(connection, deployment)
    worker.wake()
    await swept(6)
    assert (claims, len(smtp_server.messages)) == (claimed_until_now, 1)
    assert (await state_of(connection, first))["state"] == "HANDED_OFF"

    away = False

    for ref in (first, second):
        await until(connection, ref, "ACCEPTED")
        assert len(await attempts_of(connection, ref)) == 1
    assert len(smtp_server.taken) == 2


DRAIN_SECONDS = 2
PATIENCE = 45.0
"""Far below the ten minutes for which a silent server is waited for, far above what a busy machine adds."""


async def test_a_stop_ends_in_time_though_the_server_is_silent_and_leaves_the_rest_in_the_queue(
    connection: Any, settings: Settings, deployment: Deployment, smtp_server: SmtpServer
) -> None:
    smtp_server.script(after_dot=Silence())
    relay_url = f"{smtp_server.url}&connections=1"
    environment = gateway_environment(settings, relay_url, DRAIN_SECONDS=str(DRAIN_SECONDS))
    refs = [await queue_mail(connection, deployment, f"a.person{number}@customer.example") for number in range(6)]
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=environment, stderr=asyncio.subprocess.PIPE
    )
    await smtp_server.received(1)

    gateway.terminate()
    begun = time.monotonic()
    _, said = await asyncio.wait_for(gateway.communicate(), PATIENCE)

    assert gateway.returncode == 0
    assert time.monotonic() - begun < PATIENCE
    states = [(await state_of(connection, ref))["state"] for ref in refs]
    # One is at the silent server, whichever was loaded first; one was to ride behind it; the others were given back.
    assert states.count("QUEUED") >= 4
    assert {"HANDED_OFF", "UNCERTAIN"} & set(states)
    leased = await connection.fetchval(
        "select count(*) from outbox where handed_off_at is null and lease_owner is not null"
    )
    assert leased == 0
    assert b"a.person" not in said
    assert b"customer.example" not in said
