"""Days of figures by domain go into their months once, in steps of any size, and so does what changes in them later."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.finding import months
from gateway.finding.job import FINDING_LOCK
from tests.eventually import eventually
from tests.statistics import add_day, months_amiss

FIGURES = "sent, accepted, deferred, refused, bounced, complained, opened, clicked, received, times"
DAYS = f"""
insert into domain_statistics (day, domain_no, cause, {FIGURES})
select (now() at time zone 'UTC')::date - d, nullif(n, 0), c, 1, 1, 0, 0, 0, 0, 0, 0, 0, array[256 * (1 + d) + n]
from generate_series(0, 3) d, generate_series(0, 4) n, unnest(array[null, 'POLICY']::cause[]) c
"""  # noqa: S608 - names of this file's own
ADDED = "select coalesce(sum(sent), 0)::int from domain_month_statistics"


async def test_a_day_is_added_when_it_has_been_over_for_a_day(connection: Any) -> None:
    # Given ten rows of each of four days
    await connection.execute(DAYS)
    # When days are added until there is no more to do
    while await add_day(connection):
        pass
    # Then those of today and yesterday wait, and nothing is added twice
    assert await connection.fetchval(ADDED) == 20
    assert not await add_day(connection)
    assert await months_amiss(connection) == []


@pytest.mark.parametrize("width", [1, 2, 3, 100])
async def test_what_changes_later_goes_into_the_month_wherever_the_job_stands(connection: Any, width: int) -> None:
    # Given days of which the job has added some domains
    await connection.execute(DAYS)
    seen = []
    # When figures of every row change between its steps: more, less, and other times
    while await add_day(connection, width=width):
        await connection.execute(
            "update domain_statistics"
            " set opened = opened + 1, accepted = accepted - 1, times = times || array[-256 + 3]::bigint[]"
        )
        # Then months are what was added of their days, at each step
        assert await months_amiss(connection) == []
        seen.append(await connection.fetchval(ADDED))
    assert seen == sorted(seen)
    assert seen[-1] == 20
    # And rows that days did not have, as of mail from before an upgrade, are in it
    await connection.execute(
        f"insert into domain_statistics (day, domain_no, {FIGURES})"  # noqa: S608 - names of this file's own
        " select '2001-02-03', n, 1, 0, 0, 0, 0, 0, 0, 0, 0, '{}' from unnest(array[null, 7]) n"
    )
    assert await connection.fetchval(ADDED) == 22
    assert await months_amiss(connection) == []


async def test_a_clock_that_was_wrong_loses_nothing(connection: Any) -> None:
    # Given days that were added by a clock forty days ahead
    await connection.execute("update domain_month_progress set day = (now() at time zone 'UTC')::date + 40")
    # When figures of the present are booked by one that is right
    await connection.execute(DAYS)
    await connection.execute("update domain_statistics set opened = opened + 1")
    # Then they are in their months
    assert await connection.fetchval(ADDED) == 40
    assert await months_amiss(connection) == []


async def test_days_wait_until_mail_from_before_has_come_in(connection: Any) -> None:
    # Given an upgrade of a ledger whose mail is still coming in, of any day
    await connection.execute(DAYS)
    await connection.execute("insert into search_backfill (customer_id, message_id) values (0, uuidv7())")
    assert not await add_day(connection)
    # When all of it has, Then days are added, once
    await connection.execute("delete from search_backfill")
    assert await add_day(connection)
    assert await months_amiss(connection) == []


async def test_a_day_is_added_when_a_worker_that_books_is_done(connection: Any, pool: Any) -> None:
    # Given days to add, and a worker under way with figures
    await connection.execute(DAYS)
    async with pool.acquire() as other, pool.acquire() as observer:
        async with other.transaction():
            await other.execute("select pg_advisory_xact_lock($1)", FINDING_LOCK)
            adding = asyncio.create_task(add_day(connection))
            # When the job comes to it, Then it waits
            waiting = (
                "select exists (select from pg_locks where not granted and database = (select oid from pg_database"
            )
            waiting += " where datname = current_database()))"
            await eventually(lambda: observer.fetchval(waiting))
            assert await observer.fetchval(ADDED) == 0
        # And goes on
        assert await adding
        assert await months_amiss(observer) == []


async def test_after_a_step_of_any_worker_the_search_job_has_its_time(connection: Any, pool: Any) -> None:
    # Given many days to add, and several workers that come to it at once
    await connection.execute(DAYS)
    async with pool.acquire() as one, pool.acquire() as other:
        done = await asyncio.gather(*(months.add_day(worker, width=1) for worker in (connection, one, other)))
    # Then one of them adds, and the others leave it for later
    assert sorted(done) == [False, False, True]
    assert not await months.add_day(connection, width=1)
    # When the time is over, also by a clock that was set back, then the next one adds
    for shift in ("- interval '1 minute'", "+ interval '1 day'"):
        await connection.execute(f"update domain_month_progress set added_at = now() {shift}")  # noqa: S608 - names of this file's own
        assert await months.add_day(connection, width=1)
