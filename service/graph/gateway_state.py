"""The gateway as it is now: what waits, at which rate it goes, what is paused and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Annotated

import strawberry

from gateway.errors import Refusal, RefusalCode
from gateway.mail.response import Stage
from gateway.outbox import domain_limits, gateway_history, lanes, relay_limits
from gateway.outbox.gateway_history import GatewaySpan
from service.database import Connection
from service.graph.context import Info
from service.graph.cost import Cost
from service.graph.gateway_history import GatewayMoment, LastArgument
from service.graph.intent import Input
from service.graph.node import row_global_id
from service.graph.row import FromValue
from service.graph.user_error import UserError

DOMAIN_RATE = "Attempts a second over the last one to two minutes; of each worker's 500 busiest domains."
WARM_UP_SINCE = "The beginning of its warm-up's first day (UTC); null for none."
PAUSED_BY = "Who paused it: the name of a token or person; null for the gateway itself."
AfterDomain = Annotated[str | None, strawberry.argument(description="Only domains behind this one.")]


def _campaign_id(root: Lane) -> strawberry.ID | None:
    found = root.value.campaign_id
    return row_global_id("Campaign", found) if found else None


@strawberry.type(description="A queue with a priority of its own; each campaign is one.")
class Lane(FromValue[lanes.LaneStanding]):
    """As the gateway knows it."""

    name: str = strawberry.field(description="Its name.")
    campaign_id: strawberry.ID | None = strawberry.field(
        resolver=_campaign_id, description="Whose it is; null for individual mail."
    )
    campaign_title: str | None = strawberry.field(description="Its campaign's title.")
    priority: int = strawberry.field(description="Lower is sooner.")
    paused_at: datetime | None = strawberry.field(description="Since when nothing of it leaves; null when it runs.")
    paused_why: str | None = strawberry.field(description="Why it is paused.")
    depth: int = strawberry.field(description="How many recipients wait, counted up to 10,000.")
    deeper: bool = strawberry.field(description="Whether more wait than were counted.")
    rate: float = strawberry.field(description="Attempts a second over the last one to two minutes.")
    next_due_at: datetime | None = strawberry.field(description="When the first of them is due; null when empty.")
    oldest_seconds: float = strawberry.field(description="For how long the oldest has been due, in seconds.")


@strawberry.type(
    description="Trouble of a relay or a destination, in the server's own words; or what a person ordered, in theirs."
)
class RelayEvent(FromValue[relay_limits.RelayEvent]):
    """As the gateway knows it."""

    occurred_at: datetime = strawberry.field(description="When.")
    actor: str | None = strawberry.field(
        name="by", description="Who ordered it: the name of a token or person; null for trouble."
    )
    kind: relay_limits.RelayEventKind = strawberry.field(description="What happened.")
    relay: str | None = strawberry.field(description="Of which relay; null when for a domain, whatever the relay.")
    domain: str | None = strawberry.field(description="For mail to which domain; null when the relay itself.")
    stage: Stage | None = strawberry.field(description="How far the transaction had come.")
    code: int | None = strawberry.field(description="The reply code, if there was a reply.")
    response: str | None = strawberry.field(description="The words.")
    until: datetime | None = strawberry.field(
        description="Until when it was paused for that; null with a person's pause until it is resumed."
    )


@strawberry.enum(description="Where a relay's limits come from.")
class LimitSource(Enum):
    """One of two."""

    RELAY_URL = strawberry.enum_value("RELAY_URL", description="The setting; so where there are none.")
    PERSON = strawberry.enum_value("PERSON", description="`setRelayLimit`, which stands before the setting.")


def _warm_up_since(root: Relay | Destination) -> datetime | None:
    day = root.value.warm_up_from
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


@strawberry.type(description="A mail server that we hand mail to.")
class Relay(FromValue[relay_limits.RelayStanding]):
    """As the gateway knows it."""

    name: str = strawberry.field(description="Its name.")
    usable: bool = strawberry.field(description="Whether mail may go by it now.")
    paused_until: datetime | None = strawberry.field(
        description="Until when it is left alone; null beside `pausedWhy`: until `resumeRelay`."
    )
    paused_why: str | None = strawberry.field(description="Why it is left alone; null when it is not.")
    paused_by: str | None = strawberry.field(description=PAUSED_BY)
    stopped_at: datetime | None = strawberry.field(description="Since when it waits for a person: `resumeRelay`.")
    stopped_why: str | None = strawberry.field(description="Why it was stopped.")
    seen_at: datetime | None = strawberry.field(description="When it last took a connection.")
    per_minute: float | None = strawberry.field(description="Its limit; null for none of ours.")
    per_day: int | None = strawberry.field(description="Its limit; null for none of ours.")
    cap_today: int | None = strawberry.field(description="Today's limit, by warm-up; null for none.")
    warm_up_start: int | None = strawberry.field(description="Its warm-up's limit on the first day; null for none.")
    warm_up_factor: float | None = strawberry.field(description="By how much its warm-up's limit grows a day.")
    warm_up_since: datetime | None = strawberry.field(resolver=_warm_up_since, description=WARM_UP_SINCE)
    limited_by: str | None = strawberry.field(description="Who set its limits; null for those of RELAY_URL.")
    limited_at: datetime | None = strawberry.field(description="When that was.")
    waits_until: datetime | None = strawberry.field(description="When it may next be used, if known and not now.")

    @strawberry.field(description="Where its limits come from.")
    def limit_source(self) -> LimitSource:
        """Those of a person stand before the setting's."""
        return LimitSource.RELAY_URL if self.value.limited_by is None else LimitSource.PERSON

    @strawberry.field(description="How many recipients it took since midnight, in the deployment's time zone.")
    async def sent_today(self, info: Info) -> int:
        """One statement for all relays."""
        return await info.context.loaders.accepted_today.load(self.value.name)

    @strawberry.field(description="Its newest troubles and orders, at most 20, newest first.")
    async def events(self, info: Info) -> list[RelayEvent]:
        """One statement for all relays."""
        return [RelayEvent.of(one) for one in await info.context.loaders.relay_events.load(self.value.name)]


@strawberry.type(description="A domain with limits, a pause or a stop.")
class Destination(FromValue[domain_limits.DestinationStanding]):
    """As the gateway knows it."""

    domain: str = strawberry.field(description="The domain.")
    per_minute: float | None = strawberry.field(description="Its limit; null for none.")
    per_day: int | None = strawberry.field(description="Its limit; null for none.")
    connections: int | None = strawberry.field(description="Its limit; null for none.")
    cap_today: int | None = strawberry.field(description="Today's limit, by warm-up; null for none.")
    warm_up_start: int | None = strawberry.field(description="Its warm-up's limit on the first day; null for none.")
    warm_up_factor: float | None = strawberry.field(description="By how much its warm-up's limit grows a day.")
    warm_up_since: datetime | None = strawberry.field(resolver=_warm_up_since, description=WARM_UP_SINCE)
    sent_today: int = strawberry.field(description="How many went there today.")
    rate: float = strawberry.field(description=DOMAIN_RATE)
    next_permit_at: datetime | None = strawberry.field(
        name="nextSlot", description="When the next may go, under its limit."
    )
    paused_until: datetime | None = strawberry.field(
        description="Until when it is left alone; null beside `pausedWhy`: until `resumeDestination`."
    )
    paused_why: str | None = strawberry.field(description="Why it is left alone; null when it is not.")
    paused_by: str | None = strawberry.field(description=PAUSED_BY)
    stopped_at: datetime | None = strawberry.field(description="Since when it waits for a person: `resumeDestination`.")
    stopped_why: str | None = strawberry.field(description="Why it was stopped, with the server's words.")

    @strawberry.field(description="Its newest troubles and orders, by whatever relay, at most 20, newest first.")
    async def events(self, info: Info) -> list[RelayEvent]:
        """One statement for all domains."""
        return [RelayEvent.of(one) for one in await info.context.loaders.destination_events.load(self.value.domain)]


@strawberry.type(description="How much waits for one domain, and how fast it goes.")
class DomainDepth(FromValue[domain_limits.DomainDepth]):
    """As the gateway knows it."""

    domain: str = strawberry.field(description="The domain.")
    depth: int = strawberry.field(description="How many recipients wait, among the first 50,000 of the queue.")
    rate: float = strawberry.field(description=DOMAIN_RATE)
    next_due_at: datetime = strawberry.field(description="When the first of them is due.")
    paused_until: datetime | None = strawberry.field(description="Until when the domain is left alone.")
    paused_why: str | None = strawberry.field(description="Why it is left alone.")


@strawberry.type(description="The mail gateway as it is now.")
class Gateway:
    """Each list is read by one or two statements, and has an upper bound."""

    @strawberry.field(description="Every lane in order of priority, 500 at most.")
    async def lanes(self, info: Info) -> list[Lane]:
        """By priority."""
        async with info.context.pools.reading_connection() as connection:
            return [Lane.of(one) for one in await lanes.lane_states(connection)]

    @strawberry.field(description="Every relay the ledger knows, by name.")
    async def relays(self, info: Info) -> list[Relay]:
        """By name."""
        async with info.context.pools.reading_connection() as connection:
            return [Relay.of(one) for one in await relay_limits.relay_states(connection)]

    @strawberry.field(description="Limited, paused and stopped domains by name, 500 at most.")
    async def destinations(self, info: Info, after: AfterDomain = None) -> list[Destination]:
        """By name."""
        async with info.context.pools.reading_connection() as connection:
            return [Destination.of(one) for one in await domain_limits.destinations(connection, after=after)]

    @strawberry.field(description="The hundred domains that most mail waits for.")
    async def domains(self, info: Info) -> list[DomainDepth]:
        """Deepest first."""
        async with info.context.pools.reading_connection() as connection:
            return [DomainDepth.of(one) for one in await domain_limits.domain_depths(connection)]

    @strawberry.field(
        description="What it did, a row a minute or a quarter of an hour, oldest first; kept two days. Spans in which "
        "no worker ran are left out.",
        directives=[Cost(objects=100)],
    )
    async def history(self, info: Info, last: LastArgument = GatewaySpan.HOUR) -> list[GatewayMoment] | None:
        """Up to this moment."""
        async with info.context.pools.reading_connection() as connection:
            return [GatewayMoment.of(one) for one in await gateway_history.gateway_history(connection, last)]


@strawberry.input(description="One lane of individual mail.")
class LaneInput:
    """A campaign's lane is paused by `pauseCampaign`."""

    lane: str = strawberry.field(description="Its name: work-order or individual.")


@strawberry.input(description="One relay, by its name.")
class RelayInput:
    """As `pauseRelay` names it; once it was called `relay` here alone."""

    name: str | None = strawberry.field(default=None, description="Its name.")
    relay: str | None = strawberry.field(
        default=None, description="Its name.", deprecation_reason="`name`, as everywhere else."
    )

    def read(self) -> str:
        """Its name. Raises Refusal: REQUIRED, INVALID for two names."""
        if self.name is None and self.relay is None:
            raise Refusal(RefusalCode.REQUIRED, "The relay's name.", ("name",))
        if None not in (self.name, self.relay) and self.name != self.relay:
            raise Refusal(RefusalCode.INVALID, "`relay` is the older name of `name`: give `name` alone.", ("relay",))
        return self.name or self.relay or ""


@strawberry.input(description="A domain's limits; whatever is omitted or null has none.")
class DestinationLimitInput:
    """Replaces what was set."""

    domain: str = strawberry.field(description="The domain.")
    per_minute: int | None = strawberry.field(default=None, description="Messages a minute.")
    per_day: int | None = strawberry.field(default=None, description="Messages a day.")
    connections: int | None = strawberry.field(default=None, description="Messages on the wire at once.")
    warm_up_start: int | None = strawberry.field(default=None, description="The first day's limit of a warm-up.")
    warm_up_factor: float = strawberry.field(default=2.0, description="By which a warm-up's limit grows every day.")


@strawberry.input(description="One domain.")
class DestinationInput:
    """By its name."""

    domain: str = strawberry.field(description="The domain.")


@strawberry.type(description="What came of a decision about the gateway.")
class GatewayPayload:
    """Either the gateway or the errors."""

    gateway: Gateway | None = strawberry.field(default=None, description="The gateway as it is now; null when refused.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


async def pause_lane(info: Info, input: Input[LaneInput]) -> GatewayPayload:
    """Exact: when it returns, nothing more is handed off."""
    return await decide(info, partial(lanes.pause_lane, name=input.lane, actor=info.context.actor))


async def resume_lane(info: Info, input: Input[LaneInput]) -> GatewayPayload:
    """It goes on where it stopped."""
    return await decide(info, partial(lanes.resume_lane, name=input.lane))


async def resume_relay(info: Info, input: Input[RelayInput]) -> GatewayPayload:
    """On record, with who and when."""
    return await decide(info, partial(relay_limits.resume_relay, name=input.read(), actor=info.context.actor))


async def resume_destination(info: Info, input: Input[DestinationInput]) -> GatewayPayload:
    """What waits for the domain is due at once."""
    return await decide(info, partial(domain_limits.resume_destination, domain=input.domain, actor=info.context.actor))


async def set_destination_limit(info: Info, input: Input[DestinationLimitInput]) -> GatewayPayload:
    """Replaces what was set."""
    limit = domain_limits.DestinationLimit(**vars(input))
    return await decide(info, partial(domain_limits.limit_destination, limit=limit))


async def decide(info: Info, action: Callable[[Connection], Awaitable[object]]) -> GatewayPayload:
    """Do it, wake the gateway and show it as it is then."""
    context = info.context
    async with context.pools.writing_connection() as connection:
        await action(connection)
    # Mail may go that could not.
    await context.wakeup.notify()
    return GatewayPayload(gateway=Gateway())
