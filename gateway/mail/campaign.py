"""Campaigns: what starts one, and where it is in its life."""

from __future__ import annotations

from enum import StrEnum


class CampaignKind(StrEnum):
    """What starts a campaign: a date, or something that happened. SQL: `campaign_kind`."""

    MARKETING = "MARKETING"
    EVENT_BASED = "EVENT_BASED"


class CampaignStatus(StrEnum):
    """Where a campaign is in its life. SQL: `campaign_status`."""

    DRAFT = "DRAFT"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLED = "CANCELLED"
    FINISHED = "FINISHED"
