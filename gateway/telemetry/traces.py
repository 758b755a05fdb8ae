"""OpenTelemetry traces, when its packages are installed; nothing, and no cost, when they are not.

Spans carry ids and counts, never an address, a subject or a server's words. Where spans go is the installation's
business: `OTEL_*` variables and `opentelemetry-instrument`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol
from uuid import UUID

_NOTHING: AbstractContextManager[Any] = nullcontext()


class Attempted(Protocol):
    """What a span names: one attempt of one message."""

    @property
    def message_id(self) -> UUID: ...
    @property
    def attempt(self) -> int: ...


def open_tracer() -> Any:
    """The gateway's tracer, or None where OpenTelemetry is not installed."""
    if find_spec("opentelemetry") is None:
        return None
    return import_module("opentelemetry.trace").get_tracer("gateway")


def span(tracer: Any, name: str, row: Attempted) -> AbstractContextManager[Any]:
    """A span around what is done with a row; nothing where there is no tracer."""
    if tracer is None:
        return _NOTHING
    attributes = {"mail.message_id": str(row.message_id), "mail.attempt": row.attempt}
    started: AbstractContextManager[Any] = tracer.start_as_current_span(name, attributes=attributes)
    return started
