"""Suppressed addresses over the API: listed, set, lifted; a wrong address corrected; mail that waits goes out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from gateway.deployment import Deployment
from gateway.mail.letter import Mailbox
from gateway.mail.message import MessageRef
from gateway.outbox.claim import claim
from gateway.outbox.outcomes import HandOff, hand_off
from gateway.settings import Settings
from gateway.storage import content
from gateway.templates.versions import publish_builtins
from service.graph.node import message_global_id
from tests.builders import insert, make_campaign, make_customer, make_message, make_outbox
from tests.engine import Start, queue_mail, start, until
from tests.mails import parsed
from tests.smtp_server import Reply, SmtpServer

__all__ = ["start"]

GONE, RIGHT = "gone@customer.example", "right@customer.example"
FIELDS = """id address reason scope suppressedAt by why heldMessages liftedAt liftedBy liftedWhy
  message { id } customer { id }"""
SUPPRESS = f"""mutation($i: SuppressAddressInput!) {{ suppressAddress(input: $i) {{
  suppression {{ {FIELDS} }} userErrors {{ code field message }} }} }}"""
LIFT = f"""mutation($i: LiftSuppressionInput!) {{ liftSuppression(input: $i) {{
  suppression {{ {FIELDS} }} released userErrors {{ code field message }} }} }}"""
AGAIN = f"""mutation($i: SuppressAgainInput!) {{ suppressAgain(input: $i) {{
  suppression {{ {FIELDS} }} userErrors {{ code field message }} }} }}"""
CORRECT = """mutation($i: CorrectAddressInput!) { correctAddress(input: $i) {
  customer { addresses { address primary suppression { id } } } retried userErrors { code field } } }"""
RETRY = """mutation($i: MessageInput!, $to: Boolean!) { retryMessage(input: $i, toPresentAddress: $to) {
  message { status actions info { to events { kind by detail } } } userErrors { code field message } } }"""
LIST = f"""query($search: String, $reason: SuppressionReason, $lifted: Boolean!, $first: Int!, $after: String) {{
  suppressions(search: $search, reason: $reason, lifted: $lifted, first: $first, after: $after) {{
    nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
MESSAGE = "query($id: ID!) { message(id: $id) { status actions info { to cause events { kind by detail } } } }"


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    body = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in body, body
    [value] = body["data"].values()
    return value


async def listed(client: httpx.AsyncClient, **asked: Any) -> list[Any]:
    """Suppressions as they are listed."""
    variables = {"search": None, "reason": None, "lifted": False, "first": 50, "after": None}
    nodes: list[Any] = (await ask(client, LIST, **variables | asked))["nodes"]
    return nodes


def refusals(payload: Any) -> list[tuple[str, str]]:
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


@pytest.fixture
async def deployment(settings: Settings, connection: Any) -> Deployment:
    await publish_builtins(connection)
    return Deployment.open(settings)


async def suppressed(connection: Any, deployment: Deployment, address: str = GONE, **values: Any) -> None:
    """The gateway has suppressed this address."""
    usual = {"reason": "BAD_ADDRESS", "actor": "gateway"}
    await insert(connection, "suppression", address_key=deployment.key_of(address), **(usual | values))


async def held(connection: Any, deployment: Deployment, address: str = GONE, **values: Any) -> MessageRef:
    """A mail that was held because its address was suppressed."""
    ref = await queue_mail(connection, deployment, address, **values)
    assert await connection.fetchval("select status from message where id = $1", ref.message_id) == "HELD"
    return ref


def global_id(ref: MessageRef) -> str:
    return message_global_id(ref.customer_id, ref.message_id)


# Set and lifted --------------------------------------------------------------------------------------------------


async def test_a_person_suppresses_an_address_and_its_queued_mail_is_held(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given a customer with a queued letter and a queued campaign mail
    customer = await make_customer(connection, addresses=[GONE])
    letter = (await queue_mail(connection, deployment, customer_id=customer)).message_id
    campaign = await make_message(connection, customer, campaign_id=await make_campaign(connection), recipient=GONE)
    await make_outbox(connection, customer, campaign, address=GONE, opt_out_kind="MARKETING")

    async def statuses() -> list[str]:
        rows = await connection.fetch("select status from message order by id = $1", letter)
        return [row["status"] for row in rows]

    # When campaigns to it are stopped, then the campaign's mail is held; when all mail is, the letter too
    asked = {"address": "GONE@Customer.example", "why": " Asked by phone "}
    first = await ask(client, SUPPRESS, i={**asked, "scope": "CAMPAIGNS"})
    assert first["userErrors"] == []
    assert await statuses() == ["HELD", "QUEUED"]
    second = (await ask(client, SUPPRESS, i=asked))["suppression"]
    assert await statuses() == ["HELD", "HELD"]
    # Then it says who, why and what is held
    assert {name: second[name] for name in ("address", "reason", "scope", "by", "why", "heldMessages")} == {
        "address": "GONE@customer.example", "reason": "STAFF", "scope": "ALL_MAIL", "by": "test",
        "why": "Asked by phone", "heldMessages": 2,
    }  # fmt: skip
    assert (second["customer"]["id"], second["message"], second["liftedAt"]) == (f"Customer_{customer}", None, None)
    # And the narrower one is kept as lifted; a repeat changes nothing
    [before] = await listed(client, lifted=True)
    assert (before["id"], before["liftedBy"]) == (first["suppression"]["id"], "test")
    assert (await ask(client, SUPPRESS, i={**asked, "scope": "CAMPAIGNS"}))["suppression"] == second
    assert await listed(client) == [second]


async def test_a_lifted_suppression_stays_on_record_and_another_one_is_a_new_row(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given an address that one refused mail closed, and three messages that wait for it, one by its copy
    customer = await make_customer(connection, addresses=[GONE])
    refused = await make_message(connection, customer, status="REFUSED", cause="BAD_ADDRESS", recipient=GONE)
    await suppressed(connection, deployment, customer_id=customer, message_id=refused)
    waiting = [await held(connection, deployment, customer_id=customer) for _ in range(2)]
    copied = await queue_mail(connection, deployment, "boss@customer.example", cc=(Mailbox(address=GONE),))
    [standing] = await listed(client)
    assert (standing["heldMessages"], standing["message"]["id"]) == (3, message_global_id(customer, refused))
    # When it is lifted with what is held
    done = await ask(client, LIFT, i={"address": GONE, "why": "They mended it", "releaseHeld": True})
    # Then all of it is queued again, and every history says so
    assert (done["released"], done["userErrors"]) == (3, [])
    lifted = done["suppression"]
    assert (lifted["id"], lifted["liftedBy"], lifted["liftedWhy"]) == (standing["id"], "test", "They mended it")
    for ref in (*waiting, copied):
        events = (await ask(client, MESSAGE, id=global_id(ref)))["info"]["events"]
        assert [event["kind"] for event in events] == ["HELD", "SUPPRESSION_LIFTED", "RELEASED"]
    assert await connection.fetchval("select count(*) from outbox where address = $1", GONE) == 3
    [about] = (await ask(client, MESSAGE, id=message_global_id(customer, refused)))["info"]["events"]
    assert (about["kind"], about["by"]) == ("SUPPRESSION_LIFTED", "test")
    # And it is listed among the lifted; once suppressed again both are there
    assert (await listed(client), await listed(client, lifted=True)) == ([], [lifted])
    again = (await ask(client, SUPPRESS, i={"address": GONE, "why": "Still wrong"}))["suppression"]
    assert again["id"] != lifted["id"]
    assert (await listed(client), await listed(client, lifted=True))[1][0]["id"] == lifted["id"]


async def test_held_mail_stays_held_unless_it_is_let_go_and_can_be_let_go_later(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three held messages, and calls that let two go at most
    await suppressed(connection, deployment)
    for _ in range(3):
        await held(connection, deployment)
    monkeypatch.setattr("gateway.consent.suppressions.MAX_RELEASED", 2)
    asked = {"address": GONE, "why": "Right after all"}
    # When it is lifted, nothing goes; then two go, then the last, then there is nothing to do
    released = [
        (done["released"], [code for code, _ in refusals(done)])
        for done in [await ask(client, LIFT, i={**asked, "releaseHeld": release}) for release in (False, *[True] * 3)]
    ]
    assert released == [(0, []), (2, []), (1, []), (0, ["ILLEGAL_STATE"])]


async def test_a_lifting_is_taken_back_while_nothing_else_stands_against_the_address(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given an address that one refused mail closed, and lifted since; a letter to it waits in the queue
    customer = await make_customer(connection, addresses=[GONE])
    refused = await make_message(connection, customer, status="REFUSED", cause="BAD_ADDRESS", recipient=GONE)
    await suppressed(connection, deployment, customer_id=customer, message_id=refused)
    [before] = await listed(client)
    lifted = (await ask(client, LIFT, i={"address": GONE, "why": "They called"}))["suppression"]
    letter = await queue_mail(connection, deployment, customer_id=customer)
    # When that is taken back
    again = await ask(client, AGAIN, i={"suppressionId": lifted["id"]})
    # Then it stands as it did, by the same evidence and since the same day, and the letter is held
    kept = ("address", "reason", "scope", "suppressedAt", "by", "why", "message", "customer")
    assert {name: again["suppression"][name] for name in kept} == {name: before[name] for name in kept}
    assert [one["id"] for one in await listed(client)] == [again["suppression"]["id"]]
    assert await connection.fetchval("select status from message where id = $1", letter.message_id) == "HELD"
    # And that it was lifted, by whom and why, stays on record
    assert await listed(client, lifted=True) == [lifted | {"heldMessages": 1}]
    events = (await ask(client, MESSAGE, id=message_global_id(customer, refused)))["info"]["events"]
    assert [(one["kind"], one["by"], one["detail"]) for one in events][-2:] == [
        ("SUPPRESSION_LIFTED", "test", {}), ("UNDONE", "test", {"decision": "SUPPRESSION_LIFTED"})]  # fmt: skip
    # And a second time there is nothing to take back, nor of an id that nobody lifted
    for wrong, code in ((lifted["id"], "ILLEGAL_STATE"), (again["suppression"]["id"], "NOT_FOUND"), ("x", "NOT_FOUND")):
        assert refusals(await ask(client, AGAIN, i={"suppressionId": wrong})) == [(code, "suppressionId")]


async def test_what_cannot_be_suppressed_or_lifted_says_why_all_at_once(client: httpx.AsyncClient) -> None:
    for document in (SUPPRESS, LIFT):
        done = await ask(client, document, i={"address": "nobody", "why": " "})
        assert refusals(done) == [("ADDRESS_INVALID", "address"), ("REQUIRED", "why")]
    done = await ask(client, LIFT, i={"address": "x@y.example", "why": "w" * 501})
    assert refusals(done) == [("TOO_LONG", "why")]
    assert refusals(await ask(client, LIFT, i={"address": "x@y.example", "why": "w"})) == [("NOT_FOUND", "address")]


async def test_a_campaign_suppression_lets_individual_mail_go(connection: Any, deployment: Deployment) -> None:
    # Given an address whose reader complained, a letter and a campaign's mail to it
    await suppressed(connection, deployment, RIGHT, reason="COMPLAINT", scope="CAMPAIGNS")
    letter = await queue_mail(connection, deployment, RIGHT)
    message = await make_message(connection, letter.customer_id, recipient=RIGHT)
    await make_outbox(connection, letter.customer_id, message, address=RIGHT, opt_out_kind="MARKETING")
    # When they are claimed, and what was not handed off is to be
    claimed = await claim(connection, worker=uuid4(), lease=timedelta(minutes=1), hand_off=True)
    # Then the letter goes, and the campaign's mail must not
    assert {row.message_id: row.handed_off for row in claimed.leased} == {letter.message_id: True, message: False}
    rest = [row for row in claimed.leased if not row.handed_off]
    assert await hand_off(connection, rest) == [HandOff.SUPPRESSED]


async def test_suppressions_are_found_by_page_reason_part_and_whole_address(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given three, one of them of nobody any more
    customer = await make_customer(connection, addresses=["ann_b@customer.example"])
    await suppressed(connection, deployment, "ann_b@customer.example")
    await suppressed(connection, deployment, "erased@customer.example", reason="COMPLAINT")
    await ask(client, SUPPRESS, i={"address": "typed@customer.example", "why": "A competitor"})
    whole = ["typed@customer.example", None, "ann_b@customer.example"]
    assert [one["address"] for one in await listed(client)] == whole
    page = await ask(client, LIST, search=None, reason=None, lifted=False, first=2, after=None)
    rest = await listed(client, after=page["pageInfo"]["endCursor"])
    assert [one["address"] for one in [*page["nodes"], *rest]] == whole
    assert (page["pageInfo"]["hasNextPage"], rest[0]["customer"]) == (True, {"id": f"Customer_{customer}"})

    async def found(**asked: Any) -> list[str | None]:
        return [one["address"] for one in await listed(client, **asked)]

    assert await found(search="Customer.ex") == ["typed@customer.example", "ann_b@customer.example"]
    assert await found(search="ann_") == ["ann_b@customer.example"]
    assert await found(search="nnxb") == []
    assert await found(search="ERASED@customer.example") == [None]
    assert await found(search="erased@") == []
    assert await found(reason="COMPLAINT") == [None]
    answer = await client.post("/graphql", json={"query": '{ suppressions(search: "ab") { nodes { id } } }'})
    assert answer.json()["errors"][0]["extensions"]["argument"] == "search"
    node = "query($id: ID!) { node(id: $id) { ... on Suppression { id by } } }"
    assert (await ask(client, node, id=rest[0]["id"])) == {"id": rest[0]["id"], "by": "gateway"}


# A wrong address, and the right one ------------------------------------------------------------------------------


async def test_one_wrong_refusal_closes_no_address_for_ever(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a letter that the server refused, and a second one that is held for it
    smtp_server.script(rcpt=Reply(550, "5.1.1 no such user"))
    start()
    refused = await queue_mail(connection, deployment, GONE)
    await until(connection, refused, "REFUSED")
    smtp_server.forget_scripts()
    waiting = await held(connection, deployment, customer_id=refused.customer_id)
    told = await ask(client, MESSAGE, id=global_id(refused))
    assert told["actions"] == ["LIFT_SUPPRESSION", "CORRECT_ADDRESS", "DISMISS"]
    retried = await ask(client, RETRY, i={"messageId": global_id(refused)}, to=False)
    assert refusals(retried) == [("SUPPRESSED", "messageId")]
    # When the suppression is lifted, then both can be sent
    await ask(client, LIFT, i={"address": GONE, "why": "Their mistake", "releaseHeld": True})
    assert (await ask(client, MESSAGE, id=global_id(refused)))["actions"] == ["RETRY", "CORRECT_ADDRESS", "DISMISS"]
    assert (await ask(client, RETRY, i={"messageId": global_id(refused)}, to=False))["userErrors"] == []
    for ref in (refused, waiting):
        await until(connection, ref, "ACCEPTED")


async def test_a_corrected_address_gets_what_waited_for_it(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a refused letter, a held one, and one that was refused long ago
    smtp_server.script(rcpt=Reply(550, "5.1.1 no such user"))
    start()
    refused = await queue_mail(connection, deployment, GONE)
    await until(connection, refused, "REFUSED")
    smtp_server.forget_scripts()
    waiting = await held(connection, deployment, customer_id=refused.customer_id)
    old = await make_message(connection, refused.customer_id, status="REFUSED", cause="BAD_ADDRESS", recipient=GONE)
    await connection.execute("update message set decided_at = now() - interval '8 days' where id = $1", old)
    # When the address is corrected
    whose = f"Customer_{refused.customer_id}"
    done = await ask(client, CORRECT, i={"customerId": whose, "address": GONE.upper(), "correctAddress": RIGHT})
    # Then what waited goes to the right one, and no more
    assert (done["retried"], done["userErrors"]) == (2, [])
    assert done["customer"]["addresses"] == [{"address": RIGHT, "primary": True, "suppression": None}]
    for ref in (refused, waiting):
        await until(connection, ref, "ACCEPTED")
        told = (await ask(client, MESSAGE, id=global_id(ref)))["info"]
        readdressed = [event for event in told["events"] if event["kind"] == "READDRESSED"]
        assert (told["to"], [event["detail"]["formerAddress"] for event in readdressed]) == (RIGHT, [GONE])
    assert {mail.recipients for mail in smtp_server.taken} == {(RIGHT,)}
    assert {str(parsed(mail.content)["To"]).rpartition(" ")[2] for mail in smtp_server.taken} == {f"<{RIGHT}>"}
    assert (await ask(client, MESSAGE, id=message_global_id(refused.customer_id, old)))["status"] == "REFUSED"
    # And what stands against the wrong one stays
    assert [one["address"] for one in await listed(client)] == [None]


UPSERT = """mutation($c: [UpsertCustomerInput!]!) { upsertCustomers(input: {customers: $c}) {
  customers { addresses { address suppression { by } } } warnings { message field } userErrors { code } } }"""


async def test_an_upsert_that_brings_a_bad_address_back_is_taken_with_a_warning(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    await suppressed(connection, deployment)
    given = [{"externalRef": "A", "addresses": [RIGHT]}, {"externalRef": "B", "addresses": [RIGHT, GONE]}]
    done = await ask(client, UPSERT, c=given)
    assert done["userErrors"] == []
    assert done["customers"][1]["addresses"][1] == {"address": GONE, "suppression": {"by": "gateway"}}
    [warning] = done["warnings"]
    assert warning["field"] == ["customers", "1", "addresses", "1"]
    assert "must not be mailed" in warning["message"]


async def test_an_address_that_cannot_be_corrected_says_why(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    customer = await make_customer(connection, addresses=[GONE, "second@customer.example"])
    await suppressed(connection, deployment, "closed@customer.example")

    async def refused(**asked: Any) -> list[tuple[str, str]]:
        whole = {"customerId": f"Customer_{customer}", "address": GONE, "correctAddress": RIGHT} | asked
        return refusals(await ask(client, CORRECT, i=whole))

    assert await refused(customerId="Customer_0", correctAddress="x") == [
        ("NOT_FOUND", "customerId"),
        ("ADDRESS_INVALID", "correctAddress"),
    ]
    assert await refused(customerId="Customer_999999") == [("NOT_FOUND", "address")]
    assert await refused(address="ä@-") == [("NOT_FOUND", "address")]
    assert await refused(correctAddress=GONE.title()) == [("CONFLICT", "correctAddress")]
    assert await refused(correctAddress="second@customer.example") == [("CONFLICT", "correctAddress")]
    assert await refused(correctAddress="closed@customer.example") == [("SUPPRESSED", "correctAddress")]
    assert await refused() == []


async def test_a_mail_goes_to_the_present_address_and_both_are_proved(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a refused letter whose customer the CRM has given another address
    smtp_server.script(rcpt=Reply(550, "5.1.1 no such user"))
    start()
    ref = await queue_mail(connection, deployment, GONE)
    first = await until(connection, ref, "REFUSED")
    smtp_server.forget_scripts()
    asked = {"i": {"messageId": global_id(ref)}, "to": True}
    assert refusals(await ask(client, RETRY, **asked)) == [("ILLEGAL_STATE", "messageId")]
    await connection.execute(
        "update customer_address set address = $1, address_key = $2", RIGHT, deployment.key_of(RIGHT)
    )
    assert (await ask(client, MESSAGE, id=global_id(ref)))["actions"] == [
        "RETRY_TO_PRESENT_ADDRESS",
        "LIFT_SUPPRESSION",
        "DISMISS",
    ]
    # When it is sent there
    done = await ask(client, RETRY, **asked)
    assert done["userErrors"] == []
    # Then it goes there, and its history keeps both, with the hash of each
    assert done["message"]["info"]["to"] == RIGHT
    last = await until(connection, ref, "ACCEPTED")
    [mail] = smtp_server.taken
    assert (mail.recipients, await content.load(connection, last["content_sha256"])) == ((RIGHT,), mail.content)
    assert last["mail_sha256"] == last["content_sha256"] != first["content_sha256"]
    events = done["message"]["info"]["events"]
    readdressed = next(event for event in events if event["kind"] == "READDRESSED")
    assert (readdressed["by"], readdressed["detail"]) == (
        "test", {"formerAddress": GONE, "formerSha256": first["content_sha256"].hex()},
    )  # fmt: skip
    assert await content.load(connection, first["content_sha256"])
