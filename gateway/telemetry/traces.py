"""OpenTelemetry traces, when its packages are installed; a no-op without cost when they are not.

Spans carry ids and counts, never an address, a subject or a server's text. The exporter is configured outside, with
`OTEL_*` variables and `opentelemetry-instrument`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol
from uuid import UUID

_NO_SPAN: AbstractContextManager[Any] = nullcontext()


class Attempted(Protocol):
    """The fields of a span: one attempt of one message."""

    @property
    def message_id(self) -> UUID: ...
    @property
    def attempt(self) -> int: ...


def open_tracer() -> Any:
    """Returns the gateway's tracer; None where OpenTelemetry is not installed."""
    if find_spec("opentelemetry") is None:
        return None
    return import_module("opentelemetry.trace").get_tracer("gateway")


def span(tracer: Any, name: str, row: Attempted) -> AbstractContextManager[Any]:
    """Returns a span around the work on a row; a no-op without a tracer."""
    if tracer is None:
        return _NO_SPAN
    attributes = {"mail.message_id": str(row.message_id), "mail.attempt": row.attempt}
    started: AbstractContextManager[Any] = tracer.start_as_current_span(name, attributes=attributes)
    return started
