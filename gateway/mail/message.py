"""One message's life: its statuses, the transitions between them, and the colour of its icon."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from gateway.mail.source import ColorHint
from gateway.value import value


class Status(StrEnum):
    """Where a message is now. HANDED_OFF and DEFERRED live in the outbox only (`message_state`)."""

    QUEUED = "QUEUED"
    HANDED_OFF = "HANDED_OFF"
    DEFERRED = "DEFERRED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    UNCERTAIN = "UNCERTAIN"
    HELD = "HELD"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    BOUNCED = "BOUNCED"
    RECEIVED = "RECEIVED"


class CopyRole(StrEnum):
    """Why somebody besides the customer gets the mail."""

    CC = "CC"
    BCC = "BCC"


class EventKind(StrEnum):
    """What happened to a message. SQL: `event_kind`. QUEUED, ATTEMPTED, OPENED and CLICKED are told by other tables and
    stand in no `event`."""

    HELD = "HELD"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    RETRIED = "RETRIED"
    RETRIED_ONCE = "RETRIED_ONCE"
    ASSUMED_SENT = "ASSUMED_SENT"
    RESCUED = "RESCUED"
    UNCERTAIN = "UNCERTAIN"
    RELEASED = "RELEASED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"
    SUPPRESSED = "SUPPRESSED"
    SUPPRESSION_LIFTED = "SUPPRESSION_LIFTED"
    READDRESSED = "READDRESSED"
    OPTED_OUT = "OPTED_OUT"
    SETTLED = "SETTLED"
    QUEUED = "QUEUED"
    ATTEMPTED = "ATTEMPTED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    DELAYED = "DELAYED"
    DELIVERED = "DELIVERED"
    RELAYED = "RELAYED"
    EXPANDED = "EXPANDED"
    REPLIED = "REPLIED"
    RECEIVED = "RECEIVED"
    FORWARDED = "FORWARDED"
    ASSIGNED = "ASSIGNED"
    REPORT_BELIEVED = "REPORT_BELIEVED"
    TRIGGERED = "TRIGGERED"
    DISMISSED = "DISMISSED"
    UNDONE = "UNDONE"


FIRST_STATUSES = frozenset({Status.QUEUED, Status.HELD, Status.RECEIVED})
"""What a message or copy may be when it is made."""

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.HANDED_OFF, Status.HELD, Status.CANCELLED, Status.EXPIRED, Status.UNCERTAIN}),
    Status.HANDED_OFF: frozenset(
        {
            Status.ACCEPTED,
            Status.DEFERRED,
            Status.REFUSED,
            Status.UNCERTAIN,
            Status.QUEUED,
            Status.HELD,
            Status.EXPIRED,
        }
    ),
    Status.DEFERRED: frozenset({Status.HANDED_OFF, Status.HELD, Status.CANCELLED, Status.EXPIRED, Status.UNCERTAIN}),
    Status.UNCERTAIN: frozenset({Status.ACCEPTED, Status.REFUSED, Status.BOUNCED, Status.QUEUED}),
    Status.HELD: frozenset({Status.QUEUED, Status.CANCELLED}),
    Status.ACCEPTED: frozenset({Status.BOUNCED, Status.UNCERTAIN}),
    Status.REFUSED: frozenset({Status.QUEUED}),
    Status.EXPIRED: frozenset({Status.QUEUED}),
    Status.BOUNCED: frozenset({Status.QUEUED, Status.ACCEPTED, Status.UNCERTAIN}),
    Status.CANCELLED: frozenset(),
    Status.RECEIVED: frozenset(),
}
"""From each status, those it may become. A test holds it against every statement that writes one; who does, and on
what evidence, is in `docs/state-machine.md`. A mail that is QUEUED again after an attempt is shown as DEFERRED."""

ICON_COLORS: dict[Status, ColorHint] = {
    **dict.fromkeys((Status.ACCEPTED, Status.RECEIVED, Status.CANCELLED), ColorHint.GREY),
    **dict.fromkeys((Status.QUEUED, Status.HANDED_OFF, Status.DEFERRED, Status.UNCERTAIN), ColorHint.AMBER),
    **dict.fromkeys((Status.REFUSED, Status.HELD, Status.EXPIRED, Status.BOUNCED), ColorHint.RED),
}
"""The info icon: grey when the server took it (or it was received, or a person cancelled it), red when it failed, amber
undecided."""


NEED_ATTENTION = frozenset({Status.UNCERTAIN, Status.REFUSED, Status.HELD, Status.EXPIRED, Status.BOUNCED})
"""Statuses in which mail waits for a person, until it is dismissed; what an opt-out holds does not: nothing is to be
done. SQL: `waits_for_person` of a row of `message_trouble`."""

DISMISSIBLE = NEED_ATTENTION - {Status.UNCERTAIN}
"""What a person may take off the worklist as it is. Uncertain mail needs a decision: was it sent?"""


@value
class MessageRef:
    """A message's whole key. A message id alone names no row: the ledger is customer-first."""

    customer_id: int
    message_id: UUID

    def header_id(self, domain: str) -> str:
        """The Message-ID of its mail (RFC 5322 3.6.4), with its brackets; it names this row."""
        return f"<{self.message_id.hex}.{self.customer_id}@{domain}>"
