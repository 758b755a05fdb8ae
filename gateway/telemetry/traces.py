"""OpenTelemetry traces, when its packages are installed; a no-op without cost when they are not.

Spans carry ids and counts, never an address, a subject or a server's text. The exporter is configured outside, with
`OTEL_*` variables and `opentelemetry-instrument`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol
from uuid import UUID


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


def no_span() -> None:
    """Ends a span that there is not."""


def begin_span(tracer: Any, name: str, row: Attempted) -> Callable[[], object]:
    """Begins a span of the work on a row and returns what ends it; a no-op without a tracer."""
    if tracer is None:
        return no_span
    attributes = {"mail.message_id": str(row.message_id), "mail.attempt": row.attempt}
    end: Callable[[], object] = tracer.start_span(name, attributes=attributes).end
    return end
