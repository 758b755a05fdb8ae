"""The failover proof's run: rounds of blows at hosts under load, then the count."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from gateway.database import WORKER_SETTINGS, connect, prepare_connection, set_session
from gateway.deployment import Deployment
from gateway.outbox.claim import claim
from gateway.outbox.enqueue import SendRequest, enqueue
from gateway.settings import Settings, read_settings
from gateway.templates import versions
from tests.builders import SECRET_KEYS, make_customer, make_customers
from tests.campaigning import run
from tests.engine import CARD
from tests.eventually import eventually
from tests.proof.counts import BUSY
from tests.proof.failover.counts import ISOLATED, Tally, read_tally
from tests.proof.failover.databases import Databases
from tests.proof.failover.load import Load, Watcher
from tests.proof.failover.places import Places
from tests.proof.failover.rounds import HEAD, Blow, Round, longest_gap, names_of, schedule, schedule_pairs
from tests.proof.failover.world import NotWell, World, started
from tests.proof.proof import PAGE
from tests.proof.sink import LATER

CUSTOMERS = 5000
WARM_SECONDS = 5.0
"""Of load before the first blow, and after each round."""
GONE_SECONDS = {"gateway": 20.0}
"""How long a host is gone at least: a gateway until others have its mail."""
LEAST_GONE_SECONDS = 5.0
PAIR_GONE_SECONDS = 12.0
"""Longer than a primary alone goes on, shorter than a failover: what was begun is cut off in the middle."""
RESUMED_SECONDS = 90.0
"""Within which writes go on, or the round ends without."""
DECIDED_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """All rounds, and the count at the end."""

    rounds: tuple[Round, ...]
    tally: Tally
    unexpected: tuple[str, ...]
    restarts: int
    mails_a_second: float
    repeated: dict[str, int]
    ended: str = ""
    """Why the rounds ended before the last one."""

    def report(self) -> str:
        """Lines for the terminal, after the table."""
        isolated = sum(one.isolated for one in self.rounds)
        why = ", ".join(f"{what} x{count}" for what, count in sorted(self.repeated.items()))
        return (
            f"{len(self.rounds)} rounds, {self.mails_a_second:.0f} mails a second on average; on primaries that were"
            f" cut off {isolated} hand-offs and mutations tried, {sum(one.isolated_done for one in self.rounds)}"
            f" acknowledged; programs that ended by themselves and were started again: {self.restarts}\n"
            f"asked again: {why or 'nothing'}\n{self.tally.report()}"
        )

    def violations(self) -> list[str]:
        """The guarantees that were broken."""
        found = [what for one in self.rounds for what in one.violations()]
        cut = [one for one in self.rounds if any((b.part, b.deed) == ("primary", "cut") for b in one.blows)]
        if cut and not any(one.isolated for one in cut):
            found.append("an isolated primary was never tried")
        found += [f"the rounds ended early: {self.ended}"] if self.ended else []
        return [*found, *self.tally.violations(), *(f"unexpected answer: {one}" for one in self.unexpected)]


async def prove_failover(
    *, rounds: int, pairs: int, places: Places, databases: type[Databases], directory: Path, seed: int
) -> Result:
    """So many rounds with one blow, then so many with two; prints each as it ends."""
    dice = random.Random(seed)
    async with started(places, directory, databases) as world:
        events = Run(world, dice, await make_load(world, dice))
        watching = asyncio.create_task(events.watcher.run())
        began = monotonic()
        try:
            async with events.load.running():
                await asyncio.sleep(WARM_SECONDS)
                print(HEAD, flush=True)
                ones = [(blow,) for blow in schedule(rounds, dice=dice, can_cut=places.can_cut)]
                ended = await events.strike((*ones, *schedule_pairs(pairs, dice=dice, can_cut=places.can_cut)))
            seconds = monotonic() - began
            return Result(
                rounds=tuple(events.rounds),
                tally=await events.count(),
                unexpected=tuple(events.load.unexpected),
                restarts=sum(host.restarts for host in world.hosts.values()),
                mails_a_second=len(world.sink.received) / seconds,
                repeated=dict(events.load.repeated),
                ended=ended,
            )
        finally:
            watching.cancel()
            await asyncio.wait([watching])


def stopped_by_hand() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM: the rounds end after the one under way, and are counted."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def settings_of(world: World) -> Settings:
    """The gateway's, for its functions."""
    return read_settings(
        database_url=world.databases.url,
        redis_url=world.valkeys.url,
        public_url="http://mail.example",
        default_from="Fabrikam Installers <hello@fabrikam.example>",
        relay_url=world.sink.url,
        secret_keys=SECRET_KEYS,
        allow_reserved_domains=True,
    )


async def make_load(world: World, dice: random.Random) -> Load:
    """Customers, one in fifty of whom the mail server puts off once, a template and a sender."""
    deployment = Deployment.open(settings_of(world))
    connection: Any = await connect(world.databases.url)
    try:
        await prepare_connection(connection)
        await versions.publish_builtins(connection)
        addresses = [f"{LATER if n % 50 == 21 else 'c'}{n}@d{n % 97}.example" for n in range(CUSTOMERS)]
        customers = await make_customers(connection, addresses, [deployment.key_of(address) for address in addresses])
        await make_customer(connection, external_ref=ISOLATED)
    finally:
        await connection.close()
    headers = {"Authorization": f"Bearer {world.writer}"}
    async with httpx.AsyncClient(base_url=f"http://{world.services[0].address}:8000", headers=headers) as http:
        template = await run(
            http, "createTemplate", "template { id }",
            name="proof", subject="News", html=PAGE, sampleData={"first_name": "Al"},
        )  # fmt: skip
        sender = await run(
            http, "createSender", "sender { id }",
            name="proof", fromAddress="news@fabrikam.example", postalAddress="1 Main Street, Springfield",
        )  # fmt: skip
    return Load(world, customers, template["template"]["id"], sender["sender"]["id"], dice)


@dataclass(slots=True)
class Run:
    """What happens to one world."""

    world: World
    dice: random.Random
    load: Load
    rounds: list[Round] = field(default_factory=list)
    watcher: Watcher = field(init=False)

    def __post_init__(self) -> None:
        self.watcher = Watcher(self.world.databases)

    async def strike(self, all_blows: Sequence[Sequence[Blow]]) -> str:
        """All rounds, until they are stopped by hand; returns why they ended early, or nothing."""
        stopped = stopped_by_hand()
        for blows in all_blows:
            if stopped.is_set():
                break
            try:
                await self.round(blows)
            except NotWell as error:
                return str(error)
        return ""

    async def round(self, blows: Sequence[Blow]) -> None:
        """Strike, wait for writes or for a while, undo it, and wait until all is well."""
        playing = {part: [name] for part, name in (await self.world.well()).items()}
        playing |= {
            "service": [host.name for host in self.world.services],
            "gateway": [host.name for host in self.world.gateways],
        }
        names = names_of(blows, playing, self.dice)
        hosts = [self.world.hosts[name] for name in names]
        start = monotonic()
        trying: list[asyncio.Task[bool]] = []
        for blow, host in zip(blows, hosts, strict=True):
            await {"kill": host.kill, "freeze": host.freeze, "cut": host.cut}[blow.deed]()
            if (blow.part, blow.deed) == ("primary", "cut"):
                trying = [asyncio.create_task(self._hand_off(host.name)), asyncio.create_task(self._queue(host.name))]
        await self._until_resumed(blows, start)
        done = [await self._end(task) for task in trying]
        for blow, host in zip(blows, hosts, strict=True):
            host.heal(blow.deed)
        await self.world.well()
        await asyncio.sleep(WARM_SECONDS)
        self._note(blows, names, start, isolated=len(done), isolated_done=sum(done))

    async def _until_resumed(self, blows: Sequence[Blow], start: float) -> None:
        """Until writes go on and the hosts were gone for long enough; of two at a time for a while."""
        if len(blows) > 1:
            return await asyncio.sleep(PAIR_GONE_SECONDS)
        await asyncio.sleep(max(GONE_SECONDS.get(blow.part, LEAST_GONE_SECONDS) for blow in blows))

        def resumed() -> bool:
            now = monotonic()
            return all(one and one[-1] > now - 1 for one in (self.load.writes, self.load.sends, self.watcher.commits))

        with suppress(AssertionError):
            await eventually(resumed, "writes", seconds=RESUMED_SECONDS)
        return None

    def _note(
        self, blows: Sequence[Blow], names: tuple[str, ...], start: float, *, isolated: int, isolated_done: int
    ) -> None:
        end = monotonic()
        gaps = [
            longest_gap(one, start, end)
            for one in (self.watcher.commits, self.load.writes, self.load.reads, self.load.sends)
        ]
        failed = sum(start <= moment <= end for moment in self.load.failed_reads)
        self.rounds.append(
            Round(
                number=len(self.rounds) + 1,
                blows=tuple(blows),
                hosts=names,
                seconds=end - start,
                commit_gap=gaps[0],
                write_gap=gaps[1],
                read_gap=gaps[2],
                send_gap=gaps[3],
                reads=failed + sum(start <= moment <= end for moment in self.load.reads),
                failed_reads=failed,
                isolated=isolated,
                isolated_done=isolated_done,
            )
        )
        print(self.rounds[-1].row(), flush=True)

    # ---- an isolated primary

    async def _hand_off(self, name: str) -> bool:
        """Whether a primary that is cut off acknowledges a worker's claim with its hand-off."""

        async def deed(connection: Any) -> bool:
            while True:
                found = await claim(
                    connection, worker=uuid4(), lease=timedelta(seconds=60), max_leased=1, hand_off=True
                )
                if found.leased:
                    return True
                await asyncio.sleep(0.1)

        return await self._try_isolated(name, deed)

    async def _queue(self, name: str) -> bool:
        """Whether it acknowledges a mutation."""
        deployment = Deployment.open(settings_of(self.world))

        async def deed(connection: Any) -> bool:
            customer_id = await connection.fetchval("select id from customer where external_ref = $1", ISOLATED)
            request = SendRequest(customer_id=customer_id, letter=CARD, idempotency_key=uuid4().hex, actor=ISOLATED)
            await enqueue(connection, request, deployment)
            return True

        return await self._try_isolated(name, deed)

    async def _try_isolated(self, name: str, deed: Any) -> bool:
        connection: Any = await asyncpg.connect(self.world.databases.socket_url(name))
        try:
            await prepare_connection(connection)
            await set_session(connection, WORKER_SETTINGS)
            assert not await connection.fetchval("select pg_is_in_recovery()"), "the primary was demoted too early"
            return bool(await deed(connection))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            return False
        finally:
            connection.terminate()

    async def _end(self, trying: asyncio.Task[bool]) -> bool:
        """What it came to; one that still waits was not acknowledged."""
        if not trying.done():
            trying.cancel()
        with suppress(asyncio.CancelledError):
            return await trying
        return False

    # ---- the end

    async def count(self) -> Tally:
        """Wait until all is decided, and count."""
        await self.world.well()
        connection: Any = await connect(self.world.databases.url)
        try:

            async def decided() -> bool:
                return not await connection.fetchval(BUSY)

            with suppress(AssertionError):
                await eventually(decided, "a decision about every mail", seconds=DECIDED_SECONDS)
            return await read_tally(
                connection,
                self.world.sink,
                acknowledged=frozenset(self.load.acknowledged.values()),
                campaigns=self.load.campaigns,
            )
        finally:
            await connection.close()
