"""What was acknowledged and what the mail server took, beside the ledger: the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.proof.campaign_counts import MailingCount, read_mailings
from tests.proof.recorder_counts import Trial, read_attempts
from tests.proof.sink import Sink

ISOLATED = "isolated"
"""The customer of the mutations that are tried on an isolated primary: nobody was told of them, and what became of them
is anybody's guess."""
MADE = "select m.id, m.campaign_id from message m join customer c on c.id = m.customer_id where c.external_ref <> $1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """The result of a run. `acknowledged`: messages whose mutation was; `campaigns`: recipients of those whose launch
    was. `messages`: those in the ledger, with their campaigns. `trial` compares attempts with the mail server's log."""

    acknowledged: frozenset[UUID]
    campaigns: Mapping[UUID, int]
    messages: Mapping[UUID, UUID | None]
    mailings: tuple[MailingCount, ...]
    trial: Trial

    @property
    def lost(self) -> frozenset[UUID]:
        """Acknowledged messages that are not in the ledger."""
        return self.acknowledged - self.messages.keys()

    @property
    def lost_recipients(self) -> int:
        """Recipients of launched campaigns without a message."""
        made = Counter(self.messages.values())
        return sum(max(0, count - made[campaign]) for campaign, count in self.campaigns.items())

    @property
    def made_up(self) -> int:
        """Messages that nobody was told of."""
        singles = sum(campaign is None for campaign in self.messages.values())
        made = Counter(campaign for campaign in self.messages.values() if campaign is not None)
        more = sum(max(0, count - self.campaigns.get(campaign, 0)) for campaign, count in made.items())
        return more + singles - len(self.acknowledged & self.messages.keys())

    @property
    def statuses(self) -> dict[str, int]:
        """Messages by status."""
        return dict(Counter(self.trial.ledger.statuses.values()))

    def report(self) -> str:
        """Lines for the terminal."""
        ends = ", ".join(f"{name} {count}" for name, count in sorted(self.statuses.items()))
        twice = len(self.trial.taken) - len({(one, address) for one, _, address in self.trial.taken})
        return (
            f"{len(self.acknowledged)} mutations and {len(self.campaigns)} campaigns with"
            f" {sum(self.campaigns.values())} recipients acknowledged: lost {len(self.lost)} and"
            f" {self.lost_recipients}, made up {self.made_up}\n"
            f"{len(self.messages)} messages: {ends}\n"
            f"the mail server took {len(self.trial.taken)}, of them {twice} again; unlabelled duplicates"
            f" {len(self.trial.unlabelled)}, sent twice in one attempt {len(self.trial.requeued_after_dot)},"
            f" contradicted {len(self.trial.contradicted)}; UNCERTAIN {self.trial.uncertain}, of them in its log"
            f" {self.trial.uncertain_seen}; difference {sum(abs(one.difference) for one in self.mailings)}"
        )

    def violations(self) -> list[str]:
        """The guarantees that were broken."""
        guarantees = {
            "every acknowledged mutation is in the ledger": not self.lost and not self.lost_recipients,
            "nothing is in the ledger that was not acknowledged": self.made_up == 0,
            "every mail was decided": set(self.statuses) <= {"ACCEPTED", "UNCERTAIN"},
            "no mail arrived twice unless its first try is UNCERTAIN": not self.trial.unlabelled,
            "no attempt reached the mail server twice": not self.trial.requeued_after_dot,
            "what the server took is accepted or uncertain, and what is accepted it took": not self.trial.contradicted,
            "launched = accepted + uncertain + left out and so on, counted and recounted": not any(
                one.difference or one.counted != one.recounted for one in self.mailings
            ),
        }
        return [guarantee for guarantee, kept in guarantees.items() if not kept]


async def read_tally(
    connection: Any, sink: Sink, *, acknowledged: frozenset[UUID], campaigns: Mapping[UUID, int]
) -> Tally:
    """Reads the ledger, and compares."""
    sink.read()
    ledger = await read_attempts(connection)
    return Tally(
        acknowledged=acknowledged,
        campaigns=campaigns,
        messages={row["id"]: row["campaign_id"] for row in await connection.fetch(MADE, ISOLATED)},
        mailings=await read_mailings(connection),
        trial=Trial(
            name="failover",
            recipients=len(ledger.statuses),
            kills=0,
            received=sink.received,
            taken=sink.taken,
            ledger=ledger,
            settled=[],
            killed_at={},
            seconds=0.0,
        ),
    )
