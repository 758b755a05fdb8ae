"""What an author's page shows is what its mail shows, as a real browser computes it."""

from __future__ import annotations

import os

import pytest
from playwright.async_api import Browser

from tests.sent_styles import FEWER_LOOKS, PAGES, differences, generated, read_page

GENERATED = int(os.environ.get("GENERATED_PAGES", "24"))
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_a_mail_shows_what_its_author_wrote(browser: Browser) -> None:
    pages = {path.name: read_page(path) for path in sorted(PAGES.iterdir())}
    assert await differences(browser, pages) == []


async def test_rules_that_get_in_each_others_way_win_as_the_author_meant(browser: Browser) -> None:
    pages = {f"seed {seed}": {"html": generated(seed)} for seed in range(GENERATED)}
    assert await differences(browser, pages, FEWER_LOOKS) == []
