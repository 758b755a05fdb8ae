"""The proof of mail that comes back: reports and complaints flow in while the process that takes them, the worker that
reads them and PostgreSQL are killed. The sender repeats, as mail servers do, whatever was not answered 250."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from gateway.database import prepare_connection
from gateway.mail.message import MessageRef
from gateway.mail.tracking import return_path
from gateway.settings import Settings
from service.standalone.errors import LaunchError
from service.standalone.postgres import Postgres
from tests.builders import (
    KEYRING,
    SECRET_KEYS,
    make_attempt,
    make_customer,
    make_message,
    make_sender_version,
    make_template_version,
)
from tests.eventually import eventually
from tests.inbound import BOUNCES, OFFICE, REPLIES
from tests.integration.gateway.inbound.returning import Said, complaint, report, unsubscribe_header
from tests.proof.proof import servers, settings_of
from tests.service_process import free_port

CLIENTS = 12
"""Connections of the sender at once."""
REPLY_SECONDS = 20.0
"""How long the sender waits for a reply before it sends the mail again."""
READ_SECONDS = 60.0
"""Without a mail being read while some wait: one that a dead worker had taken is due again after some seconds."""
MOMENT_SECONDS = 0.3
"""A disruption comes at a random moment of so many seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One mail for the sender to hand over, in one transaction."""

    raw: bytes
    recipients: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What the ledger must say of one message when all is read."""

    status: str
    events: tuple[str, ...]
    reports: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """One message of ours, the mails about it, and what must come of them."""

    ref: MessageRef
    deliveries: tuple[Delivery, ...]
    expected: Expected


def _failed(own: str, address: str, ref: MessageRef, number: int) -> Story:
    said = Said(recipient=address, diagnostic=f"smtp; 550 5.1.1 <{address}>: User unknown")
    raw = report(said, to=own, own_id=f"<{number}@mx.example>")
    return _story(ref, [Delivery(raw=raw, recipients=(own,))], "BOUNCED", ("BOUNCED", "SUPPRESSED"), reports=1)


def _failed_for_two(own: str, address: str, ref: MessageRef, number: int) -> Story:
    """One transaction, two recipients: two mails, of which one has a token."""
    [one] = _failed(own, address, ref, number).deliveries
    both = Delivery(raw=one.raw, recipients=(own, OFFICE))
    return _story(ref, [both], "BOUNCED", ("BOUNCED", "SUPPRESSED"), reports=1)


def _failed_by_two_ways(own: str, address: str, ref: MessageRef, number: int) -> Story:
    """The same report with another server's trace above it: two mails, one report."""
    [one] = _failed(own, address, ref, number).deliveries
    other = Delivery(raw=b"Received: from a by b; Mon, 30 Nov 2026 12:00:00 +0000\r\n" + one.raw, recipients=(own,))
    return _story(ref, [one, other], "BOUNCED", ("BOUNCED", "SUPPRESSED"), reports=1)


def _delayed(own: str, address: str, ref: MessageRef, number: int) -> Story:
    said = Said(recipient=address, action="delayed", status="4.4.1", diagnostic="smtp; 451 4.4.1 no answer from host")
    raw = report(said, to=own, own_id=f"<{number}@mx.example>")
    return _story(ref, [Delivery(raw=raw, recipients=(own,))], "ACCEPTED", ("DELAYED",), reports=1)


def _delivered(own: str, address: str, ref: MessageRef, number: int) -> Story:
    said = Said(recipient=address, action="delivered", status="2.0.0", diagnostic="smtp; 250 2.0.0 Ok")
    raw = report(said, to=own, own_id=f"<{number}@mx.example>")
    # Sent again although it was taken, as by a server that did not hear the answer
    return _story(ref, [Delivery(raw=raw, recipients=(own,))] * 2, "ACCEPTED", ("DELIVERED",), reports=1)


def _complained(own: str, address: str, ref: MessageRef, number: int) -> Story:
    raw = complaint(own_id=f"<{number}@feedback.example>", returned=unsubscribe_header(ref))
    mail = Delivery(raw=raw, recipients=(f"complaints@{BOUNCES}",))
    return _story(ref, [mail], "ACCEPTED", ("COMPLAINED", "SUPPRESSED"), reports=0)


def _story(
    ref: MessageRef, deliveries: Sequence[Delivery], status: str, events: tuple[str, ...], *, reports: int
) -> Story:
    return Story(
        ref=ref, deliveries=tuple(deliveries), expected=Expected(status=status, events=events, reports=reports)
    )


STORIES: tuple[Callable[[str, str, MessageRef, int], Story], ...] = (
    _failed,
    _failed_for_two,
    _failed_by_two_ways,
    _delayed,
    _delivered,
    _complained,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundCounts:
    """The result of a run. A mail is a content's hash and a recipient; `lost` and `made_up` are mails that were
    answered 250 and are not stored, or stored and never sent; `unread` and `unreadable` are counts of stored ones;
    `wrong` are messages of which the ledger says something else than expected."""

    answered: int
    cut_off: int
    mails: int
    lost: int
    made_up: int
    doubled: int
    unread: int
    unreadable: int
    messages: int
    wrong: tuple[str, ...]
    suppressions: int
    expected_suppressions: int
    disruptions: dict[str, int]

    def report(self) -> str:
        """Returns the counts as lines for the terminal."""
        broken = ", ".join(f"{what} x{count}" for what, count in sorted(self.disruptions.items()))
        return (
            f"{self.answered} transactions answered 250, {self.cut_off} cut off or put off, and sent again\n"
            f"{self.mails} mails: lost {self.lost}, made up {self.made_up}, twice {self.doubled}, unread {self.unread},"
            f" unreadable {self.unreadable}\n"
            f"{self.messages} messages: {len(self.wrong)} not as expected {' '.join(self.wrong[:5])}\n"
            f"{self.suppressions} suppressions of {self.expected_suppressions}\n{broken}"
        )

    def violations(self) -> list[str]:
        """Returns the guarantees that were violated."""
        guarantees = {
            "every mail that was answered 250 is in the ledger": self.lost == 0,
            "once for each of its recipients": self.doubled == 0,
            "and nothing else is": self.made_up == 0,
            "every one was read": self.unread == self.unreadable == 0,
            "every message has the status, the events and the reports that were sent, once each": not self.wrong,
            "every address that failed or complained is suppressed once": (
                self.suppressions == self.expected_suppressions
            ),
            "some transactions were cut off": self.cut_off > 0,
        }
        return [guarantee for guarantee, kept in guarantees.items() if not kept]


PROCESSES = {"listener": ("gateway", "--inbound"), "worker": ("tests.proof.gateway", "short-taking")}


@dataclass(kw_only=True, slots=True)
class World:
    """The servers and processes of one run, and what the sender has heard."""

    postgres: Postgres
    settings: Settings
    log: Path
    smtp: int = field(default_factory=free_port)
    lmtp: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    answered: list[Delivery] = field(default_factory=list)
    cut_off: int = 0
    disruptions: Counter[str] = field(default_factory=Counter)

    async def supervise(self) -> None:
        """Start the processes, and whichever has ended, as a supervisor does: one that finds PostgreSQL away ends."""
        while True:
            for name, command in PROCESSES.items():
                if name not in self.processes or self.processes[name].poll() is not None:
                    self.processes[name] = self._start(*command)
            await asyncio.sleep(0.05)

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DATABASE_URL": self.settings.database_url,
            "REDIS_URL": self.settings.redis_url,
            "PUBLIC_URL": self.settings.public_url,
            "DEFAULT_FROM": self.settings.default_from,
            "RELAY_URL": "smtp://127.0.0.1:1",
            "SECRET_KEYS": SECRET_KEYS,
            "ALLOW_RESERVED_DOMAINS": "1",
            "BOUNCE_DOMAIN": BOUNCES,
            "REPLY_DOMAIN": REPLIES,
            "REPLY_MAILBOXES": "office",
            "INBOUND_SMTP": str(self.smtp),
            "INBOUND_LMTP": str(self.lmtp),
        }
        with self.log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", module, *arguments], env=environment, stderr=log)

    def end(self) -> None:
        """Kill what runs."""
        for process in self.processes.values():
            process.kill()
            process.wait()


# The run ---------------------------------------------------------------------------------------------------------


async def prove_inbound(*, messages: int, disruptions: int, directory: Path, seed: int) -> InboundCounts:
    """Send the mails about so many messages with `disruptions` meanwhile, wait until all are read, and count."""
    dice = random.Random(seed)
    with servers(directory) as (postgres, valkey):
        world = World(
            postgres=postgres, settings=settings_of(postgres, valkey, "smtp://127.0.0.1:1"), log=directory / "log"
        )
        stories = await _make_stories(world.settings, messages)
        mails = [delivery for story in stories for delivery in story.deliveries]
        dice.shuffle(mails)
        try:
            supervising = asyncio.create_task(world.supervise())
            async with asyncio.TaskGroup() as group:
                group.create_task(_send_all(world, mails, dice))
                group.create_task(_disrupt(world, dice, mails=len(mails), disruptions=disruptions))
            await _until_read(world.settings)
            supervising.cancel()
            return await _count(world, stories)
        finally:
            world.end()


async def _make_stories(settings: Settings, messages: int) -> list[Story]:
    """Messages that a server took, each of a customer of its own, and what comes back of them."""
    connection = await asyncpg.connect(settings.database_url)
    await prepare_connection(connection)
    stories = []
    try:
        async with connection.transaction():
            versions = {
                "sender_version_id": await make_sender_version(connection),
                "template_version_id": await make_template_version(connection),
            }
            for number in range(messages):
                address = f"c{number}@customer.example"
                customer = await make_customer(connection, addresses=[address])
                message = await make_message(connection, customer, status="ACCEPTED", recipient=address, **versions)
                await make_attempt(connection, customer, message)
                ref = MessageRef(customer_id=customer, message_id=message)
                own = return_path(KEYRING, BOUNCES, ref)
                stories.append(STORIES[number % len(STORIES)](own, address, ref, number))
    finally:
        await connection.close()
    return stories


async def _send_all(world: World, mails: Sequence[Delivery], dice: random.Random) -> None:
    waiting = list(mails)

    async def client(number: int) -> None:
        while waiting:
            mail = waiting.pop()
            if await _is_taken(world, mail, lmtp=number % 3 == 0):
                world.answered.append(mail)
            else:
                waiting.append(mail)
                await asyncio.sleep(dice.uniform(0.05, 0.3))

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(client(number))


async def _is_taken(world: World, mail: Delivery, *, lmtp: bool) -> bool:
    """Hand over one mail; whether it was answered 250 for every recipient."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.lmtp if lmtp else world.smtp)
    except OSError:
        return False
    try:
        async with asyncio.timeout(REPLY_SECONDS):
            taken = await _transaction(reader, writer, mail, lmtp=lmtp)
    except (OSError, EOFError):  # a TimeoutError is an OSError
        taken = False
    finally:
        writer.transport.abort()
    world.cut_off += not taken
    return taken


async def _transaction(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mail: Delivery, *, lmtp: bool
) -> bool:
    commands = ["LHLO mx.example" if lmtp else "EHLO mx.example", "MAIL FROM:<>"]
    commands += [f"RCPT TO:<{recipient}>" for recipient in mail.recipients]
    if await _code(reader) != "220":
        return False
    for command in commands:
        writer.write(command.encode() + b"\r\n")
        if await _code(reader) != "250":
            return False
    writer.write(b"DATA\r\n")
    if await _code(reader) != "354":
        return False
    writer.write(mail.raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    replies = [await _code(reader) for _ in range(len(mail.recipients) if lmtp else 1)]
    return replies == ["250"] * len(replies)


async def _code(reader: asyncio.StreamReader) -> str:
    while (line := await reader.readuntil(b"\n"))[3:4] == b"-":
        continue
    return line[:3].decode()


# Disruptions -----------------------------------------------------------------------------------------------------


async def kill_listener(world: World, dice: random.Random) -> None:
    """SIGKILL the process that takes mail."""
    await _kill(world.processes["listener"])


async def kill_worker(world: World, dice: random.Random) -> None:
    """SIGKILL the worker that reads."""
    await _kill(world.processes["worker"])


async def kill_backend(world: World, dice: random.Random) -> None:
    """SIGKILL one process of PostgreSQL: it cuts every connection and recovers."""
    connection = await asyncpg.connect(world.settings.database_url)
    try:
        pids = await connection.fetch(
            "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
        if pids:
            os.kill(dice.choice(pids)["pid"], signal.SIGKILL)
    finally:
        connection.terminate()


async def kill_postgres(world: World, dice: random.Random) -> None:
    """SIGKILL PostgreSQL's first process, and start it as soon as the others are gone."""
    if world.postgres.process is not None:
        await _kill(world.postgres.process)
    async with asyncio.timeout(60):
        while True:
            with suppress(LaunchError):
                world.postgres.start()
                return await asyncio.to_thread(world.postgres.wait_ready)
            await asyncio.sleep(0.1)


async def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    await asyncio.to_thread(process.wait)


DISRUPTIONS: tuple[Callable[[World, random.Random], Coroutine[Any, Any, None]], ...] = (
    kill_listener,
    kill_worker,
    kill_listener,
    kill_backend,
    kill_listener,
    kill_worker,
    kill_listener,
    kill_postgres,
)


async def _disrupt(world: World, dice: random.Random, *, mails: int, disruptions: int) -> None:
    """One disruption after the other at random moments, each when its share of the mail has been answered."""
    for number in range(disruptions):
        await eventually(partial(_have_answered, world, mails * number // disruptions), "progress", seconds=120)
        await asyncio.sleep(dice.uniform(0, MOMENT_SECONDS))
        disrupt = DISRUPTIONS[number % len(DISRUPTIONS)]
        with suppress(OSError, asyncpg.PostgresError):  # PostgreSQL still recovers
            await disrupt(world, dice)
            world.disruptions[disrupt.__name__.replace("_", " ")] += 1


def _have_answered(world: World, share: int) -> bool:
    return len(world.answered) >= share


# The count -------------------------------------------------------------------------------------------------------


async def _until_read(settings: Settings) -> None:
    """Wait until all is read, or no more is: what dead workers had taken is read one by one."""
    connection = await asyncpg.connect(settings.database_url)
    clock = asyncio.get_running_loop().time
    unread, since = -1, clock()
    try:
        while unread and clock() - since < READ_SECONDS:
            left = await connection.fetchval("select count(*) from inbound_mail where read_at is null")
            if left != unread:
                unread, since = left, clock()
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _count(world: World, stories: Sequence[Story]) -> InboundCounts:
    sent = {
        (recipient.lower(), hashlib.sha256(mail.raw).digest())
        for mail in world.answered
        for recipient in mail.recipients
    }
    connection = await asyncpg.connect(world.settings.database_url)
    try:
        rows = await connection.fetch("select envelope_to, content_sha256, read_at, unmatched::text from inbound_mail")
        stored = Counter((row["envelope_to"], row["content_sha256"]) for row in rows)
        wrong = [str(story.ref.message_id) for story in stories if await _state(connection, story) != story.expected]
        suppressions = await connection.fetchval("select count(*) from suppression")
    finally:
        await connection.close()
    return InboundCounts(
        answered=len(world.answered),
        cut_off=world.cut_off,
        mails=len(rows),
        lost=len(sent - stored.keys()),
        made_up=len(stored.keys() - sent),
        doubled=sum(count - 1 for count in stored.values()),
        unread=sum(row["read_at"] is None for row in rows),
        unreadable=sum(row["unmatched"] == "UNREADABLE" for row in rows),
        messages=len(stories),
        wrong=tuple(wrong),
        suppressions=suppressions,
        expected_suppressions=sum("SUPPRESSED" in story.expected.events for story in stories),
        disruptions=dict(world.disruptions),
    )


async def _state(connection: Any, story: Story) -> Expected:
    """What the ledger says of a message."""
    key = (story.ref.customer_id, story.ref.message_id)
    events = await connection.fetch(
        "select kind::text from event where customer_id = $1 and message_id = $2 order by id", *key
    )
    return Expected(
        status=await connection.fetchval(
            "select status::text from message_state where customer_id = $1 and id = $2", *key
        ),
        events=tuple(row["kind"] for row in events),
        reports=await connection.fetchval(
            "select count(*) from delivery_report where customer_id = $1 and message_id = $2", *key
        ),
    )
