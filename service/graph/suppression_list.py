"""Suppressed addresses as a list: a page of it, how many there are, all of them for a file.

It knows no GraphQL type: the query and files have this list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.campaigns.counts import Count
from gateway.deployment import Deployment
from gateway.errors import Refusal
from gateway.mail.address import LONGEST_ADDRESS, parse_address, with_a_labels
from gateway.mail.choice import SuppressionReason
from service.database import statement
from service.errors import BadInput
from service.finding.wanted import Fetcher
from service.graph.connection import BEFORE_EVERYTHING
from service.graph.search_patterns import literal

PAGE = statement("suppressions_page")
FOUND = statement("suppressions_found")
COUNT = statement("count_suppressions")
COUNT_FOUND = statement("count_found_suppressions")

SHORTEST_SEARCH = 3
"""Characters: a trigram index finds nothing shorter."""
MAX_COUNTED = 10_000
"""Rows counted one by one: some ten milliseconds."""
EXPORTED_AT_ONCE = 500
"""Rows of a file that are in memory at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionQuery:
    """Which suppressions; None does not filter. `lifted`: those that were lifted, else those that stand."""

    search: str | None = None
    reason: SuppressionReason | None = None
    lifted: bool = False

    def parameters(self, deployment: Deployment) -> dict[str, Any]:
        """Of the statements. Raises BadInput for the search."""
        found = {} if self.search is None else _read_search(self.search.strip(), deployment)
        return {**found, "reason": self.reason, "lifted": self.lifted}

    def to_json(self) -> dict[str, Any]:
        """What a link to the list says."""
        return {"search": self.search, "reason": self.reason, "lifted": self.lifted}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> SuppressionQuery:
        """The list that a link names."""
        reason = said["reason"]
        return cls(search=said["search"], reason=reason and SuppressionReason(reason), lifted=said["lifted"])


def _read_search(search: str, deployment: Deployment) -> dict[str, str | bytes | None]:
    if not SHORTEST_SEARCH <= len(search) <= LONGEST_ADDRESS:
        raise BadInput("search", f"is {SHORTEST_SEARCH} to {LONGEST_ADDRESS} characters")
    key = None
    if "@" in search:
        search = with_a_labels(search)
        with suppress(Refusal):
            key = deployment.key_of(parse_address(search, allow_reserved=True).text)
    return {"pattern": f"%{literal(search)}%", "address_key": key}


async def read_page(
    fetch: Fetcher, deployment: Deployment, query: SuppressionQuery, before: UUID, rows: int
) -> list[UUID]:
    """The ids of the next ones before an id, `rows` at most, newest first. Raises BadInput."""
    page = PAGE if query.search is None else FOUND
    return [row["id"] for row in await fetch(page, **query.parameters(deployment), before=before, rows=rows)]


async def count(fetch: Fetcher, deployment: Deployment, query: SuppressionQuery) -> Count:
    """How many there are: one by one up to MAX_COUNTED, AT_LEAST so many beyond that. Raises BadInput."""
    counting = COUNT if query.search is None else COUNT_FOUND
    [row] = await fetch(counting, **query.parameters(deployment), most=MAX_COUNTED + 1)
    return Count.up_to(MAX_COUNTED, row["found"])


async def export_ids(fetch: Fetcher, deployment: Deployment, query: SuppressionQuery) -> AsyncIterator[Sequence[UUID]]:
    """All of them, a batch at a time."""
    before = BEFORE_EVERYTHING
    while ids := await read_page(fetch, deployment, query, before, EXPORTED_AT_ONCE):
        yield ids
        before = ids[-1]
