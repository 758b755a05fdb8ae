"""Campaigns that a marketing person makes and changes by the API: series, lists, history, and every refusal at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gateway.campaigns import lists
from gateway.campaigns.lists import NewList
from service.graph.context import Context
from service.graph.schema import schema
from tests.builders import make_customer

MakeContext = Callable[..., Context]

PAGE = '<p>Hello {{ first_name }}</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'
CAMPAIGN = """id title status priority tracked repeat actions pausedAt pausedWhy archivedAt
  sender { name } lists { name } excludedLists { name }
  mailings { id number status subject dueAt template { number }
    schedule { sendAt atLocalTime afterDays afterMinutes localTime }
    notOpened { number } campaign { title } progress { waiting } }"""
MADE = f"campaign {{ {CAMPAIGN} }} userErrors {{ code message field }}"


async def call(context: Context, mutation: str, input: dict[str, Any], answer: str = MADE) -> Any:
    """The payload of one mutation; there are no top-level errors."""
    kind = mutation[0].upper() + mutation[1:]
    query = f"mutation($i: {kind}Input!) {{ {mutation}(input: $i) {{ {answer} }} }}"
    return await ask(context, query, i=input)


async def ask(context: Context, query: str, **variables: Any) -> Any:
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    [found] = orjson.loads(orjson.dumps(result.data)).values()
    return found


def refusals(payload: Any) -> list[tuple[str, str]]:
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


@pytest.fixture
async def template(make_context: MakeContext) -> str:
    """A campaign template's id."""
    source = {"name": "News", "subject": "News for {{ first_name }}", "html": PAGE}
    made = await call(make_context(), "createTemplate", source, "template { id }")
    found: str = made["template"]["id"]
    return found


@pytest.fixture
async def sender(make_context: MakeContext) -> str:
    """A sender's id."""
    profile = {"name": "Fabrikam", "fromAddress": "news@fabrikam.example", "postalAddress": "1 Main"}
    made = await call(make_context(), "createSender", profile, "sender { id }")
    found: str = made["sender"]["id"]
    return found


async def test_a_series_is_made_changed_launched_and_put_away(
    pool: Any, make_context: MakeContext, template: str, sender: str
) -> None:
    # Given a series to one customer: at once, at a local time, and a day after the launch not before nine
    context, customer = make_context(), await make_customer(pool)
    given = {
        "title": "Spring",
        "senderId": sender,
        "mergeData": {"first_name": "Ann"},
        "recipients": [{"customerId": f"Customer_{customer}"}],
        "mailings": [
            {"templateId": template, "subject": "Hello {{ first_name }}"},
            {"templateId": template, "templateVersion": 1, "schedule": {"atLocalTime": "2030-12-01T09:00"}},
            {"templateId": template, "schedule": {"after": {"days": 1, "minutes": 30, "localTime": "09:00"}}},
        ],
        "idempotencyKey": "c",
    }
    made = (await call(context, "createCampaign", given))["campaign"]
    empty = dict.fromkeys(("sendAt", "atLocalTime", "afterDays", "afterMinutes", "localTime"))
    assert [(one["number"], one["status"], one["subject"], one["schedule"]) for one in made["mailings"]] == [
        (1, "DRAFT", "Hello {{ first_name }}", None),
        (2, "DRAFT", "News for {{ first_name }}", empty | {"atLocalTime": "2030-12-01T09:00"}),
        (3, "DRAFT", "News for {{ first_name }}", empty | {"afterDays": 1, "afterMinutes": 30, "localTime": "09:00"}),
    ]
    assert (made["sender"]["name"], made["tracked"], made["repeat"]) == ("Fabrikam", True, None)
    assert made["actions"] == ["LAUNCH", "CANCEL", "UPDATE", "DELETE"]
    assert made["mailings"][0]["campaign"] == {"title": "Spring"}
    assert made["mailings"][0]["progress"] == {"waiting": 1}
    # When it is renamed, one mailing is added for who did not open the first, and one taken off
    changed = await call(context, "updateCampaign", {"campaignId": made["id"], "title": "Summer"})
    assert (changed["campaign"]["title"], changed["campaign"]["priority"]) == ("Summer", 4)
    again = {
        "templateId": template,
        "notOpenedMailingId": made["mailings"][0]["id"],
        "schedule": {"after": {"days": 7}},
    }
    added = {"campaignId": made["id"], "mailing": again, "idempotencyKey": "m"}
    mailing = "mailing { id number notOpened { number } } userErrors { code message field }"
    fourth = (await call(context, "addMailing", added, mailing))["mailing"]
    assert (fourth["number"], fourth["notOpened"]) == (4, {"number": 1})
    assert (await call(context, "addMailing", added, mailing))["mailing"] == fourth
    removed = await call(context, "removeMailing", {"mailingId": made["mailings"][2]["id"]})
    assert [one["number"] for one in removed["campaign"]["mailings"]] == [1, 2, 4]
    # And it is launched, paused, resumed, cancelled and put away
    launched = await call(context, "launchCampaign", {"campaignId": made["id"], "idempotencyKey": "l"})
    assert "PAUSE" in launched["campaign"]["actions"]
    one = {"i": {"campaignId": made["id"]}}
    for mutation in ("pauseCampaign", "resumeCampaign", "cancelCampaign"):
        decided = await ask(context, f"mutation($i: CampaignInput!) {{ {mutation}(input: $i) {{ {MADE} }} }}", **one)
        assert decided["userErrors"] == []
        assert (decided["campaign"]["pausedAt"] is not None) == (mutation == "pauseCampaign")
    archived = await call(context, "archiveCampaign", {"campaignId": made["id"]})
    assert archived["campaign"]["archivedAt"] is not None
    # Then its history says all of it, newest first, a page at a time
    history = """query($id: ID!, $after: String) { campaign(id: $id) { history(first: 4, after: $after) {
      nodes { action by occurredAt detail } pageInfo { hasNextPage endCursor } } } }"""
    first = (await ask(context, history, id=made["id"]))["history"]
    assert first["pageInfo"]["hasNextPage"]
    rest = (await ask(context, history, id=made["id"], after=first["pageInfo"]["endCursor"]))["history"]
    assert [event["action"] for event in first["nodes"] + rest["nodes"]] == [
        "archiveCampaign", "cancelCampaign", "resumeCampaign", "pauseCampaign", "launchCampaign", "removeMailing",
        "addMailing", "updateCampaign",
    ]  # fmt: skip
    assert {event["by"] for event in first["nodes"]} == {context.actor}
    assert rest["nodes"][-1]["detail"] == {"title": {"was": "Spring", "is": "Summer"}}


async def test_all_errors_of_one_campaign_come_together(make_context: MakeContext, sender: str) -> None:
    # Given input that is wrong in ids, mailings, times and lists
    given = {
        "title": " ",
        "templateId": "nonsense",
        "senderId": "Template_1",
        "priority": 9,
        "repeat": "ONCE",
        "recipients": [{"customerId": "nobody"}, {"customerId": "Customer_999999"}],
        "listIds": ["CustomerList_12", "nothing"],
        "excludedListIds": ["CustomerList_x"],
        "idempotencyKey": "c",
    }
    payload = await call(make_context(), "createCampaign", given)
    assert payload["campaign"] is None
    assert refusals(payload) == [
        ("REQUIRED", "title"),
        ("INVALID", "priority"),
        ("INVALID", "repeat"),
        ("NOT_FOUND", "templateId"),
        ("NOT_FOUND", "senderId"),
        ("NOT_FOUND", "listIds.0"),
        ("NOT_FOUND", "listIds.1"),
        ("NOT_FOUND", "excludedListIds.0"),
        ("NOT_FOUND", "recipients.0.customerId"),
        ("NOT_FOUND", "recipients.1.customerId"),
    ]


async def test_all_that_is_wrong_with_an_input_is_told_at_once(
    make_context: MakeContext, template: str, sender: str
) -> None:
    draft: dict[str, Any] = {"title": "x", "templateId": template, "senderId": sender, "idempotencyKey": "c"}
    wrong = {"title": "", "mergeData": [1], "recipients": [{"customerId": "Customer_77", "mergeData": [1]}]}
    payload = await call(make_context(), "createCampaign", draft | wrong)
    assert sorted(refusals(payload)) == [
        ("INVALID", "mergeData"),
        ("INVALID", "recipients.0.mergeData"),
        ("REQUIRED", "title"),
    ]
    made = (await call(make_context(), "createCampaign", draft))["campaign"]
    changes = {"title": None, "priority": 9, "mergeData": [1], "senderId": "x", "listIds": ["CustomerList_77"]}
    payload = await call(make_context(), "updateCampaign", {"campaignId": made["id"], **changes})
    assert payload["campaign"] is None
    assert sorted(refusals(payload)) == [
        ("INVALID", "mergeData"),
        ("INVALID", "priority"),
        ("NOT_FOUND", "listIds.0"),
        ("NOT_FOUND", "senderId"),
        ("REQUIRED", "title"),
    ]


async def test_a_campaign_is_one_of_a_template_or_of_mailings(make_context: MakeContext, template: str) -> None:
    both: dict[str, Any] = {
        "title": "x",
        "templateId": template,
        "mailings": [],
        "senderId": None,
        "idempotencyKey": "c",
    }
    payload = await call(make_context(), "createCampaign", both)
    assert ("INVALID", "mailings") in refusals(payload)


async def test_a_time_is_exactly_one(make_context: MakeContext, template: str, sender: str) -> None:
    query = "mutation($i: CreateCampaignInput!) { createCampaign(input: $i) { campaign { id } } }"
    both = {"at": datetime(2030, 1, 1, tzinfo=UTC).isoformat(), "atLocalTime": "2030-01-01T09:00"}
    given = {"title": "x", "mailings": [{"templateId": template, "schedule": both}], "idempotencyKey": "c"}
    result = await schema.execute(query, context_value=make_context(), variable_values={"i": given})
    assert result.errors is not None
    assert result.data is None


async def test_a_draft_is_copied_and_deleted(pool: Any, make_context: MakeContext, template: str, sender: str) -> None:
    context, customer = make_context(), await make_customer(pool)
    given = {
        "title": "Spring",
        "templateId": template,
        "senderId": sender,
        "recipients": [{"customerId": f"Customer_{customer}", "mergeData": {"first_name": "Ann"}}],
        "idempotencyKey": "c",
    }
    made = (await call(context, "createCampaign", given))["campaign"]
    copied = await ask(
        context,
        f"mutation($i: CopyCampaignInput!) {{ copyCampaign(input: $i) {{ {MADE} warnings {{ code }} }} }}",
        i={"campaignId": made["id"], "title": "Again", "idempotencyKey": "k"},
    )
    assert (copied["campaign"]["title"], len(copied["campaign"]["mailings"])) == ("Again", 1)
    deleted = "deletedCampaignId userErrors { code field message }"
    gone = await call(context, "deleteCampaign", {"campaignId": made["id"]}, deleted)
    assert gone["deletedCampaignId"] == made["id"]
    again = await call(context, "deleteCampaign", {"campaignId": made["id"]}, deleted)
    assert refusals(again) == [("NOT_FOUND", "campaignId")]
    nodes = "query($id: ID!) { node(id: $id) { id } }"
    assert await ask(context, nodes, id=made["mailings"][0]["id"]) is None
    kept = copied["campaign"]["mailings"][0]["id"]
    assert await ask(context, nodes, id=kept) == {"id": kept}


async def test_what_cannot_be_empty_is_not_emptied(pool: Any, make_context: MakeContext, template: str) -> None:
    given: dict[str, Any] = {"title": "x", "mailings": [], "senderId": None, "idempotencyKey": "c"}
    payload = await call(make_context(), "createCampaign", given)
    assert refusals(payload) == [("POSTAL_ADDRESS_MISSING", "senderId")]
    empty = {"campaignId": f"Campaign_{'0' * 32}", "title": None, "priority": None, "tracked": None, "repeat": None}
    emptied = await call(make_context(), "updateCampaign", empty)
    assert refusals(emptied) == [
        *[("REQUIRED", name) for name in ("title", "priority", "tracked", "repeat")],
        ("NOT_FOUND", "campaignId"),
    ]


async def test_campaigns_are_found_by_state_kind_title_and_whether_they_are_put_away(
    pool: Any, make_context: MakeContext, sender: str
) -> None:
    # Given four campaigns, one of them cancelled and put away, one for events
    context, ids = make_context(), {}
    async with pool.acquire() as connection:
        vip = await lists.create(connection, NewList(name="VIP"), "Dana")
    for title in ("Spring 50 % off", "Spring 50 off", "Autumn", "Birthday"):
        given = {
            "title": title,
            "kind": "EVENT_BASED" if title == "Birthday" else "MARKETING",
            "senderId": sender,
            "listIds": [f"CustomerList_{vip}"],
            "mailings": [],
            "idempotencyKey": title,
        }
        made = (await call(context, "createCampaign", given))["campaign"]
        assert (made["lists"], made["excludedLists"]) == ([{"name": "VIP"}], [])
        ids[title] = made["id"]
    cancel = "mutation($i: CampaignInput!) { cancelCampaign(input: $i) { campaign { status } } }"
    await ask(context, cancel, i={"campaignId": ids["Autumn"]})
    await call(context, "archiveCampaign", {"campaignId": ids["Autumn"]})
    # When they are listed, then by what was asked
    query = """query($f: CampaignFilter, $s: String, $n: Int!) {
      campaigns(filter: $f, search: $s, first: $n) { nodes { title } pageInfo { hasNextPage } } }"""
    for wanted, search, titles in (
        (None, None, ["Birthday", "Spring 50 off", "Spring 50 % off"]),
        ({"archived": True}, None, ["Autumn"]),
        ({"statuses": ["CANCELLED"]}, None, []),
        ({"statuses": []}, None, []),
        ({"kind": "EVENT_BASED"}, None, ["Birthday"]),
        (None, "50 % ", ["Spring 50 % off"]),
        ({"statuses": ["DRAFT"], "kind": "MARKETING"}, "spring", ["Spring 50 off", "Spring 50 % off"]),
    ):
        found = await ask(context, query, f=wanted, s=search, n=50)
        assert [one["title"] for one in found["nodes"]] == titles, (wanted, search)
    page = await ask(context, query, f=None, s=None, n=2)
    assert page["pageInfo"]["hasNextPage"]
    too_long = await schema.execute(query, context_value=context, variable_values={"s": "x" * 256, "n": 1})
    assert too_long.errors
