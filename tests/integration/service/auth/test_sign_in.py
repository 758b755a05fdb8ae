"""Signing in by a one-time link or a pasted token, and the rules of a session."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

import service.settings
from service.auth import bad_tokens
from service.auth.sessions import create_login_link, create_session
from service.auth.tokens import create_token, digest, revoke_token
from service.database import QUERIES
from service.graph.websocket import PROTOCOL
from tests.eventually import eventually
from tests.serving import serve

QUERY = {"query": "{ __typename }"}
BROWSER = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def link(app: Starlette, pool: Any) -> str:
    """The path of a new login link."""
    address = await create_login_link(pool, "Grace", "http://mail.example")
    return address.removeprefix("http://mail.example")


async def sign_in(browser: httpx.AsyncClient, link: str) -> str:
    """Signs the browser in; returns its CSRF token."""
    assert (await browser.post(link, headers=BROWSER)).status_code == 303
    token: str = (await browser.get("/session")).json()["csrfToken"]
    return token


async def test_a_link_shows_a_button_and_signs_in_once(anonymous: httpx.AsyncClient, link: str) -> None:
    # Given link previews of chat programs, which only GET
    for _ in range(3):
        shown = await anonymous.get(link)
        assert (shown.status_code, shown.headers["content-type"].split(";")[0]) == (200, "text/html")
        assert '<form method="post">' in shown.text
    # When the button is pressed
    signed_in = await anonymous.post(link, headers=BROWSER)
    # Then the browser is signed in, for half a day at most, by a cookie no script reads
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
    cookie = signed_in.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=43200" in cookie
    session = (await anonymous.get("/session")).json()
    assert session["name"] == "Grace"
    # And the link is used up
    for shown in (await anonymous.post(link, headers=BROWSER), await anonymous.get(link)):
        assert shown.status_code == 410
        assert "<form" not in shown.text


async def test_a_link_expires_after_ten_minutes(anonymous: httpx.AsyncClient, link: str, pool: Any) -> None:
    await pool.execute("update login_link set expires_at = expires_at - interval '9 minutes 15 seconds'")
    assert (await anonymous.get(link)).status_code == 200
    await pool.execute("update login_link set expires_at = expires_at - interval '46 seconds'")
    assert (await anonymous.post(link, headers=BROWSER)).status_code == 410
    assert (await anonymous.get("/session")).status_code == 401


async def test_an_unknown_link_is_410(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/login/invented")).status_code == 410
    assert (await anonymous.post("/login/invented", headers=BROWSER)).status_code == 410


async def test_a_pasted_token_signs_in(anonymous: httpx.AsyncClient, token: str) -> None:
    most_fields = {"token": token} | {f"field-{number}": "1" for number in range(9)}
    for body in ({"json": {"token": f" {token} "}}, {"data": {"token": token}}, {"data": most_fields}):
        answer = await anonymous.post("/session", headers=BROWSER, **body)  # type: ignore[arg-type]  # one of httpx's ways
        assert answer.status_code == 200
        assert answer.json()["name"] == "test"
        assert answer.json() == (await anonymous.get("/session")).json()


async def test_a_revoked_token_opens_no_session_though_it_is_still_cached(
    anonymous: httpx.AsyncClient, token: str, pool: Any
) -> None:
    # Given a token that was just used
    used = await anonymous.get("/graphql", params=QUERY, headers={"Authorization": f"Bearer {token}"})
    assert used.status_code == 200
    # When it is revoked
    async with pool.acquire() as connection:
        assert await revoke_token(connection, "test")
        assert not await revoke_token(connection, "test")
    # Then it opens no session from that moment on
    answer = await anonymous.post("/session", headers=BROWSER, json={"token": token})
    assert answer.status_code == 401
    assert await pool.fetchval("select count(*) from session") == 0


async def test_revoking_waits_for_a_sign_in_and_ends_that_session_too(token: str, pool: Any) -> None:
    async with pool.acquire() as browser, pool.acquire() as command:
        # Given a sign-in that has read its valid token and is not committed yet
        signing_in = browser.transaction()
        await signing_in.start()
        name = (await QUERIES.hold_token(browser, token_sha256=digest(token)))["name"]
        await create_session(browser, name)
        # When the token is revoked meanwhile
        revoking = asyncio.create_task(revoke_token(command, name))
        pid = command.get_server_pid()
        waits = "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1"
        await eventually(lambda: pool.fetchval(waits, pid))
        await signing_in.commit()
        # Then the session ends with it
        assert await revoking
        assert await pool.fetchval("select count(*) from session") == 0


async def test_a_socket_ends_with_its_session(
    app: Starlette, service_settings: service.settings.Settings, anonymous: httpx.AsyncClient, link: str, pool: Any
) -> None:
    await sign_in(anonymous, link)
    headers = {"Cookie": f"session={anonymous.cookies['session']}", "Origin": "http://mail.example"}
    async with serve(app, service_settings) as serving, asyncio.timeout(10):
        address = f"ws://{serving.host}:{serving.port}/graphql"
        async with connect(address, subprotocols=[Subprotocol(PROTOCOL)], additional_headers=headers) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(await socket.recv()) == {"type": "connection_ack"}
            # When the session has expired, then the next operation ends the socket
            await pool.execute("update session set expires_at = now()")
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": QUERY}))
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 4403


@pytest.mark.parametrize("body", [b'{"token": "wrong"}', b'{"token": ""}', b'{"token": "1"}'.ljust(4096)])
async def test_a_wrong_token_is_401(anonymous: httpx.AsyncClient, body: bytes) -> None:
    answer = await anonymous.post("/session", content=body, headers={**BROWSER, "Content-Type": "application/json"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_after_many_wrong_tokens_an_address_has_to_wait(
    anonymous: httpx.AsyncClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bad_tokens, "BURST", 3)
    answers = [await anonymous.post("/session", headers=BROWSER, json={"token": f"ce_{n}"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[-1].json()["errors"][0]["extensions"]["code"] == "TOO_MANY_BAD_TOKENS"
    assert int(answers[-1].headers["retry-after"]) >= 1
    # also at the API, where the same tokens count
    answer = await anonymous.post("/graphql", json=QUERY, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 429


@pytest.mark.parametrize("signs_in_by", ["link", "token"])
async def test_who_signs_in_removes_what_has_ended(
    anonymous: httpx.AsyncClient, link: str, token: str, pool: Any, signs_in_by: str
) -> None:
    # Given a session that has ended, and links of more and of less than a day ago
    await create_session(pool, "Ended")
    await pool.execute("update session set expires_at = now() - interval '1 second'")
    for name, age in (("Old", "24 hours 1 minute"), ("Yesterday's", "23 hours")):
        await create_login_link(pool, name, "http://mail.example")
        statement = "update login_link set expires_at = now() - $1::text::interval where name = $2"
        await pool.execute(statement, age, name)
    # When somebody signs in
    if signs_in_by == "link":
        await sign_in(anonymous, link)
    else:
        assert (await anonymous.post("/session", headers=BROWSER, json={"token": token})).status_code == 200
    # Then only what may still be asked for is kept
    names = await pool.fetch("select name from session union all select name from login_link")
    assert {row["name"] for row in names} == {"Grace", "Yesterday's"} | ({"test"} if signs_in_by == "token" else set())


async def test_a_backlog_of_what_has_ended_goes_a_thousand_at_each_sign_in(
    anonymous: httpx.AsyncClient, token: str, pool: Any
) -> None:
    # Given more sessions and links that have ended than one sign-in removes
    await pool.execute(
        "insert into session (session_sha256, csrf_sha256, name, expires_at)"
        " select sha256(n::text::bytea), sha256(n::text::bytea), 'Ended', now() - interval '1 s'"
        " from generate_series(1, 1500) n"
    )
    await pool.execute(
        "insert into login_link (link_sha256, name, expires_at)"
        " select sha256(n::text::bytea), 'Ended', now() - interval '2 days' from generate_series(1, 2500) n"
    )
    left = []
    # When people sign in one after the other
    for _ in range(3):
        assert (await anonymous.post("/session", headers=BROWSER, json={"token": token})).status_code == 200
        left.append(
            await pool.fetchval(
                "select array[(select count(*) from session where name = 'Ended'),"
                " (select count(*) from login_link where name = 'Ended')]"
            )
        )
    # Then each removes a thousand of either
    assert left == [[500, 1500], [0, 500], [0, 0]]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"token": 1}', b'{"token": "1"}'.ljust(4097)])
async def test_a_malformed_sign_in_is_refused(anonymous: httpx.AsyncClient, body: bytes) -> None:
    answer = await anonymous.post("/session", content=body, headers={**BROWSER, "Content-Type": "application/json"})
    assert answer.status_code == (413 if len(body) > 4096 else 400)


async def test_a_form_of_too_many_fields_is_refused(anonymous: httpx.AsyncClient, token: str) -> None:
    fields = {"token": token} | {f"field-{number}": "1" for number in range(10)}
    assert (await anonymous.post("/session", headers=BROWSER, data=fields)).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://["}],
)
async def test_another_sites_page_cannot_sign_a_browser_in(
    anonymous: httpx.AsyncClient, link: str, token: str, headers: dict[str, str]
) -> None:
    assert (await anonymous.post(link, headers=headers)).status_code == 403
    assert (await anonymous.post("/session", json={"token": token}, headers=headers)).status_code == 403
    assert (await anonymous.get("/session")).status_code == 401


async def test_a_cookie_needs_the_csrf_header_to_post(anonymous: httpx.AsyncClient, link: str) -> None:
    csrf = await sign_in(anonymous, link)
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "é".encode()}):
        refused = await anonymous.post("/graphql", json=QUERY, headers=headers)  # type: ignore[arg-type]  # bytes are fine
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["extensions"]["code"] == "CSRF_TOKEN_MISSING"
    served = await anonymous.post("/graphql", json=QUERY, headers={"X-CSRF-Token": csrf})
    assert served.json()["data"] == {"__typename": "Query"}
    # GET needs none: it runs no mutation.
    assert (await anonymous.get("/graphql", params=QUERY)).status_code == 200


async def test_signing_out_ends_the_session_everywhere(anonymous: httpx.AsyncClient, link: str) -> None:
    csrf = await sign_in(anonymous, link)
    kept = dict(anonymous.cookies)
    assert (await anonymous.post("/logout")).status_code == 403
    signed_out = await anonymous.post("/logout", headers={"X-CSRF-Token": csrf})
    assert signed_out.status_code == 204
    assert "httponly" in signed_out.headers["set-cookie"].lower()
    assert not anonymous.cookies
    anonymous.cookies.update(kept)
    assert (await anonymous.get("/session")).status_code == 401
    assert (await anonymous.post("/graphql", json=QUERY, headers={"X-CSRF-Token": csrf})).status_code == 401


async def test_a_session_expires(anonymous: httpx.AsyncClient, link: str, pool: Any) -> None:
    await sign_in(anonymous, link)
    await pool.execute("update session set expires_at = now() - $1::interval", timedelta(seconds=1))
    assert (await anonymous.get("/session")).status_code == 401


async def test_only_digests_are_stored(anonymous: httpx.AsyncClient, link: str, token: str, pool: Any) -> None:
    csrf = await sign_in(anonymous, link)
    # 256 bits each, in letters
    code, cookie = link.rpartition("/")[2], anonymous.cookies["session"]
    assert [len(code), len(cookie), len(token.removeprefix("ce_"))] == [43, 43, 43]
    secrets = [csrf, token, code, cookie]
    stored = [
        repr(tuple(row.values()))
        for table in ("api_token", "login_link", "session")
        for row in await pool.fetch(f"select * from {table}")  # noqa: S608 - a constant of this test
    ]
    assert len(stored) == 3
    assert not any(secret in row for secret in secrets for row in stored)


async def test_over_https_the_cookie_is_bound_to_the_host(
    settings: Any, service_settings: service.settings.Settings, pool: Any
) -> None:
    from service.app import create_app

    secure = service_settings.model_copy(
        update={"public_url": "https://mail.example", "frame_ancestors": ("https://crm.example",)}
    )
    made = create_app(secure, settings)
    async with (
        made.router.lifespan_context(made),
        httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="https://mail.example") as browser,
    ):
        token = await create_token(pool, "browser")
        answer = await browser.post("/session", json={"token": token}, headers={"Origin": "https://mail.example"})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-session=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert "frame-ancestors 'self' https://crm.example" in answer.headers["content-security-policy"]
        assert (await browser.get("/session")).status_code == 200


async def test_every_response_has_the_security_headers(anonymous: httpx.AsyncClient, link: str) -> None:
    for path in ("/healthz", "/readyz", "/graphql", "/session", link, "/nowhere"):
        answer = await anonymous.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("origin", "with_cookie", "code"),
    [
        ("http://mail.example", True, None),
        ("OWN", True, None),
        ("https://evil.example", True, 4403),
        ("null", True, 4403),
        ("http://[", True, 4403),
        (None, True, 4403),
        ("http://mail.example", False, 4403),
    ],
)
async def test_a_cookie_opens_a_socket_only_from_our_own_page(
    app: Starlette,
    service_settings: service.settings.Settings,
    anonymous: httpx.AsyncClient,
    link: str,
    origin: str | None,
    with_cookie: bool,
    code: int | None,
) -> None:
    await sign_in(anonymous, link)
    headers = {"Cookie": f"session={anonymous.cookies['session']}"} if with_cookie else {}
    async with serve(app, service_settings) as serving:
        if origin is not None:
            headers["Origin"] = origin.replace("OWN", serving.url)
        address = f"ws://{serving.host}:{serving.port}/graphql"
        async with connect(address, subprotocols=[Subprotocol(PROTOCOL)], additional_headers=headers) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            if code is None:
                assert json.loads(await socket.recv()) == {"type": "connection_ack"}
            else:
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
                assert socket.close_code == code
