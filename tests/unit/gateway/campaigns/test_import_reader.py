"""A table reads the same however it is cut into windows, in every encoding; what is broken is told with its line."""

from __future__ import annotations

import contextlib
import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.campaigns.import_reader import LONGEST_FIELD, Layout, Unreadable, read_head, read_lines
from tests.growth import expect_linear

CELL = st.text(st.sampled_from('ab";,\t\n\r é€\u2028\x0b\x1c😀'), max_size=6)
PLAIN = st.text(st.sampled_from('ab";,\t\n\r é€'), max_size=6)
TABLE = st.lists(st.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=6)
UTF8 = Layout(codec="utf-8", delimiter=",")


def written(table: list[list[str]], delimiter: str, line_end: str) -> str:
    """As Python's own writer writes it, without blank lines."""
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(table)
    return target.getvalue()


def read_all(octets: bytes, layout: Layout, *, window: int, limit: int | None = None) -> list[tuple[int, list[str]]]:
    """Windows of at most so many octets, each from where the one before ended."""
    rows: list[tuple[int, list[str]]] = []
    at, line = 0, 1
    while at < len(octets):
        piece = octets[at : at + window]
        found = read_lines(piece, layout, line=line, is_last=at + len(piece) == len(octets), limit=limit)
        rows += found.rows
        at, line = at + found.used, found.next_line
    return rows


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "cp1252"])
@given(
    table=TABLE,
    delimiter=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    ended=st.booleans(),
    data=st.data(),
)
def test_a_table_reads_back_equal_cut_anywhere(
    codec: str, table: list[list[str]], delimiter: str, line_end: str, ended: bool, data: st.DataObject
) -> None:
    # Given a table that Python's own writer wrote in this encoding
    if codec == "cp1252":
        table = [[cell.encode(codec, "ignore").decode(codec) for cell in row] for row in table]
    text = written(table, delimiter, line_end)
    octets = (text if ended else text.removesuffix(line_end)).encode(codec)
    longest = max(len(written([row], delimiter, line_end).encode(codec)) for row in table)
    # When it is read in windows of any size that holds the longest line, and in batches of any size
    window = data.draw(st.integers(longest + 2, longest + 40))
    limit = data.draw(st.none() | st.integers(1, 3))
    rows = read_all(octets, Layout(codec=codec, delimiter=delimiter), window=window, limit=limit)
    # Then it is the same table, and each line has its number in the file
    assert [row for _, row in rows] == table
    before = [written(table[:number], delimiter, line_end) for number in range(len(table))]
    starts = [len(_lines(text)) + 1 for text in before]
    assert [line for line, _ in rows] == starts


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline=""))


def test_every_window_of_a_table_gives_the_same_lines() -> None:
    octets = 'id,name\r\n1,"a ""quoted""\r\n name"\r\n\r\n2,é€😀\r\n3,last'.encode()
    whole = read_all(octets, UTF8, window=len(octets))
    assert [line for line, _ in whole] == [1, 2, 5, 6]
    for window in range(32, len(octets) + 1):
        assert read_all(octets, UTF8, window=window) == whole


@pytest.mark.parametrize(
    ("octets", "line", "reason"),
    [
        (b'a,b\nc,"d\ne,f\n', 2, "never closed"),
        (b'a,b\n"c"d,e\n', 2, "broken"),
        (b'a,"b\n\nb" ,c\n', 1, "broken"),
        (b"a\nb\n" + b"x" * (LONGEST_FIELD + 1) + b",c\n", 3, "65,536 characters"),
        (b'a\n"' + b"x\n" * LONGEST_FIELD, 2, "closing quote"),
        (b"a\n\xff\n", 1, "encoding"),
    ],
)
def test_what_is_broken_is_told_with_its_line(octets: bytes, line: int, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        read_all(octets, UTF8, window=1_000_000)
    assert caught.value.line == line


def test_the_longest_value_is_read() -> None:
    value = "x" * LONGEST_FIELD
    assert read_all(f'a,"{value}"\n'.encode(), UTF8, window=100_000) == [(1, ["a", value])]


def test_a_line_longer_than_the_window_is_refused() -> None:
    with pytest.raises(Unreadable, match="octets") as caught:
        read_lines(b"a,b,c,d" * 100, UTF8, line=7, is_last=False)
    assert caught.value.line == 7


@pytest.mark.parametrize("part", [b"\n", b'""', b'"a",', b"\r", b',"",', b'"\n",', b"a\r\n", b'"a\n'])
def test_time_grows_with_the_window_alone(part: bytes) -> None:
    def read(octets: bytes) -> None:
        with contextlib.suppress(Unreadable):
            read_lines(octets, UTF8, line=1, is_last=False, limit=5000)

    expect_linear(read, lambda size: part * size, 50_000)


def test_memory_grows_with_the_window_alone() -> None:
    octets = b"x" * 1_048_576
    tracemalloc.start()
    with pytest.raises(Unreadable):
        read_lines(octets, UTF8, line=1, is_last=False)
    assert tracemalloc.get_traced_memory()[1] < 16 * len(octets)
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "delimiter", "headings"),
    [
        ("a,b;c,d\n", ",", ["a", "b;c", "d"]),
        ("a;b\tc;d;e,f\n", ";", ["a", "b\tc", "d", "e,f"]),
        ("a\tb\n1\t2", "\t", ["a", "b"]),
        ("alone\n", ",", ["alone"]),
        ('"a;b";c\n', ";", ["a;b", "c"]),
        ('"a\nb",c\n', ",", ["a\nb", "c"]),
    ],
)
def test_the_delimiter_is_guessed_from_the_header(text: str, delimiter: str, headings: list[str]) -> None:
    head = read_head(text.encode(), "utf-8", is_last=True)
    assert head is not None
    assert (head.delimiter, head.headings) == (delimiter, headings)


def test_the_head_has_the_first_lines_and_where_they_begin() -> None:
    octets = "\n\nä;b\r\n1;2\r\n1;2;3\r\n\r\n5;6\r\n7;8\r\n".encode()
    head = read_head(octets, "utf-8", is_last=True)
    assert head is not None
    assert head.sample == [["1", "2"], ["5", "6"]]
    assert octets[head.used :].startswith(b"1;2")
    assert head.next_line == 4


def test_a_file_without_a_line_has_no_head() -> None:
    for octets in (b"", b"\n\r\n\n"):
        assert read_head(octets, "utf-8", is_last=True) is None
    with pytest.raises(Unreadable):
        read_head(b'"a', "utf-8", is_last=True)
    with pytest.raises(Unreadable):
        read_head(b"a" * 100, "utf-8", is_last=False)


@given(PLAIN)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_lines(text.encode(), UTF8, line=1, is_last=True)
    except Unreadable:
        return
    assert found.used == len(text.encode())
