"""Complaints: what they stop, and what only our token can make them stop."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.mail.tracking import unsubscribe_url
from gateway.settings import Settings
from tests.builders import KEYRING, make_campaign, make_message, make_outbox
from tests.integration.gateway.inbound.returning import (
    ANN,
    Sent,
    altered,
    complaint,
    make_sent,
    message_id,
    path,
    receive,
    suppressed,
    unsubscribe_header,
)

COMPLAINED = [("COMPLAINT", "CAMPAIGNS")]


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


def feedback_id(sent: Sent) -> str:
    token = unsubscribe_url(KEYRING, "", sent.ref).rpartition("/")[2]
    return f"CFBL-Feedback-ID: {token}\r\n"


TOKENS = {
    "List-Unsubscribe": lambda sent: unsubscribe_header(sent.ref),
    "CFBL-Feedback-ID": feedback_id,
    "Return-Path": lambda sent: f"Return-Path: <{path(sent.ref)}>\r\n",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=list(TOKENS))
async def test_a_complaint_with_our_token_stops_campaigns_and_nothing_else(
    token: Any, connection: Any, deployment: Deployment
) -> None:
    # Given a reader with queued mail: a campaign's, and a work order
    sent = await make_sent(connection, of_campaign=True)
    campaign = await make_campaign(connection)
    queued = await make_message(connection, sent.ref.customer_id, campaign_id=campaign, recipient=ANN)
    order = await make_message(connection, sent.ref.customer_id, recipient=ANN)
    await make_outbox(connection, sent.ref.customer_id, queued, address=ANN, opt_out_kind="MARKETING")
    await make_outbox(connection, sent.ref.customer_id, order, address=ANN)
    # When a provider that hides the reader's address sends their complaint
    row = await receive(connection, deployment, complaint(returned=token(sent)))
    # Then campaigns are stopped, also what is queued of them
    assert await suppressed(connection) == COMPLAINED
    statuses = await connection.fetch("select id, status::text from message_state where customer_id = $1",
                                      sent.ref.customer_id)  # fmt: skip
    assert {one["id"]: one["status"] for one in statuses} == {
        sent.ref.message_id: "ACCEPTED",
        queued: "HELD",
        order: "QUEUED",
    }
    # And the history says why
    assert await sent.events() == ["COMPLAINED", "SUPPRESSED"]
    assert (row["kind"], row["matched_by"], row["message_id"]) == ("COMPLAINT", "TOKEN", sent.ref.message_id)


FORGED = {
    "no token": (lambda sent: f"Message-ID: {message_id(sent.ref)}\r\nTo: {ANN}\r\n", "NO_TRACE"),
    "an altered return path": (lambda sent: f"Return-Path: <{altered(path(sent.ref))}>\r\n", "TOKEN_INVALID"),
    "an altered token": (lambda sent: f"{feedback_id(sent)[:-4]}xx\r\n", "TOKEN_INVALID"),
}


@pytest.mark.parametrize(("forged", "why"), FORGED.values(), ids=list(FORGED))
async def test_a_complaint_without_our_token_is_nobodys(
    forged: Any, why: str, connection: Any, deployment: Deployment
) -> None:
    sent = await make_sent(connection, of_campaign=True)
    row = await receive(connection, deployment, complaint(returned=forged(sent)))
    assert (row["kind"], row["unmatched"]) == ("COMPLAINT", why)
    assert (await sent.events(), await suppressed(connection)) == ([], [])


async def test_a_complaint_that_comes_again_changes_nothing(connection: Any, deployment: Deployment) -> None:
    # Given a complaint, whose suppression a person lifted
    sent = await make_sent(connection, of_campaign=True)
    for number in range(2):
        raw = complaint(returned=unsubscribe_header(sent.ref), own_id=f"<{number}@feedback.example>")
        await receive(connection, deployment, raw)
        # When it comes again
        await connection.execute("delete from suppression")
    # Then the person's decision stands
    assert await sent.events() == ["COMPLAINED", "SUPPRESSED"]


async def test_a_reader_who_asks_for_no_more_is_opted_out(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection, of_campaign=True)
    await receive(connection, deployment, complaint(kind="opt-out", returned=unsubscribe_header(sent.ref)))
    opted_out = await connection.fetch("select kind::text, source::text, address_key from address_opt_out")
    assert [tuple(row) for row in opted_out] == [("MARKETING", "COMPLAINT", deployment.key_of(ANN))]
    assert await sent.events() == ["COMPLAINED", "OPTED_OUT"]
    assert await suppressed(connection) == []


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
async def test_what_does_not_complain_changes_nothing(kind: str, connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection, of_campaign=True)
    row = await receive(connection, deployment, complaint(kind=kind, returned=unsubscribe_header(sent.ref)))
    assert row["message_id"] == sent.ref.message_id
    assert (await sent.events(), await suppressed(connection)) == ([], [])
