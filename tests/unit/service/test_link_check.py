"""`python -m service check` before proxies of each kind: what it says, and that time and size are bounded."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest
from starlette.applications import Starlette

from gateway.mail.keys import Keyring
from gateway.settings import SecretKey
from service.http.tracking import routes
from service.link_check import Finding, check
from tests.service_process import free_port
from tests.smtp_server import certificate_authority

KEYRING = Keyring([SecretKey(id="k1", secret=b"s" * 32)])
OTHERS = Keyring([SecretKey(id="k1", secret=b"t" * 32)])

Behaviour = Callable[[str], Awaitable[str]]
"""From a request's raw path to the whole response."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What the routes need for a click: no database."""

    keyring: Keyring

    @property
    def deployment(self) -> Sharing:
        return self


async def service(path: str, keyring: Keyring = KEYRING) -> str:
    """What our own routes answer to a path as it arrived."""
    app = Starlette(routes=routes())
    app.state.tracking = Sharing(keyring)
    raw, _, query = path.partition("?")
    said: list[MutableMapping[str, Any]] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [],
    }

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message)

    await app(scope, receive, send)
    head = "".join(f"{name.decode()}: {value.decode()}\r\n" for name, value in said[0]["headers"])
    return f"HTTP/1.1 {said[0]['status']} Some reason\r\n{head}\r\n"


@dataclass(kw_only=True, slots=True)
class Proxy:
    """A listening proxy, and the paths that it was asked for."""

    url: str
    asked: list[str] = field(default_factory=list)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(handle: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port where `handle` serves each connection; all are done when the block ends."""
    running: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await handle(reader, writer)
        writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.append(asyncio.get_running_loop().create_task(serve(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*running)


@contextlib.asynccontextmanager
async def proxy(behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    made = Proxy(url="")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        made.asked.append(path)
        writer.write((await behave(path)).encode("latin-1"))
        await writer.drain()

    async with listening(handle, tls=tls) as port:
        made.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        yield made


def passing(change: Callable[[str], str]) -> Behaviour:
    """A proxy that changes paths and passes them on."""

    async def behave(path: str) -> str:
        return await service(change(path))

    return behave


def changing(change: Callable[[str], str]) -> Behaviour:
    """A proxy that changes what the service answers."""

    async def behave(path: str) -> str:
        return change(await service(path))

    return behave


def answering(status: int, *headers: str) -> Behaviour:
    """A proxy that answers itself; `{path}` in a header is the path that was asked for."""

    async def behave(path: str) -> str:
        return "\r\n".join([f"HTTP/1.1 {status} Some reason", *headers, "", ""]).format(path=path)

    return behave


def refusing_escapes(response: str) -> Behaviour:
    async def behave(path: str) -> str:
        return response if "%2F" in path else await service(path)

    return behave


async def other_keys(path: str) -> str:
    return await service(path, OTHERS)


def nginx_with_a_slash(path: str) -> str:
    return quote(re.sub("/+", "/", unquote(path)), safe="/:=&-_.")


LET_THROUGH = ["do not work", "proxy_pass without a slash", "AllowEncodedSlashes NoDecode", "Traefik"]
WORKING: dict[str, tuple[Behaviour, list[str]]] = {
    "passes everything on": (service, ["Links work", "arrived unchanged", "first releases work, too"]),
    "decodes and merges slashes": (
        passing(nginx_with_a_slash),
        ["arrived unchanged", "arrived changed", "/c/k1."],
    ),
    "decodes": (passing(lambda path: quote(unquote(path), safe="/:=&-_.")), ["arrived changed"]),
    "decodes wholly": (passing(lambda path: unquote(path).partition("#")[0]), ["Links work", "beyond repair"]),
    "encodes twice": (passing(lambda path: path.replace("%", "%25")), ["arrived encoded twice"]),
    "cuts escapes off": (passing(lambda path: path.partition("%")[0]), ["Links work", "beyond repair", *LET_THROUGH]),
    "refuses escapes": (refusing_escapes("HTTP/1.1 400 Bad Request\r\n\r\n"), ["Links work", "with 400", *LET_THROUGH]),
    "hangs up on escapes": (refusing_escapes(""), ["Links work", "hangs up", *LET_THROUGH]),
    "drops our header": (
        changing(lambda said: re.sub("(?i)link-received:.*\r\n", "", said)),
        ["led one to its destination.", "first releases work, too."],
    ),
    "says goodbye slowly": (changing(lambda said: said + "x" * 10_000_000), ["Links work"]),
}
BROKEN: dict[str, tuple[Behaviour, list[str]]] = {
    "rewrites Location": (
        changing(lambda said: re.sub("(?i)location: http://[^/]+", "location: http://10.0.0.7:8000", said)),
        ["changed the destination", "http://10.0.0.7:8000/", "proxy_redirect off"],
    ),
    "leads to https": (
        answering(301, "Location: https://mail.example.com{path}"),
        ["set PUBLIC_URL=https://mail.example.com", "one-click"],
    ),
    "leads to another host": (
        answering(308, "Location: http://www.mail.example.com{path}"),
        ["set PUBLIC_URL=http://www.mail.example.com"],
    ),
    "adds a slash": (answering(301, "Location: {path}/"), ["a slash behind it"]),
    "asks to sign in": (
        answering(302, "Location: https://sso.example/login?to={path}"),
        ["https://sso.example/login", "without a login"],
    ),
    "wants a password": (answering(401, "WWW-Authenticate: Basic"), ["refused a link with 401", "without a login"]),
    "is a firewall": (answering(403), ["refused a link with 403"]),
    "counts requests": (answering(429), ["refused a link with 429"]),
    "knows only other sites": (answering(404), ["knows no /c/"]),
    "knows no GET": (answering(405), ["refused a link with 405"]),
    "has an upstream that is away": (answering(502), ["answered 502", "does not reach the service"]),
    "waits for nobody": (answering(504), ["answered 504", "does not reach the service"]),
    "is broken": (answering(500), ["answered 500 where a link redirects"]),
    "shows a challenge": (answering(200, "Content-Type: text/html"), ["a page instead of a redirect"]),
    "lets other keys sign": (other_keys, ["SECRET_KEYS"]),
    "makes paths small": (passing(str.lower), ["SECRET_KEYS", "changes paths"]),
    "is no web server": (lambda _: asyncio.sleep(0, "220 mail.example ESMTP\r\n\r\n"), ["no web server"]),
    "has no number": (lambda _: asyncio.sleep(0, "HTTP/1.1 OK fine\r\n\r\n"), ["no web server"]),
    "hangs up": (lambda _: asyncio.sleep(0, ""), ["no web server"]),
    "never ends its head": (
        lambda _: asyncio.sleep(0, "HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 99_999),
        ["no web server"],
    ),
}


def text_of(findings: list[Finding]) -> str:
    return "\n".join(finding.text for finding in findings)


@pytest.mark.parametrize("kind", WORKING)
async def test_behind_a_proxy_through_which_new_mail_works_it_says_what_happens_to_paths(kind: str) -> None:
    behave, words = WORKING[kind]
    async with proxy(behave) as before:
        findings = await check(before.url, KEYRING)
    assert [finding.ok for finding in findings] == [True, True], text_of(findings)
    assert all(word in text_of(findings) for word in words), text_of(findings)
    assert [path[:3] for path in before.asked] == ["/c/", "/c/"]


@pytest.mark.parametrize("kind", BROKEN)
async def test_behind_a_proxy_that_breaks_links_it_fails_with_what_to_do(kind: str) -> None:
    behave, words = BROKEN[kind]
    async with proxy(behave) as before:
        findings = await check(before.url, KEYRING)
    assert [finding.ok for finding in findings] == [False], text_of(findings)
    assert all(word in text_of(findings) for word in words), text_of(findings)
    # No redirect was followed, nothing was asked twice
    assert len(before.asked) == 1


async def test_where_nobody_listens_or_no_name_is_known_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    [finding] = await check(f"http://127.0.0.1:{free_port()}", KEYRING)
    assert not finding.ok
    assert "cannot be reached" in finding.text

    async def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio, "open_connection", unknown)
    [finding] = await check("https://mail.example.com", KEYRING)
    assert finding == Finding(
        ok=False, text="The name mail.example.com is not in DNS: add it there, or correct PUBLIC_URL."
    )


@pytest.mark.parametrize("head", ["", "HTTP/1.1 302 Found\r\nX: "])
async def test_a_proxy_that_says_nothing_or_never_ends_is_left_after_the_time_given(head: str) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode())
        # One byte after the other, so that no single wait is long
        while head:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
        await reader.read()

    async with listening(handle) as port:
        [finding] = await check(f"http://127.0.0.1:{port}", KEYRING, seconds=0.3)
    assert finding.text == (
        f"127.0.0.1 port {port} gave no answer within 0.3 seconds: look at the firewall and the proxy."
    )


def server_context(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate_authority().issue_cert(*names).configure_cert(context)
    return context


async def test_https_works_where_its_authority_is_trusted(trusted_authority: Path) -> None:
    async with proxy(service, tls=server_context("localhost")) as before:
        assert [finding.ok for finding in await check(before.url, KEYRING)] == [True, True]


async def test_a_certificate_of_another_name_is_refused(trusted_authority: Path) -> None:
    async with proxy(service, tls=server_context("other.example")) as before:
        [finding] = await check(before.url, KEYRING)
        assert before.asked == []
    assert not finding.ok
    assert "certificate" in finding.text
    assert "SSL_CERT_FILE" in finding.text


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    async with proxy(service, tls=server_context("localhost")) as before:
        [finding] = await check(before.url, KEYRING)
        assert before.asked == []
    assert not finding.ok
    assert "certificate" in finding.text


async def test_a_port_without_tls_is_named() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(refuse) as port:
        [finding] = await check(f"https://127.0.0.1:{port}", KEYRING)
    assert not finding.ok
    assert f"127.0.0.1 port {port} speaks no TLS" in finding.text
