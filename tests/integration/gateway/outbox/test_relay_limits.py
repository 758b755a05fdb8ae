"""Relays in PostgreSQL: what they took and what they may take, each limit at its edge, and what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.database import QUERIES
from gateway.errors import Refusal, RefusalCode
from gateway.mail.response import Stage
from gateway.outbox.relay_limits import accepted_today, register_relays, relay_events, relay_states, resume_relay
from gateway.outbox.retention import forget_counts
from gateway.settings import parse_relay
from tests.builders import insert


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
    await forget_counts(connection)
    assert await connection.fetchval("select count(*) from relay_tally") == 2


async def relay(connection: Any, assigned: str, name: str = "main") -> None:
    """Writes a relay, or what is assigned to it in SQL."""
    await connection.execute("insert into relay (name) values ($1) on conflict do nothing", name)
    await connection.execute(f"update relay set {assigned} where name = $1", name)  # noqa: S608 - of this test


async def seen(connection: Any, expression: str, name: str = "main") -> Any:
    return await connection.fetchval(f"select {expression} from relay where name = $1", name)  # noqa: S608 - the same


async def test_permits_are_those_of_the_rate_by_now_and_of_an_idle_hour_a_seconds(still: Any) -> None:
    async def take(wanted: int) -> int:
        granted: int = await QUERIES.take_relay_permits(still, name="main", wanted=wanted)
        return granted

    # Given ten a second, and an idle hour: those of one second, and the one that is due
    await relay(still, "min_interval = interval '0.1 s', next_permit_at = now() - interval '1 hour'")
    assert await take(100) == 11
    assert await seen(still, "next_permit_at - now()") == timedelta(seconds=0.1)
    # Then none before the next is due, and one when it is
    assert await take(100) == 0
    await relay(still, "next_permit_at = now()")
    assert await take(100) == 1
    # A new relay has one, an idle one no more than are wanted
    await relay(still, "next_permit_at = null")
    assert await take(100) == 1
    await relay(still, "next_permit_at = now() - interval '1 hour'")
    assert await take(3) == 3
    # Without a rate all that are wanted, within the day, of which more may be used than is allowed by now
    await relay(still, "min_interval = null, next_permit_at = null, per_day = 20, day = utc_today(), day_count = 15")
    assert [await take(3), await take(9), await take(1)] == [3, 2, 0]
    await relay(still, "per_day = 10")
    assert (await take(1), await seen(still, "day_count"), await seen(still, "next_permit_at")) == (0, 20, None)


async def test_permits_that_were_not_used_come_back(still: Any) -> None:
    await relay(still, "min_interval = interval '1 s', next_permit_at = now(), day = utc_today(), day_count = 5")
    for unused, left in ((3, 2), (9, 0)):
        await QUERIES.return_relay_permits(still, name="main", unused=unused, taken_ago=timedelta(0))
        assert await seen(still, "day_count") == left
    assert await seen(still, "now() - next_permit_at") == timedelta(seconds=12)


async def test_a_pause_has_steps_and_the_moment_of_its_end_is_past_it(still: Any) -> None:
    async def pause() -> Any:
        return await QUERIES.pause_relay(still, name="main", wait=timedelta(minutes=1), why="Busy.")

    async def paused() -> bool:
        [found] = await relay_states(still)
        shown = (found.paused_until is not None, found.paused_why is not None)
        assert shown == (not found.usable, not found.usable)
        return not found.usable

    await relay(still, "pause_step = 0")
    assert (await pause() is not None, await pause(), await seen(still, "pause_step")) == (True, None, 1)
    assert await paused()
    await relay(still, "paused_until = now()")
    assert not await paused()
    assert await pause() is not None
    await relay(still, "paused_until = now(), pause_step = 1000")
    await pause()
    assert await seen(still, "pause_step") == 1000
    # Mail that goes ends it, but not while it lasts
    await QUERIES.relay_works(still, name="main")
    assert await paused()
    for until in ("now()", "null"):
        await relay(still, f"paused_until = {until}, paused_why = case when {until} is not null then 'x' end")
        await relay(still, "pause_step = 1")
        await QUERIES.relay_works(still, name="main")
        assert await seen(still, "(pause_step, paused_until)") == (0, None)
    # And so does a person
    await relay(still, "pause_step = 7, stopped_at = now(), stopped_why = 'x'")
    await QUERIES.resume_relay(still, name="main")
    assert await seen(still, "(pause_step, stopped_at)") == (0, None)


async def test_a_relay_is_stopped_once(still: Any) -> None:
    await relay(still, "pause_step = 0")
    stops = [await QUERIES.stop_relay(still, name="main", why=why) for why in ("first", "second")]
    assert (stops[0] is not None, stops[1], await seen(still, "stopped_why")) == (True, None, "first")


async def test_what_is_registered_is_what_is_configured_and_a_warm_up_goes_on(still: Any) -> None:
    plain, warm = (
        parse_relay("smtp://a.example?name=plain&per_minute=30&per_day=900"),
        parse_relay("smtp://b.example?name=warm&warm_up_start=50&warm_up_factor=1.5"),
    )
    await register_relays(still, [plain, warm])
    found = {one.name: (one.per_minute, one.per_day, one.cap_today) for one in await relay_states(still)}
    assert found == {"plain": (30.0, 900, 900), "warm": (None, None, 50)}
    limits = "(warm_up_from = utc_today(), warm_up_start, warm_up_factor::float8)"
    assert await seen(still, limits, "warm") == (True, 50, 1.5)
    assert await seen(still, limits, "plain") == (None, None, None)
    # When it is registered again a day later, then it has not begun anew; without a warm-up it is forgotten
    await relay(still, "warm_up_from = warm_up_from - 1", "warm")
    await register_relays(still, [warm])
    assert await seen(still, "utc_today() - warm_up_from", "warm") == 1
    await register_relays(still, [parse_relay("smtp://b.example?name=warm")])
    assert await seen(still, "warm_up_from", "warm") is None


async def test_a_living_worker_is_noted_once_a_second(still: Any) -> None:
    for age, noted in (("0.9", False), ("1", False), ("1.5", True)):
        await relay(still, f"seen_at = now() - interval '{age} s'")
        await QUERIES.see_relays(still, names=["main"])
        assert await seen(still, "seen_at = now()") is noted


async def test_a_relays_events_are_the_newest_of_each(still: Any) -> None:
    for number in range(3):
        for name in ("main", "other"):
            await insert(still, "relay_event", relay=name, kind="PAUSED", response=f"{name} {number}")
    await insert(still, "relay_event", relay="third", kind="PAUSED", stage="RCPT", response="not asked for")
    found = await relay_events(still, "main", "other", limit=2)
    assert [one.response for one in found] == ["other 2", "main 2", "other 1", "main 1"]
    [third] = await relay_events(still, "third")
    assert (third.stage, found[0].stage) == (Stage.RCPT, None)


async def test_what_is_past_is_forgotten_when_it_says_nothing_any_more(still: Any) -> None:
    # Given counts at the edge of their time, a little before and a little after it
    await still.execute(
        "insert into lane_throughput select l.id, gen_random_uuid(), now() - age, 1 from lane l,"
        " unnest(array['9 min', '10 min', '10.5 min']::interval[]) age where l.name = 'individual'"
    )
    await still.execute(
        "insert into domain_throughput select 'x.example', gen_random_uuid(), now() - age, 1"
        " from unnest(array['2 min', '3 min', '3.5 min']::interval[]) age"
    )
    await still.execute(
        "insert into relay_tally select 'main', now() - age, 0, 1"
        " from unnest(array['2 days', '3 days', '3.5 days']::interval[]) age"
    )
    await forget_counts(still)
    # Then the oldest of each is gone
    for table in ("lane_throughput", "domain_throughput", "relay_tally"):
        assert await still.fetchval(f"select count(*) from {table}") == 2  # noqa: S608 - of this test


async def test_who_resumes_a_relay_that_is_not_there_is_told_so(still: Any) -> None:
    with pytest.raises(Refusal) as refused:
        await resume_relay(still, "nowhere", "Dana")
    assert refused.value.code is RefusalCode.NOT_FOUND
    await relay(still, "stopped_at = now(), stopped_why = 'x'")
    await resume_relay(still, "main", "Dana")
    [event] = await relay_events(still, "main")
    assert (event.kind, event.response) == ("RESUMED", "Resumed by Dana.")
