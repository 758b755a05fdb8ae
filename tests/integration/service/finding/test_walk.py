"""Keys of what a query finds: all pages together are a plain reading of the ledger, whatever is asked."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.deployment import Deployment
from gateway.mail.message import MessageRef, Status
from gateway.mail.source import Direction, SourceType
from gateway.mail.verdict import Cause
from gateway.settings import Settings
from service.database import DatabasePools, Reading, Statement
from service.errors import BadInput
from service.finding import sources
from service.finding.query import MessageQuery
from service.finding.walk import keys
from service.finding.wanted import resolve
from tests.builders import NOON
from tests.finding import keep_up
from tests.finding_ledger import DOMAINS, RELAYS, Ledger, make_ledger

QUERIES = 60


def hash_of(deployment: Deployment, address: str) -> int:
    return int.from_bytes(deployment.key_of(address)[:8], "big", signed=True)


def drawn(chance: random.Random, ledger: Ledger, deployment: Deployment) -> MessageQuery:
    """Any combination of up to four filters, some of which find little."""
    addresses = tuple(f"reader{number}@{DOMAINS[0]}" for number in chance.sample(range(20), 2))
    until = NOON + timedelta(seconds=chance.choice((30, 300, 1000)))
    choices: list[dict[str, Any]] = [
        {"ids": tuple(mail.ref for mail in chance.sample(ledger.mails, 50))},
        {"customer_ids": tuple(chance.sample(ledger.customers, 2))},
        {"statuses": tuple(chance.sample(list(Status), chance.randint(1, 3)))},
        {"statuses": (chance.choice((Status.QUEUED, Status.HANDED_OFF, Status.DEFERRED)),)},
        {"causes": tuple(chance.sample(list(Cause), 6))},
        {"source_types": tuple(chance.sample(list(SourceType), chance.randint(1, 2)))},
        {"direction": chance.choice(list(Direction))},
        {"campaign_ids": tuple(chance.sample(ledger.campaigns, 1))},
        {"mailing_ids": tuple(chance.sample(ledger.mailings, chance.randint(1, 2)))},
        {"sender_ids": tuple(chance.sample(ledger.senders, 1))},
        {"relays": (chance.choice((*RELAYS, "unknown")),)},
        {"domains": (chance.choice((*DOMAINS, "unknown.example")),)},
        {"addresses": addresses, "address_hashes": tuple(hash_of(deployment, one) for one in addresses)},
        {"since": NOON + timedelta(seconds=chance.randrange(600))},
        {"until": until, "since": until - timedelta(seconds=chance.choice((1, 60, 500)))},
        {"opened": chance.random() < 0.5},
        {"clicked": chance.random() < 0.5},
        {"tracked": chance.random() < 0.5},
        {"needs_attention": chance.random() < 0.5},
    ]
    merged: dict[str, Any] = {}
    for one in chance.sample(choices, chance.choice((0, 1, 1, 2, 2, 3, 4))):
        merged |= one
    return MessageQuery(**merged)


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def all_pages(
    reading: Reading, query: MessageQuery, rows: int, *, oldest_first: bool = False
) -> tuple[list[MessageRef], int]:
    """What all pages hold, and how many were short without being the last."""
    found: list[MessageRef] = []
    after: UUID | None = None
    short = 0
    while True:
        walked = await keys(reading.fetch, query, after=after, rows=rows, oldest_first=oldest_first)
        found += walked.refs
        assert len(walked.refs) <= rows
        if walked.stopped is not None:
            assert len(walked.refs) < rows
            after, short = walked.stopped, short + 1
        elif len(walked.refs) < rows:
            return found, short
        else:
            after = walked.refs[-1].message_id


async def make_sliced(connection: Any, deployment: Deployment, *, every: int) -> Ledger:
    """Mail of every kind that can be found, in slices of so many."""
    ledger = await make_ledger(connection, 260)
    await keep_up(connection, deployment)
    ids = sorted(mail.ref.message_id for mail in ledger.mails)
    await connection.executemany("insert into search_slice (first_id) values ($1)", [(id,) for id in ids[every::every]])
    await connection.execute(
        "update message_search m set slice ="
        " (select s.no from search_slice s where s.first_id <= m.id order by s.first_id desc limit 1)"
    )
    return ledger


class CountingReading(Reading):
    """Counts what it is asked, by statement."""

    def __init__(self, pools: DatabasePools) -> None:
        super().__init__(pools)
        self.asked: Counter[str] = Counter()

    async def fetch(self, wanted: Statement, **values: Any) -> list[Any]:
        self.asked[wanted.name.removesuffix(" upwards")] += 1
        return await super().fetch(wanted, **values)


async def test_all_pages_together_are_a_plain_reading_of_the_ledger(
    connection: Any, pools: DatabasePools, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given mail of every kind, in slices, of which a page reads little
    ledger = await make_sliced(connection, deployment, every=30)
    monkeypatch.setattr(sources, "SCANS", (16, 40))
    monkeypatch.setattr(sources, "SLICES", 2)
    monkeypatch.setattr(sources, "LEAST_OF_EACH", 3)
    reading, chance, short = Reading(pools), random.Random(8), 0
    for _ in range(QUERIES):
        # When any query is read page by page
        query, oldest_first = drawn(chance, ledger, deployment), chance.random() < 0.4
        found, stops = await all_pages(reading, query, chance.choice((7, 30, 101)), oldest_first=oldest_first)
        # Then nothing is missing, nothing comes twice, and all is in order
        assert found == ledger.found(query, oldest_first=oldest_first), query
        short += stops
    assert short > 4


SEARCHES = ("appointment", "INV-100507", "invoice 100507", "autu off", "where is it", "reader7", "zebra")


async def test_rare_words_are_found_at_once_as_they_are_slice_by_slice(
    connection: Any, pools: DatabasePools, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given mail in slices
    ledger = await make_sliced(connection, deployment, every=20)
    monkeypatch.setattr(sources, "SCANS", (16, 40))
    monkeypatch.setattr(sources, "SLICES", 3)
    monkeypatch.setattr(sources, "PROBE", 1)
    reading, chance, asked, hits = CountingReading(pools), random.Random(4), 0, 0
    for _ in range(QUERIES // 2):
        query = replace(drawn(chance, ledger, deployment), search=chance.choice(SEARCHES))
        rows, oldest_first = chance.choice((7, 101)), chance.random() < 0.4
        # When words are taken for rare, and for frequent
        monkeypatch.setattr(sources, "RARE", 10**9)
        monkeypatch.setattr(sources, "SLICE_BLOCKS", chance.choice((9, 10**9)))
        at_once, _ = await all_pages(reading, query, rows, oldest_first=oldest_first)
        asked += reading.asked.pop(sources.BY_RARE_WORDS.name, 0)
        monkeypatch.setattr(sources, "RARE", -1)
        by_slices, _ = await all_pages(reading, query, rows, oldest_first=oldest_first)
        # Then the same is found, in the same order
        assert at_once == by_slices, query
        assert set(at_once) <= set(ledger.found(replace(query, search=None)))
        hits += len(at_once)
    assert sources.BY_RARE_WORDS.name not in reading.asked
    assert asked > 5
    assert hits > 50


async def test_a_word_is_rare_where_any_of_a_search_is(
    connection: Any, pools: DatabasePools, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given statistics of mail, half of whose subjects have a number
    await make_ledger(connection, 260)
    await keep_up(connection, deployment)
    await connection.execute("analyze message_search")
    reading = Reading(pools)

    async def pays(search: str, *, probed: int = 0, rare: int = 5) -> bool:
        monkeypatch.setattr(sources, "RARE", rare)
        wanted = await resolve(reading.fetch, MessageQuery(search=search))
        at_once = sources.Rare(statement=sources.BY_RARE_WORDS, values={}, terms=wanted.terms)
        return await at_once.pays(reading.fetch, probed=probed, rows=51)

    # Then one that few have makes a search rare, whatever stands beside it
    assert not await pays("appointment")
    assert await pays("zebra")
    assert await pays("appointment zebra")
    # And what slices find fast is read by slices, though not many have it
    assert await pays("appointment", probed=0, rare=5_000)
    assert await pays("appointment", probed=1, rare=5_000)
    assert not await pays("appointment", probed=50, rare=5_000)


async def test_unknown_names_find_nothing_and_unknown_ids_are_told(
    connection: Any, pools: DatabasePools, deployment: Deployment
) -> None:
    await make_ledger(connection, 20)
    await keep_up(connection, deployment)
    reading = Reading(pools)
    for nothing in (MessageQuery(relays=("nowhere",)), MessageQuery(domains=()), MessageQuery(ids=())):
        assert (await keys(reading.fetch, nothing, after=None, rows=5)).refs == []
    for unknown in (
        MessageQuery(campaign_ids=(UUID(int=1),)),
        MessageQuery(mailing_ids=(12345,)),
        MessageQuery(sender_ids=(UUID(int=1),)),
    ):
        with pytest.raises(BadInput, match=r"there is no (Campaign|Mailing|Sender)_"):
            await keys(reading.fetch, unknown, after=None, rows=5)
