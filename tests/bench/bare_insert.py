"""The anchor of goals in processor time a row: what this machine needs to insert rows into a table with three b-trees.

Processor time is a machine's own. Where the goals of 25, 90 and 4 us were made, such an insert took 4: they are
multiples of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.database import Connection
from tests.bench.rows import Row, at_most

ANCHOR_THEN = 4.0
"""Microseconds of a backend's processor time a row, on the machine of the goals."""
BATCH, BATCHES = 2_000, 10
"""Rows of a statement, as the job writes them; statements of one round."""

TABLE = """
create table if not exists bare_row (
    id uuid primary key, customer_id bigint not null, slice integer not null, mailing_id integer, domain_no integer,
    address_hash bigint, sender_no integer, relay_no integer, status email_status not null, tracked boolean not null,
    took_ms bigint) with (fillfactor = 90);
create index if not exists bare_row_of_mailing on bare_row (mailing_id, id);
create index if not exists bare_row_of_domain on bare_row (domain_no, id);
truncate bare_row;
"""
INSERT = """
insert into bare_row (id, customer_id, slice, mailing_id, domain_no, address_hash, sender_no, relay_no, status, tracked,
                      took_ms)
select uuidv7(), n, 1, 7, 1 + n % 200, n * 7919, 1, 2, 'ACCEPTED', true, 40 from generate_series(1, $1::integer) n
"""


def backend_seconds(process: int) -> float:
    """Processor time of one server process."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


async def bare_insert(connection: Connection | Any) -> float:
    """Microseconds a row of one round, into the empty table."""
    await connection.execute(TABLE)
    process = await connection.fetchval("select pg_backend_pid()")
    begun = backend_seconds(process)
    for _ in range(BATCHES):
        await connection.execute(INSERT, BATCH)
    return 1e6 * (backend_seconds(process) - begun) / (BATCH * BATCHES)


def anchored(name: str, value: float, *, unit: str, anchor: float, goal: float, note: str = "") -> Row:
    """Returns a row whose goal, in microseconds of the machine where it was made, is a multiple of the anchor."""
    of = f"{goal:g} where a bare insert takes {ANCHOR_THEN:g}; it takes {anchor:.1f} here"
    said = f"{of}; {note}" if note else of
    return at_most(name, value, unit=unit, ceiling=anchor, goal=goal / ANCHOR_THEN, note=said)
