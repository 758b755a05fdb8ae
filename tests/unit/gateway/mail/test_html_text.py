"""The words of HTML mail: what is shown, line by line."""

from __future__ import annotations

import pytest

from gateway.mail.html_text import html_text
from tests.growth import expect_linear


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("<p>one<p>two<br>three", "one\ntwo\nthree"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<style>p{}</style><p>shown</p><script>x<y</script>!", "shown\n!"),
        ("<head><title>t</title></head>shown", "shown"),
        ("a<!-- <p>hidden --> b", "a b"),
        ("&lt;ann@customer.example&gt;&nbsp;&#169; &#x41;", "<ann@customer.example> © A"),
        ("<P CLASS=x>a <B>b</B>", "a b"),
        ("a <style>never closed", "a never closed"),
        ("a < b", "a"),
        ("İİİİİİ<p>one</p>two", "İİİİİİ\none\ntwo"),
        ("<" * 5, ""),
        ("&#" + "9" * 9999 + ";x", ";x"),
    ],
)
def test_what_is_shown_is_read(html: str, text: str) -> None:
    assert html_text(html) == text


@pytest.mark.parametrize("piece", ["<", "<style>", "<!--", "<p", "&#", "<script></script>", "<p>a", "&amp", " "])
def test_long_html_takes_time_in_proportion(piece: str) -> None:
    expect_linear(html_text, lambda size: piece * (size // len(piece)), 200_000)
