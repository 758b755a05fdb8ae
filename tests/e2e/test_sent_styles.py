"""What an author's page shows is what its mail shows, as a real browser computes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.sent_styles import PAGES, differences

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


@pytest.mark.parametrize("path", sorted(PAGES.iterdir()), ids=lambda path: path.name)
async def test_a_mail_shows_what_its_author_wrote(browser: Browser, path: Path) -> None:
    assert await differences(browser, path) == []
