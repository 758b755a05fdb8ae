"""The filters of docs/finding.md: each is served by the index that stands there, and reads what a page needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from service.database import ONLY_NESTED_LOOPS, Statement
from service.finding import sources
from service.graph.context import Context
from service.graph.schema import schema
from tests.bench.finding_pages import filled

MESSAGES = 3_000
LARGEST_READ = 2_600
"""Rows of search rows that a page may read: one index's first two rounds, and what they check."""
TABLE = re.compile(r"^\| `(.+?)` \| `(\w+)` \|", re.MULTILINE)
PAGE = """query($f: MessageFilter, $s: String, $o: MessageOrder!) {
    messages(filter: $f, search: $s, orderBy: $o, first: 50) {
    nodes { id status subject customer { name } } pageInfo { endCursor } } }"""


@pytest.fixture
async def ledger(database_url: str) -> Any:
    connection = await filled(database_url, MESSAGES)
    for name, value in ONLY_NESTED_LOOPS.items():
        await connection.execute(f"set {name} = {value}")
    yield connection
    await connection.close()


def documented() -> dict[str, str]:
    """The filters and their indexes."""
    return dict(TABLE.findall(Path("docs/finding.md").read_text()))


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for one in plan.get("Plans", []):
        yield from nodes(one)


async def plans(connection: Any, context: Context, **variables: Any) -> list[Any]:
    """Of each statement that a page runs."""
    ran: list[tuple[Statement, dict[str, Any]]] = []
    fetch = context.reading.fetch

    async def noted(wanted: Statement, **values: Any) -> Any:
        if not wanted.sql.startswith("explain"):
            ran.append((wanted, values))
        return await fetch(wanted, **values)

    context.reading.fetch = noted  # type: ignore[method-assign]  # of this one request
    result = await schema.execute(PAGE, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    found = []
    for wanted, values in ran:
        given = [values[name] for name in wanted.parameters]
        [row] = await connection.fetch(f"explain (analyze, format json) {wanted.sql}", *given)
        found.append((orjson.loads(row[0]) if isinstance(row[0], str) else row[0])[0]["Plan"])
    return found


async def values_of(connection: asyncpg.Connection[Any]) -> dict[str, Any]:
    """Of the filters in the table, by their text there."""
    mailing = await connection.fetchrow("select id, campaign_id from mailing order by id offset 100 limit 1")
    sender = await connection.fetchval("select id from sender order by name desc limit 1")
    message = await connection.fetchrow("select customer_id, id, recipient from message limit 1")
    assert mailing is not None
    assert message is not None
    key = f"{message['customer_id']}_{message['id'].hex}"
    return {
        "(none)": {},
        "ids": {"ids": [f"Message_{key}"]},
        "customerIds": {"customerIds": [f"Customer_{message['customer_id']}"]},
        "statuses: [REFUSED]": {"statuses": ["REFUSED"]},
        "statuses: [ACCEPTED]": {"statuses": ["ACCEPTED"]},
        "causes": {"causes": ["BAD_ADDRESS"]},
        "sourceTypes: [WORK_ORDER]": {"sourceTypes": ["WORK_ORDER"]},
        "sourceTypes: [CAMPAIGN]": {"sourceTypes": ["CAMPAIGN"]},
        "direction: RECEIVED": {"direction": "RECEIVED"},
        "direction: SENT": {"direction": "SENT"},
        "campaignIds": {"campaignIds": [f"Campaign_{mailing['campaign_id'].hex}"]},
        "mailingIds": {"mailingIds": [f"Mailing_{mailing['id']}"]},
        "senderIds": {"senderIds": [f"Sender_{sender.hex}"]},
        "relays": {"relays": ["spare"]},
        "domains": {"domains": ["domain-9.example"]},
        "addresses": {"addresses": [message["recipient"]]},
        "opened: true": {"opened": True},
        "opened: false": {"opened": False},
        "clicked: true": {"clicked": True},
        "clicked: false": {"clicked": False},
        "tracked": {"tracked": True},
        "needsAttention: true": {"needsAttention": True},
        "needsAttention: false": {"needsAttention": False},
    }


async def test_every_filter_is_served_by_its_index(ledger: Any, make_context: Callable[..., Context]) -> None:
    # Given the filters that are documented, each alone and with a span of time
    table, values = documented(), await values_of(ledger)
    assert table.keys() == values.keys()
    span = {"since": "2026-01-01T00:00:00Z", "until": "2036-01-01T00:00:00Z"}
    for name, index in table.items():
        for filter_, order in ((values[name], "NEWEST"), ({**values[name], "occurredAt": span}, "OLDEST")):
            # When a page is read
            read = await plans(ledger, make_context(), f=filter_, o=order)
            found = [node for plan in read for node in nodes(plan)]
            # Then by that index, and no table of mail is read from end to end
            assert index in {node.get("Index Name") for node in found}, (name, order)
            whole = [node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"]
            assert not {"message", "message_search"} & set(whole), (name, order)
            assert sum(_read(node) for node in found) <= LARGEST_READ, (name, order)


async def test_words_are_served_by_their_index(ledger: Any, make_context: Callable[..., Context]) -> None:
    # Given slices, words that nobody's mail has, and words that are taken for frequent: these are read slice by slice
    first_ids = await ledger.fetch("select id from message_search order by id offset 500 limit 2")
    await ledger.executemany("insert into search_slice (first_id) values ($1)", [(row["id"],) for row in first_ids])
    for order in ("NEWEST", "OLDEST"):
        for rare in (5_000, -1):
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(sources, "RARE", rare)
                patched.setattr(sources, "PROBE", 1)
                # When they are searched for
                read = await plans(ledger, make_context(), s="zebra 4711", o=order)
            found = [node for plan in read for node in nodes(plan)]
            # Then by that index: a slice first, then the others, or all at once
            by_words = [node["Index Cond"] for node in found if node.get("Index Name") == "message_search_words"]
            assert ["slice" in condition for condition in by_words] == [True, rare < 0], (order, rare)
            assert not [
                node for node in found if node["Node Type"] == "Seq Scan" and "message" in node["Relation Name"]
            ]


def _read(node: Any) -> float:
    """Search rows that a node read."""
    if node.get("Relation Name") != "message_search" or node["Node Type"] == "Bitmap Heap Scan":
        return 0.0
    rows: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return rows * float(node["Actual Loops"])


async def test_one_range_is_read_no_further_than_to_the_last_row_that_is_wanted(
    ledger: Any, make_context: Callable[..., Context]
) -> None:
    """Every fourth mail to a domain was opened: some 204 rows fill a page of 51."""
    filter_ = {"domains": ["domain-1.example"], "opened": True}
    read = [node for plan in await plans(ledger, make_context(), f=filter_, o="NEWEST") for node in nodes(plan)]
    of_domain = [_read(node) for node in read if node.get("Index Name") == "message_search_of_domain"]
    assert len(of_domain) == 1
    assert 51 < of_domain[0] < 250
