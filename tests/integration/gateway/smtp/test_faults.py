"""Every way an SMTP connection fails or a server refuses, and the exchange that results (RFC 5321)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from gateway.mail.response import Exchange, FaultKind, Stage
from gateway.settings import Relay, TlsMode
from gateway.smtp.relays import Envelope, Relays, Timeouts
from tests.smtp_server import DEFAULT_KEYWORDS, Drop, Endless, Raw, Reply, Silence, SmtpServer

CONTENT = b"Subject: hello\r\n\r\nHello.\r\n"
SHORT = Timeouts(connect=0.3, greeting=0.3, hello=0.3, mail=0.3, rcpt=0.3, data=0.3, content=0.3, end_of_data=0.3)


def letter(name: str = "a", *, content: bytes = CONTENT) -> Envelope:
    return Envelope(return_path=f"from-{name}@y.test", recipient=f"{name}@x.test", content=content)


@asynccontextmanager
async def relays_to(
    *servers: SmtpServer,
    timeouts: Timeouts | None = None,
    on_trouble: Callable[[Exchange], None] | None = None,
    **options: Any,
) -> AsyncIterator[Relays]:
    settings = [server.relay(name=f"relay{number}", **options) for number, server in enumerate(servers, 1)]
    relays = Relays(settings, hostname="gateway.test", timeouts=timeouts, on_trouble=on_trouble)
    try:
        yield relays
    finally:
        await relays.close()


@pytest.fixture(params=["pipelined", "one by one"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[SmtpServer]:
    """The scriptable server, with and without PIPELINING: the same faults must give the same exchange."""
    keywords = DEFAULT_KEYWORDS if request.param == "pipelined" else DEFAULT_KEYWORDS[1:]
    async with SmtpServer(keywords=keywords) as scripted:
        yield scripted


def codes(exchange: Exchange) -> list[int]:
    return [reply.code for reply in exchange.replies]


def fault_of(exchange: Exchange) -> tuple[FaultKind, Stage]:
    assert exchange.fault is not None
    assert exchange.fault.stage is exchange.stage
    return exchange.fault.kind, exchange.stage


# ---- the good case


async def test_an_accepted_mail_keeps_every_reply(server: SmtpServer) -> None:
    async with relays_to(server) as relays:
        exchange = await relays.deliver(letter("anna"))
    assert codes(exchange) == [250, 250, 354, 250]
    assert exchange.response is not None
    assert (exchange.response.stage, exchange.response.enhanced) == (Stage.END_OF_DATA, "2.0.0")
    assert exchange.response.text == "2.0.0 <anna@x.test> taken"
    assert (exchange.fault, exchange.stage, exchange.dot_sent) == (None, Stage.END_OF_DATA, True)
    assert (exchange.relay, exchange.host, exchange.tls) == ("relay1", f"127.0.0.1:{server.port}", None)
    assert server.messages[0].content == CONTENT


async def test_connections_are_reused_and_closed_with_quit_when_idle(server: SmtpServer) -> None:
    async with relays_to(server, idle_seconds=0.05) as relays:
        for name in "abc":
            await relays.deliver(letter(name))
        await server.closed(1)
    assert server.verbs() == ["EHLO", *["MAIL", "RCPT", "DATA"] * 3, "QUIT"]


async def test_a_connection_serves_at_most_its_limit_of_messages(server: SmtpServer) -> None:
    async with relays_to(server, connections=1, per_connection=2) as relays:
        exchanges = await asyncio.gather(*(relays.deliver(letter(name)) for name in "abcde"))
    assert [exchange.dot_sent for exchange in exchanges] == [True] * 5
    assert [message.connection for message in server.messages] == [1, 1, 2, 2, 3]


async def test_the_next_transaction_is_pipelined_behind_the_end_of_data() -> None:
    async with SmtpServer() as server, relays_to(server, connections=1) as relays:
        await asyncio.gather(*(relays.deliver(letter(name)) for name in "abc"))
        reads = b"|".join(server.connections[0].reads)
    assert b"|MAIL FROM:<from-a@y.test> SIZE=26\r\nRCPT TO:<a@x.test>\r\nDATA\r\n|" in reads
    assert b"Hello.\r\n.\r\nMAIL FROM:<from-b@y.test> SIZE=26\r\nRCPT TO:<b@x.test>\r\nDATA\r\n|" in reads


async def test_without_pipelining_every_command_waits_for_its_reply() -> None:
    async with SmtpServer(keywords=["SIZE 1000000"]) as server, relays_to(server, connections=1) as relays:
        await asyncio.gather(*(relays.deliver(letter(name)) for name in "ab"))
        assert [read.count(b"\r\n") for read in server.connections[0].reads if b"Hello" not in read] == [1] * 7


@pytest.mark.parametrize("pace", ["coalesced", "bytewise"])
async def test_replies_in_pieces_of_any_size_are_read_the_same(pace: str) -> None:
    async with SmtpServer(pace=pace) as server, relays_to(server, connections=2) as relays:
        exchanges = await asyncio.gather(*(relays.deliver(letter(f"n{number}")) for number in range(20)))
    assert [codes(exchange) for exchange in exchanges] == [[250, 250, 354, 250]] * 20
    assert [exchange.replies[3].text for exchange in exchanges] == [f"2.0.0 <n{n}@x.test> taken" for n in range(20)]


# ---- replies


OF_A_MAIL = [
    (Stage.MAIL, "mail", False),
    (Stage.RCPT, "rcpt", False),
    (Stage.DATA, "data", False),
    (Stage.END_OF_DATA, "after_dot", True),
]
EVERY_STAGE = [(Stage.GREETING, "greeting", False), (Stage.EHLO, "ehlo", False), *OF_A_MAIL]
"""A stage, the keyword of its script, and whether the dot has left by then."""


@pytest.mark.parametrize(("stage", "keyword", "dot_sent"), OF_A_MAIL)
@pytest.mark.parametrize("code", [451, 552])
async def test_a_refusal_is_that_mails_alone_and_the_connection_goes_on(
    server: SmtpServer, stage: Stage, keyword: str, dot_sent: bool, code: int
) -> None:
    plays: dict[str, Any] = {keyword: [None, Reply(code, f"{code // 100}.3.4 no\nand this is why")]}
    server.script(**plays)
    async with relays_to(server, connections=1) as relays:
        first = await relays.deliver(letter("first"))
        refused = await relays.deliver(letter("second"))
        third = await relays.deliver(letter("third"))
    assert refused.response is not None
    assert (refused.response.code, refused.response.stage, refused.stage) == (code, stage, stage)
    assert refused.response.text == f"{code // 100}.3.4 no\nand this is why"
    assert (refused.fault, refused.dot_sent) == (None, dot_sent)
    assert (codes(first)[-1], codes(third)[-1], len(server.connections)) == (250, 250, 1)


async def test_all_recipients_refused_but_data_answered_354_gets_a_lone_dot() -> None:
    async with SmtpServer() as server, relays_to(server, connections=1) as relays:
        server.script(
            rcpt={"bad@x.test": Reply(550, "5.1.1 unknown")}, data=[Reply(354)], after_dot=[Reply(554, "none")]
        )
        refused = await relays.deliver(letter("bad"))
        good = await relays.deliver(letter("good"))
    assert codes(refused) == [250, 550, 354, 554]
    assert refused.response is not None
    assert (refused.response.code, refused.stage, refused.dot_sent) == (550, Stage.RCPT, False)
    assert [message.content for message in server.messages] == [b"", CONTENT]
    assert codes(good)[-1] == 250


async def test_one_of_three_recipients_refused_leaves_the_others(server: SmtpServer) -> None:
    server.script(rcpt={"b@x.test": Reply(550, "5.1.1 unknown"), "c@x.test": Reply(450, "4.2.0 greylisted")})
    async with relays_to(server, connections=1) as relays:
        exchanges = await asyncio.gather(*(relays.deliver(letter(name)) for name in "abc"))
    assert [exchange.response.code for exchange in exchanges if exchange.response] == [250, 550, 450]
    assert [message.recipients for message in server.taken] == [("a@x.test",)]


async def test_multi_line_textless_and_mixed_code_replies_are_kept_whole(server: SmtpServer) -> None:
    server.script(
        after_dot=[
            Reply(250, "2.0.0 one\ntwo\nthree"),
            Raw(b"250\r\n"),
            Raw(b"250-fine so far\r\n550 5.7.1 no\r\n"),
            Raw(b"554 5.6.0 n\xc3\xa9in \x00 \xff\r\n"),
        ]
    )
    async with relays_to(server, connections=1) as relays:
        said = [(await relays.deliver(letter())).response for _ in range(4)]
    assert [(reply.code, reply.enhanced, reply.text) for reply in said if reply] == [
        (250, "2.0.0", "2.0.0 one\ntwo\nthree"),
        (250, None, ""),
        (550, None, "250-fine so far\n5.7.1 no"),
        (554, "5.6.0", "5.6.0 néin \\x00 ÿ"),
    ]


async def test_a_long_reply_is_kept_whole(server: SmtpServer) -> None:
    text = "\n".join(f"5.7.1 line {number} " + "x" * 900 for number in range(60))
    server.script(after_dot=Reply(554, text))
    async with relays_to(server) as relays:
        exchange = await relays.deliver(letter())
    assert exchange.response is not None
    assert exchange.response.text == text


@pytest.mark.parametrize("wire", [b"250-and another thing\r\n", b"x" * 100])
async def test_an_endless_reply_is_bounded_and_ends_the_connection(server: SmtpServer, wire: bytes) -> None:
    server.script(after_dot=[Endless(wire)])
    async with relays_to(server) as relays:
        exchange = await relays.deliver(letter())
        after = await relays.deliver(letter("b"))
    assert fault_of(exchange) == (FaultKind.PROTOCOL, Stage.END_OF_DATA)
    assert exchange.fault is not None
    assert wire.decode().strip() in (exchange.fault.words or "")
    assert (exchange.dot_sent, codes(after)[-1]) == (True, 250)


@pytest.mark.parametrize(
    "poison",
    [
        Reply(250, "x" * 300_000),
        Raw(b"999 what\r\n"),
        Reply(354, "go"),
        Reply(250, "ok", then=Reply(250, "taken")),
        Reply(421, "no", then=Drop()),
    ],
    ids=["too long", "no code", "354", "an early reply", "421"],
)
async def test_a_mail_whose_answer_came_in_one_packet_with_the_next_mails_odd_one_keeps_it(poison: Any) -> None:
    async with SmtpServer(pace="coalesced") as server, relays_to(server, connections=1) as relays:
        # Given a good mail, and one at which the server chokes, pipelined behind it
        server.script(rcpt={"b@x.test": poison})
        good, bad, after = await asyncio.gather(*(relays.deliver(letter(name)) for name in "abc"))
    # Then each has its own answer, and nobody is left in doubt
    assert codes(good) == [250, 250, 354, 250]
    assert good.fault is None
    assert bad.dot_sent is False
    assert bad.stage in (Stage.RCPT, Stage.DATA)
    assert codes(after) == [250, 250, 354, 250]


async def test_a_connection_that_breaks_under_a_mail_is_replaced_while_the_others_are_busy() -> None:
    async with SmtpServer() as server, relays_to(server, connections=2) as relays:
        # Given two connections, one busy, and a mail that breaks the other
        hold = asyncio.Event()
        server.script(after_dot={"slow@x.test": Reply(250, when=hold)}, rcpt={"bad@x.test": Raw(b"999 what\r\n")})
        slow = asyncio.create_task(relays.deliver(letter("slow")))
        await server.received(1)
        bad = await relays.deliver(letter("bad"))
        assert fault_of(bad) == (FaultKind.PROTOCOL, Stage.RCPT)
        # Then the next one is opened before a mail comes for it, and serves that
        await server.connected(3)
        after = await relays.deliver(letter("c"))
        hold.set()
        await slow
        assert (codes(after), len(server.connections)) == ([250, 250, 354, 250], 3)


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\r\n", b"\r\n", b"25\r\n", b"199 no\r\n", b"\xff\xfe\r\n"]
)
async def test_what_is_no_reply_is_a_protocol_fault(server: SmtpServer, garbage: bytes) -> None:
    server.script(rcpt=[Raw(garbage)])
    async with relays_to(server) as relays:
        exchange = await relays.deliver(letter())
    assert fault_of(exchange) == (FaultKind.PROTOCOL, Stage.RCPT)
    assert exchange.dot_sent is False


async def test_an_extra_reply_is_detected_and_not_attributed_to_another_mail(server: SmtpServer) -> None:
    server.script(mail=[Raw(b"250 ok\r\n250 ok again\r\n")])
    async with relays_to(server, connections=1) as relays:
        exchange, after = await asyncio.gather(relays.deliver(letter("a")), relays.deliver(letter("b")))
    assert exchange.fault is not None
    assert (exchange.fault.kind, exchange.dot_sent) == (FaultKind.PROTOCOL, False)
    assert after.replies[3].text == "2.0.0 <b@x.test> taken"
    assert (len(server.connections), [message.recipients for message in server.taken]) == (2, [("b@x.test",)])


# ---- 421


@pytest.mark.parametrize(("stage", "keyword", "dot_sent"), EVERY_STAGE)
async def test_421_at_every_stage_is_the_response_and_closes(
    server: SmtpServer, stage: Stage, keyword: str, dot_sent: bool
) -> None:
    server.script(connection=1, **{keyword: Reply(421, "4.3.2 going down", then=Drop(taken=False))})
    async with relays_to(server, connections=1) as relays:
        exchange = await relays.deliver(letter("a"))
        after = await relays.deliver(letter("b"))
    assert exchange.response is not None
    assert (exchange.response.code, exchange.response.stage, exchange.stage) == (421, stage, stage)
    assert (exchange.response.text, exchange.dot_sent) == ("4.3.2 going down", dot_sent)
    assert codes(after)[-1] == 250


async def test_an_unsolicited_421_while_idle_is_kept_and_costs_no_mail(server: SmtpServer) -> None:
    async with relays_to(server, connections=1) as relays:
        await relays.deliver(letter("a"))
        await server.hang_up(wire=b"421 4.4.2 idle for too long\r\n")
        after = await relays.deliver(letter("b"))
    assert (codes(after), len(server.connections)) == ([250, 250, 354, 250], 2)


async def test_a_421_that_crosses_our_mail_concerns_the_connection_not_the_mail(server: SmtpServer) -> None:
    server.script(connection=1, mail=[None, Reply(421, "4.4.2 idle", then=Drop())])
    async with relays_to(server, connections=1) as relays:
        await relays.deliver(letter("a"))
        after = await relays.deliver(letter("b"))
        (state,) = relays.states()
    assert codes(after) == [250, 250, 354, 250]
    assert (len(server.connections), state.failures) == (2, 0)


async def test_mail_pipelined_on_a_connection_that_ends_goes_to_a_fresh_one() -> None:
    async with SmtpServer() as server, relays_to(server, connections=1) as relays:
        hold = asyncio.Event()
        server.script(connection=1, after_dot=[Reply(421, "4.3.2 closing", when=hold, then=Drop())])
        deliveries = [asyncio.create_task(relays.deliver(letter(name))) for name in "abc"]
        await server.received(1)
        hold.set()
        exchanges = await asyncio.gather(*deliveries)
    assert [exchange.response.code for exchange in exchanges if exchange.response] == [421, 250, 250]
    assert [codes(exchange) for exchange in exchanges[1:]] == [[250, 250, 354, 250]] * 2
    assert [message.recipients[0] for message in server.taken] == ["b@x.test", "c@x.test"]


# ---- drops


@pytest.mark.parametrize(
    ("script", "stage", "dot_sent"),
    [
        ({"mail": Drop()}, Stage.MAIL, False),
        ({"rcpt": Drop(reset=True)}, Stage.RCPT, False),
        ({"data": Drop()}, Stage.DATA, False),
        ({"data": Reply(354, "go", then=Drop())}, Stage.END_OF_DATA, True),
        ({"body": Drop(after_bytes=10, reset=True)}, Stage.END_OF_DATA, True),
        ({"after_dot": Drop()}, Stage.END_OF_DATA, True),
        ({"after_dot": Raw(b"250-half a rep", then=Drop())}, Stage.END_OF_DATA, True),
    ],
    ids=["mail", "rcpt", "before 354", "after 354", "mid-body", "after the dot", "half a reply"],
)
async def test_a_drop_has_its_stage_and_whether_the_dot_was_sent(
    server: SmtpServer, script: dict[str, Any], stage: Stage, dot_sent: bool
) -> None:
    server.script(connection=1, **script)
    async with relays_to(server, connections=1) as relays:
        exchange = await relays.deliver(letter("a"))
        after = await relays.deliver(letter("b"))
    assert exchange.fault is not None
    assert exchange.fault.kind is FaultKind.DROPPED
    if "then" in repr(script.get("data")):
        # Whether our content or the drop comes first is up to the network; stage and dot must be consistent.
        assert exchange.dot_sent is (exchange.stage is Stage.END_OF_DATA)
    else:
        assert (exchange.stage, exchange.dot_sent) == (stage, dot_sent)
    assert codes(after)[-1] == 250


async def test_a_drop_in_the_middle_of_large_content_is_before_the_dot(server: SmtpServer) -> None:
    server.script(connection=1, body=Drop(after_bytes=300_000, reset=True))
    async with relays_to(server) as relays:
        exchange = await relays.deliver(letter(content=CONTENT + b"x" * 76 * 200_000 + b"\r\n"))
    assert (fault_of(exchange), exchange.dot_sent) == ((FaultKind.DROPPED, Stage.CONTENT), False)


async def test_a_refusal_in_the_middle_of_large_content_is_kept(server: SmtpServer) -> None:
    server.script(connection=1, body=Reply(552, "5.3.4 enough", then=Silence()))
    async with relays_to(server) as relays:
        exchange = await relays.deliver(letter(content=CONTENT + b"x" * 76 * 200_000 + b"\r\n"))
    assert exchange.response is not None
    assert (exchange.response.code, exchange.stage, exchange.dot_sent) == (552, Stage.CONTENT, False)


async def test_a_connection_closed_while_idle_is_replaced_and_not_counted(server: SmtpServer) -> None:
    async with relays_to(server, connections=1) as relays:
        await relays.deliver(letter("a"))
        server.script(connection=1, mail=Drop(reset=True))
        exchange = await relays.deliver(letter("b"))
    assert (codes(exchange), exchange.fault) == ([250, 250, 354, 250], None)
    assert (len(server.connections), len(server.taken)) == (2, 2)


async def test_a_fresh_connection_that_drops_at_once_too_is_reported(server: SmtpServer) -> None:
    async with relays_to(server, connections=1) as relays:
        await relays.deliver(letter("a"))
        server.script(mail=Drop())
        exchange = await relays.deliver(letter("b"))
    assert fault_of(exchange) == (FaultKind.DROPPED, Stage.MAIL)
    assert len(server.connections) == 2


# ---- time


@pytest.mark.parametrize(("stage", "keyword", "dot_sent"), EVERY_STAGE)
async def test_silence_at_every_stage_ends_with_its_timeout(
    server: SmtpServer, stage: Stage, keyword: str, dot_sent: bool
) -> None:
    server.script(connection=1, **{keyword: Silence()})
    async with relays_to(server, connections=1, timeouts=SHORT) as relays:
        exchange = await relays.deliver(letter("a"))
        after = await relays.deliver(letter("b"))
    assert (fault_of(exchange), exchange.dot_sent) == ((FaultKind.TIMEOUT, stage), dot_sent)
    assert codes(after)[-1] == 250


async def test_a_reply_after_our_timeout_is_attributed_to_no_mail(server: SmtpServer) -> None:
    hold = asyncio.Event()
    server.script(connection=1, after_dot=Reply(250, "2.0.0 <a@x.test> late", when=hold))
    async with relays_to(server, connections=1, timeouts=SHORT) as relays:
        late, after = await asyncio.gather(relays.deliver(letter("a")), relays.deliver(letter("b")))
        hold.set()
        third = await relays.deliver(letter("c"))
    assert (fault_of(late), late.dot_sent) == ((FaultKind.TIMEOUT, Stage.END_OF_DATA), True)
    assert [after.replies[3].text, third.replies[3].text] == ["2.0.0 <b@x.test> taken", "2.0.0 <c@x.test> taken"]


async def test_a_tarpit_that_drips_bytes_does_not_hold_us(server: SmtpServer) -> None:
    server.script(connection=1, mail=Raw(b"250-d", then=Reply(250, "-r", delay=0.2, then=Silence())))
    async with relays_to(server, connections=1, timeouts=SHORT) as relays:
        exchange = await relays.deliver(letter("a"))
    assert exchange.fault is not None
    assert exchange.fault.kind is FaultKind.TIMEOUT


async def test_a_server_that_stops_reading_ends_with_the_content_timeout() -> None:
    def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Awaitable[None]:
        return _say_go_ahead_and_read_no_more(reader, writer, done)

    done = asyncio.Event()
    listener = await asyncio.start_server(stall, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    relays = Relays(
        [Relay(name="stalled", host="127.0.0.1", port=port, tls=TlsMode.OFF)], hostname="gateway.test", timeouts=SHORT
    )
    exchange = await relays.deliver(letter(content=CONTENT + b"x" * 76 * 200_000 + b"\r\n"))
    await relays.close()
    done.set()
    listener.close()
    assert (fault_of(exchange), exchange.dot_sent) == ((FaultKind.TIMEOUT, Stage.CONTENT), False)


async def _say_go_ahead_and_read_no_more(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, done: asyncio.Event
) -> None:
    for line in (b"220 hi\r\n", b"250 PIPELINING\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
        writer.write(line)
        if line[:3] != b"354":
            await reader.readline()
    await done.wait()
    writer.close()


# ---- cancellation


async def test_cancelling_closes_the_connection_and_no_reply_is_attributed_to_another_mail(server: SmtpServer) -> None:
    hold = asyncio.Event()
    server.script(connection=1, after_dot=Reply(550, "5.0.0 <a@x.test> refused", when=hold))
    async with relays_to(server, connections=1) as relays:
        first = asyncio.create_task(relays.deliver(letter("a")))
        await server.received(1)
        second = asyncio.create_task(relays.deliver(letter("b")))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        hold.set()
        exchange = await second
    assert exchange.replies[3].text == "2.0.0 <b@x.test> taken"
    assert len(server.connections) == 2


async def test_cancelling_a_pipelined_mail_leaves_the_current_one_its_reply() -> None:
    async with SmtpServer() as server, relays_to(server, connections=1) as relays:
        hold = asyncio.Event()
        server.script(connection=1, after_dot=Reply(250, "2.0.0 <a@x.test> kept", when=hold))
        first = asyncio.create_task(relays.deliver(letter("a")))
        await server.command_received("DATA")
        pipelined = asyncio.create_task(relays.deliver(letter("b")))
        await server.received(1)
        pipelined.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pipelined
        hold.set()
        exchange = await first
        third = await relays.deliver(letter("c"))
    assert exchange.replies[3].text == "2.0.0 <a@x.test> kept"
    assert third.replies[3].text == "2.0.0 <c@x.test> taken"
    assert [message.recipients[0] for message in server.taken] == ["a@x.test", "c@x.test"]


async def test_cancelling_a_queued_mail_removes_it_from_the_queue(server: SmtpServer) -> None:
    hold = asyncio.Event()
    server.script(connection=1, ehlo=Reply(250, "held", when=hold))
    async with relays_to(server, connections=1) as relays:
        first, second = (asyncio.create_task(relays.deliver(letter(name))) for name in "ab")
        await server.command_received("EHLO")
        first.cancel()
        hold.set()
        await second
    assert [message.recipients[0] for message in server.taken] == ["b@x.test"]


async def test_closing_ends_every_unfinished_delivery(server: SmtpServer) -> None:
    server.script(after_dot=Silence())
    async with relays_to(server, connections=1) as relays:
        deliveries = [asyncio.create_task(relays.deliver(letter(name))) for name in "abc"]
        await server.received(1)
        await relays.close()
        exchanges = [*await asyncio.gather(*deliveries), await relays.deliver(letter("too late"))]
    assert [exchange.fault.kind for exchange in exchanges if exchange.fault] == [FaultKind.CANCELLED] * 4
    assert [exchange.dot_sent for exchange in exchanges] == [True, False, False, False]


# ---- what a server can take


async def test_a_mail_larger_than_size_is_not_sent() -> None:
    async with SmtpServer(keywords=["PIPELINING", "SIZE 1000"]) as server, relays_to(server) as relays:
        exchange = await relays.deliver(letter("big", content=CONTENT + b"x" * 1000 + b"\r\n"))
        small = await relays.deliver(letter("small"))
    assert (fault_of(exchange), exchange.replies) == ((FaultKind.TOO_LARGE, Stage.MAIL), ())
    assert exchange.fault is not None
    assert "1000" in exchange.fault.text
    assert (codes(small)[-1], [message.recipients for message in server.taken]) == (250, [("small@x.test",)])


@pytest.mark.parametrize("keyword", ["SIZE", "SIZE 0", "SIZE lots", "SIZE -1", f"SIZE {'9' * 5000}"])
async def test_a_size_that_is_no_limit_is_declared_and_not_enforced(keyword: str) -> None:
    async with SmtpServer(keywords=["PIPELINING", keyword]) as server, relays_to(server) as relays:
        exchange = await relays.deliver(letter(content=CONTENT * 1000))
        assert codes(exchange)[-1] == 250
        assert server.messages[0].options == f"SIZE={len(CONTENT) * 1000}"


async def test_smtputf8_is_declared_where_needed_and_refused_where_absent() -> None:
    mail = Envelope(return_path="from@y.test", recipient="jörg@x.test", content=CONTENT)
    shown = replace(mail, content="To: jörg@x.test\r\n\r\nx\r\n".encode(), smtputf8=True)
    async with SmtpServer() as able, relays_to(able) as relays:
        assert codes(await relays.deliver(mail))[-1] == 250
        assert able.messages[0].options == f"SIZE={len(CONTENT)} SMTPUTF8"
        assert able.messages[0].recipients == ("jörg@x.test",)
    async with SmtpServer(keywords=["PIPELINING"]) as unable, relays_to(unable) as relays:
        for refused in (mail, shown):
            exchange = await relays.deliver(refused)
            assert fault_of(exchange) == (FaultKind.SMTPUTF8_UNSUPPORTED, Stage.MAIL)
        assert unable.verbs() == ["EHLO"]


async def test_8bit_content_is_declared_where_offered_and_never_sent_where_not() -> None:
    mail = letter(content="Subject: x\r\n\r\nné\r\n".encode())
    async with SmtpServer() as able, relays_to(able) as relays:
        assert codes(await relays.deliver(mail))[-1] == 250
        assert "BODY=8BITMIME" in able.messages[0].options
    async with SmtpServer(keywords=[]) as unable, relays_to(unable) as relays:
        assert fault_of(await relays.deliver(mail)) == (FaultKind.EIGHT_BIT_UNSUPPORTED, Stage.MAIL)
        assert unable.messages == []


@pytest.mark.parametrize("address", ["a@x.test>\r\nRCPT TO:<b@x.test", "a\x00@x.test", "jö\x85rg@x.test"])
async def test_an_address_that_would_end_its_command_is_not_sent(server: SmtpServer, address: str) -> None:
    async with relays_to(server) as relays:
        exchange = await relays.deliver(Envelope(return_path="", recipient=address, content=CONTENT))
    assert (fault_of(exchange), server.messages) == ((FaultKind.ADDRESS_UNUSABLE, Stage.MAIL), [])


async def test_the_null_return_path_and_a_quoted_local_part_go_as_they_are(server: SmtpServer) -> None:
    async with relays_to(server) as relays:
        await relays.deliver(Envelope(return_path="", recipient='"a b"@x.test', content=CONTENT))
    assert (server.messages[0].sender, server.messages[0].recipients) == ("", ('"a b"@x.test',))


# ---- relays


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_after_a_relay_that_refuses_connections_the_next_is_used(server: SmtpServer) -> None:
    troubles: list[Exchange] = []
    gone = Relay(name="gone", host="127.0.0.1", port=closed_port(), tls=TlsMode.OFF)
    relays = Relays([gone, server.relay(name="spare")], hostname="gateway.test", on_trouble=troubles.append)
    first, second = await relays.deliver(letter("a")), await relays.deliver(letter("b"))
    state, _ = relays.states()
    await relays.close()
    assert [first.relay, second.relay] == ["spare", "spare"]
    assert [(trouble.relay, fault_of(trouble)) for trouble in troubles] == [
        ("gone", (FaultKind.CONNECT, Stage.CONNECT))
    ]
    assert (state.failures, state.last_failure) == (1, troubles[0])


async def test_relays_to_avoid_or_to_use_are_respected(server: SmtpServer) -> None:
    async with SmtpServer() as other:
        relays = Relays([server.relay(name="one"), other.relay(name="two")], hostname="gateway.test")
        took = [
            await relays.deliver(letter()),
            await relays.deliver(letter(), avoid=frozenset({"one"})),
            await relays.deliver(letter(), via_relay="two"),
            await relays.deliver(letter(), via_relay="three"),
            await relays.deliver(letter(), via_relay="two", avoid=frozenset({"two"})),
        ]
        await relays.close()
    assert [exchange.relay for exchange in took] == ["one", "two", "two", "three", "two"]
    assert [exchange.fault.kind for exchange in took if exchange.fault] == [FaultKind.NO_RELAY] * 2


async def test_every_waiting_mail_gets_the_failure_of_the_only_relay() -> None:
    gone = Relay(name="gone", host="127.0.0.1", port=closed_port(), tls=TlsMode.OFF, connections=3)
    relays = Relays([gone], hostname="gateway.test")
    exchanges = await asyncio.gather(*(relays.deliver(letter(f"n{number}")) for number in range(10)))
    await relays.close()
    assert {fault_of(exchange) for exchange in exchanges} == {(FaultKind.CONNECT, Stage.CONNECT)}
    assert {(exchange.relay, exchange.dot_sent) for exchange in exchanges} == {("gone", False)}


@pytest.mark.parametrize("host", ["nowhere.invalid", f"{'a' * 64}.invalid"])
async def test_a_name_that_does_not_resolve_is_a_dns_fault(host: str) -> None:
    relays = Relays([Relay(name="r", host=host, port=25, tls=TlsMode.OFF)], hostname="gateway.test")
    exchange = await relays.deliver(letter())
    await relays.close()
    assert fault_of(exchange) == (FaultKind.DNS, Stage.CONNECT)


async def test_a_server_that_limits_connections_is_used_with_those_it_grants(server: SmtpServer) -> None:
    def only_two(point: Any) -> Reply | None:
        return Reply(421, "4.7.0 too many connections", then=Drop()) if point.connection > 2 else None

    server.script(greeting=only_two)
    troubles: list[Exchange] = []
    async with relays_to(server, connections=8, on_trouble=troubles.append) as relays:
        await relays.deliver(letter("first"))
        exchanges = await asyncio.gather(*(relays.deliver(letter(f"n{number}")) for number in range(40)))
        (state,) = relays.states()
    assert troubles == []
    assert {exchange.response.code for exchange in exchanges if exchange.response} == {250}
    assert {message.connection for message in server.taken} == {1, 2}
    assert state.connected == 2


async def test_width_is_two_for_each_connection_of_the_relay_in_use(server: SmtpServer) -> None:
    async with relays_to(server, connections=7) as relays:
        assert relays.width() == 14
