"""Any audience, frozen in batches of any size with kills between them, is what a plain reading of its lists says, and
what its preview said before."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.campaigns import freezing
from gateway.campaigns.audience_preview import AudiencePreview, audience_preview
from gateway.campaigns.counts import CountPrecision
from gateway.mail.campaign import LeftOutReason
from tests.examples import examples
from tests.integration.gateway.campaigns.audience_model import PAGE, expected, populate
from tests.integration.gateway.campaigns.audiences import DUE, frozen, version_of


async def freeze_with_kills(connection: Any, mailing_id: int, dice: random.Random) -> None:
    """Batches of one size; some are rolled back, as by a kill before the commit."""
    batch = dice.randrange(1, 9)
    await connection.execute("update mailing set frozen_to = 0, status = 'SCHEDULED', due_at = $1", DUE)
    await connection.execute("update campaign set status = 'RUNNING', launched_at = $1", DUE)
    await connection.execute(
        "update mailing g set merge_data = c.merge_data from campaign c where c.id = g.campaign_id"
    )
    while True:
        if dice.random() < 0.3:
            killed = connection.transaction()
            await killed.start()
            await freezing.freeze(connection, batch=batch)
            await killed.rollback()
        if await freezing.freeze(connection, batch=batch) is None:
            return


async def compare(connection: Any, seed: int, version: Any) -> int:
    dice = random.Random(seed)
    everything = connection.transaction()
    await everything.start()
    try:
        # Given customers, lists and choices of any kind
        world = await populate(connection, dice, version)
        says = expected(world)
        reasons = Counter(LeftOutReason(one) for one in says.values() if one in set(LeftOutReason))
        mailed = len(says) - reasons.total()
        # When it is previewed, then frozen
        assert await audience_preview(connection, world.mailing_id) == AudiencePreview(
            recipients=mailed, left_out=dict(reasons), precision=CountPrecision.EXACT
        )
        await freeze_with_kills(connection, world.mailing_id, dice)
        # Then all three agree, and the counts add up
        assert await frozen(connection, world.mailing_id) == says
        row = await connection.fetchrow("select * from mailing where id = $1", world.mailing_id)
        assert (row["recipients"], row["left_out"], row["status"]) == (mailed, reasons.total(), "RUNNING")
        tally = await connection.fetchrow("select * from mailing_tally where mailing_id = $1", world.mailing_id)
        assert reasons == {one: tally[f"left_out_{one.lower()}"] for one in reasons}
        return len(says)
    finally:
        await everything.rollback()


async def test_any_audience_is_frozen_as_a_plain_reading_says(connection: Any) -> None:
    loop, sizes = asyncio.get_running_loop(), []
    version = await version_of(connection, PAGE)

    @hypothesis_settings(max_examples=examples(12, proof=60))
    @given(st.integers(0, 2**32))
    def freeze(seed: int) -> None:
        sizes.append(asyncio.run_coroutine_threadsafe(compare(connection, seed, version), loop).result(60))

    await asyncio.to_thread(freeze)
    assert sum(size > 2 for size in sizes) > len(sizes) / 2
