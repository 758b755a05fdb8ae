"""Bearer tokens without a database: looked up by digest, cached for seconds, refused without details."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from service.auth import callers, sessions
from service.auth.bad_tokens import BURST
from service.auth.callers import Authenticator, Caller
from service.auth.sessions import csrf_token
from service.auth.tokens import digest
from service.errors import RequestRefused

ANN = "203.0.113.7"


class Tokens:
    """The tokens in the database, with the number of look-ups."""

    def __init__(self, **tokens: str) -> None:
        self.rows: list[dict[str, Any]] = [
            {"name": name, "token_sha256": digest(token), "inbound_only": False, "content": name == "office"}
            for name, token in tokens.items()
        ]
        self.lookups = 0

    async def fetch_latest(self, _: Any, *, token_sha256: bytes) -> list[dict[str, Any]]:
        """Returns the rows of this digest."""
        self.lookups += 1
        return [row for row in self.rows if row["token_sha256"] == token_sha256]


class Sessions:
    """One session in the database, which every look-up finds, with their number."""

    def __init__(self, secret: str) -> None:
        self.row = {
            "name": "Ann",
            "session_sha256": digest(secret),
            "csrf_sha256": digest(csrf_token(secret)),
            "expires_at": datetime(2026, 3, 1, tzinfo=UTC),
            "content": False,
            "read_only": False,
        }
        self.lookups = 0

    async def fetch_latest(self, _: Any, *, session_sha256: bytes) -> list[dict[str, Any]]:
        """Returns the row."""
        self.lookups += 1
        return [self.row]


class Clock:
    """A clock that a test advances."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def make(tokens: Tokens, clock: Clock) -> Authenticator:
    pools: Any = tokens
    return Authenticator(pools, public_url="http://mail.example", clock=clock)


def make_for(sessions_of: Sessions) -> Authenticator:
    """An authenticator over this session."""
    pools: Any = sessions_of
    return Authenticator(pools, public_url="http://mail.example", clock=Clock())


def request(method: str | None = "GET", *, cookie: str | None = None, csrf: str | None = None) -> HTTPConnection:
    """A request with the session cookie; without a method it opens a WebSocket."""
    named = {"cookie": cookie and f"session={cookie}", "x-csrf-token": csrf}
    headers = [(name.encode(), value.encode()) for name, value in named.items() if value]
    return HTTPConnection({"type": "http", "headers": headers} | ({"method": method} if method else {}))


async def test_a_token_is_cached_for_seconds_and_then_looked_up_again() -> None:
    tokens, clock = Tokens(crm="secret"), Clock()
    authenticator = make(tokens, clock)
    assert await authenticator.bearer("Bearer secret", ANN) == Caller(name="crm")
    assert await authenticator.bearer("bearer  secret ", ANN) == Caller(name="crm")
    assert tokens.lookups == 1
    # When it is revoked, then it is refused after five seconds
    tokens.rows.clear()
    clock.now += 4.9
    assert await authenticator.bearer("Bearer secret", ANN) == Caller(name="crm")
    clock.now += 0.1
    with pytest.raises(RequestRefused) as caught:
        await authenticator.bearer("Bearer secret", ANN)
    assert caught.value.status == 401


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic secret", "secret", "Bearer wrong", "Bearer " + "x" * 300]
)
async def test_every_invalid_token_gets_the_same_error(value: str) -> None:
    authenticator = make(Tokens(crm="secret"), Clock())
    with pytest.raises(RequestRefused) as caught:
        await authenticator.bearer(value, ANN)
    assert (caught.value.status, str(caught.value)) == (401, str(callers.unauthenticated()))


async def test_bad_tokens_of_one_address_are_looked_up_no_more_after_a_while() -> None:
    tokens, clock = Tokens(crm="secret"), Clock()
    authenticator = make(tokens, clock)
    await authenticator.bearer("Bearer secret", ANN)
    statuses = []
    for number in range(BURST + 10):
        with pytest.raises(RequestRefused) as caught:
            await authenticator.bearer(f"Bearer wrong-{number}", ANN)
        statuses.append(caught.value.status)
    assert statuses == [401] * BURST + [429] * 10
    assert tokens.lookups == 1 + BURST
    # One that was valid lately is known behind the same address, also when it has to be looked up again
    clock.now += 5.1
    for number in range(BURST):
        with pytest.raises(RequestRefused):
            await authenticator.bearer(f"Bearer again-{number}", ANN)
    assert await authenticator.bearer("Bearer secret", ANN) == Caller(name="crm")


async def test_a_revoked_token_is_throttled_like_any_other() -> None:
    # Given a token that was valid lately
    tokens, clock = Tokens(crm="secret"), Clock()
    authenticator = make(tokens, clock)
    await authenticator.bearer("Bearer secret", ANN)
    # When it is revoked, and goes on being sent
    tokens.rows.clear()
    clock.now += 5
    statuses = []
    for _ in range(BURST + 1):
        with pytest.raises(RequestRefused) as caught:
            await authenticator.bearer("Bearer secret", ANN)
        statuses.append(caught.value.status)
    # Then it is looked up no more after a while
    assert statuses == [401] * BURST + [429]


async def test_what_is_longer_than_any_secret_or_empty_is_not_looked_up() -> None:
    longest, clock = "x" * 256, Clock()
    tokens = Tokens(crm=longest)
    assert await make(tokens, clock).bearer(f"Bearer {longest}", ANN) == Caller(name="crm")
    for token in (longest + "x", "", " "):
        with pytest.raises(RequestRefused):
            await make(tokens, clock).bearer(f"Bearer {token}", ANN)
    assert tokens.lookups == 1
    sessions_of = Sessions(longest)
    assert await make_for(sessions_of).session(request(cookie=longest)) is not None
    assert await make_for(sessions_of).session(request(cookie=longest + "x")) is None
    assert await make_for(sessions_of).session(request()) is None
    assert sessions_of.lookups == 1


async def test_a_row_of_another_secret_signs_nobody_in() -> None:
    # Given an index that finds the wrong row
    found = Sessions("ann's")
    assert (await make_for(found).session(request(cookie="ann's"))) is not None
    assert await make_for(found).session(request(cookie="bob's")) is None


async def test_a_token_for_received_mail_does_nothing_else_also_once_it_is_cached() -> None:
    tokens = Tokens(provider="ce_mail", crm="ce_1")
    tokens.rows[0]["inbound_only"] = True
    authenticator = make(tokens, Clock())
    for _ in range(2):
        with pytest.raises(RequestRefused) as refused:
            await authenticator.bearer("Bearer ce_mail", ANN)
        assert (refused.value.status, refused.value.extensions["code"]) == (403, "INBOUND_ONLY")
    assert tokens.lookups == 1
    for token, name in (("ce_mail", "provider"), ("ce_1", "crm")):
        handing_in = HTTPConnection({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})
        assert (await authenticator.inbound_caller(handing_in)).name == name
    assert (await authenticator.bearer("Bearer ce_1", ANN)).name == "crm"


async def test_who_was_given_content_may_see_it() -> None:
    authenticator = make(Tokens(office="ce_1", crm="ce_2"), Clock())
    for _ in range(2):
        assert await authenticator.bearer("Bearer ce_1", ANN) == Caller(name="office", content=True)
        assert await authenticator.bearer("Bearer ce_2", ANN) == Caller(name="crm")
    sessions = Sessions("s")
    sessions.row["content"] = True
    assert await make_for(sessions).caller(request(cookie="s")) == Caller(name="Ann", content=True)


async def test_a_browsers_session_hands_in_no_mail() -> None:
    with pytest.raises(RequestRefused) as refused:
        await make_for(Sessions("s")).inbound_caller(request("POST", cookie="s", csrf=csrf_token("s")))
    assert refused.value.status == 401


@pytest.mark.parametrize("method", ["GET", "HEAD", None])
async def test_a_request_that_changes_nothing_needs_only_the_cookie(method: str | None) -> None:
    caller = await make_for(Sessions("ann's")).caller(request(method, cookie="ann's"))
    assert caller == Caller(name="Ann")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_request_that_may_change_something_needs_the_csrf_token_too(method: str) -> None:
    authenticator = make_for(Sessions("ann's"))
    with pytest.raises(RequestRefused) as caught:
        await authenticator.caller(request(method, cookie="ann's"))
    assert caught.value.status == 403
    sent = request(method, cookie="ann's", csrf=csrf_token("ann's"))
    assert await authenticator.caller(sent) == Caller(name="Ann")


def test_bad_tokens_are_counted_by_the_clients_address_where_there_is_one() -> None:
    assert callers.address_of(HTTPConnection({"type": "http", "headers": [], "client": (ANN, 4711)})) == ANN
    assert callers.address_of(HTTPConnection({"type": "http", "headers": []})) == ""


async def test_the_cache_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_CACHED_TOKENS", 2)
    tokens = Tokens(a="1", b="2", c="3")
    authenticator = make(tokens, Clock())
    for token in ("1", "2", "3", "1", "3"):
        await authenticator.bearer(f"Bearer {token}", ANN)
    assert tokens.lookups == 4


@pytest.mark.parametrize(
    ("origin", "host", "is_ours"),
    [
        ("http://mail.example", "mail.example", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://evil.example", "mail.example", False),
        ("http://[", "mail.example", False),
        ("http://[::1", "mail.example", False),
        ("null", "", False),
        ("null", None, False),
    ],
)
def test_an_origin_is_ours_only_when_it_is_our_host(origin: str, host: str | None, is_ours: bool) -> None:
    named = {"origin": origin} if host is None else {"origin": origin, "host": host}
    headers = [(name.encode(), value.encode()) for name, value in named.items()]
    connection = HTTPConnection({"type": "http", "headers": headers})
    assert sessions.is_same_origin(connection, "http://mail.example") is is_ours
    assert sessions.has_own_origin(connection, "http://mail.example") is is_ours


@pytest.mark.parametrize(
    ("site", "is_ours"),
    [("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False), ("", False), ("new", False)],
)
def test_a_browser_says_where_a_request_comes_from(site: str, is_ours: bool) -> None:
    # Whatever Origin says beside it: another service of the same site is not ours
    for origin in (b"http://mail.example", b"http://evil.example"):
        headers = [(b"sec-fetch-site", site.encode()), (b"origin", origin), (b"host", b"mail.example")]
        connection = HTTPConnection({"type": "http", "headers": headers})
        assert sessions.is_same_origin(connection, "http://mail.example") is is_ours


def test_a_program_that_says_nothing_is_no_browser() -> None:
    connection = HTTPConnection({"type": "http", "headers": []})
    assert sessions.is_same_origin(connection, "http://mail.example")
    assert not sessions.has_own_origin(connection, "http://mail.example")


def test_a_csrf_token_belongs_to_its_session_and_does_not_reveal_it() -> None:
    assert csrf_token("one") == csrf_token("one") != csrf_token("two")
    assert "one" not in csrf_token("one")


async def test_a_read_only_session_changes_nothing() -> None:
    sessions = Sessions("s")
    authenticator = make_for(sessions)
    assert await authenticator.writing_caller(request(cookie="s")) == Caller(name="Ann")
    sessions.row["read_only"] = True
    assert await authenticator.caller(request(cookie="s")) == Caller(name="Ann", read_only=True)
    with pytest.raises(RequestRefused) as refused:
        await authenticator.writing_caller(request(cookie="s"))
    assert (refused.value.status, refused.value.code) == (403, "READ_ONLY")
