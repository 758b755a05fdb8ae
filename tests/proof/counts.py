"""What a proof counts: every try that the server saw beside every try that the ledger shows, and what was promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.delivery.outcome_writer import MAX_UNWRITTEN

CONNECTIONS = 10
"""Of each worker."""

Try = tuple[UUID, int]
"""A message and the number of an attempt."""


def sender_of(message_id: UUID, attempt: int) -> str:
    """The return path by which a proof's gateway tells the server which try it is."""
    return f"{attempt}.{message_id.hex}@proof.example"


def try_of(sender: str) -> Try:
    """Of a return path. Raises ValueError for another's."""
    attempt, _, message_id = sender.removesuffix("@proof.example").partition(".")
    return UUID(message_id), int(attempt)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What the ledger says: statuses and tries by what became of them. `lost`: uncertain since their worker was lost,
    and settled by nothing since."""

    statuses: dict[UUID, str]
    queued: int
    unmade: int
    accepted: frozenset[Try]
    uncertain: frozenset[Try]
    lost: frozenset[Try]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the server says: tries that it took (each as often as it did), and those that it answered in any way."""

    taken: tuple[Try, ...]
    answered: frozenset[Try]
    drops: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The two beside each other."""

    asked: int
    shown: Shown
    seen: Seen
    lost_workers: int
    deeds: dict[str, int]

    @property
    def statuses(self) -> dict[str, int]:
        """Decided mails, by status."""
        return dict(Counter(status for status in self.shown.statuses.values() if status != "QUEUED"))

    @property
    def waiting(self) -> int:
        """Mails not decided, and those not made yet."""
        return self.shown.queued + self.shown.unmade

    @property
    def mails_taken(self) -> dict[UUID, list[int]]:
        """The tries of every mail that the server took, in order."""
        found: dict[UUID, list[int]] = {}
        for message_id, attempt in sorted(self.seen.taken):
            found.setdefault(message_id, []).append(attempt)
        return found

    @property
    def mails_taken_twice(self) -> int:
        """Mails that reached the server more than once."""
        return sum(len(tries) > 1 for tries in self.mails_taken.values())

    @property
    def unheard(self) -> frozenset[Try]:
        """Tries of lost workers of which the server says nothing: handed off, not on the wire or not through."""
        return self.shown.lost - self.seen.answered

    @property
    def most_unheard(self) -> int:
        """At most two a connection: one on the wire, one ahead."""
        return self.lost_workers * 2 * CONNECTIONS

    @property
    def most_lost(self) -> int:
        """Those, and the ones sent and not yet recorded."""
        return self.most_unheard + self.lost_workers * MAX_UNWRITTEN

    def words(self) -> str:
        """For the terminal."""
        decided = ", ".join(f"{status.lower()} {count}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.asked} mails; {decided}, still queued {self.waiting}\n"
            f"the server took {len(self.mails_taken)}, of them {self.mails_taken_twice} more than once\n"
            f"left uncertain by {self.lost_workers} lost workers: {len(self.shown.lost)} (at most {self.most_lost}),"
            f" of them unheard of by the server {len(self.unheard)} (at most {self.most_unheard})\n"
            f"dropped at {_list(self.seen.drops)}\n"
            f"{_list(self.deeds)}"
        )

    def broken(self) -> list[str]:
        """The promises that did not hold; none, one hopes."""
        promises = {
            "accepted + refused + uncertain + queued is all: no mail is lost or made up": (
                sum(self.statuses.values()) + self.waiting == self.asked
            ),
            "what the server took is shown as ACCEPTED or UNCERTAIN, the mail and the try": not self._shown_otherwise(),
            "what is shown as accepted the server took": self.shown.accepted <= set(self.seen.taken),
            "no try reached the server twice": len(set(self.seen.taken)) == len(self.seen.taken),
            "no mail reached the server twice unless its first try is shown as UNCERTAIN": not self._sent_twice(),
            "a lost worker leaves at most two mails a connection that the server has not heard of": (
                len(self.unheard) <= self.most_unheard
            ),
            "and beside them those sent and not yet recorded": len(self.shown.lost) <= self.most_lost,
            "something was dropped at every stage": all(self.seen.drops.values()),
        }
        return [promise for promise, held in promises.items() if not held]

    def _shown_otherwise(self) -> list[Try]:
        shown = self.shown.accepted | self.shown.uncertain
        return [
            found
            for found in self.seen.taken
            if found not in shown or self.shown.statuses[found[0]] not in ("ACCEPTED", "UNCERTAIN")
        ]

    def _sent_twice(self) -> list[UUID]:
        return [
            message_id
            for message_id, tries in self.mails_taken.items()
            if any((message_id, attempt) not in self.shown.uncertain for attempt in tries[:-1])
        ]


def _list(counted: dict[str, int]) -> str:
    return ", ".join(f"{what} x{count}" for what, count in sorted(counted.items()))


async def read_ledger(connection: Any) -> Shown:
    """Everything that the ledger shows of a proof's mails."""
    unsure = await connection.fetch(
        "select message_id, (data ->> 'attempt')::integer as attempt, data ? 'owner' as lost from event"
        " where kind = 'UNCERTAIN'"
    )
    settled = await connection.fetch(
        "select message_id, (data ->> 'attempt')::integer as attempt from event where kind = 'SETTLED'"
    )
    accepted = await connection.fetch("select message_id, number as attempt from attempt where verdict = 'ACCEPTED'")
    statuses = await connection.fetch("select id, status::text from message")
    return Shown(
        statuses={row["id"]: row["status"] for row in statuses},
        queued=await connection.fetchval("select count(*) from outbox"),
        unmade=await connection.fetchval("select coalesce(sum(audience_size - expanded_to), 0) from campaign"),
        accepted=_tries(accepted),
        uncertain=_tries(unsure),
        lost=_tries(row for row in unsure if row["lost"]) - _tries(settled),
    )


def _tries(rows: Iterable[Any]) -> frozenset[Try]:
    return frozenset((row["message_id"], row["attempt"]) for row in rows)
