"""What assistive programs need of a page, as far as axe-core can say."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Without frames, which run no script. Without `preload`: axe-core copies sheets that import others into inline ones,
# which the page's policy forbids.
FIND = """([tags, within]) => axe.run(within ?? document, {
    iframes: false, preload: false, runOnly: { type: 'tag', values: tags } })"""


async def violations(page: Page, *, within: str | None = None, doubted: bool = True) -> list[str]:
    """Returns axe-core's findings on the page as it is, one a line. `within`: a selector of all that is looked at;
    `doubted`: also labels that axe-core leaves to a person's review."""
    # Evaluated by the debugger, since the page's own policy allows no such script.
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    found = await page.evaluate(FIND, [RULES, within])
    # axe-core leaves a label on an element without a role to a person's review where there is text beside it.
    labels = [each for each in found["incomplete"] if doubted and each["id"] == "aria-prohibited-attr"]
    return [
        f"{each['id']}: {node['html'][:300]}: {node.get('failureSummary')}"
        for each in [*found["violations"], *labels]
        for node in each["nodes"]
    ]


async def fits(page: Page) -> bool:
    """Whether nothing is wider than the screen."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
