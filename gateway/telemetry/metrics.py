"""Prometheus metrics. Label values come from closed sets: never an address, a subject or a server's text."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

MESSAGES = Counter(
    "mail_attempts", "SMTP attempts by source type, verdict and cause.", ("source_type", "verdict", "cause")
)
UNSENT = Counter("mail_unsent", "Recipients decided without an attempt, by status and cause.", ("status", "cause"))
TROUBLE = Counter("mail_relay_trouble", "Failures of relays and destinations, by relay and kind.", ("relay", "kind"))
REFUSAL_STOPS = Counter(
    "mail_refusal_stops", "Relays and destinations stopped by refusals in a row that said the same.", ("place",)
)
BATCH_ROWS = Histogram("mail_batch_rows", "Rows per statement, by kind of statement.", ("statement",), buckets=_ROWS)
LATE = Counter("mail_late_outcomes", "Outcomes that were not written, because the lease had expired.")
RECOVERED = Counter(
    "mail_recovered", "Mails of workers that died or could not write, by what became of them.", ("outcome",)
)
QUEUE_DEPTH = Gauge("mail_queue_depth", "Rows waiting in a lane, counted up to 10,000.", ("lane",))
QUEUE_AGE = Gauge("mail_queue_age_seconds", "How long the first row of a lane has been due.", ("lane",))
CONNECTIONS = Gauge("mail_connections", "Connections to a relay by state.", ("relay", "state"))
RELAY_USABLE = Gauge("mail_relay_usable", "1 while a relay may be used, 0 while it is paused or stopped.", ("relay",))
LEDGER_AWAY = Gauge("mail_ledger_away", "1 while PostgreSQL cannot be reached.")
RECORDING = Gauge(
    "mail_flight_recorder", "1 while a death of this worker can be settled by its flight recorder, else 0."
)
IMAP_MAILS = Counter("mail_imap_mails", "Mails of the mailbox of IMAP_URL, by what became of them.", ("outcome",))
IMAP_CONNECTED = Gauge("mail_imap_connected", "1 while the mailbox of IMAP_URL is read, else 0; NaN without one.")
IMAP_CONNECTED.set(math.nan)
UNWRITTEN = Gauge("mail_unwritten_outcomes", "Outcomes that are not written to PostgreSQL yet.")
INBOUND_READ = Counter(
    "mail_inbound_read", "Received mails read, by what they are and what they matched.", ("kind", "match")
)
HITS = Counter(
    "mail_hits",
    "Opens and clicks: recorded, buffered in Valkey, dropped for lack of space, flooded.",
    ("outcome",),
    registry=None,  # the service records them, and shows them in its own registry
)

INBOUND_ACCEPTED = Counter("mail_inbound_accepted", "Received mails stored, by the way they came.", ("source",))
INBOUND_BYTES = Counter("mail_inbound_bytes", "Octets of received mail, by the way it came.", ("source",))
INBOUND_REFUSED = Counter(
    "mail_inbound_refused",
    "Recipients, mails and commands not taken, by the way they came and why.",
    ("source", "reason"),
)
INBOUND_STORE_SECONDS = Histogram(
    "mail_inbound_store_seconds", "Time until a received mail is on the disk.", buckets=_SECONDS
)
INBOUND_CONNECTIONS = Gauge("mail_inbound_connections", "Open connections, by protocol.", ("source",))
INBOUND = (INBOUND_ACCEPTED, INBOUND_BYTES, INBOUND_REFUSED, INBOUND_STORE_SECONDS)
"""What every process that takes mail counts: the listener, and the service for `/inbound/raw`."""


class StageTimes:
    """The times of one stage: like `Histogram`, but for one thread, at a fifth of the cost. Every mail has several."""

    def __init__(self, name: str, buckets: Sequence[float]) -> None:
        self.name = name
        self._buckets = buckets
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one mail, or one batch, with its time in this stage."""
        self._counts[bisect_left(self._buckets, seconds)] += 1
        self._sum += seconds

    def add_to(self, family: HistogramMetricFamily) -> None:
        """Add the counts to a scrape."""
        bounds = [*map(floatToGoString, self._buckets), "+Inf"]
        counts = accumulate(self._counts)
        family.add_metric([self.name], list(zip(bounds, counts, strict=True)), self._sum)


class _StageTimesCollector(Collector):
    def __init__(self, stages: Sequence[StageTimes]) -> None:
        self._stages = stages

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily("mail_stage_seconds", "Time a mail spends in a stage.", labels=("stage",))
        for stage in self._stages:
            stage.add_to(family)
        yield family


CLAIMING, COMPOSING, SENDING = (StageTimes(name, _SECONDS) for name in ("claim", "compose", "send"))
REGISTRY.register(_StageTimesCollector((CLAIMING, COMPOSING, SENDING)))
