"""TLS and login at a relay: what is verified and required, and how a failure is reported (RFC 3207, RFC 4954)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.mail.response import Exchange, FaultKind, Stage
from gateway.settings import TlsMode
from gateway.smtp.relays import Envelope, Relays, Timeouts
from tests.smtp_server import Drop, Raw, Reply, Silence, SmtpServer

MAIL = Envelope(return_path="from@y.test", recipient="a@x.test", content=b"Subject: x\r\n\r\nx\r\n")
SHORT = Timeouts(connect=0.5, greeting=0.5, hello=0.5)


@asynccontextmanager
async def relays_to(server: SmtpServer, **options: Any) -> AsyncIterator[Relays]:
    # By name: certificates are for `localhost`.
    relays = Relays([server.relay(**({"host": "localhost"} | options))], hostname="gateway.test", timeouts=SHORT)
    try:
        yield relays
    finally:
        await relays.close()


async def deliver(server: SmtpServer, **options: Any) -> Exchange:
    async with relays_to(server, **options) as relays:
        return await relays.deliver(MAIL)


def fault_of(exchange: Exchange) -> tuple[FaultKind, Stage]:
    assert exchange.fault is not None
    return exchange.fault.kind, exchange.stage


@pytest.mark.parametrize(("tls", "mode"), [("implicit", TlsMode.IMPLICIT), ("starttls", TlsMode.STARTTLS)])
async def test_a_trusted_certificate_secures_the_mail(trusted_authority: Path, tls: Any, mode: TlsMode) -> None:
    async with SmtpServer(tls=tls) as server:
        exchange = await deliver(server, tls=mode)
        assert (exchange.fault, exchange.tls) == (None, "TLSv1.3")
        assert server.connections[0].tls == "TLSv1.3"
        assert exchange.host == f"localhost[127.0.0.1]:{server.port}"
    assert server.verbs().count("EHLO") == (2 if tls == "starttls" else 1)


@pytest.mark.parametrize(("tls", "mode"), [("implicit", TlsMode.IMPLICIT), ("starttls", TlsMode.STARTTLS)])
async def test_a_certificate_for_another_name_is_refused(trusted_authority: Path, tls: Any, mode: TlsMode) -> None:
    async with SmtpServer(tls=tls, certificate_for=["elsewhere.test"]) as server:
        exchange = await deliver(server, tls=mode)
        assert fault_of(exchange) == (FaultKind.TLS, Stage.CONNECT if tls == "implicit" else Stage.STARTTLS)
        assert exchange.fault is not None
        assert "Hostname mismatch" in exchange.fault.text
        assert "MAIL" not in server.verbs()


async def test_an_unknown_authority_is_refused_unless_verification_is_off() -> None:
    async with SmtpServer(tls="starttls") as server:
        assert fault_of(await deliver(server, tls=TlsMode.STARTTLS)) == (FaultKind.TLS, Stage.STARTTLS)
        assert (await deliver(server, tls=TlsMode.STARTTLS, verify=False)).tls == "TLSv1.3"


async def test_starttls_stripped_from_the_offer_sends_nothing_where_it_is_required() -> None:
    async with SmtpServer() as server:
        exchange = await deliver(server, tls=TlsMode.STARTTLS)
        assert fault_of(exchange) == (FaultKind.TLS, Stage.STARTTLS)
        assert exchange.fault is not None
        assert "does not offer STARTTLS" in exchange.fault.text
        assert server.verbs() == ["EHLO"]


async def test_starttls_refused_keeps_the_servers_text() -> None:
    async with SmtpServer(tls="starttls") as server:
        server.script(starttls=Reply(454, "4.7.0 no certificate today"))
        exchange = await deliver(server, tls=TlsMode.STARTTLS)
        assert exchange.response is not None
        assert (exchange.response.code, exchange.stage) == (454, Stage.STARTTLS)
        assert exchange.response.text == "4.7.0 no certificate today"
        assert "MAIL" not in server.verbs()


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ({"starttls": Silence()}, FaultKind.TIMEOUT),
        ({"handshake": Silence()}, FaultKind.TIMEOUT),
        ({"handshake": Drop()}, FaultKind.TLS),
        ({"handshake": Raw(b"not TLS at all")}, FaultKind.TLS),
        ({"starttls": Raw(b"220 go\r\n250 injected\r\n")}, FaultKind.PROTOCOL),
        ({"starttls": Raw(b"220 go\r\n250 inj")}, FaultKind.TLS),
    ],
    ids=["command hung", "handshake hung", "handshake dropped", "garbage", "injected reply", "injected bytes"],
)
async def test_a_starttls_failure_is_reported_and_sends_nothing(
    trusted_authority: Path, script: dict[str, Any], kind: FaultKind
) -> None:
    async with SmtpServer(tls="starttls") as server:
        server.script(**script)
        exchange = await deliver(server, tls=TlsMode.STARTTLS)
        assert fault_of(exchange) == (kind, Stage.STARTTLS)
        assert (exchange.dot_sent, "MAIL" in server.verbs()) == (False, False)


async def test_opportunistic_tls_takes_any_certificate() -> None:
    async with SmtpServer(tls="starttls", certificate_for=["elsewhere.test"]) as server:
        assert (await deliver(server, tls=TlsMode.OPPORTUNISTIC)).tls == "TLSv1.3"


@pytest.mark.parametrize(
    "script",
    [{"starttls": Reply(454, "4.7.0 no")}, {"handshake": Drop()}, {"handshake": Silence()}, {"starttls": Drop()}],
    ids=["refused", "dropped", "hung", "dropped at the command"],
)
async def test_after_failed_opportunistic_tls_a_fresh_connection_is_used_without_tls(script: dict[str, Any]) -> None:
    async with SmtpServer(tls="starttls") as server:
        server.script(**script)
        async with relays_to(server, tls=TlsMode.OPPORTUNISTIC, per_connection=1) as relays:
            first, second = await relays.deliver(MAIL), await relays.deliver(MAIL)
        assert [(exchange.fault, exchange.tls) for exchange in (first, second)] == [(None, None)] * 2
        # The failure is remembered: the third connection does not try STARTTLS.
        assert (len(server.connections), server.verbs().count("STARTTLS")) == (3, 1)


async def test_tls_off_does_not_ask_for_it() -> None:
    async with SmtpServer(tls="starttls") as server:
        assert (await deliver(server, tls=TlsMode.OFF)).tls is None
        assert "STARTTLS" not in server.verbs()


# ---- login


@pytest.mark.parametrize("methods", ["PLAIN LOGIN", "LOGIN"])
async def test_a_relay_with_a_login_is_logged_in_to(trusted_authority: Path, methods: str) -> None:
    async with SmtpServer(tls="starttls", logins={"user": "right"}, keywords=["PIPELINING"]) as server:
        server.auth_methods = methods
        exchange = await deliver(server, username="user", password="right")
        assert (exchange.fault, server.connections[0].login) == (None, "user")
        assert server.verbs()[-4:] == ["MAIL", "RCPT", "DATA", "QUIT"]


@pytest.mark.parametrize("reply", [Reply(535, "5.7.8 wrong"), Reply(454, "4.7.0 later"), Reply(421, "4.3.2 bye")])
async def test_a_refused_login_keeps_its_text_and_is_tried_once(reply: Reply) -> None:
    async with SmtpServer(logins={"user": "right"}) as server:
        server.script(auth=reply)
        exchange = await deliver(server, username="user", password="wrong")
        assert exchange.response is not None
        assert (exchange.response.code, exchange.stage, exchange.fault) == (reply.code, Stage.AUTH, None)
        assert exchange.response.text == reply.text
        assert server.verbs().count("AUTH") == 1


async def test_a_login_that_the_server_does_not_offer_is_a_protocol_fault() -> None:
    async with SmtpServer() as server:
        exchange = await deliver(server, username="user", password="right")
        assert fault_of(exchange) == (FaultKind.PROTOCOL, Stage.AUTH)
        assert "MAIL" not in server.verbs()


async def test_a_silent_login_ends_with_its_timeout() -> None:
    async with SmtpServer(logins={"user": "right"}) as server:
        server.script(auth=Silence())
        assert fault_of(await deliver(server, username="user", password="right")) == (FaultKind.TIMEOUT, Stage.AUTH)


async def test_a_password_is_shown_nowhere() -> None:
    async with SmtpServer(logins={"user": "s3cret-word"}) as server:
        relay = server.relay(username="user", password="s3cret-word")
        server.script(auth=Reply(535, "5.7.8 no"))
        exchange = await deliver(server, username="user", password="s3cret-word")
        assert "s3cret-word" not in f"{relay!r} {exchange!r}"


async def test_a_server_that_knows_only_helo_is_used_without_extensions() -> None:
    async with SmtpServer() as server:
        server.script(ehlo=Reply(502, "5.5.2 what?"))
        exchange = await deliver(server)
        assert [reply.code for reply in exchange.replies] == [250, 250, 354, 250]
        assert server.verbs() == ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "QUIT"]
        assert server.messages[0].options == ""


@pytest.mark.parametrize(("code", "stage"), [(554, Stage.GREETING), (450, Stage.GREETING)])
async def test_a_negative_greeting_is_kept(code: int, stage: Stage) -> None:
    async with SmtpServer() as server:
        server.script(greeting=Reply(code, "no mail\nfrom you"))
        exchange = await deliver(server)
        assert exchange.response is not None
        assert (exchange.response.code, exchange.response.text, exchange.stage) == (code, "no mail\nfrom you", stage)
        assert exchange.replies == (exchange.response,)
