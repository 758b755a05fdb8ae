"""What mutations of campaigns take of their mailings and ids.

An id that is none of ours becomes one that nothing has: so the gateway says of it what it says of any unknown one,
beside all else that is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from gateway.campaigns.mailings import MailingOrder
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.campaigns.schedule_orders import OffsetOrder, ScheduleOrder
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from service.graph.node import read_typed_id
from service.graph.scalars import Json

NOTHING = UUID(int=0)
"""No row has it."""


@strawberry.input(description="How long after.")
class OffsetInput:
    """Days and minutes are added."""

    days: int = strawberry.field(default=0, description="Whole days.")
    minutes: int = strawberry.field(default=0, description="Minutes beside the days.")
    local_time: str | None = strawberry.field(
        default=None, description="Not before this time of the customer's day: 09:00."
    )


@strawberry.input(one_of=True, description="When a mailing goes: exactly one.")
class ScheduleInput:
    """Omitted fields are UNSET."""

    at: datetime | None = strawberry.field(default=strawberry.UNSET, description="At this moment, for everybody.")
    at_local_time: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="At this local time in each customer's own time zone, without offset: 2026-12-01T09:00.",
    )
    after: OffsetInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="So long after the launch; of an event-based campaign, after the event.",
    )


@strawberry.input(description="One mailing of a campaign.")
class MailingInput:
    """Its version is pinned when it is written."""

    template_id: strawberry.ID = strawberry.field(description="A Template's id.")
    template_version: int | None = strawberry.field(
        default=None, description="Its version; the newest when omitted. Pinned from then on."
    )
    subject: str | None = strawberry.field(
        default=None,
        description="A subject of its own, which may show the template's {{ fields }}; the template's when omitted.",
    )
    schedule: ScheduleInput | None = strawberry.field(
        default=None, description="When it goes; at the launch, or the event, when omitted."
    )
    not_opened_mailing_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only those of whom it is not known that they opened this Mailing of the campaign's."
    )


@strawberry.input(description="One customer of a campaign's audience.")
class CampaignRecipientInput:
    """At most one a customer."""

    customer_id: strawberry.ID = strawberry.field(description="A Customer's id.")
    address: str | None = strawberry.field(
        default=None, description="One of the customer's addresses; the primary when omitted."
    )
    merge_data: Json | None = strawberry.field(
        default=None,
        description="An object of values for this recipient; they go before the campaign's. Texts are mailed as they "
        "are; a number loses the zeros at its end (1.10 becomes 1.1), so send prices as texts; null is no value.",
    )


def read_mailing(given: MailingInput) -> MailingOrder:
    """The order of one mailing."""
    not_opened = given.not_opened_mailing_id
    return MailingOrder(
        template_id=row_or_nothing(given.template_id, "Template"),
        template_version=given.template_version,
        subject=given.subject,
        schedule=_read_schedule(given.schedule),
        not_opened_mailing_id=None if not_opened is None else number_or_nothing(not_opened, "Mailing", 0),
    )


def _read_schedule(given: ScheduleInput | None) -> ScheduleOrder:
    if given is None:
        return ScheduleOrder()
    after = given.after or None
    return ScheduleOrder(
        at=given.at or None,
        at_local_time=given.at_local_time or None,
        after=None
        if after is None
        else OffsetOrder(days=after.days, minutes=after.minutes, local_time=after.local_time),
    )


def read_recipients(given: Sequence[CampaignRecipientInput], path: str) -> tuple[CampaignRecipient, ...]:
    """The orders of customers named one by one. Raises Refusal or Refusals where merge data are no object."""
    found = RefusalCollector()
    read = []
    for place, one in enumerate(given):
        with found.check():
            read.append(
                CampaignRecipient(
                    customer_id=customer_or_nothing(one.customer_id, place),
                    address=one.address,
                    merge_data=read_object(one.merge_data, (path, str(place), "mergeData")),
                )
            )
    found.raise_any()
    return tuple(read)


def read_lists(given: Sequence[str] | None) -> tuple[int, ...]:
    """The numbers of lists."""
    return tuple(number_or_nothing(text, "CustomerList", place) for place, text in enumerate(given or ()))


def read_object(value: object, path: tuple[str, ...]) -> dict[str, Any]:
    """An object of names and values; none is empty. Raises Refusal."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(RefusalCode.INVALID, "An object of names and values.", path)
    return value


def row_or_nothing(text: str, kind: str) -> UUID:
    """The row of an id of this type, or one that nothing has."""
    found = read_typed_id(text, kind)
    return NOTHING if found is None or found.row_id is None else found.row_id


def number_or_nothing(text: str, kind: str, place: int) -> int:
    """The number of an id of this type, or one that nothing has: another one at each place."""
    found = read_typed_id(text, kind)
    return -1 - place if found is None or found.number is None else found.number


def customer_or_nothing(text: str, place: int) -> int:
    """The same of a customer."""
    found = read_typed_id(text, "Customer")
    return -1 - place if found is None or found.customer_id is None else found.customer_id
