"""Mail of all customers: any filter's pages, by shape or by resolvers, say what a plain reading of the ledger says."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from gateway.mail.message import MessageRef
from service.finding import count, sources
from service.finding.query import MessageQuery
from service.graph.context import Context
from service.graph.node import customer_global_id, message_global_id, number_global_id, row_global_id
from service.graph.schema import schema
from tests.builders import NOON, make_attempt, make_campaign, make_customer, make_message
from tests.finding import keep_up
from tests.finding_ledger import Ledger, make_ledger

MakeContext = Callable[..., Context]
LIST = """query($f: MessageFilter, $s: String, $o: MessageOrder! = NEWEST, $first: Int! = 50, $after: String) {
  messages(filter: $f, search: $s, orderBy: $o, first: $first, after: $after) {
    __typename edges { cursor node { id status occurredAt customer { id name externalRef } } }
    nodes { id subject info { to } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } scannedTo } }"""
TOLD = """query($f: MessageFilter, $s: String) { messages(filter: $f, search: $s, first: 1) {
    totalCount { value precision } exportUrl searchedUntil } }"""
NOTES = """query($id: ID!, $f: ConnectionNoteFilter, $after: String) { customer(id: $id) { emails {
    connectionNotes(filter: $f, first: 5, after: $after) {
        nodes { title info { status } message { id sender { id } } } pageInfo { hasNextPage endCursor } } } } }"""

OF_NOTES = """query($id: ID!, $f: ConnectionNoteFilter) { customer(id: $id) { emails {
    connectionNotes(filter: $f) { nodes { message { reference sender { name } needsAttention } } } } } }"""


async def execute(context: Context, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    [value] = orjson.loads(orjson.dumps(result.data)).values()
    return value


async def refusal(context: Context, query: str = LIST, **variables: Any) -> str:
    """The one error's message."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    [error] = result.errors or []
    assert (error.extensions or {})["code"] == "BAD_USER_INPUT"
    return error.message


def id_of(ref: MessageRef) -> str:
    return message_global_id(ref.customer_id, ref.message_id)


def drawn(chance: random.Random, ledger: Ledger) -> tuple[dict[str, Any], MessageQuery]:
    """A filter as a client writes it, and what it means."""
    since, until = NOON + timedelta(seconds=chance.randrange(300)), NOON + timedelta(seconds=chance.randrange(300, 700))
    campaign, mailing = chance.choice(ledger.campaigns), chance.choice(ledger.mailings)
    sender, customer = chance.choice(ledger.senders), chance.choice(ledger.customers)
    address = f"reader{chance.randrange(20)}@customer.example"
    mails = chance.sample(ledger.mails, 8)
    choices: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"statuses": ["REFUSED", "BOUNCED"]}, {"statuses": ("REFUSED", "BOUNCED")}),
        ({"statuses": ["DEFERRED"]}, {"statuses": ("DEFERRED",)}),
        ({"causes": ["BAD_ADDRESS"]}, {"causes": ("BAD_ADDRESS",)}),
        ({"sourceTypes": ["WORK_ORDER", "E_SIGNATURE"]}, {"source_types": ("WORK_ORDER", "E_SIGNATURE")}),
        ({"direction": "RECEIVED"}, {"direction": "RECEIVED"}),
        ({"campaignIds": [row_global_id("Campaign", campaign)]}, {"campaign_ids": (campaign,)}),
        ({"mailingIds": [number_global_id("Mailing", mailing)]}, {"mailing_ids": (mailing,)}),
        ({"senderIds": [row_global_id("Sender", sender)]}, {"sender_ids": (sender,)}),
        ({"relays": ["spare"]}, {"relays": ("spare",)}),
        ({"domains": ["münchen.example", "@RARE.example"]}, {"domains": ("xn--mnchen-3ya.example", "rare.example")}),
        ({"addresses": [address.upper()]}, {"addresses": (address,)}),
        ({"occurredAt": {"since": since.isoformat(), "until": until.isoformat()}}, {"since": since, "until": until}),
        ({"opened": True}, {"opened": True}),
        ({"clicked": True}, {"clicked": True}),
        ({"needsAttention": True}, {"needs_attention": True}),
        ({"customerIds": [customer_global_id(customer)]}, {"customer_ids": (customer,)}),
        ({"ids": [id_of(one.ref) for one in mails]}, {"ids": tuple(one.ref for one in mails)}),
        ({}, {}),
    ]
    filter_: dict[str, Any] = {}
    meant: dict[str, Any] = {}
    for given, value in chance.sample(choices, chance.choice((1, 1, 2))):
        filter_ |= given
        meant |= value
    return filter_, MessageQuery(**meant)


async def test_pages_by_any_filter_say_what_the_ledger_says(
    connection: Any, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given mail of every kind, and pages that read little
    ledger = await make_ledger(connection, 160)
    contexts = [make_context(), make_context(shaping=False)]
    await keep_up(connection, contexts[0].deployment)
    monkeypatch.setattr(sources, "SCANS", (6, 12))
    dates = {id_of(mail.ref): mail for mail in ledger.mails}
    chance = random.Random(3)
    for _ in range(18):
        filter_, meant = drawn(chance, ledger)
        order = chance.choice(("NEWEST", "OLDEST"))
        found: list[str] = []
        after, more = None, True
        while more:
            # When a page is read, shaped and by resolvers
            asked = {"f": filter_, "o": order, "first": 12, "after": after}
            page, plain = [await execute(context, LIST, **asked) for context in contexts]
            # Then both are the same
            assert page == plain
            info = page["pageInfo"]
            assert info["hasPreviousPage"] == (after is not None)
            assert [edge["node"]["id"] for edge in page["edges"]] == [node["id"] for node in page["nodes"]]
            for edge in page["edges"]:
                mail = dates[edge["node"]["id"]]
                assert edge["node"]["status"] == mail.shown
                assert datetime.fromisoformat(edge["node"]["occurredAt"]) == mail.date
                assert edge["node"]["customer"]["id"] == customer_global_id(mail.ref.customer_id)
            if page["scannedTo"] is not None:
                assert info["hasNextPage"]
            elif page["edges"]:
                assert info["endCursor"] == page["edges"][-1]["cursor"]
            found += [node["id"] for node in page["nodes"]]
            after, more = info["endCursor"], info["hasNextPage"]
        # And all pages together are what the ledger says
        assert found == [id_of(ref) for ref in ledger.found(meant, oldest_first=order == "OLDEST")], filter_
        told = await execute(contexts[0], TOLD, f=filter_)
        assert told["totalCount"] == {"value": len(found), "precision": "EXACT"}
        assert told["exportUrl"].startswith("http")
        assert (told["searchedUntil"] is None) == bool({"ids", "customerIds"} & filter_.keys())
    # Beyond what is counted one by one it is an estimate
    monkeypatch.setattr(count, "MAX_COUNTED", 20)
    told = await execute(contexts[0], TOLD)
    assert told["totalCount"]["precision"] == "ESTIMATE"
    assert told["totalCount"]["value"] >= 20
    # What there is none of ends short, and goes on behind what was read
    page, plain = [await execute(context, LIST, f={"opened": True, "tracked": False}) for context in contexts]
    assert page == plain
    assert page["nodes"] == []
    assert page["scannedTo"] > ledger.mails[0].date.isoformat()
    assert page["pageInfo"]["hasNextPage"]


async def test_connection_notes_take_the_same_filters(connection: Any, make_context: MakeContext) -> None:
    ledger = await make_ledger(connection, 120)
    contexts = [make_context(), make_context(shaping=False)]
    await keep_up(connection, contexts[0].deployment)
    chance = random.Random(5)
    for _ in range(10):
        filter_, meant = drawn(chance, ledger)
        if {"ids", "customerIds"} & filter_.keys():
            continue
        customer = chance.choice(ledger.customers)
        found: list[str] = []
        after, more = None, True
        while more:
            asked = {"id": customer_global_id(customer), "f": filter_, "after": after}
            page, plain = [await execute(context, NOTES, **asked) for context in contexts]
            assert page == plain
            notes = page["emails"]["connectionNotes"]
            found += [node["message"]["id"] for node in notes["nodes"]]
            after, more = notes["pageInfo"]["endCursor"], notes["pageInfo"]["hasNextPage"]
        wanted = MessageQuery(**{**{f: getattr(meant, f) for f in meant.__slots__}, "customer_ids": (customer,)})
        assert found == [id_of(ref) for ref in ledger.found(wanted)], filter_


async def test_bad_input_is_told_whole_and_nothing_is_read(connection: Any, make_context: MakeContext) -> None:
    ledger = await make_ledger(connection, 60)
    context = make_context()
    await keep_up(connection, context.deployment)
    # All faults of a filter together
    faults = await refusal(
        context,
        f={
            "campaignIds": ["Customer_1"],
            "ids": ["Message_1"],
            "addresses": ["nobody"],
            "relays": ["x"] * 101,
            "occurredAt": {"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"},
        },
    )
    for part in ("campaignIds[0]", "ids[0]", "addresses[0]", "relays: holds at most 100", "occurredAt"):
        assert part in faults
    # What there is not
    assert "there is no Mailing_12345" in await refusal(context, f={"mailingIds": ["Mailing_12345"]})
    # A search that finds nothing ever
    assert "at most 200" in await refusal(context, s="x" * 201)
    assert "letter or digit" in await refusal(context, s=" !? ")
    assert "first: is 1 to 100" in await refusal(context, first=101)
    # A cursor of another list, and of another filter
    page = await execute(context, LIST, first=5)
    cursor = page["pageInfo"]["endCursor"]
    assert "another filter, search or order" in await refusal(context, after=cursor, o="OLDEST")
    assert "another filter, search or order" in await refusal(context, after=cursor, f={"opened": True})
    assert "not a cursor of this list" in await refusal(context, after=ledger.mails[0].ref.message_id.hex)
    # Empty lists find nothing
    nothing: dict[str, Any]
    for nothing in ({"ids": []}, {"statuses": []}, {"domains": []}):
        assert (await execute(context, LIST, f=nothing))["nodes"] == []


async def test_a_search_finds_words_addresses_and_ids(connection: Any, make_context: MakeContext) -> None:
    # Given a letter with a number, an accepted and a refused mail of a campaign, and an answer with a queue id
    context = make_context()
    customer = await make_customer(connection)
    campaign = await make_campaign(connection)
    await connection.execute("update mailing set subject = 'Autumn offer for {{ customer.name }}'")
    said = {"subject": "Invoice INV-1005/07", "recipient": "Ann.Müller@customer.example"}
    letter = await make_message(connection, customer, status="ACCEPTED", **said)
    await make_attempt(connection, customer, letter, response="2.0.0 Ok: queued as 4C1sTz0Qk1")
    offer = await make_message(connection, customer, campaign_id=campaign, status="ACCEPTED", subject="Autumn offer")
    refused = await make_message(
        connection,
        customer,
        campaign_id=campaign,
        status="REFUSED",
        occurrence="2",
        cause="MAILBOX_FULL",
        subject="Autumn offer",
    )
    await make_attempt(
        connection, customer, refused, verdict="REFUSED", code=552, response="5.2.2 Mailbox quota exceeded"
    )
    await keep_up(connection, context.deployment)

    async def found(search: str, **filter_: Any) -> list[str]:
        page = await execute(context, LIST, s=search, f=filter_ or None)
        assert page["scannedTo"] is None
        return [node["id"] for node in page["nodes"]]

    letter_id, offer_id, refused_id = [message_global_id(customer, one) for one in (letter, offer, refused)]
    for search, wanted in {
        "inv100507": [letter_id],
        "1005": [letter_id],
        "muller": [letter_id],
        "ann.müller@CUSTOMER.example": [letter_id],
        "4C1sTz0Qk1": [letter_id],
        letter_id: [letter_id],
        f"<{letter.hex}.{customer}@mail.example>": [letter_id],
        "autumn": [refused_id, offer_id],
        "aut off": [refused_id, offer_id],
        "quota": [refused_id],
        "autumn quota": [refused_id],
        "winter": [],
        "Customer_1": [],
    }.items():
        assert await found(search) == wanted, search
    # And a filter narrows it
    assert await found("autumn", statuses=["ACCEPTED"]) == [offer_id]
    assert await found(letter_id, causes=["MAILBOX_FULL"]) == []
    assert await found("autumn", customerIds=[customer_global_id(customer)]) == [refused_id, offer_id]


async def test_a_message_tells_the_number_of_its_work_order(connection: Any, make_context: MakeContext) -> None:
    # Given mail of a work order, and mail of none
    customer = await make_customer(connection)
    for reference in ("WO-1005", None):
        await make_message(connection, customer, status="REFUSED", reference=reference)
    await keep_up(connection, make_context().deployment)
    # Then each says so, shaped and by resolvers
    query = "{ messages(orderBy: OLDEST) { nodes { reference } } }"
    for context in (make_context(), make_context(shaping=False)):
        found = await execute(context, query)
        assert found == {"nodes": [{"reference": "WO-1005"}, {"reference": None}]}
        # And in the customer's notes, by any filter
        for filter_ in ({"statuses": ["REFUSED"]}, {"direction": "SENT"}, None):
            told = await execute(context, OF_NOTES, id=customer_global_id(customer), f=filter_)
            notes = told["emails"]["connectionNotes"]["nodes"]
            assert [note["message"]["reference"] for note in notes] == [None, "WO-1005"]
            assert all(note["message"]["sender"] and note["message"]["needsAttention"] for note in notes)
