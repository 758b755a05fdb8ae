"""What a browser computes for a page as its author wrote it, and for the mail that is made of it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page

from gateway.compose.campaign import compose_campaign
from gateway.templates.mjml import compile_mjml
from tests.builders import KEYRING
from tests.mails import FACTS, SENDER, body, campaign_template, parsed

PAGES = Path(__file__).parent / "corpus" / "pages"
ELEMENT = 1
STATES = ["hover", "active", "focus", "visited"]
_OUTLOOK_COMMENT = re.compile(r"<!--\[if (?!!)[^\]]*(?:mso|IE)[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
# Frames, not tabs: one look at all pages costs the browser little more than at one.
_LOAD = """pages => {
  document.documentElement.style.colorScheme = 'light dark';  // frames inherit it
  document.body.replaceChildren(...pages.map(() => document.createElement('iframe')));
  pages.forEach((page, number) => {
    const inside = frames[number].document;
    inside.open(); inside.write(page); inside.close();
  });
}"""
_RESIZE = "width => document.querySelectorAll('iframe').forEach(one => { one.style.width = `${width}px`; })"
_MARK = """() => {
  for (const {contentDocument: {body}} of document.querySelectorAll('iframe'))
    for (const name of ['data-ogsc', 'data-ogsb']) body.setAttribute(name, '');
}"""
# Every property that a rule or an attribute of a page sets, each shorthand as what it is short for.
_COMPUTED = """([count, ours]) => [...document.querySelectorAll('iframe')].map((_, number) => {
  const frame = frames[number], page = frames[number % count].document;
  const names = new Set(['display', 'width', 'color', 'font-size', 'line-height', 'background-color', 'position']);
  const read = rule => {
    for (const name of rule.style || []) names.add(name);
    [...rule.cssRules || []].forEach(read);
  };
  [...page.styleSheets, ...page.querySelectorAll('[style]')].forEach(read);
  const sheets = [...page.querySelectorAll('style')].map(one => one.textContent).join();
  const parts = Object.entries({before: ['content', 'margin-right'], after: ['content'], 'first-letter': ['font-size'],
                               'first-line': ['font-weight']}).filter(([part]) => sheets.includes(`:${part}`));
  const grows = new Set(['height', 'block-size', 'perspective-origin', 'transform-origin']);
  return [...frame.document.querySelectorAll('html, body, body *')].filter(one => !one.matches(ours)).map(one => {
    const lines = [one.localName], computed = frame.getComputedStyle(one);
    for (const name of names)
      if (!(grows.has(name) && ['html', 'body'].includes(one.localName)))
        lines.push(`${name}: ${computed.getPropertyValue(name)}`);
    for (const [part, inside] of parts)
      for (const name of ['color', ...inside])
        lines.push(`::${part} ${name}: ${frame.getComputedStyle(one, `::${part}`).getPropertyValue(name)}`);
    return lines.join('\\n');
  });
})"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a page is looked at. `client`: what a mail client does to it first."""

    width: int
    scheme: Literal["light", "dark"] = "light"
    media: Literal["screen", "print"] = "screen"
    client: Literal["", "pointing", "dark Outlook.com", "Outlook"] = ""


LOOKS = (
    *(Look(width=width, scheme=scheme) for width in (390, 1100) for scheme in ("light", "dark")),
    Look(width=1100, media="print"),
    Look(width=390, scheme="dark", media="print"),
    Look(width=1100, client="dark Outlook.com"),
    Look(width=1100, client="pointing"),
    Look(width=1100, client="Outlook"),
)

FEWER_LOOKS = (LOOKS[1], LOOKS[2], LOOKS[4])

_SIMPLE = [
    ".a",
    ".b",
    ".c",
    "#d",
    "i",
    "b",
    "*",
    "i:hover",
    ".a:first-child",
    ":not(.b)",
    ".c:not(:last-child)",
    "[class]",
    *("i:nth-child(2)", ":is(.a,#d)", ".b:where(.c)", "i:nth-last-child(2n)", "b:not(.a, .c)", "i:only-child"),
    *(":not(:hover)", "i:has(.a)"),
]
_CONDITIONS = [
    *("@media (max-width:600px)", "@media (prefers-color-scheme:dark)", "@media print", "@supports (color:red)"),
    "@layer base",
]
_DECLARATIONS = [
    *("color:{}", "background:{}", "background-color:{}", "border:{n}px solid {}", "border-left-color:{}"),
    *("border-width:{n}px", "padding:{n}px", "padding-left:{n}px", "font:{n}px serif", "line-height:{n}px"),
    *("font-size:{n}px", "margin:{n}px {n}px 1px"),
]


def generated(seed: int) -> str:
    """Returns a page of rules that get in each other's way."""
    chance = random.Random(seed)

    def declarations(important: float) -> str:
        made = []
        for form in chance.sample(_DECLARATIONS, chance.randint(1, 3)):
            value = form.replace("{}", f"#{chance.randrange(4096):03x}").replace("{n}", str(chance.randint(1, 30)))
            made.append(value + ("!important" if chance.random() < important else ""))
        return ";".join(made)

    def rule() -> str:
        parts = [chance.choice(_SIMPLE) for _ in range(chance.choice([1, 1, 1, 2]))]
        selector = chance.choice([" ", " > ", " + ", " ~ ", ","]).join(parts)
        written = f"{selector}{{{declarations(0.1)}}}"
        return f"{chance.choice(_CONDITIONS)}{{{written}}}" if chance.random() < 0.4 else written

    def element(depth: int) -> str:
        name, style = chance.choice("ib"), f' style="{declarations(0.1)}"' if chance.random() < 0.2 else ""
        classes = " ".join(chance.sample("abc", chance.randint(0, 3)))
        inside = "".join(element(depth - 1) for _ in range(chance.randint(1, 3))) if depth else "x"
        return f'<{name} class="{classes}"{style}>{inside}</{name}>'

    sheets = "".join(f"<style>{''.join(rule() for _ in range(chance.randint(1, 8)))}</style>" for _ in range(2))
    body = f"<div>{element(2)}<b id=d>d</b>{element(1)}</div><div>{{{{ postal_address }}}}</div>"
    return f"<!DOCTYPE html><html><head>{sheets}</head><body>{body}</body></html>"


def read_page(path: Path) -> dict[str, str]:
    """Returns a page of the corpus under the name of its language, `html` or `mjml`."""
    return {path.suffix.removeprefix("."): path.read_text(encoding="utf-8")}


def written(source: Mapping[str, str]) -> str:
    """Returns the HTML of a page as its author wrote it."""
    page = source.get("html") or compile_mjml(source["mjml"], ())
    address = ", ".join((SENDER.postal_address or "").splitlines())
    return page.replace("{{ postal_address }}", address).replace("{{ unsubscribe_url }}", "https://a.example/u")


def sent(source: Mapping[str, str]) -> str:
    """Returns the HTML of the mail that is made of it."""
    mail = compose_campaign(
        template=campaign_template(**source), sender=SENDER, facts=FACTS, merge_data={}, keyring=KEYRING
    )
    return body(parsed(mail.content), "html").replace("\r\n", "\n")


async def differences(
    browser: Browser, pages: Mapping[str, Mapping[str, str]], looks: Sequence[Look] = LOOKS
) -> list[str]:
    """Returns what looks otherwise in a page's mail: the page's name, look, element, and the property in both."""
    shown = [*map(written, pages.values()), *map(sent, pages.values())]
    context = await browser.new_context(offline=True, viewport={"width": 1200, "height": 800})
    page = await context.new_page()
    found: list[str] = []
    for look in looks:
        made = await _computed(page, shown, look)
        for name, before, after in zip(pages, made, made[len(pages) :], strict=False):
            found += [f"{name}, {look}: {line}" for line in _unlike(before, after)]
    await context.close()
    return found


def _unlike(before: list[str], after: list[str]) -> Iterator[str]:
    if len(before) != len(after):
        yield f"{len(before)} elements, {len(after)} sent"
    for number, (wanted, made) in enumerate(zip(before, after, strict=False)):
        pairs = zip(wanted.split("\n"), made.split("\n"), strict=False)
        name = wanted.partition("\n")[0]
        yield from (f"{name} {number}: {one} -> {other}" for one, other in pairs if one != other)


async def _computed(page: Page, pages: list[str], look: Look) -> list[list[str]]:
    """For each page its elements, each its styles a line."""
    shown = [_OUTLOOK_COMMENT.sub(r"\1", each) for each in pages] if look.client == "Outlook" else pages
    await page.emulate_media(media=look.media, color_scheme=look.scheme)
    await page.evaluate(_LOAD, shown)
    await page.evaluate(_RESIZE, look.width)
    if look.client == "pointing":
        await _point(page)
    elif look.client == "dark Outlook.com":
        await page.evaluate(_MARK)
    ours = f'img[src^="{FACTS.public_url}/o/"]'
    made: list[list[str]] = await page.evaluate(_COMPUTED, [len(pages) // 2, ours])
    return made


async def _point(page: Page) -> None:
    """Every element is pointed at, pressed, focused and visited."""
    session = await page.context.new_cdp_session(page)
    await session.send("DOM.enable")
    await session.send("CSS.enable")
    tree: Any = await session.send("DOM.getDocument", {"depth": -1, "pierce": True})
    for node in _elements(tree["root"]):
        await session.send("CSS.forcePseudoState", {"nodeId": node, "forcedPseudoClasses": STATES})


def _elements(node: Any) -> Iterator[int]:
    if node["nodeType"] == ELEMENT:
        yield node["nodeId"]
    for child in [*node.get("children", ()), *filter(None, [node.get("contentDocument")])]:
        yield from _elements(child)
