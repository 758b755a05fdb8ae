"""Documents that were never asked before, compared with one that is asked again and again: CPU, latency, memory.

A document is the history query written anew: its fields in another order, some left out and others asked for instead,
some under an alias, some by a fragment, the id in its text or in a variable, a name, comments and blanks of its own.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator

import asyncpg
import psutil

from tests.bench.history import (
    QUERY,
    Load,
    customers_of,
    fill,
    make_token,
    servers,
    service_environment,
    serving,
)
from tests.bench.rows import FULL, Row, Size, at_most, bench
from tests.launching import free_port

ROUNDS = 3
"""Repeated and distinct documents are measured in turn, so that other load on the machine affects both."""
FIELDS = {
    "sent": [
        *("campaignTitle", "subject", "sentAt", "openedAt", "colorHint", "message { id }"),
        *("id", "occurredAt", "campaign { id title }", "info { status }", "message { id subject }"),
    ],
    "clicks": ["clickedAt", "url", "campaignTitle", "subject", "id", "verdict", "reasons", "message { id }"],
    "connectionNotes": [
        *("occurredAt", "direction", "connectionType", "title", "openedAt", "colorHint", "message { id }"),
        *("info { colorHint status }", "id", "sourceType", "info { from to sentAt }", "message { status }"),
    ],
}
"""What may be asked of a row, first what the repeated document asks: new ones ask for as many."""
ASKED = {"sent": 6, "clicks": 4, "connectionNotes": 8}
ROW = {"sent": "SentEmail", "clicks": "LinkClick", "connectionNotes": "ConnectionNote"}


def document(order: random.Random, customer: int) -> tuple[str, dict[str, str]]:
    """Returns a document like no other, and its variables."""
    lists = [_list(order, name) for name in order.sample(sorted(FIELDS), 3)]
    blank = order.choice([" ", "\n  ", "  ", "\n# history\n"])
    body = blank.join(written for written, _ in lists)
    name, given = f"History{order.randrange(10**9)}", f"Customer_{customer}"
    head, variables = f"query {name}($id: ID!) {{ customer(id: $id)", {"id": given}
    if order.randrange(2):
        head, variables = f'query {name} {{ customer(id: "{given}")', {}
    fragments = " ".join(fragment for _, fragment in lists)
    return f"{head} {{ id name emails {{{blank}{body} }} }} }} {fragments}", variables


def _list(order: random.Random, name: str) -> tuple[str, str]:
    """One list, and the fragment that it uses, if any."""
    usual, other = FIELDS[name][: ASKED[name]], FIELDS[name][ASKED[name] :]
    left_out = order.randrange(3)
    fields = order.sample(usual, len(usual) - left_out) + order.sample(other, left_out)
    fields = [
        f"{order.choice('abc')}{number}: {one}" if order.randrange(5) == 0 else one for number, one in enumerate(fields)
    ]
    node, fragment = " ".join(fields), ""
    if order.randrange(3) == 0:
        fragment = f"fragment {name.title()}{order.randrange(1000)} on {ROW[name]} {{ {node} }}"
        node = f"...{fragment.split()[1]}"
    after = order.choice(["", "", f'after: "{"f" * 32}", '])
    return (
        f"{name}({after}first: 50) {{ edges {{ cursor node {{ {node} }} }} pageInfo {{ hasNextPage endCursor }} }}",
        fragment,
    )


class Measured:
    """CPU used, in microseconds a request, by the service and by PostgreSQL with all its processes."""

    def __init__(self, service: psutil.Process, postgres: psutil.Process) -> None:
        self._service = service
        self._postgres = postgres

    def used(self) -> tuple[float, float]:
        """Returns the seconds of both so far. A process that ended counts in PostgreSQL's first."""
        postmaster = self._postgres.cpu_times()
        database = postmaster.user + postmaster.system + postmaster.children_user + postmaster.children_system
        for process in self._postgres.children(recursive=True):
            times = process.cpu_times()
            database += times.user + times.system
        service = self._service.cpu_times()
        return service.user + service.system, database


async def postmaster(database: str) -> psutil.Process:
    """Returns PostgreSQL's first process."""
    connection = await asyncpg.connect(database)
    parent = psutil.Process(await connection.fetchval("select pg_backend_pid()")).parent()
    await connection.close()
    if parent is None:
        raise RuntimeError("PostgreSQL does not run on this machine")
    return parent


@bench("distinct")
async def distinct(size: Size) -> list[Row]:
    """All rows of documents never asked before, on one ledger."""
    with servers() as (database, redis):
        _, busy, _ = await fill(database, size)
        token, port = await make_token(database), free_port()
        # A machine that is busy with other work delays the first plans; a refusal would end the measurement.
        environment = service_environment(database, redis, port) | {"POOL_WAIT_SECONDS": "60"}
        async with serving(["-m", "service"], environment, port) as service:
            return await compared(size, Load(port, token), busy, Measured(service, await postmaster(database)), service)


async def compared(size: Size, load: Load, busy: list[int], cpu: Measured, service: psutil.Process) -> list[Row]:
    """The rows: CPU in turn, latency, and memory after very many documents."""
    await load.open()
    customers, order = customers_of(busy), random.Random(2)

    def repeated() -> bytes:
        return load.query(QUERY, id=f"Customer_{next(customers)}")

    def new() -> bytes:
        text, variables = document(order, next(customers))
        return load.query(text, **variables)

    await load.run(2_000, repeated)
    await load.run(500, new)
    warm = service.memory_info().rss / 2**20
    rounds = [(await _round(load, cpu, 2_000, repeated), await _round(load, cpu, 2_000, new)) for _ in range(ROUNDS)]
    many = 100_000 if size is FULL else 20_000
    await load.run(many, new)
    after = service.memory_info().rss / 2**20
    load.close()
    return list(_rows(rounds, warm, after, many))


Round = tuple[float, float, float]
"""Microseconds of the service and of PostgreSQL a request, and p99 in ms."""


async def _round(load: Load, cpu: Measured, requests: int, request: Callable[[], bytes]) -> Round:
    before = cpu.used()
    times = await load.run(requests, request)
    after = cpu.used()
    service, database = ((later - earlier) / requests * 1e6 for later, earlier in zip(after, before, strict=True))
    return service, database, statistics.quantiles(times, n=100)[98] * 1000


def _rows(rounds: list[tuple[Round, Round]], warm: float, after: float, many: int) -> Iterator[Row]:
    note = f"ceiling: one document repeated; median of {ROUNDS} rounds in turn; the ratio is to stay below the goal"
    for place, name, unit, goal in ((0, "service", "us CPU", 3.0), (1, "database", "us CPU", 2.0)):
        new, repeated = (statistics.median(one[which][place] for one in rounds) for which in (1, 0))
        yield at_most(f"distinct.{name}", new, unit=unit, ceiling=repeated, goal=goal, note=note)
    new, repeated = (statistics.median(one[which][2] for one in rounds) for which in (1, 0))
    yield Row(
        name="distinct.p99",
        value=new,
        unit="ms p99",
        ceiling=repeated,
        ratio=new / repeated,
        note="at 32 connections, the client on the same processors; ceiling: one document repeated",
    )
    note = f"after {many:,} distinct documents; ceiling: after the first 500; the ratio is to stay below the goal"
    yield at_most("distinct.memory", after, unit="MiB", ceiling=warm, goal=1.1, note=note)
