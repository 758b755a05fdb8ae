"""The text of a page: the words and links that the page shows, each once, in their order and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.templates.html_to_text import every_word_of_html, flowing_text_of_html, text_of_html
from gateway.templates.merge_fields import Field, Link, Piece
from tests.examples import examples
from tests.mails import campaign_template

A, B = "https://a.example/1", "https://b.example/2"


def text_pieces(html: str) -> tuple[Piece, ...]:
    parts = campaign_template(html=html).merge
    assert parts is not None
    return parts.text


def links(pieces: tuple[Piece, ...]) -> list[tuple[int, str]]:
    """The links of a part: number and destination, fields as `{name}`."""
    return [
        (
            piece.number,
            "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in piece.destination),
        )
        for piece in pieces
        if isinstance(piece, Link)
    ]


# Links


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (f"<a href='{A}'>Terms</a>|<a href='{B}'>Privacy</a>", f"Terms ({A}) |Privacy ({B})"),
        (f"<a href='{A}'>Terms</a><a href='{B}'>Privacy</a>", f"Terms ({A}) Privacy ({B})"),
        (f"<a href='{A}'>T</a>,then", f"T ({A}) ,then"),
        (f"<a href='{A}'>T</a><b>,</b>then", f"T ({A}), then"),
        (f"<a href='{A}'>T</a>, then <a href='{B}'>P</a>.", f"T ({A}), then P ({B})."),
        (f"<a href='{A}'>Acme</a>\u2019s", f"Acme ({A}) \u2019s"),
        (f"(<a href='{A}'>T</a>)", f"(T ({A}))"),
        (f"<a href='{A}'><img src=x></a><a href='{B}'><img src=y alt=''></a>", f"{A} {B}"),
        (f"<table><tr><td><a href='{A}'><img></a></td><td><a href='{B}'><img></a></td></table>", f"{A} {B}"),
        (f"x<a href='{A}'></a>y (<a href='{B}'></a>).", f"x {A} y ({B})."),
        (f"<a href='{A}'>{A}</a>. <a href='{A}'> <b>{A}</b></a>", f"{A}. {A}"),
        (f"<a href='{A}'>{B}</a>", f"{B} ({A})"),
        (f"<a href='{A}'><p>one</p><p>two</p></a>three", f"one\n\ntwo ({A})\n\nthree"),
        (f"<map><area href='{A}' alt=North><area href='{B}'></map>", f"North ({A}) {B}"),
        ("<a href='#top'>up</a> <a name=x>here</a> <a href>nothing</a>", "up here nothing"),
        ("<a href='mailto:a@b.example'>a@b.example</a> <a href='mailto:a@b.example'>us</a>",
         "a@b.example us (mailto:a@b.example)"),
        (f"<b>see <a href='{A}'>this</b> one</a>", f"see this ({A}) one ({A})"),
        (f"<a href='{A}'>one<a href='{B}'>two", f"one ({A}) two ({B})"),
    ],
)  # fmt: skip
def test_a_link_leads_where_it_leads_on_the_page(html: str, text: str) -> None:
    assert text_of_html(html) == f"{text}\n"


def test_a_link_has_the_number_that_it_has_on_the_page() -> None:
    pieces = text_pieces(f"<a href='{A}'>x</a>|<a href='{B}' data-no-track>y</a>|<a href='{B}'>z</a>'s <p>{A}</p>")
    assert links(pieces) == [(1, A), (2, B)]
    # What is not tracked on the page is not tracked in the text, a typed address neither.
    assert f"{B})" in "".join(map(str, pieces))
    assert f"\n\n{A}\n" in "".join(map(str, pieces))


@pytest.mark.parametrize("link", ["{{ link }}", "{{ link|default('https://a.example/') }}", "{{ link }}/a?b={{ c }}"])
def test_a_link_that_is_a_field_is_tracked_as_on_the_page(link: str) -> None:
    html = f'<a href="{link}">x</a>|<a data-no-track href="{link}">y</a>'
    parts = campaign_template(html=html).merge
    assert parts is not None
    on_page, in_text = links(parts.html), links(parts.text)
    assert [number for number, _ in on_page] == [1, 0]
    assert in_text == on_page


def test_a_field_that_shows_its_own_address_is_shown_once() -> None:
    pieces = text_pieces('<a href="{{ link }}">{{ link }}</a>')
    assert [piece for piece in pieces[:-2] if isinstance(piece, Field | Link)] == [
        Link(number=1, destination=(Field(name="link", default=None),)),
    ]


# What is shown


@pytest.mark.parametrize(
    "hidden",
    ["<div style='display:none'>x</div>", "<p style='color:red; DISPLAY : None !important'>x</p>",
     "<table><tr><td hidden>x</table>",
     "<span hidden>x<div>x<br>x</div>x</span>", "<a style='display:none' href='https://x.example'>x</a>",
     "<div hidden=until-found><p>x</div>", "<img style='display:none' alt=x>", "<p hidden>x<p>", "<li hidden>x",
     "<b style='display:inline;display:none'>x</b>", "<b style='display:none!important;display:block'>x</b>",
     "<title>x</title>", "<style>x{}</style>", "<template>x</template>", "<!-- x -->", "<!--[if mso]>x<![endif]-->"],
)  # fmt: skip
def test_what_is_hidden_stays_so(hidden: str) -> None:
    assert text_of_html(f"<div>a{hidden}</div><p>b</p>").split() == ["a", "b"]


@pytest.mark.parametrize(
    "shown",
    ["<b style='display:none;display:inline'>x</b>", "<b style='x-display:none'>x</b>",
     "<b hidden style='display:block'>x</b>",
     "<b style='mso-hide:all'>x</b>", "<![if !mso]>x<![endif]>", "<noscript>x</noscript>", "<img alt=x>"],
)  # fmt: skip
def test_what_is_shown_is_not_taken_for_hidden(shown: str) -> None:
    assert text_of_html(f"<div>a {shown}</div><p>b</p>").split() == ["a", "x", "b"]


def test_hidden_parts_of_a_template_are_not_in_its_text() -> None:
    html = "<style>.pre{display:none}</style><div class=pre>Preview {{ a }}</div><p>Hello</p>"
    assert text_pieces(html)[0] == "Hello\n"


def test_what_is_preformatted_is_kept_as_written() -> None:
    text = "  a\n    b  c\n\n\n\nd\te"
    assert text_of_html(f"<p>x</p><pre>\n{text}</pre><p> y  z") == f"x\n\n{text}\n\ny z\n"
    assert text_of_html(f"<pre>\n{text}\n") == f"{text}\n"
    assert text_of_html(f"<pre>a <b>b</b>\n  <a href='{A}'>c</a>\n</pre>d") == f"a b\n  c ({A})\n\nd\n"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ol><li>a<li>b</ol><ol><li>c</ol>", "1. a\n2. b\n\n1. c"),
        ("<ol start=3><li>a<li value=7>b<li>c</ol>", "3. a\n7. b\n8. c"),
        ("<ol start=-1><li>a</ol><ol start=x><li value=>b</ol>", "-1. a\n\n1. b"),
        ("<ol><li>a<ol><li>b<li>c</ol><li>d</ol>", "1. a\n  1. b\n  2. c\n2. d"),
        ("<ol><li>a<ul><li>b<ol start=5><li>c</ol></ul>d<li>e</ol>", "1. a\n  - b\n    5. c\nd\n2. e"),
        ("<ol reversed start=2><li>a<li>b</ol><ol reversed><li>c</ol>", "2. a\n1. b\n\n- c"),
        (f"<ol start={'9' * 5000}><li>a</ol>", "1. a"),
        ("<ul><li><p>a</p><p>b</p></li><li></li><li><div>c</ul>", "- a\n\nb\n\n-\n- c"),
        ("x<li>a", "x\n- a"),
        ("<ol><li hidden>a<li>b</ol>", "1. b"),
    ],
)
def test_a_list_keeps_its_numbers(html: str, text: str) -> None:
    assert text_of_html(html) == f"{text}\n"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b<br><br>c<br><br><br>d", "a\nb\n\nc\n\nd"),
        ("<p>a</p><br><p>b</p>c<hr>d", "a\n\nb\n\nc\nd"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<div><div> a </div><b> b</b>c <i>d </i> e</div>", "a\nbc d e"),
        ("a\n\t b&nbsp; c&#8199;d", "a b c d"),
        ("&zwnj;&nbsp;&#847;&zwnj;&nbsp;a&shy;b \u0645\u06cc\u200c\u062e", "a\u00adb \u0645\u06cc\u200c\u062e"),
        ("Hi<img alt='A  house'><img alt=B>.", "Hi A house B."),
        ("", ""),
        ("a&#0;b\x01", "a\ufffdb\x01"),
    ],
)  # fmt: skip
def test_white_space_is_laid_out_as_a_reader_expects(html: str, text: str) -> None:
    assert text_of_html(html) == f"{text}\n"


# No word lost, none doubled, and every link


@dataclass(frozen=True)
class Made:
    """A piece of a page, the words it shows and where its links lead, in their order."""

    html: str
    words: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


def joined(made: list[Made], before: str = "", behind: str = "") -> Made:
    return Made(
        html=before + "".join(piece.html for piece in made) + behind,
        words=tuple(word for piece in made for word in piece.words),
        links=tuple(link for piece in made for link in piece.links),
    )


def shown_word(word: str) -> Made:
    return Made(escape(word), (word,))


def field(name: str) -> Made:
    return Made(f"{{{{ {name} }}}}", (f"{{{name}}}",))


WORDS = st.from_regex(r"\A[a-z]{3,6}\Z").map(shown_word) | st.sampled_from(
    ["\u8a9e", "\u00e9t\u00e9", "R&D", "a<b"]
).map(shown_word)
FIELDS = st.sampled_from(["name", "city"]).map(field)
PUNCTUATION = st.sampled_from(
    [*map(Made, ["|", ",", " ", ")", "\n", "\u3002", ".", "&nbsp;", "<wbr>", "-"]),
     Made("'s ", ("s",)), Made("\u2019s", ("s",))]
)  # fmt: skip
IMAGES = st.from_regex(r"\A[a-z]{3,6}\Z").map(lambda alt: Made(f"<img alt={alt}>", (alt,))) | st.just(Made("<img>"))
DESTINATIONS = st.sampled_from(
    ["https://a.example/1", "https://a.example/(2)", "https://b.example/?x=1&y=,", "https://c.example/'s", "{{ link }}",
     "https://d.example/{{ sku }}"]
)  # fmt: skip
BLOCKS = st.sampled_from(
    [("<div>", "</div>"), ("<b>", "</b>"), ("<h2>", "</h2>"), ("<ul><li>", "</li></ul>"), ("<br>", ""),
     ("<ol start=2><li value=9>", "</ol>"), ("<table><tr><td>", "</td><td></td></tr></table>"), ("<span>", "</span>"),
     ("<blockquote>", "</blockquote>"), ("<pre>", "</pre>"), ("<center><div>", "</div></center>")]
)  # fmt: skip
HIDERS = st.sampled_from([("<div hidden>", "</div>"), ("<span style='display:none'>", "</span>")])


@st.composite
def anchors(draw: st.DrawFn) -> Made:
    inside = joined(draw(st.lists(WORDS | FIELDS | IMAGES | PUNCTUATION, max_size=3)))
    destination = draw(DESTINATIONS)
    shown = re.sub(r"\{\{ (\w+) \}\}", r"{\1}", destination)
    return Made(f'<a href="{escape(destination).replace("&#x27;", chr(39))}">{inside.html}</a>', inside.words, (shown,))


def inside(content: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    blocks = st.builds(lambda tags, made: joined(made, *tags), BLOCKS, st.lists(content, max_size=4))
    hidden = st.builds(lambda tags, made: Made(joined(made, *tags).html), HIDERS, st.lists(content, max_size=2))
    return blocks | blocks | hidden


LEAVES = anchors() | WORDS | FIELDS | PUNCTUATION | IMAGES
# A paragraph ends where a block begins, so that it holds none; and a comment ends at the first `-->`.
PARAGRAPHS = st.lists(LEAVES, max_size=4).map(lambda made: joined(made, "<p>", "</p>"))
COMMENTS = LEAVES.map(lambda made: Made(f"<!-- {made.html} -->"))
PAGES = st.lists(st.recursive(LEAVES | PARAGRAPHS | COMMENTS, inside, max_leaves=10), max_size=8).map(joined)


def shown_in(pieces: tuple[Piece, ...]) -> str:
    """A text part as it reads, links left out, fields as `{name}`."""
    shown = (
        piece if isinstance(piece, str) else f"{{{piece.name}}}" if isinstance(piece, Field) else "" for piece in pieces
    )
    return "".join(shown)


def letters(text: str) -> str:
    """Without what the layout adds: white space, numbers and marks of lists, brackets."""
    return re.sub(r"[\W\d]", "", text)


@settings(max_examples=examples(60, proof=150))
@given(PAGES)
@example(joined([Made(f'<a href="{A}"></a>', (), (A,)), Made(f'<a href="{B}"></a>', (), (B,))]))
def test_the_text_has_every_word_and_link_of_the_page_once_and_in_its_order(page: Made) -> None:
    # Given a page
    parts = campaign_template(html=f"<p>start</p>{page.html}<p>{{{{ postal_address }}}} end</p>").merge
    assert parts is not None
    # When its text is made
    in_text, on_page = links(parts.text), links(parts.html)
    # Then it has the links that the page shows, with the page's numbers
    assert [link for _, link in in_text] == list(page.links)
    assert set(in_text) <= set(on_page)
    # and its words, those of hidden parts left out
    said = "".join(("start", *page.words, "{postal_address}", "end"))
    assert letters(shown_in(parts.text)) == letters(said)
    # and every link stands apart, so that no mail program takes its neighbours into it
    for before, piece, behind in zip(parts.text, parts.text[1:], parts.text[2:], strict=False):
        if isinstance(piece, Link):
            assert re.search(r"[\s(]\Z", str(before))
            assert re.match(r"\)?[.,;:!?)'\u2019]*(?:\s|\Z)", str(behind))


# The card number check


@pytest.mark.parametrize(
    "html",
    ["<p>4111 <b>1111</b>1111<i hidden>1111</i>", "<div style='display:none'>4111<b>1111</b>11111111</div>",
     "<p>4111<!-- x -->111111111111", "<p>4111<a href='https://a.example/'>1111</a>11111111",
     "<pre>4111\n111111111111</pre>",
     "<td>4111<td>1111<td>11111111", "<p>4111<img alt='11111111'>1111"],
)  # fmt: skip
def test_digits_that_flow_together_are_read_together_hidden_or_not(html: str) -> None:
    shown = flowing_text_of_html(f"<table><tr>{html}" if html.startswith("<td") else html)
    assert "4111111111111111" in re.sub(r"[ -]", "", shown)


def test_the_addresses_of_links_are_checked_too() -> None:
    assert flowing_text_of_html(f"a<a href='{A}'>b</a><p>c</p>").split() == ["ab", "c", A]


@pytest.mark.parametrize("cut", ["<!-- -->", "<!---->", "<style></style>", "<script>x</script>"])
def test_what_is_cut_out_joins_no_reference(cut: str) -> None:
    assert "\ue000" not in every_word_of_html(f"<p>&#xe0{cut}00;")
    assert "41111" in every_word_of_html("<p>4111<!-- -->1")
