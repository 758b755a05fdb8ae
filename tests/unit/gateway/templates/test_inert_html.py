"""Of a mail's page nothing is left that a browser would fetch, run, send or follow; what it shows stays."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.templates.inert_html import inert_css, inert_page

PNG = "data:image/png;base64,AAAA"
PICTURES = {"logo@x": PNG}
REMOTE = "https://evil.example/x"
HARMLESS = frozenset({"src", "style", "title", "alt", "class", "id", "content", "charset", "name"})


class Page(HTMLParser):
    """Collects what of a page a browser would act on, by another parser than the one that wrote it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.sheets: list[str] = []
        self._styled = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._styled = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._styled:
            self.sheets.append(data)


ACTS = frozenset(
    {"href", "xlink:href", "srcset", "imagesrcset", "action", "formaction", "poster", "background", "data", "ping"}
    | {"cite", "longdesc", "usemap", "manifest", "codebase", "classid", "archive", "profile", "dynsrc", "lowsrc"}
    | {"target", "http-equiv", "srcdoc", "autofocus", "download", "icon", "code", "object", "slot", "is"}
)
RUNS = frozenset(
    {"script", "iframe", "frame", "object", "embed", "applet", "link", "base", "form", "input", "button", "svg", "math"}
    | {"video", "audio", "source", "track", "portal", "template", "canvas", "select", "textarea", "picture"}
)


def check_inert(html: str) -> None:
    page = Page(html)
    assert not page.names & RUNS
    for tag, name, value in page.attributes:
        assert name not in ACTS, (tag, name)
        assert not name.startswith("on"), (tag, name)
        if name == "src":
            assert (tag, value[:11]) == ("img", "data:image/")
        if name == "style":
            check_css(value)
    for sheet in page.sheets:
        check_css(sheet)


def check_css(css: str) -> None:
    plain = re.sub(r"\\([0-9a-fA-F]{1,6})\s?", lambda code: chr(min(int(code[1], 16), 0x10FFFF)), css)
    plain = plain.replace("\\", "")
    for fetched in re.findall(r"url\(\s*['\"]?([^)]{0,11})", plain, re.IGNORECASE):
        assert fetched.startswith((")", "data:image/")) or not fetched, css
    assert not re.search(r"@import|image-set\(|expression\(", plain, re.IGNORECASE), css


LOADS = [
    f'<img src="{REMOTE}">',
    f'<img srcset="{REMOTE} 2x" src="//evil.example/x">',
    f"<IMG SRC={REMOTE}>",
    f'<image src="{REMOTE}">',
    f'<body background="{REMOTE}">',
    f'<table background="{REMOTE}"><tr><td background={REMOTE}>x',
    f'<a href="{REMOTE}" ping="{REMOTE}" target=_top>x</a>',
    "<a href='javascript:alert(1)'>x</a>",
    f'<map><area href="{REMOTE}"></map>',
    f'<link rel=stylesheet href="{REMOTE}"><link rel=dns-prefetch href="//evil.example">',
    f'<base href="{REMOTE}"><img src="x.png">',
    f'<meta http-equiv=refresh content="0;url={REMOTE}">',
    f'<meta name=viewport http-equiv=refresh content="0;url={REMOTE}">',
    f"<script src={REMOTE}></script><script>alert(1)</script>",
    f"<iframe src={REMOTE} srcdoc='<img src={REMOTE}>'></iframe>",
    f"<object data={REMOTE}><embed src={REMOTE}></object>",
    f"<video src={REMOTE} poster={REMOTE}><source src={REMOTE}></video><audio src={REMOTE}></audio>",
    f"<svg><image href={REMOTE} /><use xlink:href={REMOTE} /><a xlink:href={REMOTE}>x</a>",
    f"<svg><style>@import '{REMOTE}'</style></svg>",
    f"<math href={REMOTE}><mi xlink:href={REMOTE}>x</mi></math>",
    f"<form action={REMOTE}><input type=image src={REMOTE}><button formaction={REMOTE}>go</button></form>",
    f'<p style="background:url({REMOTE})">x</p>',
    f"<p style=\"background:URL( '{REMOTE}' ) , url(//evil.example\">x</p>",
    f'<p style="background:u\\72l({REMOTE})">x</p>',
    f'<p style="background:u/**/rl({REMOTE})">x</p>',
    f"<p style=\"background:image-set('{REMOTE}' 1x)\">x</p>",
    f'<p style="background:-webkit-image-set(url({REMOTE}) 1x)">x</p>',
    f"<style>@import '{REMOTE}'; @import url({REMOTE}) print; p {{ color: red }}</style>",
    f"<style>@\\69mport '{REMOTE}';</style>",
    f"<style>@font-face {{ font-family: x; src: url({REMOTE}) }} p {{ cursor: url({REMOTE}), auto }}</style>",
    f"<style>p {{ behavior: url({REMOTE}); -moz-binding: url({REMOTE}#x) }}</style>",
    f"<style><!-- p {{ background: url({REMOTE}) }} --></style>",
    f"<noscript><img src={REMOTE}></noscript><template><img src={REMOTE}></template>",
    f"<title></title><img src={REMOTE}></title>",
    f"<textarea></textarea><img src={REMOTE}></textarea><xmp><img src={REMOTE}></xmp>",
    "<p onclick=alert(1) onload=alert(1)>x</p><img src=x onerror=alert(1)>",
    "<img src='data:text/html,<script>alert(1)</script>'><img src='data:image/svg+xml,<svg/>'>",
    f"<!--[if mso]><img src={REMOTE}><![endif]--><![CDATA[<img src={REMOTE}>]]>",
    f"<frameset><frame src={REMOTE}></frameset>",
    f"<p title='</style><img src={REMOTE}>'>x</p><style></style><img src={REMOTE}></style>",
    f"<svg></p><style><a title='</style><img src={REMOTE}>'>",
]


@pytest.mark.parametrize("html", LOADS)
def test_nothing_is_loaded(html: str) -> None:
    shown = inert_page(html, PICTURES)
    check_inert(shown)
    assert "alert" not in shown.replace("&lt;script&gt;alert", "")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(LOADS) | st.text("<>/='\" sryleimgatbxucp(){}@:;\\-!\n", max_size=60), max_size=8).map(
        "".join
    )
)
@example("<style>a{</style><p style='x:\\75 rl(//e.example)'>")
def test_no_remote_reference_survives_in_any_page(html: str) -> None:
    check_inert(inert_page(html, PICTURES))


@given(st.text("url()@import'\"\\/*:;{} 0-9a-fx,datimge", max_size=80))
def test_no_css_fetches(css: str) -> None:
    check_css(inert_css(css, PICTURES))


def test_what_is_shown_stays() -> None:
    html = (
        '<!DOCTYPE html><html lang="de"><head><title>t</title><meta name="color-scheme" content="light dark">'
        "<style>@media (prefers-color-scheme: dark) { .a > b { color: #fff } }</style></head>"
        '<body bgcolor="#eee" style="margin: 0"><table width="600" cellpadding="3"><tr><td class="a" colspan="2">'
        'Größe &amp; <b>more</b> &lt;x&gt;<br><a href="https://shop.example/?a=1&amp;b=2">buy</a>'
        '<img src="cid:logo@x" width="3" alt="Logo"><img src="https://cdn.example/p.png" alt="A picture"></td></tr>'
        "</table><p style=\"background: url('cid:logo@x')\">end</p></body></html>"
    )
    shown = inert_page(html, PICTURES)
    assert shown.startswith('<!doctype html><html lang="de"><head><meta charset="utf-8">')
    assert '<meta name="color-scheme" content="light dark">' in shown
    assert "@media (prefers-color-scheme: dark) { .a > b { color: #fff } }" in shown
    assert '<body bgcolor="#eee" style="margin: 0">' in shown
    assert "Größe &amp; <b>more</b> &lt;x&gt;<br>" in shown
    # A link tells where it leads, and leads nowhere; pictures are those of the mail alone, others say what they show
    assert '<a title="https://shop.example/?a=1&amp;b=2">buy</a>' in shown
    assert f'<img width="3" alt="Logo" src="{PNG}"><img alt="A picture">' in shown
    assert f"url(&#x27;{PNG}&#x27;)" in shown


def test_a_page_without_a_doctype_is_shown_in_the_same_mode() -> None:
    assert inert_page("<p>x", {}).startswith("<html>")
