"""Tables as text: read back equal by any reader, and run by no spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.table_text import csv_line


@given(st.lists(st.text(st.sampled_from('ab",;\n\r é'), max_size=5), min_size=2, max_size=5))
def test_a_line_reads_back_equal(cells: list[str]) -> None:
    [found] = csv.reader(io.StringIO(csv_line(cells), newline=""), strict=True)
    assert [cell.removeprefix("'") for cell in found] == [cell.removeprefix("'") for cell in cells]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x","y")'])
def test_a_formula_is_defused(cell: str) -> None:
    [found] = csv.reader(io.StringIO(csv_line([cell]), newline=""))
    assert found == [f"'{cell}"]


def test_what_is_no_formula_stays_as_it_is() -> None:
    assert csv_line(["a=1", "1-2", "", "x"]) == "a=1,1-2,,x\r\n"
