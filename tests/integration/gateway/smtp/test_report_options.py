"""Reports are asked for where the server offers it (RFC 3461), and a server that offers it and refuses it gets none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.mail.response import Exchange
from gateway.smtp.relays import Envelope, Relays
from tests.smtp_server import DEFAULT_KEYWORDS, Drop, Point, Reply, SmtpServer

ASKS = ("RET=HDRS", "NOTIFY=FAILURE,DELAY")
UNKNOWN = Reply(555, "5.5.4 Unsupported option")


def letter(name: str) -> Envelope:
    return Envelope(
        return_path=f"from-{name}@y.test", recipient=f"{name}@x.test", content=b"Subject: hello\r\n\r\nHello.\r\n"
    )


def refuses(verb: str, code: int) -> dict[str, Any]:
    """A script that refuses every command of this kind that has options which ask for reports."""

    def play(point: Point) -> Reply | None:
        return Reply(code, "5.5.4 Unsupported option") if any(asks in point.line for asks in ASKS) else None

    return {verb: play}


@pytest.fixture(params=["pipelined", "one by one"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[SmtpServer]:
    """Offers DSN, with and without PIPELINING."""
    keywords = DEFAULT_KEYWORDS if request.param == "pipelined" else DEFAULT_KEYWORDS[1:]
    async with SmtpServer(keywords=[*keywords, "DSN"]) as scripted:
        yield scripted


async def relays_to(stack: AsyncExitStack, server: SmtpServer, **options: int) -> Relays:
    relays = Relays([server.relay(**options)], hostname="gateway.test")
    stack.push_async_callback(relays.close)
    return relays


def codes(exchange: Exchange) -> list[int]:
    return [reply.code for reply in exchange.replies]


def said(server: SmtpServer, verb: str) -> list[str]:
    return [command.line for command in server.commands if command.verb == verb]


async def test_a_server_that_offers_it_is_asked_for_reports(server: SmtpServer) -> None:
    async with AsyncExitStack() as stack:
        relays = await relays_to(stack, server)
        exchange = await relays.deliver(letter("anna"))
    assert codes(exchange) == [250, 250, 354, 250]
    [mail], [rcpt] = said(server, "MAIL"), said(server, "RCPT")
    assert mail.endswith(" RET=HDRS ENVID=from-anna")
    assert rcpt == "RCPT TO:<anna@x.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;anna@x.test"


async def test_a_server_that_does_not_offer_it_is_not_asked() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(SmtpServer())
        relays = await relays_to(stack, server)
        await relays.deliver(letter("anna"))
    assert not [line for line in said(server, "MAIL") + said(server, "RCPT") if "HDRS" in line or "NOTIFY" in line]


async def test_the_commands_are_still_one_write() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(SmtpServer(keywords=[*DEFAULT_KEYWORDS, "DSN"]))
        relays = await relays_to(stack, server)
        await relays.deliver(letter("anna"))
        [connection] = server.connections
    [read] = [read for read in connection.reads if read.startswith(b"MAIL")]
    assert b"NOTIFY" in read
    assert read.endswith(b"DATA\r\n")


@pytest.mark.parametrize("verb", ["mail", "rcpt"])
@pytest.mark.parametrize("code", [501, 504, 555])
async def test_a_server_that_refuses_what_it_offers_gets_the_mail_without(
    server: SmtpServer, verb: str, code: int
) -> None:
    # Given a server that offers DSN and refuses its options
    server.script(**refuses(verb, code))
    async with AsyncExitStack() as stack:
        relays = await relays_to(stack, server, connections=1)
        # When mail goes to it, then it is taken, and what the server said first is still known
        first = await relays.deliver(letter("anna"))
        assert first.response is not None
        assert (first.response.code, first.fault) == (250, None)
        assert codes(first)[-4:] == [250, 250, 354, 250]
        assert code in codes(first)[:-4]
        # And the next mail is not refused at all
        assert codes(await relays.deliver(letter("bob"))) == [250, 250, 354, 250]
        # Nor on another connection
        await server.hang_up()
        assert codes(await relays.deliver(letter("carl"))) == [250, 250, 354, 250]
    assert [message.recipients[0] for message in server.taken] == ["anna@x.test", "bob@x.test", "carl@x.test"]


async def test_mail_already_behind_it_goes_without_as_well(server: SmtpServer) -> None:
    server.script(**refuses("mail", 555))
    names = [f"n{number}" for number in range(20)]
    async with AsyncExitStack() as stack:
        relays = await relays_to(stack, server, connections=2, per_connection=7)
        exchanges = await asyncio.gather(*(relays.deliver(letter(name)) for name in names))
    assert [exchange.response and exchange.response.code for exchange in exchanges] == [250] * 20
    assert sorted(message.recipients[0] for message in server.taken) == sorted(f"{name}@x.test" for name in names)


async def test_a_mail_that_is_refused_for_another_reason_is_refused_once_more_and_reports_stay(
    server: SmtpServer,
) -> None:
    server.script(rcpt={"bad@x.test": Reply(501, "5.1.3 Bad recipient address syntax")})
    async with AsyncExitStack() as stack:
        relays = await relays_to(stack, server, connections=1)
        refused = await relays.deliver(letter("bad"))
        taken = await relays.deliver(letter("good"))
    assert refused.response is not None
    assert (refused.response.code, refused.dot_sent) == (501, False)
    assert codes(taken)[-1] == 250
    assert "NOTIFY" in said(server, "RCPT")[-1]


async def test_content_that_is_refused_is_sent_once_and_reports_stay(server: SmtpServer) -> None:
    # Given a server that refuses a content with a code that it might have for an option
    server.script(after_dot={"anna@x.test": Reply(555, "5.6.0 Not this content")})
    async with AsyncExitStack() as stack:
        relays = await relays_to(stack, server, connections=1)
        # When a mail is sent
        refused = await relays.deliver(letter("anna"))
        await relays.deliver(letter("bob"))
    # Then its content is not sent again, and reports are asked for as before
    assert codes(refused) == [250, 250, 354, 555]
    assert "NOTIFY" in said(server, "RCPT")[-1]


async def test_a_connection_that_dies_at_the_second_try_is_a_fault_of_this_mail_alone(server: SmtpServer) -> None:
    server.script(**refuses("mail", 555))
    server.script(connection=1, rset=Drop())
    async with AsyncExitStack() as stack:
        relays = await relays_to(stack, server, connections=1)
        exchange = await relays.deliver(letter("anna"))
    assert exchange.response is not None
    assert exchange.response.code == 250
    assert len(server.taken) == 1


async def test_a_cancelled_delivery_takes_no_other_with_it(server: SmtpServer) -> None:
    met = asyncio.Event()

    def hold(point: Point) -> Reply | None:
        if any(asks in point.line for asks in ASKS):
            return UNKNOWN
        met.set()
        return Reply(250, "2.1.0 Ok", when=asyncio.Event())

    server.script(connection=1, mail=hold)
    async with AsyncExitStack() as stack:
        relays = await relays_to(stack, server, connections=1)
        cancelled = asyncio.ensure_future(relays.deliver(letter("anna")))
        await asyncio.wait_for(met.wait(), 20)
        other = asyncio.ensure_future(relays.deliver(letter("bob")))
        cancelled.cancel()
        exchange = await other
    assert exchange.response is not None
    assert exchange.response.code == 250
    assert [message.recipients[0] for message in server.taken] == ["bob@x.test"]
