"""How many messages for each cause."""

from __future__ import annotations

from collections.abc import Mapping

import strawberry

from gateway.mail.verdict import Cause


@strawberry.type(description="How many messages for one cause.")
class CauseCount:
    """A part of a whole."""

    cause: Cause | None = strawberry.field(description="The cause; null for none.")
    messages: int = strawberry.field(description="How many.")


def cause_counts(messages: Mapping[Cause | None, int]) -> list[CauseCount]:
    """The most first; of equally many by the name of the cause."""
    by_number = sorted(messages.items(), key=lambda item: (-item[1], item[0] or ""))
    return [CauseCount(cause=cause, messages=number) for cause, number in by_number]
