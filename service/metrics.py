"""This process's metrics, and `GET /metrics`, which shows them to Prometheus, with a token.

Counts and times only, no personal data. Each worker counts for itself: with several, a response has the counts of all,
told apart by a label. The registry is the service's own, without the gateway's metrics, which count nothing here; of
those only opens, clicks and mail that is handed in by HTTP are this process's work.
"""

from __future__ import annotations

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.telemetry.metrics import HITS, INBOUND
from service.errors import Busy, RequestRefused
from service.worker_metrics import WorkerMetrics

REGISTRY = CollectorRegistry()
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
MAX_OPERATION_NAMES = 100
"""Clients choose the names of their operations: the first so many are labels, every other one is `other`. With a
histogram each, they are some 1,500 series a process."""

REQUESTS = Counter(
    "http_requests", "HTTP responses, by route and status.", ("method", "route", "status"), registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "http_request_seconds",
    "Time from a request's head until its response begins.",
    ("route",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
OPERATIONS = Counter(
    "graphql_operations",
    "GraphQL operations, by name and what came of them.",
    ("operation", "type", "outcome"),
    registry=REGISTRY,
)
OPERATION_SECONDS = Histogram(
    "graphql_operation_seconds",
    "Time that running a query or mutation takes.",
    ("operation",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
READS = Counter(
    "database_reads",
    "Queries of the API, where there are replicas, by who was read: replica or primary.",
    ("server",),
    registry=REGISTRY,
)
REPLICA_LAG = Gauge(
    "database_replica_lag_seconds",
    "For how long the primary has had something that a replica has not; NaN while it is away.",
    ("replica",),
    registry=REGISTRY,
)
REPLICA_IN = Gauge("database_replica_in", "1 while a replica is read from.", ("replica",), registry=REGISTRY)
for _collector in (HITS, *INBOUND, PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
    REGISTRY.register(_collector)


class BoundedNames:
    """Names that clients choose, as labels of a metric: no more than `limit` of them."""

    def __init__(self, limit: int = MAX_OPERATION_NAMES) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def label(self, name: str | None) -> str:
        """Returns the name itself, `other` when there are enough already, `unnamed` for None."""
        if name is None:
            return "unnamed"
        if name not in self._known:
            if len(self._known) >= self._limit:
                return "other"
            self._known.add(name)
        return name


async def metrics(request: Request) -> Response:
    """The text format; 401 without a token, 503 when the token cannot be checked because the database is down."""
    try:
        await request.app.state.resources.authenticator.caller(request)
    except RequestRefused as refused:
        return PlainTextResponse(f"{refused}\n", status_code=refused.status, headers=refused.headers)
    except Busy as busy:
        return PlainTextResponse(f"{busy}\n", status_code=503, headers={"Retry-After": str(busy.retry_after_seconds)})
    workers: WorkerMetrics | None = request.app.state.worker_metrics
    return Response(
        generate_latest(REGISTRY) if workers is None else await workers.latest(),
        headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
    )
