"""What a campaign or mailing came to: its progress, its timeline, its most clicked links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any

import strawberry

from gateway.mail.campaign import LeftOutReason
from service.database import statement
from service.graph.context import Context
from service.graph.row import FromRow
from service.graph.time_range import TimeRangeInput

TIMELINE = statement("timeline_of_mailings")
LINKS = statement("links_of_mailings")

MAX_MOMENTS = 500
"""Buckets of one timeline: more than a chart shows; `within` goes on behind the last."""
MAX_LINKS = 100
"""Links shown: the most clicked; a mail for people has few."""


@strawberry.enum(description="How long a span is.")
class TimeBucket(Enum):
    """Values are PostgreSQL's units."""

    MINUTE = strawberry.enum_value("minute", description="A minute.")
    HOUR = strawberry.enum_value("hour", description="An hour.")
    DAY = strawberry.enum_value("day", description="A day in UTC.")


BucketArgument = Annotated[TimeBucket, strawberry.argument(description="How long a bucket is.")]
WithinArgument = Annotated[TimeRangeInput | None, strawberry.argument(description="Only in this span.")]


@strawberry.type(description="Recipients left out for one reason.")
class LeftOutCount:
    """One count."""

    reason: LeftOutReason = strawberry.field(description="Why.")
    recipients: int = strawberry.field(description="How many.")


@strawberry.type(
    description="How far a campaign or mailing is: its recipients by what became of them. At every moment `total` is "
    "accepted + refused + bounced + uncertain + held + expired + cancelled + leftOut + queued + onTheWire."
)
class CampaignProgress(FromRow):
    """Over a row of `progress_of_campaigns` or `progress_of_mailings`."""

    total: int = strawberry.field(
        description="The audience as frozen, those left out among them; before that, the customers named one by one; "
        "of event-based campaigns, the events so far."
    )
    made: int = strawberry.field(description="Recipients for whom a message was made.")
    queued: int = strawberry.field(description="Not sent yet, made or not.")
    on_the_wire: int = strawberry.field(description="Handed to a server this moment.")
    accepted: int = strawberry.field(description="Taken by the server, without those that came back.")
    refused: int = strawberry.field(description="Refused for good.")
    bounced: int = strawberry.field(description="Accepted first, then they came back.")
    uncertain: int = strawberry.field(description="Nobody knows whether the server took them.")
    held: int = strawberry.field(description="Held back.")
    expired: int = strawberry.field(description="Past their deadline.")
    cancelled: int = strawberry.field(description="Called back.")
    left_out: int = strawberry.field(description="Not mailed at all.")
    opened: int = strawberry.field(
        description="Recipients that a person of theirs opened, as far as is known; a click says so, too."
    )
    opened_unsure: int = strawberry.field(
        description="Recipients of whom an open is known that may be a machine's: with `opened` the range of real "
        "opens."
    )
    clicked: int = strawberry.field(description="Recipients that a person of theirs clicked in.")
    machine_only: int = strawberry.field(description="Recipients that only machines opened or clicked in.")
    unsubscribed: int = strawberry.field(description="Recipients that opted out by it.")
    complained: int = strawberry.field(description="Recipients that reported it as spam.")
    replied: int = strawberry.field(description="Recipients that answered it; automatic answers are none.")
    per_minute: float = strawberry.field(description="Decided a minute, over the last five.")

    @strawberry.field(description="Not decided yet, made or not: queued or on the wire.")
    def waiting(self) -> int:
        """Both."""
        return int(self.row["queued"] + self.row["on_the_wire"])

    @strawberry.field(description="The same by reason, of which there are any.")
    def left_out_by(self) -> list[LeftOutCount]:
        """In the order of the enum."""
        counts = [(reason, int(self.row[f"left_out_{reason.value.lower()}"])) for reason in LeftOutReason]
        return [LeftOutCount(reason=reason, recipients=count) for reason, count in counts if count]

    @strawberry.field(
        description="Left out because they chose so; no message was made.",
        deprecation_reason="leftOutBy names every reason.",
    )
    def opted_out(self) -> int:
        """One of the reasons."""
        return int(self.row["left_out_opted_out"])

    @strawberry.field(
        description="When it will be through at this pace; null unless it is under way, nothing of it waits for its "
        "time, and something was decided of late."
    )
    def estimated_end_at(self) -> datetime | None:
        """Not before the last recipient is due."""
        row, waiting = self.row, self.waiting()
        if not row["is_paced"] or row["per_minute"] <= 0 or waiting <= 0:
            return None
        end: datetime = row["at"] + timedelta(minutes=waiting / row["per_minute"])
        return end if row["last_due_at"] is None else max(end, row["last_due_at"])


@strawberry.type(description="One link of a campaign.")
class CampaignLink(FromRow):
    """Over rows of mailing_link with one address."""

    url: str = strawberry.field(description="Where it leads; a field in it stands as its name in braces.")
    clicks: int = strawberry.field(description="How often it was followed, machines left out.")
    people: int = strawberry.field(description="By how many recipients.")


@strawberry.type(
    description="What happened in one span of time. Retries, and what is known better later, take back what was "
    "counted: then a number is below zero, and all of them still add up to the progress."
)
class CampaignMoment(FromRow):
    """Over differences of samples."""

    starts_at: datetime = strawberry.field(description="The span's beginning.")
    accepted: int = strawberry.field(description="Accepted, those that came back later among them.")
    refused: int = strawberry.field(description="Refused.")
    bounced: int = strawberry.field(description="Came back.")
    opened: int = strawberry.field(description="First opens by people.")
    clicked: int = strawberry.field(description="First clicks by people.")
    unsubscribed: int = strawberry.field(description="Opted out.")


async def read_links(context: Context, mailing_ids: Sequence[int]) -> list[CampaignLink]:
    """The most clicked links of these mailings."""
    rows = await context.reading.fetch(LINKS, mailing_ids=list(mailing_ids), limit=MAX_LINKS)
    return [CampaignLink.of(row) for row in rows]


async def read_timeline(
    context: Context, mailing_ids: Sequence[int], bucket: TimeBucket, within: TimeRangeInput | None
) -> list[CampaignMoment]:
    """What happened to these mailings, in buckets that hold something."""
    span: dict[str, Any] = {"since": within.since, "until": within.until} if within else {"since": None, "until": None}
    rows = await context.reading.fetch(
        TIMELINE, mailing_ids=list(mailing_ids), unit=bucket.value, limit=MAX_MOMENTS, **span
    )
    return [CampaignMoment.of(row) for row in rows]
