"""What a mail and a hit take on the disk, by table, with their indexes and the room that rows are left to change in.

A worker of its own sends a campaign, then single mails, to our sink; opens go through the recorder and are classified.
Sizes are read after a VACUUM, so that room which is used again is counted once.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiosql
import asyncpg

from gateway.mail.hit import HitKind
from gateway.mail.message import MessageRef
from gateway.outbox.enqueue import SendRequest, enqueue
from gateway.tracking.buffer import HitBuffer
from gateway.tracking.classify import classify_due
from gateway.tracking.recorder import HitRecorder
from service.standalone.process_guard import spawn
from tests.bench.campaigns import Bench, ledger
from tests.bench.end_to_end import durable_postgres
from tests.bench.rows import SHORT, Row, Size
from tests.bench.rows import bench as benchmark
from tests.bench.sink import own_sink
from tests.bench.trees import gateway_environment
from tests.engine import CARD
from tests.eventually import eventually
from tests.hits import raw

QUERIES: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)

MAILS, ALL_MAILS = 20_000, 200_000
SINGLE = 2_000
_SECONDS = 1800.0
"""For a step, on a busy machine."""

Sizes = Counter[str]


async def sizes(url: str) -> Sizes:
    """The octets of each table by its name, vacuumed."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("vacuum")
        return Counter({row["name"]: row["octets"] async for row in QUERIES.sizes(connection)})
    finally:
        await connection.close()


async def send_campaign(bench: Bench) -> None:
    """To everybody, until nothing is left to do."""
    async with bench.pool.acquire() as connection:
        await bench.launch(connection, await bench.draft(connection, "all of it"))
    await settled(bench)


async def send_single(bench: Bench) -> None:
    """Card mails, one to each of some customers."""
    async with bench.pool.acquire() as connection:
        for row in [row async for row in QUERIES.refs(connection, limit=SINGLE)]:
            request = SendRequest(
                customer_id=row["customer_id"], letter=CARD, idempotency_key=uuid4().hex, actor="bench"
            )
            await enqueue(connection, request, bench.deployment)
    await settled(bench)


async def open_all(bench: Bench) -> None:
    """Each mail of the campaign is opened once."""
    recorder = HitRecorder(bench.pool, HitBuffer("redis://127.0.0.1:1/0"))
    recorder.start()
    async with bench.pool.acquire() as connection:
        for row in [row async for row in QUERIES.refs(connection, limit=bench.customers)]:
            ref = MessageRef(customer_id=row["customer_id"], message_id=row["id"])
            # The keyed hash of an address, as ORIGIN_PRIVACY keeps it by default.
            recorder.add(raw(ref, kind=HitKind.OPEN, link=None, url=None, origin=uuid4().hex))
        await recorder.close()
        later = datetime.now(UTC) + timedelta(minutes=5)
        while await classify_due(connection, later):
            pass
    await settled(bench)


async def settled(bench: Bench) -> None:
    """Waits until nothing is left to do."""

    async def done() -> bool:
        return not await QUERIES.undone(bench.pool)

    await eventually(done, "everything sent and made findable", seconds=_SECONDS)


def row(name: str, before: Sizes, after: Sizes, count: int) -> Row:
    """What one of `count` has taken, and by which tables most."""
    grown = Counter({table: (after[table] - before[table]) / count for table in after})
    most = ", ".join(f"{table} {octets:,.0f}" for table, octets in grown.most_common(6) if octets >= 1)
    return Row(name=f"disk-{name}", value=sum(grown.values()), unit="octets", note=f"{count:,}: {most}")


@benchmark("disk")
async def disk(size: Size) -> list[Row]:
    """A campaign of 20,000 mails (200,000 with FULL=1), 2,000 single ones, and an open each."""
    mails = ALL_MAILS if size.messages > SHORT.messages else MAILS
    steps: dict[str, tuple[Callable[[Bench], Any], int]] = {
        "campaign-mail": (send_campaign, mails),
        "single-mail": (send_single, SINGLE),
        "open": (open_all, mails),
    }
    with own_sink() as sink, durable_postgres() as server, tempfile.TemporaryFile() as log:
        url = server.url("mail")
        os.environ |= gateway_environment(sink)
        async with ledger(url, mails) as bench:
            environment = {**os.environ, "DATABASE_URL": url}
            with spawn([sys.executable, "-m", "gateway"], stop_signal=signal.SIGKILL, environment=environment,
                       output=log) as worker:  # fmt: skip
                rows, before = [], await sizes(url)
                for name, (step, count) in steps.items():
                    await step(bench)
                    after = await sizes(url)
                    rows.append(row(name, before, after, count))
                    before = after
                worker.kill()
    return rows
