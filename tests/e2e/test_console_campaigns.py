"""A campaign in the console: looked at, paused, resumed, and its refused recipients tried again, exactly those."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.accessible import fits, violations
from tests.browsing import World, looking
from tests.looks import LOOKS, Look
from tests.smtp_server import Reply

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

NEWEST = "{ campaigns(first: 1) { nodes { id progress { accepted refused queued } } } }"
FULL = Reply(552, "5.2.2 Mailbox size limit exceeded")


async def _launched(world: World) -> str:
    """A campaign to three customers: one server takes it, one refuses, one says not now; returns its id."""
    world.replies["carl@customer.example"] = FULL
    world.replies["cleo@customer.example"] = Reply(450, "4.2.0 Greylisted, try again in 300 seconds")
    names = ("Cora", "Carl", "Cleo")
    await world.campaign(
        *[await world.customer(f"{name} Campaign", f"{name.lower()}@customer.example") for name in names]
    )
    [campaign] = (await world.call(NEWEST))["campaigns"]["nodes"]
    return str(campaign["id"])


async def _fits(page: Page, *looks: Look) -> None:
    """The page has no violation and does not scroll sideways in these looks."""
    for look in looks:
        await look.apply(page)
        assert await violations(page) == [], f"{page.url} {look}"
        assert await fits(page), f"{page.url} {look}"


async def test_a_campaign_is_looked_at_paused_and_resumed_and_its_refused_are_retried(
    browser: Browser, world: World
) -> None:
    # Given a campaign that one server took, one refused, and one put off
    campaign = await _launched(world)
    async with looking(browser, world) as page:
        # When it is looked at, then its numbers come by themselves, and add up to those who were launched to
        await page.goto("/campaigns")
        await page.get_by_role("link", name="Spring service 2027").first.click()
        await expect(page).to_have_url(f"/campaigns/{campaign}")
        outcomes = page.locator(".campaign-outcomes")
        for name, number in (("Accepted", 1), ("Refused", 1), ("Waiting", 1), ("Launched", 3)):
            await expect(outcomes.get_by_role("row", name=name)).to_contain_text(str(number))
        # When it is paused, then that is done at once, and says what was on the wire
        await page.get_by_role("button", name="Pause", exact=True).click()
        await expect(page.locator(".undo-line")).to_contain_text("Paused.")
        await expect(page.locator(".campaign-state")).to_have_text("Paused")
        # When it is resumed, then no question is asked
        await page.get_by_role("button", name="Resume").click()
        await expect(page.locator(".campaign-state")).to_have_text("Running")
        # When the number of refused ones is followed, then exactly those are listed, with the server's words
        await outcomes.get_by_role("row", name="Refused").get_by_role("link").click()
        await expect(page).to_have_url(f"/campaigns/{campaign}/recipients?status=refused")
        rows = page.locator(".campaign-recipient:not(.head)")
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text("Carl Campaign")
        await expect(rows).to_contain_text("Mailbox size limit exceeded")
        # When they are retried, then a plan names the number first, and its button has the keyboard
        await page.get_by_role("button", name="Retry 1", exact=True).click()
        confirm = page.get_by_role("button", name="Retry 1 message")
        await expect(confirm).to_be_focused()
        await _fits(page, LOOKS[-1])
        world.replies["carl@customer.example"] = Reply(250, "2.1.5 Ok")
        await confirm.press("Enter")
        await expect(page.locator(".undo-line")).to_contain_text("1 message goes back to the queue.")
        # Then its mail is accepted, which the overview shows without being asked
        await page.get_by_role("link", name="Overview").click()
        await expect(outcomes.get_by_role("row", name="Accepted")).to_contain_text("2")
        await expect(outcomes.get_by_role("row", name="Refused")).to_have_count(0)
        assert "Carl Campaign" in await world.arrived("carl@customer.example", "An hour for your system")
        # When it is cancelled, then a plan says what is not sent and what cannot be taken back
        await page.get_by_label("More actions").click()
        await page.get_by_role("button", name="Cancel campaign…").click()
        await expect(page.locator(".plan")).to_contain_text("cannot be taken back")
        await _fits(page, *LOOKS)
        await page.get_by_role("button", name="Cancel 1 message").click()
        await expect(page.locator(".campaign-state")).to_have_text("Cancelled")
        # And the history says all of it, newest first
        await page.get_by_role("link", name="History").click()
        await expect(page.locator(".campaign-event b").first).to_have_text("Cancelled")
        await _fits(page, LOOKS[0])
        await page.goto("/campaigns?state=finished")
        await expect(page.locator(".campaign-row:not(.head)").first).to_contain_text("2 of 3")
        await _fits(page, *LOOKS)


async def test_a_campaign_is_settled_put_away_copied_with_a_second_mailing_and_its_draft_deleted(
    browser: Browser, world: World
) -> None:
    # Given a campaign of which one server took the message, and one closed the connection without an answer
    names = ("Cora", "Maydee")
    await world.campaign(*[await world.customer(f"{name} Away", f"{name.lower()}@customer.example") for name in names])
    [campaign] = (await world.call(NEWEST))["campaigns"]["nodes"]
    async with looking(browser, world) as page:
        await page.goto(f"/campaigns/{campaign['id']}")
        state, said, menu = (
            page.locator(".campaign-state"),
            page.locator(".undo-line"),
            page.get_by_label("More actions"),
        )
        # When what is uncertain is settled, then a plan says so of one message, and the campaign is over
        await page.get_by_role("button", name="Settle 1", exact=True).click()
        await expect(page.locator(".plan")).to_contain_text("What becomes of 1 uncertain message?")
        await page.get_by_role("button", name="Assume 1 sent").click()
        await expect(said).to_contain_text("1 message counts as sent.")
        await expect(state).to_have_text("Finished")
        # When it is put away, then that is done at once, the keyboard stays in its menu, and it can be taken back
        await menu.click()
        await page.get_by_role("button", name="Archive", exact=True).click()
        await expect(said).to_contain_text("Archived.")
        await expect(menu).to_be_focused()
        await said.get_by_role("button", name="Undo").click()
        await expect(said).to_contain_text("Undone: Archived.")
        # When it is copied, then its draft is named first; and when that is taken back, one is at the campaign again
        await menu.click()
        await page.get_by_role("button", name="Copy", exact=True).click()
        title = page.get_by_label("Title", exact=True)
        await expect(title).to_be_focused()
        await expect(title).to_have_value("Copy of Spring service 2027")
        await said.get_by_role("button", name="Undo").click()
        await expect(page).to_have_url(f"{world.url}/campaigns/{campaign['id']}")
        # When a copy gets another mailing, then both are saved with their times, and one can be taken off
        await menu.click()
        await page.get_by_role("button", name="Copy", exact=True).click()
        await expect(title).to_be_focused()
        await page.get_by_role("button", name="Another mailing").click()
        await page.keyboard.type("Spring")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("group", name="Mailing 2").first).to_contain_text("version 1")
        await expect(page.get_by_text("Draft, saved")).to_be_visible()
        draft = page.url.split("/campaigns/")[1].split("/")[0]
        await page.goto(f"/campaigns/{draft}")
        await page.get_by_role("link", name="Mailings 2").click()
        await expect(page.locator(".campaign-mailings > li")).to_have_count(2)
        # When the draft is deleted, then a plan says what goes with it, and the list of drafts is next
        await menu.click()
        await page.get_by_role("button", name="Delete draft…").click()
        await expect(page.locator(".plan")).to_contain_text("2 mailings")
        await page.get_by_role("button", name="Delete the draft").click()
        await expect(said).to_contain_text("The draft was deleted.")
        await expect(page).to_have_url(f"{world.url}/campaigns?state=drafts")
