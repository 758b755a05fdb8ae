"""The mail itself on the page: shown in a frame that asks for nothing and counts as nothing, proved, downloaded."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Request, expect

from gateway.storage import content
from service.auth.sessions import create_login_link
from service.graph.node import message_global_id
from tests.browsing import World, looking
from tests.builders import make_message

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

SHOTS = os.environ.get("SHOTS")
"""A directory for pictures of what is tested; none are taken without it."""
ELSEWHERE = "http://127.0.0.1:1/"
HOSTILE = f"""<!doctype html><html><head><base href="{ELSEWHERE}"><link rel="stylesheet" href="{ELSEWHERE}a.css">
<link rel="dns-prefetch" href="//evil.example"><meta http-equiv="refresh" content="1;url={ELSEWHERE}b">
<style>@import "{ELSEWHERE}c.css"; body {{ background: url({ELSEWHERE}d.png) }}
@font-face {{ font-family: x; src: url({ELSEWHERE}e.woff) }} p {{ font-family: x }}</style>
<script src="{ELSEWHERE}f.js"></script></head><body background="{ELSEWHERE}g.png" onload="fetch('{ELSEWHERE}h')">
<p>Hostile <a href="{ELSEWHERE}i" ping="{ELSEWHERE}j" target="_top">link</a></p><img src="{ELSEWHERE}k.png" alt="gone">
<img srcset="{ELSEWHERE}l.png 2x" onerror="fetch('{ELSEWHERE}m')" src="x">
<iframe src="{ELSEWHERE}n"></iframe><video src="{ELSEWHERE}o" poster="{ELSEWHERE}p" autoplay></video>
<object data="{ELSEWHERE}q"></object>
<svg><image href="{ELSEWHERE}r"/></svg>
<form action="{ELSEWHERE}s"><button autofocus>send</button></form></body></html>"""


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def newsletter(world: World) -> AsyncIterator[str]:
    """A customer with a campaign's mail that the server took."""
    customer = await world.customer("Cora Content", "cora@customer.example")
    await world.campaign(customer)
    await world.arrived("cora@customer.example", "An hour for your system")
    yield customer


async def newest(world: World, customer: str) -> str:
    """The id of the customer's newest message."""
    query = "query($id: ID!) { customer(id: $id) { latestEmail { message { id } } } }"
    return str((await world.call(query, id=customer))["customer"]["latestEmail"]["message"]["id"])


@pytest.mark.parametrize(("phone", "dark"), [(False, False), (True, True)], ids=["desk", "phone-dark"])
async def test_a_campaigns_mail_is_looked_at_and_nothing_is_counted(
    browser: Browser, world: World, newsletter: str, phone: bool, dark: bool, tmp_path: Path
) -> None:
    message = await newest(world, newsletter)
    await world.settled(message, "ACCEPTED")
    async with looking(browser, world, phone=phone, dark=dark) as page:
        asked: list[Request] = []
        page.on("request", lambda request: asked.append(request))
        # When the mail itself is opened from its popover
        await page.goto(f"/customers/{newsletter}/emails?info={message}")
        await page.get_by_role("tab", name="Content").click()
        # Then it is shown as the customer got it, and proved
        frame = page.frame_locator(".mail-frame")
        await expect(frame.get_by_text("Dear Cora Content")).to_be_visible()
        await expect(page.get_by_text("Exact: its fingerprint is the one of what was sent")).to_be_visible()
        shown = page.locator(".mail-frame")
        assert (await shown.get_attribute("sandbox"), await shown.get_attribute("referrerpolicy")) == (
            "",
            "no-referrer",
        )
        # When its links are clicked
        before = len(asked)
        for link in await frame.locator("a").all():
            await link.click()
        # Then nothing was asked for but the page's own files and figures, and nothing is counted
        assert {urlsplit(one.url).netloc for one in asked} == {urlsplit(world.url).netloc}
        assert not [one.url for one in asked if re.search("/[ocu]/", urlsplit(one.url).path)]
        followed = [one.url for one in asked[before:] if not re.match("/static/|/graphql$", urlsplit(one.url).path)]
        assert followed == []
        assert await world.database.fetchval("select count(*) from hit where message_id = $1", _uuid(message)) == 0
        if SHOTS:
            await shown.scroll_into_view_if_needed()
            await page.screenshot(path=f"{SHOTS}/content-{'phone-dark' if phone else 'desk'}.png")
        # And its bytes are a file
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name=".eml").click()
        downloaded = await downloading.value
        assert downloaded.suggested_filename == "An hour for your system, Cora Content.eml"
        await downloaded.save_as(tmp_path / "mail.eml")
        assert b"Subject: An hour for your system" in (tmp_path / "mail.eml").read_bytes()


def _uuid(message: str) -> str:
    return message.rpartition("_")[2]


async def test_a_hostile_mail_asks_for_nothing(browser: Browser, world: World) -> None:
    # Given a received mail whose HTML tries every way to be told that it is looked at
    customer = await world.customer("Hugo Hostile")
    number = int(customer.partition("_")[2])
    mail = EmailMessage()
    mail.set_content(HOSTILE, "html")
    stored = await content.store(world.database, mail.as_bytes())
    made = await make_message(world.database, number, direction="RECEIVED", content_sha256=stored, subject="Hostile")
    message = message_global_id(number, made)
    async with looking(browser, world) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"/customers/{customer}/emails?info={message}")
        await page.get_by_role("tab", name="Content").click()
        frame = page.frame_locator(".mail-frame")
        await expect(frame.get_by_text("Hostile")).to_be_visible()
        # When its link is clicked, and another page has been loaded since
        await frame.get_by_text("link").click()
        await page.request.get("/healthz")
        # Then it asked for nothing, and runs in no origin of ours
        assert [url for url in asked if not url.startswith(world.url)] == []
        [inside] = [one for one in page.frames if "/content/" in one.url]
        assert await inside.evaluate("self.origin") == "null"
        assert await inside.evaluate("document.querySelectorAll('script, link, iframe, form, svg, [href]').length") == 0
        # And alone in a tab it is as harmless
        await page.goto(inside.url)
        await expect(page.get_by_text("Hostile")).to_be_visible()
        assert await page.evaluate("self.origin") == "null"
        assert [url for url in asked if not url.startswith(world.url)] == []


async def test_who_may_not_see_content_finds_no_link(browser: Browser, world: World, newsletter: str) -> None:
    message = await newest(world, newsletter)
    async with looking(browser, world, signed_in=False) as page:
        await page.goto(await create_login_link(world.database, "Grace", world.url))
        await page.get_by_role("button").click()
        await page.goto(f"/customers/{newsletter}/emails?info={message}")
        await expect(page.get_by_role("heading", name="Events")).to_be_visible()
        await page.get_by_role("tab", name="Content").click()
        await expect(page.get_by_text("You may see what happened, not what was written")).to_be_visible()
        await expect(page.locator(".mail-frame")).to_have_count(0)
        await expect(page.get_by_role("link", name=".eml")).to_have_count(0)
