"""Compares the attempts that the mail server saw with those in the ledger, and checks the guarantees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.delivery.outcome_writer import MAX_UNWRITTEN

CONNECTIONS = 10
"""Connections of each worker."""
LEASE_SECONDS = 2.0

UNMADE = (
    "select coalesce(sum(case when g.frozen_at is null then audience_size(g.campaign_id)"
    " else g.recipients - g.expanded end), 0)::bigint from mailing g"
)
"""Recipients of campaigns that have no message yet."""
BUSY = (
    "select exists (select from outbox) or exists (select from mailing g where g.status in ('SCHEDULED', 'FREEZING')"
    " or (g.status = 'RUNNING' and g.expanded < g.recipients))"
)
"""Whether anything is queued or still to be made."""

AttemptKey = tuple[UUID, int]
"""A message and the number of an attempt."""


def sender_of(message_id: UUID, attempt: int) -> str:
    """Returns the return path that identifies an attempt to the mail server."""
    return f"{attempt}.{message_id.hex}@proof.example"


def attempt_of(sender: str) -> AttemptKey:
    """Returns the attempt of a return path. Raises ValueError for any other return path."""
    attempt, _, message_id = sender.removesuffix("@proof.example").partition(".")
    return UUID(message_id), int(attempt)


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerState:
    """Statuses of messages and outcomes of attempts, as in the ledger. `lost`: uncertain because their worker died,
    and not settled since."""

    statuses: dict[UUID, str]
    queued: int
    unmade: int
    accepted: frozenset[AttemptKey]
    uncertain: frozenset[AttemptKey]
    lost: frozenset[AttemptKey]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerState:
    """The mail server's record: attempts accepted (each as often as it was), and attempts replied to in any way."""

    accepted: tuple[AttemptKey, ...]
    replied: frozenset[AttemptKey]
    drops: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The result of a run: both records, and what was broken meanwhile (`disruptions`)."""

    mails: int
    ledger: LedgerState
    server: ServerState
    lost_workers: int
    disruptions: dict[str, int]

    @property
    def statuses(self) -> dict[str, int]:
        """Counts of decided mails, by status."""
        return dict(Counter(status for status in self.ledger.statuses.values() if status != "QUEUED"))

    @property
    def undecided(self) -> int:
        """Mails that are queued, and those not made yet."""
        return self.ledger.queued + self.ledger.unmade

    @property
    def mails_accepted(self) -> dict[UUID, list[int]]:
        """The attempts of every mail that the server accepted, in order."""
        found: dict[UUID, list[int]] = {}
        for message_id, attempt in sorted(self.server.accepted):
            found.setdefault(message_id, []).append(attempt)
        return found

    @property
    def mails_accepted_twice(self) -> int:
        """Mails that reached the server more than once."""
        return sum(len(attempts) > 1 for attempts in self.mails_accepted.values())

    @property
    def never_received(self) -> frozenset[AttemptKey]:
        """Attempts of workers that died which the server never received: handed off, but not sent completely."""
        return self.ledger.lost - self.server.replied

    @property
    def max_never_received(self) -> int:
        """At most two a connection: one in transaction, one pipelined."""
        return self.lost_workers * 2 * CONNECTIONS

    @property
    def max_lost(self) -> int:
        """Those, and the ones sent but not written yet."""
        return self.max_never_received + self.lost_workers * MAX_UNWRITTEN

    def report(self) -> str:
        """Returns the counts as lines for the terminal."""
        decided = ", ".join(f"{status.lower()} {count}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.mails} mails; {decided}, still queued {self.undecided}\n"
            f"the server accepted {len(self.mails_accepted)}, of them {self.mails_accepted_twice} more than once\n"
            f"left uncertain by {self.lost_workers} dead workers: {len(self.ledger.lost)} (at most {self.max_lost}),"
            f" of them never received by the server {len(self.never_received)} (at most {self.max_never_received})\n"
            f"dropped at {_list(self.server.drops)}\n"
            f"{_list(self.disruptions)}"
        )

    def violations(self) -> list[str]:
        """Returns the guarantees that were violated."""
        guarantees = {
            "accepted + refused + uncertain + queued is all: no mail is lost or made up": (
                sum(self.statuses.values()) + self.undecided == self.mails
            ),
            "what the server took is shown as ACCEPTED or UNCERTAIN, the mail and the try": not self._contradicted(),
            "what is shown as accepted the server took": self.ledger.accepted <= set(self.server.accepted),
            "no try reached the server twice": len(set(self.server.accepted)) == len(self.server.accepted),
            "no mail reached the server twice unless its first try is shown as UNCERTAIN": not self._sent_twice(),
            "a worker that died leaves at most two mails a connection that the server never received": (
                len(self.never_received) <= self.max_never_received
            ),
            "and beside them those sent but not written yet": len(self.ledger.lost) <= self.max_lost,
            "something was dropped at every stage": all(self.server.drops.values()),
        }
        return [guarantee for guarantee, kept in guarantees.items() if not kept]

    def _contradicted(self) -> list[AttemptKey]:
        recorded = self.ledger.accepted | self.ledger.uncertain
        return [
            found
            for found in self.server.accepted
            if found not in recorded or self.ledger.statuses[found[0]] not in ("ACCEPTED", "UNCERTAIN")
        ]

    def _sent_twice(self) -> list[UUID]:
        return [
            message_id
            for message_id, attempts in self.mails_accepted.items()
            if any((message_id, attempt) not in self.ledger.uncertain for attempt in attempts[:-1])
        ]


def _list(counted: dict[str, int]) -> str:
    return ", ".join(f"{what} x{count}" for what, count in sorted(counted.items()))


async def read_ledger(connection: Any) -> LedgerState:
    """Reads the state of all mails of a run."""
    uncertain = await connection.fetch(
        "select message_id, (data ->> 'attempt')::integer as attempt, data ? 'owner' as lost from event"
        " where kind = 'UNCERTAIN'"
    )
    settled = await connection.fetch(
        "select message_id, (data ->> 'attempt')::integer as attempt from event where kind = 'SETTLED'"
    )
    accepted = await connection.fetch("select message_id, number as attempt from attempt where verdict = 'ACCEPTED'")
    statuses = await connection.fetch("select id, status::text from message")
    return LedgerState(
        statuses={row["id"]: row["status"] for row in statuses},
        queued=await connection.fetchval("select count(*) from outbox"),
        unmade=await connection.fetchval(UNMADE),
        accepted=_attempts(accepted),
        uncertain=_attempts(uncertain),
        lost=_attempts(row for row in uncertain if row["lost"]) - _attempts(settled),
    )


def _attempts(rows: Iterable[Any]) -> frozenset[AttemptKey]:
    return frozenset((row["message_id"], row["attempt"]) for row in rows)
