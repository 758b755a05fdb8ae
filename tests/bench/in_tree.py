"""What runs in the tree that is measured, which may be that of an older commit: its ledger, its sender alone.

    python -P <this file> ledger CUSTOMERS       with the tree as PYTHONPATH and as the directory
    python -P <this file> send PORT MESSAGES

Of that tree's own code nothing is named but what is imported here: keep those names, or no commit before the change
can be compared with one after it. A ledger prints a line of JSON when it is ready, then answers each line with one
(`_Ledger`), and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from gateway.campaigns import expansion
from gateway.database import WORKER_SETTINGS, open_pool
from gateway.deployment import Deployment
from gateway.settings import read_settings
from service.standalone.postgres import Postgres
from tests.bench import end_to_end
from tests.bench.sending import sender_rate

FINDING_LOCK = 0x66696E64
"""Of the job that writes search rows, as of the first commit that has it."""
RECORDED_SECONDS = 30.0
"""From the last mail that the server took to its record: some milliseconds, when nothing is wrong."""


class _Ledger:
    """One method an order: `{"order": "campaign", ...}`."""

    def __init__(self, pool: asyncpg.Pool[Any], deployment: Deployment) -> None:
        self._pool = pool
        self._deployment = deployment
        self._campaigns = 0
        self._holding: asyncpg.Connection[Any] | None = None

    async def campaign(self, *, count: int, tracked: bool, page: str) -> str:
        """Make a campaign with all its messages, due now; returns its id. All trees send the same page."""
        self._campaigns += 1
        end_to_end.PAGE = page
        async with self._pool.acquire() as connection:
            campaign_id = await end_to_end.make_campaign(connection, count, self._campaigns)
            await connection.execute("update campaign set tracked = $2 where id = $1", campaign_id, tracked)
            while await expansion.make_messages(connection, self._deployment, look_ahead=10**9):
                pass
            await connection.execute("vacuum analyze outbox")
            await connection.execute("checkpoint")
        return str(campaign_id)

    async def search_rows(self, *, written: bool) -> bool:
        """Have the job that writes search rows do its work from now on, or nothing at all; what it has left is gone."""
        if self._holding is None:
            self._holding = await asyncpg.connect(os.environ["DATABASE_URL"])
        await self._holding.execute("select pg_advisory_unlock_all()")
        if not written:
            await self._holding.execute("select pg_advisory_lock($1)", FINDING_LOCK)
        if await self._holding.fetchval("select to_regclass('message_change') is not null"):
            await self._holding.execute("delete from message_change")
        if await self._holding.fetchval("select to_regclass('domain_month_progress') is not null"):
            # The job beside it would wait for the lock.
            await self._holding.execute("update domain_month_progress set day = now()")
        return written

    async def recorded(self, *, campaign: str, count: int) -> int:
        """Wait until so many are recorded as accepted, at most `RECORDED_SECONDS`; returns how many are."""
        accepted = 0
        for _ in range(int(RECORDED_SECONDS / 0.05)):
            accepted = await self._pool.fetchval(
                "select coalesce(sum(t.accepted), 0)::bigint"
                " from mailing_tally t join mailing g on g.id = t.mailing_id where g.campaign_id = $1",
                UUID(campaign),
            )
            if accepted >= count:
                break
            await asyncio.sleep(0.05)
        return accepted

    async def wal(self) -> int:
        """Returns the bytes of write-ahead log written so far."""
        return int(await self._pool.fetchval("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))


async def keep_ledger(server: Postgres, customers: int) -> None:
    """Carry out orders until the standard input ends."""
    url = server.url("mail")
    os.environ["DATABASE_URL"] = url
    deployment = Deployment.open(read_settings())
    async with await open_pool(url, size=2, name="bench", settings=WORKER_SETTINGS) as pool:
        async with pool.acquire() as connection:
            await end_to_end.make_audience(connection, customers)
        ledger = _Ledger(pool, deployment)
        process = server.process
        print(json.dumps({"postgres": process.pid if process else 0, "url": url}), flush=True)
        for line in sys.stdin:
            arguments = json.loads(line)
            order = getattr(ledger, arguments.pop("order"))
            print(json.dumps(await order(**arguments)), flush=True)


def main(arguments: list[str]) -> None:
    """Run one of the two."""
    if arguments[0] == "send":
        uvloop.run(sender_rate(int(arguments[1]), int(arguments[2])))
    else:
        with end_to_end.durable_postgres() as server:
            uvloop.run(keep_ledger(server, int(arguments[1])))


if __name__ == "__main__":
    main(sys.argv[1:])
