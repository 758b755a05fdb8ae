"""What waits for a person: lists with their counts, incidents of uncertain mail, decisions taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.campaigns.decisions import hopeless
from gateway.mail.message import MessageRef
from gateway.outbox.dismissals import dismiss_many
from service.database import ONLY_NESTED_LOOPS, QUERIES, statement
from service.graph.context import Context
from service.graph.node import message_global_id, row_global_id
from service.graph.schema import schema
from service.graph.waiting_list import Place
from tests.bench.finding_pages import filled
from tests.builders import (
    NOON,
    insert,
    mailing_of,
    make_attempt,
    make_campaign,
    make_customer,
    make_message,
)

MakeContext = Callable[..., Context]

CRASH = datetime(2026, 11, 30, 14, 5, 12, tzinfo=UTC)
ALL = """{ needsAttention { id total { value precision }
  uncertain { nodes { id status needsAttention } totalCount { value } }
  incidents { relay messages }
  held { nodes { id actions } totalCount { value } }
  failed { nodes { id actions } totalCount { value } }
  badAddresses { nodes { address } totalCount { value } }
  unmatchedMail { nodes { id } totalCount { value } }
  campaigns { nodes { id title actions } totalCount { value } }
  stoppedRelays { name stoppedWhy } stoppedDestinations { domain } pausedLanes { name pausedWhy }
  senders { ready checkedAt sender { name } records { kind ok advice } } } }"""


async def ask(context: Context, query: str, **variables: Any) -> tuple[Any, list[Any]]:
    """The one field's value, and the errors."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    if result.data is None:
        return None, list(result.errors or [])
    [value] = orjson.loads(orjson.dumps(result.data)).values()
    return value, list(result.errors or [])


async def worklist(make_context: MakeContext, selection: str = "") -> Any:
    found, errors = await ask(make_context(), f"{{ needsAttention {{ {selection} }} }}" if selection else ALL)
    assert errors == []
    return found


async def make(connection: Any, status: str, cause: str | None = None, **values: Any) -> MessageRef:
    customer = values.pop("customer", None) or await make_customer(connection)
    message = await make_message(connection, customer, status=status, cause=cause, **values)
    return MessageRef(customer_id=customer, message_id=message)


def global_id(ref: MessageRef) -> str:
    return message_global_id(ref.customer_id, ref.message_id)


def ids(page: Any) -> list[str]:
    return [node["id"] for node in page["nodes"]]


async def test_where_nothing_waits_every_list_is_empty(connection: Any, make_context: MakeContext) -> None:
    await make(connection, "ACCEPTED")
    await make(connection, "HELD", "OPTED_OUT")
    found = await worklist(make_context)
    assert found.pop("id") == "Worklist"
    assert found.pop("total") == {"value": 0, "precision": "EXACT"}
    assert [one for one in found.values() if one not in ([], {"nodes": [], "totalCount": {"value": 0}})] == []
    # And it is a node
    told, errors = await ask(make_context(), '{ node(id: "Worklist") { __typename id } }')
    assert (told, errors) == ({"__typename": "Worklist", "id": "Worklist"}, [])


async def test_each_thing_that_waits_is_in_one_list_and_counted_once(
    connection: Any, make_context: MakeContext
) -> None:
    # Given one of each
    campaign = await make_campaign(connection, title="Spring")
    uncertain = [await make(connection, "UNCERTAIN"), await make(connection, "UNCERTAIN", campaign_id=campaign)]
    held, failed = await make(connection, "HELD", "SUPPRESSED"), await make(connection, "EXPIRED", "DEADLINE")
    wrong = await make(connection, "REFUSED", "BAD_ADDRESS")  # by address, in a list of its own
    [(address, key)] = await connection.fetch(
        "select address, address_key from customer_address where customer_id = $1", wrong.customer_id
    )
    await insert(
        connection, "bad_address", customer_id=wrong.customer_id, address_key=key, message_id=wrong.message_id,
        failed_at=NOON, failing_since=NOON, cause="BAD_ADDRESS",
    )  # fmt: skip
    for _ in range(3):
        await make(connection, "REFUSED", "POLICY", campaign_id=campaign)
    await make(connection, "HELD", "OUR_CONFIGURATION", campaign_id=campaign)
    mail = await insert(
        connection, "inbound_mail", source="SMTP", size=9, kind="REPLY", unmatched="UNKNOWN_SENDER", read_at=NOON
    )
    await insert(connection, "relay", name="main", stopped_at=NOON, stopped_why="535 no")
    await insert(connection, "relay", name="spare")
    await insert(connection, "destination", domain="stopped.example", stopped_at=NOON, stopped_why="550 no")
    await connection.execute("update lane set paused_at = now(), paused_why = '451 no' where name = 'work-order'")
    await connection.execute(
        "update lane set paused_at = now(), paused_why = 'Paused by Jo.' where name = 'individual'"
    )
    sender = await connection.fetchval("select sender_id from sender_version limit 1")
    await insert(
        connection, "sender_dns", sender_id=sender, domain="fabrikam.example", settings="", in_use=True, ready=False,
        checked_at=NOON, due_at=NOON, records=[{"kind": "SPF", "name": "fabrikam.example", "ok": False, "found": None,
                                                "wanted": None, "advice": "There is no SPF record."}],
    )  # fmt: skip
    # Then each list has its own
    found = await worklist(make_context)
    assert sorted(ids(found["uncertain"])) == sorted(map(global_id, uncertain))
    assert found["uncertain"]["nodes"][0]["needsAttention"] is True
    assert ids(found["held"]) == [global_id(held)]
    assert {"RETRY", "CANCEL", "DISMISS"} <= set(found["held"]["nodes"][0]["actions"])
    assert ids(found["failed"]) == [global_id(failed)]
    assert found["badAddresses"]["nodes"] == [{"address": address}]
    assert ids(found["unmatchedMail"]) == [row_global_id("UnmatchedMail", mail["id"])]
    assert [node["title"] for node in found["campaigns"]["nodes"]] == ["Spring"]
    assert "RETRY" in found["campaigns"]["nodes"][0]["actions"]
    assert found["stoppedRelays"] == [{"name": "main", "stoppedWhy": "535 no"}]
    assert found["stoppedDestinations"] == [{"domain": "stopped.example"}]
    assert found["pausedLanes"] == [{"name": "work-order", "pausedWhy": "451 no"}]
    [check] = found["senders"]
    assert (check["ready"], check["records"][0]["advice"]) == (False, "There is no SPF record.")
    counted = {name: one["totalCount"]["value"] for name, one in found.items() if "totalCount" in (one or ())}
    assert counted == {"uncertain": 2, "held": 1, "failed": 1, "badAddresses": 1, "unmatchedMail": 1, "campaigns": 1}
    assert found["total"] == {"value": 11, "precision": "EXACT"}


async def test_an_error_in_one_list_leaves_the_others(connection: Any, make_context: MakeContext) -> None:
    held = await make(connection, "HELD", "SUPPRESSED")
    query = """{ needsAttention { uncertain(after: "x") { nodes { id } } failed(first: 0) { nodes { id } }
      held { nodes { id } } } }"""
    found, errors = await ask(make_context(), query)
    assert (found["uncertain"], found["failed"], ids(found["held"])) == (None, None, [global_id(held)])
    assert [error.path for error in errors] == [["needsAttention", "uncertain"], ["needsAttention", "failed"]]


async def test_lists_by_waiting_time_go_on_behind_a_cursor(connection: Any, make_context: MakeContext) -> None:
    # Given mail that waits since one moment, and one that waits longer though it was made last
    refs = [await make(connection, "UNCERTAIN", decided_at=CRASH) for _ in range(4)]
    oldest = await make(connection, "UNCERTAIN", decided_at=CRASH - timedelta(microseconds=1))
    seen: list[str] = []
    after, more = None, True
    query = """query($a: String) { needsAttention { uncertain(first: 2, after: $a) {
      nodes { id } pageInfo { hasNextPage endCursor } } } }"""
    while more:
        found, _ = await ask(make_context(), query, a=after)
        page = found["uncertain"]
        seen += ids(page)
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == [global_id(oldest), *map(global_id, refs)]


@given(st.text(max_size=60) | st.text("0123456789abcdef", min_size=48, max_size=48))
def test_a_cursor_is_what_we_made_or_none(text: str) -> None:
    found = Place.read(text)
    assert found is None or found.cursor == text


INCIDENTS = """incidents { relay stage cause startedAt messages withEvidence filter sources { sourceType messages } }"""


async def crash(connection: Any, number: int, *, at: datetime = CRASH, **attempt: Any) -> list[MessageRef]:
    """Mail that the same relay left without an answer, over some seconds."""
    campaign, made = await make_campaign(connection), []
    for step in range(number):
        own = {"campaign_id": campaign} if step % 3 else {}
        ref = await make(connection, "UNCERTAIN", "CONNECTION_LOST", decided_at=at + timedelta(seconds=step), **own)
        usual = {"verdict": "UNCERTAIN", "started_at": at, "code": None, "enhanced": None, "response": None}
        await make_attempt(connection, ref.customer_id, ref.message_id, **(usual | attempt))
        made.append(ref)
    return made


async def test_the_uncertain_mail_of_one_crash_is_one_incident(connection: Any, make_context: MakeContext) -> None:
    # Given 38 mails that one crash left uncertain, of which one was opened, and others of another relay and minute
    made = await crash(connection, 38)
    await connection.execute("update message set opened_at = now() where id = $1", made[5].message_id)
    await crash(connection, 1, relay="spare")
    await crash(connection, 2, at=CRASH - timedelta(minutes=1))
    # And one whose worker was lost, after its server had put it off by the same relay
    lost = await make(connection, "UNCERTAIN", "CONNECTION_LOST", decided_at=CRASH)
    await make_attempt(connection, lost.customer_id, lost.message_id, verdict="DEFERRED", started_at=CRASH)
    # Then each is one incident, the oldest first
    found = (await worklist(make_context, INCIDENTS))["incidents"]
    assert [(one["relay"], one["messages"]) for one in found] == [("main", 2), ("main", 38), ("spare", 1), (None, 1)]
    of_crash = found[1]
    assert (of_crash["stage"], of_crash["cause"], of_crash["withEvidence"]) == ("END_OF_DATA", "CONNECTION_LOST", 1)
    assert datetime.fromisoformat(of_crash["startedAt"]) == CRASH
    assert of_crash["sources"] == [
        {"sourceType": "CAMPAIGN", "messages": 25}, {"sourceType": "WORK_ORDER", "messages": 13},
    ]  # fmt: skip
    # And its filter names just them
    assert of_crash["filter"]["statuses"] == ["UNCERTAIN"]
    assert sorted(of_crash["filter"]["ids"]) == sorted(map(global_id, made))
    query = "query($f: MessageFilter!) { messages(filter: $f, first: 100) { nodes { id } } }"
    listed, errors = await ask(make_context(), query, f=of_crash["filter"])
    assert (sorted(ids(listed)), errors) == (sorted(map(global_id, made)), [])


async def test_an_incident_is_no_larger_than_a_filter_and_no_more_are_told_than_a_page(connection: Any) -> None:
    # Given 7 uncertain mails of one minute, where a filter names 3
    await crash(connection, 7)
    rows = [row async for row in QUERIES.uncertain_incidents(connection, most=10, largest=3, incidents=100)]
    told: dict[int, int] = {}
    for row in rows:
        told[row["incident"]] = told.get(row["incident"], 0) + row["messages"]
    assert list(told.values()) == [3, 3, 1]
    assert len({one for row in rows for one in row["ids"]}) == 7
    few = [row["incident"] async for row in QUERIES.uncertain_incidents(connection, most=10, largest=3, incidents=2)]
    assert set(few) == {1, 2}


# Campaigns -------------------------------------------------------------------------------------------------------


async def campaigns(make_context: MakeContext) -> list[str]:
    found = await worklist(make_context, "campaigns { nodes { title } }")
    return [node["title"] for node in found["campaigns"]["nodes"]]


async def test_campaigns_wait_that_a_person_can_help(connection: Any, make_context: MakeContext) -> None:
    # Given campaigns with failures that a retry can mend, that only another address mends, and that are over for good
    async def failing(title: str, cause: str, **values: Any) -> MessageRef:
        campaign = await make_campaign(connection, title=title, **values)
        return await make(connection, "REFUSED", cause, campaign_id=campaign)

    over = {"finished_at": NOON}
    mendable = await failing("Mendable", "POLICY", status="FINISHED", **over)
    for cause in hopeless(to_present_addresses=False):
        await failing(f"Hopeless: {cause}", cause)
    await failing("Cancelled", "POLICY", status="CANCELLED", **over)
    await failing("Archived", "POLICY", status="FINISHED", archived_at=NOON, **over)
    await make_campaign(connection, title="Fine")
    # And one whose mailing was put off, one that the gateway paused, one that a person paused
    stuck = await make_campaign(connection, title="Stuck")
    await insert(
        connection, "put_off", work="MAILING", id=await mailing_of(connection, stuck), until=NOON, error="KeyError"
    )
    await make_campaign(connection, title="Stopped", status="PAUSED", paused_at=NOON, paused_why="554 no")
    await make_campaign(connection, title="Paused", status="PAUSED")
    # Then those wait that a person can help
    assert await campaigns(make_context) == ["Stopped", "Stuck", "Mendable"]
    # And one is off the list when its failures are dismissed
    assert await dismiss_many(connection, [mendable], "Kim") == 1
    assert await campaigns(make_context) == ["Stopped", "Stuck"]


# Decisions taken back --------------------------------------------------------------------------------------------

MESSAGE = """query($id: ID!) { message(id: $id) { status actions needsAttention
  events { nodes { kind by detail } } } }"""
ASSUME = "mutation($i: MessageInput!) { a: assumeSent(input: $i) { message { actions } userErrors { code } } }"
UNDO = """mutation($i: UndoDecisionInput!) { a: undoDecision(input: $i) { message { status actions }
  userErrors { code field message } } }"""


async def test_a_person_takes_an_assumption_back_and_the_history_has_both(
    connection: Any, make_context: MakeContext
) -> None:
    # Given uncertain mail that Kim assumed sent
    [ref] = await crash(connection, 1)
    asked = {"messageId": global_id(ref)}
    done, _ = await ask(make_context(actor="Kim"), ASSUME, i=asked)
    assert done["message"]["actions"] == ["UNDO"]
    assert (await worklist(make_context, "total { value }"))["total"]["value"] == 0
    # When Lee takes it back
    undone, _ = await ask(make_context(actor="Lee"), UNDO, i=asked)
    # Then it is uncertain, on the list, of its incident, and its history has who did what
    assert (undone["message"]["status"], undone["userErrors"]) == ("UNCERTAIN", [])
    assert "UNDO" not in undone["message"]["actions"]
    found = await worklist(make_context, INCIDENTS)
    assert [(one["relay"], datetime.fromisoformat(one["startedAt"])) for one in found["incidents"]] == [("main", CRASH)]
    told, _ = await ask(make_context(), MESSAGE, id=asked["messageId"])
    assert told["needsAttention"] is True
    last = told["events"]["nodes"][-2:]
    assert [(event["kind"], event["by"]) for event in last] == [("ASSUMED_SENT", "Kim"), ("UNDONE", "Lee")]
    assert last[1]["detail"] == {"decision": "ASSUMED_SENT"}
    # And once only
    again, _ = await ask(make_context(), UNDO, i=asked)
    assert again["message"] is None
    assert [(error["code"], error["field"]) for error in again["userErrors"]] == [("ILLEGAL_STATE", ["messageId"])]


@pytest.mark.parametrize("given_id", ["", "x", "Message_1", "Message_999_" + "0" * 32, "Customer_1"])
async def test_a_message_that_is_not_there_has_no_decision(make_context: MakeContext, given_id: str) -> None:
    done, _ = await ask(make_context(), UNDO, i={"messageId": given_id})
    assert [(error["code"], error["field"]) for error in done["userErrors"]] == [("NOT_FOUND", ["messageId"])]


# Cost ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Any]:
    """Of 5,000 mails, of which 1,000 more than usual wait, as the service's connections plan."""
    connection = await filled(database_url, 5_000, troubles=1_000)
    for setting, value in ONLY_NESTED_LOOPS.items():
        await connection.execute(f"set {setting} = {value}")
    yield connection
    await connection.close()


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for one in plan.get("Plans", []):
        yield from nodes(one)


async def test_what_a_person_settled_last_is_told(connection: Any, make_context: MakeContext) -> None:
    # Given nothing decided yet
    asked = "lastSettled { settledAt by kind message { id } }"
    assert (await worklist(make_context, asked))["lastSettled"] is None
    # When people decide, and the gateway goes on after them
    customer = await make_customer(connection)
    first, second = [await make_message(connection, customer, status="ACCEPTED") for _ in range(2)]
    for message, kind, actor in (
        (first, "ASSUMED_SENT", "Kim"), (second, "DISMISSED", "Jo"), (first, "RETRIED", "gateway"),
        (first, "OPTED_OUT", "customer"),
    ):  # fmt: skip
        await insert(connection, "event", customer_id=customer, message_id=message, kind=kind, actor=actor)
    # Then it is the last that a person decided
    found = (await worklist(make_context, asked))["lastSettled"]
    assert datetime.fromisoformat(found.pop("settledAt")) > NOON
    assert found == {"by": "Jo", "kind": "DISMISSED", "message": {"id": message_global_id(customer, second)}}
    # And it is read from the end of the index that holds people's decisions alone
    async with connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        [row] = await connection.fetch(f"explain (format json) {statement('last_settled').sql}")
    told = orjson.loads(row[0]) if isinstance(row[0], str) else row[0]
    assert "event_settled" in {one.get("Index Name") for one in nodes(told[0]["Plan"])}


INDEXES = {
    "uncertain_page": {"message_trouble_uncertain"},
    "held_page": {"message_trouble_held"},
    "failed_page": {"message_trouble_failed"},
    "uncertain_incidents": {"message_trouble_uncertain", "message_pkey", "attempt_pkey"},
    "troubled_campaigns_page": {"message_trouble_to_mend"},
    "count_unmatched": {"inbound_mail_unmatched"},
    "worklist_counts": {
        "message_trouble_uncertain", "message_trouble_held", "message_trouble_failed", "message_trouble_to_mend",
        "inbound_mail_unmatched",
    },
}  # fmt: skip
"""By statement, those that serve it."""


async def test_each_list_is_read_by_an_index(ledger: Any) -> None:
    # Given some thousand mails, a fifth of which wait
    values = {"since": Place().since, "message_id": Place().message_id, "rows": 21, "before": UUID(int=2**128 - 1)}
    values |= {"most": 1_000, "largest": 1_000, "incidents": 100, "reason": None}
    for name, indexes in INDEXES.items():
        # When a list is read as the planner likes
        asked = statement(name)
        given = [values[parameter] for parameter in asked.parameters]
        [row] = await ledger.fetch(f"explain (analyze, format json) {asked.sql}", *given)
        told = orjson.loads(row[0]) if isinstance(row[0], str) else row[0]
        found = [*nodes(told[0]["Plan"])]
        # Then by its index, and no table of mail is read from end to end
        assert indexes <= {one.get("Index Name") for one in found}, name
        whole = {one["Relation Name"] for one in found if one["Node Type"] == "Seq Scan"}
        assert not whole & {"message", "message_trouble", "attempt", "inbound_mail"}, name
        # And a page reads what it shows
        if name in {"uncertain_page", "held_page", "failed_page"}:
            assert max(one["Actual Rows"] for one in found) <= values["rows"], name


async def test_beyond_what_is_counted_numbers_are_estimates(
    connection: Any, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given more in each list than is counted one by one
    for part in ("waiting_list", "unmatched_list", "bad_address_list"):
        monkeypatch.setattr(f"service.graph.{part}.MAX_COUNTED", 3)
    customer = await make_customer(connection)
    for _ in range(5):
        for status, cause in (("UNCERTAIN", "TIMEOUT"), ("HELD", "WRONG_RELAY"), ("REFUSED", "POLICY")):
            await make(connection, status, cause, customer=customer)
        wrong = await make(connection, "REFUSED", "BAD_ADDRESS")
        key = await connection.fetchval(
            "select address_key from customer_address where customer_id = $1", wrong.customer_id
        )
        await insert(
            connection, "bad_address", customer_id=wrong.customer_id, address_key=key, message_id=wrong.message_id,
            failed_at=NOON, failing_since=NOON, cause="BAD_ADDRESS",
        )  # fmt: skip
        await insert(
            connection, "inbound_mail", source="SMTP", size=9, kind="REPLY", unmatched="UNKNOWN_SENDER", read_at=NOON
        )
    # Then each says that it is estimated, and never fewer than were counted
    lists = ("uncertain", "held", "failed", "badAddresses", "unmatchedMail")
    found = await worklist(make_context, " ".join(f"{name} {{ totalCount {{ value precision }} }}" for name in lists))
    for name in lists:
        assert found[name]["totalCount"]["precision"] == "ESTIMATE", name
        assert found[name]["totalCount"]["value"] >= 3, name


async def test_a_page_read_as_it_is_selected_is_that_of_the_loaders(connection: Any, make_context: MakeContext) -> None:
    for number in range(3):
        customer = await make_customer(connection, name=f"Customer {number}")
        await make(connection, "REFUSED", "POLICY", customer=customer, decided_at=NOON + timedelta(seconds=number))
    query = """query($after: String) { needsAttention { failed(first: 2, after: $after) {
        edges { cursor node { id status subject customer { id name } info { to } } } nodes { id } totalCount { value }
        pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor } } } }"""
    after = None
    for left in (True, False):
        shaped, loaded = [await ask(make_context(shaping=one), query, after=after) for one in (True, False)]
        assert shaped == loaded
        page = shaped[0]["failed"]["pageInfo"]
        assert page["hasNextPage"] is left
        after = page["endCursor"]
    assert len(shaped[0]["failed"]["edges"]) == 1
    # And an empty page, too
    shaped, loaded = [await ask(make_context(shaping=one), query, after=after) for one in (True, False)]
    assert shaped == loaded
