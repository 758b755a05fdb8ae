"""Figures of mail over time, from the rollups that the gateway keeps behind the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry
from asyncpg import Record
from strawberry.types.nodes import SelectedField, Selection

from gateway.mail.field_checks import time_zones
from gateway.mail.source import SourceType
from gateway.mail.time_buckets import seconds_of
from gateway.mail.verdict import Cause
from gateway.value import value
from service.database import statement
from service.errors import BadInput
from service.graph.campaign import Campaign
from service.graph.context import Info
from service.graph.domain_name import read_domain
from service.graph.loaders import existing_row
from service.graph.node import read_typed_id
from service.graph.row import FromRow
from service.graph.scalars import BigInt, write_instant
from service.graph.sender import Sender
from service.graph.statistics_spans import (
    DAY,
    HOUR,
    Span,
    day_spans,
    hour_spans,
    is_utc,
    total_spans,
    whole_days,
    whole_hours,
)

BY_MAIL = statement("statistics_of_mail")
AS_KEPT = statement("statistics_of_all_mail")
BY_DOMAIN = statement("statistics_of_domains")
CAMPAIGNS = statement("known_campaigns")
SENDERS = statement("known_senders")

MAX_ROWS = 1_000
"""More than a chart or a table shows: three years of days, six weeks of hours."""
MAX_DOMAINS = 500
"""Domains told apart: the others get a mail here and there."""
MAX_VALUES = 100
"""Values of one list of a filter."""
MAX_FAULTS = 20
"""Faults that one message tells."""


@strawberry.enum(description="By what figures are told apart.")
class StatisticsGroup(Enum):
    """Values are the words of messages."""

    DAY = strawberry.enum_value("days", description="By day.")
    HOUR = strawberry.enum_value("hours", description="By hour.")
    CAUSE = strawberry.enum_value("causes", description="By cause of failure.")
    DOMAIN = strawberry.enum_value(
        "domains", description=f"By the receivers' domain: the {MAX_DOMAINS} with most mail; days are those of UTC."
    )
    SOURCE_TYPE = strawberry.enum_value("source types", description="By source type.")
    RELAY = strawberry.enum_value("relays", description="By the relay of the last attempt.")
    CAMPAIGN = strawberry.enum_value("campaigns", description="By campaign.")
    SENDER = strawberry.enum_value("senders", description="By sender.")


TIMES = (StatisticsGroup.DAY, StatisticsGroup.HOUR)
_MAIL = {StatisticsGroup.CAUSE, StatisticsGroup.SOURCE_TYPE, StatisticsGroup.RELAY, StatisticsGroup.SENDER}
_DOMAIN = {StatisticsGroup.CAUSE, StatisticsGroup.DOMAIN}
_CAMPAIGN = {StatisticsGroup.CAUSE, StatisticsGroup.CAMPAIGN}
WHAT_GOES_TOGETHER = (
    "source types, causes, relays and senders go together, by day or hour; domains and causes, by day; "
    "campaigns and causes, by day or hour"
)
_ROLLUP_OF_ONE = {
    StatisticsGroup.SOURCE_TYPE: "source",
    StatisticsGroup.CAUSE: "cause",
    StatisticsGroup.RELAY: "relay",
    StatisticsGroup.SENDER: "sender",
}


@strawberry.input(
    description=f"Which mail to count. What is given is ANDed; in a list, either suffices; a list holds {MAX_VALUES} "
    "values at most. Filter and groups together must be of one kind: " + WHAT_GOES_TOGETHER + "."
)
class StatisticsFilter:
    """Only what the rollups are kept by. Omitted or null does not filter; an empty list finds nothing."""

    source_types: list[SourceType] | None = strawberry.field(default=None, description="Of these source types.")
    campaign_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these Campaigns.")
    sender_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Sent as these Senders.")
    relays: list[str] | None = strawberry.field(default=None, description="By these relays.")
    domains: list[str] | None = strawberry.field(default=None, description="To or from addresses of these domains.")


@strawberry.type(description="Figures of one group. Of the group fields those are set that were asked for.")
class StatisticsRow(FromRow):
    """Over a row of `statistics_of_mail` or `statistics_of_domains`."""

    starts_at: datetime | None = strawberry.field(description="The day's or hour's beginning.")
    cause: Cause | None = strawberry.field(description="The cause; null, too, for mail that did not fail.")
    domain: str | None = strawberry.field(description="The domain; null, too, for mail whose address is not known.")
    source_type: SourceType | None = strawberry.field(
        description="The source type; received mail counts as what it answers, and null, too, when it answers nothing."
    )
    relay: str | None = strawberry.field(description="The relay; null, too, for mail that no relay was tried with.")
    sent: BigInt = strawberry.field(
        description="Messages put on their way; campaign mail from its first answer on: what waits for that is not "
        "counted yet."
    )
    accepted: BigInt = strawberry.field(
        description="Messages that a server took, those that came back later among them; copies are not counted."
    )
    deferred: BigInt = strawberry.field(description="Attempts that were put off.")
    refused: BigInt = strawberry.field(description="Messages refused for good.")
    bounced: BigInt = strawberry.field(description="Messages that came back.")
    complained: BigInt = strawberry.field(description="Messages reported as spam.")
    opened: BigInt = strawberry.field(description="Messages opened by a person, as far as is known.")
    clicked: BigInt = strawberry.field(description="Messages clicked in by a person.")
    received: BigInt = strawberry.field(description="Messages received.")

    @strawberry.field(description="The campaign; null, too, for individual mail.")
    async def campaign(self, info: Info) -> Campaign | None:
        """One statement for all rows."""
        key = self.row["campaign_id"]
        return Campaign.of(await existing_row(info.context.loaders.campaigns, key)) if key else None

    @strawberry.field(description="The sender; null, too, for received mail.")
    async def sender(self, info: Info) -> Sender | None:
        """One statement for all rows."""
        key = self.row["sender_id"]
        return Sender.of(await existing_row(info.context.loaders.senders, key)) if key else None

    @strawberry.field(
        description="Half were taken within so many seconds of when they were put on their way, within 5 %; null when "
        "none was."
    )
    def median_seconds(self) -> float | None:
        """The middle of its bucket."""
        return self._seconds(0)

    @strawberry.field(description="95 of 100 were taken within so many seconds, within 5 %; null when none was.")
    def p95_seconds(self) -> float | None:
        """The middle of its bucket."""
        return self._seconds(1)

    def _seconds(self, place: int) -> float | None:
        buckets = self.row["percentiles"]
        return None if buckets is None or buckets[place] is None else seconds_of(buckets[place])


SinceArgument = Annotated[datetime, strawberry.argument(description="From this moment on.")]
UntilArgument = Annotated[
    datetime,
    strawberry.argument(
        description="Before this moment. Both are widened to the whole hours (UTC) in which they lie, of domains to "
        f"whole days (UTC); at most {MAX_ROWS:,} rows come."
    ),
]
GroupByArgument = Annotated[
    list[StatisticsGroup], strawberry.argument(description="One of these, or DAY or HOUR with one other.")
]
FilterArgument = Annotated[StatisticsFilter | None, strawberry.argument(description="Which mail; all when omitted.")]
TimeZoneArgument = Annotated[
    str,
    strawberry.argument(
        description="In which days are counted (IANA). Of a zone whose days do not begin with an hour of UTC, an hour "
        "belongs to the day in which its middle lies. Domains are kept by days in UTC only."
    ),
]


@value
class _Question:
    """A question that can be asked, its names as the rollups have them."""

    by: frozenset[StatisticsGroup]
    filtered: frozenset[StatisticsGroup]
    since: datetime
    until: datetime
    zone: ZoneInfo
    source_types: tuple[str, ...] | None
    campaign_ids: tuple[Any, ...] | None
    senders: tuple[str, ...] | None
    relays: tuple[str, ...] | None
    domains: tuple[str, ...] | None
    timed: bool

    @property
    def told_apart(self) -> frozenset[StatisticsGroup]:
        """What a rollup must have for it, time aside."""
        return (self.by | self.filtered) - set(TIMES)

    @property
    def by_time(self) -> StatisticsGroup | None:
        """DAY or HOUR."""
        return next((one for one in TIMES if one in self.by), None)


async def read_statistics(
    info: Info,
    since: datetime,
    until: datetime,
    group_by: Sequence[StatisticsGroup],
    filter: StatisticsFilter | None,
    time_zone: str,
) -> list[StatisticsRow]:
    """The figures, by time and then the largest group first. Raises BadInput."""
    asked = _read_question(since, until, group_by, filter or StatisticsFilter(), time_zone, _is_timed(info))
    await _check_known(info, asked)
    rows = await (_read_domains(info, asked) if StatisticsGroup.DOMAIN in asked.told_apart else _read_mail(info, asked))
    if len(rows) > MAX_ROWS:
        raise BadInput("until", _too_many(rows, asked))
    return [StatisticsRow.of(row) for row in rows]


async def _check_known(info: Info, asked: _Question) -> None:
    """Refuse campaigns and senders that there are not: their figures would be empty, and look like theirs. Raises
    BadInput."""
    faults = []
    if asked.campaign_ids:
        there = {row["id"] for row in await info.context.reading.fetch(CAMPAIGNS, campaign_ids=asked.campaign_ids)}
        faults += [f"there is no Campaign_{one.hex}" for one in asked.campaign_ids if one not in there]
    if asked.senders:
        ids = [UUID(one) for one in asked.senders]
        there = {row["id"] for row in await info.context.reading.fetch(SENDERS, sender_ids=ids)}
        faults += [f"there is no Sender_{one.hex}" for one in ids if one not in there]
    if faults:
        raise BadInput("filter", "; ".join(faults[:MAX_FAULTS]))


def _is_timed(info: Info) -> bool:
    """Whether times were asked for: adding them up costs more than the counts."""

    def fields(selections: Iterable[Selection]) -> Iterable[str]:
        for one in selections:
            if isinstance(one, SelectedField):
                yield one.name
            yield from fields(one.selections)

    return not {"medianSeconds", "p95Seconds"}.isdisjoint(fields(info.selected_fields))


# What was asked -----------------------------------------------------------------------------------------------------


def _read_question(
    since: datetime,
    until: datetime,
    group_by: Sequence[StatisticsGroup],
    filter: StatisticsFilter,
    time_zone: str,
    timed: bool,
) -> _Question:
    """Raises BadInput."""
    if since >= until:
        raise BadInput("since", "must be before `until`")
    if time_zone not in time_zones():
        raise BadInput("timeZone", "is not a time zone of the IANA database, such as Europe/Berlin")
    values = _FilterReader().read(filter)
    asked = _Question(
        by=frozenset(group_by),
        filtered=frozenset(_FILTERED[name] for name, found in values.items() if found is not None),
        since=since,
        until=until,
        zone=ZoneInfo(time_zone),
        timed=timed,
        **values,
    )
    _check_groups(group_by, asked)
    return asked


def _check_groups(group_by: Sequence[StatisticsGroup], asked: _Question) -> None:
    """Refuse what no rollup answers. Raises BadInput."""
    times = [one for one in group_by if one in TIMES]
    others = [one for one in group_by if one not in TIMES]
    if len(asked.by) != len(group_by) or len(times) > 1 or len(others) > 1 or not group_by:
        raise BadInput("groupBy", "takes one of its values, or DAY or HOUR with one other")
    kinds = asked.told_apart
    if not (kinds <= _MAIL or kinds <= _DOMAIN or kinds <= _CAMPAIGN):
        words = ", ".join(sorted(str(one.value) for one in kinds))
        raise BadInput("groupBy", f"{words} are not kept together, filter included: {WHAT_GOES_TOGETHER}")
    if StatisticsGroup.DOMAIN not in kinds:
        return
    if StatisticsGroup.HOUR in asked.by:
        raise BadInput("groupBy", f"domains are not kept by hour: {WHAT_GOES_TOGETHER}")
    if StatisticsGroup.DAY in asked.by and not is_utc(asked.zone):
        raise BadInput("timeZone", "domains are kept by days in UTC: leave the time zone out, or ask without DAY")


_FILTERED = {
    "source_types": StatisticsGroup.SOURCE_TYPE,
    "campaign_ids": StatisticsGroup.CAMPAIGN,
    "senders": StatisticsGroup.SENDER,
    "relays": StatisticsGroup.RELAY,
    "domains": StatisticsGroup.DOMAIN,
}
"""What each filter needs a rollup to tell apart."""
_Given = TypeVar("_Given")
_Read = TypeVar("_Read")


class _FilterReader:
    """Reads a filter's lists, and gathers what is wrong with them."""

    def __init__(self) -> None:
        self._faults: list[str] = []

    def read(self, filter: StatisticsFilter) -> dict[str, Any]:
        """The lists as the statements take them. Raises BadInput with all faults."""
        values = {
            "source_types": self._list("sourceTypes", filter.source_types, lambda one: one.value, "a source type"),
            "campaign_ids": self._list("campaignIds", filter.campaign_ids, _row_of("Campaign"), "a Campaign's id"),
            "senders": self._list("senderIds", filter.sender_ids, _sender, "a Sender's id"),
            "relays": self._list("relays", filter.relays, lambda one: one, "a relay"),
            "domains": self._list("domains", filter.domains, read_domain, "a domain"),
        }
        if self._faults:
            raise BadInput("filter", "; ".join(self._faults))
        return values

    def _list(
        self, name: str, given: Sequence[_Given] | None, read: Callable[[_Given], _Read | None], what: str
    ) -> tuple[_Read, ...] | None:
        if given is None:
            return None
        if len(given) > MAX_VALUES:
            self._faults.append(f"{name}: at most {MAX_VALUES} values")
            return ()
        found = [read(one) for one in given]
        wrong = [place for place, one in enumerate(found) if one is None]
        if wrong:
            self._faults.append(f"{name}[{wrong[0]}] is not {what}")
        return tuple(dict.fromkeys(one for one in found if one is not None))


def _row_of(kind: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        found = read_typed_id(text, kind)
        return found.row_id if found else None

    return read


def _sender(text: str) -> str | None:
    """As rollups name it."""
    found = _row_of("Sender")(text)
    return str(found) if found else None


# The rows -----------------------------------------------------------------------------------------------------------


async def _read_mail(info: Info, asked: _Question) -> list[Record]:
    """Raises BadInput."""
    spans = _spans(asked)
    if asked.told_apart or asked.by_time is None:
        return await _add_up(info, asked, spans)
    rows = await _read_as_kept(info, asked, [span for span in spans if span.label is None])
    if parts := [span for span in spans if span.label is not None]:
        rows += await _add_up(info, asked, parts)
    return sorted(rows, key=lambda row: row["starts_at"])


async def _read_as_kept(info: Info, asked: _Question, spans: list[Span]) -> list[Record]:
    """Days or hours of all mail: where a time zone's days are those of UTC for some of the year, a few spans."""
    return [
        row
        for span in spans
        for row in await info.context.reading.fetch(
            AS_KEPT, span=span.length, since=span.since, until=span.until, timed=asked.timed, rows=MAX_ROWS + 1
        )
    ]


async def _add_up(info: Info, asked: _Question, spans: list[Span]) -> list[Record]:
    """Groups whose figures are those of several rows."""
    by = asked.by
    return await info.context.reading.fetch(
        BY_MAIL,
        rollups=[_rollup(asked, span) for span in spans],
        spans=[span.length for span in spans],
        labels=[span.label for span in spans],
        froms=[span.since for span in spans],
        untils=[span.until for span in spans],
        by_time=asked.by_time is not None,
        by_source=StatisticsGroup.SOURCE_TYPE in by,
        by_cause=StatisticsGroup.CAUSE in by,
        by_relay=StatisticsGroup.RELAY in by,
        by_sender=StatisticsGroup.SENDER in by,
        by_campaign=StatisticsGroup.CAMPAIGN in by,
        source_types=asked.source_types,
        campaign_ids=asked.campaign_ids,
        relays=asked.relays,
        senders=asked.senders,
        timed=asked.timed,
        rows=MAX_ROWS + 1,
    )


def _spans(asked: _Question) -> list[Span]:
    """Raises BadInput when there are more days or hours than rows."""
    since, until = whole_hours(asked.since, asked.until)
    if since >= until:
        return []
    match asked.by_time:
        case StatisticsGroup.HOUR:
            if until - since > MAX_ROWS * HOUR:
                raise BadInput("until", f"more than {MAX_ROWS:,} hours: {_fits(since + MAX_ROWS * HOUR)}")
            return hour_spans(since, until)
        case StatisticsGroup.DAY:
            if until - since > MAX_ROWS * DAY:
                raise BadInput("until", f"more than {MAX_ROWS:,} days: {_fits(since + (MAX_ROWS - 1) * DAY)}")
            return day_spans(since, until, asked.zone)
    return total_spans(since, until)


def _rollup(asked: _Question, span: Span) -> str:
    """The smallest that has what is told apart, of rows of this length."""
    kinds = asked.told_apart
    if StatisticsGroup.CAMPAIGN in kinds:
        return "campaign"
    if not kinds:
        return "all"
    if len(kinds) > 1 or span.length == "hour":
        return "mail"
    [only] = kinds
    return _ROLLUP_OF_ONE[only]


async def _read_domains(info: Info, asked: _Question) -> list[Record]:
    since, until = whole_days(asked.since, asked.until)
    return await info.context.reading.fetch(
        BY_DOMAIN,
        since=since,
        until=until,
        by_time=asked.by_time is not None,
        by_domain=StatisticsGroup.DOMAIN in asked.by,
        by_cause=StatisticsGroup.CAUSE in asked.by,
        names=asked.domains,
        domains=MAX_DOMAINS,
        timed=asked.timed,
        rows=MAX_ROWS + 1,
    )


def _too_many(rows: Sequence[Record], asked: _Question) -> str:
    """The rows are those of the earliest times."""
    begun = rows[-1]["starts_at"]
    if asked.by_time is None:
        return f"more than {MAX_ROWS:,} rows: ask for a shorter span, or with a filter"
    if begun <= rows[0]["starts_at"]:
        return f"more than {MAX_ROWS:,} rows of one day or hour: ask with a filter"
    return f"more than {MAX_ROWS:,} rows: {_fits(begun)}"


def _fits(until: datetime) -> str:
    return f"`until` {write_instant(until)} would fit"
