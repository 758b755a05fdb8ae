"""Decisions about many beside everything else that may happen to a campaign, in any order of their statements: each
message has at most one event of a decision, and the counts equal a recount."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.campaigns import lifecycle
from gateway.database import QUERIES
from gateway.deployment import Deployment
from gateway.errors import Refusal, Refusals
from gateway.mail.action_tokens import BulkMessageAction
from gateway.mail.campaign import UncertainDecision
from gateway.mail.message import MessageRef
from gateway.outbox import actions
from tests.examples import examples
from tests.integration.gateway.campaigns.deciding import amiss, carry_out, retry, sent, settle
from tests.integration.gateway.campaigns.interleaving import Deed, interleave
from tests.integration.gateway.outbox.many import act, carry_on, preview
from tests.integration.gateway.outbox.many import amiss as bulk_amiss

ENDS = ["UNCERTAIN", "UNCERTAIN", "UNCERTAIN", ("REFUSED", "SPAM"), ("HELD", "OUR_CONFIGURATION"), "QUEUED"]
KINDS = [
    "assume all sent", "retry all uncertain", "retry all failures", "carry out", "many", "retry one",
    "assume one sent", "click", "cancel", "pause", "resume", "finish",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class What:
    """One thing that happens, to the message of this place where it is one; `killed_at`: before which statement its
    process dies."""

    kind: str
    place: int
    killed_at: int | None


happenings = st.lists(
    st.builds(
        What,
        kind=st.sampled_from(KINDS),
        place=st.integers(0, len(ENDS) - 1),
        killed_at=st.sampled_from([None, None, None, 3, 6, 8]),
    ),
    min_size=2,
    max_size=5,
)


def deed(what: What, campaign_id: UUID, refs: list[MessageRef], deployment: Deployment) -> Deed:
    """What it does on a connection."""
    ref = refs[what.place]

    async def click(connection: Any) -> None:
        keys = {"customer_ids": [ref.customer_id], "message_ids": [ref.message_id], "hit_ids": [uuid4()]}
        async for _ in QUERIES.settle_by_click(connection, **keys):
            pass

    async def many(connection: Any) -> None:
        action = (BulkMessageAction.RETRY, BulkMessageAction.ASSUME_SENT, BulkMessageAction.CANCEL)[what.place % 3]
        await act(connection, deployment, await preview(connection, deployment, refs, action), batch=2)

    deeds: dict[str, Deed] = {
        "assume all sent": partial(settle, campaign_id=campaign_id, uncertain=UncertainDecision.ASSUME_SENT),
        "retry all uncertain": partial(settle, campaign_id=campaign_id, uncertain=UncertainDecision.RETRY),
        "retry all failures": partial(retry, campaign_id=campaign_id),
        "carry out": partial(carry_out, deployment=deployment, batch=2),
        "retry one": partial(actions.retry, ref=ref, actor="Kim", deployment=deployment),
        "assume one sent": partial(actions.assume_sent, ref=ref, actor="Kim", deployment=deployment),
        "many": many,
        "click": click,
        "cancel": partial(lifecycle.cancel, campaign_id=campaign_id, actor="Kim"),
        "pause": partial(lifecycle.pause, campaign_id=campaign_id, actor="Kim"),
        "resume": partial(lifecycle.resume, campaign_id=campaign_id, actor="Kim"),
        "finish": lifecycle.finish,
    }
    return deeds[what.kind]


async def test_whatever_happens_beside_a_decision_the_counts_equal_a_recount(
    pool: asyncpg.Pool[Any], deployment: Deployment
) -> None:
    loop, seen = asyncio.get_running_loop(), Counter[str]()

    async def happen(before: list[str], meanwhile: list[What], turns: list[int]) -> None:
        # Given a campaign, and decisions that are asked
        async with pool.acquire() as connection:
            campaign_id, refs = await sent(connection, deployment, ENDS)  # type: ignore[arg-type]  # texts and pairs
            for kind in before:
                await deed(What(kind=kind, place=0, killed_at=None), campaign_id, refs, deployment)(connection)
        # When all of that happens, statement by statement
        deeds = [(deed(what, campaign_id, refs, deployment), what.killed_at) for what in meanwhile]
        await interleave(pool, deeds, turns, ignored=(Refusal, Refusals))
        # And a worker ends what is left
        async with pool.acquire() as connection:
            await carry_out(connection, deployment)
            await carry_on(connection, deployment)
            await lifecycle.finish(connection)
            # Then
            assert await amiss(connection) == []
            assert await bulk_amiss(connection) == []
            await _agrees_with_its_end(connection, campaign_id)
            kinds = await connection.fetch("select kind::text from event where data ? 'decision'")
            seen.update(row["kind"] for row in kinds)
            seen["many"] += await connection.fetchval("select coalesce(sum(done), 0) from bulk_action")
            seen.update([str(await connection.fetchval("select status from campaign where id = $1", campaign_id))])
            await connection.execute("truncate campaign_decision, campaign_decision_message, event, bulk_action")

    @settings(max_examples=examples(40, proof=60), suppress_health_check=list(HealthCheck))
    @given(
        before=st.lists(st.sampled_from(KINDS[:3]), min_size=1, max_size=2),
        meanwhile=happenings,
        turns=st.lists(st.integers(0, 4), max_size=40),
    )
    def anything(before: list[str], meanwhile: list[What], turns: list[int]) -> None:
        asyncio.run_coroutine_threadsafe(happen(before, meanwhile, turns), loop).result(120)

    await asyncio.to_thread(anything)
    # And there was enough of everything; how much depends on who wins a race
    assert min(seen["RETRIED"], seen["ASSUMED_SENT"]) > 1
    assert min(seen["CANCELLED"], seen["PAUSED"]) > 0
    assert seen["many"] > 1


@pytest.mark.parametrize("beside", ["one mail is cancelled", "many are", "a decision is carried out"])
async def test_a_cancel_does_not_deadlock_with_what_is_decided_beside_it(
    pool: asyncpg.Pool[Any], deployment: Deployment, beside: str
) -> None:
    for first, second in product((2, 4, 6, 8, 10, 12), (3, 7, 20)):
        # Given a campaign with mail in the queue, and a decision that is asked
        async with pool.acquire() as connection:
            campaign_id, refs = await sent(connection, deployment, ENDS)  # type: ignore[arg-type]  # texts and pairs
            await settle(connection, campaign_id=campaign_id, uncertain=UncertainDecision.ASSUME_SENT)

        queued = refs[ENDS.index("QUEUED")]

        async def decide(own: Any, ref: MessageRef = queued, many: list[MessageRef] = refs) -> None:
            if beside == "one mail is cancelled":
                await actions.cancel(own, ref, "Kim", deployment)
            elif beside == "many are":
                await act(own, deployment, await preview(own, deployment, many, BulkMessageAction.CANCEL))
            else:
                await carry_out(own, deployment)

        # When it is cancelled at some moment meanwhile
        cancel = partial(lifecycle.cancel, campaign_id=campaign_id, actor="Kim")
        turns = [0] * first + [1] * second
        await interleave(pool, [(cancel, None), (decide, None)], turns, ignored=(Refusal, Refusals))
        # Then neither waits for what the other has, and the counts are right
        async with pool.acquire() as connection:
            await carry_out(connection, deployment)
            await lifecycle.finish(connection)
            assert await amiss(connection) == []
            await connection.execute("select pg_stat_force_next_flush()")
            query = "select deadlocks from pg_stat_database where datname = current_database()"
            assert await connection.fetchval(query) == 0


async def _agrees_with_its_end(connection: Any, campaign_id: UUID) -> None:
    """Of a campaign that is over nothing is undecided; of one that is cancelled nothing waits; what waits of a paused
    one waits in a paused lane."""
    row = await connection.fetchrow(
        "select c.status::text, count(*) filter (where m.status = 'UNCERTAIN') as uncertain,"
        " count(*) filter (where m.status = 'QUEUED') as queued, (select count(*) from lane l"
        " where l.campaign_id = c.id and (l.paused_at is not null) <> (c.status = 'PAUSED')) as lanes_amiss"
        " from campaign c join message m on m.campaign_id = c.id where c.id = $1 group by c.id",
        campaign_id,
    )
    if row["status"] == "FINISHED":
        assert (row["uncertain"], row["queued"]) == (0, 0)
    if row["status"] == "CANCELLED":
        assert row["queued"] == 0
    assert row["lanes_amiss"] == 0
