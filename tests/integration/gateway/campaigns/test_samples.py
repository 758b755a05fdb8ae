"""Samples of what mailings came to: written where something changed, thinned out with age, exact in sum."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.campaigns import lifecycle, samples
from tests.builders import insert, mailing_of, make_campaign

NOW = datetime(2026, 12, 20, 12, 34, tzinfo=UTC)


async def counted(connection: Any, mailing: int, shard: int = 0, **counts: int) -> None:
    """Adds to a mailing's counts."""
    names = ", ".join(counts)
    places = ", ".join(f"${number}" for number in range(3, 3 + len(counts)))
    added = ", ".join(f"{name} = t.{name} + excluded.{name}" for name in counts)
    await connection.execute(
        f"insert into mailing_tally as t (mailing_id, shard, {names}) values ($1, $2, {places})"  # noqa: S608 - ours
        f" on conflict (mailing_id, shard) do update set {added}",
        mailing,
        shard,
        *counts.values(),
    )


async def sampled(connection: Any, mailing: int) -> list[tuple[int, int]]:
    rows = await connection.fetch(
        "select accepted, opened from mailing_sample where mailing_id = $1 order by minute", mailing
    )
    return [(row["accepted"], row["opened"]) for row in rows]


async def test_what_changed_is_sampled_and_nothing_else(connection: Any) -> None:
    # Given a mailing that is being sent, one that is over and is read, and one of which nothing is new
    sending, read, quiet = [await mailing_of(connection, await make_campaign(connection)) for _ in range(3)]
    await connection.execute("delete from lane where mailing_id <> $1", sending)
    await connection.execute("delete from mailing_changed")
    await counted(connection, sending, shard=3, accepted=5, bounced=1)
    await counted(connection, read, shard=15, opened=2)
    # When what changed is sampled
    await samples.sample(connection)
    # Then a worker's counts are found by their lane, the others by a note, and what came back was accepted first
    assert await sampled(connection, sending) == [(6, 0)]
    assert await sampled(connection, read) == [(0, 2)]
    assert await sampled(connection, quiet) == []
    assert await connection.fetchval("select count(*) from mailing_changed") == 0
    # And again in the same minute, or when nothing changed, there is no other row for it
    before = await connection.fetchval("select count(*) from mailing_sample")
    await samples.sample(connection)
    assert await connection.fetchval("select count(*) from mailing_sample") == before


async def test_what_is_sent_just_before_a_lane_is_dropped_is_sampled(connection: Any) -> None:
    campaign = await make_campaign(connection)
    mailing = await mailing_of(connection, campaign)
    await samples.sample(connection)
    await counted(connection, mailing, shard=3, accepted=1)
    assert await lifecycle.finish(connection) == [campaign]
    assert await connection.fetchval("select count(*) from lane where mailing_id is not null") == 0
    await samples.sample(connection)
    assert await sampled(connection, mailing) == [(1, 0)]


async def test_counts_of_a_transaction_under_way_are_left_for_the_next_time(connection: Any, pool: Any) -> None:
    # Given counts that are not committed
    mailing = await mailing_of(connection, await make_campaign(connection, status="FINISHED", finished_at=NOW))
    await connection.execute("delete from lane where mailing_id is not null")
    await counted(connection, mailing, shard=15, opened=1)
    await samples.sample(connection)
    async with pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await counted(other, mailing, shard=15, opened=1)
        # When somebody samples meanwhile, it does not wait
        async with asyncio.timeout(10):
            await samples.sample(connection)
        await transaction.commit()
    # Then they are in the next sample
    await samples.sample(connection)
    assert (await sampled(connection, mailing))[-1] == (0, 2)


async def test_old_samples_are_thinned_to_hours_then_to_days(connection: Any) -> None:
    # Given a count that grew each minute of two hours: ten days ago, a hundred days ago and today
    mailing = await mailing_of(connection, await make_campaign(connection))
    nothing = dict.fromkeys(("refused", "bounced", "opened", "clicked", "unsubscribed", "decided"), 0)
    for days, offset in ((93, 0), (10, 120), (0, 240)):
        for number in range(120):
            minute = NOW.replace(minute=0) - timedelta(days=days) + timedelta(minutes=number)
            count = offset + number + 1
            await insert(connection, "mailing_sample", mailing_id=mailing, minute=minute, accepted=count, **nothing)
    # When they are thinned
    assert await samples.thin(connection, now=NOW) == 119 + 118
    # Then the last of each span stays, with all that was until then
    rows = await connection.fetch("select minute, accepted from mailing_sample order by minute limit 4")
    assert [row["accepted"] for row in rows] == [120, 180, 240, 241]
    assert await samples.thin(connection, now=NOW) == 0


async def test_a_backlog_of_samples_is_thinned_batch_by_batch(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given three hours, ten days ago, of samples that grew each minute
    monkeypatch.setattr(samples, "MAX_THINNED", 70)
    mailing = await mailing_of(connection, await make_campaign(connection))
    nothing = dict.fromkeys(("refused", "bounced", "opened", "clicked", "unsubscribed", "decided"), 0)
    for number in range(180):
        minute = NOW.replace(minute=0) - timedelta(days=10) + timedelta(minutes=number)
        await insert(connection, "mailing_sample", mailing_id=mailing, minute=minute, accepted=number + 1, **nothing)
    # When they are thinned again and again, then so many go each time, and what is left tells the hours
    assert [await samples.thin(connection, now=NOW) for _ in range(4)] == [70, 70, 37, 0]
    rows = await connection.fetch("select accepted from mailing_sample order by minute")
    assert [row["accepted"] for row in rows] == [60, 120, 180]
