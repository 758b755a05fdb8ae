"""One run of the proof: a campaign-sized load, and everything that can break breaking meanwhile."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import redis
from redis.exceptions import RedisError

from gateway import campaign, sender, template
from gateway.campaign import CampaignOrder, CampaignRecipient
from gateway.database import open_pool
from gateway.house import House
from gateway.ledger import MOST_UNWRITTEN
from gateway.settings import Settings, read_settings
from service.standalone.migrate import migrate
from service.standalone.postgres import Postgres
from service.standalone.valkey import Valkey
from tests.builders import SECRET_KEYS
from tests.smtp_server import Drop, SmtpServer, random_faults

CONNECTIONS = 10
LEASE_SECONDS = 2.0
PAGE = '<p>Hello {{ first_name }}</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'
FAULTS = 0.01
"""Of each stage of each conversation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What became of every mail, here and at the server."""

    asked: int
    statuses: dict[str, int]
    queued: int
    server_took: int
    server_took_twice: list[UUID]
    took_but_not_shown: list[UUID]
    lost_workers: int
    uncertain_by_loss: int
    deeds: dict[str, int]

    @property
    def bound(self) -> int:
        """What lost workers may leave uncertain: two mails a connection, and those sent and not yet recorded."""
        return self.lost_workers * (2 * CONNECTIONS + MOST_UNWRITTEN)

    def shown(self) -> str:
        """For the terminal."""
        decided = ", ".join(f"{status.lower()} {count}" for status, count in sorted(self.statuses.items()))
        deeds = ", ".join(f"{deed} x{count}" for deed, count in sorted(self.deeds.items()))
        return (
            f"{self.asked} mails; {decided}, still queued {self.queued}\n"
            f"the server took {self.server_took}; twice, first try not uncertain: {len(self.server_took_twice)};"
            f" took, but shown otherwise: {len(self.took_but_not_shown)}\n"
            f"uncertain by {self.lost_workers} lost workers: {self.uncertain_by_loss} (at most {self.bound})\n"
            f"{deeds}"
        )

    def broken(self) -> list[str]:
        """The promises that did not hold; none, one hopes."""
        found = []
        if sum(self.statuses.values()) + self.queued != self.asked:
            found.append(f"accepted + refused + uncertain + queued is not {self.asked}: a mail was lost or made up")
        if self.took_but_not_shown:
            found.append(
                f"the server took {len(self.took_but_not_shown)} mails that are neither ACCEPTED nor UNCERTAIN"
            )
        if self.server_took_twice:
            found.append(f"{len(self.server_took_twice)} mails were sent twice, the first try not shown as UNCERTAIN")
        if self.uncertain_by_loss > self.bound:
            found.append(f"{self.uncertain_by_loss} mails are uncertain by lost workers, more than {self.bound}")
        return found


@dataclass(kw_only=True, slots=True)
class World:
    """The servers and workers of one run."""

    postgres: Postgres
    valkey: Valkey
    smtp: SmtpServer
    settings: Settings
    log: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    lost: int = 0
    deeds: Counter[str] = field(default_factory=Counter)

    def start_worker(self) -> None:
        """One more gateway process."""
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
            "JOURNAL_DIR": str(self.log.parent / "journal"),
        }
        with self.log.open("ab") as log:
            self.workers.append(
                subprocess.Popen([sys.executable, "-m", "tests.proof.gateway"], env=environment, stderr=log)
            )

    def end(self) -> None:
        """Drain the workers; what does not drain is killed, and shows."""
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.wait(15)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


# What breaks -----------------------------------------------------------------------------------------------------


async def kill_worker(world: World, dice: random.Random) -> None:
    """SIGKILL, and another takes over."""
    worker = world.workers.pop(dice.randrange(len(world.workers)))
    worker.kill()
    await asyncio.to_thread(worker.wait)
    world.lost += 1
    world.start_worker()


async def freeze_worker(world: World, dice: random.Random) -> None:
    """SIGSTOP past its lease, then SIGCONT: it wakes up and finds its mail in other hands."""
    worker = dice.choice(world.workers)
    worker.send_signal(signal.SIGSTOP)
    world.lost += 1
    await asyncio.sleep(LEASE_SECONDS * 1.6)
    worker.send_signal(signal.SIGCONT)


async def flush_valkey(world: World, dice: random.Random) -> None:
    """FLUSHALL: every ring is forgotten."""
    try:
        client = redis.Redis.from_url(world.settings.redis_url, socket_timeout=1)
        await asyncio.to_thread(client.flushall)
        client.close()
    except RedisError:
        world.deeds["valkey was away"] += 1


async def kill_valkey(world: World, dice: random.Random) -> None:
    """SIGKILL; it comes back empty."""
    await _crash(world.valkey.process, signal.SIGKILL)
    await asyncio.sleep(dice.uniform(0.1, 0.5))
    world.valkey.start()
    await asyncio.to_thread(world.valkey.wait_ready)


async def stop_postgres(world: World, dice: random.Random) -> None:
    """Immediate stop: every connection cut, recovery at the next start."""
    await _crash(world.postgres.process, signal.SIGQUIT)
    await asyncio.sleep(dice.uniform(0.1, 0.5))
    world.postgres.start()
    await asyncio.to_thread(world.postgres.wait_ready)


async def drop_connections(world: World, dice: random.Random) -> None:
    """The mail server closes everything at once."""
    await world.smtp.hang_up()


async def drain_worker(world: World, dice: random.Random) -> None:
    """SIGTERM: it finishes what is handed off and gives back the rest."""
    worker = world.workers.pop(dice.randrange(len(world.workers)))
    worker.send_signal(signal.SIGTERM)
    await asyncio.to_thread(worker.wait)
    world.start_worker()


async def _crash(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is not None:
        process.send_signal(how)
        await asyncio.to_thread(process.wait)


DEEDS: tuple[Callable[[World, random.Random], Awaitable[None]], ...] = (
    kill_worker,
    freeze_worker,
    flush_valkey,
    stop_postgres,
    drop_connections,
    kill_valkey,
    drain_worker,
)


# The run ---------------------------------------------------------------------------------------------------------


async def prove(*, mails: int, deeds: int, directory: Path, seed: int) -> Counts:
    """Send `mails`, break something `deeds` times meanwhile, wait for calm, and count."""
    dice = random.Random(seed)
    async with SmtpServer(keep_content=False) as smtp:
        with _servers(directory) as (postgres, valkey):
            world = World(
                postgres=postgres,
                valkey=valkey,
                smtp=smtp,
                settings=_settings(postgres, valkey, smtp),
                log=directory / "gateway.log",
            )
            try:
                made = await _launch(world.settings, mails)
                _script_faults(smtp, seed)
                world.start_worker()
                world.start_worker()
                await _break_things(world, dice, mails=mails, deeds=deeds)
                smtp.forget_scripts()
                await _calm(world)
            finally:
                world.end()
            return await _count(world, made, mails)


STAGES = ("greeting", "ehlo", "mail", "rcpt", "data", "after_dot")


def _script_faults(smtp: SmtpServer, seed: int) -> None:
    """Drops and refusals at every stage; in the middle of a body a server can only drop."""
    for place, stage in enumerate(STAGES):
        smtp.script(connection=None, **{stage: random_faults(FAULTS, seed + place)})
    dice = random.Random(seed)
    smtp.script(body=lambda point: Drop() if dice.random() < FAULTS else None)


@contextmanager
def _servers(directory: Path) -> Iterator[tuple[Postgres, Valkey]]:
    postgres = Postgres(data=directory / "pg", run=directory, log=directory / "postgres.log")
    valkey = Valkey(run=directory, log=directory / "valkey.log", data=None)
    try:
        postgres.start()
        postgres.wait_ready()
        migrate(postgres.url("mail"))
        valkey.start()
        valkey.wait_ready()
        yield postgres, valkey
    finally:
        for process in (postgres.process, valkey.process):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGQUIT if process is postgres.process else signal.SIGTERM)
                process.wait(15)


def _settings(postgres: Postgres, valkey: Valkey, smtp: SmtpServer) -> Settings:
    return read_settings(
        database_url=postgres.url("mail"),
        redis_url=valkey.url(0),
        public_url="http://mail.example",
        default_from="Fabrikam Installers <hello@fabrikam.example>",
        relay_url=smtp.url,
        secret_keys=SECRET_KEYS,
        allow_reserved_domains=True,
    )


async def _launch(settings: Settings, mails: int) -> UUID:
    """A campaign to so many customers, on many domains, through the doors."""
    house = House.open(settings)
    pool = await open_pool(settings.database_url, size=2, name="proof")
    async with pool, pool.acquire() as connection:
        await template.publish_builtins(connection)
        await connection.execute(
            "with made as (insert into customer (external_ref, name) select 'P-' || n, 'Customer ' || n"
            " from generate_series(1, $1::integer) n returning id)"
            " insert into customer_address (customer_id, position, address, address_key)"
            " select id, 0, 'c' || id || '@d' || id % 97 || '.example', sha256(id::text::bytea) from made",
            mails,
        )
        profile = await sender.create(
            connection, name="News", from_address="news@fabrikam.example", postal_address="1 Main", allow_reserved=True
        )
        made = await template.publish(
            connection, name="News", subject="News", mjml=None, html=PAGE, text=None, sample_data={"first_name": "Al"}
        )
        ids = [row["id"] for row in await connection.fetch("select id from customer order by id")]
        for start in range(0, mails, campaign.LARGEST_AUDIENCE):
            order = CampaignOrder(
                title=f"Proof {start}",
                template_id=made.template_id,
                sender_id=profile.sender_id,
                merge_data={"first_name": "Ann"},
                recipients=tuple(
                    CampaignRecipient(customer_id=customer)
                    for customer in ids[start : start + campaign.LARGEST_AUDIENCE]
                ),
                idempotency_key=f"proof-{start}",
                actor="proof",
            )
            campaign_id = await campaign.create(connection, order, house)
            await campaign.launch(connection, campaign_id, uuid4().hex, house)
    return made.template_id


async def _break_things(world: World, dice: random.Random, *, mails: int, deeds: int) -> None:
    """One deed after the other, spread over the load: each when its share of the mail has been taken."""
    for number in range(deeds):
        share = mails * 0.9 * number / deeds
        await _until(partial(_has_received, world.smtp, share), seconds=30)
        deed = DEEDS[number % len(DEEDS)]
        await deed(world, dice)
        world.deeds[deed.__name__.replace("_", " ")] += 1


def _has_received(smtp: SmtpServer, count: float) -> bool:
    return len(smtp.messages) >= count


async def _until(check: Callable[[], bool], *, seconds: float) -> None:
    """Wait for it, or go on: a deed that comes early is no harm."""
    for _ in range(int(seconds / 0.02)):
        if check():
            return
        await asyncio.sleep(0.02)


CALM_SECONDS = 120.0


async def _calm(world: World) -> None:
    """Until every audience row is a message and no message is undecided."""
    connection = await asyncpg.connect(world.settings.database_url)
    ends = asyncio.get_running_loop().time() + CALM_SECONDS
    try:
        while asyncio.get_running_loop().time() < ends:
            busy = await connection.fetchval(
                "select exists (select from outbox)"
                " or exists (select from campaign where made_position < audience_size)"
            )
            if not busy:
                return
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


# The count -------------------------------------------------------------------------------------------------------


async def _count(world: World, template_id: UUID, mails: int) -> Counts:
    connection: Any = await asyncpg.connect(world.settings.database_url)
    try:
        rows = await connection.fetch("select id, recipient, status::text from message")
        queued = await connection.fetchval("select count(*) from outbox")
        unmade = await connection.fetchval("select coalesce(sum(audience_size - made_position), 0) from campaign")
        unsure = await connection.fetch("select distinct message_id from event where kind = 'UNCERTAIN'")
        by_loss = await connection.fetchval(
            "select count(distinct message_id) from event where kind = 'UNCERTAIN' and data ? 'owner'"
        )
    finally:
        await connection.close()
    ids = {row["recipient"]: row["id"] for row in rows}
    statuses = {row["id"]: row["status"] for row in rows}
    was_unsure = {row["message_id"] for row in unsure}
    taken = Counter(ids[mail.recipients[0]] for mail in world.smtp.taken)
    counted = Counter(status for status in statuses.values() if status != "QUEUED")
    return Counts(
        asked=mails,
        statuses=dict(counted),
        queued=queued + int(unmade),
        server_took=len(taken),
        server_took_twice=[found for found, times in taken.items() if times > 1 and found not in was_unsure],
        took_but_not_shown=[found for found in taken if statuses[found] not in ("ACCEPTED", "UNCERTAIN")],
        lost_workers=world.lost,
        uncertain_by_loss=by_loss,
        deeds=dict(world.deeds),
    )
