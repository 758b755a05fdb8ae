"""The worklist of a day on which much went wrong: 100,000 troubles in a ledger of a million, each list and its count.

Times are of whole operations in one process, without HTTP, beside one customer's page of 50.
"""

from __future__ import annotations

from service.database import open_pools
from service.graph.node import customer_global_id
from tests.bench.finding_pages import FIELDS, NOTES, Pages, deployment_of, filled, reading_context
from tests.bench.history import servers
from tests.bench.rows import FULL, Row, Size, at_most, bench

PAGE_GOAL = 3.0
"""Times one customer's page."""
MAX_COUNT_MS, MAX_INCIDENTS_MS = 100.0, 400.0
"""Counts stop at 10,000 a list; incidents are read of 10,000 messages with their last attempts."""
MAIL = f"(first: 50) {{ nodes {{ {FIELDS} }} pageInfo {{ endCursor }} }}"
LISTS = {
    "uncertain": f"uncertain{MAIL}",
    "held": f"held{MAIL}",
    "failed": f"failed{MAIL}",
    "bad addresses": "badAddresses(first: 50) { nodes { id address failedAt cause customer { id name } } }",
    "unmatched mail": "unmatchedMail(first: 50) { nodes { id from subject } }",
    "campaigns": "campaigns(first: 50) { nodes { id title } }",
}
NUMBERS = {
    "bad addresses counted": ("badAddresses { totalCount { value } }", MAX_COUNT_MS),
    "total": ("total { value }", MAX_COUNT_MS),
    "every count": (
        "total { value } "
        + " ".join(
            f"{name} {{ totalCount {{ value }} }}"
            for name in ("uncertain", "held", "failed", "campaigns", "unmatchedMail", "badAddresses")
        ),
        2 * MAX_COUNT_MS,
    ),
    "incidents": (
        "incidents { relay stage cause startedAt messages sources { sourceType messages } filter }",
        MAX_INCIDENTS_MS,
    ),
}


@bench("worklist")
async def worklist(size: Size) -> list[Row]:
    """A row a list."""
    messages = 10_000_000 if size is FULL else 1_000_000
    with servers() as (url, redis_url):
        connection = await filled(url, messages, troubles=messages // 10)
        deployment = deployment_of(url, redis_url)
        pools = await open_pools(url)
        pages = Pages(connection, lambda: reading_context(pools, deployment), deployment)
        try:
            customer = await connection.fetchval("select customer_id from message order by id limit 1")
            of_one = NOTES, {"id": customer_global_id(customer)}
            rows = []
            for name, selection in LISTS.items():
                beside, took = await pages.p50_in_turn(of_one, (f"{{ needsAttention {{ {selection} }} }}", {}))
                rows.append(at_most(f"worklist: {name}", took, unit="ms", ceiling=beside, goal=PAGE_GOAL))
            for name, (selection, most) in NUMBERS.items():
                took = await pages.p50(f"{{ needsAttention {{ {selection} }} }}")
                rows.append(at_most(f"worklist: {name}", took, unit="ms", ceiling=most, goal=1.0))
            return rows
        finally:
            await pools.close()
            await connection.close()
