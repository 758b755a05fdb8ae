"""Shaped pages hold what resolvers return, byte for byte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import orjson
import pytest
from graphql import GraphQLObjectType, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.graph.context import Context
from service.graph.schema import schema
from service.shape.compile import Page, Selection, ShapedPage
from service.shape.general import general
from tests.builders import (
    NOON,
    insert,
    make_attempt,
    make_campaign,
    make_customer,
    make_hit,
    make_message,
    make_outbox,
    make_sender_version,
    make_template_version,
)
from tests.examples import examples
from tests.graph_queries import LISTS, Ways, everything, history_queries

MakeContext = Callable[..., Context]

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12) | st.sampled_from(
    ['"quoted" \\ back', "tab\tline\nend\r", "\x1f\x7f", "\u2028 <script>", "grüße 🙂"]
)
ATTEMPTS = st.tuples(st.sampled_from([250, 451, 550, None]), st.none() | TEXTS, st.sampled_from([None, "mx.example"]))
REPORTS = [("FAILED", "BOUNCED"), ("DELAYED", "DELAYED"), ("DELIVERED", "DELIVERED")]
REPORTED = st.tuples(st.integers(0, 1), st.sampled_from(REPORTS), st.none() | TEXTS)
STATUSES = ["ACCEPTED", "REFUSED", "UNCERTAIN", "HELD", "CANCELLED", "EXPIRED", "BOUNCED"]


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """One message of a customer, with what hangs on it."""
    kind = draw(st.sampled_from(["campaign", "WORK_ORDER", "E_SIGNATURE", "CARD_PROCESSING", "received"]))
    queued = kind != "received" and draw(st.booleans())
    return {
        "kind": kind,
        "status": None if kind == "received" or queued else draw(st.sampled_from(STATUSES)),
        "outbox": draw(st.sampled_from([{}, {"attempt": 2}, {"scheduled": True}])) if queued else None,
        "subject": draw(st.none() | TEXTS),
        "opened": draw(st.booleans()),
        "attempts": draw(st.lists(ATTEMPTS, max_size=2)),
        "copies": draw(st.integers(0, 2)),
        "clicks": draw(st.lists(st.sampled_from(["HUMAN", "MACHINE", "UNKNOWN"]), max_size=3)),
        "event": draw(st.booleans()),
        "reports": draw(
            st.lists(st.tuples(st.integers(0, 1), st.sampled_from(REPORTS), st.none() | TEXTS), max_size=2)
        ),
        "opens": draw(st.integers(0, 2)),
        "answers": draw(st.booleans()),
        "attachment": draw(st.booleans()),
    }


class World:
    """What every generated ledger shares, so that one costs milliseconds."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    async def open(self) -> None:
        self.template = await make_template_version(self.pool, preview_html='<p class="x">Hello\n</p>')
        self.sender = await make_sender_version(self.pool)
        self.digest = bytes(32)
        await insert(self.pool, "content", sha256=self.digest, size=1, encoding="identity", bytes=b"x")

    async def write(self, specs: list[dict[str, Any]]) -> tuple[int, list[Any]]:
        customer = await make_customer(self.pool)
        written: list[Any] = []
        for spec in specs:
            written.append(await self._message(customer, spec))
            if spec["kind"] == "received":
                await self._received(customer, written, spec)
        return customer, written

    async def _received(self, customer: int, written: list[Any], spec: dict[str, Any]) -> None:
        """What the newest message says; it answers the one before, if there is one."""
        if spec["answers"] and len(written) > 1:
            answers, reply = written[-2:]
            await self.pool.execute("update message set answers_message_id = $1 where id = $2", answers, reply)
            of = {"customer_id": customer, "message_id": answers}
            await insert(self.pool, "event", **of, kind="REPLIED", actor="customer", data={"message": str(reply)})
        await insert(
            self.pool,
            "received_mail",
            customer_id=customer,
            message_id=written[-1],
            from_address="colleague@customer.example",
            from_name=spec["subject"],
            author="OTHER",
            body=spec["subject"] or "Thursday suits me.",
            quoted="> Is Thursday fine?" if spec["answers"] else None,
            automatic=spec["opened"],
            authentication="dmarc=pass",
            forwarded_at=NOON if spec["opened"] else None,
            forwarded_message_id=written[-1] if spec["opened"] else None,
        )

    async def _message(self, customer: int, spec: dict[str, Any]) -> Any:
        values: dict[str, Any] = {"subject": spec["subject"], "template_version_id": self.template}
        values["sender_version_id"] = self.sender
        if spec["kind"] == "received":
            values = {"subject": spec["subject"], "direction": "RECEIVED"}
        elif spec["kind"] == "campaign":
            values["campaign_id"] = await make_campaign(
                self.pool, template_version_id=self.template, sender_version_id=self.sender
            )
        else:
            values["source_type"] = spec["kind"]
        if spec["status"]:
            values |= {"status": spec["status"], "cause": "POLICY", "advice": "Ask them."}
        message = await make_message(self.pool, customer, **values)
        if spec["opened"]:
            await self.pool.execute("update message set opened_at = now(), letter_kind = 'X' where id = $1", message)
        if spec["outbox"] is not None:
            await make_outbox(self.pool, customer, message, **spec["outbox"])
        await self._parts(customer, message, spec)
        return message

    async def _parts(self, customer: int, message: Any, spec: dict[str, Any]) -> None:
        of = {"customer_id": customer, "message_id": message}
        for number in range(1, spec["copies"] + 1):
            await insert(self.pool, "copy", **of, recipient_no=number, role="CC", address="x@y.example", name="X")
            await make_attempt(self.pool, customer, message, recipient_no=number, code=None, host=None)
        for number, (code, response, host) in enumerate(spec["attempts"], start=1):
            verdict = "ACCEPTED" if code == 250 else "DEFERRED"
            values = {"code": code, "response": response, "host": host, "verdict": verdict, "cause": "SPAM"}
            values |= {"advice": "Wait.", "tls": "TLSv1.3", "enhanced": "4.2.0"}
            await make_attempt(self.pool, customer, message, number=number, **values)
        for number, verdict in enumerate(spec["clicks"]):
            await insert(
                self.pool,
                "hit",
                **of,
                kind="CLICK",
                url=f"https://x.example/{number}?a=b&c",
                verdict=verdict,
                reasons=["LINK_BURST", "HONEYPOT"][:number],
            )
        for number in range(spec["opens"]):
            await make_hit(self.pool, customer, message, verdict=["MACHINE", "HUMAN"][number])
        for copy, (action, kind), words in spec["reports"]:
            if copy <= spec["copies"]:
                about = {**of, "recipient_no": copy}
                event = await insert(self.pool, "event", **about, kind=kind, actor="gateway")
                values = {"action": action, "verified": words is None, "matched_by": "TOKEN", "words": words}
                values |= {"status_code": "5.1.1", "reported_by": "mx.example", "host": "mx2.example"}
                await insert(self.pool, "delivery_report", **about, id=event["id"], cause="BAD_ADDRESS", **values)
        if spec["event"]:
            await insert(self.pool, "event", **of, kind="HELD", actor="me", data={"why": ["x", 1]})
        if spec["attachment"]:
            await insert(
                self.pool,
                "message_attachment",
                **of,
                position=0,
                name="a.pdf",
                media_type="application/pdf",
                size=1,
                sha256=self.digest,
            )


async def answers(
    query: str, make_context: MakeContext, ways: Ways, variables: dict[str, Any]
) -> list[tuple[bytes, list[Any]]]:
    """By general statements, by exact ones, and by resolvers."""
    found = []
    for ways.often, shaping in ((False, True), (True, True), (False, False)):
        found.append(await answer(query, make_context(shaping=shaping), variables))
    return found


async def answer(query: str, context: Context, variables: dict[str, Any]) -> tuple[bytes, list[Any]]:
    """The data as bytes, and the errors."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    return orjson.dumps(result.data), [error.formatted for error in result.errors or []]


RICH: list[dict[str, Any]] = [
    {
        "kind": kind,
        "status": status,
        "outbox": {"attempt": 2, "due_at": datetime(2040, 1, 1, tzinfo=UTC)}
        if kind != "received" and status is None
        else None,
        "subject": "Grüße",
        "opened": True,
        "attempts": [(451, "later", "mx.example"), (code, "text", None)],
        "copies": 2,
        "clicks": ["HUMAN", "MACHINE", "UNKNOWN"],
        "event": True,
        "reports": [(0, REPORTS[0], "No such user."), (1, REPORTS[0], "Full."), (0, REPORTS[1], None)],
        "opens": 2,
        "answers": True,
        "attachment": True,
    }
    for kind, status, code in (
        ("campaign", "ACCEPTED", 250),
        ("campaign", None, None),
        ("WORK_ORDER", "BOUNCED", 250),
        ("E_SIGNATURE", "REFUSED", 550),
        ("CARD_PROCESSING", None, 450),
        ("received", None, 250),
    )
]


async def finish_as_a_series(pool: Any) -> None:
    """The first campaign has two mailings, one for who did not open the other; all have times, of every kind. The
    last campaign is paused, and waits for events."""
    await pool.execute("update campaign set status = 'FINISHED', finished_at = now(), archived_at = now()")
    await pool.execute(
        "update campaign set status = 'PAUSED', kind = 'EVENT_BASED', repeat = 'ONCE', paused_at = now(),"
        " paused_why = 'Paused by Ann.', finished_at = null, archived_at = null"
        " where id = (select id from campaign order by id desc limit 1)"
    )
    local, at = datetime(2026, 12, 1, 9, 30), datetime(2026, 12, 1, 9, 30, 5, tzinfo=UTC)  # noqa: DTZ001 - local
    await pool.execute("update mailing set local_time = $1, subject = 'Again'", local)
    first = await pool.fetchrow("select id, campaign_id, template_version_id from mailing order by id limit 1")
    values = {"campaign_id": first["campaign_id"], "template_version_id": first["template_version_id"]}
    second = await insert(pool, "mailing", **values, number=2, send_at=at, due_at=at)
    await pool.execute(
        "update mailing set local_time = null, after_days = 2, after_minutes = 15, not_before = '09:00',"
        " subject = null, not_opened_mailing_id = $2 where id = $1",
        first["id"],
        second["id"],
    )


async def test_every_field_that_declares_sql_reads_what_its_resolver_reads(
    pool: Any, make_context: MakeContext, ways: Ways
) -> None:
    # Given a ledger in which every field has something to say
    world = World(pool)
    await world.open()
    customer, _ = await world.write(RICH)
    await finish_as_a_series(pool)
    await pool.execute(
        "update copy set cause = 'POLICY', advice = 'Ask.', status = 'REFUSED', decided_at = now() "
        "where recipient_no = 1"
    )
    await pool.execute("update message set reference = 'WO-1005'")
    await pool.execute("update customer set tags = array['some']")
    # When all of them are asked for, in all lists
    lists = " ".join(
        f"{name} {{ {everything(cast(GraphQLObjectType, schema._schema.type_map[f'{row}Connection']))} }}"
        for name, (row, _) in LISTS.items()
    )
    query = f"query($id: ID!) {{ customer(id: $id) {{ emails {{ {lists} }} }} }}"
    shaped, *others = await answers(query, make_context, ways, {"id": f"Customer_{customer}"})
    # Then all ways say the same, and no field is silent everywhere
    assert shaped[1] == []
    assert others == [shaped, shaped]
    assert silent_fields(orjson.loads(shaped[0])) == set()


async def test_the_lists_of_many_customers_are_those_of_each(pool: Any, make_context: MakeContext, ways: Ways) -> None:
    # Given customers with mail of their own, and one without
    world = World(pool)
    await world.open()
    written = [await world.write(specs) for specs in (RICH, RICH[:2], [], RICH[3:])]
    customers = [customer for customer, _ in written]
    message = f"Message_{customers[0]}_{written[0][1][0].hex}"
    lists = """emails { sent(first: 1) { nodes { subject } edges { cursor } pageInfo { hasNextPage endCursor } }
      connectionNotes(filter: {direction: SENT}) { nodes { title info { attempts { number response { text } } } } }
      clicks(messageId: $message, includeMachine: true) { nodes { url } } }"""
    for ways.often, shaping in ((False, True), (True, True), (False, False)):
        # When they are read in one list
        query = f"query($message: ID) {{ customers {{ nodes {{ id {lists} }} }} }}"
        page, errors = await answer(query, make_context(shaping=shaping), {"message": message})
        # Then each has what it has alone, and an error in one stays there
        assert [error["path"] for error in errors] == [
            ["customers", "nodes", place, "emails", "clicks"] for place in range(3)
        ]
        for node in orjson.loads(page)["customers"]["nodes"]:
            query = f"query($id: ID!, $message: ID) {{ customer(id: $id) {{ id {lists} }} }}"
            alone, _ = await answer(query, make_context(shaping=shaping), {"id": node["id"], "message": message})
            assert orjson.loads(alone)["customer"] == node


async def test_a_switch_that_is_null_fails_alike_both_ways(pool: Any, make_context: MakeContext) -> None:
    # Given a query whose switch may be null, and a customer with mail and one without
    world = World(pool)
    await world.open()
    query = """query($id: ID!, $switch: Boolean = true) { customer(id: $id) { emails {
      connectionNotes { nodes { title @include(if: $switch) } } } } }"""
    for specs, failures in ((RICH[:1], 1), ([], 0)):
        customer, _ = await world.write(specs)
        variables = {"id": f"Customer_{customer}", "switch": None}
        # When it is null
        shaped = await answer(query, make_context(), variables)
        # Then it is an error only where a title would stand
        assert len(shaped[1]) == failures
        assert shaped == await answer(query, make_context(shaping=False), variables)


async def test_errors_of_lists_stand_in_the_order_of_the_document(pool: Any, make_context: MakeContext) -> None:
    # Given a query of two lists, of which resolvers raise the second's error before the first's
    world = World(pool)
    await world.open()
    customer, _ = await world.write([])
    query = """query($id: ID!, $nothing: Int) { customer(id: $id) { emails {
      clicks(messageId: "Message_1_0") { __typename }
      sent(first: $nothing) { __typename } } } }"""
    variables = {"id": f"Customer_{customer}", "nothing": None}
    for shaping in (True, False):
        # When it is answered
        _, errors = await answer(query, make_context(shaping=shaping), variables)
        # Then the first list's error comes first
        assert [error["path"][-1] for error in errors] == ["clicks", "sent"]


def silent_fields(data: Any) -> set[str]:
    """Keys that are null or empty wherever they stand."""
    seen: dict[str, bool] = {}

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                seen[key] = seen.get(key, False) or one not in (None, [])
                visit(one)
        elif isinstance(value, list):
            for one in value:
                visit(one)

    visit(data)
    return {key for key, spoken in seen.items() if not spoken}


async def test_any_query_over_any_ledger_is_answered_alike_all_ways(
    pool: Any, make_context: MakeContext, ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given ledgers and queries that hypothesis makes up
    world = World(pool)
    await world.open()
    shaped_at_all: list[bool] = []

    def spy(page: Page, selection: Selection) -> ShapedPage | None:
        found = general(page, selection)
        shaped_at_all.append(found is not None)
        return found

    monkeypatch.setattr("service.shape.read.general", spy)
    loop = asyncio.get_running_loop()

    async def compare(specs: list[dict[str, Any]], query: str) -> None:
        assert validate(schema._schema, parse(query)) == []
        customer, found = await world.write(specs)
        variables = {
            "id": f"Customer_{customer}",
            "yes": True,
            "no": False,
            "message": f"Message_{customer}_{found[0].hex}" if found else None,
            "cursor": found[-1].hex if found else None,
            "moment": f"{int(time.time() * 1e6):016x}0",
            "null_id": None,
            "nothing": None,
            "source": "CARD_PROCESSING",
            "filter": {"direction": "SENT", "sourceTypes": ["CAMPAIGN", "WORK_ORDER"]},
        }
        # When all ways answer, then they say the same
        shaped, *others = await answers(query, make_context, ways, variables)
        assert others == [shaped, shaped]

    @settings(max_examples=examples(20, proof=80), deadline=None, suppress_health_check=list(HealthCheck))
    @given(specs=st.lists(messages(), max_size=4), query=history_queries(schema._schema))
    def all_ways(specs: list[dict[str, Any]], query: str) -> None:
        asyncio.run_coroutine_threadsafe(compare(specs, query), loop).result(30)

    await asyncio.to_thread(all_ways)
    # And most of it was shaped: the comparison was no comparison of one way with itself
    assert sum(shaped_at_all) > len(shaped_at_all) / 2
