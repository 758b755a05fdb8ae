"""A relay that refuses the login: visible in /readyz, the metrics and the API, and no mail fails."""

from __future__ import annotations

from typing import Any

import httpx
from prometheus_client import REGISTRY

from gateway.deployment import Deployment
from gateway.settings import Settings
from tests.engine import Start, deployment, queue_mail, refuse_login, start, state_of
from tests.eventually import eventually
from tests.smtp_server import SmtpServer

__all__ = ["deployment", "start"]

QUERY = "{ gateway { relays { name stoppedAt stoppedWhy events { kind code response } } } }"


async def test_a_refused_login_shows_in_readyz_the_metrics_and_the_api(
    client: httpx.AsyncClient,
    connection: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
) -> None:
    ref = await queue_mail(connection, deployment)
    start(refuse_login(smtp_server, settings))

    async def ready() -> Any:
        answer = await client.get("/readyz")
        return answer if answer.json()["relays"] == "degraded" else None

    assert (await eventually(ready, "the alarm")).status_code == 200

    async def shown() -> bool:
        return REGISTRY.get_sample_value("mail_relay_usable", {"relay": "main"}) == 0

    await eventually(shown, "the metric")
    [relay] = (await client.post("/graphql", json={"query": QUERY})).json()["data"]["gateway"]["relays"]
    assert relay["stoppedAt"] is not None
    assert relay["stoppedWhy"]
    assert (relay["events"][0]["kind"], relay["events"][0]["code"]) == ("STOPPED", 535)
    assert "credentials invalid" in relay["events"][0]["response"]
    assert (await state_of(connection, ref))["state"] == "QUEUED"
