"""A campaign to a CSV list, by keyboard alone: every key but typed text is counted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, FileChooser, Page, expect

from tests.accessible import fits, violations
from tests.browsing import PATIENCE_MS, SENDER, TEMPLATE, World, looking
from tests.looks import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

MAX_KEYS = 15
LETTER = """<p>Dear {{ customer_name }}, book an hour.</p>
<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>"""
CSV = "E-Mail,Name\nann@console.example,Ann\nnobody,Bob\ncarla@console.example,Carla\n"


class Keyboard:
    """One's hands: keys are counted, what is typed is not."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.pressed: list[str] = []

    async def press(self, key: str) -> None:
        self.pressed.append(key)
        await self._page.keyboard.press(key)

    async def type(self, text: str) -> None:
        await self._page.keyboard.type(text)


async def clean(page: Page, what: str) -> None:
    """On every screen and in every theme axe-core finds nothing, and nothing is wider than the screen."""
    for look in LOOKS:
        await look.apply(page)
        assert await violations(page, doubted=False) == [], f"{what}, {look}"
        assert await fits(page), f"{what}, {look}"


async def test_a_campaign_is_launched_to_a_csv_list_by_keyboard(
    browser: Browser, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a sender with a postal address, a template, and a table of three lines, one of them wrong
    sender = {"name": "A console", "fromName": "Console", "fromAddress": "office@fabrikam.example"}
    await world.call(SENDER, input={**sender, "postalAddress": "1 Main Street, Springfield"})
    await world.call(TEMPLATE, input={"name": "Console spring", "subject": "Console spring hour", "html": LETTER})
    table = tmp_path / "console-customers.csv"
    table.write_text(CSV)
    async with looking(browser, world) as page:
        await page.goto("/campaigns")
        await expect(page.get_by_role("heading", name="Campaigns", level=1)).to_be_visible()
        keys = Keyboard(page)
        # Asked for from the beginning: a browser that is told of it only now may open a chooser of its own.
        chosen: asyncio.Future[FileChooser] = asyncio.get_running_loop().create_future()
        page.on("filechooser", lambda chooser: chosen.set_result(chooser))
        # When a new campaign is made from the palette, its title typed
        await keys.press("Control+k")
        await expect(page.get_by_role("combobox").first).to_be_focused()
        await keys.type("new campaign")
        await expect(page.get_by_role("option", name="New campaign").first).to_be_visible()
        await keys.press("Enter")
        title = page.get_by_label("Title", exact=True)
        await expect(title).to_be_focused()
        await keys.type("Console spring")
        await keys.press("Enter")
        # And the table chosen: it goes up at once and is checked
        await expect(page.get_by_role("combobox", name="Lists", exact=True)).to_be_focused()
        await keys.press("Tab")
        await expect(page.get_by_role("button", name="Import CSV")).to_be_focused()
        await keys.press("Enter")
        await (await asyncio.wait_for(chosen, PATIENCE_MS / 1000)).set_files(table)
        imported = page.get_by_role("button", name="Import 2 customers")
        await expect(imported).to_be_focused()
        review = page.get_by_role("region", name="Import", exact=True)
        await expect(review).to_contain_text("2 will be imported: 2 new, 0 known.")
        await expect(review).to_contain_text("line 3")
        await clean(page, "the review of an import")
        await keys.press("Enter")
        # Then the list is the audience, and the template is next
        await expect(review).to_contain_text("2 imported.")
        template = page.get_by_role("combobox", name="Template")
        await expect(template).to_be_focused()
        await keys.type("console spring")
        await keys.press("Enter")
        # And then a test message
        await expect(page.get_by_label("To", exact=True)).to_be_focused()
        await keys.type("tester@console.example")
        await keys.press("Enter")
        await expect(page.get_by_role("button", name="Launch …")).to_be_focused()
        await expect(page.get_by_text("Sent to tester@console.example").first).to_be_visible()
        await expect(page.get_by_text("2 people, an address once")).to_be_visible()
        await clean(page, "a draft")
        # When it is launched, the number is said before
        await keys.press("Enter")
        launch = page.get_by_role("button", name="Launch to 2 people")
        await expect(launch).to_be_focused()
        await expect(page.get_by_role("heading", name="Launch to 2 people?")).to_be_visible()
        await clean(page, "the plan of a launch")
        await keys.press("Enter")
        await expect(page).to_have_url(f"{world.url}/campaigns/{page.url.split('/campaigns/')[1].split('/')[0]}")
        await expect(page.get_by_role("heading", name="Console spring", level=1)).to_be_visible()
        # Then both get it, and it took no more keys than it may
        for address in ("ann@console.example", "carla@console.example"):
            await world.arrived(address, "Console spring hour")
        await its_list(page)
    with capsys.disabled():
        print(f"\nlaunch a campaign to a CSV list: {len(keys.pressed)} keys ({' '.join(keys.pressed)})")
    assert len(keys.pressed) <= MAX_KEYS


async def its_list(page: Page) -> None:
    """The list that the import made: its members, one of them removed and brought back, its criteria's like."""
    await page.goto("/lists?search=console-customers")
    await page.get_by_role("link", name="console-customers").click()
    await expect(page.get_by_role("link", name="Carla")).to_be_visible()
    await page.get_by_role("button", name="Remove Carla").click()
    await expect(page.get_by_role("link", name="Carla")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("link", name="Carla")).to_be_visible()
    await clean(page, "a list")
    # And a dynamic one, counted while its rule is typed
    await page.goto("/lists/new?name=Console+domain")
    await page.get_by_role("textbox", name="Values, between commas").fill("console.example")
    await expect(page.get_by_text("2 match, counted at")).to_be_visible()
    await clean(page, "criteria")
    await page.get_by_role("button", name="Save the criteria").click()
    await expect(page.get_by_role("heading", name="Console domain", level=1)).to_be_visible()
    await expect(page.get_by_role("link", name="Carla")).to_be_visible()
    await page.goto("/lists/imports")
    await page.get_by_role("link", name="console-customers.csv").first.click()
    await expect(page.get_by_role("region", name="Import").get_by_text("2 imported.")).to_be_visible()
