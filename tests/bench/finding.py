"""What it costs to keep mail findable across customers: the job's rows, narrow and with words, and the notes of what
changed that the sending path writes.

Processor time is that of the one backend that works (`/proc/<pid>/schedstat`), of a durable PostgreSQL.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import aiosql

from gateway.database import WORKER_SETTINGS, Connection, open_pool
from gateway.deployment import Deployment
from gateway.finding import job
from gateway.finding.bad_addresses import keep_bad_addresses
from gateway.mail.message import MessageRef
from gateway.settings import read_settings
from service.standalone.postgres import Postgres
from tests.bench import ledger_cost
from tests.bench.bare_insert import anchored, backend_seconds, bare_insert
from tests.bench.end_to_end import durable_postgres
from tests.bench.rows import Row, Size
from tests.bench.rows import bench as benchmark
from tests.bench.tracking import p99
from tests.builders import SECRET_KEYS, make_campaign, make_sender_version, make_template_version

QUERIES: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)

NARROW_GOAL, DOCUMENT_GOAL, NOTES_GOAL = 25.0, 90.0, 1.05
"""Microseconds of a backend's processor time a row without and with words; the sending path beside one that notes
nothing, in processor time and in write-ahead log."""
PER_ROW = "us of PostgreSQL a row"
ROUNDS = 4
NOTES_ROUNDS = 12
"""More, since two per cent are looked for where a round differs from the next by ten."""
LETTERS = 10_000
GROUP = 200
RATE, LAG_SECONDS = 5000, 12


async def catch_up(connection: Connection, deployment: Deployment) -> float:
    """Has the job write all that is noted; returns the backend's processor time, in seconds."""
    process = await QUERIES.backend_process(connection)
    begun = backend_seconds(process)
    while await job.keep_up(connection, deployment):
        pass
    return backend_seconds(process) - begun


async def narrow_rows(connection: Any, deployment: Deployment, mails: int) -> tuple[float, UUID]:
    """Microseconds a row of campaign mail that was accepted; and the campaign."""
    campaign_id = await make_campaign(connection)
    await ledger_cost.QUERIES.make_messages(connection, campaign_id=campaign_id, mails=mails)
    await ledger_cost.QUERIES.accept_messages(connection, campaign_id=campaign_id)
    await QUERIES.note_outcomes(connection, campaign_id=campaign_id, messages=GROUP)
    await ledger_cost.QUERIES.vacuum(connection)
    await ledger_cost.QUERIES.checkpoint(connection)
    return 1e6 * await catch_up(connection, deployment) / mails, campaign_id


async def documents(connection: Any, deployment: Deployment, number: int) -> float:
    """Microseconds a row of individual mail."""
    await QUERIES.make_letters(
        connection,
        mails=LETTERS,
        first=number * LETTERS,
        template_version_id=await make_template_version(connection, source_type="WORK_ORDER"),
        sender_version_id=await make_sender_version(connection),
    )
    await ledger_cost.QUERIES.checkpoint(connection)
    return 1e6 * await catch_up(connection, deployment) / LETTERS


async def bad_addresses(connection: Any, deployment: Deployment, campaign_id: UUID) -> tuple[float, float]:
    """Microseconds a message of looking for bad addresses: where nothing ever failed, and where each had just been
    refused."""
    rows = [row async for row in QUERIES.some_messages(connection, campaign_id=campaign_id, messages=job.BATCH)]
    refs = [MessageRef(customer_id=row["customer_id"], message_id=row["id"]) for row in rows]
    process = await QUERIES.backend_process(connection)
    took: list[float] = []
    for failed in (False, True):
        if failed:
            await QUERIES.refuse_messages(
                connection,
                customer_ids=[ref.customer_id for ref in refs],
                ids=[ref.message_id for ref in refs],
            )
        begun = backend_seconds(process)
        await keep_bad_addresses(connection, deployment, refs)
        took.append(1e6 * (backend_seconds(process) - begun) / len(refs))
    if await connection.fetchval("select count(*) from bad_address") != len(refs):
        raise RuntimeError("not every refused address is in the list")
    return took[0], took[1]


async def notes(connection: Any, server: Postgres) -> tuple[float, float, float]:
    """The sending path with notes beside without, in turn: processor time, write-ahead log; and how many microseconds
    a mail the notes cost."""
    found: dict[bool, list[ledger_cost.Cost]] = {True: [], False: []}
    for _ in range(NOTES_ROUNDS):
        for noting, of_kind in found.items():
            await (QUERIES.note_changes if noting else QUERIES.note_no_changes)(connection)
            of_kind.append(await ledger_cost.campaign_cost(connection, server, mails=ledger_cost.MAILS))
            await QUERIES.forget_changes(connection)
    await QUERIES.note_changes(connection)
    cpu = {noting: statistics.median(cost.cpu for cost in of_kind) for noting, of_kind in found.items()}
    wal = {noting: statistics.median(cost.wal for cost in of_kind) for noting, of_kind in found.items()}
    return cpu[True] / cpu[False], wal[True] / wal[False], cpu[True] - cpu[False]


async def lags(pool: Any, deployment: Deployment, campaign_id: UUID) -> list[float]:
    """Seconds from when a group of messages was noted to when its rows are written, at RATE messages a second, with
    the job's own pause."""
    noted: list[float] = []
    stopping = asyncio.Event()
    found: list[float] = []

    async def note() -> None:
        async with pool.acquire() as connection:
            begun = time.monotonic()
            for number in range(RATE * LAG_SECONDS // GROUP):
                await asyncio.sleep(max(0.0, begun + number * GROUP / RATE - time.monotonic()))
                await QUERIES.note_again(
                    connection, campaign_id=campaign_id, first=number * GROUP % 40_000, messages=GROUP
                )
                noted.append(time.monotonic())

    async def work() -> None:
        async with pool.acquire() as connection:
            done = 0
            while not stopping.is_set() or done < len(noted):
                more = await job.keep_up(connection, deployment)
                left = await connection.fetchval("select count(*) from message_change")
                now, until = time.monotonic(), len(noted) - left
                found.extend(now - at for at in noted[done:until])
                done = max(done, until)
                if not more:
                    await asyncio.sleep(0.5)

    working = asyncio.create_task(work())
    await note()
    stopping.set()
    await working
    return found


@benchmark("finding")
async def finding(size: Size) -> list[Row]:
    """Rows, notes and lag, of a ledger of 200,000 messages."""
    mails = ledger_cost.CUSTOMERS
    with durable_postgres() as server:
        settings = read_settings(
            database_url=server.url("mail"),
            public_url="https://mail.example.com",
            default_from="hello@fabrikam.com",
            relay_url="smtp://127.0.0.1",
            secret_keys=SECRET_KEYS,
        )
        deployment = Deployment.open(settings)
        pool = await open_pool(server.url("mail"), size=2, name="bench", settings=WORKER_SETTINGS)
        async with pool:
            async with pool.acquire() as connection:
                await ledger_cost.QUERIES.make_customers(connection, customers=mails)
                bare, narrow, worded = list[float](), list[tuple[float, UUID]](), list[float]()
                for number in range(ROUNDS):  # in turn: what else the machine does disturbs all alike
                    bare.append(await bare_insert(connection))
                    narrow.append(await narrow_rows(connection, deployment, mails))
                    bare.append(await bare_insert(connection))
                    worded.append(await documents(connection, deployment, number))
                unfailed, failing = await bad_addresses(connection, deployment, narrow[-1][1])
            behind = await lags(pool, deployment, narrow[0][1])
            async with pool.acquire() as connection:
                cpu, wal, us = await notes(connection, server)
    return [
        anchored("finding-narrow", min(cost for cost, _ in narrow), unit=PER_ROW, anchor=min(bare), goal=NARROW_GOAL),
        anchored("finding-document", min(worded), unit=PER_ROW, anchor=min(bare), goal=DOCUMENT_GOAL),
        Row(name="finding-bad-address-look", value=unfailed, unit=PER_ROW, note="a message, where nothing ever failed"),
        Row(name="finding-bad-address-failed", value=failing, unit=PER_ROW, note="a message that was just refused"),
        Row(
            name="finding-lag",
            value=statistics.median(behind),
            unit="s",
            note=f"at {RATE:,} messages/s; p99 {p99(behind):.1f} s",
        ),
        _below("finding-notes-cpu", cpu, "x the sending path's without", NOTES_GOAL, f"{us:.1f} us a mail"),
        _below("finding-notes-wal", wal, "x the sending path's without", NOTES_GOAL),
    ]


def _below(name: str, value: float, unit: str, goal: float, note: str = "") -> Row:
    return Row(name=name, value=value, unit=unit, goal=goal, met=value <= goal, note=note)
