"""After one kill some mails are uncertain: one call settles exactly these, with real workers, pauses and more kills."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from gateway.campaigns import lifecycle
from gateway.deployment import Deployment
from gateway.mail.campaign import UncertainDecision
from tests.eventually import eventually
from tests.gateways import Gateways, gateways
from tests.integration.gateway.campaigns.deciding import ASSUME_SENT, RETRY, amiss, settle
from tests.integration.gateway.campaigns.orders import running, status_of, tally
from tests.smtp_server import Silence, SmtpServer

__all__ = ["gateways"]

RECIPIENTS, IN_HAND = 100, 41


@pytest.mark.parametrize("uncertain", [ASSUME_SENT, RETRY])
async def test_one_decision_settles_what_one_kill_left_uncertain(
    connection: Any,
    deployment: Deployment,
    gateways: Gateways,
    smtp_server: SmtpServer,
    uncertain: UncertainDecision,
) -> None:
    # Given a campaign of which the server has 41 mails whole, and answers none
    gateways.environment["RELAY_URL"] = f"{smtp_server.url}&connections={IN_HAND}"
    smtp_server.script(after_dot=[Silence()] * IN_HAND)
    made, _ = await running(connection, deployment, RECIPIENTS)
    await gateways.start()
    await smtp_server.received(IN_HAND)
    # When it is paused, and the gateway killed and started again
    wire = await lifecycle.pause(connection, made, "Dana")
    assert wire >= IN_HAND
    await gateways.kill()
    await gateways.start()

    async def are_uncertain() -> bool:
        return (await tally(connection, made)).get("uncertain") == IN_HAND

    await eventually(are_uncertain, "41 uncertain mails")
    await lifecycle.resume(connection, made, actor="Dana")

    async def others_are_sent() -> bool:
        found = await tally(connection, made)
        return (found.get("accepted"), found.get("uncertain")) == (RECIPIENTS - IN_HAND, IN_HAND)

    await eventually(others_are_sent, "the others")
    assert await status_of(connection, made) == "RUNNING"
    # Then one decision settles these, though the gateway is killed once more
    assert await settle(connection, made, uncertain, expected_count=IN_HAND) == IN_HAND
    await gateways.kill()
    await gateways.start()

    async def finished() -> bool:
        return await status_of(connection, made) == "FINISHED"

    await eventually(finished, "the end of the campaign")
    assert await tally(connection, made) == {"made": RECIPIENTS, "accepted": RECIPIENTS}
    assert await amiss(connection) == []
    # And who got it twice is told by an event, and nobody else did
    mails = Counter(mail.recipients[0] for mail in smtp_server.messages)
    twice = {address for address, count in mails.items() if count > 1}
    retried = await connection.fetch(
        "select m.recipient from event e join message m on m.customer_id = e.customer_id and m.id = e.message_id"
        " where e.kind = 'RETRIED'"
    )
    assert twice == {row["recipient"] for row in retried}
    assert len(twice) == (IN_HAND if uncertain is RETRY else 0)
