"""Templates in a real browser: written, looked at, corrected, published, compared."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, FrameLocator, Locator, Page, expect

from tests.accessible import violations
from tests.browsing import PHONE, TEMPLATE, World, looking

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

LETTER = """<h1 style="color: rgb(1, 2, 3)">Hello {{ customer.name|default("you") }}</h1>
<style>@media (prefers-color-scheme: dark) { h1 { font-style: italic } }</style>
<p>The old words</p>
<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>"""


def code(page: Page) -> Locator:
    """The source's editor."""
    return page.locator("#template-code .cm-content")


def letter(page: Page) -> FrameLocator:
    """The frame of the preview."""
    return page.frame_locator(".tp-frame")


async def clean(page: Page) -> None:
    """axe-core finds nothing in the view as it is."""
    assert await violations(page, within="#main", doubted=False) == []


async def test_a_letter_is_written_looked_at_corrected_published_and_compared(browser: Browser, world: World) -> None:
    name = "Console letter"
    await world.call(TEMPLATE, input={"name": name, "subject": "Hello", "html": LETTER})
    async with looking(browser, world) as page:
        # Given the list, which loads no editor, and a template opened from it
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        await page.goto("/templates")
        await expect(page.get_by_role("link", name=name)).to_be_visible()
        assert not [url for url in loaded if "codemirror" in url]
        await clean(page)
        await page.get_by_role("link", name=name).click()
        await expect(letter(page).get_by_role("heading")).to_have_text("Hello Alex Sample")
        await expect(letter(page).get_by_role("heading")).to_have_css("color", "rgb(1, 2, 3)")
        # When one types, then the preview follows, and the warning names its line, to which a press goes
        await code(page).press("Control+End")
        await page.keyboard.type('\n<img src="https://x.example/a.png">\n<p>New words {{ cust')
        await expect(page.locator("#template-code .cm-tooltip-autocomplete li").first).to_have_text(
            "customer.nameof the customer"
        )
        await page.keyboard.press("Enter")
        await page.keyboard.type("</p>")
        await expect(letter(page).get_by_text("New words Alex Sample")).to_be_visible()
        await expect(page.locator(".tp-problems")).to_contain_text("no alt text")
        await expect(page.locator(".tp-problems").get_by_role("button", name="Line 5")).to_be_visible()
        await page.get_by_role("button", name="Line 5").click()
        await expect(page.locator("#template-code .cm-activeLine")).to_contain_text("a.png")
        # And nothing in the frame runs or leads anywhere, and its theme is the chosen one
        await page.get_by_role("button", name="Dark").click()
        await expect(letter(page).get_by_role("heading")).to_have_css("font-style", "italic")
        await letter(page).get_by_role("link").click()
        await expect(letter(page).get_by_role("heading")).to_be_visible()
        await clean(page)
        # And after the page is left and opened again, the draft is there
        await expect(page.locator(".tp-status")).to_contain_text("Draft of version 2 · Draft kept")
        await page.reload()
        await expect(code(page)).to_contain_text("New words")
        # When it is published, then it is version 2, which can be compared with the first
        await page.get_by_role("button", name="Publish version 2").click()
        await expect(page.locator(".tp-status")).to_contain_text("Version 2, published")
        await page.get_by_role("button", name="Versions").click()
        await page.get_by_role("link", name="Compare version 1").click()
        await expect(page.get_by_role("heading", name="Version 1 and Version 2")).to_be_visible()
        await expect(page.locator("#template-comparison .cm-content")).to_have_count(2)
        await expect(
            page.locator("#template-comparison .cm-changedLine, #template-comparison .cm-insertedLine").first
        ).to_be_visible()
        await clean(page)
        # And on a phone the source is read only, beside the preview
        await page.set_viewport_size(PHONE)
        await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        await page.get_by_role("button", name="Back to the editor").click()
        await expect(code(page)).to_have_attribute("aria-readonly", "true")
        await expect(page.get_by_text("needs a wider screen")).to_be_visible()
        await clean(page)
        await page.get_by_role("button", name="Preview", exact=True).click()
        await expect(letter(page).get_by_text("New words")).to_be_visible()
        await clean(page)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_test_of_an_unpublished_letter_is_mailed(browser: Browser, world: World) -> None:
    await world.customer("Tess Ting", "tess@customer.example")
    async with looking(browser, world) as page:
        # Given a new template with a name
        await page.goto("/templates/new")
        await page.get_by_label("Name", exact=True).fill("Unpublished")
        await page.get_by_label("Subject").fill("Nothing yet, {{ customer.name }}")
        await expect(page.locator(".tp-line")).to_contain_text("Nothing yet, Alex Sample")
        # When a test is asked for with a customer's data, then it arrives
        await page.get_by_text("Data: Sample").click()
        await page.get_by_label("Or a customer").fill("Tess")
        await page.get_by_role("button", name="Tess Ting").click()
        await expect(page.locator(".tp-line")).to_contain_text("Nothing yet, Tess Ting")
        await page.get_by_role("button", name="Send test").click()
        await page.get_by_label("To", exact=True).fill("me@customer.example")
        await page.get_by_role("button", name="Send the test").click()
        await expect(page.locator(".tp-results")).to_contain_text("me@customer.example: accepted by the mail server")
        await world.arrived("me@customer.example", "[Test] Nothing yet, Tess Ting")
