"""The list of campaigns."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any

import strawberry

from gateway.campaigns.counts import Count, CountPrecision
from gateway.mail.campaign import CampaignKind, CampaignStatus
from service.database import statement
from service.errors import BadInput
from service.graph.campaign import Campaign
from service.graph.connection import After, First, read_window
from service.graph.context import Context, Info
from service.graph.counting import CountedConnection
from service.graph.loaders import existing_rows

CAMPAIGNS_PAGE = statement("campaigns_page")
COUNT_CAMPAIGNS = statement("count_campaigns")
MAX_COUNTED = 10_000
"""Campaigns counted one by one: more than a firm makes in many years."""
LONGEST_SEARCH = 255
"""Characters: as many as a title has."""


@strawberry.input(description="Which campaigns to list.")
class CampaignFilter:
    """Its fields are ANDed."""

    statuses: list[CampaignStatus] | None = strawberry.field(default=None, description="Only in these states.")
    kind: CampaignKind | None = strawberry.field(default=None, description="Only of this kind.")
    archived: bool = strawberry.field(default=False, description="Archived ones instead of the others.")


FilterArgument = Annotated[
    CampaignFilter | None,
    strawberry.argument(description="Which campaigns; all that are not archived when omitted."),
]
SearchArgument = Annotated[str | None, strawberry.argument(description="Part of a title.")]


async def list_campaigns(
    info: Info, given: CampaignFilter | None, search: str | None, first: First, after: After
) -> CountedConnection[Campaign]:
    """Newest first. Raises BadInput."""
    window, context, wanted = read_window(first, after), info.context, given or CampaignFilter()
    if search is not None and len(search) > LONGEST_SEARCH:
        raise BadInput("search", f"is at most {LONGEST_SEARCH} characters")
    sought: dict[str, Any] = {
        "archived": wanted.archived,
        "statuses": None if wanted.statuses is None else [status.value for status in wanted.statuses],
        "kind": wanted.kind,
        "pattern": None if search is None else "%" + re.sub(r"([\\%_])", r"\\\1", search.strip()) + "%",
    }
    rows = await context.reading.fetch(CAMPAIGNS_PAGE, before=window.before, rows=window.rows, **sought)
    keys = [row["id"] for row in rows]
    campaigns = await existing_rows(context.loaders.campaigns, keys[: window.first])
    page = window.connect([Campaign.of(row) for row in campaigns], [key.hex for key in keys])
    return CountedConnection.counted(page, partial(_count, context, sought))


async def _count(context: Context, sought: dict[str, Any]) -> Count:
    [row] = await context.reading.fetch(COUNT_CAMPAIGNS, most=MAX_COUNTED, **sought)
    precision = CountPrecision.EXACT if row["campaigns"] < MAX_COUNTED else CountPrecision.AT_LEAST
    return Count(value=row["campaigns"], precision=precision)
