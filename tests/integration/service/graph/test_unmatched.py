"""Received mail that is nobody's: listed with why and whose it may be, given to somebody, taken off, read again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from gateway.deployment import Deployment
from gateway.settings import Settings
from service.graph.context import Context
from service.graph.node import customer_global_id, message_global_id, row_global_id
from service.graph.schema import schema
from tests.builders import insert, make_customer
from tests.integration.gateway.inbound.returning import ANN, Said, Sent, make_sent, message_id, receive, report

MakeContext = Callable[..., Context]

LIST = """query($reason: UnmatchedReason, $first: Int = 50, $after: String) {
  unmatchedMail(reason: $reason, first: $first, after: $after) {
    nodes { id receivedAt kind reason from to subject excerpt size candidates { id } }
    pageInfo { hasNextPage endCursor } } }"""
ASSIGN = (
    "mutation($i: AssignMailInput!) { a: assignMail(input: $i) { message { id status } userErrors { code field } } }"
)
DISMISS = "mutation($i: DismissMailInput!) { a: dismissMail(input: $i) { dismissed userErrors { code field } } }"
REREAD = "mutation($i: RereadInboundInput!) { a: rereadInbound(input: $i) { read changed userErrors { code } } }"
BELIEVE = """mutation($i: BelieveReportInput!) { a: believeReport(input: $i) {
  message { status actions info { report { verified } } } userErrors { code field } } }"""


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def execute(context: Context, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    [value] = orjson.loads(orjson.dumps(result.data)).values()
    return value


async def make_unmatched(connection: Any, reason: str = "UNKNOWN_SENDER", **values: Any) -> str:
    """A mail that was read and is nobody's; returns its global id."""
    usual: dict[str, Any] = {"source": "SMTP", "size": 9, "kind": "REPLY", "excerpt": "Hello", "unmatched": reason}
    row = await insert(connection, "inbound_mail", read_at=datetime.now(UTC), **(usual | values))
    return row_global_id("UnmatchedMail", row["id"])


async def test_mail_that_is_nobodys_is_listed_by_pages_and_by_reason(
    connection: Any, make_context: MakeContext
) -> None:
    # Given four mails that are nobody's, one that a person took off, and one that is not read yet
    made = [await make_unmatched(connection, reason) for reason in ("NO_TRACE", "UNKNOWN_SENDER") for _ in range(2)]
    await make_unmatched(connection, dismissed_at=datetime.now(UTC), dismissed_by="jo")
    await insert(connection, "inbound_mail", source="SMTP", size=1)
    # When they are read by pages
    first = await execute(make_context(), LIST, first=3)
    rest = await execute(make_context(), LIST, first=3, after=first["pageInfo"]["endCursor"])
    # Then the newest come first, and each once
    assert [one["id"] for one in first["nodes"] + rest["nodes"]] == made[::-1]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    # And a reason finds its own
    assert [one["id"] for one in (await execute(make_context(), LIST, reason="NO_TRACE"))["nodes"]] == made[1::-1]
    # And node(id:) finds what is listed, and nothing else
    node = "query($id: ID!) { node(id: $id) { ... on UnmatchedMail { excerpt } } }"
    assert await execute(make_context(), node, id=made[0]) == {"excerpt": "Hello"}
    assert await execute(make_context(), node, id=row_global_id("UnmatchedMail", UUID(int=7))) is None


async def test_candidates_have_the_senders_address_or_the_one_that_a_report_names(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given six customers with one address, of whom a report says that mail to them came back
    shared = [await make_customer(connection, addresses=[ANN]) for _ in range(6)]
    await receive(connection, deployment, report(Said(recipient=ANN)))
    # And mail by a sender with another's address in other letters, by nobody's, and by no address at all
    bo = await make_customer(connection, addresses=["bo@customer.example"])
    await make_unmatched(connection, "SEVERAL_CUSTOMERS", from_address="Bo@Customer.Example")
    await make_unmatched(connection, from_address="who@elsewhere.example")
    await make_unmatched(connection, from_address="no address")
    await make_unmatched(connection, "UNREADABLE", kind=None)
    # When they are listed
    found = (await execute(make_context(), LIST))["nodes"]
    # Then each says whose it may be: at most five, the newest first
    whose = [[one["id"] for one in mail["candidates"]] for mail in found]
    assert whose == [[], [], [], [customer_global_id(bo)], [customer_global_id(one) for one in shared[:0:-1]]]
    of_report = found[-1]
    assert (of_report["kind"], of_report["reason"], of_report["from"]) == ("BOUNCE", "NO_TRACE", None)
    assert "User unknown" in of_report["excerpt"]


async def unmatched_report(connection: Any, deployment: Deployment) -> tuple[Sent, str]:
    """A sent mail, and a report without a trace of it."""
    sent = await make_sent(connection)
    row = await receive(connection, deployment, report())
    return sent, row_global_id("UnmatchedMail", row["id"])


async def test_a_person_says_whose_a_mail_is(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given a report that is nobody's
    sent, mail = await unmatched_report(connection, deployment)
    message = message_global_id(sent.ref.customer_id, sent.ref.message_id)
    customer = customer_global_id(sent.ref.customer_id)
    # When a person names its customer and message
    done = await execute(make_context(), ASSIGN, i={"mailId": mail, "customerId": customer, "messageId": message})
    # Then it counts, the history names the person, and the mail is off the list
    assert done == {"message": {"id": message, "status": "BOUNCED"}, "userErrors": []}
    assert await connection.fetchval("select actor from event where kind = 'ASSIGNED'") == "tester"
    assert (await execute(make_context(), LIST))["nodes"] == []


async def test_what_cannot_be_assigned_is_refused_with_the_field(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    sent, mail = await unmatched_report(connection, deployment)
    customer, other = customer_global_id(sent.ref.customer_id), await make_customer(connection)
    for given, code, field in (
        ({"mailId": "UnmatchedMail_x", "customerId": customer}, "NOT_FOUND", "mailId"),
        ({"mailId": row_global_id("UnmatchedMail", UUID(int=1)), "customerId": customer}, "NOT_FOUND", "mailId"),
        ({"mailId": mail, "customerId": "Customer_999999"}, "NOT_FOUND", "customerId"),
        ({"mailId": mail, "customerId": customer}, "REQUIRED", "messageId"),
        ({"mailId": mail, "customerId": customer, "messageId": "x"}, "NOT_FOUND", "messageId"),
        # Another customer's message
        (
            {
                "mailId": mail,
                "customerId": customer_global_id(other),
                "messageId": message_global_id(sent.ref.customer_id, sent.ref.message_id),
            },
            "NOT_FOUND",
            "messageId",
        ),
    ):
        done = await execute(make_context(), ASSIGN, i=given)
        assert done == {"message": None, "userErrors": [{"code": code, "field": [field]}]}, given
    told = "mutation ($i: AssignMailInput!) { assignMail(input: $i) { userErrors { message } } }"
    refused = await execute(make_context(), told, i={"mailId": customer, "customerId": customer})
    assert refused == {"userErrors": [{"message": "There is no such unmatched mail."}]}
    assert len((await execute(make_context(), LIST))["nodes"]) == 1


async def test_mail_is_taken_off_the_list(connection: Any, make_context: MakeContext) -> None:
    # Given two mails that are nobody's
    mails = [await make_unmatched(connection) for _ in range(2)]
    # When they are dismissed, one twice
    done = await execute(make_context(), DISMISS, i={"mailIds": [*mails, mails[0]]})
    # Then both are off the list, with who did it, and again is harmless
    assert done == {"dismissed": 2, "userErrors": []}
    assert await connection.fetch("select distinct dismissed_by from inbound_mail") == [("tester",)]
    assert (await execute(make_context(), LIST))["nodes"] == []
    assert (await execute(make_context(), DISMISS, i={"mailIds": mails}))["dismissed"] == 2
    # And one of them can be put back
    back = await execute(make_context(), DISMISS, i={"mailIds": mails[:1], "dismissed": False})
    assert back == {"dismissed": 1, "userErrors": []}
    assert [row["id"] for row in (await execute(make_context(), LIST))["nodes"]] == mails[:1]
    # And what is no mail, or too many, is refused
    wrong = await execute(make_context(), DISMISS, i={"mailIds": [mails[0], "Customer_1"]})
    assert wrong == {"dismissed": 0, "userErrors": [{"code": "NOT_FOUND", "field": ["mailIds", "1"]}]}
    many = await execute(make_context(), DISMISS, i={"mailIds": mails * 51})
    assert many["userErrors"] == [{"code": "TOO_MANY", "field": ["mailIds"]}]


async def test_mail_of_a_span_is_read_again(connection: Any, deployment: Deployment, make_context: MakeContext) -> None:
    # Given a report that was read as nobody's
    await unmatched_report(connection, deployment)
    now = datetime.now(UTC)
    # When mail is read again, of all time, and of a span without mail
    everything = await execute(make_context(), REREAD, i={})
    earlier = {"receivedAt": {"until": (now - timedelta(days=1)).isoformat()}, "unmatchedOnly": False}
    nothing = await execute(make_context(), REREAD, i=earlier)
    # Then it is said how much was, and how much of it is read otherwise
    assert everything == {"read": 1, "changed": 0, "userErrors": []}
    assert nothing == {"read": 0, "changed": 0, "userErrors": []}


async def test_a_report_without_a_token_is_offered_to_be_believed_and_counts_then(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given a mail that counts as sent, and a report that only names its Message-ID
    sent = await make_sent(connection)
    raw = report(returned=f"Message-ID: {message_id(sent.ref)}\r\n")
    await receive(connection, deployment, raw)
    query = """query($id: ID!) { message(id: $id) { status actions info { colorHint report { id verified text } } } }"""
    message = message_global_id(sent.ref.customer_id, sent.ref.message_id)
    told = await execute(make_context(), query, id=message)
    assert (told["status"], told["actions"], told["info"]["colorHint"]) == ("ACCEPTED", ["BELIEVE_REPORT"], "GREY")
    doubted = told["info"]["report"]
    assert doubted["verified"] is False
    # When a person believes it
    done = await execute(make_context(), BELIEVE, i={"reportId": doubted["id"]})
    # Then it counts, and is not offered again
    assert done["userErrors"] == []
    assert (done["message"]["status"], done["message"]["info"]["report"]) == ("BOUNCED", {"verified": True})
    assert "BELIEVE_REPORT" not in done["message"]["actions"]
    # And again, or what is no report, is refused
    for report_id, code in ((doubted["id"], "ILLEGAL_STATE"), ("DeliveryReport_1_x", "NOT_FOUND")):
        again = await execute(make_context(), BELIEVE, i={"reportId": report_id})
        assert again == {"message": None, "userErrors": [{"code": code, "field": ["reportId"]}]}
    # And node(id:) finds it
    node = "query($id: ID!) { node(id: $id) { ... on DeliveryReport { action text } } }"
    assert (await execute(make_context(), node, id=doubted["id"]))["action"] == "FAILED"
