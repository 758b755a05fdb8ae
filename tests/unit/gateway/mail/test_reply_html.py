"""The lines of a reply's HTML, with what clients mark in it."""

from __future__ import annotations

import pytest

from gateway.mail.reply_html import Line, Mark, html_lines
from gateway.reply_rules import read_reply_rules

MARKS = read_reply_rules().html


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        ("a<br>b<br><br>c", ["a", "b", "", "c"]),
        ("<p>a</p><p>b\nc</p>", ["a", "", "b c"]),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>b</p>", ["a", "b"]),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>b</p>", ["a", "b"]),
        ("<div>a</div><div><br></div><div>b</div>", ["a", "", "b"]),
        ("<pre>a\n  b\n\nc</pre>\nd", ["a", "b", "", "c", "d"]),
        ("<blockquote type=cite>a<blockquote type=cite>b</blockquote>c</blockquote>d", ["> a", "> > b", "> c", "d"]),
        ("<blockquote>an indent</blockquote>", ["an indent"]),
        ("<blockquote style='border-left:1px'>a</blockquote>b", ["> a", "b"]),
        ("</div></blockquote>a", ["a"]),
        ("<div><blockquote type=cite>a</div>b", ["> a", "b"]),
        ("<td>a</td><td>b</td>", ["a b"]),
    ],
)
def test_lines(html: str, lines: list[str]) -> None:
    assert [line.text for line in html_lines(html, MARKS, 1000)] == lines


def test_what_is_within_a_marked_element_is_marked() -> None:
    html = '<div class="x yahoo_quoted">a<div>b</div></div>c<div class=gmail_attr>Ann:</div><hr id="stopSpelling">d'
    assert html_lines(html, MARKS, 1000) == [
        Line(text="a", mark=Mark.HISTORY),
        Line(text="b", mark=Mark.HISTORY),
        Line(text="c"),
        Line(text="Ann:", mark=Mark.ATTRIBUTION),
        Line(text="d", mark=Mark.HISTORY),
    ]
