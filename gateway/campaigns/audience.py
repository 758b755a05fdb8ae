"""Whom a campaign is for, as statements over ranges of customers: its lists, minus lists, plus customers one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.campaigns.criteria import Criteria, read_criteria
from gateway.campaigns.criteria_sql import Filling, condition_of
from gateway.campaigns.schedules import DueTimes
from gateway.database import QUERIES, Connection, Fragments
from gateway.mail.campaign import CampaignKind
from gateway.templates import versions

_FRAGMENTS = Fragments.of("criteria", "audience")
LAST = 2**63 - 1
"""The end of the range of a last batch: no customer has a larger id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListSet:
    """Lists together: fixed ones by their ids, dynamic ones by their criteria."""

    fixed: tuple[int, ...]
    dynamic: tuple[Criteria, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """Whom a campaign is for: members of `within` but not of `excluded`, and the customers it names one by one."""

    campaign_id: UUID
    within: ListSet
    excluded: ListSet

    @property
    def evaluates(self) -> bool:
        """Whether criteria say who is in it, the costs of which depend on whom they look for."""
        return bool(self.within.dynamic or self.excluded.dynamic)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What decides who of an audience is mailed: the kind of mail that one may have opted out of, the fields without
    default that each must have a value for, and the mailing of which no open may be known, if one is set."""

    kind: CampaignKind
    required: Sequence[str]
    required_attributes: Sequence[str]
    not_opened_mailing_id: int | None


async def load(connection: Connection, campaign_id: UUID) -> Audience:
    """Returns whom a campaign is for, by its lists as they are now."""
    rows = [row async for row in QUERIES.audience_lists(connection, campaign_id=campaign_id)]
    return Audience(
        campaign_id=campaign_id,
        within=_list_set([row for row in rows if not row["excluded"]]),
        excluded=_list_set([row for row in rows if row["excluded"]]),
    )


def _list_set(rows: Sequence[Any]) -> ListSet:
    return ListSet(
        fixed=tuple(row["list_id"] for row in rows if row["criteria"] is None),
        dynamic=tuple(read_criteria(row["criteria"]) for row in rows if row["criteria"] is not None),
    )


async def judgement(connection: Connection, row: Any) -> Judgement:
    """Returns what decides who is mailed, of a row of a mailing with its campaign's kind."""
    version = await versions.load(connection, row["template_version_id"])
    return Judgement(
        kind=CampaignKind(row["kind"]),
        required=[name for name in version.required if name not in row["merge_data"]],
        required_attributes=list(version.required_attributes),
        not_opened_mailing_id=row["not_opened_mailing_id"],
    )


async def step(connection: Connection, audience: Audience, *, after: int, batch: int) -> int:
    """Returns up to which customer the next range goes that has some `batch` of an audience, or `LAST`.

    It bounds what a statement costs, too: criteria are evaluated for `batch` customers, all dynamic lists together.
    """
    dynamic = len(audience.within.dynamic)
    found = await QUERIES.audience_step(
        connection,
        list_ids=list(audience.within.fixed),
        campaign_id=audience.campaign_id,
        after=after,
        batch=batch,
        evaluated=max(1, batch // dynamic) if dynamic else None,
    )
    return LAST if found is None else int(found)


class AudienceStatement:
    """A statement over those of an audience who are within a range, put together as its parts are filled."""

    def __init__(self, audience: Audience, judgement: Judgement, *, after: int, up_to: int) -> None:
        self._filling = Filling(fragments=_FRAGMENTS)
        self._audience = audience
        self._judgement = judgement
        self._after = after
        self._up_to = up_to

    def freeze(self, mailing_id: int, due: DueTimes) -> tuple[str, tuple[Any, ...]]:
        """Returns the statement that writes them down as a mailing's, and its parameters."""
        parts = {"judged": self._judged(due)}
        statement = self._filling.fill("freeze", parts, mailing_id=mailing_id, frozen_to=self._up_to)
        return statement, self._filling.parameters

    def preview(self) -> tuple[str, tuple[Any, ...]]:
        """Returns the statement that counts them, and its parameters."""
        statement = self._filling.fill("preview", {"judged": self._judged(None)})
        return statement, self._filling.parameters

    def _judged(self, due: DueTimes | None) -> str:
        reminded = self._judgement.not_opened_mailing_id
        return self._filling.fill(
            "judged",
            {
                "audience": self._everybody(),
                "due": "null" if due is None else self._due(due),
                "zones": self._zones(due) if due and due.zones else "",
                "not_opened": "" if reminded is None else self._filling.fill("not_opened", mailing_id=reminded),
            },
            campaign_id=self._audience.campaign_id,
            kind=self._judgement.kind,
            required=list(self._judgement.required),
            required_attributes=list(self._judgement.required_attributes),
        )

    def _due(self, due: DueTimes) -> str:
        if due.zones:
            return self._filling.fill("due_by_zone", otherwise=due.otherwise)
        return self._filling.fill("due_for_all", due_at=due.otherwise)

    def _zones(self, due: DueTimes) -> str:
        return self._filling.fill("zones", zones=list(due.zones), due_ats=list(due.due_ats))

    def _everybody(self) -> str:
        return self._filling.fill(
            "audience",
            {"of_lists": self._of_lists()},
            campaign_id=self._audience.campaign_id,
            after=self._after,
            up_to=self._up_to,
        )

    def _of_lists(self) -> str:
        members = self._members()
        if not members:
            return ""
        return self._filling.fill("of_lists", {"members": "\nunion all\n".join(members), "kept": self._kept()})

    def _members(self) -> list[str]:
        within = self._audience.within
        members = [
            self._filling.fill(
                "dynamic_members", {"condition": condition_of(one, self._filling)}, after=self._after, up_to=self._up_to
            )
            for one in within.dynamic
        ]
        if within.fixed:
            members.append(
                self._filling.fill("fixed_members", list_ids=list(within.fixed), after=self._after, up_to=self._up_to)
            )
        return members

    def _kept(self) -> str:
        excluded = self._audience.excluded
        conditions = [
            self._filling.fill("not_in_dynamic", {"condition": condition_of(one, self._filling)})
            for one in excluded.dynamic
        ]
        if excluded.fixed:
            conditions.append(self._filling.fill("not_in_fixed", list_ids=list(excluded.fixed)))
        return " and ".join(conditions) or "true"
