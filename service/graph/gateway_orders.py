"""What a person orders of the gateway: a relay or destination to stop for a while, a relay's limits."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import strawberry

from gateway.outbox import relay_orders
from service.graph.context import Info
from service.graph.gateway_state import GatewayPayload, decide
from service.graph.intent import Input

WHY = "Why: 1 to 500 characters, kept."


@strawberry.input(description="A relay to stop.")
class PauseRelayInput:
    """By its name."""

    name: str = strawberry.field(description="Its name.")
    until: datetime | None = strawberry.field(
        default=None, description="Until when, at most 366 days ahead; until `resumeRelay` when omitted."
    )
    why: str = strawberry.field(description=WHY)


@strawberry.input(description="A domain to stop.")
class PauseDestinationInput:
    """By its name."""

    domain: str = strawberry.field(description="The domain.")
    until: datetime | None = strawberry.field(
        default=None, description="Until when, at most 366 days ahead; until `resumeDestination` when omitted."
    )
    why: str = strawberry.field(description=WHY)


@strawberry.input(description="Limits of a relay, all of them; null lifts one.")
class SetRelayLimitInput:
    """Replaces what was set, and what RELAY_URL says."""

    name: str = strawberry.field(description="Its name.")
    per_minute: int | None = strawberry.field(default=None, description="Messages a minute.")
    per_day: int | None = strawberry.field(default=None, description="Messages a day (UTC).")
    warm_up_start: int | None = strawberry.field(
        default=None,
        description="Messages on the first day of a warm-up, which is today unless the same one is under way.",
    )
    warm_up_factor: float | None = strawberry.field(
        default=None, description="By how much each day's limit grows: 1 to 10; 2 when omitted."
    )
    as_configured: bool = strawberry.field(
        default=False, description="Give up what was set here: the limits of RELAY_URL are in force again."
    )


async def pause_relay(info: Info, input: Input[PauseRelayInput]) -> GatewayPayload:
    """On record, with who, when and why."""
    return await decide(info, partial(relay_orders.pause_relay, **vars(input), actor=info.context.actor))


async def pause_destination(info: Info, input: Input[PauseDestinationInput]) -> GatewayPayload:
    """On record, with who, when and why."""
    return await decide(info, partial(relay_orders.pause_destination, **vars(input), actor=info.context.actor))


async def set_relay_limit(info: Info, input: Input[SetRelayLimitInput]) -> GatewayPayload:
    """On record, with who and when; replaces what was set."""
    limit = relay_orders.RelayLimit(**vars(input))
    return await decide(info, partial(relay_orders.limit_relay, limit=limit, actor=info.context.actor))
