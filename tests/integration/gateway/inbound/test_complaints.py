"""Complaints: what they stop, and what only our token can make them stop."""

from __future__ import annotations

from collections.abc import Callable
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
    report,
    suppressed,
    unsubscribe_header,
)
from tests.results import results_amiss

COMPLAINED = [("COMPLAINT", "CAMPAIGNS")]


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


def feedback_id(sent: Sent) -> str:
    token = unsubscribe_url(KEYRING, "", sent.ref).rpartition("/")[2]
    return f"CFBL-Feedback-ID: {token}\r\n"


TOKENS: dict[str, Callable[[Sent], str]] = {
    "List-Unsubscribe": lambda sent: unsubscribe_header(sent.ref),
    "CFBL-Feedback-ID": feedback_id,
    "Return-Path": lambda sent: f"Return-Path: <{path(sent.ref)}>\r\n",
}


async def test_a_complaint_with_our_token_stops_campaigns_and_nothing_else(
    connection: Any, deployment: Deployment
) -> None:
    for name, token in TOKENS.items():
        # Given a reader with queued mail: a campaign's, and a work order
        sent = await make_sent(connection, of_campaign=True)
        customer = sent.ref.customer_id
        queued = await make_message(connection, customer, campaign_id=await make_campaign(connection), recipient=ANN)
        order = await make_message(connection, customer, recipient=ANN)
        await make_outbox(connection, customer, queued, address=ANN, opt_out_kind="MARKETING")
        await make_outbox(connection, customer, order, address=ANN)
        # When a provider that hides the reader's address sends their complaint
        row = await receive(connection, deployment, complaint(returned=token(sent)))
        # Then campaigns are stopped, also what is queued of them
        assert await suppressed(connection) == COMPLAINED, name
        rows = await connection.fetch("select id, status::text from message_state where customer_id = $1", customer)
        expected = {sent.ref.message_id: "ACCEPTED", queued: "HELD", order: "QUEUED"}
        assert {one["id"]: one["status"] for one in rows} == expected, name
        # And the history says why
        assert await sent.events() == ["COMPLAINED", "SUPPRESSED"], name
        assert (row["kind"], row["matched_by"], row["message_id"]) == ("COMPLAINT", "TOKEN", sent.ref.message_id), name
        await connection.execute("delete from suppression")


FORGED: dict[str, tuple[Callable[[Sent], str], str]] = {
    "no token": (lambda sent: f"Message-ID: {message_id(sent.ref)}\r\nTo: {ANN}\r\n", "NO_TRACE"),
    "an altered return path": (lambda sent: f"Return-Path: <{altered(path(sent.ref))}>\r\n", "TOKEN_INVALID"),
    "an altered token": (lambda sent: f"{feedback_id(sent)[:-4]}xx\r\n", "TOKEN_INVALID"),
}


async def test_a_complaint_without_our_token_is_nobodys(connection: Any, deployment: Deployment) -> None:
    for name, (forged, why) in FORGED.items():
        sent = await make_sent(connection, of_campaign=True)
        row = await receive(connection, deployment, complaint(returned=forged(sent)))
        assert (row["kind"], row["unmatched"]) == ("COMPLAINT", why), name
        assert (await sent.events(), await suppressed(connection)) == ([], []), name


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


async def test_a_bounce_after_a_complaint_stops_individual_mail_too(connection: Any, deployment: Deployment) -> None:
    # Given an address that gets no campaigns, since its reader complained
    sent = await make_sent(connection, of_campaign=True)
    await receive(connection, deployment, complaint(returned=unsubscribe_header(sent.ref)))
    # When its mailbox is closed
    await receive(connection, deployment, report(), to=path(sent.ref))
    # Then nothing is sent there any more, and the complaint stays on record
    assert await suppressed(connection) == [("BAD_ADDRESS", "ALL_MAIL")]
    lifted = await connection.fetchrow("select reason::text, scope::text, lifted_why from lifted_suppression")
    assert tuple(lifted) == ("COMPLAINT", "CAMPAIGNS", "BAD_ADDRESS stops all mail.")
    # And another complaint narrows nothing
    other = await make_sent(connection, of_campaign=True)
    await receive(connection, deployment, complaint(returned=unsubscribe_header(other.ref), own_id="<2@f.example>"))
    assert await suppressed(connection) == [("BAD_ADDRESS", "ALL_MAIL")]


async def test_a_reader_who_asks_for_no_more_is_opted_out(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection, of_campaign=True)
    await receive(connection, deployment, complaint(kind="opt-out", returned=unsubscribe_header(sent.ref)))
    opted_out = await connection.fetch("select kind::text, source::text, address_key from address_opt_out")
    assert [tuple(row) for row in opted_out] == [("MARKETING", "COMPLAINT", deployment.key_of(ANN))]
    assert await sent.events() == ["COMPLAINED", "OPTED_OUT"]
    assert await suppressed(connection) == []


async def test_what_does_not_complain_changes_nothing(connection: Any, deployment: Deployment) -> None:
    for kind in ("not-spam", "auth-failure"):
        sent = await make_sent(connection, of_campaign=True)
        row = await receive(connection, deployment, complaint(kind=kind, returned=unsubscribe_header(sent.ref)))
        assert row["message_id"] == sent.ref.message_id, kind
        assert (await sent.events(), await suppressed(connection)) == ([], []), kind


@pytest.mark.parametrize(("kind", "counted"), [("abuse", (1, 0)), ("opt-out", (0, 1)), ("not-spam", (0, 0))])
async def test_a_campaign_counts_who_complained_and_who_asked_for_no_more(
    connection: Any, deployment: Deployment, kind: str, counted: tuple[int, int]
) -> None:
    sent = await make_sent(connection, of_campaign=True)
    for number in range(2):
        raw = complaint(kind=kind, returned=unsubscribe_header(sent.ref), own_id=f"<{number}@feedback.example>")
        await receive(connection, deployment, raw)
    sums = "select sum(complained)::int, sum(unsubscribed)::int from mailing_tally"
    assert tuple(await connection.fetchrow(sums)) == counted
    assert await results_amiss(connection) == []
