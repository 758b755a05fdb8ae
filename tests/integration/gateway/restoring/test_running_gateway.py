"""A gateway that runs while its ledger goes back, as in a failover that loses something, sends no more and ends."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.deployment import Deployment
from tests.engine import deployment, queue_mail, state_of, until
from tests.eventually import eventually
from tests.gateways import Gateways, gateways
from tests.integration.gateway.restoring.ledgers import go_back, position
from tests.smtp_server import SmtpServer

__all__ = ["deployment", "gateways"]


async def test_it_drains_and_says_why(
    connection: Any, deployment: Deployment, gateways: Gateways, smtp_server: SmtpServer
) -> None:
    # Given a gateway that has sent a mail
    await gateways.start()
    await until(connection, await queue_mail(connection, deployment), "ACCEPTED")

    async def has_run() -> bool:
        return (await position(connection)).number > 2

    await eventually(has_run, "some seconds")
    # When its ledger has lost a moment
    await go_back(connection, 2)
    # Then it ends
    [process] = gateways.running
    assert await asyncio.wait_for(process.wait(), 60) == 1
    # And what is queued then stays
    ref = await queue_mail(connection, deployment)
    assert (await state_of(connection, ref))["state"] == "QUEUED"
    assert len(smtp_server.taken) == 1
