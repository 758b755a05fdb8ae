"""Received mail that a person gave to the wrong customer is nobody's again, and gone from that history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.inbound import decisions
from gateway.mail.message import MessageRef
from gateway.settings import Settings
from gateway.worklist.undoing import undo
from service.graph.context import Context
from service.graph.node import message_global_id
from service.graph.schema import schema
from tests.builders import insert, make_customer, make_message, orphans
from tests.finding import finding_amiss, keep_up
from tests.integration.gateway.inbound.returning import make_sent, receive
from tests.statistics import statistics_amiss

PLAIN = (
    b"From: Bo <bo@elsewhere.example>\r\nTo: hello@fabrikam.example\r\nSubject: Hello\r\n"
    b"Message-ID: <1@elsewhere.example>\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\n\r\nCall me.\r\n"
)


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def assigned(
    connection: Any, deployment: Deployment, customer: int, answers: UUID | None = None
) -> tuple[UUID, MessageRef]:
    """A mail of somebody unknown, which a person gave to this customer; the mail's id, and the message it became."""
    row = await receive(connection, deployment, PLAIN, sender="bo@elsewhere.example")
    assert row["unmatched"] == "UNKNOWN_SENDER"
    ref = await decisions.assign(
        connection, inbound_id=row["id"], customer_id=customer, message_id=answers, actor="Kim", deployment=deployment
    )
    return row["id"], ref


async def code_of(connection: Any, ref: MessageRef, deployment: Deployment) -> RefusalCode:
    with pytest.raises(Refusal) as caught:
        await undo(connection, ref, "Lee", deployment)
    assert caught.value.field == ("messageId",)
    return caught.value.code


async def test_an_assignment_is_taken_back_and_can_be_made_anew(
    connection: Any, deployment: Deployment, make_context: Callable[..., Context]
) -> None:
    # Given a mail that Kim gave to a customer, as an answer to a mail of theirs; it can be found
    sent = await make_sent(connection)
    other = await make_customer(connection)
    mail, ref = await assigned(connection, deployment, sent.ref.customer_id, sent.ref.message_id)
    await keep_up(connection, deployment)
    query = "query($id: ID!) { message(id: $id) { actions } }"
    asked = {"id": message_global_id(ref.customer_id, ref.message_id)}
    told = await schema.execute(query, context_value=make_context(), variable_values=asked)
    assert told.data == {"message": {"actions": ["UNDO"]}}
    # When Lee takes that back, then the mail is nobody's, with why, as it was before
    assert await undo(connection, ref, "Lee", deployment) == sent.ref
    row = await connection.fetchrow(
        "select unmatched::text, customer_id, message_id, subject, kind::text from inbound_mail"
    )
    assert tuple(row) == ("UNKNOWN_SENDER", None, None, "Hello", "REPLY")
    # And nothing of it is in that history, nor found, but that there was one
    assert await connection.fetchval("select count(*) from message where direction = 'RECEIVED'") == 0
    assert await connection.fetchval("select count(*) from received_mail") == 0
    assert await orphans(connection) == {}
    await keep_up(connection, deployment)
    assert await finding_amiss(connection) == []
    assert await statistics_amiss(connection) == []
    kinds = await connection.fetch(
        "select kind::text, actor from event where message_id = $1 order by id", sent.ref.message_id
    )
    assert [tuple(kind) for kind in kinds][-2:] == [("REPLIED", "Kim"), ("UNDONE", "Lee")]
    kept = await connection.fetchrow("select inbound_id, customer_id, assigned_by, actor from undone_assignment")
    assert tuple(kept) == (mail, sent.ref.customer_id, "Kim", "Lee")
    # And it goes to another customer
    await decisions.assign(
        connection, inbound_id=mail, customer_id=other, message_id=None, actor="Lee", deployment=deployment
    )
    assert await connection.fetchval("select customer_id from message where direction = 'RECEIVED'") == other


async def test_the_newest_mail_of_the_customer_is_the_one_before(connection: Any, deployment: Deployment) -> None:
    customer, without = await make_customer(connection), await make_customer(connection)
    before = await make_message(connection, customer, status="ACCEPTED")
    for each in (customer, without):
        _, ref = await assigned(connection, deployment, each)
        await keep_up(connection, deployment)
        assert await undo(connection, ref, "Lee", deployment) is None
        await connection.execute("delete from inbound_mail")
    latest = await connection.fetch("select customer_id, message_id from customer_latest")
    assert [tuple(row) for row in latest] == [(customer, before)]


async def test_an_assignment_stands_once_something_came_of_it(connection: Any, deployment: Deployment) -> None:
    # Given mail that settled an uncertain mail, that was forwarded, of which something else happened
    sent = await make_sent(connection)
    await connection.execute(
        "update message set status = 'UNCERTAIN', cause = 'CONNECTION_LOST', sent_at = null where id = $1",
        sent.ref.message_id,
    )
    _, settling = await assigned(connection, deployment, sent.ref.customer_id, sent.ref.message_id)
    assert await sent.status() == "ACCEPTED"
    assert await code_of(connection, settling, deployment) is RefusalCode.ILLEGAL_STATE
    await connection.execute("delete from event where kind = 'SETTLED'")
    await connection.execute("update received_mail set forwarded_at = now(), forwarded_message_id = uuidv7()")
    assert await code_of(connection, settling, deployment) is RefusalCode.ILLEGAL_STATE
    await connection.execute("update received_mail set forwarded_at = null, forwarded_message_id = null")
    await insert(
        connection, "event", customer_id=settling.customer_id, message_id=settling.message_id, kind="FORWARDED",
        actor="gateway",
    )  # fmt: skip
    assert await code_of(connection, settling, deployment) is RefusalCode.ILLEGAL_STATE
    # Nor is taken back what no person gave
    received = await make_message(connection, sent.ref.customer_id, direction="RECEIVED")
    found = MessageRef(customer_id=sent.ref.customer_id, message_id=received)
    assert await code_of(connection, found, deployment) is RefusalCode.ILLEGAL_STATE
