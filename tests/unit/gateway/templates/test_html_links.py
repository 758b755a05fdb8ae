"""Links found by a real parser and rewritten in place; nothing else of the document changes."""

from __future__ import annotations

import re
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from gateway.errors import Refusal, RefusalCode
from gateway.templates.html_links import (
    MANY_ATTRIBUTES,
    MAX_LINKS,
    MAX_OPEN_ELEMENTS,
    add_pixel,
    rewrite_html,
    rewrite_text,
    too_complex,
    without_links,
)

PIXEL = "https://mail.example.com/o/k1.token?a=1&b=2"


def numbered(number: int, url: str) -> str:
    return f"https://t.example/{number}?to=<{url}>&x"


def blanked(html: str) -> str:
    """What the parser reads, every link's address blanked and pixels removed."""
    tree = LexborHTMLParser(html)
    for node in tree.css("a[href], area[href]"):
        if re.match(r"\s*https?:", node.attributes["href"] or "", re.IGNORECASE):
            node.attrs["href"] = ""
    return tree.html or ""


def test_what_is_only_looked_at_leads_nowhere_and_looks_the_same() -> None:
    html = (
        "<!doctype html><html><head><style>a { color: red }</style></head><body>"
        "<A HREF='https://a.example/' target=_top title=t>one</A><svg><a xlink:href='#x'>two</a></svg>"
        "<map><area href=javascript:x()></map><img src=x></body></html>"
    )
    shown = without_links(html)
    assert not re.search("href|target", shown)
    # The author's own rules come after ours, and nothing else is touched
    assert re.search(r"<head><style>:where\(a\) \{[^<]+\}</style><style>a \{ color: red \}</style></head>", shown)
    assert shown.endswith('<a title="t">one</a><svg><a>two</a></svg><map><area></map><img src="x"></body></html>')
    assert without_links("Hello").endswith("</style></head><body>Hello</body></html>")


def test_http_links_are_numbered_in_document_order_and_the_source_stays() -> None:
    html = (
        "<!doctype html>\n<html><body><P CLASS=a>&eacute;&nbsp;&copy; <A title='it&#39;s' HREF=https://a.example/?x=1&amp;y=2"
        " target=_blank>one</A><map><area href='http://b.example/'></map></P>\n"
        '<!-- <a href="https://no"> --></body></html>\n'
    )
    rewritten = rewrite_html(html, link=lambda number, url: f"https://t.example/{number}")
    assert rewritten.urls == ("https://a.example/?x=1&y=2", "http://b.example/")
    assert rewritten.html == html.replace("https://a.example/?x=1&amp;y=2", '"https://t.example/1"').replace(
        "'http://b.example/'", '"https://t.example/2"'
    )


@pytest.mark.parametrize(
    "kept",
    [
        '<a href="mailto:a@b.example">x</a>',
        '<a href="tel:+49123">x</a>',
        '<a href="#top">x</a>',
        '<a href="/relative">x</a>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="JaVaScRiPt:alert(1)">x</a>',
        '<a href="https://x.example/" data-no-track>x</a>',
        '<div data-no-track="1"><p><a href="https://x.example/">x</a></p></div>',
        '<a name="anchor">x</a>',
        "<a href>x</a>",
        '<a href="">x</a>',
        "<script>var a = '<a href=\"https://x.example/\">';</script>",
        '<!--[if mso]><a href="https://x.example/">x</a><![endif]-->',
        '<img src="https://x.example/logo.png">',
        '<a href="https://' + "a" * 9000 + '">x</a>',
    ],
)
def test_what_is_no_link_to_count_stays_byte_for_byte(kept: str) -> None:
    html = f"<html><body>{kept}<a href='https://y.example/'>y</a></body></html>"
    rewritten = rewrite_html(html, link=numbered)
    assert kept in rewritten.html
    assert rewritten.urls == ("https://y.example/",)


def test_the_pixel_and_the_honeypot_end_the_body() -> None:
    html = "<html><body><p>Hello</p></body></html>"
    tagged = add_pixel(html, pixel=PIXEL, honeypot="https://mail.example.com/c/k1.x/y")
    body = LexborHTMLParser(tagged).css_first("body")
    assert body is not None
    last = body.last_child
    assert last is not None
    assert last.attributes["src"] == PIXEL
    assert last.attributes["alt"] == ""
    assert last.prev is not None
    assert last.prev.attributes["href"] == "https://mail.example.com/c/k1.x/y"
    assert last.prev.attributes["aria-hidden"] == "true"


def test_no_honeypot_and_no_pixel_unless_asked_for() -> None:
    assert rewrite_html("<p>Hello", link=numbered).html == "<p>Hello"
    assert add_pixel("<p>Hello", pixel=PIXEL).startswith("<p>Hello<img src=")


@pytest.mark.parametrize(
    "broken", ["<p>x<!-- never closed", "<p>x<textarea>open", '<p>x<a href="https://a.example/', "<p>x<b"]
)
def test_the_pixel_is_seen_even_in_a_broken_document(broken: str) -> None:
    tree = LexborHTMLParser(add_pixel(rewrite_html(broken, link=numbered).html, pixel=PIXEL))
    assert [node.attributes["src"] for node in tree.css("img")] == [PIXEL]


def test_misnested_links_are_each_rewritten_once_as_the_parser_repairs_them() -> None:
    html = (
        '<a href="https://a.example/"><div>one</a>two</div><a href="https://b.example/">b<a href="https://c.example/">c'
    )
    rewritten = rewrite_html(html, link=lambda number, url: f"https://t.example/{number}")
    hrefs = [node.attributes["href"] for node in LexborHTMLParser(rewritten.html).css("a")]
    assert hrefs == [f"https://t.example/{number}" for number in range(1, len(hrefs) + 1)]
    assert set(rewritten.urls) == {"https://a.example/", "https://b.example/", "https://c.example/"}


def test_a_mail_with_too_many_links_is_refused_by_name_of_the_limit() -> None:
    html = "<body>" + '<a href="https://a.example/">x</a>' * 5000
    with pytest.raises(Refusal, match=str(MAX_LINKS)) as refusal:
        rewrite_html(html, link=numbered, field=("html",))
    assert refusal.value.code is RefusalCode.TOO_MANY
    assert refusal.value.field == ("html",)
    with pytest.raises(Refusal, match=str(MAX_LINKS)):
        rewrite_text("https://a.example/ " * 5000, link=numbered, first=1)


@pytest.mark.parametrize("nest", ["<div>", "<b>", "<div></x>", "</div><div><div>"])
def test_a_document_nested_beyond_reason_is_refused_before_it_is_parsed(nest: str) -> None:
    with pytest.raises(Refusal, match="open") as refusal:
        rewrite_html(nest * 100_000, link=numbered, field=("mjml",))
    assert refusal.value.field == ("mjml",)


def test_text_addresses_lose_no_punctuation() -> None:
    text = "See https://a.example/x?y=1, (or http://b.example/z_(1)). <https://c.example/>! mailto:x@y ftp://d.example"
    rewritten = rewrite_text(text, link=lambda number, url: f"[{number}]", first=1)
    assert rewritten.html == "See [1], (or [2]). <[3]>! mailto:x@y ftp://d.example"
    assert rewritten.urls == ("https://a.example/x?y=1", "http://b.example/z_(1)", "https://c.example/")


def test_text_links_may_go_on_counting_behind_the_html_part() -> None:
    rewritten = rewrite_text("https://a.example/ ftp://u.example/", link=numbered, first=5)
    assert rewritten.html == "https://t.example/5?to=<https://a.example/>&x ftp://u.example/"


urls = st.sampled_from(
    ["https://a.example/?a=1&b=2", "http://b.example/x", "mailto:a@b.example", "#top", "", "javascript:1"]
)
words = st.text(st.sampled_from("abc &<>\"'=/éß\n\t"), max_size=12)
attributes = st.lists(
    st.tuples(st.sampled_from(["class", "title", "data-x", "STYLE", "id"]), words),
    max_size=3,
    unique_by=lambda pair: pair[0],
)


@st.composite
def anchors(draw: st.DrawFn) -> str:
    quote = draw(st.sampled_from(["'", '"']))
    before = "".join(f" {name}={quote}{escape(value)}{quote}" for name, value in draw(attributes))
    gap = draw(st.sampled_from(["", " ", "\n"]))
    href = draw(st.sampled_from(["href", "HREF"])) + gap + "=" + gap + quote + escape(draw(urls)) + quote
    after = draw(st.sampled_from(["", " target=_blank", " hidden", " /"]))
    return f"<a{before} {href}{after}>{escape(draw(words))}</a>"


pieces = st.one_of(
    anchors(),
    words.map(escape),
    st.sampled_from(
        ["&nbsp;", "&copy;", "&#8364;", "&notin;", "<br>", "<hr/>", "<!-- <a href='https://c'> -->", "<p>", "</p>"]
    ),
    st.sampled_from(
        ["<style>a > b { color: red }</style>", "<table><tr><td>", "</td></tr></table>", "<![if !mso]>", "<div>"]
    ),
)


@given(st.lists(pieces, max_size=12).map("".join))
def test_attributes_entities_and_text_survive(html: str) -> None:
    rewritten = rewrite_html(html, link=numbered)
    assert blanked(rewritten.html) == blanked(html)
    hrefs = [node.attributes["href"] or "" for node in LexborHTMLParser(rewritten.html).css("a[href]")]
    tracked = [href for href in hrefs if href.startswith("https://t.example/")]
    assert tracked == [numbered(number, url) for number, url in enumerate(rewritten.urls, 1)]
    assert not [href for href in hrefs if href.startswith("http") and href not in tracked]


@given(st.text(st.sampled_from("<>a/ =\"'!-hrefbody&;?\n\x00"), max_size=60))
def test_any_nonsense_is_read_to_its_end_and_keeps_its_meaning(html: str) -> None:
    assert blanked(rewrite_html(html, link=numbered).html) == blanked(html)


@given(st.text(st.sampled_from("<>a/ =\"'!-hrefbody&;?\n"), max_size=40))
def test_the_pixel_is_placed_whatever_the_document(html: str) -> None:
    tree = LexborHTMLParser(add_pixel(rewrite_html(html, link=numbered).html, pixel=PIXEL))
    assert PIXEL in [node.attributes.get("src") for node in tree.css("img")]


@pytest.mark.parametrize(
    ("html", "complex_"),
    [
        ("<b>" * MAX_OPEN_ELEMENTS, False),
        ("<b>" * (MAX_OPEN_ELEMENTS + 1), True),
        ("<b>x</b>" * (MAX_OPEN_ELEMENTS + 1), False),
        ("<br>" * (MAX_OPEN_ELEMENTS + 1), False),
        ("<b>" * (MAX_OPEN_ELEMENTS + 1) + "</b>" * (MAX_OPEN_ELEMENTS + 1), True),
        ("<b></i>" * (MAX_OPEN_ELEMENTS + 1), True),
        (f"<style>{'<b>' * (MAX_OPEN_ELEMENTS + 1)}</style>", False),
        (f"<b {' '.join(f'a{number}' for number in range(MANY_ATTRIBUTES))}>", False),
        (f"<b {' '.join(f'a{number}' for number in range(MANY_ATTRIBUTES + 1))}>", True),
        (f"</b {'a ' * (MANY_ATTRIBUTES + 1)}>", True),
        (f"<b {'a ' * (MANY_ATTRIBUTES + 1)}", True),
        ("<b a", False),
    ],
)
def test_what_would_take_long_to_parse_is_known_without_parsing(html: str, complex_: bool) -> None:
    assert too_complex(html) == complex_
