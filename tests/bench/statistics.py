"""Figures of mail over time: what booking costs a search row, and what a year costs to read beside a look-up by key.

The year is booked by the gateway's own statement. Domains are drawn as people have them: a few large ones, and a long
tail (Zipf, 30,000 of them).
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import aiosql
import asyncpg

from gateway.database import WORKER_SETTINGS, open_pool
from gateway.finding.booking import FACTS, Booking, Facts, book
from gateway.finding.projection import SearchRow, insert_rows
from service.database import PoolOptions, Statement, open_pools
from service.graph.statistics import AS_KEPT, BY_DOMAIN, BY_MAIL, MAX_DOMAINS, MAX_ROWS
from service.graph.statistics_spans import Span, day_spans, total_spans
from tests.bench.bare_insert import anchored, backend_seconds, bare_insert
from tests.bench.end_to_end import durable_postgres
from tests.bench.rows import SHORT, Row, Size, at_most
from tests.bench.rows import bench as benchmark
from tests.statistics import add_day

STATEMENTS: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)
BATCH = 2_000
BATCHES = 25
"""Of each kind, in turn."""
DOMAINS = 30_000
MESSAGES, ALL_MESSAGES = 1_000_000, 10_000_000
BOOKING_GOAL = 4.0
"""Microseconds of database CPU a search row."""
YEAR_GOAL = 10.0
LOOKS = 60
WARM = 3
SETTLED = 6
"""PostgreSQL plans a statement five times anew before it keeps a plan."""
DAY = timedelta(days=1)
YEAR = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def search_rows(chance: random.Random, mailing_id: int, keys: Sequence[tuple[int, UUID]]) -> list[SearchRow]:
    """Campaign mail and some that failed, as the job writes them, without words."""
    rows = []
    for customer_id, message_id in keys:
        campaign, failed = chance.random() < 0.95, chance.random() < 0.03
        took = None if failed else int(chance.lognormvariate(8, 0.3))
        facts = Facts(
            mailing_id=mailing_id if campaign else None,
            domain_no=int(DOMAINS ** chance.random()),
            sender_no=1,
            relay_no=chance.choice((2, 3)),
            source_type="CAMPAIGN" if campaign else "WORK_ORDER",
            direction="SENT",
            status="REFUSED" if failed else "ACCEPTED",
            cause=chance.choice(("BAD_ADDRESS", "POLICY", "MAILBOX_FULL")) if failed else None,
            tracked=True,
            opened=False,
            clicked=False,
            complained=False,
            deferrals=int(chance.random() < 0.05),
        )
        rows.append(
            SearchRow(
                id=message_id,
                customer_id=customer_id,
                address_hash=chance.getrandbits(62),
                took_ms=took,
                bucket=None if took is None else min(255, int(math.log(max(took, 1)) / math.log(1.1))),
                words=None,
                facts=facts,
            )
        )
    return rows


async def measure_booking(connection: Any, pid: int) -> tuple[float, float]:
    """Microseconds of database CPU a row: its search row, and what is booked of it."""
    chance, written, booked = random.Random(1), 0.0, 0.0
    mailing_id = await STATEMENTS.make_campaigns(connection, campaigns=1)
    customers = [row["id"] async for row in STATEMENTS.make_customers(connection, rows=BATCH)]
    for number in range(BATCHES + WARM):
        ids = [row["id"] async for row in STATEMENTS.new_ids(connection, rows=BATCH)]
        rows, booking = search_rows(chance, mailing_id, list(zip(customers, ids, strict=True))), Booking()
        before = backend_seconds(pid)
        await insert_rows(connection, rows, booking)
        between = backend_seconds(pid)
        await book(connection, booking)
        if number >= WARM:
            written += between - before
            booked += backend_seconds(pid) - between
    return written * 1e6 / BATCH / BATCHES, booked * 1e6 / BATCH / BATCHES


async def book_year(connection: Any, messages: int) -> None:
    """Books a year of mail, five days at a time, as the job does."""
    first = await STATEMENTS.make_campaigns(connection, campaigns=302)
    begin = YEAR[0]
    for _ in range(73):
        end = begin + 5 * DAY
        booking = Booking()
        async for row in STATEMENTS.written_mail(
            connection, first_mailing=first, year=YEAR[0], rows=messages // 73, since=begin, until=end
        ):
            booking.add(row["id"], Facts(**{name: row[name] for name in FACTS}), row["bucket"])
        await book(connection, booking)
        begin = end
    while await add_day(connection):
        pass
    await connection.execute("vacuum analyze mail_statistics, domain_statistics, domain_month_statistics")
    await connection.execute("vacuum analyze message_search")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of a year: by what, of which rollup; `goal` is a multiple of a look-up by key."""

    name: str
    rollup: str = "mail"
    spans: Sequence[Span] = ()
    by: tuple[str, ...] = ()
    sources: tuple[str, ...] | None = None
    goal: float | None = YEAR_GOAL

    @property
    def statement(self) -> Statement:
        """The service's, as it chooses."""
        if self.rollup == "domain":
            return BY_DOMAIN
        return AS_KEPT if self.rollup == "all" and len(self.spans) == 1 else BY_MAIL

    def values(self, *, timed: bool) -> dict[str, Any]:
        """The parameters of the statement."""
        if self.statement is AS_KEPT:
            [span] = self.spans
            return {
                "span": span.length, "since": span.since, "until": span.until, "timed": timed, "rows": MAX_ROWS + 1
            }  # fmt: skip
        if self.rollup == "domain":
            return {
                "since": YEAR[0].date(), "until": YEAR[1].date(), "by_time": False, "by_domain": True,
                "by_cause": False, "names": None, "domains": MAX_DOMAINS, "timed": timed, "rows": MAX_ROWS + 1,
            }  # fmt: skip
        kinds = ("time", "source", "cause", "relay", "sender", "campaign")
        return {f"by_{kind}": kind in self.by for kind in kinds} | {
            "rollups": [self.rollup] * len(self.spans), "spans": [span.length for span in self.spans],
            "labels": [span.label for span in self.spans], "froms": [span.since for span in self.spans],
            "untils": [span.until for span in self.spans], "source_types": self.sources, "campaign_ids": None,
            "relays": None, "senders": None, "timed": timed, "rows": MAX_ROWS + 1,
        }  # fmt: skip


TOTAL = total_spans(*YEAR)
BERLIN = day_spans(*YEAR, ZoneInfo("Europe/Berlin"))
QUESTIONS = [
    Question(name="day", rollup="all", spans=day_spans(*YEAR, ZoneInfo("UTC")), by=("time",)),
    Question(
        name="day-berlin", rollup="all", spans=day_spans(*YEAR, ZoneInfo("Europe/Berlin")), by=("time",), goal=None
    ),
    *(Question(name=name, rollup=name, spans=TOTAL, by=(name,)) for name in ("cause", "source", "relay", "sender")),
    Question(name="campaign", rollup="campaign", spans=TOTAL, by=("campaign",), goal=None),
    Question(name="relay-of-source", spans=TOTAL, by=("relay",), sources=("CAMPAIGN",), goal=None),
    Question(name="domain", rollup="domain", goal=None),
]


async def in_turn(connection: Any, looks: int, *questions: tuple[str, Sequence[Any]]) -> list[float]:
    """The medians of how long statements take, in seconds as their client sees them; asked in turn, once PostgreSQL has
    settled on a plan."""
    found: list[list[float]] = [[] for _ in questions]
    prepared = [(await connection.prepare(sql), values) for sql, values in questions]
    for number in range(looks + SETTLED):
        for place, (wanted, values) in enumerate(prepared):
            begun = time.perf_counter()
            await wanted.fetch(*values)
            if number >= SETTLED:
                found[place].append(time.perf_counter() - begun)
    return [statistics.median(one) for one in found]


async def measure_year(connection: Any) -> list[Row]:
    """Each question without and with times, beside a look-up of the same run."""
    [row] = [row async for row in STATEMENTS.some_keys(connection, rows=1)]
    look_up = (STATEMENTS.look_up.sql, [row["id"]])
    rows = []
    for question in QUESTIONS:
        wanted = question.statement
        for timed in (False, True):
            values = question.values(timed=timed)
            asked = (wanted.sql, [values[name] for name in wanted.parameters])
            looks = 3 if wanted is BY_DOMAIN else LOOKS
            try:
                key, took = await in_turn(connection, looks, look_up, asked)
            except asyncpg.QueryCanceledError:
                name = f"statistics-{question.name}{'-times' if timed else ''}"
                rows.append(Row(name=name, value=math.inf, unit="ms", note="a year is refused: it takes too long"))
                continue
            rows.append(_row(f"statistics-{question.name}{'-times' if timed else ''}", took, key, question.goal))
    return rows


def _row(name: str, took: float, key: float, goal: float | None) -> Row:
    note = "a year, against a search row by its key"
    if goal is None:
        return Row(name=name, value=took * 1e3, unit="ms", ceiling=key * 1e3, ratio=took / key, note=note)
    return at_most(name, took * 1e3, unit="ms", ceiling=key * 1e3, goal=goal, note=note)


@benchmark("statistics")
async def statistics_rows(size: Size) -> list[Row]:
    """Booking, then a year of a million mails (ten with FULL=1)."""
    messages = ALL_MESSAGES if size.messages > SHORT.messages else MESSAGES
    with durable_postgres() as server:
        pool = await open_pool(server.url("mail"), size=1, name="bench", settings=WORKER_SETTINGS)
        async with pool.acquire() as connection:
            # Senders, templates and relays are numbers here: nothing looks behind them.
            await connection.execute("set session_replication_role = replica; set synchronous_commit = off")
            bare = [await bare_insert(connection)]
            plain, booked = await measure_booking(connection, connection.get_server_pid())
            bare.append(await bare_insert(connection))
            await book_year(connection, messages)
            sizes = await STATEMENTS.sizes(connection)
        await pool.close()
        pools = await open_pools(server.url("mail"), PoolOptions(size=1))
        async with pools.reading_connection() as reading:
            year = await measure_year(reading)
        await pools.close()
    note = f"its search row costs {plain:.1f}; {sizes}"
    return [
        anchored("statistics-booking", booked, unit="us a row", anchor=min(bare), goal=BOOKING_GOAL, note=note),
        *year,
    ]
