"""Recounts every recipient of campaigns, from messages and from the mail server's log, beside what is counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from tests.proof.sink import Sink

DECIDED = ("accepted", "refused", "bounced", "uncertain", "held", "expired", "cancelled")

UNFINISHED = (
    "select c.id from campaign c where c.status = 'FINISHED' and exists (select from mailing g"
    " where g.campaign_id = c.id and (g.status not in ('FINISHED', 'CANCELLED') or g.expanded < g.recipients"
    " or exists (select from message m where m.mailing_id = g.id and m.status in ('QUEUED', 'UNCERTAIN'))))"
)
"""Campaigns that say they are finished, with somebody undecided."""
TALLIES = (
    "select g.id, g.status::text, g.recipients + g.left_out as launched,"
    " coalesce(sum(t.accepted), 0)::bigint as accepted, coalesce(sum(t.refused), 0)::bigint as refused,"
    " coalesce(sum(t.bounced), 0)::bigint as bounced, coalesce(sum(t.uncertain), 0)::bigint as uncertain,"
    " coalesce(sum(t.held), 0)::bigint as held, coalesce(sum(t.expired), 0)::bigint as expired,"
    " coalesce(sum(t.cancelled), 0)::bigint as cancelled, coalesce(sum(t.left_out_opted_out + t.left_out_suppressed"
    " + t.left_out_no_address + t.left_out_duplicate_address + t.left_out_erased + t.left_out_merge_field_missing),"
    " 0)::bigint as counted_left_out"
    " from mailing g left join mailing_tally t on t.mailing_id = g.id group by g.id order by g.id"
)
STATUSES = "select m.mailing_id, lower(m.status::text) as status, count(*) as messages from message m group by 1, 2"
LEFT_OUT = "select o.mailing_id, count(*) as customers from mailing_left_out o group by 1"
AUDIENCE = "select r.mailing_id, count(*) as customers from mailing_recipient r group by 1"
MESSAGES = "select m.id, m.mailing_id, m.status::text, lower(m.recipient) as recipient from message m"
EVENTS = (
    "select e.message_id, e.kind::text, (e.data ->> 'attempt')::integer as attempt, e.data ->> 'decision' as decision"
    " from event e where e.kind in ('RETRIED', 'ASSUMED_SENT', 'SETTLED')"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MailingCount:
    """One mailing: how many were launched, what is counted of it, and the same counted again from its rows."""

    finished: bool
    launched: int
    counted: dict[str, int]
    recounted: dict[str, int]

    @property
    def difference(self) -> int:
        """Launched without what became of them, by what is counted or by the rows, whichever is further from 0."""
        return max((self.launched - sum(self.counted.values()), self.launched - sum(self.recounted.values())), key=abs)


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignCounts:
    """The result of a run. `twice`: mails that the server took more than once; `unlabelled`: those of them without the
    event that says so; `repeated`: addresses with two messages of a mailing, and attempts that arrived twice."""

    customers: int
    mailings: tuple[MailingCount, ...]
    campaigns: dict[str, int]
    early: int
    taken: int
    twice: int
    unlabelled: int
    repeated: int
    contradicted: int
    decisions: int
    decided: int
    skipped: int
    decisions_amiss: int
    retried: int
    assumed: int
    kills: int
    disruptions: dict[str, int]

    @property
    def totals(self) -> dict[str, int]:
        """What became of all recipients."""
        found: Counter[str] = Counter()
        for one in self.mailings:
            found.update(one.counted)
        return dict(found)

    def report(self) -> str:
        """Returns the counts as lines for the terminal."""
        launched = sum(one.launched for one in self.mailings)
        ends = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in sorted(self.totals.items()) if count)
        campaigns = ", ".join(f"{name.lower()} {count}" for name, count in sorted(self.campaigns.items()))
        disruptions = ", ".join(f"{name} x{count}" for name, count in sorted(self.disruptions.items()))
        return (
            f"{launched} recipients of {len(self.mailings)} mailings; {ends}; difference"
            f" {sum(abs(one.difference) for one in self.mailings)}\n"
            f"campaigns: {campaigns}; finished with somebody undecided: {self.early}\n"
            f"the server took {self.taken} mails, of them {self.twice} again; without an event that says so:"
            f" {self.unlabelled}; an address twice in a mailing: {self.repeated}\n"
            f"{self.decisions} decisions about many: {self.decided} carried out, {self.skipped} skipped;"
            f" {self.retried} mails retried, {self.assumed} assumed sent\n"
            f"{self.kills} workers killed; {disruptions}"
        )

    def violations(self) -> list[str]:
        """Returns the guarantees that were violated."""
        guarantees = {
            "launched = accepted + refused + bounced + uncertain + held + expired + cancelled + left out": not any(
                one.difference for one in self.mailings
            ),
            "every customer is launched to by every mailing that finished": all(
                one.launched == self.customers for one in self.mailings if one.finished
            ),
            "what is counted of a mailing equals a recount of its messages": all(
                one.counted == one.recounted for one in self.mailings
            ),
            "a mail that arrived again has an event that says so": self.unlabelled == 0,
            "an address has one message of a mailing, and no attempt arrived twice": self.repeated == 0,
            "what the server took is accepted, uncertain or was retried; what is accepted it took, or a person assumed"
            " so": self.contradicted == 0,
            "a finished campaign has nobody undecided": self.early == 0,
            "every campaign ended": set(self.campaigns) <= {"FINISHED", "CANCELLED"},
            "a decision was carried out once for each of its recipients": self.decisions_amiss == 0,
        }
        return [guarantee for guarantee, kept in guarantees.items() if not kept]


async def read_counts(
    connection: Any, sink: Sink, *, disruptions: dict[str, int], kills: int, early: set[UUID]
) -> CampaignCounts:
    """Reads what the ledger says, and compares it with the log."""
    messages = {row["id"]: row for row in await connection.fetch(MESSAGES)}
    events = await connection.fetch(EVENTS)
    log = _Log(sink, messages, events)
    decisions = await connection.fetch(
        "select d.id, d.recipients, d.done, d.skipped, d.finished_at from campaign_decision d"
    )
    kinds = Counter(row["kind"] for row in events)
    early = early | {row["id"] for row in await connection.fetch(UNFINISHED)}
    states = await connection.fetch("select c.status::text, count(*) as campaigns from campaign c group by 1")
    return CampaignCounts(
        customers=await connection.fetchval("select count(*) from customer"),
        mailings=await read_mailings(connection),
        campaigns={row["status"]: row["campaigns"] for row in states},
        early=len(early),
        taken=len(log.taken),
        twice=log.twice,
        unlabelled=log.unlabelled,
        repeated=log.repeated,
        contradicted=log.contradicted,
        decisions=len(decisions),
        decided=sum(row["done"] for row in decisions),
        skipped=sum(row["skipped"] for row in decisions),
        decisions_amiss=_amiss(decisions, events),
        retried=kinds["RETRIED"],
        assumed=kinds["ASSUMED_SENT"],
        kills=kills,
        disruptions=disruptions,
    )


async def read_mailings(connection: Any) -> tuple[MailingCount, ...]:
    """Reads what is counted of every mailing, and counts it again."""
    recounted: dict[int, Counter[str]] = defaultdict(Counter)
    for row in await connection.fetch(STATUSES):
        recounted[row["mailing_id"]][row["status"]] += row["messages"]
    for row in await connection.fetch(LEFT_OUT):
        recounted[row["mailing_id"]]["left_out"] += row["customers"]
    audience = {row["mailing_id"]: row["customers"] for row in await connection.fetch(AUDIENCE)}
    found = []
    for row in await connection.fetch(TALLIES):
        again = recounted[row["id"]]
        # Of a cancelled mailing, who had no message yet.
        made = sum(count for name, count in again.items() if name != "left_out")
        again["cancelled"] += audience.get(row["id"], 0) - made
        counted = {name: int(row[name]) for name in DECIDED} | {"left_out": int(row["counted_left_out"])}
        found.append(
            MailingCount(
                finished=row["status"] == "FINISHED",
                launched=int(row["launched"]),
                counted={name: count for name, count in counted.items() if count},
                recounted={name: count for name, count in again.items() if count},
            )
        )
    return tuple(found)


def _amiss(decisions: list[Any], events: list[Any]) -> int:
    """Decisions that are not carried out to their end, or to a message twice or never."""
    named = Counter((row["decision"], row["message_id"]) for row in events if row["decision"] is not None)
    done = Counter(decision for decision, _ in named)
    wrong = {decision for (decision, _), count in named.items() if count > 1}
    wrong |= {
        str(row["id"])
        for row in decisions
        if row["finished_at"] is None
        or row["done"] + row["skipped"] != row["recipients"]
        or done[str(row["id"])] != row["done"]
    }
    return len(wrong)


class _Log:
    """The mail server's log beside the messages and what a person decided about them."""

    def __init__(self, sink: Sink, messages: dict[UUID, Any], events: list[Any]) -> None:
        self._messages = messages
        self.taken: dict[UUID, list[int]] = defaultdict(list)
        for message_id, attempt, _ in sink.taken:
            self.taken[message_id].append(attempt)
        self._retried: dict[UUID, list[int]] = defaultdict(list)
        self._vouched: set[UUID] = set()
        for row in events:
            if row["kind"] == "RETRIED":
                self._retried[row["message_id"]].append(row["attempt"])
            else:
                self._vouched.add(row["message_id"])

    @property
    def twice(self) -> int:
        """Mails that arrived once more."""
        return sum(len(attempts) - 1 for attempts in self.taken.values())

    @property
    def unlabelled(self) -> int:
        """Those of them before which nobody asked for it."""
        return sum(
            not any(first <= retried < again for retried in self._retried[message_id])
            for message_id, attempts in self.taken.items()
            for first, again in pairwise(sorted(attempts))
        )

    @property
    def repeated(self) -> int:
        """Attempts that arrived twice, and addresses with several messages of a mailing that arrived."""
        attempts = sum(len(found) - len(set(found)) for found in self.taken.values())
        places = Counter((self._messages[one]["mailing_id"], self._messages[one]["recipient"]) for one in self.taken)
        return attempts + sum(count - 1 for count in places.values())

    @property
    def contradicted(self) -> int:
        """Mails that the server took and the ledger gives up, and the other way round."""
        lost = [
            message_id
            for message_id in self.taken
            if self._messages[message_id]["status"] not in ("ACCEPTED", "UNCERTAIN") and not self._retried[message_id]
        ]
        made_up = [
            message_id
            for message_id, row in self._messages.items()
            if row["status"] == "ACCEPTED" and message_id not in self.taken and message_id not in self._vouched
        ]
        return len(lost) + len(made_up)
