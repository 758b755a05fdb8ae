"""The whole story with no Valkey at all: the mutation, the wire, the open and the click, the history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.templates import versions
from gateway.tracking.classify import classify_due
from tests.campaigning import launch, parse, run, upsert
from tests.e2e.test_opens_and_clicks import BROWSER, addresses, history, part
from tests.engine import Start, empty, start
from tests.eventually import eventually
from tests.smtp_server import SmtpServer

__all__ = ["start"]


@pytest.fixture
async def redis_url() -> str:
    """Where nobody listens; in place of the session's Valkey for all that this module starts."""
    return "redis://127.0.0.1:1/0"


async def test_with_no_valkey_mail_is_sent_opened_and_in_the_history(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, smtp_server: SmtpServer, start: Start, pool: Any
) -> None:
    async with pool.acquire() as connection:
        await versions.publish_builtins(connection)
    # Given a gateway and a service that say so, and work
    start()
    ready = await anonymous.get("/readyz", headers=client.headers)
    assert (ready.status_code, ready.json()["valkey"]) == (200, "degraded")
    # When mail of both kinds is queued
    [ann] = await upsert(client, "ann")
    await launch(client, "one", [ann])
    await run(
        client, "sendCardProcessingEmail", "message { id }", customerId=ann, kind="CHARGE",
        amount={"amount": "12.50", "currency": "USD"}, idempotencyKey="card",
    )  # fmt: skip
    # Then it is on the wire
    await smtp_server.accepted(2)
    await empty(pool)
    # And when Ann opens hers and follows a link
    [campaign] = [
        mail for mail in map(parse, (one.content for one in smtp_server.messages)) if mail["List-Unsubscribe"]
    ]
    html = part(campaign, "html")
    assert (await anonymous.get(addresses(html, "/o/")[0], headers=BROWSER)).status_code == 200
    assert (await anonymous.get(addresses(html, "/c/")[0], headers=BROWSER)).status_code == 302
    await eventually(lambda: pool.fetchval("select count(*) = 2 from hit"), "an open and a click")
    later = datetime.now(UTC) + timedelta(minutes=1)

    async def classified() -> bool:
        async with pool.acquire() as connection:
            await classify_due(connection, later)
        return bool(await pool.fetchval("select count(*) = 2 from hit where rules_version > 0"))

    await eventually(classified, "verdicts, a minute later")
    # Then the history has all of it
    emails = (await history(client, ann))["emails"]
    [sent] = emails["sent"]["nodes"]
    assert sent["openedAt"] is not None
    assert sent["info"]["status"] == "ACCEPTED"
    assert [row["verdict"] for row in emails["people"]["nodes"]] == ["HUMAN"]
