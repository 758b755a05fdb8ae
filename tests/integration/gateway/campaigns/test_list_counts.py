"""Criteria counted and sampled within bounds, and the counts that dynamic lists keep."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.campaigns import list_counts, lists
from gateway.campaigns.counts import Count, CountPrecision
from gateway.campaigns.criteria import Criteria, Json, read_criteria
from gateway.campaigns.list_counts import Found, evaluate, recount
from gateway.campaigns.lists import NewList
from gateway.errors import Refusal, RefusalCode

EVEN: Json = {"allOf": [{"anyOf": [{"tag": {"isOneOf": ["even"]}}]}]}
SOON = 0.05
"""Seconds: a statement that waits for a lock is given up after so long."""


async def make_many(connection: Any, count: int) -> list[int]:
    """So many customers, every second with a tag."""
    rows = await connection.fetch(
        "insert into customer (external_ref, name, tags)"
        " select 'N-' || n, 'Customer ' || n, case when n % 2 = 0 then array['even'] else '{}' end"
        " from generate_series(1, $1::integer) n returning id",
        count,
    )
    return [row["id"] for row in rows]


async def test_up_to_ten_thousand_are_counted_exactly(connection: Any) -> None:
    customers = await make_many(connection, 2 * list_counts.MAX_COUNTED)
    found = await evaluate(connection, read_criteria(EVEN))
    assert found.count == Count(value=list_counts.MAX_COUNTED, precision=CountPrecision.EXACT)
    # And some of them are shown, the newest
    assert found.sample == tuple(reversed(customers[1::2]))[: list_counts.SAMPLE]


async def test_beyond_that_the_number_is_estimated(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given more customers than are counted, in more blocks than an estimate reads
    monkeypatch.setattr(list_counts, "MAX_COUNTED", 1000)
    monkeypatch.setattr(list_counts, "SAMPLED_BLOCKS", 100)
    customers = await make_many(connection, 20_000)
    # When they are evaluated
    found = await evaluate(connection, read_criteria(EVEN))
    # Then the number is about right, and says that it is an estimate; the sample are members
    assert found.count.precision is CountPrecision.ESTIMATE
    assert 5_000 < found.count.value < 15_000
    assert len(found.sample) == list_counts.SAMPLE
    assert set(found.sample) <= set(customers[1::2])


async def test_criteria_that_are_not_evaluated_in_time_are_too_costly(connection: Any, pool: Any) -> None:
    # Given a table of customers that nobody can read now
    await make_many(connection, 10)
    async with pool.acquire() as other, other.transaction():
        await other.execute("lock table customer in access exclusive mode")
        # When criteria are evaluated, then they are given up after a while
        with pytest.raises(Refusal) as refused:
            await evaluate(connection, read_criteria(EVEN), count_seconds=SOON, estimate_seconds=SOON)
    assert (refused.value.code, refused.value.field) == (RefusalCode.TOO_COSTLY, ("criteria",))
    # And the connection is as it was
    assert await connection.fetchval("show statement_timeout") == "0"
    assert (await evaluate(connection, read_criteria(EVEN))).count.value == 5


@pytest.fixture
def unless(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets one of the two statements of an evaluation take too long."""
    run = list_counts._run

    def set_slow(slow: str) -> None:
        async def run_or_not(connection: Any, name: str, *args: Any, **values: Any) -> Any:
            return None if name == slow else await run(connection, name, *args, **values)

        monkeypatch.setattr(list_counts, "_run", run_or_not)

    return set_slow


async def test_what_cannot_be_counted_in_time_is_estimated(connection: Any, unless: Any) -> None:
    customers = await make_many(connection, 100)
    unless("found")
    found = await evaluate(connection, read_criteria(EVEN))
    sample = tuple(reversed(customers[1::2]))[: list_counts.SAMPLE]
    assert found == Found(count=Count(value=50, precision=CountPrecision.ESTIMATE), sample=sample)


async def test_without_an_estimate_counting_stops_where_it_came_to(
    connection: Any, unless: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_counts, "MAX_COUNTED", 20)
    await make_many(connection, 100)
    unless("sampled")
    found = await evaluate(connection, read_criteria(EVEN))
    assert found.count == Count(value=20, precision=CountPrecision.AT_LEAST)


# The counts of lists ---------------------------------------------------------------------------------------------


async def make_list(connection: Any, name: str, criteria: Json = EVEN) -> int:
    return await lists.create(connection, NewList(name=name, criteria=criteria), "test")


async def counts(connection: Any) -> list[int]:
    rows = await connection.fetch("select member_count from customer_list order by id")
    return [row["member_count"] for row in rows]


async def age(connection: Any, list_id: int, by: timedelta) -> None:
    """The list was counted so long ago."""
    await connection.execute(
        "update customer_list set recount_at = recount_at - $2::interval where id = $1", list_id, by
    )


async def test_lists_are_counted_again_the_longest_due_first(connection: Any) -> None:
    # Given three lists, of which two were counted more than an hour ago, and customers who came since
    first, second, _ = [await make_list(connection, name) for name in ("first", "second", "third")]
    await age(connection, first, timedelta(hours=2))
    await age(connection, second, timedelta(hours=3))
    await make_many(connection, 10)
    # When the job runs, then it counts one at a time, and none that is not due
    came = []
    while await recount(connection):
        came.append(await counts(connection))
    assert came == [[0, 5, 0], [5, 5, 0]]


async def test_a_list_that_takes_too_long_keeps_its_count_for_an_hour(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a list whose criteria have become too costly
    made = await make_list(connection, "slow")
    await age(connection, made, timedelta(hours=2))
    await make_many(connection, 10)

    async def too_costly(*_: Any) -> Found:
        raise Refusal(RefusalCode.TOO_COSTLY, "Too costly.", ("criteria",))

    monkeypatch.setattr(list_counts, "evaluate", too_costly)
    # When the job runs, then the list keeps its count, and the job goes on with others
    assert await recount(connection) is True
    assert await recount(connection) is False
    assert await counts(connection) == [0]


async def test_a_count_of_former_criteria_is_not_written(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a list whose criteria are changed while it is counted
    made = await make_list(connection, "changing")
    await age(connection, made, timedelta(hours=2))
    others: Json = {"allOf": [{"anyOf": [{"tag": {"isOneOf": ["even"], "not": True}}]}]}
    count = evaluate

    async def change_meanwhile(connection: Any, criteria: Criteria) -> Found:
        found = await count(connection, criteria)
        monkeypatch.setattr(list_counts, "evaluate", count)
        await lists.update(connection, made, lists.ListChanges(criteria=others))
        return found

    await make_many(connection, 3)
    monkeypatch.setattr(list_counts, "evaluate", change_meanwhile)
    # When the job has counted by the former ones
    assert await recount(connection) is True
    # Then the list says what the present ones find
    assert await counts(connection) == [2]
