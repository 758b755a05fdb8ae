"""Subscriptions over WebSocket (graphql-transport-ws) and as server-sent events (graphql-sse), on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from service.graph import event_stream, websocket
from service.graph.execution import Execution
from service.graph.streams import Streams
from tests.eventually import eventually
from tests.serving import Serving, serve, transport_settings
from tests.small_schema import PERSONAL, TOKEN, OneToken, make_transport, make_websocket

SIGNED_IN = {"Authorization": f"Bearer {TOKEN}"}
EVENTS = {**SIGNED_IN, "Accept": "text/event-stream"}


class Small:
    """The small schema on a socket."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.draining = asyncio.Event()
        self.streams = Streams(draining=self.draining, limit=3)
        self.token = OneToken()
        options: dict[str, Any] = {
            "context": {"cancelled": self.cancelled},
            "streams": self.streams,
            "one_token": self.token,
        }
        routes = [
            Route("/graphql", make_transport(**options)),
            WebSocketRoute("/graphql", make_websocket(**options).serve),
        ]
        self.app = Starlette(routes=routes)
        self.app.state.draining = self.draining
        self.serving: Serving

    def socket(self, protocol: str = websocket.PROTOCOL, **headers: str) -> connect:
        address = f"ws://{self.serving.host}:{self.serving.port}/graphql"
        return connect(address, subprotocols=[Subprotocol(protocol)], additional_headers=headers)


@pytest.fixture
async def small() -> AsyncIterator[Small]:
    made = Small()
    async with serve(made.app, transport_settings()) as made.serving:
        yield made


async def say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def hear(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        heard: dict[str, Any] = json.loads(await socket.recv())
    return heard


async def sign_in(socket: ClientConnection) -> None:
    await say(socket, type="connection_init", payload=SIGNED_IN)
    assert await hear(socket) == {"type": "connection_ack"}


async def subscribe(socket: ClientConnection, id: str, query: str, **parameters: Any) -> None:
    await say(socket, id=id, type="subscribe", payload={"query": query, **parameters})


async def close_code(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code


COST = {"extensions": {"cost": {"requested": 0, "limit": 1000, "left": 1000}}}
"""What the small schema's fields cost: they are no objects."""

# WebSocket --------------------------------------------------------------------------------------------------------


async def test_a_subscription_streams_and_completes(small: Small) -> None:
    async with small.socket() as socket:
        await sign_in(socket)
        await subscribe(socket, "1", "subscription S($to: Int!) { count(to: $to) }", variables={"to": 3})
        heard = [await hear(socket) for _ in range(4)]
    # Then what it costs stands beside the first event, since it is begun once
    payloads = [{"data": {"count": 0}} | COST, {"data": {"count": 1}}, {"data": {"count": 2}}]
    numbers = [{"id": "1", "type": "next", "payload": payload} for payload in payloads]
    assert heard == [*numbers, {"id": "1", "type": "complete"}]


async def test_queries_and_mutations_run_over_a_socket_too(small: Small) -> None:
    async with small.socket() as socket:
        await sign_in(socket)
        for query, data in (("{ hello }", {"hello": "hello you"}), ('mutation { rename(name: "x") }', {"rename": "x"})):
            await subscribe(socket, "q", query)
            assert (await hear(socket))["payload"] == {"data": data} | COST
            assert await hear(socket) == {"id": "q", "type": "complete"}


@pytest.mark.parametrize(
    "query",
    [
        "subscription { unknown }",
        "subscription {",
        "subscription { count(to: null) }",
        "",
        "{ hello } #" + "x" * 30_000,
    ],
)
async def test_a_wrong_operation_is_an_error_message(small: Small, query: str) -> None:
    async with small.socket() as socket:
        await sign_in(socket)
        await subscribe(socket, "1", query)
        heard = await hear(socket)
        assert (heard["id"], heard["type"]) == ("1", "error")
        assert heard["payload"][0]["message"]
        # The connection serves on.
        await say(socket, type="ping")
        assert await hear(socket) == {"type": "pong"}


async def test_a_source_that_breaks_is_masked(small: Small) -> None:
    async with small.socket() as socket:
        await sign_in(socket)
        await subscribe(socket, "1", "subscription { breaks }")
        assert (await hear(socket))["payload"] == {"data": {"breaks": 1}} | COST
        broken = await hear(socket)
        assert broken["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert PERSONAL not in json.dumps(broken)
        assert (await hear(socket))["type"] == "complete"


@pytest.mark.parametrize("step", ["prepare", "run", "stream"])
@pytest.mark.parametrize("error", [ZeroDivisionError, RuntimeError])
async def test_what_breaks_before_the_first_result_ends_its_operation_and_no_other(
    small: Small, monkeypatch: pytest.MonkeyPatch, step: str, error: type[Exception]
) -> None:
    # Given a defect of ours that shows before there is a result
    async def broken(*_: Any) -> None:
        raise error(PERSONAL)

    monkeypatch.setattr(Execution, step, broken)
    query = "{ hello }" if step == "run" else "subscription { count(to: 1) }"
    # When it is met over a socket, then the operation ends with an error that quotes nobody, and the socket serves on
    async with small.socket() as socket:
        await sign_in(socket)
        await subscribe(socket, "1", query)
        heard = await hear(socket)
        assert (heard["id"], heard["type"]) == ("1", "error")
        assert heard["payload"][0]["extensions"]["code"] == "INTERNAL"
        assert PERSONAL not in json.dumps(heard)
        await say(socket, type="ping")
        assert await hear(socket) == {"type": "pong"}
    # and the same as events: an error, and the end
    async with httpx.AsyncClient(base_url=small.serving.url, headers=EVENTS) as client:
        answer = await client.post("/graphql", json={"query": query})
    assert '"code":"INTERNAL"' in answer.text
    assert PERSONAL not in answer.text
    assert answer.text.endswith("event: complete\ndata: \n\n")


async def test_complete_and_hanging_up_both_cancel_the_source(small: Small) -> None:
    async with small.socket() as socket:
        await sign_in(socket)
        for id in ("1", "2"):
            await subscribe(socket, id, "subscription { count(to: -1) }")
            assert (await hear(socket))["type"] == "next"
        await say(socket, id="1", type="complete")
        async with asyncio.timeout(5):
            await small.cancelled.wait()
        small.cancelled.clear()
    async with asyncio.timeout(5):
        await small.cancelled.wait()
    await eventually(lambda: small.streams.open == 0)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (['{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }"}}'], 4401),
        (['{"type": "connection_init"}'], 4403),
        (['{"type": "connection_init", "payload": {"Authorization": "Bearer wrong"}}'], 4403),
        (['{"type": "connection_init", "payload": 1}'], 4400),
        (["nonsense"], 4400),
        (["[]"], 4400),
        (["ACK", "ACK"], 4429),
        (["ACK", '{"type": "unknown"}'], 4400),
        (["ACK", '{"type": "subscribe"}'], 4400),
        (["ACK", "\ud7ff" * 600_000], 1009),
        (
            ["ACK", *['{"type": "subscribe", "id": "1", "payload": {"query": "subscription { count(to: -1) }"}}'] * 2],
            4409,
        ),
        (
            [
                "ACK",
                *(
                    json.dumps(
                        {"type": "subscribe", "id": str(n), "payload": {"query": "subscription { count(to: -1) }"}}
                    )
                    for n in range(websocket.MAX_OPERATIONS + 1)
                ),
            ],
            4400,
        ),
    ],
)
async def test_the_protocol_is_kept_by_its_close_codes(small: Small, messages: list[str], code: int) -> None:
    init = json.dumps({"type": "connection_init", "payload": SIGNED_IN})
    async with small.socket() as socket:
        for message in messages:
            await socket.send(init if message == "ACK" else message)
        assert await close_code(socket) == code


@pytest.mark.parametrize(
    ("header", "payload", "is_let_in"),
    [
        (f"Bearer {TOKEN}", None, True),
        ("Bearer wrong", None, False),
        ("Bearer wrong", SIGNED_IN, True),
        (f"Bearer {TOKEN}", {"Authorization": "Bearer wrong"}, False),
    ],
)
async def test_a_program_may_send_its_token_in_the_handshake_and_the_payload_goes_before(
    small: Small, header: str, payload: dict[str, str] | None, is_let_in: bool
) -> None:
    async with small.socket(Authorization=header) as socket:
        await say(socket, type="connection_init", **({"payload": payload} if payload else {}))
        if is_let_in:
            assert await hear(socket) == {"type": "connection_ack"}
        else:
            assert await close_code(socket) == 4403


async def test_another_subprotocol_is_4406(small: Small) -> None:
    async with small.socket("graphql-ws") as socket:
        assert await close_code(socket) == 4406


async def test_silence_closes_a_socket(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as hasty:
        hasty.setattr(websocket, "INIT_SECONDS", 0.05)
        async with small.socket() as socket:
            assert await close_code(socket) == 4408
    monkeypatch.setattr(websocket, "IDLE_SECONDS", 0.05)
    async with small.socket() as socket:
        await sign_in(socket)
        assert await close_code(socket) == 1001


async def test_every_operation_asks_who_is_there(small: Small) -> None:
    # Given a socket of somebody we know
    async with small.socket() as socket:
        await sign_in(socket)
        # When it cannot be found out, then an operation says so, and the socket serves on
        small.token.away = True
        await subscribe(socket, "1", "{ hello }")
        heard = await hear(socket)
        assert (heard["type"], heard["payload"][0]["extensions"]["code"]) == ("error", "UNAVAILABLE")
        small.token.away = False
        await subscribe(socket, "2", "{ hello }")
        assert (await hear(socket))["type"] == "next"
        # When the token is revoked, then nothing runs any more
        small.token.revoked = True
        await subscribe(socket, "3", 'mutation { rename(name: "x") }')
        assert await hear(socket) == {"id": "2", "type": "complete"}
        assert await close_code(socket) == 4403


async def test_what_is_followed_ends_with_the_token(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a socket and an event stream that follow something
    for module in (websocket, event_stream):
        monkeypatch.setattr(module, "RECHECK_SECONDS", 0.02)
    address, body = f"{small.serving.url}/graphql", {"query": "subscription { count(to: -1) }"}
    async with (
        small.socket() as socket,
        httpx.AsyncClient() as http,
        http.stream("POST", address, json=body, headers=EVENTS) as answer,
        asyncio.timeout(10),
    ):
        await sign_in(socket)
        await subscribe(socket, "1", body["query"])
        assert (await hear(socket))["type"] == "next"
        heard = answer.aiter_lines()
        while await anext(heard) != "event: next":
            pass
        # When the database is away for a moment, then they go on
        small.token.away = True
        beats = 0
        while beats < 3:
            beats += await anext(heard) == ":"
        await say(socket, type="ping")
        assert await hear(socket) == {"type": "pong"}
        # When the token is revoked, then both end
        small.token.away, small.token.revoked = False, True
        assert await close_code(socket) == 4403
        rest = [line async for line in heard]
    assert [line for line in rest if line.startswith("event")] == ["event: next", "event: complete"]
    assert '"code":"UNAUTHENTICATED"' in "".join(rest)
    await eventually(lambda: small.streams.open == 0)


async def test_pings_do_not_keep_a_stranger(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "INIT_SECONDS", 0.2)
    async with small.socket() as socket, asyncio.timeout(5):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await say(socket, type="ping")
                assert await hear(socket) == {"type": "pong"}
        assert socket.close_code == 4408


async def test_there_are_only_so_many_streams(small: Small) -> None:
    async with small.socket() as first, small.socket() as second, small.socket() as third:
        for socket in (first, second, third):
            await sign_in(socket)
        async with small.socket() as fourth:
            assert await close_code(fourth) == 1013
        async with httpx.AsyncClient() as http:
            body = {"query": "subscription { count(to: 1) }"}
            refused = await http.post(f"{small.serving.url}/graphql", json=body, headers=EVENTS)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")


# Server-sent events -----------------------------------------------------------------------------------------------


async def read_events(small: Small, body: dict[str, Any]) -> list[tuple[str, Any]]:
    events = []
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{small.serving.url}/graphql", json=body, headers=EVENTS)
    assert answer.headers["content-type"].startswith("text/event-stream")
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            events.append((lines["event"], json.loads(lines["data"]) if lines["data"] else None))
    return events


async def test_a_subscription_is_answered_as_events(small: Small) -> None:
    events = await read_events(small, {"query": "subscription { count(to: 2) }"})
    first, second = {"data": {"count": 0}} | COST, {"data": {"count": 1}}
    assert events == [("next", first), ("next", second), ("complete", None)]


async def test_queries_are_answered_as_events_where_they_are_wanted(small: Small) -> None:
    assert await read_events(small, {"query": "{ hello }"}) == [
        ("next", {"data": {"hello": "hello you"}} | COST),
        ("complete", None),
    ]


async def test_errors_before_execution_are_events(small: Small) -> None:
    for query in ("{ unknown }", "subscription {", "subscription { count }"):
        (kind, payload), end = await read_events(small, {"query": query})
        assert (kind, end) == ("next", ("complete", None))
        assert payload["errors"][0]["message"]


async def test_an_event_source_gets_but_mutates_nothing(small: Small) -> None:
    address = f"{small.serving.url}/graphql"
    async with httpx.AsyncClient(headers=EVENTS) as http:
        got = await http.get(address, params={"query": "subscription { count(to: 1) }"})
        refused = await http.get(address, params={"query": 'mutation { rename(name: "x") }'})
    assert '{"data":{"count":0},' in got.text
    assert "METHOD_NOT_ALLOWED" in refused.text


async def test_a_subscription_without_a_stream_is_406(small: Small) -> None:
    async with httpx.AsyncClient(headers=SIGNED_IN) as http:
        answer = await http.post(f"{small.serving.url}/graphql", json={"query": "subscription { count(to: 1) }"})
    assert answer.status_code == 406


async def test_a_reader_that_leaves_cancels_the_source(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "RECHECK_SECONDS", 0.05)
    body = {"query": "subscription { count(to: -1) }"}
    address = f"{small.serving.url}/graphql"
    async with httpx.AsyncClient() as http, http.stream("POST", address, json=body, headers=EVENTS) as answer:
        seen = b""
        async for chunk in answer.aiter_raw():
            seen += chunk
            if seen.endswith(b"\n\n:\n\n") and b"next" in seen:
                break
    async with asyncio.timeout(5):
        assert await small.cancelled.wait()


async def test_draining_ends_every_stream(small: Small) -> None:
    async with httpx.AsyncClient() as http:
        body = {"query": "subscription { count(to: -1) }"}
        async with http.stream("POST", f"{small.serving.url}/graphql", json=body, headers=EVENTS) as answer:
            chunks = answer.aiter_raw()
            await anext(chunks)
            small.draining.set()
            rest = b"".join([chunk async for chunk in chunks])
    assert rest.endswith(b"event: complete\ndata: \n\n")
