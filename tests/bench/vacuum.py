"""A week of load, compressed: what the tables look like at the end of each day, vacuumed by their own settings, beside
the same week with the server's.

A day is some mail sent, recorded, made findable, opened and clicked, by the gateway's own functions, and then as much
time as autovacuum takes for what is due. It looks once a second, where it looks once a minute else. The ledger is as
large as a hundred such days leave it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiosql
import asyncpg

from gateway.database import WORKER_SETTINGS, open_pool
from gateway.deployment import Deployment
from gateway.finding.job import keep_up
from gateway.mail.hit import HitKind
from gateway.mail.message import MessageRef
from gateway.tracking.classify import classify_due
from gateway.tracking.raw_hit import insert_hits
from service.standalone.postgres import Postgres
from tests.bench import growth
from tests.bench.end_to_end import durable_postgres
from tests.bench.finding_pages import deployment_of
from tests.bench.ledger_cost import send_all
from tests.bench.rows import SHORT, Row, Size, at_most
from tests.bench.rows import bench as benchmark
from tests.builders import make_campaign
from tests.eventually import eventually
from tests.hits import raw
from tests.servers import make_tables

QUERIES: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)

DAYS = 7
LEDGER, ALL = 100_000, 1_000_000
SHARE = 100
"""The ledger holds the mail of so many days."""
SETTLED_DAY = 3
"""By then every table has been vacuumed once: from then on nothing may rise."""
DEAD_GOAL = 0.021
"""Dead rows at the end of a day, of the living ones: a vacuum starts at a fiftieth."""
ALWAYS = 50
"""Dead rows that any table may have (`autovacuum_vacuum_threshold`)."""
SIZE_GOAL = 1.1
"""Octets a living row at the end of the week, beside those on the third day."""
HITS = ((HitKind.OPEN, None, None), (HitKind.OPEN, None, None), (HitKind.CLICK, 1, "https://shop.example/offers"))
"""Of each message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table at the end of a day."""

    live: int
    dead: int
    vacuums: int
    octets: int
    age: int

    @property
    def dead_share(self) -> float:
        """Dead rows beyond those that any table may have, of the living ones."""
        return max(0, self.dead - ALWAYS) / max(1, self.live)

    @property
    def octets_a_row(self) -> float:
        """With indexes, of a living row."""
        return self.octets / max(1, self.live)


@dataclass(kw_only=True, slots=True)
class Week:
    """A ledger, and what its tables were at the end of each day so far."""

    writing: Any
    observer: Any
    deployment: Deployment
    tables: Sequence[str]
    days: list[dict[str, Table]] = field(default_factory=list)

    async def live_a_day(self, mails: int) -> None:
        """Send, record, find, open and click; then wait until nothing is left for autovacuum to do."""
        campaign_id = await make_campaign(self.writing)
        await growth.QUERIES.queue_messages(self.writing, campaign_id=campaign_id, mails=mails)
        await send_all(self.writing, mails=mails)
        await self._find()
        rows = QUERIES.newest_messages(self.writing, messages=mails)
        refs = [MessageRef(customer_id=row["customer_id"], message_id=row["id"]) async for row in rows]
        for kind, link, url in HITS:
            for start in range(0, len(refs), growth.BATCH):
                hits = [
                    raw(ref, kind=kind, link=link, url=url, origin=uuid4().hex)
                    for ref in refs[start : start + growth.BATCH]
                ]
                await insert_hits(self.writing, hits, at=time.time())
        while await classify_due(self.writing, datetime.now(UTC) + timedelta(minutes=5)):
            pass
        await self._find()
        await growth.QUERIES.flush_statistics(self.writing)
        await eventually(self._is_vacuumed, "an end of what autovacuum has to do", seconds=300)
        self.days.append(await self._state())

    async def _find(self) -> None:
        while await keep_up(self.writing, self.deployment):
            pass

    async def _is_vacuumed(self) -> bool:
        rows = [row async for row in QUERIES.state(self.observer, tables=self.tables)]
        return all(row["dead"] <= row["starts_at"] for row in rows) and not await QUERIES.is_vacuuming(self.observer)

    async def _state(self) -> dict[str, Table]:
        return {
            row["name"]: Table(
                live=row["live"],
                dead=row["dead"],
                vacuums=row["vacuums"],
                octets=row["octets"] + row["index_octets"],
                age=row["age"],
            )
            async for row in QUERIES.state(self.observer, tables=self.tables)
        }


async def open_week(stack: AsyncExitStack, url: str, messages: int, tables: Sequence[str]) -> Week:
    """A filled ledger, vacuumed."""
    await growth.fill(url, messages)
    observer = await asyncpg.connect(url)
    stack.push_async_callback(observer.close)
    pool = await stack.enter_async_context(await open_pool(url, size=1, name="bench", settings=WORKER_SETTINGS))
    writing = await stack.enter_async_context(pool.acquire())
    deployment = deployment_of(url, "redis://127.0.0.1:1/0")
    return Week(writing=writing, observer=observer, deployment=deployment, tables=tables)


async def weeks(server: Postgres, *, messages: int, mails: int, days: int, control: bool = True) -> list[Week]:
    """The week by the tables' own settings and, in another database, with `control`, by the server's; day by day."""
    own, plain = server.url("mail"), server.url("plain")
    connection = await asyncpg.connect(own)
    tables = [row["name"] async for row in QUERIES.tables(connection)]
    await connection.close()
    async with AsyncExitStack() as stack:
        found = [await open_week(stack, own, messages, tables)]
        if control:
            make_tables(plain)
            found.append(await open_week(stack, plain, messages, tables))
            for table in tables:
                await found[1].observer.execute(f"alter table {table} reset (autovacuum_vacuum_scale_factor)")
        await QUERIES.settings_of_server(found[0].observer)
        await QUERIES.reload(found[0].observer)
        for _ in range(days):
            for week in found:
                await week.live_a_day(mails)
    return found


@benchmark("vacuum")
async def vacuum(size: Size) -> list[Row]:
    """Seven days of 1,000 mails and 3,000 hits in a ledger of 100,000 messages; ten times that with FULL=1."""
    messages = ALL if size.messages > SHORT.messages else LEDGER
    with durable_postgres() as server:
        own, plain = await weeks(server, messages=messages, mails=messages // SHARE, days=DAYS)
    return [row for table in own.tables for row in rows(table, own.days, plain.days)]


def rows(table: str, own: Sequence[dict[str, Table]], plain: Sequence[dict[str, Table]]) -> list[Row]:
    """Dead rows and octets of a table, from day to day."""
    after = [day[table] for day in own[SETTLED_DAY - 1 :]]
    shown = ", ".join(f"{day[table].dead_share:.3f}" for day in own)
    beside = ", ".join(f"{day[table].dead_share:.3f}" for day in plain)
    dead = max(day.dead_share for day in after)
    last = after[-1]
    grown = last.octets_a_row / after[0].octets_a_row
    without = plain[-1][table].octets_a_row / plain[SETTLED_DAY - 1][table].octets_a_row
    return [
        Row(
            name=f"vacuum-{table}-dead",
            value=dead,
            unit="dead rows a living one",
            ceiling=plain[-1][table].dead_share,
            goal=DEAD_GOAL,
            met=dead <= DEAD_GOAL,
            note=f"day by day {shown}; by the server's settings {beside}; {last.vacuums} vacuums; oldest row of"
            f" {last.age:,} transactions",
        ),
        at_most(
            f"vacuum-{table}-octets",
            last.octets_a_row,
            unit="octets a living row",
            ceiling=after[0].octets_a_row,
            goal=SIZE_GOAL,
            note=f"ceiling: on day {SETTLED_DAY}; {grown:.3f}, by the server's settings {without:.3f}",
        ),
    ]
