"""What a relay took today, in the time zone of those who look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.database import QUERIES
from gateway.outbox.relay_limits import accepted_today


async def tally(connection: Any, quarter: datetime, accepted: int, shard: int = 0) -> None:
    await connection.execute("insert into relay_tally values ('main', $1, $2, $3)", quarter, shard, accepted)


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
async def test_a_day_begins_at_midnight_of_the_zone(connection: Any, time_zone: str) -> None:
    # Given what a relay took in the last quarter of yesterday, and in the first of today, from two workers
    today = datetime.now(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = today.astimezone(UTC)
    await tally(connection, midnight - timedelta(minutes=15), 100)
    await tally(connection, midnight, 3)
    await tally(connection, midnight, 4, shard=1)
    assert await accepted_today(connection, time_zone) == {"main": 7}


async def test_counts_are_kept_while_any_zone_has_that_day(connection: Any) -> None:
    now = datetime.now(UTC)
    for days in (1, 2, 4):
        await tally(connection, now - timedelta(days=days), 1)
    await QUERIES.forget_relay_tally(connection)
    assert await connection.fetchval("select count(*) from relay_tally") == 2
