"""A page of a list: one row more is read to know whether more follows."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.database import statement
from service.errors import BadInput
from service.graph.connection import BEFORE_EVERYTHING, LARGEST_PAGE, Window, read_number_window, read_window

IDS = [UUID(int=number) for number in range(5)]


@pytest.mark.parametrize(("read", "more"), [(0, False), (1, False), (2, False), (3, True)])
@pytest.mark.parametrize("continued", [True, False])
def test_more_follows_only_where_more_rows_were_read_than_are_shown(read: int, more: bool, continued: bool) -> None:
    window = Window(first=2, before=BEFORE_EVERYTHING, continued=continued)
    assert window.rows == 3
    made = window.connect(IDS[:read], [each.hex for each in IDS[:read]])
    shown = IDS[: min(read, 2)]
    assert (made.nodes, [(edge.cursor, edge.node) for edge in made.edges]) == (shown, [(s.hex, s) for s in shown])
    said = {
        "__typename": "PageInfo",
        "hasNextPage": more,
        "hasPreviousPage": continued,
        "startCursor": shown[0].hex if shown else None,
        "endCursor": shown[-1].hex if shown else None,
    }
    info = made.page_info
    assert {
        "__typename": "PageInfo",
        "hasNextPage": info.has_next_page,
        "hasPreviousPage": info.has_previous_page,
        "startCursor": info.start_cursor,
        "endCursor": info.end_cursor,
    } == said
    # Shaped pages say the same
    assert window.page_info(read, shown[0] if shown else None, shown[-1] if shown else None) == said


@pytest.mark.parametrize("first", [0, -1, LARGEST_PAGE + 1])
def test_a_page_has_1_to_100_rows(first: int) -> None:
    for read in (read_window, read_number_window):
        with pytest.raises(BadInput, match="1 to 100"):
            read(first, None)
        assert (read(1, None).first, read(100, None).first) == (1, 100)


@pytest.mark.parametrize("driver", ["id", "received", "clicked"])
def test_a_statement_that_knows_the_largest_page_cuts_none(driver: str) -> None:
    assert f"limit {LARGEST_PAGE + 1}) f limit" in statement(f"page_by_{driver}").sql


def test_a_page_starts_at_the_newest_or_after_a_cursor() -> None:
    start, later = read_window(5, None), read_window(5, IDS[3].hex)
    assert (start.before, start.continued) == (UUID("f" * 8 + "-ffff" * 3 + "-" + "f" * 12), False)
    assert (later.before, later.continued) == (IDS[3], True)
    for read in (read_window, read_number_window):
        with pytest.raises(BadInput, match="not a cursor"):
            read(5, "garbage")
