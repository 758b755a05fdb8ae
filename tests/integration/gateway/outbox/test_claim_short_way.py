"""The short way of claiming leases what the whole way would have leased, row by row, or nothing at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.outbox.claim import LARGE_CONTENT, Claim, claim
from tests.builders import (
    insert,
    mailing_of,
    make_campaign,
    make_customer,
    make_outbox,
    make_sender_version,
    make_template_version,
)
from tests.examples import examples

NOW = datetime.now(UTC)
DESTINATIONS: dict[str, dict[str, Any]] = {
    "free.example": {},
    "also.example": {},
    "works.example": {
        "paused_until": NOW - timedelta(minutes=1),
        "paused_why": "x",
        "day_count": 5,
        "person_paused_until": NOW - timedelta(minutes=1),
        "person_paused_why": "x",
        "person_paused_by": "x",
    },
    "rate.example": {"min_interval": timedelta(seconds=10)},
    "day.example": {"per_day": 2},
    "warm.example": {"warm_up_from": NOW.date(), "warm_up_start": 3},
    "few.example": {"connections": 1},
    "paused.example": {"paused_until": NOW + timedelta(hours=1), "paused_why": "x"},
    "probed.example": {"pause_step": 2},
    "ordered.example": {
        "person_paused_until": NOW + timedelta(hours=1),
        "person_paused_why": "x",
        "person_paused_by": "x",
    },
    "stopped.example": {"stopped_at": NOW, "stopped_why": "x"},
}
"""Domains and their rows of `destination`; those without values have none."""
FREE = {"free.example", "also.example", "works.example"}
LANES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A row of the queue, and what speaks against it."""

    lane: int
    domain: str
    minutes_ago: int
    scheduled: bool
    rate_counted: bool
    attempt: int
    expired: bool
    bound_relay: str | None
    size: int | None
    gone: bool
    leased: bool
    suppressed: bool
    opted_out: bool
    kind: str | None
    message_id: UUID = field(default_factory=uuid4)

    @property
    def plain(self) -> bool:
        """Whether nothing forbids it or counts it."""
        large = self.size is not None and self.size >= LARGE_CONTENT and not self.gone
        return self.domain in FREE and self.bound_relay is None and not large

    @property
    def waits(self) -> bool:
        """Whether a claim may look at it."""
        return self.minutes_ago >= 0 and not self.leased and self.lane != PAUSED


PAUSED = 3


def mails(*, plain: bool) -> st.SearchStrategy[Mail]:
    """Rows of the queue; `plain` ones nothing forbids or counts."""
    seldom = st.integers(0, 7).map(lambda number: number == 0)
    return st.builds(
        Mail,
        lane=st.integers(0, LANES - 1),
        domain=st.sampled_from(sorted(FREE if plain else DESTINATIONS)),
        minutes_ago=st.integers(-1, 12),
        scheduled=st.booleans(),
        rate_counted=st.booleans(),
        attempt=st.integers(1, 2),
        expired=seldom,
        bound_relay=st.none() if plain else st.sampled_from([None] * 6 + ["main", "other"]),
        size=st.sampled_from([None, 10]) if plain else st.sampled_from([None] * 4 + [10, LARGE_CONTENT]),
        gone=seldom,
        leased=seldom,
        suppressed=seldom,
        opted_out=seldom,
        kind=st.sampled_from([None, "MARKETING"]),
    )


queues = st.booleans().flatmap(lambda plain: st.lists(mails(plain=plain), max_size=10))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """What queues of this test are put into: lanes by their number, versions for messages."""

    connection: Any
    customer: int
    lanes: list[tuple[int, int]]
    campaign: UUID
    mailing: int
    template: UUID
    sender: UUID

    async def put(self, mail: Mail, number: int) -> None:
        """Writes one row, its message, its content and what speaks against it."""
        sha256 = None
        if mail.size is not None:
            sha256 = number.to_bytes(32, "big")
            await insert(self.connection, "content", sha256=sha256, size=mail.size, encoding="identity", bytes=b"x")
        if not mail.gone:
            await insert(
                self.connection, "message", customer_id=self.customer, id=mail.message_id, sender="a@x.example",
                source_type="CAMPAIGN", campaign_id=self.campaign, mailing_id=self.mailing, occurrence=str(number),
                recipient="b@x.example",
                template_version_id=self.template, sender_version_id=self.sender, merge_data={"n": number},
                content_sha256=sha256,
            )  # fmt: skip
        leased = {"lease_owner": uuid4(), "lease_until": NOW + timedelta(hours=1)} if mail.leased else {}
        ago = timedelta(minutes=mail.minutes_ago) if mail.minutes_ago >= 0 else -timedelta(hours=2)
        row = await make_outbox(
            self.connection, self.customer, mail.message_id, address=f"a{number}@{mail.domain}",
            lane_id=self.lanes[mail.lane][1], due_at=NOW - ago, scheduled=mail.scheduled,
            rate_counted=mail.rate_counted, attempt=mail.attempt, bound_relay=mail.bound_relay, opt_out_kind=mail.kind,
            expires_at=NOW + timedelta(hours=-1 if mail.expired else 20), **leased,
        )  # fmt: skip
        if mail.suppressed:
            await insert(self.connection, "suppression", address_key=row["address_key"], reason="STAFF", actor="t")
        if mail.opted_out:
            await insert(self.connection, "address_opt_out", address_key=row["address_key"], kind="MARKETING",
                         source="STAFF", actor="t")  # fmt: skip

    def head(self, queue: list[Mail], count: int) -> list[Mail]:
        """The first rows that a claim looks at."""
        waiting = [mail for mail in queue if mail.waits]
        waiting.sort(key=lambda m: (*self.lanes[m.lane], not m.scheduled, -m.minutes_ago, m.message_id))
        return waiting[:count]


async def make_ledger(connection: Any) -> Ledger:
    """Destinations, a paused relay, and four lanes, one of them paused."""
    for domain, values in DESTINATIONS.items():
        if values:
            await insert(connection, "destination", domain=domain, **values)
    await insert(connection, "relay", name="main", paused_until=NOW + timedelta(hours=1), paused_why="x")
    campaigns = [await make_campaign(connection, priority=priority, merge_data={"all": 1}) for priority in (5, 2, 1)]
    await connection.execute("update lane set paused_at = now(), paused_why = 'x' where campaign_id = $1", campaigns[2])
    names = ["individual", *(f"campaign-{campaign.hex}-1" for campaign in campaigns)]
    found = {row["name"]: row for row in await connection.fetch("select id, name, priority from lane")}
    return Ledger(
        connection=connection,
        customer=await make_customer(connection),
        lanes=[(found[name]["priority"], found[name]["id"]) for name in names],
        campaign=campaigns[0],
        mailing=await mailing_of(connection, campaigns[0]),
        template=await make_template_version(connection),
        sender=await make_sender_version(connection),
    )


async def claimed(connection: Any, owner: UUID, **values: Any) -> tuple[Claim, dict[UUID, tuple[Any, ...]]]:
    """A claim and the queue after it; nothing of it stays."""
    transaction = connection.transaction()
    await transaction.start()
    found = await claim(
        connection, worker=owner, lease=timedelta(minutes=1), owner=owner, relays=["main"], **values
    )  # fmt: skip
    queue = {row["message_id"]: tuple(row) for row in await connection.fetch("select * from outbox")}
    await transaction.rollback()
    return found, queue


async def test_both_ways_of_claiming_lease_the_same_rows_in_the_same_way(connection: Any) -> None:
    ledger, loop, ways = await make_ledger(connection), asyncio.get_running_loop(), list[bool]()

    async def compare(queue: list[Mail], max_leased: int, hand_off: bool) -> None:
        transaction = connection.transaction()
        await transaction.start()
        try:
            # Given any queue
            for number, mail in enumerate(queue):
                await ledger.put(mail, number)
            before = {row["message_id"]: tuple(row) for row in await connection.fetch("select * from outbox")}
            owner, how = uuid4(), {"max_leased": max_leased, "hand_off": hand_off}
            # When it is claimed either way
            short, after_short = await claimed(connection, owner, **how)
            whole, after_whole = await claimed(connection, owner, **how, short_way=False)
        finally:
            await transaction.rollback()
        # Then the leased rows are the same, in the same order, with the same facts
        assert short.leased == whole.leased
        # And the short way was gone exactly where nothing forbids or counts any of the first rows
        head = ledger.head(queue, max_leased)
        assert short.short == (bool(head) and all(mail.plain for mail in head))
        ways.append(short.short)
        leased = {row.message_id for row in whole.leased}
        if short.short:  # it wrote the same, and touched nothing else; what lies behind is for later claims
            expected = {key: after_whole[key] if key in leased else row for key, row in before.items()}
            assert after_short == expected
            assert leased == {mail.message_id for mail in head}
        else:
            assert after_short == after_whole

    @settings(max_examples=examples(30, proof=150), suppress_health_check=list(HealthCheck))
    @given(queue=queues, max_leased=st.integers(1, 8), hand_off=st.booleans())
    def both_ways(queue: list[Mail], max_leased: int, hand_off: bool) -> None:
        asyncio.run_coroutine_threadsafe(compare(queue, max_leased, hand_off), loop).result(60)

    await asyncio.to_thread(both_ways)
    # And there were many of both
    assert min(ways.count(True), ways.count(False)) > 5
