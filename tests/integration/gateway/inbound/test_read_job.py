"""The job that reads received mail: in order, each once, and one bad mail at nobody's cost."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.settings import Settings
from tests.integration.gateway.inbound.returning import make_sent, path, receive, report


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def test_a_report_to_our_return_path_makes_the_mail_bounced(connection: Any, deployment: Deployment) -> None:
    # Given a mail that a server took
    sent = await make_sent(connection)
    # When a report comes to its return path
    row = await receive(connection, deployment, report(), to=path(sent.ref))
    # Then it came back, and the report stands in the history with its words
    assert await sent.status() == "BOUNCED"
    assert (row["kind"], row["matched_by"], row["unmatched"]) == ("BOUNCE", "TOKEN", None)
    assert (row["customer_id"], row["message_id"]) == (sent.ref.customer_id, sent.ref.message_id)
    assert await sent.events() == ["BOUNCED", "SUPPRESSED"]
    [found] = await sent.reports()
    assert "User unknown" in found["words"]
    assert (found["verified"], found["inbound_id"], found["cause"]) == (True, row["id"], "BAD_ADDRESS")
