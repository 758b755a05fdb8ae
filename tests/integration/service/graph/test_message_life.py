"""A message's life in order: queued, attempts, opens, clicks, reports, replies, decisions; by pages, without gaps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import orjson
import pytest

from gateway.tracking.raw_hit import new_hit_id
from service.graph.context import Context
from service.graph.message_life import life_window
from service.graph.node import message_global_id
from service.graph.schema import schema
from tests.builders import insert, make_attempt, make_customer, make_hit, make_message

MakeContext = Callable[..., Context]

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_serials = count()


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def id_at(seconds: float) -> UUID:
    """A UUIDv7 of that moment."""
    return new_hit_id(at(seconds).timestamp())


async def execute(context: Context, query: str, **variables: Any) -> Any:
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    return orjson.loads(orjson.dumps(result.data))


class Life:
    """A mail with a copy, to which everything happens."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def write(self) -> str:
        connection = self._connection
        self.customer = await make_customer(connection)
        self.message = await make_message(connection, self.customer, status="BOUNCED", mail_date=at(0), id=id_at(0))
        of = {"customer_id": self.customer, "message_id": self.message}
        await insert(connection, "copy", **of, recipient_no=1, role="CC", address="boss@customer.example")
        await make_attempt(connection, self.customer, self.message, started_at=at(1), took_ms=500, verdict="DEFERRED")
        await make_attempt(connection, self.customer, self.message, started_at=at(4), took_ms=500, number=2)
        await make_attempt(connection, self.customer, self.message, started_at=at(4), took_ms=500, recipient_no=1)
        await make_hit(connection, self.customer, self.message, id=id_at(5), occurred_at=at(5), verdict="MACHINE")
        await make_hit(connection, self.customer, self.message, id=id_at(6), occurred_at=at(6))
        await make_hit(
            connection, self.customer, self.message, id=id_at(7), occurred_at=at(7), url="https://x.example/"
        )
        await self.event(3, "RETRIED", actor="ann")
        for second, copy, action, kind in ((8, 1, "DELAYED", "DELAYED"), (9, 0, "FAILED", "BOUNCED")):
            event = await self.event(second, kind, recipient_no=copy)
            report: dict[str, Any] = {"action": action, "verified": False, "matched_by": "MESSAGE_ID"}
            await insert(connection, "delivery_report", **of, id=event, recipient_no=copy, words="No.", **report)
        reply = await make_message(
            connection, self.customer, direction="RECEIVED", answers_message_id=self.message, subject="Re: x"
        )
        await self.event(10, "REPLIED", actor="customer", data={"message": str(reply)})
        return message_global_id(self.customer, self.message)

    async def event(self, second: float, kind: str, **values: Any) -> UUID:
        usual: dict[str, Any] = {"customer_id": self.customer, "message_id": self.message, "actor": "gateway"}
        row = await insert(self._connection, "event", **(usual | values), id=id_at(second), kind=kind)
        found: UUID = row["id"]
        return found


async def test_everything_that_happened_stands_in_its_order(connection: Any, make_context: MakeContext) -> None:
    # Given a mail to which everything happened
    message = await Life(connection).write()
    # When its life is read
    query = """query($id: ID!, $machines: Boolean!) { message(id: $id) { info { events { kind } }
      events(includeMachine: $machines) { nodes {
        kind occurredAt by verdict attempt { number verdict } report { action verified text }
        click { url } reply { subject inReplyTo { id } } copy { address } } } } }"""
    found = (await execute(make_context(), query, id=message, machines=False))["message"]
    # Then each entry stands at its moment, with what it is about
    entries = [{key: one for key, one in entry.items() if one is not None} for entry in found["events"]["nodes"]]
    boss = {"address": "boss@customer.example"}
    times = [entry.pop("occurredAt")[11:23] for entry in entries]
    assert times == sorted(times)
    assert entries == [
        {"kind": "QUEUED", "by": "gateway"},
        {"kind": "ATTEMPTED", "by": "gateway", "attempt": {"number": 1, "verdict": "DEFERRED"}},
        {"kind": "RETRIED", "by": "ann"},
        {"kind": "ATTEMPTED", "by": "gateway", "attempt": {"number": 2, "verdict": "ACCEPTED"}},
        {"kind": "ATTEMPTED", "by": "gateway", "attempt": {"number": 1, "verdict": "ACCEPTED"}, "copy": boss},
        {"kind": "OPENED", "by": "customer", "verdict": "HUMAN"},
        {"kind": "CLICKED", "by": "customer", "verdict": "HUMAN", "click": {"url": "https://x.example/"}},
        {
            "kind": "DELAYED", "by": "gateway", "copy": boss,
            "report": {"action": "DELAYED", "verified": False, "text": "No."},
        },
        {"kind": "BOUNCED", "by": "gateway", "report": {"action": "FAILED", "verified": False, "text": "No."}},
        {"kind": "REPLIED", "by": "customer", "reply": {"subject": "Re: x", "inReplyTo": {"id": message}}},
    ]  # fmt: skip
    # And `info.events` leaves out attempts and hits
    assert [one["kind"] for one in found["info"]["events"]] == ["RETRIED", "DELAYED", "BOUNCED", "REPLIED"]
    # And what machines did is told where it is asked for
    with_machines = (await execute(make_context(), query, id=message, machines=True))["message"]["events"]["nodes"]
    assert [one["verdict"] for one in with_machines if one["kind"] == "OPENED"] == ["MACHINE", "HUMAN"]
    assert len(with_machines) == len(entries) + 1


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_of_any_size_are_the_whole_without_gaps(
    connection: Any, make_context: MakeContext, size: int
) -> None:
    # Given a life with entries of one moment
    life = Life(connection)
    message = await life.write()
    for _ in range(4):
        await life.event(9, "SUPPRESSED")
        await make_hit(connection, life.customer, life.message, id=id_at(9), url="https://x.example/")
    query = """query($id: ID!, $size: Int!, $after: String) { message(id: $id) {
      events(includeMachine: true, first: $size, after: $after) {
        edges { cursor node { kind occurredAt } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
    whole = (await execute(make_context(), query, id=message, size=100))["message"]["events"]["edges"]
    assert len(whole) == 19
    # When it is read by pages
    pages, after, more = [], None, True
    while more:
        page = (await execute(make_context(), query, id=message, size=size, after=after))["message"]["events"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        pages += page["edges"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    # Then nothing is left out and nothing comes twice
    assert pages == whole


async def test_life_within_a_list_is_read_by_the_lists_one_statement(
    connection: Any, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a history, and a count of its statements
    life = Life(connection)
    await life.write()
    context = make_context()
    fetched: list[str] = []
    fetch = context.reading.fetch

    async def spy(wanted: Any, **values: Any) -> Any:
        fetched.append(wanted.name)
        return await fetch(wanted, **values)

    monkeypatch.setattr(context.reading, "fetch", spy)
    # When the lives of its mail are read with it
    query = """query($id: ID!, $few: Int!) { customer(id: $id) { emails { connectionNotes { nodes { message {
      events(first: $few) { nodes { kind attempt { number } report { text } } pageInfo { hasNextPage } } } } } } } }"""
    data = await execute(context, query, id=f"Customer_{life.customer}", few=3)
    # Then two statements were enough: the customer, and the page
    [_, sent] = data["customer"]["emails"]["connectionNotes"]["nodes"]
    assert [one["kind"] for one in sent["message"]["events"]["nodes"]] == ["QUEUED", "ATTEMPTED", "RETRIED"]
    assert sent["message"]["events"]["pageInfo"] == {"hasNextPage": True}
    assert len(fetched) == 2


async def test_what_is_told_of_a_life_without_its_entries_is_told_once(
    connection: Any, make_context: MakeContext
) -> None:
    # Given a mail with several entries, and one with none
    life = Life(connection)
    await life.write()
    # When no entry is asked for
    query = """query($id: ID!) { customer(id: $id) { emails { connectionNotes { nodes { message {
      events { __typename } more: events(first: 1) { pageInfo { hasNextPage hasPreviousPage } } } } } } } }"""
    data = await execute(make_context(), query, id=f"Customer_{life.customer}")
    # Then each mail tells of its own
    nodes = data["customer"]["emails"]["connectionNotes"]["nodes"]
    assert [one["message"]["events"] for one in nodes] == [{"__typename": "MessageEventConnection"}] * 2
    assert [one["message"]["more"]["pageInfo"]["hasNextPage"] for one in nodes] == [False, True]


def test_a_cursor_says_from_which_ids_on_to_read() -> None:
    hit, event = id_at(1), id_at(1)
    moment = f"{round(at(1).timestamp() * 1e6):016x}"

    def ids(cursor: str) -> tuple[UUID, UUID]:
        values = life_window(False, 1, cursor).values
        return values["hits_from"], values["events_from"]

    # Behind a hit: later hits, and events of the same moment
    assert ids(f"{moment}2{hit.hex}")[0].int == hit.int + 1
    assert ids(f"{moment}2{hit.hex}")[1] <= event
    # Behind an event: later events, and hits of later moments only
    assert ids(f"{moment}3{event.hex}")[1].int == event.int + 1
    assert hit < ids(f"{moment}3{event.hex}")[0]
    # Behind an attempt that ended within that millisecond: what came with the next
    assert ids(f"{moment}100000001") <= (hit, event)
    assert ids(f"{round(at(1).timestamp() * 1e6) + 1:016x}100000001") > (hit, event)
