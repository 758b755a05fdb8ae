"""`make run RESTORED=Ada`: nothing of an earlier copy of the directory is sent by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.settings import Settings
from service.standalone.copied_back import deal_with_restore
from service.standalone.errors import LaunchError
from tests.engine import deployment, queue_mail, state_of
from tests.gateways import gateway_environment
from tests.smtp_server import SmtpServer

__all__ = ["deployment"]


async def test_what_waited_is_uncertain_and_the_person_is_told(
    connection: Any, settings: Settings, deployment: Deployment, smtp_server: SmtpServer
) -> None:
    ref = await queue_mail(connection, deployment)
    environment = gateway_environment(settings, smtp_server.url)
    said = await asyncio.to_thread(deal_with_restore, "Ada", environment)
    assert "UNCERTAIN now, with the cause RESTORED: 1;" in said
    assert (await state_of(connection, ref))["state"] == "UNCERTAIN"
    assert await connection.fetchval("select actor from event where message_id = $1", ref.message_id) == "Ada"
    # And what cannot be said is a fault of the start
    with pytest.raises(LaunchError, match="RESTORED=Ada"):
        await asyncio.to_thread(
            deal_with_restore, "Ada", environment | {"DATABASE_URL": "postgresql://127.0.0.1:1/mail"}
        )
