"""Pages asked for in the same breath: one statement, whose rows each gets its own of."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from service.database import Reading, Statement
from service.shape.compile import ShapedPage
from service.shape.together import Pages, joined


def page(name: str, *, width: int = 1) -> ShapedPage:
    """A page of two parameters."""
    sql = f"select {name}.id from {name} where id < $2 and a = $1;\n"  # noqa: S608 - constants
    return ShapedPage(statement=Statement(name=name, sql=sql, parameters=("a", "b")), layout={}, width=width)


class Recorded:
    """A reading that answers with the values it was given, one row a page, once it is let."""

    def __init__(self, *, fails: bool = False) -> None:
        self.statements: list[str] = []
        self.let = asyncio.Event()
        self.begun = asyncio.Event()
        self.cancelled = False
        self._fails = fails

    async def fetch(self, wanted: Statement, **values: Any) -> list[Any]:
        self.statements.append(wanted.name)
        self.begun.set()
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self._fails:
            raise LookupError("no ledger")
        return [(number, values[f"{number}.a"]) for number in range(len(wanted.parameters) // 2)]


def asking(recorded: Recorded) -> tuple[asyncio.Task[Any], asyncio.Task[Any]]:
    """Two pages asked for in the same breath."""
    pages = Pages(cast(Reading, recorded))
    return (
        asyncio.create_task(pages.rows(page("x"), {"a": 7, "b": 0})),
        asyncio.create_task(pages.rows(page("y"), {"a": 8, "b": 0})),
    )


async def test_each_gets_its_own_rows_of_one_statement() -> None:
    recorded = Recorded()
    recorded.let.set()
    first, second = asking(recorded)
    assert [await first, await second] == [[(0, 7)], [(1, 8)]]
    assert recorded.statements == ["x+y"]


async def test_a_failure_is_everybodys() -> None:
    recorded = Recorded(fails=True)
    recorded.let.set()
    failures = await asyncio.gather(*asking(recorded), return_exceptions=True)
    assert [type(failure) for failure in failures] == [LookupError, LookupError]


async def test_who_leaves_alone_leaves_the_statement_to_the_rest() -> None:
    recorded = Recorded()
    first, second = asking(recorded)
    await recorded.begun.wait()
    second.cancel()
    recorded.let.set()
    assert await first == [(0, 7)]
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_a_request_that_is_gone_takes_its_statement_with_it() -> None:
    recorded = Recorded()
    both = asking(recorded)
    await recorded.begun.wait()
    for one in both:
        one.cancel()
    await asyncio.gather(*both, return_exceptions=True)
    assert recorded.cancelled


def test_parameters_are_counted_on_and_narrow_pages_filled() -> None:
    made = joined((page("x", width=2), page("y")))
    assert made.parameters == ("0.a", "0.b", "1.a", "1.b")
    assert made.sql == (
        "select 0, p.* from (\nselect x.id from x where id < $2 and a = $1\n) p\nunion all\n"
        "select 1, p.*, null::text from (\nselect y.id from y where id < $4 and a = $3\n) p"
    )
