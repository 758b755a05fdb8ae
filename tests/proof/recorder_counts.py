"""What a trial of the flight recorder came to: the mail server's log beside the ledger, attempt by attempt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from gateway.delivery.outcome_writer import MAX_UNWRITTEN
from tests.proof.counts import CONNECTIONS

Try = tuple[UUID, int, str]
"""A message, the number of an attempt, and the recipient's address."""

KNOWN_UNCERTAIN = 0.95
"""Part of the UNCERTAIN mails that the mail server's log shows, at least."""
OLD_RULE_PART = 0.25
"""UNCERTAIN mails, at most, as a part of those that leases alone would have left."""
MAX_LATE = 0.05
"""Part of the deaths that may be settled later than a lease: workers that settle are killed, too."""
ENOUGH = 200
"""Below so many of the old rule's the two parts are luck."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """One dead worker's mail, as the worker that settled it logged it."""

    worker: str
    at: float
    answered: int
    queued: int
    uncertain: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """Statuses by recipient, and attempts by what became of them."""

    statuses: dict[tuple[UUID, str], str]
    accepted: frozenset[Try]
    refused: frozenset[Try]
    uncertain: frozenset[Try]


@dataclass(kw_only=True, slots=True)
class Trial:
    """The result of one trial. `believed`: whether recorders were believed, so that the new rules hold; else the
    old."""

    name: str
    recipients: int
    kills: int
    received: list[Try]
    taken: list[Try]
    ledger: Ledger
    settled: list[Settled]
    killed_at: dict[str, float]
    seconds: float
    believed: bool = True
    mixture: Counter[str] = field(default_factory=Counter)

    @property
    def lost(self) -> int:
        """Recipients that nobody decided about."""
        return self.recipients - sum(status != "QUEUED" for status in self.ledger.statuses.values())

    @property
    def requeued_after_dot(self) -> list[Try]:
        """Attempts whose dot the server saw twice: the second time, the mail had been queued again."""
        return [one for one, times in Counter(self.received).items() if times > 1]

    @property
    def unlabelled(self) -> list[tuple[UUID, str]]:
        """Recipients that got a mail more than once without an UNCERTAIN on record for each but the last."""
        tries: dict[tuple[UUID, str], list[int]] = {}
        for message_id, attempt, recipient in self.taken:
            tries.setdefault((message_id, recipient), []).append(attempt)
        return [
            key
            for key, attempts in tries.items()
            if any((key[0], attempt, key[1]) not in self.ledger.uncertain for attempt in sorted(attempts)[:-1])
            or len(set(attempts)) < len(attempts)
        ]

    @property
    def contradicted(self) -> list[Try]:
        """Attempts accepted in the ledger and not by the server, or taken by it and neither accepted nor uncertain."""
        taken = set(self.taken)
        recorded = self.ledger.accepted | self.ledger.uncertain
        return [*(self.ledger.accepted - taken), *(taken - recorded), *(self.ledger.refused & taken)]

    @property
    def uncertain(self) -> int:
        """Attempts whose end nobody knows."""
        return len(self.ledger.uncertain)

    @property
    def uncertain_seen(self) -> int:
        """Those of them whose dot the server saw."""
        return len(self.ledger.uncertain & set(self.received))

    @property
    def old_rule(self) -> int:
        """What leases alone would have left UNCERTAIN: whatever a recorder settled."""
        return sum(one.answered + one.queued + one.uncertain for one in self.settled)

    @property
    def delays(self) -> list[float]:
        """Seconds from a kill to the end of its settling."""
        first: dict[str, float] = {}
        for one in self.settled:
            first[one.worker] = min(one.at, first.get(one.worker, one.at))
        return sorted(at - self.killed_at[worker] for worker, at in first.items() if worker in self.killed_at)

    def late(self, lease: float) -> int:
        """Deaths that were settled later than so many seconds."""
        return sum(delay > lease for delay in self.delays)

    def report(self) -> str:
        """One paragraph."""
        delays = self.delays
        latest = (
            f"settled after {delays[len(delays) // 2]:.2f} s, at most {delays[-1]:.2f} s"
            if delays
            else "no delay is known"
        )
        how = ", ".join(f"{what} x{count}" for what, count in sorted(self.mixture.items()))
        return (
            f"{self.name}: {self.kills} kills ({how}), {self.recipients} recipients, {self.seconds:.0f} s\n"
            f"  lost {self.lost}, queued again after the dot {len(self.requeued_after_dot)},"
            f" unlabelled duplicates {len(self.unlabelled)}, contradicted {len(self.contradicted)}\n"
            f"  UNCERTAIN {self.uncertain}, of them in the server's log {self.uncertain_seen};"
            f" the old rule's {self.old_rule}; {latest}"
        )

    def violations(self, *, lease: float) -> list[str]:
        """The guarantees that were broken."""
        enough = self.believed and self.old_rule >= ENOUGH
        bound = self.kills * (CONNECTIONS if self.believed else 2 * CONNECTIONS + MAX_UNWRITTEN)
        checks = {
            f"{self.lost} mails are lost": self.lost != 0,
            f"{len(self.requeued_after_dot)} mails were queued again after the server saw their dot": bool(
                self.requeued_after_dot
            ),
            f"{len(self.unlabelled)} duplicates are not labelled": bool(self.unlabelled),
            f"{len(self.contradicted)} attempts contradict the server": bool(self.contradicted),
            f"of {self.uncertain} UNCERTAIN mails the server saw only {self.uncertain_seen}": (
                enough and self.uncertain_seen < KNOWN_UNCERTAIN * self.uncertain
            ),
            f"{self.uncertain} UNCERTAIN mails are more than a quarter of {self.old_rule}": (
                enough and self.uncertain > OLD_RULE_PART * self.old_rule
            ),
            f"{self.uncertain} UNCERTAIN mails are more than {bound}": self.uncertain > bound,
            f"a worker left more than {CONNECTIONS} UNCERTAIN": any(
                one.uncertain > CONNECTIONS for one in self.settled
            ),
            f"{self.late(lease)} of {len(self.delays)} deaths were settled later than a lease": (
                self.believed and self.late(lease) > MAX_LATE * len(self.delays)
            ),
        }
        return [f"{self.name}: {what}" for what, violated in checks.items() if violated]


def read_settled(log: Path) -> list[Settled]:
    """What workers logged of the dead."""
    found = []
    for line in log.read_text().splitlines():
        if "is settled by its flight recorder" in line:
            said = json.loads(line)
            found.append(
                Settled(
                    worker=said["worker"],
                    at=datetime.fromisoformat(said["at"]).timestamp(),
                    **{name: said[name] for name in ("answered", "queued", "uncertain")},
                )
            )
    return found


async def read_attempts(connection: Any) -> Ledger:
    """Reads what the ledger says of a trial."""
    await connection.execute(
        "create temp view recipient as"
        " select customer_id, id as message_id, 0 as recipient_no, recipient as address, status::text from message"
        " union all select customer_id, message_id, recipient_no, address, status::text from copy"
    )
    statuses = await connection.fetch("select * from recipient")
    attempts = await connection.fetch(
        "select message_id, number, address, verdict::text from attempt join recipient using (message_id, recipient_no)"
    )
    uncertain = await connection.fetch(
        "select message_id, (data ->> 'attempt')::integer as number, address"
        " from event join recipient using (message_id, recipient_no) where kind = 'UNCERTAIN'"
    )
    settled = await connection.fetch(
        "select message_id, (data ->> 'attempt')::integer as n from event where kind = 'SETTLED'"
    )
    known = {(row["message_id"], row["n"]) for row in settled}

    def keys(rows: Iterable[Any]) -> frozenset[Try]:
        return frozenset((row["message_id"], row["number"], row["address"]) for row in rows)

    return Ledger(
        statuses={(row["message_id"], row["address"]): row["status"] for row in statuses},
        accepted=keys(row for row in attempts if row["verdict"] == "ACCEPTED"),
        refused=keys(row for row in attempts if row["verdict"] == "REFUSED"),
        uncertain=frozenset(one for one in keys(uncertain) if one[:2] not in known),
    )
