"""The clients: mutations that are repeated under their keys until they are acknowledged, queries of the history, and
a watcher of the databases themselves."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from tests.bench.history import QUERY
from tests.proof.failover.databases import Databases
from tests.proof.failover.world import BEAT, World, is_ready

MAILS_A_SECOND = 40.0
"""Mutations that send one mail each."""
CAMPAIGN_RECIPIENTS, CAMPAIGN_SECONDS = 800, 5.0
"""Campaigns: with the others 200 mails a second."""
READS_A_SECOND = 10.0
SENDERS, READERS = 48, 6
"""Clients beside each other: more senders than ask a frozen service before the balancer knows."""
WRITE_SECONDS, READ_SECONDS = 5.0, 3.0
"""How long a client waits for an answer before it asks again, another service perhaps."""
LOOK_SECONDS = 0.5
"""Between two looks of the balancer at a service."""
BEAT_SECONDS = 0.1
"""Between two commits of the watcher."""
COMMIT_SECONDS, OPEN_SECONDS = 1.0, 5.0
"""Within which the watcher has a commit, or a connection, or tries again."""
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
TIMELINE = "select case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_lsn()), 8) end"

SEND = """mutation($i: SendCardProcessingEmailInput!) { sendCardProcessingEmail(input: $i) {
  message { id } userErrors { code message } } }"""
CREATE = """mutation($i: CreateCampaignInput!) { createCampaign(input: $i) {
  campaign { id } userErrors { code message } } }"""
LAUNCH = """mutation($i: LaunchCampaignInput!) { launchCampaign(input: $i) {
  campaign { id } userErrors { code message } } }"""


class MarkedDown(Exception):
    """A request was ended because its service is no longer ready."""


class Balancer:
    """Which service is asked: those that said lately that they are ready, in turn. What one that is ready no longer has
    not answered is ended (HAProxy: `on-marked-down shutdown-sessions`): all clients may wait for a frozen one."""

    def __init__(self, world: World) -> None:
        self._services = world.services
        self._urls = [f"http://{one.address}:8000" for one in self._services]
        self._ready = [True] * len(self._services)
        self._under_way: dict[str, set[asyncio.Timeout]] = {url: set() for url in self._urls}
        self._turns = itertools.count()

    def next(self, but: str = "") -> str:
        """The address of one, another than `but` where there is another."""
        able = [url for url, ready in zip(self._urls, self._ready, strict=True) if ready] or self._urls
        others = [one for one in able if one != but] or able
        return others[next(self._turns) % len(others)]

    @asynccontextmanager
    async def asking(self, url: str, seconds: float) -> AsyncIterator[None]:
        """A request to this service, which has so long. Raises TimeoutError; MarkedDown."""
        ended = asyncio.timeout(None)
        try:
            async with ended:
                self._under_way[url].add(ended)
                async with asyncio.timeout(seconds):
                    yield
        except TimeoutError:
            if ended.expired():
                raise MarkedDown from None
            raise
        finally:
            self._under_way[url].discard(ended)

    def _mark_down(self, number: int) -> None:
        for ended in self._under_way[self._urls[number]]:
            if not ended.expired():
                ended.reschedule(0)

    async def run(self) -> None:
        """Look at each, until cancelled."""

        async def look(number: int) -> None:
            while True:
                was, self._ready[number] = self._ready[number], await is_ready(self._services[number])
                if was and not self._ready[number]:
                    self._mark_down(number)
                await asyncio.sleep(LOOK_SECONDS)

        async with asyncio.TaskGroup() as group:
            for number in range(len(self._services)):
                group.create_task(look(number))


class Pace:
    """Slots at a rate: one that nobody took in time is gone, so that nothing is made up for."""

    def __init__(self, a_second: float) -> None:
        self._between = 1 / a_second
        self._next = monotonic()

    async def slot(self) -> None:
        """Wait for the next one."""
        self._next = max(self._next + self._between, monotonic() - 1)
        await asyncio.sleep(max(0.0, self._next - monotonic()))


class Load:
    """What clients do, and what was acknowledged to them. Moments are of `time.monotonic`."""

    def __init__(self, world: World, customers: Sequence[int], template: str, sender: str, dice: random.Random) -> None:
        self.acknowledged: dict[str, UUID] = {}
        """Messages by their keys."""
        self.campaigns: dict[UUID, int] = {}
        """Recipients of the campaigns whose launch was acknowledged."""
        self.writes: list[float] = []
        self.reads: list[float] = []
        self.failed_reads: list[float] = []
        self.sends: list[float] = []
        self.repeated: Counter[str] = Counter()
        """Requests that were asked again, by why."""
        self.unexpected: list[str] = []
        self._world = world
        self._customers = customers
        self._template, self._sender = template, sender
        self._dice = dice
        self._balancer = Balancer(world)
        self._stopping = asyncio.Event()
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=100)
        self._http = httpx.AsyncClient(limits=limits, headers={"Accept": "application/graphql-response+json"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All clients, until the block ends; what they have begun is acknowledged then."""
        mails, reads = Pace(MAILS_A_SECOND), Pace(READS_A_SECOND)
        working = [self._repeat(mails, self._send) for _ in range(SENDERS)]
        working += [self._repeat(reads, self._read) for _ in range(READERS)]
        working.append(self._repeat(Pace(1 / CAMPAIGN_SECONDS), self._launch))
        watching = [asyncio.create_task(one) for one in (self._balancer.run(), self._watch_sink())]
        clients = [asyncio.create_task(one) for one in working]
        try:
            yield
            self._stopping.set()
            await asyncio.gather(*clients)
        finally:
            for task in [*clients, *watching]:
                task.cancel()
            await asyncio.gather(*clients, *watching, return_exceptions=True)
            await self._http.aclose()

    async def _repeat(self, pace: Pace, deed: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while not self._stopping.is_set():
            await pace.slot()
            await deed()

    async def _watch_sink(self) -> None:
        received = 0
        while True:
            if (now := self._world.sink.read()) > received:
                received = now
                self.sends.append(monotonic())
            await asyncio.sleep(0.1)

    # ---- mutations

    async def _send(self) -> None:
        key = uuid4().hex
        given = {
            "customerId": f"Customer_{self._dice.choice(self._customers)}",
            "idempotencyKey": key,
            "kind": "CHARGE",
            "amount": {"amount": "12.50", "currency": "USD"},
        }
        if (done := await self._until_acknowledged("sendCardProcessingEmail", SEND, given)) is not None:
            self.acknowledged[key] = UUID(done["message"]["id"].rpartition("_")[2])

    async def _launch(self) -> None:
        chosen = self._dice.sample(self._customers, CAMPAIGN_RECIPIENTS)
        key = uuid4().hex
        recipients = [{"customerId": f"Customer_{one}", "mergeData": {"first_name": "Ann"}} for one in chosen]
        order = {"title": key, "templateId": self._template, "senderId": self._sender}
        made = await self._until_acknowledged(
            "createCampaign", CREATE, {**order, "recipients": recipients, "idempotencyKey": f"create {key}"}
        )
        if made is None:
            return
        campaign = made["campaign"]["id"]
        given = {"campaignId": campaign, "idempotencyKey": f"launch {key}"}
        if await self._until_acknowledged("launchCampaign", LAUNCH, given) is not None:
            self.campaigns[UUID(campaign.rpartition("_")[2])] = len(chosen)

    async def _until_acknowledged(self, name: str, document: str, given: dict[str, Any]) -> Any:
        """The payload of a mutation, asked again under its key until it is acknowledged; None when it is refused, which
        is noted as unexpected."""
        asked = ""
        while True:
            asked = self._balancer.next(but=asked)
            answer = await self._ask(asked, self._world.writer, document, {"i": given}, seconds=WRITE_SECONDS)
            if isinstance(answer, str):
                self.repeated[f"{name}: {answer}"] += 1
                await asyncio.sleep(0.2)
                continue
            payload = (answer.get("data") or {}).get(name)
            if "errors" in answer or payload is None or payload["userErrors"]:
                self.unexpected.append(f"{name}: {answer}")
                return None
            self.writes.append(monotonic())
            return payload

    # ---- queries

    async def _read(self) -> None:
        """One query, of the other service where the first does not answer it."""
        variables = {"id": f"Customer_{self._dice.choice(self._customers)}"}
        asked = ""
        for _ in self._world.services:
            asked = self._balancer.next(but=asked)
            answer = await self._ask(asked, self._world.reader, QUERY, variables, seconds=READ_SECONDS)
            if isinstance(answer, dict) and "errors" not in answer:
                self.reads.append(monotonic())
                return
            self.repeated[f"history: {answer if isinstance(answer, str) else answer['errors'][0]['message']}"] += 1
        self.failed_reads.append(monotonic())

    async def _ask(
        self, url: str, token: str, document: str, variables: dict[str, Any], *, seconds: float
    ) -> dict[str, Any] | str:
        """The answer of one service, or why there is none."""
        try:
            async with self._balancer.asking(url, seconds):
                answer = await self._http.post(
                    f"{url}/graphql",
                    json={"query": document, "variables": variables},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=seconds,
                )
        except (httpx.HTTPError, TimeoutError, MarkedDown) as error:
            return type(error).__name__
        if answer.status_code == 503:
            return "503"
        found: dict[str, Any] = answer.json()
        return found


class Watcher:
    """Commits of its own in the databases, as often as they take them: how long the failover itself takes."""

    def __init__(self, databases: Databases) -> None:
        self.commits: list[float] = []
        self._databases = databases
        self._timeline = 0

    async def run(self) -> None:
        """Commit, until cancelled."""
        while True:
            connection = await self._find_primary()
            try:
                while True:
                    async with asyncio.timeout(COMMIT_SECONDS):
                        await connection.execute("insert into beat select now()")
                    self.commits.append(monotonic())
                    await asyncio.sleep(BEAT_SECONDS)
            except AWAY:
                await asyncio.sleep(BEAT_SECONDS)
            finally:
                connection.terminate()

    async def _find_primary(self) -> Any:
        """A connection to the first that takes writes, on no older timeline than was seen. None of them waits for
        another, and a busy machine has time."""
        opening = [asyncio.create_task(self._open(name)) for name in self._databases.hosts]
        try:
            await asyncio.wait(opening, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in opening:
                task.cancel()
            found = await asyncio.gather(*opening, return_exceptions=True)
        first, *others = [one for one in found if not isinstance(one, BaseException)]
        for other in others:
            other.terminate()
        return first

    async def _open(self, name: str) -> Any:
        """A connection to this host, as soon as it takes writes."""
        while True:
            connection: Any = None
            try:
                async with asyncio.timeout(OPEN_SECONDS):
                    connection = await asyncpg.connect(self._databases.url_of(name, BEAT))
                    timeline = await connection.fetchval(TIMELINE)
                if timeline is not None and int(timeline, 16) >= self._timeline:
                    self._timeline = int(timeline, 16)
                    return connection
            except AWAY:
                pass
            except asyncio.CancelledError:
                if connection is not None:
                    connection.terminate()
                raise
            if connection is not None:
                connection.terminate()
            await asyncio.sleep(BEAT_SECONDS)
