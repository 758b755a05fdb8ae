"""What Prometheus sees. Labels are closed sets and our own names: never an address, a subject or a server's words."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

MESSAGES = Counter("mail_attempts", "Attempts by source type, verdict and cause.", ("source_type", "verdict", "cause"))
UNSENT = Counter("mail_unsent", "Recipients decided without an attempt, by status and cause.", ("status", "cause"))
TROUBLE = Counter("mail_relay_trouble", "Failures of relays and destinations, by relay and kind.", ("relay", "kind"))
STAGE_SECONDS = Histogram("mail_stage_seconds", "Time a mail spends in a stage.", ("stage",), buckets=_SECONDS)
GROUP_ROWS = Histogram("mail_group_rows", "Rows a grouped commit.", ("statement",), buckets=_ROWS)
LATE = Counter("mail_late_outcomes", "Outcomes that came after their lease was lost.")
RESCUED = Counter("mail_rescued", "Rows of lost workers, by what became of them.", ("as_",))
QUEUE_DEPTH = Gauge("mail_queue_depth", "Rows waiting in a lane, counted up to 10,000.", ("lane",))
QUEUE_AGE = Gauge("mail_queue_age_seconds", "How long the head of a lane has been due.", ("lane",))
CONNECTIONS = Gauge("mail_connections", "Connections to a relay by state.", ("relay", "state"))
RELAY_USABLE = Gauge("mail_relay_usable", "1 while a relay may be used, 0 while it is paused or stopped.", ("relay",))
LEDGER_AWAY = Gauge("mail_ledger_away", "1 while PostgreSQL cannot be reached.")
UNWRITTEN = Gauge("mail_unwritten_outcomes", "Outcomes that wait to be written.")
HITS = Counter(
    "mail_hits", "Opens and clicks: recorded, buffered in Valkey, dropped for want of room, flooded.", ("fate",)
)
