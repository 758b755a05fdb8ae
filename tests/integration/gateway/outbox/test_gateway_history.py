"""The gateway's history adds up to what was sent, by any worker and at any time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg

from gateway.deployment import Deployment
from gateway.outbox.gateway_history import Answers, GatewayMoment, GatewaySpan, gateway_history, write_minute
from tests.builders import insert, make_campaign, make_customer, make_message, make_outbox
from tests.engine import Start, deployment, queue_mail, start
from tests.eventually import eventually
from tests.smtp_server import Reply, SmtpServer

__all__ = ["deployment", "start"]


def counts(answers: Answers) -> tuple[int, int, int, dict[Any, int]]:
    return answers.accepted, answers.deferred, answers.refused, dict(answers.causes)


def total(moments: tuple[GatewayMoment, ...]) -> tuple[int, int, int, dict[Any, int]]:
    """All of them together."""
    summed = Answers()
    for moment in moments:
        summed.accepted += moment.answers.accepted
        summed.deferred += moment.answers.deferred
        summed.refused += moment.answers.refused
        summed.causes.update(moment.answers.causes)
    return counts(summed)


async def end_minute(connection: Any) -> None:
    """Lets a minute be over that nobody has written."""
    await connection.execute("update gateway_history set written_to = written_to - interval '1 minute'")


async def test_a_runs_answers_add_up_in_the_history_before_and_after_it_is_written(
    connection: Any, pool: asyncpg.Pool[Any], deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given mail that is accepted, refused for two causes, and put off once before it is accepted
    smtp_server.script(
        rcpt={
            "gone@x.example": Reply(550, "5.1.1 No such user"),
            "gone@y.example": Reply(550, "5.1.1 No such user"),
            "spam@x.example": Reply(550, "5.7.1 Message rejected as spam"),
            "later@x.example": [Reply(451, "4.7.1 Greylisted, try again")],
        }
    )
    for name in ("ann@x", "bob@x", "eve@y", "gone@x", "gone@y", "spam@x", "later@x"):
        await queue_mail(connection, deployment, f"{name}.example")
    start(wait=lambda attempt, verdict: timedelta(milliseconds=20))
    await eventually(lambda: is_sent(connection), "the end of the run")
    refused = "select cause::text, count(*) as refused from attempt where verdict = 'REFUSED' group by 1"
    causes = {row["cause"]: row["refused"] for row in await connection.fetch(refused)}
    whole = (4, 1, 3, causes)
    # Then it is in the history at once, of the relay and, but for what was accepted, of the lane
    before = await gateway_history(connection, GatewaySpan.HOUR)
    assert total(before) == whole
    assert sum(moment.relays["main"].refused for moment in before if "main" in moment.relays) == 3
    assert sum(moment.lane("individual").answers.deferred for moment in before) == 1
    # and when the minute is over one of two workers writes it, and nothing is counted twice
    await end_minute(connection)
    async with pool.acquire() as one, pool.acquire() as other:
        assert sorted(await asyncio.gather(write_minute(one), write_minute(other))) in ([False, True], [False, False])
    for span in GatewaySpan:
        assert total(await gateway_history(connection, span)) == whole
    await end_minute(connection)
    await write_minute(connection)
    assert total(await gateway_history(connection, GatewaySpan.DAY)) == whole


async def is_sent(connection: Any) -> bool:
    """Whether all mail has its outcome."""
    found = await connection.fetchval("select count(*) = 8 and not exists (select from outbox) from attempt")
    return bool(found)


async def test_what_waits_at_the_end_of_a_minute_is_kept_and_campaigns_are_one_lane(still: Any) -> None:
    # Given mail that waits in the lane of individual mail, for a minute at most, and in those of two campaigns
    customer = await make_customer(still)
    now = await still.fetchval("select now()")
    for _ in range(2):
        campaign = await make_campaign(still)
        message = await make_message(still, customer, campaign_id=campaign)
        lane = await still.fetchval("select id from lane where campaign_id = $1", campaign)
        await make_outbox(still, customer, message, lane_id=lane, due_at=now - timedelta(seconds=5))
    message = await make_message(still, customer)
    await make_outbox(still, customer, message, due_at=now - timedelta(seconds=60.9))
    await still.execute(
        "insert into lane_throughput select l.id, gen_random_uuid(), date_trunc('minute', now()) - interval '1 min', 7"
        " from lane l where l.name <> 'work-order'"
    )
    # When the minute is over
    await end_minute(still)
    assert await write_minute(still)
    assert not await write_minute(still)
    await still.execute("delete from outbox")
    # Then it is kept: what waited, for how long, and how many were tried
    written, running = await gateway_history(still, GatewaySpan.HOUR)
    shown = {one.name: (one.depth, one.oldest_seconds, one.attempts) for one in written.lanes.values()}
    assert shown == {"campaigns": (2, 5, 14), "individual": (1, 60, 7), "work-order": (0, 0, 0)}
    assert (written.started_at, running.started_at) == (
        await still.fetchval("select date_trunc('minute', now()) - interval '1 minute'"),
        await still.fetchval("select date_trunc('minute', now())"),
    )
    assert {lane.depth for lane in running.lanes.values()} == {0}


async def test_a_day_is_told_by_the_quarter_of_an_hour_and_an_hour_by_the_minute(still: Any) -> None:
    # Given three days in which every minute was written, one accepted and one waiting in each
    await still.execute("update gateway_history set written_to = date_trunc('minute', now())")
    await still.execute(
        "insert into gateway_minute select date_trunc('minute', now()) - n * interval '1 minute'"
        " from generate_series(1, 3 * 1440) n"
    )
    await still.execute(
        "insert into gateway_minute_answers select minute, 'main', null, null, 1, 0, 0 from gateway_minute"
    )
    await still.execute(
        "insert into gateway_minute_lane select minute, 'individual', extract(minute from minute), 1, 2"
        " from gateway_minute"
    )
    hour, day = [await gateway_history(still, span) for span in (GatewaySpan.HOUR, GatewaySpan.DAY)]
    assert (len(hour), len(day)) == (60, 96)
    assert {moment.answers.accepted for moment in hour[:-1]} == {1}
    for moment in day[:-1]:
        # What waited at its end is what waited in its last minute
        assert moment.started_at.minute % 15 == 0
        lane = moment.lanes["individual"]
        assert (moment.answers.accepted, lane.attempts, lane.depth) == (15, 30, moment.started_at.minute + 14)
    # When another minute is written, then two days are left, and what there is of the quarter that they begin in
    await end_minute(still)
    await still.execute("delete from gateway_minute where minute = date_trunc('minute', now()) - interval '1 minute'")
    await write_minute(still)
    kept = await still.fetchval("select count(*) from gateway_minute")
    assert 2 * 1440 + 14 <= kept <= 2 * 1440 + 15
    assert await still.fetchval("select count(*) from gateway_minute_lane where lane = 'individual'") <= kept


async def test_answers_of_a_quarter_that_is_over_are_counted_once_and_then_forgotten(still: Any) -> None:
    # Given answers of the last quarter of an hour that were written late, and of this one
    for minutes in (0, 15):
        quarter = await still.fetchval(
            "select date_bin('15 minutes', now(), timestamptz 'epoch') - $1::interval", timedelta(minutes=minutes)
        )
        for shard in (1, 2):
            await insert(
                still, "answer_tally", relay="main", lane="individual", cause="BAD_ADDRESS", quarter=quarter,
                shard=shard, deferred=0, refused=3,
            )  # fmt: skip
            await insert(still, "relay_tally", relay="main", quarter=quarter, shard=shard, accepted=10)
    await end_minute(still)
    await write_minute(still)
    # When they grow by one, then the next minute has that one
    await still.execute("update relay_tally set accepted = accepted + 1 where shard = 1")
    await end_minute(still)
    await write_minute(still)
    assert total(await gateway_history(still, GatewaySpan.DAY))[:3] == (42, 0, 12)
    # and after an hour and more nothing but the history is left of them
    await still.execute("update answer_tally set quarter = quarter - interval '2 hours'")
    await still.execute("update counted_answers set quarter = quarter - interval '2 hours'")
    await still.execute("delete from relay_tally")
    await end_minute(still)
    await write_minute(still)
    assert await still.fetchval("select count(*) from answer_tally") == 0
    assert await still.fetchval("select count(*) from counted_answers") == 0
    assert total(await gateway_history(still, GatewaySpan.DAY))[:3] == (42, 0, 12)
