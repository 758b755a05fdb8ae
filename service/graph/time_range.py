"""Spans of time as clients give them."""

from __future__ import annotations

from datetime import datetime

import strawberry


@strawberry.input(description="A span of time; a missing end is open.")
class TimeRangeInput:
    """Half open."""

    since: datetime | None = strawberry.field(default=None, description="From this moment on.")
    until: datetime | None = strawberry.field(default=None, description="Before this moment.")
