"""The sender alone: `Relays.deliver` compared with a raw client, and with stock aiosmtplib on a slow network."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import time
from dataclasses import replace

import aiosmtplib

from gateway.settings import Relay, TlsMode
from gateway.smtp.relays import Envelope, Relays
from tests.bench import raw_client
from tests.bench.raw_client import CONNECTIONS, CONTENT
from tests.bench.rows import Row, Size, at_least, bench
from tests.bench.sink import Sink, chosen_sink, own_sink

ROUNDS = 5
"""Ceiling and value are measured in turn, so that other load on the machine affects both."""

HEADROOM = 1.3
"""A sink that cannot take this much more than the ceiling limits the measurement."""

ROUND_TRIP = 0.04


async def sender_rate(port: int, messages: int) -> float:
    """Returns messages a second through `Relays`, with `width` in flight as in the worker."""
    relay = Relay(
        name="sink", host="127.0.0.1", port=port, tls=TlsMode.OFF, connections=CONNECTIONS, per_connection=10**9
    )
    relays = Relays([relay], hostname="bench.test")
    numbers = iter(range(messages))

    async def lane() -> None:
        for number in numbers:
            mail = Envelope(return_path=f"b{number}@x.test", recipient=f"r{number}@x.test", content=CONTENT)
            exchange = await relays.deliver(mail)
            if exchange.response is None or exchange.response.code != 250:
                raise RuntimeError(f"the sink said {exchange}")

    begun = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(relays.width())))
    rate = messages / (time.perf_counter() - begun)
    await relays.close()
    return rate


async def two_clients_rate(port: int, messages: int) -> float:
    """Returns what the sink takes from two raw clients at once: the most that it can take."""
    command = ["-m", "tests.bench.raw_client", "--port", str(port), "--messages", str(messages)]
    clients = [
        await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE) for _ in range(2)
    ]
    said = await asyncio.gather(*(client.communicate() for client in clients))
    return sum(float(output) for output, _ in said)


@bench("sender")
async def sender(size: Size) -> list[Row]:
    """The sender alone against a raw asyncio client that pipelines, the same sink, 8 KiB mails, 20 connections.

    The second row has no goal: its raw client also sends the next mail's commands with the content, as ours does, and
    does nothing else. The difference is the cost of envelopes, dot stuffing, kept replies and a result a mail.
    """
    with chosen_sink() as sink:
        messages = size.messages // ROUNDS // 3
        ceilings, ahead_ceilings, values = [], [], []
        for _ in range(ROUNDS):
            ceilings.append(await raw_client.send(sink.port, messages))
            ahead_ceilings.append(await raw_client.send(sink.port, messages, ahead=True))
            values.append(await sender_rate(sink.port, messages))
        ceiling, ahead_ceiling, value = map(statistics.median, (ceilings, ahead_ceilings, values))
        note = await headroom(sink, ceiling, messages)
    row = at_least("sender", value, unit="messages/s", ceiling=ceiling, goal=0.8, note=note)
    other = Row(
        name="sender-ahead",
        value=value,
        unit="messages/s",
        ceiling=ahead_ceiling,
        ratio=value / ahead_ceiling,
        note="the same against a raw client that sends the next mail's commands with the content",
    )
    return [replace(row, met=False) if "sink-bound" in note else row, other]


async def headroom(sink: Sink, ceiling: float, messages: int) -> str:
    """Returns the note: the sink, its rate with two clients, and `sink-bound` when that is too near the ceiling."""
    both = await two_clients_rate(sink.port, messages)
    bound = " sink-bound" if both < HEADROOM * ceiling else ""
    source = await smtp_source_rate(sink.port, messages)
    return f"against a raw asyncio client; {sink.kind}, {both:,.0f}/s from two at once{bound}{source}"


async def smtp_source_rate(port: int, messages: int) -> str:
    """Returns the rate of Postfix's smtp-source (it does not pipeline), when it is on the PATH, for comparison."""
    program = shutil.which("smtp-source")
    if program is None:
        return ""
    options = ["-d", "-s", str(CONNECTIONS), "-l", str(len(CONTENT)), "-m", str(messages), f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(program, *options)
    await process.wait()
    return f"; smtp-source {messages / (time.perf_counter() - begun):,.0f}/s"


async def stock_rate(port: int, messages: int) -> float:
    """Returns messages a second through stock aiosmtplib: `sendmail` on 20 reused connections."""
    numbers = iter(range(messages))

    async def lane() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, local_hostname="bench.test") as client:
            for number in numbers:
                await client.sendmail(f"b{number}@x.test", [f"r{number}@x.test"], CONTENT)

    begun = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
    return messages / (time.perf_counter() - begun)


@bench("sender-40ms")
async def slow_network(size: Size) -> Row:
    """With round trips of 40 ms and 20 connections, compared with stock aiosmtplib on the same sink."""
    messages = min(size.messages, 4000)
    with own_sink(delay=ROUND_TRIP) as sink:
        ceiling = await stock_rate(sink.port, messages // 4)
        value = await sender_rate(sink.port, messages)
    note = "against stock aiosmtplib; own sink, each reply 40 ms late"
    return at_least("sender-40ms", value, unit="messages/s", ceiling=ceiling, goal=2.5, note=note)
