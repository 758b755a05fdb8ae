"""GraphiQL in a real browser, from our own files: it completes, runs, follows, and signs by session or token."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import Browser, Page, Request, expect
from playwright.async_api import TimeoutError as NotInTime

from tests.browsing import World, looking
from tests.eventually import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def write(page: Page, text: str, *, editor: str = ".graphiql-query-editor") -> None:
    """Replaces what stands in an editor, by default the query's."""
    await page.locator(f"{editor} .CodeMirror:visible").click()
    await page.keyboard.press("ControlOrMeta+A")
    await page.keyboard.insert_text(text)


async def offered(page: Page, name: str) -> bool:
    """Whether the editor offers the name; if not, types its last letter anew: the schema may have come after it."""
    try:
        await page.locator(".CodeMirror-hints", has_text=name).wait_for(timeout=2_000)
    except NotInTime:
        await page.keyboard.press("Backspace")
        await page.keyboard.type("R")
        return False
    return True


async def run(page: Page, operation: str) -> None:
    """Runs the operation, once GraphiQL has read its name: it runs by that name."""
    await expect(page.get_by_role("tab", name=operation)).to_be_visible()
    await page.keyboard.press("ControlOrMeta+Enter")


async def test_it_completes_a_field_runs_a_query_and_follows_a_subscription(browser: Browser, world: World) -> None:
    customer = await world.customer("Quincy Quill", "quincy@customer.example")
    async with looking(browser, world) as page:
        asked: list[str] = []

        def note(request: Request) -> None:
            asked.append(request.url)

        page.on("request", note)
        await page.goto("/graphiql")
        await expect(page.get_by_text("Signed in as make run")).to_be_visible()
        # When a field is begun, then its name is offered, and taken with Enter
        await write(page, f'query Find {{ customer(id: "{customer}") {{ ')
        await page.keyboard.type("externalR")
        await eventually(lambda: offered(page, "externalRef"), "the name of the field")
        await page.keyboard.press("Enter")
        await page.keyboard.insert_text(" name } }")
        await run(page, "Find")
        result = page.locator(".result-window")
        await expect(result).to_contain_text('"externalRef": "E-')
        await expect(result).to_contain_text('"name": "Quincy Quill"')
        # When a subscription runs, then its events are shown as they come
        followed = f'subscription Follow {{ customerEmailsChanged(customerId: "{customer}") {{ kind }} }}'
        await write(page, followed)
        await run(page, "Follow")
        await expect(result).to_contain_text('"RESYNC"')
        await world.work_order(customer, "WO-graphiql")
        await expect(result).to_contain_text('"MESSAGE"')
        await page.get_by_role("button", name="Stop query").click()
        await expect(page.get_by_role("button", name="Execute query")).to_be_visible()
        # Nothing was asked of anybody else
        assert {url for url in asked if not url.startswith((world.url, "data:"))} == set()


async def test_without_a_session_a_token_in_the_headers_signs(browser: Browser, world: World) -> None:
    async with looking(browser, world, signed_in=False) as page:
        await page.goto("/graphiql")
        await expect(page.get_by_text("Not signed in")).to_be_visible()
        result = page.locator(".result-window")
        await expect(result).to_contain_text("Send a valid API token")
        headers = json.dumps({"Authorization": f"Bearer {world.launcher.token}"})
        await write(page, headers, editor=".graphiql-editor-tool")
        await write(page, "query Lanes { gateway { lanes { name } } }")
        await run(page, "Lanes")
        await expect(result).to_contain_text('"work-order"')
        # The query is kept for the next visit, the token is not
        kept = str(await page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})"))
        assert "query Lanes" in kept
        assert world.launcher.token not in kept
