"""`deploy/nginx.conf` in a real nginx: paths, the reader's address, WebSockets, events that leave at once."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from tests.deploy_kit import DEPLOY
from tests.eventually import eventually
from tests.reverse_proxies import NGINX
from tests.service_process import free_port

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
DEADLINE_SECONDS = 20.0


@dataclass(slots=True)
class Upstream:
    """A service that keeps the heads of requests, sends one event and then waits, and takes WebSocket upgrades."""

    heads: list[str] = field(default_factory=list)
    seen: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's request."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if "upgrade: websocket" in head.lower():
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                writer.write(await reader.readexactly(4))
            elif "text/event-stream" in head:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: next\n\n")
                await writer.drain()
                await self.seen.wait()
            else:
                writer.write(
                    b"HTTP/1.1 302 Found\r\nLocation: http://service/there\r\nContent-Length: 0\r\n"
                    b"Connection: close\r\n\r\n"
                )
            await writer.drain()
        writer.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy:
    """nginx with the kit's configuration, by its ports on loopback."""

    plain: int
    secure: int
    tls: ssl.SSLContext
    upstream: Upstream

    async def ask(self, head: str, until: bytes, *, then: bytes = b"") -> str:
        """Send a request over TLS, read until these bytes have come, and go on with others."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.secure, ssl=self.tls, server_hostname="mail.test"
        )
        try:
            writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + then)
            async with asyncio.timeout(DEADLINE_SECONDS):
                return (await reader.readuntil(until)).decode()
        finally:
            writer.close()


def adapted(directory: Path, *, plain: int, secure: int, upstream: int) -> str:
    """The configuration with this machine's ports and files; all else as it stands."""
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        ("listen 8080;", f"listen 127.0.0.1:{plain};"),
        ("listen 8443 ssl;", f"listen 127.0.0.1:{secure} ssl;"),
        ("/tmp/", f"{directory}/"),  # noqa: S108 - as the container's own
        ("/run/secrets/", f"{directory}/"),
        ("service-1:8000", f"127.0.0.1:{free_port()}"),
        ("service-2:8000", f"127.0.0.1:{upstream}"),
        ("worker_processes auto;", "master_process off; daemon off;"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Proxy]:
    """nginx before two services, of which the first is gone."""
    authority = trustme.CA()
    certificate = authority.issue_cert("mail.test")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls-certificate")
    certificate.private_key_pem.write_to_path(tmp_path / "tls-key")
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    upstream = Upstream()
    server = await asyncio.start_server(upstream.answer, "127.0.0.1", 0)
    plain, secure = free_port(), free_port()
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(adapted(tmp_path, plain=plain, secure=secure, upstream=server.sockets[0].getsockname()[1]))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [NGINX or "", "-e", "stderr", "-p", str(tmp_path), "-c", str(configuration)], stdout=log, stderr=log
        )
    try:
        await eventually(lambda: process.poll() is not None or _listens(tmp_path))
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield Proxy(plain=plain, secure=secure, tls=tls, upstream=upstream)
    finally:
        upstream.seen.set()
        process.terminate()
        process.wait(10)
        server.close()
        await server.wait_closed()


def _listens(directory: Path) -> bool:
    """nginx writes its number once its ports are open."""
    return (directory / "nginx.pid").exists()


async def test_paths_addresses_and_redirects_go_through_as_they_are(proxy: Proxy) -> None:
    """Given a reader who claims another address, when a link with an encoded path is followed, then the service sees
    the path as it was and the reader's own address, and its Location comes back unchanged, though one service is gone.
    """
    answer = await proxy.ask(
        "GET /c/token/https:%2F%2Fa.test%2F//x HTTP/1.1\nHost: mail.test\nX-Forwarded-For: 9.9.9.9", b"\r\n\r\n"
    )

    [head] = proxy.upstream.heads
    assert head.startswith("GET /c/token/https:%2F%2Fa.test%2F//x HTTP/1.1\r\n")
    assert re.findall(r"(?im)^x-forwarded-for: (.+?)\r$", head) == ["127.0.0.1"]
    assert re.findall(r"(?im)^host: (.+?)\r$", head) == ["mail.test"]
    assert "Location: http://service/there\r\n" in answer


async def test_an_event_leaves_at_once(proxy: Proxy) -> None:
    """Given a stream that has not ended, when its first event is written, then the client has it."""
    answer = await proxy.ask("GET /graphql HTTP/1.1\nHost: mail.test\nAccept: text/event-stream", b"event: next\n")

    assert "text/event-stream" in answer


async def test_a_websocket_is_upgraded(proxy: Proxy) -> None:
    answer = await proxy.ask(
        "GET /graphql HTTP/1.1\nHost: mail.test\nUpgrade: websocket\nConnection: Upgrade", b"ping", then=b"ping"
    )

    assert answer.startswith("HTTP/1.1 101 ")
    assert "\r\nConnection: upgrade" in proxy.upstream.heads[0]


async def test_metrics_stay_inside_and_plain_http_leads_to_tls(proxy: Proxy) -> None:
    refused = await proxy.ask("GET /metrics HTTP/1.1\nHost: mail.test", b"\r\n\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.plain)
    writer.write(b"GET /o/token HTTP/1.1\r\nHost: mail.test\r\n\r\n")
    async with asyncio.timeout(DEADLINE_SECONDS):
        redirect = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()

    assert refused.startswith("HTTP/1.1 404 ")
    assert redirect.startswith("HTTP/1.1 308 ")
    assert "Location: https://mail.test/o/token\r\n" in redirect
    assert proxy.upstream.heads == []
