"""A session that looks at everything and changes nothing: every mutation and upload is refused, on every way in."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

import service.settings
from service.auth.sessions import create_login_link, create_session
from service.graph.schema import schema
from service.graph.websocket import PROTOCOL
from tests.builders import make_customer
from tests.serving import serve

BROWSER = {"Sec-Fetch-Site": "same-origin"}
MUTATIONS = schema._schema.mutation_type.fields if schema._schema.mutation_type else {}
OPT_OUT = "mutation($i: SetOptOutInput!) { done: setOptOut(input: $i) { userErrors { message } } }"
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
async def browser(anonymous: httpx.AsyncClient, pool: Any) -> httpx.AsyncClient:
    """A browser that was signed in by a link for looking."""
    link = await create_login_link(pool, "Auditor", "http://mail.example", read_only=True)
    assert (await anonymous.post(link, headers=BROWSER)).status_code == 303
    anonymous.headers["X-CSRF-Token"] = (await anonymous.get("/session")).json()["csrfToken"]
    return anonymous


def document(name: str) -> str:
    """The mutation of this name with all that it needs as variables."""
    arguments = {each: str(argument.type) for each, argument in MUTATIONS[name].args.items()}
    declared = ", ".join(f"${each}: {kind}" for each, kind in arguments.items())
    given = ", ".join(f"{each}: ${each}" for each in arguments)
    return f"mutation({declared}) {{ done: {name}({given}) {{ __typename }} }}"


async def test_a_read_only_session_says_so_and_reads(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/session")).json()["readOnly"] is True
    read = await browser.post("/graphql", json={"query": "{ customers(first: 1) { nodes { id } } }"})
    assert (read.status_code, read.json()["data"]) == (200, {"customers": {"nodes": []}})


async def test_every_mutation_of_the_schema_is_refused(browser: httpx.AsyncClient, pool: Any) -> None:
    assert len(MUTATIONS) > 40
    for name in MUTATIONS:
        refused = await browser.post("/graphql", json={"query": document(name)})
        assert refused.status_code == 403, name
        [error] = refused.json()["errors"]
        assert error["extensions"] == {"code": "READ_ONLY"}, name
        assert "data" not in refused.json()


async def test_it_is_refused_whatever_else_stands_in_the_document(browser: httpx.AsyncClient, pool: Any) -> None:
    # Given a mutation that would do something, among queries, by name, or as an event stream
    customer = f"Customer_{await make_customer(pool)}"
    wanted = {"i": {"customerId": customer, "kind": "MARKETING", "optedOut": True}}
    named = OPT_OUT.replace("mutation(", "mutation Change(") + " query Look { __typename }"
    asked: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"query": OPT_OUT, "variables": wanted}, {}),
        ({"query": named, "variables": wanted, "operationName": "Change"}, {}),
        ({"query": OPT_OUT, "variables": wanted}, EVENTS),
    ]
    for body, headers in asked:
        refused = await browser.post("/graphql", json=body, headers=headers)
        assert "READ_ONLY" in refused.text
    assert (await browser.post("/graphql", json={"query": named, "operationName": "Look"})).status_code == 200
    # Then nothing was written down
    assert await pool.fetchval("select count(*) from opt_out") == 0


async def test_uploads_are_refused(browser: httpx.AsyncClient, pool: Any) -> None:
    uploads = {
        "/imports?name=a.csv": "select count(*) from customer_import",
        "/attachments?name=a.pdf": "select count(*) from attachment",
    }
    for path, stored in uploads.items():
        refused = await browser.post(path, content=b"email\na@b.example\n")
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["extensions"]["code"] == "READ_ONLY"
        assert await pool.fetchval(stored) == 0


async def test_a_web_socket_refuses_it_too(
    app: Starlette, service_settings: service.settings.Settings, pool: Any
) -> None:
    secret = await create_session(pool, "Auditor", read_only=True)
    customer = f"Customer_{await make_customer(pool)}"
    variables = {"i": {"customerId": customer, "kind": "MARKETING", "optedOut": True}}
    async with serve(app, service_settings) as serving:
        address = f"ws://{serving.host}:{serving.port}/graphql"
        headers = {"Origin": serving.url, "Cookie": f"session={secret}"}
        async with connect(address, subprotocols=[Subprotocol(PROTOCOL)], additional_headers=headers) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            payload = {"query": OPT_OUT, "variables": variables}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            heard = json.loads(await socket.recv())
    assert (heard["type"], heard["payload"][0]["extensions"]["code"]) == ("error", "READ_ONLY")
    assert await pool.fetchval("select count(*) from opt_out") == 0


async def test_other_sessions_and_tokens_may_write(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, token: str, pool: Any
) -> None:
    # Given a session by an API token, one by a link, and one of before there were sessions for looking
    customer = f"Customer_{await make_customer(pool)}"
    body = {"query": OPT_OUT, "variables": {"i": {"customerId": customer, "kind": "MARKETING", "optedOut": True}}}
    by_token = await anonymous.post("/session", headers=BROWSER, json={"token": token})
    assert (by_token.json()["readOnly"], by_token.json()["content"]) == (False, True)
    link = await create_login_link(pool, "Grace", "http://mail.example", content=True)
    assert (await anonymous.post(link, headers=BROWSER)).status_code == 303
    session = (await anonymous.get("/session")).json()
    assert (session["readOnly"], session["content"]) == (False, True)
    # Then all of them may write
    for writer, headers in ((anonymous, {"X-CSRF-Token": session["csrfToken"]}), (client, {})):
        answer = await writer.post("/graphql", json=body, headers=headers)
        assert answer.json()["data"] == {"done": {"userErrors": []}}


async def test_whoever_only_looks_may_sign_out(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/logout")).status_code == 204
    assert (await browser.get("/session")).status_code == 401
