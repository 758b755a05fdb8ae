"""A mailing or a decision that fails every time, as one with a fault of its own would, holds up none behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.campaigns import decisions, expansion, freezing, lifecycle
from gateway.deployment import Deployment
from gateway.outbox import put_off
from tests.builders import mailing_of, make_customer
from tests.integration.gateway.campaigns.audiences import fixed_list, make_draft, version_of
from tests.integration.gateway.campaigns.deciding import ASSUME_SENT, sent, settle
from tests.integration.gateway.campaigns.orders import running


async def refuse_rows(connection: Any, table: str, condition: str) -> None:
    """From now on the database refuses such rows of a table, as it would refuse what breaks a constraint."""
    await connection.execute(
        "create function refuse_it() returns trigger language plpgsql as"
        " $$ begin raise exception 'refused' using errcode = 'check_violation'; end $$"
    )
    await connection.execute(
        f"create trigger refuse_it before insert or update on {table} for each row when ({condition})"
        " execute function refuse_it()"
    )


async def mend(connection: Any, table: str) -> None:
    """Whatever was wrong is so no more, and the wait is over."""
    await connection.execute(f"drop trigger refuse_it on {table}")
    await connection.execute("update put_off set until = now()")


async def waits(connection: Any) -> list[timedelta]:
    """How long what is put off still waits."""
    rows = await connection.fetch("select until - now() as left from put_off")
    return [row["left"] for row in rows]


async def test_a_mailing_whose_freezing_fails_lets_the_next_be_frozen(connection: Any, deployment: Deployment) -> None:
    # Given two mailings that are due, of which the first cannot be frozen
    version = await version_of(connection)
    lists = await fixed_list(connection, [await make_customer(connection, addresses=["ann@customer.example"])])
    made = [await make_draft(connection, version, lists=[lists], priority=priority) for priority in (1, 2)]
    for one in made:
        await lifecycle.launch(connection, one, uuid4().hex, deployment, actor="Dana")
    first, second = [await mailing_of(connection, one) for one in made]
    await refuse_rows(connection, "mailing_recipient", f"new.mailing_id = {first}")
    # When a worker freezes what is due
    with pytest.raises(asyncpg.CheckViolationError):
        await freezing.freeze(connection)
    assert await freezing.freeze(connection) == 1
    # Then the second is frozen, the first waits, and is frozen when it can be
    frozen = "select array_agg(id) from mailing where frozen_at is not null"
    assert await connection.fetchval(frozen) == [second]
    assert await freezing.freeze(connection) is None
    await mend(connection, "mailing_recipient")
    assert await freezing.freeze(connection) == 1
    assert sorted(await connection.fetchval(frozen)) == sorted([first, second])
    assert await waits(connection) == []


async def test_a_mailing_whose_messages_cannot_be_made_lets_the_next_be_made(
    connection: Any, deployment: Deployment
) -> None:
    # Given two campaigns under way, of which the first one's messages cannot be written
    first, _ = await running(connection, deployment, 2)
    second, _ = await running(connection, deployment, 3)
    await connection.execute("update campaign set priority = case id when $1 then 1 else 2 end", first)
    await refuse_rows(connection, "message", f"new.campaign_id = '{first}'")
    # When a worker makes what is due, then the second is made though it comes behind
    with pytest.raises(asyncpg.CheckViolationError):
        await expansion.make_messages(connection, deployment)
    assert await expansion.make_messages(connection, deployment) == 3
    assert await connection.fetchval("select count(*) from message where campaign_id = $1", second) == 3
    # And each further failure makes the first wait longer, up to a limit
    seen = [*await waits(connection)]
    for _ in range(8):
        await connection.execute("update put_off set until = now()")
        with pytest.raises(asyncpg.CheckViolationError):
            await expansion.make_messages(connection, deployment)
        seen += await waits(connection)
    assert seen[0] <= put_off.FIRST
    assert seen[:6] == sorted(seen[:6])
    assert put_off.LONGEST - timedelta(seconds=30) < seen[-1] <= put_off.LONGEST
    await mend(connection, "message")
    assert await expansion.make_messages(connection, deployment) == 2
    assert await waits(connection) == []


async def test_a_decision_that_cannot_be_carried_out_lets_the_next_be(connection: Any, deployment: Deployment) -> None:
    # Given decisions about the uncertain mail of two campaigns, the first of which cannot be written
    first, _ = await sent(connection, deployment, ["UNCERTAIN"])
    second, _ = await sent(connection, deployment, ["UNCERTAIN"])
    for campaign in (first, second):
        await settle(connection, campaign, ASSUME_SENT)
    await refuse_rows(connection, "message", f"new.campaign_id = '{first}' and new.status = 'ACCEPTED'")
    # When a worker carries out what was decided
    with pytest.raises(asyncpg.CheckViolationError):
        await decisions.carry_out(connection, deployment)
    assert await decisions.carry_out(connection, deployment) == 1
    # Then the second is carried out, and the first once it can be
    states = "select campaign_id, status::text from message"
    assert dict(await connection.fetch(states)) == {first: "UNCERTAIN", second: "ACCEPTED"}
    await mend(connection, "message")
    assert await decisions.carry_out(connection, deployment) == 1
    assert dict(await connection.fetch(states)) == {first: "ACCEPTED", second: "ACCEPTED"}


async def fail(connection: Any, error: Exception) -> None:
    """A batch of a mailing that ends so."""
    async with put_off.put_off_if_it_fails(connection, put_off.Work.MAILING) as taken:
        taken.id = 1
        raise error


async def test_the_victim_of_a_deadlock_is_tried_again_at_once(connection: Any) -> None:
    with pytest.raises(asyncpg.DeadlockDetectedError):
        await fail(connection, asyncpg.DeadlockDetectedError("deadlock detected"))
    assert await waits(connection) == []


async def test_a_batch_that_takes_too_long_is_put_off(connection: Any) -> None:
    with pytest.raises(TimeoutError):
        await fail(connection, TimeoutError())
    assert len(await waits(connection)) == 1
