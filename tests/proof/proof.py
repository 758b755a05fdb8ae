"""One run of the proof: a campaign-sized load, while processes, servers and connections are disrupted."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import redis

from gateway.campaigns import drafts, lifecycle
from gateway.campaigns.drafts import CampaignOrder
from gateway.campaigns.named_customers import LARGEST_AUDIENCE, CampaignRecipient
from gateway.compose import sender_profiles
from gateway.database import open_pool, prepare_connection
from gateway.deployment import Deployment
from gateway.mail.message import MessageRef
from gateway.outbox import actions
from gateway.settings import Settings, read_settings
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource, compile_source
from service.standalone.postgres import Postgres
from service.standalone.valkey import Valkey
from tests.builders import SECRET_KEYS
from tests.proof.counts import BUSY, CONNECTIONS, LEASE_SECONDS, Counts, ServerState, attempt_of, read_ledger
from tests.servers import make_tables
from tests.smtp_server import Drop, Play, Point, Reply, SmtpServer, random_faults

PAGE = '<p>Hello {{ first_name }}</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'
FAULTS = 0.01
"""Probability of a fault at each stage of each transaction."""
BEGUN_SECONDS = 0.05
"""By then a disruption has sent its signal."""
RETRIED = "uncertain mail retried by a person"
MAX_RETRIED = 5
"""The others stay uncertain, and are counted as that."""


STAGES = ("greeting", "ehlo", "mail", "rcpt", "data", "body", "after_dot")
CERTAIN_DROP = {"greeting": 6, "ehlo": 8}
"""The number of the connection that is always dropped at a stage; at the other stages it is a mail:"""
CERTAIN_DROP_MAIL = 40


class Faults:
    """Random drops and refusals at every stage, and at least one drop at each. Within a body a server can only drop.
    Records which attempts got such a reply. Mail beyond the allowed number waits for the reply to its dot, so that a
    disruption meets busy connections."""

    def __init__(self, seed: int) -> None:
        self.drops: Counter[str] = Counter(dict.fromkeys(STAGES, 0))
        self.replied: set[str] = set()
        self.waiting = 0
        self._allowed = 0.0
        self._gate = asyncio.Event()
        self._seen: Counter[str] = Counter()
        self._dice = random.Random(seed)
        self._chance = {stage: random_faults(FAULTS, seed + place) for place, stage in enumerate(STAGES)}

    def script(self, smtp: SmtpServer) -> None:
        """Install the faults."""
        for stage in STAGES:
            smtp.script(connection=None, **{stage: self._choose})

    def allow(self, count: float) -> None:
        """Reply to this many mails in all, at once to those that wait; later ones wait."""
        self._allowed = count
        self.waiting = 0
        self._gate.set()
        self._gate = asyncio.Event()

    def _choose(self, point: Point) -> Play | None:
        self._seen[point.stage] += 1
        if self._seen[point.stage] == CERTAIN_DROP.get(point.stage, CERTAIN_DROP_MAIL):
            play: Play | None = Drop()
        elif point.stage == "body":
            play = Drop() if self._dice.random() < FAULTS else None
        else:
            play = self._chance[point.stage](point)
        if play is None and point.stage == "after_dot" and self._seen["after_dot"] > self._allowed:
            self.waiting += 1
            return Reply(250, "2.0.0 taken", when=self._gate)
        if play is not None:
            self.replied.add(point.key if point.stage == "mail" else point.sender)
            self.drops[point.stage] += isinstance(play, Drop) or isinstance(getattr(play, "then", None), Drop)
        return play


@dataclass(kw_only=True, slots=True)
class World:
    """The servers and workers of one run."""

    postgres: Postgres
    valkey: Valkey
    smtp: SmtpServer
    settings: Settings
    log: Path
    faults: Faults
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    lost: int = 0
    disruptions: Counter[str] = field(default_factory=Counter)

    def start_worker(self, *arguments: str) -> None:
        """Starts another gateway process; `arguments` are those of `tests.proof.gateway`."""
        environment = {
            **os.environ,
            "DATABASE_URL": self.settings.database_url,
            "REDIS_URL": self.settings.redis_url,
            "PUBLIC_URL": self.settings.public_url,
            "DEFAULT_FROM": self.settings.default_from,
            "RELAY_URL": f"{self.smtp.url}&connections={CONNECTIONS}&tls=off",
            "SECRET_KEYS": SECRET_KEYS,
            "ALLOW_RESERVED_DOMAINS": "1",
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "SWEEP_SECONDS": "0.1",
            "DRAIN_SECONDS": "5",
            "RECORDER_DIR": str(self.log.parent / "recorders"),
            "JOURNAL_DIR": str(self.log.parent / "journal"),
        }
        with self.log.open("ab") as log:
            self.workers.append(
                subprocess.Popen([sys.executable, "-m", "tests.proof.gateway", *arguments], env=environment, stderr=log)
            )

    def end(self) -> None:
        """Drain the workers; one that does not drain is killed, which shows in the counts."""
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.wait(15)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


# Disruptions -----------------------------------------------------------------------------------------------------


async def kill_worker(world: World, dice: random.Random) -> None:
    """SIGKILL a worker and start another."""
    worker = world.workers.pop(dice.randrange(len(world.workers)))
    worker.kill()
    await asyncio.to_thread(worker.wait)
    world.lost += 1
    world.start_worker()


async def freeze_worker(world: World, dice: random.Random) -> None:
    """SIGSTOP a worker until its leases have expired, then SIGCONT: other workers have its mail by then."""
    worker = dice.choice(world.workers)
    worker.send_signal(signal.SIGSTOP)
    world.lost += 1
    await asyncio.sleep(LEASE_SECONDS * 1.6)
    worker.send_signal(signal.SIGCONT)


async def flush_valkey(world: World, dice: random.Random) -> None:
    """FLUSHALL: every wakeup is lost."""
    client = redis.Redis.from_url(world.settings.redis_url, socket_timeout=5)
    await asyncio.to_thread(client.flushall)
    client.close()


async def kill_valkey(world: World, dice: random.Random) -> None:
    """SIGKILL Valkey; it restarts empty."""
    await _crash(world.valkey.process, signal.SIGKILL)
    await asyncio.sleep(dice.uniform(0.1, 0.5))
    world.valkey.start()
    await asyncio.to_thread(world.valkey.wait_ready)


async def stop_postgres(world: World, dice: random.Random) -> None:
    """Immediate shutdown of PostgreSQL: every connection is cut, recovery at the restart."""
    await _crash(world.postgres.process, signal.SIGQUIT)
    await asyncio.sleep(dice.uniform(0.1, 0.5))
    world.postgres.start()
    await asyncio.to_thread(world.postgres.wait_ready)


async def drop_connections(world: World, dice: random.Random) -> None:
    """The mail server closes every connection."""
    await world.smtp.hang_up()


async def drain_worker(world: World, dice: random.Random) -> None:
    """SIGTERM a worker: it finishes what is handed off and returns the rest."""
    worker = world.workers.pop(dice.randrange(len(world.workers)))
    worker.send_signal(signal.SIGTERM)
    await asyncio.to_thread(worker.wait)
    world.start_worker()


async def _crash(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is not None:
        process.send_signal(how)
        await asyncio.to_thread(process.wait)


DISRUPTIONS: tuple[Callable[[World, random.Random], Coroutine[Any, Any, None]], ...] = (
    kill_worker,
    freeze_worker,
    flush_valkey,
    stop_postgres,
    drop_connections,
    kill_valkey,
    drain_worker,
)


# The run ---------------------------------------------------------------------------------------------------------


async def prove(*, mails: int, disruptions: int, directory: Path, seed: int) -> Counts:
    """Send `mails` with `disruptions` meanwhile, wait until all are decided, and count."""
    dice = random.Random(seed)
    async with SmtpServer(keep_content=False) as smtp:
        with servers(directory) as (postgres, valkey):
            world = World(
                postgres=postgres,
                valkey=valkey,
                smtp=smtp,
                settings=settings_of(postgres, valkey, smtp.url),
                log=directory / "gateway.telemetry.log",
                faults=Faults(seed),
            )
            try:
                await launch(world.settings, [f"c{n}@d{n % 97}.example" for n in range(mails)])
                world.faults.script(smtp)
                world.faults.allow(mails / (disruptions + 1))
                world.start_worker()
                world.start_worker()
                await _disrupt(world, dice, mails=mails, disruptions=disruptions)
                smtp.forget_scripts()
                await _until_decided(world)
                await _retry_accepted(world)
                await _until_decided(world)
            finally:
                world.end()
            return await _count(world, mails)


@contextmanager
def servers(directory: Path) -> Iterator[tuple[Postgres, Valkey]]:
    postgres = Postgres(data=directory / "pg", run=directory, log=directory / "postgres.log")
    valkey = Valkey(run=directory, log=directory / "valkey.log", data=None)
    try:
        postgres.start()
        postgres.wait_ready()
        make_tables(postgres.url("mail"))
        valkey.start()
        valkey.wait_ready()
        yield postgres, valkey
    finally:
        for process in (postgres.process, valkey.process):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGQUIT if process is postgres.process else signal.SIGTERM)
                process.wait(15)


def settings_of(postgres: Postgres, valkey: Valkey, relay_url: str) -> Settings:
    return read_settings(
        database_url=postgres.url("mail"),
        redis_url=valkey.url(0),
        public_url="http://mail.example",
        default_from="Fabrikam Installers <hello@fabrikam.example>",
        relay_url=relay_url,
        secret_keys=SECRET_KEYS,
        allow_reserved_domains=True,
    )


async def launch(settings: Settings, addresses: Sequence[str], *, page: str = PAGE) -> None:
    """Launch campaigns to a new customer at each of these addresses, in this order, through the gateway's
    functions."""
    run = uuid4().hex
    deployment = Deployment.open(settings)
    pool = await open_pool(settings.database_url, size=2, name="proof")
    async with pool, pool.acquire() as connection:
        await versions.publish_builtins(connection)
        await connection.execute(
            "with made as (insert into customer (external_ref, name) select $1 || n, 'Customer ' || n"
            " from generate_series(1, cardinality($2::text[])) n returning id, external_ref)"
            " insert into customer_address (customer_id, position, address, address_key)"
            " select made.id, 0, t.address, sha256(t.address::bytea)"
            " from unnest($2::text[]) with ordinality t(address, n) join made on made.external_ref = $1 || t.n",
            run,
            list(addresses),
        )
        profile = await sender_profiles.create(
            connection, name=run, from_address="news@fabrikam.example", postal_address="1 Main"
        )
        made = await versions.publish(
            connection,
            compile_source(TemplateSource(name=run, subject="News", html=page, sample_data={"first_name": "Al"})),
            actor="test",
        )
        ids = [
            row["id"]
            for row in await connection.fetch(
                "select id from customer where external_ref = any($1::text[]) order by id",
                [f"{run}{number}" for number in range(1, len(addresses) + 1)],
            )
        ]
        for start in range(0, len(ids), LARGEST_AUDIENCE):
            order = CampaignOrder(
                title=f"Proof {start}",
                actor="proof",
                template_id=made.template_id,
                sender_id=profile.sender_id,
                merge_data={"first_name": "Ann"},
                recipients=tuple(
                    CampaignRecipient(customer_id=customer) for customer in ids[start : start + LARGEST_AUDIENCE]
                ),
                idempotency_key=f"{run}-{start}",
            )
            campaign_id = await drafts.create(connection, order, deployment)
            await lifecycle.launch(connection, campaign_id, uuid4().hex, deployment, actor="Dana")


async def _disrupt(world: World, dice: random.Random, *, mails: int, disruptions: int) -> None:
    """One disruption after the other, spread over the load: each when its share of the mail has been accepted, while
    the workers' connections wait for replies, which come as soon as it has begun."""
    for number in range(disruptions):
        # One worker has fewer connections than that: both are busy.
        await _until(lambda: world.faults.waiting >= CONNECTIONS + 2, seconds=30)
        disrupt = DISRUPTIONS[number % len(DISRUPTIONS)]
        doing = asyncio.create_task(disrupt(world, dice))
        await asyncio.sleep(BEGUN_SECONDS)
        world.faults.allow(mails * (number + 2) / (disruptions + 1))
        await doing
        world.disruptions[disrupt.__name__.replace("_", " ")] += 1


async def _until(check: Callable[[], bool], *, seconds: float) -> None:
    """Wait for `check`, at most `seconds`: a disruption that comes early does no harm."""
    for _ in range(int(seconds / 0.02)):
        if check():
            return
        await asyncio.sleep(0.02)


DECIDED_SECONDS = 120.0


async def _until_decided(world: World) -> None:
    """Wait until every audience row has its message and no message is undecided."""
    connection = await asyncpg.connect(world.settings.database_url)
    ends = asyncio.get_running_loop().time() + DECIDED_SECONDS
    try:
        while asyncio.get_running_loop().time() < ends:
            if not await connection.fetchval(BUSY):
                return
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _retry_accepted(world: World) -> None:
    """Retry uncertain mail that the server has accepted, as a person may: only then may it arrive twice."""
    accepted = {attempt_of(mail.sender)[0] for mail in world.smtp.taken}
    deployment = Deployment.open(world.settings)
    connection: Any = await asyncpg.connect(world.settings.database_url)
    await prepare_connection(connection)
    try:
        for row in await connection.fetch("select customer_id, id from message where status = 'UNCERTAIN' order by id"):
            if row["id"] in accepted and world.disruptions[RETRIED] < MAX_RETRIED:
                await actions.retry(
                    connection, MessageRef(customer_id=row["customer_id"], message_id=row["id"]), "proof", deployment
                )
                world.disruptions[RETRIED] += 1
    finally:
        await connection.close()


async def _count(world: World, mails: int) -> Counts:
    connection: Any = await asyncpg.connect(world.settings.database_url)
    try:
        ledger = await read_ledger(connection)
    finally:
        await connection.close()
    replied = world.faults.replied | {mail.sender for mail in world.smtp.messages}
    return Counts(
        mails=mails,
        ledger=ledger,
        server=ServerState(
            accepted=tuple(attempt_of(mail.sender) for mail in world.smtp.taken),
            replied=frozenset(attempt_of(sender) for sender in replied if sender),
            drops=dict(world.faults.drops),
        ),
        lost_workers=world.lost,
        disruptions=dict(world.disruptions),
    )
