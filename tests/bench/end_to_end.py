"""The whole engine with fsync: claim, compose, hand-off, SMTP, record; compared with the sender alone, same sink."""

from __future__ import annotations

import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from gateway.__main__ import background_jobs
from gateway.campaigns import expansion
from gateway.compose import sender_profiles
from gateway.database import WORKER_SETTINGS, open_pool
from gateway.delivery.dkim import Signer
from gateway.delivery.schedule import default_schedule, random_jitter
from gateway.delivery.worker import POOL, Worker, relax_garbage_collector
from gateway.deployment import Deployment
from gateway.settings import DkimKey, Settings, read_settings
from gateway.smtp.relays import Relays
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource, compile_source
from service.standalone.postgres import Postgres
from tests.bench.rows import Row, Size, at_least, at_most, bench
from tests.bench.sending import HEADROOM, sender_rate, two_clients_rate
from tests.bench.sink import Sink, postfix_or_own_sink
from tests.builders import SECRET_KEYS
from tests.servers import migrated_postgres

PARAGRAPH = (
    "<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore.</p>"
)
PAGE = (
    f"<p>Hello {{{{ first_name }}}}</p>{PARAGRAPH * 55}"
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'
)
"""With its text part about 8 KiB as sent, like the mails of the sender benchmark."""

ROUNDS = 3
CONNECTIONS = 100
"""More than the sender alone needs: one mail a connection is handed off ahead, and on loopback its commit takes longer
than the delivery. On a network the delivery takes longer, and twenty are enough."""
DECIDED = "select coalesce(sum(accepted + refused + uncertain), 0) from campaign_tally where campaign_id = $1"


@contextmanager
def durable_postgres() -> Iterator[Postgres]:
    """A migrated PostgreSQL server with fsync."""
    with (
        tempfile.TemporaryDirectory(prefix="cb-", dir="/tmp") as directory,
        migrated_postgres(Path(directory), "mail", durable=True) as server,
    ):
        yield server


def bench_settings(server: Postgres, sink: Sink, **values: Any) -> Settings:
    """Returns the settings of a worker that sends to the sink, without Valkey: the sweep finds the mail."""
    return read_settings(
        database_url=server.url("mail"),
        redis_url="redis://127.0.0.1:1/0",
        public_url="https://mail.example.com",
        default_from="Fabrikam <news@fabrikam.com>",
        relay_url=f"smtp://127.0.0.1:{sink.port}?tls=off&name=sink&connections={CONNECTIONS}&per_connection=100000000",
        secret_keys=SECRET_KEYS,
        allow_reserved_domains=True,
        **values,
    )


async def make_audience(connection: Any, count: int) -> None:
    """Inserts `count` customers on fifty domains."""
    await connection.execute(
        "with made as (insert into customer (external_ref, name) select 'B-' || n, 'Customer ' || n"
        " from generate_series(1, $1::integer) n returning id)"
        " insert into customer_address (customer_id, position, address, address_key)"
        " select id, 0, 'c' || id || '@d' || id % 50 || '.example', sha256(id::text::bytea) from made",
        count,
    )


async def make_campaign(connection: Any, count: int, number: int) -> UUID:
    """Inserts a launched campaign to the first `count` customers, without messages; returns its id."""
    published = await versions.publish(
        connection,
        compile_source(
            TemplateSource(
                name="Bench",
                subject="News for {{ first_name }}",
                html=PAGE,
                text="Hello {{ first_name }} {{ unsubscribe_url }} {{ postal_address }}",
                sample_data={"first_name": "Ann"},
            )
        ),
    )
    profile = await sender_profiles.create(
        connection, name="Bench", from_address="news@fabrikam.com", from_name="Fabrikam", postal_address="1 Main"
    )
    campaign_id: UUID = await connection.fetchval(
        "insert into campaign (title, kind, template_version_id, sender_version_id, audience_size, status, launched_at,"
        " tracked) select $1, 'MARKETING', $2, v.id, $3, 'RUNNING', now(), false"
        " from sender_version v where v.sender_id = $4 order by v.number desc limit 1 returning id",
        f"Bench {number}",
        published.version_id,
        count,
        profile.sender_id,
    )
    await connection.execute(
        "insert into campaign_audience select $1, row_number() over (order by id), id, null,"
        ' \'{"first_name": "Ann"}\' from customer order by id limit $2',
        campaign_id,
        count,
    )
    await connection.execute(
        "insert into lane (name, campaign_id, priority) values ($2, $1, 104)", campaign_id, str(number)
    )
    return campaign_id


async def engine_rate(
    pool: asyncpg.Pool[Any], deployment: Deployment, count: int, number: int, signer: Signer | None
) -> float:
    """Returns messages a second, from the worker's start to the last commit; the messages are made before."""
    async with pool.acquire() as connection:
        campaign_id = await make_campaign(connection, count, number)
        while await expansion.make_messages(connection, deployment, look_ahead=10**9):
            pass
        await connection.execute("vacuum analyze outbox")
        await connection.execute("checkpoint")
    relays = Relays(deployment.settings.relay_url, hostname="bench.test")
    relax_garbage_collector()  # as `python -m gateway` does
    worker = Worker(
        deployment,
        pool,
        relays,
        signer=signer,
        schedule=default_schedule(random_jitter),
        jobs=background_jobs(deployment),
    )
    begun = time.perf_counter()
    running = asyncio.create_task(worker.run())
    await _decided(pool, campaign_id, count)
    rate = count / (time.perf_counter() - begun)
    worker.stop()
    await running
    accepted = await pool.fetchval("select sum(accepted) from campaign_tally where campaign_id = $1", campaign_id)
    if accepted != count:
        raise RuntimeError(f"only {accepted} of {count} were accepted")
    return rate


async def _decided(pool: asyncpg.Pool[Any], campaign_id: UUID, count: int) -> None:
    while True:
        if await pool.fetchval(DECIDED, campaign_id) >= count:
            return
        await asyncio.sleep(0.05)


def signer_of(kind: str, directory: Path) -> Signer | None:
    """Returns a signer with one new key for the benchmark's From, or None."""
    if kind == "unsigned":
        return None
    key: Any = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if kind == "rsa"
        else ed25519.Ed25519PrivateKey.generate()
    )
    path = directory / f"{kind}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Signer.from_settings([DkimKey(domain="fabrikam.com", selector="bench", path=str(path))])


GOALS = {"unsigned": 0.6, "ed25519": 0.4, "rsa": 0.15}


@bench("end-to-end")
async def end_to_end(size: Size) -> list[Row]:
    """One worker, unsigned and signed, each compared with the sender alone in the same rounds."""
    count = size.messages // ROUNDS
    ceilings: list[float] = []
    values: dict[str, list[float]] = {kind: [] for kind in GOALS}
    with postfix_or_own_sink() as sink, durable_postgres() as server, tempfile.TemporaryDirectory() as keys:
        deployment = Deployment.open(bench_settings(server, sink))
        signers = {kind: signer_of(kind, Path(keys)) for kind in GOALS}
        pool = await open_pool(server.url("mail"), size=POOL, name="bench", settings=WORKER_SETTINGS)
        async with pool:
            async with pool.acquire() as connection:
                await make_audience(connection, count)
            for number in range(ROUNDS * len(GOALS)):
                kind = list(GOALS)[number % len(GOALS)]
                if kind == "unsigned":
                    ceilings.append(await sender_rate(sink.port, count))
                values[kind].append(await engine_rate(pool, deployment, count, number, signers[kind]))
        ceiling = statistics.median(ceilings)
        both = await two_clients_rate(sink.port, count)
    bound = " sink-bound" if both < HEADROOM * ceiling else ""
    sink_note = f"{sink.kind}, {both:,.0f}/s from two at once{bound}"
    note = f"against the sender alone; {sink_note}; {CONNECTIONS} connections, fsync on"
    rows = [
        at_least(
            "end-to-end" if kind == "unsigned" else f"end-to-end-{kind}",
            statistics.median(values[kind]),
            unit="messages/s",
            ceiling=ceiling,
            goal=goal,
            note=note,
        )
        for kind, goal in GOALS.items()
    ]
    return [replace(row, met=False) if bound else row for row in rows]


@bench("worker-memory")
async def memory(size: Size) -> Row:
    """The peak memory of a sending worker; the goal is below 150 MiB."""
    count = size.messages
    with postfix_or_own_sink() as sink, durable_postgres() as server:
        deployment = Deployment.open(bench_settings(server, sink))
        pool = await open_pool(server.url("mail"), size=POOL, name="bench", settings=WORKER_SETTINGS)
        async with pool:
            async with pool.acquire() as connection:
                await make_audience(connection, count)
            await engine_rate(pool, deployment, count, 0, None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    note = f"peak of the whole process over {count:,} messages"
    return at_most("worker-memory", peak, unit="MiB", ceiling=150.0, goal=1.0, note=note)
