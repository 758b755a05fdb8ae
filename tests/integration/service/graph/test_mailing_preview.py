"""A mailing before it is sent: looked at, and mailed to addresses of the caller's by the engine to a real server."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.campaigns import drafts
from gateway.campaigns.drafts import CampaignOrder
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.compose import sender_profiles
from gateway.deployment import Deployment
from gateway.settings import Settings
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource, compile_source
from service.graph import mailing_preview
from service.graph.context import Context
from service.graph.schema import schema
from tests.builders import insert, make_customer
from tests.engine import Start, start
from tests.integration.gateway.campaigns.audiences import fixed_list
from tests.integration.service.graph.test_template import ask
from tests.mails import parsed
from tests.smtp_server import Reply, SmtpServer

__all__ = ["start"]

PREVIEW = """query($id: ID!, $customer: ID) { previewMailing(id: $id, customerId: $customer) {
  subject html text size warnings { code blocking recipients message } } }"""
AUDIENCE = """query($id: ID!) { previewMailing(id: $id) {
  audience { recipients { value precision } leftOut { reason recipients } } } }"""
TEST = """mutation($i: SendTestEmailInput!) { sendTestEmail(input: $i) {
  results { address verdict response { code text } } userErrors { code field message } } }"""
PAGE = (
    '<p>Hello {{ first }} of {{ town|default("town") }}</p><a href="https://shop.example/{{ first }}">Shop</a>'
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'
)
OURS = "qa@fabrikam.example"

Make = Callable[..., Awaitable[tuple[str, UUID, int]]]


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


@pytest.fixture
async def make(connection: Any, deployment: Deployment) -> Make:
    """Makes a draft of one mailing to one customer, Ann; returns the mailing's global id, the campaign's, Ann's."""

    async def made(html: str = PAGE, **values: Any) -> tuple[str, UUID, int]:
        source = TemplateSource(
            name="News", subject="News for {{ first }}", html=html, sample_data={"first": "Sam"}, text=None
        )
        template = await versions.publish(connection, compile_source(source), actor="test")
        sender = await sender_profiles.create(
            connection, name="Office", from_address="office@fabrikam.example", postal_address="1 Main Street"
        )
        ann = await make_customer(connection, addresses=["ann@customer.example"], name="Ann")
        order = CampaignOrder(
            **{
                "title": "Spring",
                "template_id": template.template_id,
                "sender_id": sender.sender_id,
                "recipients": (CampaignRecipient(customer_id=ann, merge_data={"first": "Ann"}),),
                "idempotency_key": "draft",
                "actor": "test",
                **values,
            }
        )
        campaign = await drafts.create(connection, order, deployment)
        number = await connection.fetchval("select id from mailing where campaign_id = $1", campaign)
        return f"Mailing_{number}", campaign, ann

    return made


def refusals(payload: Any) -> list[tuple[str, str]]:
    return sorted((error["code"], ".".join(error["field"])) for error in payload["userErrors"])


def order(mailing: str, *addresses: str, key: str = "test-1", **values: Any) -> dict[str, Any]:
    return {"mailingId": mailing, "addresses": list(addresses or (OURS,)), "idempotencyKey": key, **values}


# Looked at -----------------------------------------------------------------------------------------------------------


async def test_a_mailing_is_shown_with_sample_data_or_for_a_customer(client: httpx.AsyncClient, make: Make) -> None:
    mailing, _, ann = await make(merge_data={"town": "Vienna"})
    # With the sample's data and the campaign's
    shown = await ask(client, PREVIEW, id=mailing, customer=None)
    assert (shown["subject"], shown["warnings"]) == ("News for Sam", [])
    assert "Hello Sam of Vienna" in shown["html"]
    assert "https://shop.example/Sam" in shown["text"]
    assert "1 Main Street" in shown["html"]
    assert shown["size"] > len(shown["html"]) + len(shown["text"])
    # With the customer's
    shown = await ask(client, PREVIEW, id=mailing, customer=f"Customer_{ann}")
    assert (shown["subject"], "Hello Ann of Vienna" in shown["html"]) == ("News for Ann", True)


async def test_the_sample_data_may_name_the_customer(client: httpx.AsyncClient, connection: Any, make: Make) -> None:
    mailing, _, ann = await make(html=PAGE + "<p>Yours, {{ customer.name }}</p>")
    assert "Yours, Alex Sample" in (await ask(client, PREVIEW, id=mailing, customer=None))["html"]
    async with connection.transaction():
        await connection.execute("alter table template_version disable trigger user")
        await connection.execute(
            "update template_version set source = jsonb_set(source, '{sample_data,customer_name}', '\"Sam\"')"
            " where source ? 'sample_data'"
        )
    assert "Yours, Sam" in (await ask(client, PREVIEW, id=mailing, customer=None))["html"]
    assert "Yours, Ann" in (await ask(client, PREVIEW, id=mailing, customer=f"Customer_{ann}"))["html"]


async def test_a_default_is_shown_as_it_is_mailed(client: httpx.AsyncClient, make: Make) -> None:
    mailing, _, ann = await make()
    for customer, name in ((None, "Sam"), (f"Customer_{ann}", "Ann")):
        shown = await ask(client, PREVIEW, id=mailing, customer=customer)
        assert f"Hello {name} of town" in shown["html"]
        assert f"Hello {name} of town" in shown["text"]


async def test_what_looks_wrong_or_stops_a_mailing_is_said(
    client: httpx.AsyncClient, connection: Any, make: Make
) -> None:
    # Given a page with an image without a text, and a value that no field uses
    mailing, _, _ = await make(html=PAGE + '<img src="https://x.example/a.png">', merge_data={"twon": "Vienna"})
    # And a sender that has lost its postal address
    async with connection.transaction():
        await connection.execute("alter table sender_version disable trigger user")
        await connection.execute("update sender_version set postal_address = null")
    shown = await ask(client, PREVIEW, id=mailing, customer=None)
    assert [(one["code"], one["blocking"]) for one in shown["warnings"]] == [
        ("IMAGE_WITHOUT_ALT", False),
        ("POSTAL_ADDRESS_MISSING", True),
        ("MERGE_KEY_UNKNOWN", False),
    ]
    assert "twon" in shown["warnings"][2]["message"]


async def test_recipients_without_a_value_are_counted(
    client: httpx.AsyncClient, connection: Any, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a draft, to which two customers without the value that it needs were added
    mailing, campaign, _ = await make()
    for position in (2, 3):
        customer = await make_customer(connection)
        await insert(
            connection,
            "campaign_customer",
            campaign_id=campaign,
            position=position,
            customer_id=customer,
            merge_data={},
        )
    # Then they are counted
    (warning,) = (await ask(client, PREVIEW, id=mailing, customer=None))["warnings"]
    assert (warning["code"], warning["blocking"], warning["recipients"]) == ("MERGE_FIELD_MISSING", False, 2)
    # And one of them is shown what lacks by the field's name
    shown = await ask(client, PREVIEW, id=mailing, customer=f"Customer_{customer}")
    assert ("Hello [first]" in shown["html"], shown["warnings"][0]["recipients"]) == (True, 1)
    # And members of lists, too
    members = await fixed_list(connection, [customer, await make_customer(connection)])
    await insert(connection, "campaign_list", campaign_id=campaign, list_id=members)
    (warning,) = (await ask(client, PREVIEW, id=mailing, customer=None))["warnings"]
    assert (warning["code"], warning["recipients"]) == ("MERGE_FIELD_MISSING", 3)
    # And where that takes too long, no number is known
    monkeypatch.setattr("gateway.campaigns.mailing_preview._MOST_JUDGED", 2)
    (warning,) = (await ask(client, PREVIEW, id=mailing, customer=None))["warnings"]
    assert (warning["code"], warning["recipients"]) == ("MERGE_FIELD_MISSING", None)


async def test_a_customers_own_values_are_shown_and_missing_ones_counted(
    client: httpx.AsyncClient, connection: Any, make: Make, smtp_server: SmtpServer, start: Start
) -> None:
    # Given a mailing that shows a value of the customers' own, which one of two has
    mailing, campaign, ann = await make(html=PAGE + "<p>To {{ customer.attributes.city }}</p>")
    await connection.execute("""update customer set attributes = '{"city": "Graz", "age": 40}' where id = $1""", ann)
    bob = await make_customer(connection)
    values = {"campaign_id": campaign, "position": 2, "customer_id": bob, "merge_data": {"first": "Bob"}}
    await insert(connection, "campaign_customer", **values)
    # When it is looked at for each, then the value is there, or what lacks by its name
    shown = await ask(client, PREVIEW, id=mailing, customer=f"Customer_{ann}")
    assert ("To Graz" in shown["html"], shown["warnings"]) == (True, [])
    shown = await ask(client, PREVIEW, id=mailing, customer=f"Customer_{bob}")
    (warning,) = shown["warnings"]
    assert "To [customer.attributes.city]" in shown["html"]
    assert (warning["code"], warning["recipients"]) == ("MERGE_FIELD_MISSING", 1)
    # And for nobody in particular, who lacks it is counted
    (warning,) = (await ask(client, PREVIEW, id=mailing, customer=None))["warnings"]
    assert (warning["code"], warning["recipients"]) == ("MERGE_FIELD_MISSING", 1)
    assert "customer.attributes.city" in warning["message"]
    # And a test mail has it
    start()
    await ask(client, TEST, i=order(mailing, customerId=f"Customer_{ann}"))
    (message,) = smtp_server.messages
    page = parsed(message.content).get_body(("html",))
    assert page is not None
    assert "To Graz" in page.get_content()


async def test_whom_a_mailing_would_reach_comes_with_its_preview(
    client: httpx.AsyncClient, connection: Any, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a mailing to Ann, and to a list of two, one of whom opted out
    mailing, campaign, _ = await make(merge_data={"first": "you"})
    members = [await make_customer(connection) for _ in range(2)]
    await insert(connection, "opt_out", customer_id=members[0], kind="MARKETING", source="STAFF", actor="t")
    await insert(connection, "campaign_list", campaign_id=campaign, list_id=await fixed_list(connection, members))
    # When it is looked at, then its audience is judged
    shown = await ask(client, AUDIENCE, id=mailing)
    assert shown["audience"] == {
        "recipients": {"value": 2, "precision": "EXACT"},
        "leftOut": [{"reason": "OPTED_OUT", "recipients": 1}],
    }
    # And nothing is said of it where that takes too long
    monkeypatch.setattr("gateway.campaigns.audience_preview.audience_preview", _too_long)
    assert (await ask(client, AUDIENCE, id=mailing))["audience"] is None


async def _too_long(*_: Any) -> None:
    return None


async def test_a_mailings_own_subject_is_shown(client: httpx.AsyncClient, connection: Any, make: Make) -> None:
    mailing, campaign, _ = await make()
    await connection.execute("update mailing set subject = 'Only today, {{ first }}' where campaign_id = $1", campaign)
    assert (await ask(client, PREVIEW, id=mailing, customer=None))["subject"] == "Only today, Sam"


async def test_what_is_no_mailing_is_not_shown(client: httpx.AsyncClient, connection: Any, make: Make) -> None:
    mailing, _, ann = await make()
    await connection.execute("update customer set erased_at = now() where id = $1", ann)
    for text, customer in (("Mailing_999999", None), (mailing, "Customer_999999"), (mailing, f"Customer_{ann}")):
        assert await ask(client, PREVIEW, id=text, customer=customer) is None
    for text, customer, wrong in (("Mailing_0", None, "id"), ("x", None, "id"), (mailing, "x", "customerId")):
        variables = {"id": text, "customer": customer}
        body = (await client.post("/graphql", json={"query": PREVIEW, "variables": variables})).json()
        assert body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": wrong}


# Mailed to addresses of one's own ------------------------------------------------------------------------------------


async def test_a_test_mail_is_marked_inert_and_in_no_history(
    client: httpx.AsyncClient, connection: Any, make: Make, smtp_server: SmtpServer, start: Start
) -> None:
    # Given a mailing, and a gateway that sends
    mailing, _, ann = await make()
    start()
    # When it is tried at two addresses with a customer's data
    given = order(mailing, OURS, "boss@fabrikam.example", customerId=f"Customer_{ann}")
    sent = await ask(client, TEST, i=given)
    # Then the server's answers come with it
    assert sent["userErrors"] == []
    assert [(one["address"], one["verdict"], one["response"]["code"]) for one in sent["results"]] == [
        (OURS, "ACCEPTED", 250),
        ("boss@fabrikam.example", "ACCEPTED", 250),
    ]
    # And the mail is marked, its links are the author's, without a pixel
    mails = [parsed(message.content) for message in smtp_server.messages]
    assert sorted(mail["To"] for mail in mails) == ["boss@fabrikam.example", OURS]
    assert {mail["Subject"] for mail in mails} == {"[Test] News for Ann"}
    page = mails[0].get_body(("html",))
    assert page is not None
    html = page.get_content()
    assert 'href="https://shop.example/Ann"' in html
    assert re.findall("/[oc]/", html) == []
    # And following its unsubscribe link, or one click of a mail program, changes nothing
    [unsubscribe] = re.findall(r'href="(http[^"]*/u/[^"]*)"', html)
    for answer in (
        await client.get(unsubscribe),
        await client.post(unsubscribe, data={"List-Unsubscribe": "One-Click"}),
    ):
        assert answer.status_code == 404
    assert await connection.fetchval("select count(*) from address_opt_out") == 0
    # And it is in no history, no count, no trouble
    query = """query($id: ID!) { customer(id: $id) { emails {
      sent { nodes { id } } connectionNotes { nodes { id } } } } }"""
    history = (await ask(client, query, id=f"Customer_{ann}"))["emails"]
    assert (history["sent"]["nodes"], history["connectionNotes"]["nodes"]) == ([], [])
    assert await connection.fetchval("select coalesce(sum(made), 0) from mailing_tally") == 0
    # And the same key sends nothing more
    assert await ask(client, TEST, i=given) == sent
    assert len(smtp_server.messages) == 2


async def test_what_a_server_refuses_is_told(
    client: httpx.AsyncClient, make: Make, smtp_server: SmtpServer, start: Start
) -> None:
    mailing, _, _ = await make()
    smtp_server.script(rcpt=Reply(550, "5.1.1 No such user"))
    start()
    (result,) = (await ask(client, TEST, i=order(mailing)))["results"]
    assert (result["verdict"], result["response"]) == ("REFUSED", {"code": 550, "text": "5.1.1 No such user"})


async def test_what_a_server_puts_off_is_told_at_once(
    client: httpx.AsyncClient, make: Make, smtp_server: SmtpServer, start: Start
) -> None:
    mailing, _, _ = await make()
    smtp_server.script(rcpt=Reply(451, "4.7.1 Greylisted"))
    start()
    (result,) = (await ask(client, TEST, i=order(mailing)))["results"]
    assert (result["verdict"], result["response"]["code"]) == ("DEFERRED", 451)


async def test_what_no_server_has_answered_in_time_is_deferred_and_told_later(
    make: Make, make_context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given no gateway that sends, and little patience
    monkeypatch.setattr(mailing_preview, "ANSWER_SECONDS", 0.1)
    mailing, _, _ = await make()
    result = await schema.execute(TEST, context_value=make_context(), variable_values={"i": order(mailing)})
    assert result.errors is None
    assert result.data is not None
    assert result.data["sendTestEmail"]["results"] == [{"address": OURS, "verdict": "DEFERRED", "response": None}]


async def test_a_test_mail_with_sample_data_stands_beside_any_customer(
    client: httpx.AsyncClient, connection: Any, make: Make, smtp_server: SmtpServer, start: Start
) -> None:
    mailing, _, _ = await make()
    start()
    await ask(client, TEST, i=order(mailing))
    (message,) = smtp_server.messages
    assert parsed(message.content)["Subject"] == "[Test] News for Sam"
    row = await connection.fetchrow("select internal, campaign_id, source_type from message")
    assert tuple(row) == (True, None, None)


async def test_all_that_is_wrong_with_a_test_is_said_at_once(
    client: httpx.AsyncClient, connection: Any, make: Make, deployment: Deployment
) -> None:
    mailing, _, _ = await make()
    key = deployment.key_of("gone@fabrikam.example")
    await insert(connection, "suppression", address_key=key, reason="BAD_ADDRESS", actor="gateway")
    wrong = order(
        mailing, "nonsense", OURS, OURS.upper(), "gone@fabrikam.example", key="", customerId="Customer_999999"
    )
    assert refusals(await ask(client, TEST, i=wrong)) == [
        ("ADDRESS_INVALID", "addresses.0"),
        ("INVALID", "addresses.2"),
        ("NOT_FOUND", "customerId"),
        ("REQUIRED", "idempotencyKey"),
        ("SUPPRESSED", "addresses.3"),
    ]
    for given, refused in (
        (order(mailing) | {"addresses": []}, ("REQUIRED", "addresses")),
        (order(mailing, *(f"a{number}@x.example" for number in range(6))), ("TOO_MANY", "addresses")),
        (order("Mailing_999999"), ("NOT_FOUND", "mailingId")),
        (order("Campaign_1"), ("NOT_FOUND", "mailingId")),
    ):
        assert refusals(await ask(client, TEST, i=given)) == [refused]
    assert await connection.fetchval("select count(*) from message") == 0
    assert await connection.fetchval("select count(*) from idempotency_key where key like 'test%'") == 0


@pytest.fixture
def few(settings: Settings) -> Settings:
    return settings.model_copy(update={"test_emails_per_day": 3})


async def test_a_day_has_so_many_test_mails(
    connection: Any, make: Make, few: Settings, make_context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing_preview, "ANSWER_SECONDS", 0.05)
    mailing, _, _ = await make()

    async def send(key: str, *addresses: str) -> Any:
        context = make_context(deployment=Deployment.open(few))
        result = await schema.execute(
            TEST, context_value=context, variable_values={"i": order(mailing, *addresses, key=key)}
        )
        assert result.errors is None
        assert result.data is not None
        return result.data["sendTestEmail"]

    # Given two of three
    assert len((await send("a", OURS, "b@x.example"))["results"]) == 2
    # When two more are asked for, then none is sent
    assert refusals(await send("b", OURS, "b@x.example")) == [("TOO_MANY", "addresses")]
    # And one is; and what was asked for before is told again
    assert len((await send("c", OURS))["results"]) == 1
    assert refusals(await send("d", OURS)) == [("TOO_MANY", "addresses")]
    assert len((await send("a", OURS, "b@x.example"))["results"]) == 2
    # And on another day there is room again
    await connection.execute("update test_email set created_at = created_at - interval '25 hours'")
    assert len((await send("d", OURS))["results"]) == 1
