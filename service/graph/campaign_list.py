"""The list of campaigns."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.campaigns.counts import Count, CountPrecision
from gateway.mail.campaign import CampaignKind, CampaignStatus
from service.database import statement
from service.graph.campaign import Campaign
from service.graph.connection import After, First, read_window
from service.graph.context import Info
from service.graph.counting import CountableConnection
from service.graph.loaders import existing_rows
from service.graph.node import asked_numbers
from service.graph.search_patterns import read_part

CAMPAIGNS_PAGE = statement("campaigns_page")
COUNT_CAMPAIGNS = statement("count_campaigns")

MAX_LISTS = 100
"""Lists that a filter names: as many as a page has."""


@strawberry.input(description="Which campaigns to list.")
class CampaignFilter:
    """Its fields are ANDed."""

    statuses: list[CampaignStatus] | None = strawberry.field(default=None, description="Only in these states.")
    kind: CampaignKind | None = strawberry.field(default=None, description="Only of this kind.")
    list_ids: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description=f"Only those that are for one of these lists, or leave its members out: at most {MAX_LISTS}.",
    )
    archived: bool = strawberry.field(default=False, description="Archived ones instead of the others.")


FilterArgument = Annotated[
    CampaignFilter | None,
    strawberry.argument(description="Which campaigns; all that are not archived when omitted."),
]
SearchArgument = Annotated[str | None, strawberry.argument(description="Part of a title.")]


async def list_campaigns(
    info: Info, given: CampaignFilter | None, search: str | None, first: First, after: After
) -> CountableConnection[Campaign]:
    """Newest first. Raises BadInput."""
    window, context, wanted = read_window(first, after), info.context, given or CampaignFilter()
    kept = {
        "archived": wanted.archived,
        "statuses": None if wanted.statuses is None else [status.value for status in wanted.statuses],
        "kind": wanted.kind,
        "list_ids": asked_numbers(wanted.list_ids, "CustomerList", "filter", "listIds", most=MAX_LISTS),
        "pattern": read_part(search),
    }

    async def count() -> Count:
        [found] = await context.reading.fetch(COUNT_CAMPAIGNS, **kept)
        return Count(value=found["campaigns"], precision=CountPrecision.EXACT)

    rows = await context.reading.fetch(CAMPAIGNS_PAGE, before=window.before, rows=window.rows, **kept)
    keys = [row["id"] for row in rows]
    campaigns = await existing_rows(context.loaders.campaigns, keys[: window.first])
    page = window.connect([Campaign.of(row) for row in campaigns], [key.hex for key in keys])
    return CountableConnection.countable(page, count)
