"""The gateway's history through GraphQL."""

from __future__ import annotations

from typing import Any

from tests.builders import insert
from tests.integration.service.graph.test_mutation import MakeContext, call

QUERY = """query($last: GatewaySpan!) { gateway { history(last: $last) {
  startedAt accepted deferred refused causes { cause messages }
  lanes { name depth oldestSeconds attempts deferred refused causes { cause messages } }
  relays { name accepted deferred refused causes { cause messages } } } } }"""


async def test_the_history_tells_what_each_relay_and_lane_did(pool: Any, make_context: MakeContext) -> None:
    quarter = await pool.fetchval("select date_bin('15 minutes', now(), timestamptz 'epoch')")
    await insert(pool, "relay_tally", relay="main", quarter=quarter, shard=1, accepted=9)
    for cause, refused in (("BAD_ADDRESS", 1), ("SPAM", 2), ("MAILBOX_FULL", 1)):
        await insert(
            pool, "answer_tally", relay="main", lane="individual", cause=cause, quarter=quarter, shard=1, deferred=1,
            refused=refused,
        )  # fmt: skip
    for last in ("HOUR", "DAY"):
        found = await call(make_context(), QUERY, last=last)
        [moment] = found["history"]
        causes = [
            {"cause": "SPAM", "messages": 2}, {"cause": "BAD_ADDRESS", "messages": 1},
            {"cause": "MAILBOX_FULL", "messages": 1},
        ]  # fmt: skip
        answers = {"deferred": 3, "refused": 4, "causes": causes}
        assert moment["relays"] == [{"name": "main", "accepted": 9, **answers}]
        assert {key: moment[key] for key in ("accepted", "deferred", "refused", "causes")} == {"accepted": 9, **answers}
        lanes = {lane.pop("name"): lane for lane in moment["lanes"]}
        assert list(lanes) == ["campaigns", "individual", "work-order"]
        assert lanes["individual"] == {"depth": 0, "oldestSeconds": 0, "attempts": 0, **answers}
