"""What is shown of a lane, and who may be paused by name."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Refusal, RefusalCode
from gateway.outbox.lanes import lane_states, pause_lane, resume_lane
from tests.builders import make_campaign, make_customer, make_message, make_outbox


async def test_a_lane_shows_how_deep_it_is_how_fast_it_goes_and_for_how_long_it_has_been_due(still: Any) -> None:
    # Given three mails in a lane, of which the oldest is due since a minute, scheduled or not
    customer = await make_customer(still)
    for age, scheduled in (("60 s", True), ("30 s", False), ("-1 h", False)):
        row = await make_outbox(still, customer, await make_message(still, customer), scheduled=scheduled)
        due = "update outbox set due_at = now() - $1::text::interval where message_id = $2"
        await still.execute(due, age, row["message_id"])
    # And twelve attempts in this minute and the one before, others before that
    lane_id = row["lane_id"]
    await still.execute(
        "insert into lane_throughput select $1, gen_random_uuid(), date_trunc('minute', now()) - age, attempts"
        " from unnest(array['0', '1 min', '2 min']::interval[], array[5, 7, 100]) as t(age, attempts)",
        lane_id,
    )
    seconds = await still.fetchval("select extract(epoch from now() - date_trunc('minute', now()))::float8 + 60")
    # Then each is shown as it is
    for limit, depth, deeper in ((3, 3, True), (4, 3, False), (2, 2, True)):
        found = {lane.name: lane for lane in await lane_states(still, limit=limit)}
        lane = found["individual"]
        assert (lane.depth, lane.deeper) == (depth, deeper)
    assert lane.rate == pytest.approx(12 / seconds)
    assert lane.oldest_seconds == 60
    assert lane.next_due_at == await still.fetchval("select now() - interval '60 s'")
    other = found["work-order"]
    assert (other.depth, other.rate, other.oldest_seconds, other.next_due_at) == (0, 0, 0, None)
    # Nothing is due any more when all is later; and what is not scheduled may be the oldest
    await still.execute("update outbox set due_at = now() + interval '1 hour' where scheduled")
    found = {lane.name: lane for lane in await lane_states(still)}
    assert found["individual"].oldest_seconds == 30
    await still.execute("update outbox set due_at = now() + interval '1 hour'")
    found = {lane.name: lane for lane in await lane_states(still)}
    assert found["individual"].oldest_seconds == 0


async def test_only_a_lane_of_individual_mail_is_paused_by_its_name(still: Any) -> None:
    await make_campaign(still)
    campaign = await still.fetchval("select name from lane where campaign_id is not null")
    for name, code in (("nowhere", RefusalCode.NOT_FOUND), (campaign, RefusalCode.ILLEGAL_STATE)):
        for call in (pause_lane(still, name, "Dana"), resume_lane(still, name)):
            with pytest.raises(Refusal) as refused:
                await call
            assert refused.value.code is code
    await pause_lane(still, "individual", "Dana")
    await resume_lane(still, "individual")
    assert await still.fetchval("select count(*) from lane where paused_at is not null") == 0
