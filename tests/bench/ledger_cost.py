"""What a mail costs PostgreSQL in an empty ledger and in one that has grown: processor time, write-ahead log, and how
many updates of `message` stay within their page.

A mail is claimed and handed off by one statement and recorded as accepted by another, in groups, by the code that the
worker uses. Nothing is sent. Checkpoints are made before each round, and what would space them is pinned. Beside it, in
the same rounds, the least that the same rows can cost: leased, deleted, inserted and updated by two bare statements.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiosql

from gateway.database import QUERIES as GATEWAY
from gateway.database import WORKER_SETTINGS, Connection, open_pool
from gateway.delivery.maintenance import VACUUM_AFTER
from gateway.delivery.outcome_writer import LARGEST_GROUP
from gateway.mail.verdict import Outcome
from gateway.outbox.claim import Claimed, claim
from gateway.outbox.outcomes import Finished, record
from service.standalone.postgres import Postgres
from tests.bench.end_to_end import durable_postgres
from tests.bench.rows import SHORT, Row, Size
from tests.bench.rows import bench as benchmark
from tests.builders import make_campaign

QUERIES: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)

CUSTOMERS = 50_000
MAILS = 25_000
"""A round's: half of the customers get one, so that neighbours in the index share pages as in a real campaign."""
ROUNDS = 3
PINNED = {"checkpoint_timeout": "5min", "max_wal_size": "2GB", "full_page_writes": "on", "wal_compression": "off"}
"""Full pages are logged after a checkpoint: a goal must not be met by making fewer of those."""

CPU_GOAL, WAL_GOAL, GROWTH_GOAL, HOT_GOAL = 32.0, 3.7, 1.1, 0.85
"""Microseconds a mail; kilobytes a mail in a ledger that has grown; its processor time against an empty one's; the
share of updates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """A mail's: microseconds of PostgreSQL's processor time, bytes of write-ahead log, the share of HOT updates."""

    cpu: float
    wal: float
    hot: float


class Spent:
    """Processor time of a server's processes, those that ended included, in seconds."""

    def __init__(self, server: Postgres) -> None:
        assert server.process is not None
        self._root = server.process.pid
        self._ended: dict[int, float] = {}

    def read(self) -> float:
        """Until now, of every process seen so far."""
        for pid in [self._root, *_children(self._root)]:
            try:
                self._ended[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
            except (FileNotFoundError, ProcessLookupError):
                continue
        return sum(self._ended.values())


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def accepted(row: Claimed, *, ended: float) -> Finished:
    """The outcome of a row that a server took."""
    return Finished(
        owner=row.owner,
        customer_id=row.customer_id,
        message_id=row.message_id,
        recipient_no=row.recipient_no,
        attempt=row.attempt,
        verdict=Outcome.ACCEPTED,
        cause=None,
        advice=None,
        rule="accepted",
        stage="END_OF_DATA",
        code=250,
        enhanced="2.0.0",
        response="2.0.0 Ok: queued as 4Zx0kJ1mXxz9",
        relay="main",
        host="mx.relay.example",
        tls="TLSv1.3",
        took_ms=40,
        mail_sha256_hex="ab" * 32,
        wait_seconds=0.0,
        suppress=False,
        ended=ended,
        domain=row.domain,
    )


async def send_all(connection: Connection, *, mails: int) -> None:
    """Claims, hands off and records everything that is due, and vacuums the queue as the worker does."""
    worker, lease, done, since_vacuum = uuid4(), timedelta(minutes=5), 0, 0
    while done < mails:
        found = await claim(connection, worker=worker, lease=lease, max_leased=LARGEST_GROUP, hand_off=True)
        now = time.monotonic()
        outcomes = [accepted(row, ended=now) for row in found.leased]
        written = (await record(connection, outcomes, now=now, shard=0, same_refusals=20)).written
        if not written:
            raise RuntimeError(f"only {done} of {mails} were recorded")
        done += written
        since_vacuum += written
        if since_vacuum >= VACUUM_AFTER:
            since_vacuum = 0
            await GATEWAY.vacuum_outbox(connection)


async def write_bare(connection: Connection, campaign_id: UUID, *, mails: int) -> None:
    """Leases and records the same rows by two statements that know nothing of limits, pauses, copies and tallies."""
    for start in range(0, mails, LARGEST_GROUP):
        owner = uuid4()
        rows = [
            row
            async for row in QUERIES.bare_claim(connection, owner=owner, campaign_id=campaign_id, rows=LARGEST_GROUP)
        ]
        rows.sort(key=itemgetter("customer_id", "message_id"))
        await QUERIES.bare_record(
            connection,
            customer_ids=[row["customer_id"] for row in rows],
            message_ids=[row["message_id"] for row in rows],
            owner=owner,
            sha256=bytes(32),
        )
        if start % VACUUM_AFTER == 0:
            await GATEWAY.vacuum_outbox(connection)


async def campaign_cost(connection: Any, server: Postgres, *, mails: int, bare: bool = False) -> Cost:
    """The cost of one campaign's mail, which is made and checkpointed before."""
    campaign_id = await make_campaign(connection)
    await QUERIES.queue_messages(connection, campaign_id=campaign_id, mails=mails)
    await QUERIES.vacuum(connection)
    await QUERIES.checkpoint(connection)
    before = await updates(connection)
    wal = await QUERIES.wal_position(connection)
    spent = Spent(server)
    begun = spent.read()
    if bare:
        await write_bare(connection, campaign_id, mails=mails)
    else:
        await send_all(connection, mails=mails)
    cpu = spent.read() - begun
    wal = float(await QUERIES.wal_position(connection) - wal)
    after = await updates(connection)
    return Cost(cpu=cpu * 1e6 / mails, wal=wal / mails, hot=(after[1] - before[1]) / (after[0] - before[0]))


async def updates(connection: Connection) -> tuple[int, int]:
    """Updates of `message` so far, and those that stayed within their page."""
    await QUERIES.flush_statistics(connection)
    found = await QUERIES.message_updates(connection)
    return found["updated"], found["hot"]


async def fill(connection: Any, messages: int) -> None:
    """Brings the ledger to so many more messages, all accepted, campaign by campaign."""
    for _ in range(messages // CUSTOMERS):
        campaign_id: UUID = await make_campaign(connection)
        await QUERIES.make_messages(connection, campaign_id=campaign_id, mails=CUSTOMERS)
        await QUERIES.accept_messages(connection, campaign_id=campaign_id)


async def pin(connection: Any) -> str:
    """Checks the server's settings against `PINNED`; returns them for the note."""
    found = {row["name"]: row["value"] async for row in QUERIES.settings(connection)}
    different = {name: found[name] for name, value in PINNED.items() if found[name] != value}
    if different:
        raise RuntimeError(f"the server's settings are not those of the goals: {different}")
    return ", ".join(f"{name} {value}" for name, value in found.items())


async def costs(connection: Any, server: Postgres) -> tuple[Cost, Cost]:
    """Over the rounds, of the gateway's statements and of the bare ones, in turn. What else runs on the machine adds to
    processor time and never takes from it: the least of it counts."""
    found: dict[bool, list[Cost]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for bare, of_kind in found.items():
            of_kind.append(await campaign_cost(connection, server, mails=MAILS, bare=bare))
    return _summed(found[False]), _summed(found[True])


def _summed(rounds: list[Cost]) -> Cost:
    return Cost(
        cpu=min(cost.cpu for cost in rounds),
        wal=statistics.median(cost.wal for cost in rounds),
        hot=statistics.median(cost.hot for cost in rounds),
    )


@benchmark("ledger")
async def ledger(size: Size) -> list[Row]:
    """An empty ledger and one of 200,000 messages (1,000,000 with FULL=1), on one durable PostgreSQL."""
    messages = size.messages if size.messages > SHORT.messages else 2 * size.messages
    with durable_postgres() as server:
        pool = await open_pool(server.url("mail"), size=1, name="bench", settings=WORKER_SETTINGS)
        async with pool, pool.acquire() as connection:
            settings = await pin(connection)
            await QUERIES.make_customers(connection, customers=CUSTOMERS)
            empty, bare = await costs(connection, server)
            await fill(connection, messages)
            grown, _ = await costs(connection, server)
    return rows(empty, grown, bare, messages=messages, settings=settings)


def rows(empty: Cost, grown: Cost, bare: Cost, *, messages: int, settings: str) -> list[Row]:
    """The figures beside their goals."""
    note = f"{MAILS:,} mails a round, groups of {LARGEST_GROUP}, against two bare statements"
    at = f"{messages:,} messages in the ledger"
    return [
        replace(
            _below("ledger-cpu", empty.cpu, "us of PostgreSQL a mail", CPU_GOAL, f"{note}; empty ledger"),
            ceiling=bare.cpu,
            ratio=empty.cpu / bare.cpu,
        ),
        _below("ledger-cpu-grown", grown.cpu / empty.cpu, "x an empty one's", GROWTH_GOAL, f"{at}: {grown.cpu:.1f} us"),
        _below("ledger-wal", empty.wal / 1024, "KB of WAL a mail", WAL_GOAL, "empty ledger"),
        _below("ledger-wal-grown", grown.wal / 1024, "KB of WAL a mail", WAL_GOAL, f"{at}; {settings}"),
        Row(
            name="ledger-hot",
            value=grown.hot,
            unit="of updates of message",
            goal=HOT_GOAL,
            met=grown.hot >= HOT_GOAL,
            note=f"pg_stat_user_tables; empty ledger {empty.hot:.2f}",
        ),
    ]


def _below(name: str, value: float, unit: str, goal: float, note: str) -> Row:
    return Row(name=name, value=value, unit=unit, goal=goal, met=value <= goal, note=note)
