"""CSS on the elements, for clients that drop `<style>`. What a browser makes of both is compared in
`tests/e2e/test_sent_styles.py`; here is what is inlined, and that nothing else changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.errors import Refusal, RefusalCode
from gateway.templates.css_inlining import MAX_STYLED, inline_css
from tests.mails import FACTS
from tests.sent_styles import PAGES, generated, read_page, sent, written


def inlined(css: str, body: str, attributes: str = "") -> str:
    page = inline_css(f"<style{attributes}>{css}</style>{body}", ())
    return page.partition("</style>")[2]


def added(css: str, body: str = "<p class=a>x</p>") -> str:
    """Returns what is put behind the author's rules."""
    page = inline_css(f"<style>{css}</style>{body}", ())
    return page.removeprefix(f"<style>{css}").partition("</style>")[0].strip()


@pytest.mark.parametrize(
    ("css", "style"),
    [("p{color:red}", "color:red"), ("p{color:red} .a{color:blue}", "color:red;color:blue"),
     (".a{color:blue} p{color:red}", "color:red;color:blue"),
     ("p{color:red!important} .a{color:blue}", "color:blue;color:red"),
     (".a{background:red;background:linear-gradient(red,blue)}", "background:red;background:linear-gradient(red,blue)"),
     ('.a{font-family:"Segoe UI",Arial}', "font-family:'Segoe UI',Arial"), (".a{content:'a\"b'}", "content:'a&quot;b'"),
     (".a{b:url(x?c&d)}", "b:url(x?c&amp;d)"), ("*{color:red}", None), ("@media print{p{color:red}}", None),
     ("p:hover{color:red}", None), ("p::before{color:red}", None), (".b{color:red}", None),
     ("p:lang(de){color:red}", None)],
)  # fmt: skip
def test_what_holds_always_is_inlined_the_strongest_last(css: str, style: str | None) -> None:
    assert inlined(css, "<p class=a>x</p>") == (f'<p style="{style}" class=a>x</p>' if style else "<p class=a>x</p>")


@pytest.mark.parametrize(
    ("own", "made"),
    [('style="margin:0"', 'style="color:red;margin:0"'), ("style='a:\"b\"'", "style='color:red;a:\"b\"'"),
     ("STYLE = margin:0", 'STYLE = "color:red;margin:0"'), ('style=""', 'style="color:red;"'),
     ("style", 'style="color:red" style'),
     ('style="a:b', 'style="a:b')],
)  # fmt: skip
def test_the_authors_own_declarations_stay_last_and_as_written(own: str, made: str) -> None:
    assert inlined("p{color:red}", f"<p {own}>x</p>").removeprefix("<p").strip() == f"{made}>x</p>"


@pytest.mark.parametrize("media", ["print", "screen", "screen and (max-width:480px)"])
def test_a_sheet_for_some_media_is_left_to_them(media: str) -> None:
    assert inlined("p{color:red}", "<p>x</p>", f' media="{media}"') == "<p>x</p>"


def test_a_rule_that_would_lose_to_what_is_inlined_is_repeated_with_more_weight() -> None:
    css = ".a{color:red;margin:0}@media (prefers-color-scheme:dark){.a{color:pink;padding:1px}}.a:hover{color:blue}"
    assert added(css).split("\n") == [
        "@media (prefers-color-scheme:dark){.a{color:pink!important}}",
        ".a:hover{color:blue!important}",
    ]
    assert inlined(css, "<p class=a>x</p>") == '<p style="color:red;margin:0" class=a>x</p>'


@pytest.mark.parametrize(
    "css",
    ["p{color:red} p:hover{color:blue} .a.a{color:green}", ".a{color:red} @layer x{.a{color:blue}}",
     ".a{color:red} .a:hover{color:blue} p:lang(de){color:pink}", ".a{color:red} .a:hover{color:blue"],
)  # fmt: skip
def test_what_cannot_be_repeated_safely_keeps_its_property_from_being_inlined(css: str) -> None:
    assert added(css) == ""
    assert "color" not in inlined(css, "<p class=a>x</p><p>y</p>").partition("</p>")[0]


def test_colour_and_background_go_together() -> None:
    css = ".a{color:#fff;background:#000} @layer x{.a{background:#111}}"
    assert inlined(css, "<p class=a>x</p>") == "<p class=a>x</p>"


def test_rules_that_look_at_style_attributes_select_what_they_did() -> None:
    css = "p{margin:16px 0} [style*='margin:16px']{margin:0}"
    assert inlined(css, "<p>x</p>") == "<p>x</p>"


_STYLE = re.compile(r"""\sstyle\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_SHEET = re.compile(r"(<style\b[^>]*>)(.*?)(?=</style>)", re.DOTALL)
_LINK = re.compile(r"""(<(?:a|area)\b[^>]*?\shref=)("[^"]*"|'[^']*'|[^\s>]+)""")


def changed(page: str, made: str) -> list[str]:
    """Returns what is otherwise, but for added declarations in `style` attributes and rules at the ends of sheets."""
    rest = iter(made)
    lost = [] if all(sign in rest for sign in page) else ["bytes of the page"]
    sheets = zip(_SHEET.findall(page), _SHEET.findall(made), strict=True)
    lost += [sheet for (_, sheet), (_, now) in sheets if not now.startswith(sheet)]
    before, after = (_STYLE.sub("", _SHEET.sub(r"\1", html)) for html in (page, made))
    return lost if before == after else [*lost, after]


@pytest.mark.parametrize("seed", range(50))
def test_nothing_but_style_attributes_and_repeated_rules_is_added(seed: int) -> None:
    page = generated(seed)
    assert changed(page, inline_css(page, ())) == []


@pytest.mark.parametrize("path", sorted(PAGES.iterdir()), ids=lambda path: path.name)
def test_a_mail_is_its_authors_page_but_for_language_styles_links_and_pixel(path: Path) -> None:
    source = read_page(path)
    page = written(source)
    made = sent(source).replace(f'<img src="{FACTS.public_url}/o/', "<pixel ").rstrip("\n")
    made = re.sub(r"<pixel [^>]*>", "", made)
    if "html" in source and "<html" not in page:
        made = made.removeprefix('<html lang="en">')
    said = re.search(r"<html[^>]*>", made)
    if "mjml" in source:
        page = page.replace('lang="und"', 'lang="en"')
    elif said and "lang=" not in page:
        made = made.replace('<html lang="en"', "<html", 1)
    assert changed(*(_LINK.sub(r"\1", html.rstrip("\n")) for html in (page, made))) == []


def test_attributes_are_limited() -> None:
    with pytest.raises(Refusal, match="more than 500 attributes"):
        inline_css("<p " + " ".join(f"a{number}" for number in range(501)) + ">x", ())


def test_the_work_is_bounded() -> None:
    css = "p{" + "a:b;" * 400 + "}"
    with pytest.raises(Refusal) as caught:
        inline_css(f"<style>{css}</style>" + "<p>x" * (MAX_STYLED // 400 + 1), ("html",))
    assert (caught.value.code, caught.value.field) == (RefusalCode.TEMPLATE_INVALID, ("html",))
