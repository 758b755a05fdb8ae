"""`python -m service`: its errors at start, and its commands on tokens and login links."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

import service.__main__
import service.settings
from service.__main__ import main
from service.auth.tokens import digest
from tests.builders import SECRET_KEYS, make_customer
from tests.service_fixtures import GRAPHQL_RESPONSE
from tests.service_process import environment, free_port
from tests.serving import serve


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A command that ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Finished]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Returns a function that runs a command in a thread, with nothing but `env` in its environment."""

    async def run_command(*arguments: str, env: dict[str, str]) -> Finished:
        with monkeypatch.context() as patch:
            for name in set(os.environ) - set(env):
                patch.delenv(name)
            for name, value in env.items():
                patch.setenv(name, value)
            # The log is the test run's, not this command's.
            patch.setattr(service.__main__, "log_as_json", lambda: None)
            code = await asyncio.to_thread(main, list(arguments))
        printed = capsys.readouterr()
        return Finished(code=code, out=printed.out, err=printed.err)

    return run_command


@pytest.fixture
def env(service_settings: service.settings.Settings) -> dict[str, str]:
    return environment(service_settings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DATABASE_URL": None}, ["DATABASE_URL is missing", "For example: DATABASE_URL=postgresql://"]),
        ({"PUBLIC_URL": "mail.example"}, ["PUBLIC_URL", "For example: PUBLIC_URL=https://"]),
        ({"SECRET_KEYS": None}, ["SECRET_KEYS is missing", "For example"]),
        ({"SECRET_KEYS": f"{SECRET_KEYS},{SECRET_KEYS}"}, ["SECRET_KEYS: two keys have one id", "For example"]),
        ({"CARD_DEADLINE": "-PT1H"}, ["CARD_DEADLINE", "For example: CARD_DEADLINE=PT24H"]),
        ({"WORKERS": "many"}, ["WORKERS", "For example: WORKERS=1"]),
        ({"PUBLIC_URL": None, "SECRET_KEYS": None}, ["PUBLIC_URL is missing", "SECRET_KEYS is missing"]),
        ({"FRAME_ANCESTORS": "crm.example"}, ["FRAME_ANCESTORS", "https://crm.example.com"]),
        ({"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/mail"}, ["DATABASE_URL", "cannot be reached"]),
        ({"PERSISTED_OPERATIONS": "/nowhere.json"}, ["PERSISTED_OPERATIONS", "cannot be read"]),
    ],
)
async def test_what_prevents_a_start_is_named(
    run: Run, env: dict[str, str], change: dict[str, str | None], words: list[str]
) -> None:
    changed = {name: value for name, value in {**env, **change}.items() if value is not None}
    finished = await run("--port", str(free_port()), env=changed)
    assert finished.code == 1
    assert all(word in finished.err for word in words), finished.err
    assert "Traceback" not in finished.err
    lines = finished.err.splitlines()
    assert len(lines) == len(set(lines))


async def test_a_busy_port_is_named(run: Run, env: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = await run("--port", str(port), env=env)
    assert finished.code == 1
    assert f"port {port}" in finished.err
    assert "PORT=" in finished.err
    assert "Traceback" not in finished.err


async def test_a_token_is_created_listed_and_revoked(run: Run, env: dict[str, str], pool: Any) -> None:
    made = await run("token", "create", "crm", env=env)
    token = made.out.strip()
    assert (made.code, token[:3]) == (0, "ce_")
    assert bytes(await pool.fetchval("select token_sha256 from api_token")) == digest(token)
    twice = await run("token", "create", "crm", env=env)
    assert (twice.code, "choose another name" in twice.err) == (1, True)
    listed = await run("token", "list", env=env)
    assert listed.out.startswith("crm\t")
    assert token not in listed.out
    assert (await run("token", "revoke", "crm", env=env)).code == 0
    again = await run("token", "revoke", "crm", env=env)
    assert (again.code, "no living token" in again.err) == (1, True)
    assert "revoked" in (await run("token", "list", env=env)).out


async def test_a_token_for_received_mail_is_told_apart(run: Run, env: dict[str, str], pool: Any) -> None:
    await run("token", "create", "crm", env=env)
    made = await run("token", "create", "--inbound", "provider", env=env)
    kinds = await pool.fetch("select inbound_only from api_token where token_sha256 = $1", digest(made.out.strip()))
    assert [row["inbound_only"] for row in kinds] == [True]
    listed = (await run("token", "list", env=env)).out.splitlines()
    assert ["only for received mail" in line for line in listed] == [True, False]


async def test_a_revoked_tokens_name_is_its_successors(
    run: Run, env: dict[str, str], anonymous: httpx.AsyncClient, pool: Any
) -> None:
    customers = [f"Customer_{await make_customer(pool)}" for _ in range(2)]

    async def opt_out(token: str, customer: str) -> httpx.Response:
        document = f'mutation {{ setOptOut(input: {{customerId: "{customer}", kind: MARKETING, optedOut: true}}) '
        document += "{ customer { optOuts { marketing { by } } } } }"
        headers = {"Authorization": f"Bearer {token}", "Accept": GRAPHQL_RESPONSE}
        return await anonymous.post("/graphql", json={"query": document}, headers=headers)

    # Given a CRM that wrote something down under its token's name
    old = (await run("token", "create", "crm", env=env)).out.strip()
    answers = [await opt_out(old, customers[0])]
    # When its token is revoked, and a new one takes the name
    assert (await run("token", "revoke", "crm", env=env)).code == 0
    made = await run("token", "create", "crm", env=env)
    assert (made.code, made.err) == (0, "")
    answers.append(await opt_out(made.out.strip(), customers[1]))
    # Then the history names the CRM before and after
    assert [answer.json()["data"]["setOptOut"]["customer"]["optOuts"]["marketing"]["by"] for answer in answers] == [
        "crm",
        "crm",
    ]
    # and the list tells which of its tokens lived when
    lines = [line.split("\t") for line in (await run("token", "list", env=env)).out.splitlines()]
    assert [(name, ended.partition(" ")[0]) for name, _, ended in lines] == [("crm", "living"), ("crm", "revoked")]


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x1b[2J", "a\u2028b", "a\u202eb"])
@pytest.mark.parametrize("command", [("token", "create"), ("login-link", "--name")], ids=" ".join)
async def test_a_name_with_line_breaks_or_invisible_characters_is_refused(
    run: Run, env: dict[str, str], pool: Any, command: tuple[str, ...], name: str
) -> None:
    finished = await run(*command, name, env=env)
    assert (finished.code, finished.out, len(finished.err.splitlines())) == (1, "", 1)
    assert await pool.fetchval("select count(*) from api_token") == 0


async def test_who_may_see_the_mail_itself_is_said_when_a_way_in_is_made(
    run: Run, env: dict[str, str], pool: Any, anonymous: httpx.AsyncClient
) -> None:
    # Given a token and a link for the mail itself, and ones without
    for name, options in {"office": ("--content",), "crm": ()}.items():
        made = (await run("token", "create", name, *options, env=env)).out.strip()
        link = await run("login-link", "--name", f"{name} Ada", *options, env=env)
        # When both sign in
        assert (await anonymous.post(link.out.strip())).status_code == 303
        assert (await anonymous.post("/session", json={"token": made})).status_code == 200
    # Then sessions may see what their token or link may, and the list tells
    rows = await pool.fetch("select name, content from session order by name")
    assert [tuple(row) for row in rows] == [
        *(("crm", False), ("crm Ada", False)),
        *(("office", True), ("office Ada", True)),
    ]
    listed = (await run("token", "list", env=env)).out.splitlines()
    assert ["also the mail itself" in line for line in listed] == [False, True]


async def test_a_login_link_signs_in(run: Run, env: dict[str, str], anonymous: httpx.AsyncClient) -> None:
    made = await run("login-link", "--name", "Ada", env=env)
    assert made.out.startswith("http://mail.example/login/")
    assert (await anonymous.post(made.out.strip())).status_code == 303
    assert (await anonymous.get("/session")).json()["name"] == "Ada"


async def test_a_read_only_link_opens_a_session_that_changes_nothing(
    run: Run, env: dict[str, str], anonymous: httpx.AsyncClient
) -> None:
    made = await run("login-link", "--name", "Auditor", "--read-only", env=env)
    assert (await anonymous.post(made.out.strip())).status_code == 303
    assert (await anonymous.get("/session")).json()["readOnly"] is True


async def test_a_database_without_tables_is_named(run: Run, env: dict[str, str], postgres: Any) -> None:
    finished = await run("token", "list", env={**env, "DATABASE_URL": postgres.url("postgres")})
    assert (finished.code, "make migrate" in finished.err) == (1, True)


async def test_the_check_follows_a_link_through_public_url(
    run: Run, env: dict[str, str], app: Starlette, service_settings: service.settings.Settings, pool: Any
) -> None:
    async with serve(app, service_settings) as serving:
        found = await run("check", env={**env, "PUBLIC_URL": serving.url})
        assert (found.code, found.err) == (0, "")
        assert [line.partition(" ")[0] for line in found.out.splitlines()] == ["Links", "Links"]
        foreign = await run("check", env={**env, "PUBLIC_URL": serving.url, "SECRET_KEYS": f"k1:{'A' * 43}="})
    assert (foreign.code, "SECRET_KEYS" in foreign.out) == (1, True)
    # and where nobody listens
    away = await run("check", env={**env, "PUBLIC_URL": f"http://127.0.0.1:{free_port()}"})
    assert (away.code, "cannot be reached" in away.out) == (1, True)
