"""What a browser computes for a page as its author wrote it, and for the mail that is made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page

from gateway.compose.campaign import compose_campaign
from gateway.templates.mjml import compile_mjml
from tests.builders import KEYRING
from tests.mails import FACTS, SENDER, body, campaign_template, parsed

PAGES = Path(__file__).parent / "corpus" / "pages"
STATES = ["hover", "active", "focus", "visited"]
_OUTLOOK_COMMENT = re.compile(r"<!--\[if (?!!)[^\]]*(?:mso|IE)[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_COMPUTED = """ours => {
  const shown = [...document.querySelectorAll('html, body, body *')].filter(one => !ours || !one.matches(ours));
  const size = new Set(['height', 'block-size', 'perspective-origin', 'transform-origin']);
  const parts = {'::before': ['content', 'color', 'margin-right'], '::after': ['content', 'color'],
                 '::first-letter': ['color', 'font-size'], '::first-line': ['color', 'font-weight']};
  return shown.map(one => {
    const computed = getComputedStyle(one), grows = ['html', 'body'].includes(one.localName);
    const lines = [one.localName];
    for (const name of computed)
      if (name !== '-webkit-locale' && !(grows && size.has(name))) lines.push(`${name}: ${computed.getPropertyValue(name)}`);
    for (const [part, names] of Object.entries(parts)) {
      const inside = getComputedStyle(one, part);
      for (const name of names) lines.push(`${part} ${name}: ${inside.getPropertyValue(name)}`);
    }
    return lines.join('\\n');
  });
}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a page is looked at. `client`: what a mail client does to it first."""

    width: int
    scheme: Literal["light", "dark"] = "light"
    media: Literal["screen", "print"] = "screen"
    client: Literal["", "pointing", "dark Outlook.com", "Outlook"] = ""


LOOKS = (
    *(Look(width=width, scheme=scheme) for width in (390, 1100) for scheme in ("light", "dark")),  # type: ignore[arg-type]  # mypy widens the loop's literals
    Look(width=1100, media="print"),
    Look(width=390, scheme="dark", media="print"),
    Look(width=1100, client="dark Outlook.com"),
    Look(width=1100, client="pointing"),
    Look(width=1100, client="Outlook"),
)


def written(path: Path) -> str:
    """Returns the HTML of a page of the corpus, as its author wrote it."""
    source = path.read_text(encoding="utf-8")
    page = compile_mjml(source, ()) if path.suffix == ".mjml" else source
    address = ", ".join((SENDER.postal_address or "").splitlines())
    return page.replace("{{ postal_address }}", address).replace("{{ unsubscribe_url }}", "https://a.example/u")


def sent(path: Path) -> str:
    """Returns the HTML of the mail that is made of it."""
    source = {path.suffix.removeprefix("."): path.read_text(encoding="utf-8")}
    mail = compose_campaign(
        template=campaign_template(**source), sender=SENDER, facts=FACTS, merge_data={}, keyring=KEYRING
    )
    return body(parsed(mail.content), "html")


async def differences(browser: Browser, path: Path, looks: tuple[Look, ...] = LOOKS) -> list[str]:
    """Returns what looks otherwise in the mail: how it was looked at, the element, the property in both."""
    ours = f'img[src^="{FACTS.public_url}/o/"]'
    before, after = await _computed(browser, written(path), looks, ""), await _computed(browser, sent(path), looks, ours)
    found: list[str] = []
    for look, wanted, made in zip(looks, before, after, strict=True):
        found += [f"{look}: {len(wanted)} elements, {len(made)} sent"] if len(wanted) != len(made) else []
        for number, (left, right) in enumerate(zip(wanted, made, strict=False)):
            if left != right:
                pairs = zip(left.split("\n"), right.split("\n"), strict=False)
                name = left.partition("\n")[0]
                found += [f"{look}: {name} {number}: {one} -> {other}" for one, other in pairs if one != other]
    return found


async def _computed(browser: Browser, html: str, looks: tuple[Look, ...], ours: str) -> list[list[str]]:
    context = await browser.new_context(offline=True, java_script_enabled=True)
    page = await context.new_page()
    found, shown = [], ""
    for look in looks:
        wanted = _OUTLOOK_COMMENT.sub(r"\1", html) if look.client == "Outlook" else html
        if wanted != shown or look.client:
            await page.set_content(wanted, wait_until="commit")
        shown = "" if look.client else wanted
        await page.set_viewport_size({"width": look.width, "height": 800})
        await page.emulate_media(media=look.media, color_scheme=look.scheme)
        if look.client == "pointing":
            await _point(page)
        elif look.client == "dark Outlook.com":
            await page.evaluate("document.body.setAttribute('data-ogsc', ''), document.body.setAttribute('data-ogsb', '')")
        found.append(await page.evaluate(_COMPUTED, ours))
    await context.close()
    return found


async def _point(page: Page) -> None:
    """Every element is pointed at, pressed, focused and visited."""
    session = await page.context.new_cdp_session(page)
    await session.send("DOM.enable")
    await session.send("CSS.enable")
    root: Any = (await session.send("DOM.getDocument"))["root"]["nodeId"]
    nodes: Any = await session.send("DOM.querySelectorAll", {"nodeId": root, "selector": "body *"})
    for node in nodes["nodeIds"]:
        await session.send("CSS.forcePseudoState", {"nodeId": node, "forcedPseudoClasses": STATES})
