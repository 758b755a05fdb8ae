"""What a person decides about received mail."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.inbound import decisions, joining, read_job, replies
from gateway.inbound.decisions import Reread
from gateway.inbound.read_process import ReadingFailed
from gateway.inbound.reading import Joined, Reading, ReadingOptions, StoredMail
from gateway.mail.inbound import MatchedBy
from gateway.mail.message import MessageRef
from gateway.settings import Settings
from tests.builders import insert, make_customer, make_message, make_outbox
from tests.integration.gateway.inbound.returning import (
    ANN,
    Sent,
    complaint,
    make_sent,
    message_id,
    path,
    receive,
    report,
    suppressed,
)

PLAIN = b"From: bo@elsewhere.example\r\nTo: office@reply.example\r\nSubject: Thursday\r\n\r\nSuits me.\r\n"


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def refusal(decision: Awaitable[Any]) -> tuple[RefusalCode, tuple[str, ...]]:
    with pytest.raises(Refusal) as refused:
        await decision
    return refused.value.code, refused.value.field


async def unverified(connection: Any, deployment: Deployment, sent: Sent, own_id: str = "<r1@mx.example>") -> UUID:
    """A report that names the mail's Message-ID; returns its id."""
    raw = report(returned=f"Message-ID: {message_id(sent.ref)}\r\n", own_id=own_id)
    await receive(connection, deployment, raw)
    found: UUID = (await sent.reports())[-1]["id"]
    return found


# Believe -------------------------------------------------------------------------------------------------------------


async def test_a_report_that_a_person_believes_counts(connection: Any, deployment: Deployment) -> None:
    # Given a report without a token
    sent = await make_sent(connection, of_campaign=True)
    report_id = await unverified(connection, deployment, sent)
    # When a person believes it
    ref = await decisions.believe_report(
        connection, customer_id=sent.ref.customer_id, report_id=report_id, actor="jo", deployment=deployment
    )
    # Then it is as if it had one, and the history names the person
    assert ref == sent.ref
    assert (await sent.status(), await suppressed(connection)) == ("BOUNCED", [("BAD_ADDRESS", "ALL_MAIL")])
    assert await sent.events() == ["BOUNCED", "REPORT_BELIEVED", "SUPPRESSED"]
    assert await connection.fetchval("select actor from event where kind = 'REPORT_BELIEVED'") == "jo"
    [found] = await sent.reports()
    assert (found["verified"], found["matched_by"]) == (True, "PERSON")
    # And once is enough
    again = decisions.believe_report(
        connection, customer_id=sent.ref.customer_id, report_id=report_id, actor="jo", deployment=deployment
    )
    assert await refusal(again) == (RefusalCode.ILLEGAL_STATE, ("reportId",))


async def test_a_report_that_cannot_be_believed_is_refused(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection)
    report_id = await unverified(connection, deployment, sent)

    def believe(report: UUID) -> Awaitable[Any]:
        return decisions.believe_report(
            connection, customer_id=sent.ref.customer_id, report_id=report, actor="jo", deployment=deployment
        )

    assert await refusal(believe(uuid4())) == (RefusalCode.NOT_FOUND, ("reportId",))
    # While its mail is being sent, nobody knows yet
    await connection.execute("update message set status = 'QUEUED', decided_at = null")
    await make_outbox(connection, sent.ref.customer_id, sent.ref.message_id)
    await connection.execute("update outbox set handed_off_at = now(), lease_owner = uuidv7(), lease_until = now()")
    assert await refusal(believe(report_id)) == (RefusalCode.ILLEGAL_STATE, ("reportId",))
    # And of an erased customer nothing is decided any more
    await connection.execute("update customer set erased_at = now()")
    assert await refusal(believe(report_id)) == (RefusalCode.ERASED, ("reportId",))


# Assign --------------------------------------------------------------------------------------------------------------


async def test_an_unmatched_report_is_assigned_to_its_message(connection: Any, deployment: Deployment) -> None:
    # Given a report without any trace
    sent = await make_sent(connection)
    row = await receive(connection, deployment, report())
    # When a person says which mail it is about
    ref = await decisions.assign(
        connection, inbound_id=row["id"], customer_id=sent.ref.customer_id, message_id=sent.ref.message_id,
        actor="jo", deployment=deployment,
    )  # fmt: skip
    # Then it counts
    assert ref == sent.ref
    assert (await sent.status(), await suppressed(connection)) == ("BOUNCED", [("BAD_ADDRESS", "ALL_MAIL")])
    assert await sent.events() == ["BOUNCED", "SUPPRESSED", "ASSIGNED"]
    # And stands on no list any more
    after = await connection.fetchrow("select * from inbound_mail")
    assert (after["unmatched"], after["matched_by"], after["subject"]) == (None, "PERSON", None)
    assert after["message_id"] == sent.ref.message_id


async def test_an_unmatched_complaint_is_assigned_to_its_message(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection, of_campaign=True)
    row = await receive(connection, deployment, complaint())
    await decisions.assign(
        connection, inbound_id=row["id"], customer_id=sent.ref.customer_id, message_id=sent.ref.message_id,
        actor="jo", deployment=deployment,
    )  # fmt: skip
    assert await suppressed(connection) == [("COMPLAINT", "CAMPAIGNS")]
    assert await sent.events() == ["COMPLAINED", "SUPPRESSED", "ASSIGNED"]


async def test_an_unmatched_reply_is_joined_by_the_person_who_assigns_it(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a mail of somebody unknown
    sent = await make_sent(connection)
    row = await receive(connection, deployment, PLAIN, sender="bo@elsewhere.example")
    asked: dict[str, Any] = {}

    async def join(connection: Any, stored: Any, reading: Any, **values: Any) -> Joined:
        asked.update(values)
        received = await make_message(connection, values["customer_id"], direction="RECEIVED")
        ref = MessageRef(customer_id=values["customer_id"], message_id=received)
        return Joined(ref=ref, matched_by=MatchedBy.PERSON)

    monkeypatch.setattr(replies, "join", join)
    # When a person gives it to a customer
    ref = await decisions.assign(
        connection, inbound_id=row["id"], customer_id=sent.ref.customer_id, message_id=sent.ref.message_id,
        actor="jo", deployment=deployment,
    )  # fmt: skip
    # Then it is joined as they say
    assert (asked["customer_id"], asked["answers"], asked["by"]) == (sent.ref.customer_id, sent.ref.message_id, "jo")
    kinds = await connection.fetch("select kind::text, actor from event where message_id = $1", ref.message_id)
    assert [tuple(kind) for kind in kinds] == [("ASSIGNED", "jo")]


async def test_a_mail_that_cannot_be_assigned_is_refused(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection)
    foreign = await make_sent(connection)
    row = await receive(connection, deployment, report())
    usual = {"inbound_id": row["id"], "customer_id": sent.ref.customer_id, "message_id": sent.ref.message_id}

    async def refused(**changes: Any) -> tuple[RefusalCode, tuple[str, ...]]:
        values = usual | changes
        return await refusal(decisions.assign(connection, **values, actor="jo", deployment=deployment))

    assert await refused(inbound_id=uuid4()) == (RefusalCode.NOT_FOUND, ("mailId",))
    assert await refused(customer_id=999_999) == (RefusalCode.NOT_FOUND, ("customerId",))
    assert await refused(message_id=foreign.ref.message_id) == (RefusalCode.NOT_FOUND, ("messageId",))
    assert await refused(message_id=None) == (RefusalCode.REQUIRED, ("messageId",))
    received = await make_message(connection, sent.ref.customer_id, direction="RECEIVED")
    assert await refused(message_id=received) == (RefusalCode.NOT_FOUND, ("messageId",))
    await connection.execute("update customer set erased_at = now()")
    assert await refused() == (RefusalCode.ERASED, ("customerId",))
    await connection.execute("update customer set erased_at = null")
    await decisions.assign(connection, **usual, actor="jo", deployment=deployment)
    assert await refused() == (RefusalCode.ILLEGAL_STATE, ("mailId",))


# Dismiss -------------------------------------------------------------------------------------------------------------


async def test_dismissed_mail_is_off_the_list(connection: Any, deployment: Deployment) -> None:
    first = await receive(connection, deployment, PLAIN, sender="bo@elsewhere.example")
    second = await receive(connection, deployment, report())
    assert await decisions.dismiss(connection, inbound_ids=[first["id"]], actor="jo") == 1
    # What is off already counts, and keeps who took it off
    assert await decisions.dismiss(connection, inbound_ids=[first["id"], second["id"]], actor="bo") == 2
    rows = await connection.fetch("select dismissed_by from inbound_mail order by id")
    assert [row[0] for row in rows] == ["jo", "bo"]


async def test_dismissed_mail_is_put_back_on_the_list(connection: Any, deployment: Deployment) -> None:
    first = await receive(connection, deployment, PLAIN, sender="bo@elsewhere.example")
    await decisions.dismiss(connection, inbound_ids=[first["id"]], actor="jo")
    # Twice is as once
    for _ in range(2):
        assert await decisions.put_back(connection, inbound_ids=[first["id"]]) == 1
    row = await connection.fetchrow("select dismissed_at, dismissed_by from inbound_mail")
    assert tuple(row) == (None, None)
    assert await refusal(decisions.put_back(connection, inbound_ids=[uuid4()])) == (
        RefusalCode.NOT_FOUND, ("mailIds", "0")
    )  # fmt: skip


async def test_what_cannot_be_dismissed_is_refused(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection)
    matched = await receive(connection, deployment, report(), to=path(sent.ref))
    dismiss = decisions.dismiss
    assert await refusal(dismiss(connection, inbound_ids=[uuid4()], actor="jo")) == (
        RefusalCode.NOT_FOUND, ("mailIds", "0")
    )  # fmt: skip
    assert await refusal(dismiss(connection, inbound_ids=[matched["id"]], actor="jo")) == (
        RefusalCode.ILLEGAL_STATE, ("mailIds", "0")
    )  # fmt: skip
    many = [uuid4() for _ in range(101)]
    assert await refusal(dismiss(connection, inbound_ids=many, actor="jo")) == (RefusalCode.TOO_MANY, ("mailIds",))


# Read again ----------------------------------------------------------------------------------------------------------


async def read_again(connection: Any, deployment: Deployment, **changes: Any) -> Reread:
    values: dict[str, Any] = {"since": None, "until": None, "unmatched_only": True} | changes
    return await decisions.reread(connection, **values, deployment=deployment)


async def test_what_matched_nobody_is_matched_when_it_is_read_again(connection: Any, deployment: Deployment) -> None:
    # Given a report whose message was not there, since the database had been put back
    sent = await make_sent(connection)
    await connection.execute("update message set id = uuidv7()")
    row = await receive(connection, deployment, report(), to=path(sent.ref))
    assert row["unmatched"] == "NO_TRACE"
    # When it is there again, and the mail is read once more
    await connection.execute("update message set id = $1", sent.ref.message_id)
    assert await read_again(connection, deployment) == Reread(read=1, changed=1)
    # Then the report counts, once
    assert (await sent.status(), await sent.events()) == ("BOUNCED", ["BOUNCED", "SUPPRESSED"])
    assert await read_again(connection, deployment) == Reread(read=0, changed=0)
    assert await read_again(connection, deployment, unmatched_only=False) == Reread(read=1, changed=0)
    assert await sent.events() == ["BOUNCED", "SUPPRESSED"]


async def test_reports_are_read_anew_and_not_doubled(connection: Any, deployment: Deployment) -> None:
    # Given reports, one of them believed by a person, that were read by rules of another time
    first, second = await make_sent(connection), await make_sent(connection)
    await receive(connection, deployment, report(), to=path(first.ref))
    report_id = await unverified(connection, deployment, second, own_id="<r2@mx.example>")
    await decisions.believe_report(
        connection, customer_id=second.ref.customer_id, report_id=report_id, actor="jo", deployment=deployment
    )
    await connection.execute("update delivery_report set cause = 'UNKNOWN', rule = 'old'")
    # When all is read again
    assert await read_again(connection, deployment, unmatched_only=False) == Reread(read=2, changed=2)
    # Then their causes are today's, and nothing else changed
    for sent, matched_by in ((first, "TOKEN"), (second, "PERSON")):
        [found] = await sent.reports()
        assert (found["cause"], found["verified"], found["matched_by"]) == ("BAD_ADDRESS", True, matched_by)
    assert await read_again(connection, deployment, unmatched_only=False) == Reread(read=2, changed=0)


async def test_what_a_person_wrote_is_read_anew_and_stays_whose_it_is(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a reply that is a message already
    customer = await make_customer(connection)
    row = await receive(connection, deployment, PLAIN, sender="bo@elsewhere.example")
    received = await make_message(connection, customer, direction="RECEIVED")
    await insert(connection, "received_mail", customer_id=customer, message_id=received, inbound_id=row["id"],
                 author="OTHER", body="Suits", automatic=False)  # fmt: skip
    await connection.execute(
        "update inbound_mail set unmatched = null, matched_by = 'ADDRESS', customer_id = $1, message_id = $2",
        customer,
        received,
    )

    async def join(connection: Any, stored: Any, reading: Any, **_: Any) -> Joined:
        await connection.execute("update received_mail set body = $1", reading.reply.text)
        return Joined(ref=MessageRef(customer_id=customer, message_id=received), matched_by=MatchedBy.ADDRESS)

    monkeypatch.setattr(replies, "join", join)
    # When it is read again
    assert await read_again(connection, deployment, unmatched_only=False) == Reread(read=1, changed=1)
    # Then its text is today's, once
    assert await read_again(connection, deployment, unmatched_only=False) == Reread(read=1, changed=0)
    after = await connection.fetchrow("select matched_by::text, message_id from inbound_mail")
    assert tuple(after) == ("ADDRESS", received)


async def test_only_what_came_in_the_span_is_read_again(connection: Any, deployment: Deployment) -> None:
    await receive(connection, deployment, report())
    now = datetime.now(UTC)
    assert await read_again(connection, deployment, until=now - timedelta(hours=1)) == Reread(read=0, changed=0)
    assert await read_again(connection, deployment, since=now + timedelta(hours=1)) == Reread(read=0, changed=0)
    span = {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}
    assert await read_again(connection, deployment, **span) == Reread(read=1, changed=0)


async def test_too_much_is_refused_and_dismissed_mail_left_alone(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "MAX_REREAD", 1)
    first = await receive(connection, deployment, report())
    await receive(connection, deployment, PLAIN, sender=ANN)
    again = read_again(connection, deployment)
    assert await refusal(again) == (RefusalCode.TOO_MANY, ("receivedAt",))
    await decisions.dismiss(connection, inbound_ids=[first["id"]], actor="jo")
    assert await read_again(connection, deployment) == Reread(read=1, changed=0)


async def test_an_unreadable_mail_is_read_when_the_reader_can(connection: Any, deployment: Deployment) -> None:
    await make_customer(connection)
    row = await receive(connection, deployment, report())
    await connection.execute("update inbound_mail set unmatched = 'UNREADABLE', kind = 'REPLY'")
    assert await read_again(connection, deployment) == Reread(read=1, changed=1)
    assert await connection.fetchval("select kind::text from inbound_mail where id = $1", row["id"]) == "BOUNCE"


async def test_an_unreadable_mail_is_read_apart_and_holds_up_no_other(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a small mail that ended three processes, one that cannot be written, and one more
    bad = await receive(connection, deployment, PLAIN, sender=ANN)
    await connection.execute("update inbound_mail set unmatched = 'UNREADABLE'")
    broken = await receive(connection, deployment, report(own_id="<r2@mx.example>"))
    last = await receive(connection, deployment, report(own_id="<r3@mx.example>"))
    await connection.execute("update inbound_mail set kind = 'REPLY' where id = $1", last["id"])
    apart: list[bytes] = []

    async def dying(raw: bytes, options: ReadingOptions) -> Reading:
        apart.append(raw)
        raise ReadingFailed("It died.")

    async def join_badly(connection: Any, stored: StoredMail, *rest: Any) -> Any:
        if stored.id == broken["id"]:
            raise ValueError("ann@customer.example")
        return await join(connection, stored, *rest)

    join = joining.join_mail
    monkeypatch.setattr(read_job, "read_apart", dying)
    monkeypatch.setattr(decisions, "join_mail", join_badly)
    # When all are read again, then the first ends no process of ours, and the last is read
    assert await read_again(connection, deployment) == Reread(read=1, changed=1)
    assert apart == [PLAIN]
    # And a person who assigns the first is told why not
    customer = await make_customer(connection)
    assigned = decisions.assign(
        connection, inbound_id=bad["id"], customer_id=customer, message_id=None, actor="jo", deployment=deployment
    )
    assert await refusal(assigned) == (RefusalCode.ILLEGAL_STATE, ("mailId",))
