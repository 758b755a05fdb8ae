"""The senders in use are checked daily by a real DNS server on loopback, one domain at a time, and nothing waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from gateway.campaigns.dns_lookup import NoResolver
from gateway.settings import DkimKey, Settings
from gateway.worklist import sender_dns
from gateway.worklist.sender_dns import AGAIN_AFTER, ASKING, SOONER, SenderChecks
from tests.builders import NOON, insert, make_campaign, make_sender_version
from tests.dns_server import DnsZone, dns_server, quoted

ROWS = """select s.sender_id, s.domain, s.in_use, s.ready, s.checked_at, s.due_at, s.records, s.asking_until
from sender_dns s order by s.domain, s.sender_id"""


@dataclass(kw_only=True)
class Checking:
    """A worker's job, its clock, and DNS as it is asked."""

    zone: DnsZone
    settings: Settings
    now: datetime = NOON
    job: SenderChecks = field(init=False)

    def __post_init__(self) -> None:
        self.job = self.another()

    def another(self, **changed: Any) -> SenderChecks:
        """Another worker's job."""
        return SenderChecks(self.settings.model_copy(update=changed), lambda: self.now)

    async def check(self, connection: Any, job: SenderChecks | None = None) -> list[Any]:
        """Run until nothing is due; returns what is known then."""
        job = job or self.job
        while True:
            more = await job.run(connection)
            if not more and job._asked is None:
                return list(await connection.fetch(ROWS))
            await job.settled()


@pytest.fixture
async def checking(settings: Settings) -> AsyncIterator[Checking]:
    async with dns_server({"x.example TXT": [quoted("v=spf1 -all")]}) as (zone, server):
        yield Checking(zone=zone, settings=settings.model_copy(update={"dns_servers": (server,), "dkim_keys": ()}))


async def make_sender(connection: Any, address: str) -> UUID:
    """A sender of a campaign that runs; returns the sender's id."""
    version = await make_sender_version(connection, from_address=address)
    await make_campaign(connection, sender_version_id=version)
    return await sender_of(connection, version)


async def sender_of(connection: Any, version: UUID) -> UUID:
    found: UUID = await connection.fetchval("select sender_id from sender_version where id = $1", version)
    return found


async def test_senders_in_use_are_checked_and_others_are_not(connection: Any, checking: Checking) -> None:
    # Given two senders of one domain and one of another, all in use, by campaigns and individual mail; and one unused
    same = [await make_sender(connection, "a@x.example"), await make_sender(connection, "B@X.example")]
    individual = await sender_of(connection, await make_sender_version(connection, from_address="c@y.example"))
    name = await insert(connection, "search_name", kind="SENDER", name=str(individual))
    slice_no = await connection.fetchval("select no from search_slice")
    await connection.execute(
        "insert into message_search (id, customer_id, slice, sender_no, source_type, direction, status, tracked)"
        " values (uuidv7(), 1, $1, $2, 'WORK_ORDER', 'SENT', 'ACCEPTED', false)", slice_no, name["no"],
    )  # fmt: skip
    unused = await sender_of(connection, await make_sender_version(connection, from_address="d@z.example"))
    # When the job runs
    rows = await checking.check(connection)
    # Then each domain in use was asked about once, and why it is not ready is kept
    assert {row["sender_id"]: row["domain"] for row in rows if row["in_use"]} == {
        same[0]: "x.example", same[1]: "x.example", individual: "y.example",
    }  # fmt: skip
    assert checking.zone.asked.count("x.example TXT") == 1
    [not_in_use] = [row for row in rows if not row["in_use"]]
    assert (not_in_use["sender_id"], not_in_use["checked_at"], not_in_use["due_at"]) == (unused, None, NOON + SOONER)
    assert not any("z.example" in question for question in checking.zone.asked)
    for row in rows:
        if row["in_use"]:
            assert (row["ready"], row["checked_at"], row["due_at"]) == (False, NOON, NOON + SOONER)
            assert {record["kind"] for record in row["records"]} == {"SPF", "DKIM", "DMARC", "RETURN_PATH"}
            assert row["asking_until"] is None
    # And nothing is asked again before it is due
    checking.zone.asked.clear()
    await checking.check(connection)
    assert checking.zone.asked == []


async def test_a_sender_is_checked_again_when_due_or_changed(connection: Any, checking: Checking) -> None:
    sender = await make_sender(connection, "a@x.example")
    await checking.check(connection)
    # When it gets another domain, then that is checked at once, and what was known of the former is gone
    await insert(connection, "sender_version", sender_id=sender, number=2, from_address="a@new.example")
    [row] = await checking.check(connection)
    assert (row["domain"], row["checked_at"]) == ("new.example", NOON)
    # When our keys change, too
    checking.zone.asked.clear()
    checking.now += timedelta(minutes=1)
    keys = (DkimKey(domain="new.example", selector="k1", path="/nowhere.pem"),)
    [row] = await checking.check(connection, checking.another(dkim_keys=keys))
    assert "k1._domainkey.new.example TXT" in checking.zone.asked
    # When it was ready, then it is looked at a day later, not an hour later
    checking.job = checking.another(dkim_keys=keys)
    await connection.execute("update sender_dns set ready = true, due_at = $1", checking.now + AGAIN_AFTER)
    checking.zone.asked.clear()
    checking.now += AGAIN_AFTER - timedelta(seconds=1)
    await checking.check(connection)
    assert checking.zone.asked == []
    checking.now += timedelta(seconds=1)
    await checking.check(connection)
    assert checking.zone.asked != []


async def test_a_silent_resolver_holds_up_nothing_and_one_worker_asks_at_a_time(
    pool: asyncpg.Pool[Any], checking: Checking
) -> None:
    # Given a resolver that does not answer
    async with pool.acquire() as connection:
        await make_sender(connection, "a@x.example")
        await make_sender(connection, "b@y.example")
    checking.zone.silent |= {"x.example", "_dmarc.x.example"}
    other = checking.another()
    # When two workers run their jobs, then each returns its connection at once, and one asks
    for job in (checking.job, other):
        async with pool.acquire() as connection:
            assert await job.run(connection) is False
    assert other._asked is None
    async with pool.acquire() as connection:
        assert await checking.job.run(connection) is False
    # And when the first is lost, the other goes on
    assert checking.job._asked is not None
    checking.job._asked[1].cancel()
    checking.now += ASKING + timedelta(seconds=1)
    async with pool.acquire() as connection:
        assert await other.run(connection) is False
    assert other._asked is not None
    other._asked[1].cancel()
    await asyncio.wait([checking.job._asked[1], other._asked[1]])


async def test_without_a_resolver_the_log_says_so_once_and_nothing_is_called_not_ready(
    connection: Any, checking: Checking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def without(*_: Any) -> None:
        raise NoResolver("This machine names no resolver.")

    monkeypatch.setattr(sender_dns, "DnsLookup", without)
    monkeypatch.setattr("gateway.campaigns.sender_check.DnsLookup", without)
    await make_sender(connection, "a@x.example")
    await make_sender(connection, "b@y.example")
    rows = await checking.check(connection)
    assert [row["ready"] for row in rows] == [None, None]
    assert "DNS_SERVERS" in rows[0]["records"][0]["advice"]
    assert len([record for record in caplog.records if "DNS_SERVERS" in record.message]) == 1
