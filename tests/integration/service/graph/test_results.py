"""What campaigns came to, over the API: the progress adds up while mail moves, timelines add up to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, cast

import orjson

from gateway.campaigns import expansion, lifecycle, samples
from gateway.deployment import Deployment
from gateway.settings import Settings
from service.database import statement
from service.graph.context import Context
from service.graph.node import number_global_id, row_global_id
from service.graph.schema import schema
from tests.builders import insert, mailing_of, make_campaign
from tests.engine import Start, start
from tests.eventually import eventually
from tests.integration.gateway.campaigns.orders import running
from tests.smtp_server import Reply, SmtpServer

__all__ = ["start"]

MakeContext = Callable[..., Context]
COUNTS = (
    "total made queued onTheWire accepted refused bounced uncertain held expired cancelled leftOut opened openedUnsure"
    " clicked machineOnly unsubscribed complained replied waiting"
)
PARTS = (
    "accepted",
    "refused",
    "bounced",
    "uncertain",
    "held",
    "expired",
    "cancelled",
    "left_out",
    "queued",
    "on_the_wire",
)
PROGRESS = f"""query($id: ID!) {{ campaign(id: $id) {{ progress {{ {COUNTS} optedOut perMinute estimatedEndAt
  leftOutBy {{ reason recipients }} }} mailings {{ progress {{ {COUNTS} }} }} }} }}"""
TIMELINE = """query($id: ID!, $bucket: TimeBucket! = HOUR, $within: TimeRangeInput, $m: ID) { campaign(id: $id) {
  timeline(bucket: $bucket, within: $within, mailingId: $m) {
    startsAt accepted refused bounced opened clicked unsubscribed } } }"""
LINKS = "query($id: ID!, $m: ID) { campaign(id: $id) { links(mailingId: $m) { url clicks people } } }"
FOLLOW = "subscription($id: ID!) { campaignChanged(campaignId: $id) { status progress { opened } } }"
RECOUNT = """
    select s.status::text, count(*) from message m
    join message_state s on s.customer_id = m.customer_id and s.id = m.id
    where m.campaign_id = $1 group by 1
    union all select 'UNMADE', sum(g.recipients - g.expanded) from mailing g where g.campaign_id = $1
    union all select 'LEFT_OUT', count(*) from mailing_left_out x join mailing g on g.id = x.mailing_id
    where g.campaign_id = $1
    union all select 'TOTAL', sum(g.recipients + g.left_out) from mailing g where g.campaign_id = $1
"""


async def execute(context: Context, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    [value] = orjson.loads(orjson.dumps(result.data)).values()
    return value


async def progress_and_recount(pool: Any, campaign: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Both in one snapshot."""
    wanted = statement("progress_of_campaigns")
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        progress = dict(await connection.fetchrow(wanted.sql, [campaign]))
        counted = {row["status"]: int(row["count"] or 0) for row in await connection.fetch(RECOUNT, campaign)}
    return progress, counted


async def test_the_progress_adds_up_at_every_moment_while_mail_moves(
    pool: Any, connection: Any, settings: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a campaign to 150 of which the server takes some, some slowly, refuses some and puts off some
    deployment = Deployment.open(settings)
    campaign, customers = await running(connection, deployment, 150)
    replies: Iterator[Reply | None] = cycle(
        [None, Reply(550, "5.1.1 no such user"), None, Reply(450, "4.2.1 busy"), Reply(250, "ok", delay=0.02)]
    )
    smtp_server.script(rcpt=lambda _: next(replies))
    # When workers send it, and it is counted again and again
    start()
    start()
    seen = []

    async def is_through() -> bool:
        progress, counted = await progress_and_recount(pool, campaign)
        assert progress["total"] == counted["TOTAL"] == 150
        assert progress["total"] == sum(progress[name] for name in PARTS)
        assert progress["on_the_wire"] == counted.get("HANDED_OFF", 0)
        waiting = counted.get("QUEUED", 0) + counted.get("DEFERRED", 0)
        # What a cancelled one never made is cancelled; here nothing is.
        assert progress["queued"] == waiting + counted["UNMADE"]
        for name in ("accepted", "refused", "bounced", "uncertain", "held", "expired"):
            assert progress[name] == counted.get(name.upper(), 0), name
        seen.append((progress["queued"], progress["on_the_wire"]))
        return bool(progress["accepted"] + progress["refused"] > 100)

    await eventually(is_through, "most of the campaign")
    # Then that was so all the time, and not only at the ends
    assert len({queued for queued, _ in seen}) > 2
    assert len(customers) == 150


async def test_it_adds_up_when_a_campaign_is_cancelled_half_made_and_one_of_it_is_on_the_wire(
    pool: Any, connection: Any, settings: Settings
) -> None:
    # Given a campaign to 12, of which five have a message and one of these is handed off
    deployment = Deployment.open(settings)
    campaign, customers = await running(connection, deployment, 12)
    assert await expansion.make_messages(connection, deployment, batch=5) == 5
    await connection.execute(
        "update outbox set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 minute',"
        " handed_off_at = now() where customer_id = $1",
        customers[0],
    )
    # When it is cancelled
    await lifecycle.cancel(connection, campaign, "Ann")
    # Then all but that one are cancelled, made or not
    progress, counted = await progress_and_recount(pool, campaign)
    assert progress["total"] == sum(progress[name] for name in PARTS) == 12
    assert (progress["on_the_wire"], progress["cancelled"], progress["queued"]) == (1, 11, 0)
    assert counted["CANCELLED"] + counted["UNMADE"] == 11


async def test_who_is_left_out_stands_with_the_reason_and_a_draft_waits_for_whom_it_names(
    connection: Any, make_context: MakeContext
) -> None:
    campaign = await make_campaign(connection)
    mailing = await mailing_of(connection, campaign)
    await connection.execute("update mailing set recipients = 3, left_out = 2, expanded = 1 where id = $1", mailing)
    left_out = {"left_out_opted_out": 1, "left_out_no_address": 1}
    await insert(connection, "mailing_tally", mailing_id=mailing, shard=0, made=1, accepted=1, **left_out)
    context = make_context()
    found = await execute(context, PROGRESS, id=row_global_id("Campaign", campaign))
    progress = found["progress"]
    assert (progress["total"], progress["leftOut"], progress["waiting"], progress["optedOut"]) == (5, 2, 2, 1)
    assert progress["leftOutBy"] == [
        {"reason": "OPTED_OUT", "recipients": 1},
        {"reason": "NO_ADDRESS", "recipients": 1},
    ]
    assert found["mailings"] == [{"progress": {name: progress[name] for name in COUNTS.split()}}]


async def test_the_pace_of_the_last_five_minutes_tells_the_end(connection: Any, make_context: MakeContext) -> None:
    # Given a mailing of 1,000 of which 100 were decided before the last five minutes, and 350 since
    campaign = await make_campaign(connection)
    mailing = await mailing_of(connection, campaign)
    await connection.execute("update mailing set recipients = 1000 where id = $1", mailing)
    now = await connection.fetchval("select now()")
    minute = now.replace(second=0, microsecond=0)
    counts = dict.fromkeys(("refused", "bounced", "opened", "clicked", "unsubscribed"), 0)
    for before, decided in ((20, 50), (6, 100), (2, 300)):
        at = minute - timedelta(minutes=before)
        await insert(
            connection, "mailing_sample", mailing_id=mailing, minute=at, accepted=decided, decided=decided, **counts
        )
    await insert(connection, "mailing_tally", mailing_id=mailing, shard=1, made=450, accepted=450)
    progress = (await execute(make_context(), PROGRESS, id=row_global_id("Campaign", campaign)))["progress"]
    assert 350 / 6.1 <= progress["perMinute"] <= 350 / 5
    end = datetime.fromisoformat(progress["estimatedEndAt"])
    assert timedelta(minutes=550 / 70) <= end - now <= timedelta(minutes=550 / 57 + 1)
    # And paused it has no end
    await connection.execute(
        "update campaign set status = 'PAUSED', paused_at = now(), paused_why = 'x' where id = $1", campaign
    )
    progress = (await execute(make_context(), PROGRESS, id=row_global_id("Campaign", campaign)))["progress"]
    assert progress["estimatedEndAt"] is None


async def test_a_timeline_adds_up_to_the_counts(connection: Any, make_context: MakeContext) -> None:
    # Given samples of two hours and counts that went on since the last of them
    campaign = await make_campaign(connection)
    mailing = await mailing_of(connection, campaign)
    ten = datetime(2026, 11, 23, 10, tzinfo=UTC)
    rows = ((1, 5, 1), (59, 9, 1), (60, 9, 0), (61, 12, 0))
    for minutes, accepted, refused in rows:
        counts = {"accepted": accepted, "refused": refused, "bounced": 0, "opened": 0, "clicked": 0}
        at = ten + timedelta(minutes=minutes)
        await insert(connection, "mailing_sample", mailing_id=mailing, minute=at, unsubscribed=0, decided=0, **counts)
    await insert(connection, "mailing_tally", mailing_id=mailing, shard=0, accepted=11, bounced=2, opened=4)
    one = row_global_id("Campaign", campaign)
    # When it is told by the hour
    found = (await execute(make_context(), TIMELINE, id=one))["timeline"]
    # Then a retry takes back what was refused, and the running hour has what no sample holds yet
    assert [(row["accepted"], row["refused"], row["opened"]) for row in found] == [(9, 1, 0), (3, -1, 0), (1, 0, 4)]
    assert [row["startsAt"] for row in found[:2]] == ["2026-11-23T10:00:00+00:00", "2026-11-23T11:00:00+00:00"]
    assert sum(row["accepted"] for row in found) == 11 + 2
    assert sum(row["bounced"] for row in found) == 2
    # And by the minute within a span
    within = {"since": "2026-11-23T10:59:00Z", "until": "2026-11-23T11:01:00Z"}
    found = (await execute(make_context(), TIMELINE, id=one, bucket="MINUTE", within=within))["timeline"]
    assert [(row["startsAt"][11:16], row["accepted"], row["refused"]) for row in found] == [
        ("10:59", 4, 0),
        ("11:00", 0, -1),
    ]


async def test_samples_of_the_job_make_the_timeline(connection: Any, make_context: MakeContext) -> None:
    campaign = await make_campaign(connection)
    await insert(connection, "mailing_tally", mailing_id=await mailing_of(connection, campaign), shard=2, accepted=3)
    await samples.sample(connection)
    found = await execute(make_context(), TIMELINE, id=row_global_id("Campaign", campaign), bucket="DAY")
    assert [row["accepted"] for row in found["timeline"]] == [3]


async def test_a_timeline_of_one_mailing_leaves_the_others_out(connection: Any, make_context: MakeContext) -> None:
    # Given a campaign of two mailings, each with what it came to
    campaign = await make_campaign(connection)
    first = await mailing_of(connection, campaign)
    version = await connection.fetchval("select template_version_id from mailing where id = $1", first)
    second = (
        await insert(
            connection, "mailing", campaign_id=campaign, number=2, template_version_id=version, status="RUNNING"
        )
    )["id"]
    for mailing, accepted in ((first, 3), (second, 4)):
        await insert(connection, "mailing_tally", mailing_id=mailing, shard=0, accepted=accepted)
    # When the timeline is asked for all, or for one of them
    one = row_global_id("Campaign", campaign)
    answers = [
        (await execute(make_context(), TIMELINE, id=one, m=None if only is None else number_global_id("Mailing", only)))
        for only in (None, first, second)
    ]
    # Then it has theirs
    assert [sum(row["accepted"] for row in found["timeline"]) for found in answers] == [7, 3, 4]


async def test_links_are_shown_by_clicks_of_one_mailing_or_all(connection: Any, make_context: MakeContext) -> None:
    campaign = await make_campaign(connection)
    mailing = await mailing_of(connection, campaign)
    for link, clicks in ((1, 2), (2, 7), (3, 0)):
        await insert(
            connection,
            "mailing_link",
            mailing_id=mailing,
            link=link,
            same_link=link,
            url=f"https://shop.example/{link}",
            clicks=clicks,
            people=clicks and 1,
        )
    one = row_global_id("Campaign", campaign)
    expected = [
        {"url": "https://shop.example/2", "clicks": 7, "people": 1},
        {"url": "https://shop.example/1", "clicks": 2, "people": 1},
    ]
    assert (await execute(make_context(), LINKS, id=one))["links"] == expected
    assert (await execute(make_context(), LINKS, id=one, m=number_global_id("Mailing", mailing)))["links"] == expected
    refused = await schema.execute(
        LINKS, context_value=make_context(), variable_values={"id": one, "m": number_global_id("Mailing", 2**31 - 1)}
    )
    assert refused.errors is not None
    assert refused.errors[0].extensions == {"code": "BAD_USER_INPUT", "argument": "mailingId"}


async def test_a_campaign_is_followed_at_once_and_whenever_it_changes(
    connection: Any, make_context: MakeContext
) -> None:
    # Given two who follow one campaign
    campaign = await make_campaign(connection)
    mailing = await mailing_of(connection, campaign)
    context = make_context()
    context.campaign_changes._every = 0.01
    variables = {"id": row_global_id("Campaign", campaign)}
    streams = [
        cast(Any, await schema.subscribe(FOLLOW, context_value=context, variable_values=variables)) for _ in range(2)
    ]
    async with aclosing(streams[0]) as one, aclosing(streams[1]) as other:
        for stream in (one, other):
            assert (await anext(stream)).data["campaignChanged"]["progress"]["opened"] == 0
        assert context.campaign_changes.watched == 1
        # When somebody opens it, and then nothing happens
        await insert(connection, "mailing_tally", mailing_id=mailing, shard=15, opened=1)
        # Then both hear of it, once
        for stream in (one, other):
            assert (await anext(stream)).data["campaignChanged"]["progress"]["opened"] == 1
        waiting = asyncio.ensure_future(anext(one))
        await asyncio.wait([waiting], timeout=0.2)
        assert not waiting.done()
        await connection.execute("update campaign set title = 'Another' where id = $1", campaign)
        assert (await waiting).data["campaignChanged"]["status"] == "RUNNING"
    # And nobody looks any more when the last has gone
    assert context.campaign_changes.watched == 0


async def test_a_campaign_that_is_none_is_not_followed(make_context: MakeContext) -> None:
    for unknown in ("Campaign_" + "0" * 32, "Customer_1", "nonsense"):
        stream = cast(
            Any, await schema.subscribe(FOLLOW, context_value=make_context(), variable_values={"id": unknown})
        )
        async with aclosing(stream) as changes:
            [result] = [one async for one in changes]
        assert result.errors[0].extensions["code"] == "BAD_USER_INPUT"
