"""What the gateway did in the last hour or day, for graphs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.outbox import gateway_history
from gateway.outbox.gateway_history import Answers, GatewaySpan
from service.graph.cause_count import CauseCount, cause_counts
from service.graph.row import FromValue

LastArgument = Annotated[GatewaySpan, strawberry.argument(description="How far back.")]
ACCEPTED = "Recipients accepted; each copy (CC, BCC) counts."
DEFERRED = "Answers that said: later."
REFUSED = "Recipients refused; each copy (CC, BCC) counts."
CAUSES = "Refusals by cause, the most first."


@strawberry.type(description="A lane in one span of time.")
class LaneMoment(FromValue[gateway_history.LaneMoment]):
    """As the gateway knows it."""

    name: str = strawberry.field(description="Its name; campaigns are one.")
    depth: int = strawberry.field(description="Messages waiting at its end, each lane counted up to 10,000.")
    oldest_seconds: int = strawberry.field(description="Seconds the oldest had been due by then.")
    attempts: int = strawberry.field(description="Attempts in it: its rate.")

    @strawberry.field(description=DEFERRED)
    def deferred(self) -> int:
        """Of this lane's mail."""
        return self.value.answers.deferred

    @strawberry.field(description=REFUSED)
    def refused(self) -> int:
        """Of this lane's mail."""
        return self.value.answers.refused

    @strawberry.field(description=CAUSES)
    def causes(self) -> list[CauseCount]:
        """Of this lane's mail."""
        return cause_counts(self.value.answers.causes)


@strawberry.type(description="A relay in one span of time.")
class RelayMoment:
    """What it answered."""

    name: str = strawberry.field(description="Its name.")
    accepted: int = strawberry.field(description=ACCEPTED)
    deferred: int = strawberry.field(description=DEFERRED)
    refused: int = strawberry.field(description=REFUSED)
    causes: list[CauseCount] = strawberry.field(description=CAUSES)

    @classmethod
    def of(cls, name: str, answers: Answers) -> RelayMoment:
        """One relay's answers."""
        return cls(
            name=name,
            accepted=answers.accepted,
            deferred=answers.deferred,
            refused=answers.refused,
            causes=cause_counts(answers.causes),
        )


@strawberry.type(description="The gateway in one span of time.")
class GatewayMoment:
    """A row of its history."""

    started_at: datetime = strawberry.field(description="Its beginning; the last one is still under way.")
    accepted: int = strawberry.field(description=ACCEPTED)
    deferred: int = strawberry.field(description=DEFERRED)
    refused: int = strawberry.field(description=REFUSED)
    causes: list[CauseCount] = strawberry.field(description=CAUSES)
    lanes: list[LaneMoment] = strawberry.field(description="Waiting at its end, a lane.")
    relays: list[RelayMoment] = strawberry.field(description="What each relay answered that answered anything.")

    @classmethod
    def of(cls, moment: gateway_history.GatewayMoment) -> GatewayMoment:
        """One of the gateway's."""
        return cls(
            started_at=moment.started_at,
            accepted=moment.answers.accepted,
            deferred=moment.answers.deferred,
            refused=moment.answers.refused,
            causes=cause_counts(moment.answers.causes),
            lanes=[LaneMoment.of(moment.lanes[name]) for name in sorted(moment.lanes)],
            relays=[RelayMoment.of(name, moment.relays[name]) for name in sorted(moment.relays)],
        )
