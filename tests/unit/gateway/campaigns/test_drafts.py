"""Drafts of campaigns: a large audience is checked without holding up others."""

from __future__ import annotations

import asyncio

import pytest

from gateway.campaigns import drafts
from tests.mails import campaign_template


@pytest.mark.parametrize(("page", "breaks"), [("<p>{{ a }}{{ a }}", 4), ("<p>" + "{{ a }} " * 5000, 400)])
async def test_others_are_served_while_a_large_audience_is_checked(page: str, breaks: int) -> None:
    # Given a version, maybe of earlier days, and somebody else who is to be served
    version = campaign_template(html=page, text="x")
    served = 0

    async def serve() -> None:
        nonlocal served
        while True:
            served += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(serve())
    # When it is checked with four hundred recipients
    await drafts.check_audience_data(version, {}, [{"a": "x"}] * 400)
    # Then the other had a turn the more often the more there is to do
    assert served >= breaks
    other.cancel()
