"""A report or complaint that a person gave to the wrong message is nobody's again, and the message what it was."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from gateway.consent.suppressions import lift, suppress_by_person
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.inbound import decisions
from gateway.mail.choice import SuppressionScope
from gateway.outbox.actions import retry
from gateway.settings import Settings
from gateway.worklist.undoing import undo
from tests.builders import insert, mailing_of, make_campaign, make_hit, make_message, make_outbox, troubles_amiss
from tests.finding import finding_amiss, keep_up
from tests.integration.gateway.inbound.returning import (
    ANN,
    Said,
    Sent,
    complaint,
    make_sent,
    receive,
    report,
    suppressed,
)
from tests.results import results_amiss
from tests.statistics import statistics_amiss

MAILS = {
    "failed": report(),
    "failed, of a copy, too": report(Said(), Said(recipient="cc@x.example")),
    "full": report(Said(status="4.2.2", diagnostic="smtp; 452 4.2.2 Mailbox full")),
    "delivered": report(Said(action="delivered", status="2.0.0", diagnostic="smtp; 250 2.0.0 OK")),
    "delayed": report(Said(action="delayed", status="4.4.1", diagnostic="smtp; 421 4.4.1 Try later")),
    "abuse": complaint(),
    "opt-out": complaint(kind="opt-out"),
    "not spam": complaint(kind="not-spam"),
}
STATUSES = ("ACCEPTED", "UNCERTAIN", "BOUNCED", "REFUSED")
OF_NO_STATE = {
    "event",
    "consent_event",
    "undone_assignment",
    "message_change",
    "mailing_changed",
    "schema_migrations",
    "search_slice",
}
"""What is kept of what happened, and what search rows are written from."""
OF_NO_MEANING = {
    "outbox": ("expires_at", "due_at", "lane_id"),
    "mailing_tally": ("shard",),
    "mail_statistics": ("times", "percentiles"),
    "domain_statistics": ("times",),
}
"""Deadlines that begin anew, where counts stand, times not yet added up."""


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


@dataclass(frozen=True, kw_only=True)
class Given:
    """A mail that is nobody's, and a message of ours that a person gives it to."""

    mail: Any
    sent: Sent


async def given(connection: Any, deployment: Deployment, raw: bytes, *, status: str, of_campaign: bool) -> Given:
    """Also queued for the same address are a campaign's mail and a work order."""
    also: dict[str, Any] = {"bounced_at": None}
    if status in ("BOUNCED", "UNCERTAIN", "REFUSED"):
        also = {"cause": "CONNECTION_LOST", "advice": "Ask."}
    sent = await make_sent(connection, status=status, of_campaign=of_campaign, **also)
    customer = sent.ref.customer_id
    await insert(
        connection, "copy", customer_id=customer, message_id=sent.ref.message_id, recipient_no=1, role="CC",
        status="ACCEPTED", address="cc@x.example", decided_at=(await sent.message())["decided_at"],
        sent_at=(await sent.message())["decided_at"],
    )  # fmt: skip
    other = await make_campaign(connection)
    await insert(connection, "mailing_tally", mailing_id=await mailing_of(connection, other), shard=0, made=1)
    queued = await make_message(connection, customer, campaign_id=other, recipient=ANN)
    order = await make_message(connection, customer, recipient=ANN)
    # It was tried again once: mail of a campaign that merely waits is in no figure.
    await insert(connection, "event", customer_id=customer, message_id=queued, kind="RETRIED", actor="Kim")
    await insert(connection, "message_change", customer_ids=[customer], message_ids=[queued])
    key = deployment.key_of(ANN)
    await make_outbox(connection, customer, queued, address=ANN, address_key=key, opt_out_kind="MARKETING")
    await make_outbox(connection, customer, order, address=ANN, address_key=key)
    mail = await receive(connection, deployment, raw)
    assert mail["unmatched"] == "NO_TRACE"
    return Given(mail=mail, sent=sent)


async def assign(connection: Any, deployment: Deployment, to: Given) -> None:
    await decisions.assign(
        connection, inbound_id=to.mail["id"], customer_id=to.sent.ref.customer_id, message_id=to.sent.ref.message_id,
        actor="Kim", deployment=deployment,
    )  # fmt: skip


async def state(connection: Any, deployment: Deployment) -> dict[str, list[str]]:
    """Every row of every table but of what happened; counts are added up."""
    await keep_up(connection, deployment)
    found: dict[str, list[str]] = {}
    tables = await connection.fetch("select relname from pg_class where relkind in ('r', 'p') and not relispartition"
                                    " and relnamespace = 'public'::regnamespace")  # fmt: skip
    for name in sorted({row["relname"] for row in tables} - OF_NO_STATE):
        left_out = "".join(f" - '{column}'" for column in OF_NO_MEANING.get(name, ()))
        only = "where sent + received > 0" if name.endswith("_statistics") else ""
        rows = await connection.fetch(f'select (to_jsonb(t){left_out})::text as row from "{name}" t {only}')  # noqa: S608 - names of the schema
        found[name] = sorted(row["row"] for row in rows)
    found["mailing_tally"] = [str(row) for row in await connection.fetch(
        "select mailing_id, sum(accepted), sum(bounced), sum(uncertain), sum(held), sum(refused), sum(unsubscribed),"
        " sum(complained), sum(replied) from mailing_tally group by mailing_id order by mailing_id")]  # fmt: skip
    return found


def differing(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, Any]:
    return {
        name: (sorted(set(before[name]) - set(after[name])), sorted(set(after[name]) - set(before[name])))
        for name in before
        if before[name] != after[name]
    }


CASES = random.Random(14).sample(list(product(MAILS, STATUSES, (True, False), (True, False))), 12)
"""Of every kind of mail and status, with and without a campaign and what stood against the address before."""


@pytest.mark.parametrize(("name", "status", "of_campaign", "suppressed_before"), CASES)
async def test_what_was_assigned_and_taken_back_leaves_the_state_before(
    connection: Any, deployment: Deployment, name: str, status: str, of_campaign: bool, suppressed_before: bool
) -> None:
    to = await given(connection, deployment, MAILS[name], status=status, of_campaign=of_campaign)
    if suppressed_before:
        scope = SuppressionScope.CAMPAIGNS
        await suppress_by_person(connection, address=ANN, scope=scope, why="Asked.", actor="Kim", deployment=deployment)
    before = await state(connection, deployment)
    await assign(connection, deployment, to)
    assert "inbound_mail" in differing(before, await state(connection, deployment))
    assert await undo(connection, to.sent.ref, "Lee", deployment) == to.sent.ref
    assert differing(before, await state(connection, deployment)) == {}
    for amiss in (troubles_amiss, finding_amiss, statistics_amiss, results_amiss):
        assert await amiss(connection) == [], amiss
    assert (await to.sent.events())[:2] == ["ASSIGNED", "UNDONE"]


async def test_a_report_that_was_taken_back_is_given_to_another_message(
    connection: Any, deployment: Deployment
) -> None:
    # Given a report that Kim gave to a mail that it is not about: that bounced, and its address is suppressed
    to = await given(connection, deployment, MAILS["failed"], status="ACCEPTED", of_campaign=True)
    await assign(connection, deployment, to)
    assert await to.sent.status() == "BOUNCED"
    assert await suppressed(connection) == [("BAD_ADDRESS", "ALL_MAIL")]
    held = "select count(*) from message where status = 'HELD'"
    assert await connection.fetchval(held) == 2
    # When Lee takes it back
    await undo(connection, to.sent.ref, "Lee", deployment)
    # Then nothing stands against the address, nor was lifted: a report that is right suppresses it
    assert await suppressed(connection) == []
    assert await connection.fetchval("select count(*) from lifted_suppression") == 0
    assert await connection.fetchval(held) == 0
    assert await connection.fetchval("select unmatched::text from inbound_mail") == "NO_TRACE"
    event = await connection.fetchrow("select actor, data from event where kind = 'UNDONE'")
    said = {"decision": "ASSIGNED", "mail": str(to.mail["id"]), "events": ["BOUNCED", "SUPPRESSED"]}
    assert tuple(event) == ("Lee", said)
    # And it can be given again, once taken back no second time
    with pytest.raises(Refusal):
        await undo(connection, to.sent.ref, "Lee", deployment)
    await assign(connection, deployment, to)
    assert await to.sent.status() == "BOUNCED"
    assert await suppressed(connection) == [("BAD_ADDRESS", "ALL_MAIL")]


@pytest.mark.parametrize("happens", ["retried", "lifted", "clicked", "believed"])
async def test_it_stands_once_something_else_happened_and_says_what(
    connection: Any, deployment: Deployment, happens: str
) -> None:
    to = await given(connection, deployment, MAILS["failed"], status="ACCEPTED", of_campaign=False)
    await assign(connection, deployment, to)
    ref = to.sent.ref
    if happens == "clicked":
        await make_hit(connection, ref.customer_id, ref.message_id, url="https://x.example/", verdict="HUMAN")
        what = "CLICKED"
    elif happens == "believed":
        await receive(
            connection,
            deployment,
            report(
                own_id="<r2@mx.example>",
                returned=f"Message-ID: <{ref.message_id.hex}.{ref.customer_id}@fabrikam.example>\r\n",
            ),
        )
        what = "BOUNCED"
    else:
        await lift(connection, address=ANN, why="It is right.", release_held=False, actor="Pat", deployment=deployment)
        what = "SUPPRESSION_LIFTED"
        if happens == "retried":
            await retry(connection, ref, "Pat", deployment)
    before = await to.sent.status()
    with pytest.raises(Refusal) as caught:
        await undo(connection, ref, "Lee", deployment)
    assert caught.value.code is RefusalCode.ILLEGAL_STATE
    assert f"Kim decided ASSIGNED; something else has happened to it since: {what}, " in caught.value.message
    assert await to.sent.status() == before
