"""Figures of mail over time: whatever happens to mail, in whatever order, they are what the ledger counts."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from gateway.deployment import Deployment
from service.graph.context import Context
from service.graph.node import row_global_id
from service.graph.schema import schema
from tests.builders import (
    insert,
    mailing_of,
    make_attempt,
    make_campaign,
    make_customer,
    make_hit,
    make_message,
    make_sender_version,
    make_template_version,
)
from tests.engine import deployment
from tests.finding import keep_up
from tests.statistics import COUNTS, MAIL, add_day, statistics_amiss

__all__ = ["deployment"]

MakeContext = Callable[..., Context]
SINCE, UNTIL = datetime(2026, 8, 3, 5, tzinfo=UTC), datetime(2026, 11, 20, 17, tzinfo=UTC)
LENGTH = int((UNTIL - SINCE).total_seconds())
ALL = " ".join(COUNTS) + " medianSeconds p95Seconds"
ASK = f"""query($since: DateTime!, $until: DateTime!, $by: [StatisticsGroup!]!, $filter: StatisticsFilter,
    $zone: String! = "UTC") {{
  statistics(since: $since, until: $until, groupBy: $by, filter: $filter, timeZone: $zone) {{
    startsAt cause domain sourceType relay campaign {{ id }} sender {{ id }} {ALL} }} }}"""
CAUSES = ("BAD_ADDRESS", "MAILBOX_FULL", "POLICY")


async def ask(
    context: Context, *by: str, since: datetime = SINCE, until: datetime = UNTIL, **variables: Any
) -> list[dict[str, Any]]:
    """The rows of a question."""
    values = {"since": since.isoformat(), "until": until.isoformat(), "by": list(by)} | variables
    result = await schema.execute(ASK, context_value=context, variable_values=values)
    assert result.errors is None, result.errors
    rows: list[dict[str, Any]] = orjson.loads(orjson.dumps(result.data))["statistics"]
    return rows


async def refusal(
    context: Context, *by: str, since: datetime = SINCE, until: datetime = UNTIL, **variables: Any
) -> str:
    """What is said to a question that is refused."""
    values = {"since": since.isoformat(), "until": until.isoformat(), "by": list(by)} | variables
    result = await schema.execute(ASK, context_value=context, variable_values=values)
    [error] = result.errors or []
    assert error.extensions is not None
    assert error.extensions["code"] == "BAD_USER_INPUT"
    assert result.data == {"statistics": None}
    return error.message


class World:
    """Mail of three campaigns and single letters, whose lives go on at random."""

    def __init__(self, connection: Any, chance: random.Random) -> None:
        self.connection = connection
        self.chance = chance
        self.mails: list[tuple[int, UUID]] = []

    async def begin(self) -> None:
        """Senders, campaigns, a customer."""
        connection = self.connection
        self.customer = await make_customer(connection)
        self.senders = [await make_sender_version(connection) for _ in range(2)]
        self.template = await make_template_version(connection)
        self.campaigns = [await make_campaign(connection, sender_version_id=self.senders[0]) for _ in range(3)]
        self.mailings = [await mailing_of(connection, one) for one in self.campaigns]

    async def make(self) -> None:
        """A letter, a mail of a campaign or a received mail, somewhere in the span."""
        chance = self.chance
        at = SINCE + timedelta(seconds=chance.randrange(LENGTH))
        kind = chance.choice(("CAMPAIGN", "CAMPAIGN", "WORK_ORDER", "CARD_PROCESSING", "RECEIVED"))
        values: dict[str, Any] = {
            "id": await self.connection.fetchval("select uuidv7($1::timestamptz - clock_timestamp())", at),
            "mail_date": at,
            "recipient": f"ann{len(self.mails)}@d{chance.randrange(4)}.example",
        }
        if kind == "RECEIVED":
            values |= {"direction": "RECEIVED", "recipient": None, "sender": None}
        else:
            values |= {"source_type": kind, "template_version_id": self.template}
            values["sender_version_id"] = chance.choice(self.senders)
        if kind == "CAMPAIGN":
            place = chance.randrange(3)
            values |= {"campaign_id": self.campaigns[place], "mailing_id": self.mailings[place]}
            values["occurrence"] = str(len(self.mails))
        message = await make_message(self.connection, self.customer, **values)
        if kind == "RECEIVED":
            await insert(
                self.connection,
                "received_mail",
                customer_id=self.customer,
                message_id=message,
                author="CUSTOMER",
                body="Yes.",
                automatic=False,
                from_address="bea@d1.example",
            )
        self.mails.append((self.customer, message))

    async def happen(self) -> None:
        """Something becomes of a mail, as the engine, a server, a reader or a person would have it."""
        _, message = self.chance.choice(self.mails)
        row = await self.connection.fetchrow("select * from message where id = $1", message)
        if row["direction"] == "RECEIVED":
            return
        steps: Sequence[Callable[[Any], Any]] = {
            "QUEUED": (self.defer, self.accept, self.accept, self.refuse, self.cancel),
            "ACCEPTED": (self.bounce, self.open, self.open, self.click, self.complain),
        }.get(row["status"], (self.retry, self.readdress, self.open))
        await self.chance.choice(steps)(row)
        await self.note(message)

    async def note(self, message: UUID) -> None:
        """Deferrals and hits name their messages in statements that these tests go without."""
        await self.connection.execute(
            "insert into message_change (customer_ids, message_ids) values ($1, $2)", [self.customer], [message]
        )

    async def attempt(self, row: Any, verdict: str, cause: str | None = None) -> None:
        """One more."""
        number = await self.connection.fetchval(
            "select count(*)::int + 1 from attempt where message_id = $1", row["id"]
        )
        relay = self.chance.choice(("main", "second"))
        await make_attempt(
            self.connection, self.customer, row["id"], number=number, verdict=verdict, cause=cause, relay=relay
        )

    async def change(self, row: Any, **values: Any) -> None:
        """Columns of the message."""
        columns = ", ".join(f"{name} = ${place + 2}" for place, name in enumerate(values))
        await self.connection.execute(f"update message set {columns} where id = $1", row["id"], *values.values())  # noqa: S608 - names of the tests' own

    async def defer(self, row: Any) -> None:
        await self.attempt(row, "DEFERRED", "GREYLISTED")

    async def accept(self, row: Any) -> None:
        await self.attempt(row, "ACCEPTED")
        at = row["mail_date"] + timedelta(milliseconds=int(self.chance.lognormvariate(7, 2)))
        await self.change(row, status="ACCEPTED", decided_at=at, sent_at=at)

    async def refuse(self, row: Any) -> None:
        cause = self.chance.choice(CAUSES)
        await self.attempt(row, "REFUSED", cause)
        await self.change(row, status="REFUSED", decided_at=row["mail_date"], cause=cause)

    async def cancel(self, row: Any) -> None:
        await self.change(row, status="CANCELLED", decided_at=row["mail_date"], cause="BY_PERSON")
        await self.event(row, "CANCELLED")

    async def bounce(self, row: Any) -> None:
        await self.change(row, status="BOUNCED", bounced_at=UNTIL, cause=self.chance.choice(CAUSES))

    async def retry(self, row: Any) -> None:
        await self.change(row, status="QUEUED", decided_at=None, sent_at=None, bounced_at=None, cause=None)
        await self.event(row, "RETRIED")

    async def readdress(self, row: Any) -> None:
        await self.change(row, recipient="bea@d9.example")

    async def open(self, row: Any) -> None:
        await make_hit(self.connection, self.customer, row["id"])
        await self.change(row, opened_at=UNTIL)

    async def click(self, row: Any) -> None:
        await make_hit(self.connection, self.customer, row["id"], url="https://fabrikam.example/")
        await self.change(row, opened_at=UNTIL)
        await self.engage(row, "opened", "clicked")

    async def complain(self, row: Any) -> None:
        await self.event(row, "COMPLAINED")
        await self.engage(row, "complained")

    async def event(self, row: Any, kind: str) -> None:
        """One on record."""
        await insert(
            self.connection, "event", customer_id=self.customer, message_id=row["id"], kind=kind, actor="tester"
        )

    async def engage(self, row: Any, *what: str) -> None:
        """What campaigns keep of it."""
        if row["mailing_id"] is not None:
            sets = ", ".join(f"{one} = true" for one in what)
            await self.connection.execute(
                f"insert into message_engagement (mailing_id, customer_id, message_id, {', '.join(what)})"  # noqa: S608 - names of the tests' own
                f" values ($1, $2, $3, {', '.join('true' for _ in what)})"
                f" on conflict (mailing_id, customer_id, message_id) do update set {sets}",
                row["mailing_id"],
                self.customer,
                row["id"],
            )


async def live(connection: Any, deployment: Deployment, seed: int, *, mails: int, steps: int) -> World:
    """Mail, and what becomes of it; the jobs look now and then."""
    world = World(connection, random.Random(seed))
    await world.begin()
    for _ in range(mails):
        await world.make()
    for _ in range(steps):
        await world.happen()
        if world.chance.random() < 0.15:
            await keep_up(connection, deployment)
        if world.chance.random() < 0.3:
            await add_day(connection, width=2)
    await keep_up(connection, deployment)
    return world


async def counted(connection: Any, keys: str, where: str = "true") -> list[Any]:
    """The counts of groups, recounted mail by mail, with the exact times."""
    sums = "sum(sent), sum(accepted), sum(deferred), sum(refused), sum(bounced), sum(has_complained), sum(has_opened),"
    rows: list[Any] = await connection.fetch(
        f"select {keys}, {sums} sum(has_clicked), sum(received),"  # noqa: S608 - names of the tests' own
        " percentile_disc(0.5) within group (order by took_ms), percentile_disc(0.95) within group (order by took_ms)"
        f" from ({MAIL}) m where at >= $1 and at < $2 and ({where}) group by {keys}",
        SINCE,
        UNTIL,
    )
    return rows


def assert_alike(rows: Sequence[dict[str, Any]], wanted: Sequence[Any], key: Callable[[dict[str, Any]], Any]) -> None:
    """The same groups with the same counts, and times within 5 %."""
    found = {key(row): row for row in rows}
    assert len(found) == len(rows)
    assert {one[0]: [int(count) for count in list(one.values())[1:10]] for one in wanted} == {
        group: [row[name] for name in COUNTS] for group, row in found.items()
    }
    for one in wanted:
        for exact, name in zip(list(one.values())[10:], ("medianSeconds", "p95Seconds"), strict=True):
            seconds = found[one[0]][name]
            assert (seconds is None) == (exact is None)
            assert exact is None or abs(seconds * 1000 - max(exact, 1)) <= 0.05 * max(exact, 1)


@pytest.mark.parametrize("seed", range(2))
async def test_figures_are_what_the_ledger_counts(connection: Any, deployment: Deployment, seed: int) -> None:
    """Made, put off, accepted, refused, bounced late, opened, clicked, complained, retried, cancelled, readdressed,
    received: in any order, and booked in any batches."""
    world = await live(connection, deployment, seed, mails=40, steps=120)
    assert await statistics_amiss(connection) == []
    # And reading the same again books nothing
    for _, message in world.mails:
        await world.note(message)
    await keep_up(connection, deployment)
    assert await statistics_amiss(connection) == []
    # And all of it is in, once
    sent = await connection.fetchval("select sum(sent) from mail_statistics where rollup = 'all' and span = 'day'")
    assert sent == await connection.fetchval("select count(*) from message_search where direction = 'SENT'") > 0


async def test_every_question_is_answered_as_the_ledger_counts(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    world = await live(connection, deployment, 7, mails=90, steps=200)
    await check_groups(connection, make_context())
    await check_filters(connection, make_context(), world)
    await check_zones(connection, make_context())
    # And whichever days are in their months
    while await add_day(connection, width=2):
        pass
    assert await statistics_amiss(connection) == []
    await check_groups(connection, make_context())
    await check_filters(connection, make_context(), world)


async def check_groups(connection: Any, context: Context) -> None:
    """By each group, and by day with another."""
    day = "to_char(date_trunc('day', at, 'UTC') at time zone 'UTC', 'YYYY-MM-DD')"

    def of_day(row: dict[str, Any]) -> str:
        return str(row["startsAt"][:10])

    assert_alike(await ask(context, "DAY"), await counted(connection, day), of_day)
    assert_alike(await ask(context, "CAUSE"), await counted(connection, "cause"), lambda row: row["cause"])
    assert_alike(
        await ask(context, "SOURCE_TYPE"), await counted(connection, "source_type"), lambda row: row["sourceType"]
    )
    assert_alike(await ask(context, "RELAY"), await counted(connection, "relay"), lambda row: row["relay"])
    assert_alike(
        await ask(context, "SENDER"),
        await counted(connection, "'Sender_' || replace(sender, '-', '')"),
        lambda row: row["sender"] and row["sender"]["id"],
    )
    assert_alike(
        await ask(context, "CAMPAIGN"),
        await counted(connection, "'Campaign_' || replace(campaign_id::text, '-', '')"),
        lambda row: row["campaign"] and row["campaign"]["id"],
    )
    # Domains are kept by days: both ends of the span are widened, and no mail is outside it.
    assert_alike(await ask(context, "DOMAIN"), await counted(connection, "domain"), lambda row: row["domain"])
    assert_alike(
        await ask(context, "DAY", "DOMAIN"),
        await counted(connection, f"{day} || ' ' || coalesce(domain, '')"),
        lambda row: f"{of_day(row)} {row['domain'] or ''}",
    )
    assert_alike(
        await ask(context, "DAY", "CAUSE"),
        await counted(connection, f"{day} || coalesce(cause::text, '')"),
        lambda row: of_day(row) + (row["cause"] or ""),
    )


async def check_filters(connection: Any, context: Context, world: World) -> None:
    """With filters; and what is refused across rollups."""
    campaign = world.campaigns[1]
    sender = await connection.fetchval("select sender_id from sender_version where id = $1", world.senders[0])
    assert_alike(
        await ask(
            context, "RELAY", filter={"sourceTypes": ["CAMPAIGN"], "senderIds": [row_global_id("Sender", sender)]}
        ),
        await counted(connection, "relay", f"source_type = 'CAMPAIGN' and sender = '{sender}'"),
        lambda row: row["relay"],
    )
    assert_alike(
        await ask(context, "CAUSE", filter={"campaignIds": [row_global_id("Campaign", campaign)]}),
        await counted(connection, "cause", f"campaign_id = '{campaign}'"),
        lambda row: row["cause"],
    )
    assert_alike(
        await ask(context, "SOURCE_TYPE", filter={"relays": ["second"]}),
        await counted(connection, "source_type", "relay = 'second'"),
        lambda row: row["sourceType"],
    )
    assert_alike(
        await ask(context, "CAUSE", filter={"domains": ["D1.example", "d9.example"]}),
        await counted(connection, "cause", "domain in ('d1.example', 'd9.example')"),
        lambda row: row["cause"],
    )
    assert await ask(context, "DAY", filter={"relays": ["nobody"]}) == []
    assert await ask(context, "CAUSE", filter={"domains": []}) == []
    # Across rollups it is refused, with what works
    for by, filter in (
        (["RELAY"], {"campaignIds": [row_global_id("Campaign", campaign)]}),
        (["DOMAIN"], {"sourceTypes": ["CAMPAIGN"]}),
        (["CAMPAIGN"], {"domains": ["d1.example"]}),
    ):
        assert "source types, causes, relays and senders go together" in await refusal(context, *by, filter=filter)
    assert "not kept by hour" in await refusal(context, "HOUR", "DOMAIN")
    assert "days in UTC" in await refusal(context, "DAY", "DOMAIN", zone="Europe/Berlin")


async def check_zones(connection: Any, context: Context) -> None:
    """Clocks change within the span; London's winter days are those of UTC, Kolkata's begin half past an hour of it."""

    def local(zone: str) -> str:
        moved = "date_trunc('hour', at, 'UTC') + interval '30 minutes'"
        return f"extract(epoch from date_trunc('day', {moved}, '{zone}'))::bigint"

    def begun(row: dict[str, Any]) -> int:
        return int(datetime.fromisoformat(row["startsAt"]).timestamp())

    for zone in ("Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kolkata"):
        rows = await ask(context, "DAY", zone=zone)
        assert_alike(rows, await counted(connection, local(zone)), begun)
        assert [begun(row) for row in rows] == sorted(begun(row) for row in rows)
    by_campaign = await ask(context, "DAY", "CAMPAIGN", zone="Asia/Tokyo")
    assert sum(row["sent"] for row in by_campaign) == sum(row["sent"] for row in await ask(context, "DAY"))
    hours = await ask(context, "HOUR", since=SINCE + timedelta(days=3), until=SINCE + timedelta(days=40))
    recounted = await counted(
        connection,
        "extract(epoch from date_trunc('hour', at, 'UTC'))::bigint",
        "at >= $1::timestamptz + interval '3 days' and at < $1::timestamptz + interval '40 days'",
    )
    assert_alike(hours, recounted, begun)


async def test_a_year_by_domain_is_read_by_month(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given mail whose days are in their months
    world = await live(connection, deployment, 3, mails=60, steps=120)
    context, year = make_context(), {"since": SINCE - timedelta(days=200), "until": UNTIL + timedelta(days=11)}
    before = await ask(context, "DOMAIN", **year)
    while await add_day(connection):
        pass
    # When more becomes of it, and the days' own rows of whole months are gone
    for _ in range(40):
        await world.happen()
    await keep_up(connection, deployment)
    now = await ask(context, "DOMAIN", **year)
    await connection.execute("delete from domain_statistics where day < '2026-11-01'")
    # Then the answer is that of the months, and has what came late
    assert await ask(context, "DOMAIN", **year) == now != before
    # And by day there is nothing left but November
    assert {row["startsAt"][:7] for row in await ask(context, "DAY", "DOMAIN", **year)} == {"2026-11"}


async def test_bad_questions_are_refused_with_what_would_do(make_context: MakeContext) -> None:
    context = make_context()
    assert "must be before" in await refusal(context, "DAY", since=UNTIL, until=UNTIL)
    for by in ([], ["DAY", "HOUR"], ["DAY", "DAY"], ["RELAY", "SENDER"], ["DAY", "RELAY", "SENDER"]):
        assert "DAY or HOUR with one other" in await refusal(context, *by)
    assert "IANA" in await refusal(context, "DAY", zone="Mars/Olympus")
    said = await refusal(context, "HOUR")
    assert "`until` 2026-09-13T21:00:00+00:00 would fit" in said
    assert await ask(context, "HOUR", until=datetime(2026, 9, 13, 21, tzinfo=UTC)) == []
    assert "days" in await refusal(context, "DAY", since=datetime(2020, 1, 1, tzinfo=UTC))
    filter = {"campaignIds": ["Campaign_1"], "senderIds": ["x"], "relays": ["r"] * 101, "domains": ["a@b.example"]}
    said = await refusal(context, "DAY", filter=filter)
    assert all(name in said for name in ("campaignIds[0]", "senderIds[0]", "relays: at most 100", "domains[0]"))
    said = await refusal(context, "DOMAIN", filter={"domains": ["example.com", "not a domain", "a..b"]})
    assert "domains[1] is not a domain" in said
    # Not empty figures, which would look like theirs
    campaign, sender = f"Campaign_{'0' * 31}1", f"Sender_{'0' * 31}2"
    said = await refusal(context, "CAMPAIGN", filter={"campaignIds": [campaign]})
    assert f"there is no {campaign}" in said
    said = await refusal(context, "SENDER", filter={"senderIds": [sender]})
    assert f"there is no {sender}" in said
    # Times without mail, however far away, are no rows
    for since, until in ((1, 9), (1, 1999), (2201, 9999)):
        span = {"since": datetime(since, 1, 1, tzinfo=UTC), "until": datetime(until, 12, 31, 23, 30, tzinfo=UTC)}
        assert await ask(context, "CAUSE", **span) == []
        assert await ask(context, "DOMAIN", **span) == []


async def test_more_rows_than_fit_are_refused_with_the_span_that_fits(
    connection: Any, make_context: MakeContext
) -> None:
    # Given two relays on each of 600 days
    await connection.execute(
        "insert into search_name (kind, name) values ('RELAY', 'a'), ('RELAY', 'b');"
        " insert into mail_statistics (rollup, span, starts_at, relay_no, sent, accepted, deferred, refused, bounced,"
        "   complained, opened, clicked, received, times)"
        " select 'relay', 'day', d, n.no, 1, 0, 0, 0, 0, 0, 0, 0, 0, '{}' from search_name n,"
        " generate_series('2024-01-01T00:00Z', '2025-08-22T00:00Z', interval '1 day') d"
    )
    context = make_context()
    since, until = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 8, 1, tzinfo=UTC)
    # When they are asked for
    said = await refusal(context, "DAY", "RELAY", since=since, until=until)
    # Then what fits is said, and does
    assert "`until` 2025-05-15T00:00:00+00:00 would fit" in said
    rows = await ask(context, "DAY", "RELAY", since=since, until=datetime(2025, 5, 15, tzinfo=UTC))
    assert len(rows) == 1_000
