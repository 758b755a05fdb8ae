"""Which recipients of a campaign a client asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from gateway.mail.campaign import LeftOutReason
from gateway.mail.message import Status
from gateway.mail.verdict import Cause
from service.errors import BadInput
from service.graph.node import asked_id
from service.graph.recipient_pages import RecipientQuery


@strawberry.input(description="Which recipients to list.")
class CampaignRecipientFilter:
    """Omitted or null does not filter."""

    statuses: list[Status] | None = strawberry.field(default=None, description="In these states.")
    causes: list[Cause] | None = strawberry.field(default=None, description="For these causes.")
    left_out: list[LeftOutReason] | None = strawberry.field(
        default=None, description="Left out for these reasons; with `statuses`, either suffices."
    )
    opened: bool | None = strawberry.field(default=None, description="Opened by a person, or not known to be.")
    clicked: bool | None = strawberry.field(default=None, description="Clicked in by a person, or not.")
    mailing_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these Mailings.")


FilterArgument = Annotated[CampaignRecipientFilter | None, strawberry.argument(description="Which; all when omitted.")]


def read_query(
    mailing_ids: Sequence[int], filter: CampaignRecipientFilter | None, search: str | None
) -> RecipientQuery:
    """What a filter and a search mean of these mailings. Raises BadInput."""
    if filter is None:
        return RecipientQuery(mailing_ids=tuple(mailing_ids), search=search)
    if filter.mailing_ids is not None:
        wanted = {read_mailing_id(text, "filter.mailingIds") for text in filter.mailing_ids}
        mailing_ids = [one for one in mailing_ids if one in wanted]
    return RecipientQuery(
        mailing_ids=tuple(mailing_ids),
        statuses=None if filter.statuses is None else tuple(filter.statuses),
        causes=None if filter.causes is None else tuple(filter.causes),
        left_out=None if filter.left_out is None else tuple(filter.left_out),
        opened=filter.opened,
        clicked=filter.clicked,
        search=search,
    )


def read_mailing_id(text: str, argument: str) -> int:
    """The number of a Mailing's id. Raises BadInput."""
    number = asked_id(text, "Mailing", argument).number
    if number is None:
        raise BadInput(argument, "is not the id of a Mailing")
    return number
