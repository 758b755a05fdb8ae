"""What can be done about a campaign in each of its states: one table, by which actions are offered and taken."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.mail.campaign import CampaignStatus


class CampaignAction(StrEnum):
    """What a person can do about a campaign: each is a mutation."""

    LAUNCH = "LAUNCH"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    CANCEL = "CANCEL"
    RETRY = "RETRY"
    SETTLE = "SETTLE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    ARCHIVE = "ARCHIVE"


_UNDER_WAY = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.RUNNING})
_OVER = frozenset({CampaignStatus.FINISHED, CampaignStatus.CANCELLED})
_NOT_OVER = frozenset(CampaignStatus) - _OVER
_HAS_MAIL = frozenset({CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.FINISHED})

_POSSIBLE: Mapping[CampaignAction, tuple[frozenset[CampaignStatus], str]] = {
    CampaignAction.LAUNCH: (frozenset({CampaignStatus.DRAFT}), "Only a draft can be launched"),
    CampaignAction.PAUSE: (_UNDER_WAY, "Only a campaign under way can be paused"),
    CampaignAction.RESUME: (frozenset({CampaignStatus.PAUSED}), "Only a paused campaign can be resumed"),
    CampaignAction.CANCEL: (_NOT_OVER, "Only a campaign that is not over can be cancelled"),
    CampaignAction.RETRY: (_HAS_MAIL, "Only failures of a campaign that was launched, and not cancelled, are retried"),
    CampaignAction.SETTLE: (
        _HAS_MAIL | {CampaignStatus.CANCELLED},
        "Only a campaign whose mail has begun has something to settle",
    ),
    CampaignAction.UPDATE: (_NOT_OVER, "Only a campaign that is not over can be changed"),
    CampaignAction.DELETE: (frozenset({CampaignStatus.DRAFT}), "Only a draft can be deleted: archive others"),
    CampaignAction.ARCHIVE: (_OVER, "Only a campaign that is over can be archived"),
}


def actions_of(status: CampaignStatus) -> list[CampaignAction]:
    """Returns what can be done about a campaign in this state."""
    return [action for action, (states, _) in _POSSIBLE.items() if status in states]


def refuse_unless_possible(
    action: CampaignAction, status: CampaignStatus, path: tuple[str, ...] = ("campaignId",)
) -> None:
    """Refuse an action that is not offered in this state. Raises Refusal(ILLEGAL_STATE)."""
    states, what = _POSSIBLE[action]
    if status not in states:
        raise Refusal(RefusalCode.ILLEGAL_STATE, f"{what}; this one is {status.lower()}.", path)


async def lock_for(
    connection: Connection, campaign_id: UUID, action: CampaignAction, path: tuple[str, ...] = ("campaignId",)
) -> Any:
    """Lock a campaign until the transaction ends; returns its row. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    row = await QUERIES.lock_campaign(connection, campaign_id=campaign_id)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such campaign.", path)
    refuse_unless_possible(action, CampaignStatus(row["status"]), path)
    return row
