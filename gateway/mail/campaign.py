"""Campaigns and their mailings: what starts one, where each is in its life, why somebody is left out."""

from __future__ import annotations

from enum import StrEnum


class CampaignKind(StrEnum):
    """What starts a campaign: a date, or something that happened. SQL: `campaign_kind`."""

    MARKETING = "MARKETING"
    EVENT_BASED = "EVENT_BASED"


class CampaignStatus(StrEnum):
    """Where a campaign is in its life. SQL: `campaign_status`."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLED = "CANCELLED"
    FINISHED = "FINISHED"


class MailingStatus(StrEnum):
    """Where a mailing is in its life; a pause is its campaign's. SQL: `mailing_status`."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    FREEZING = "FREEZING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    CANCELLED = "CANCELLED"


class LeftOutReason(StrEnum):
    """Why somebody in an audience's lists is not mailed. SQL: `left_out_reason`."""

    OPTED_OUT = "OPTED_OUT"
    SUPPRESSED = "SUPPRESSED"
    NO_ADDRESS = "NO_ADDRESS"
    DUPLICATE_ADDRESS = "DUPLICATE_ADDRESS"
    ERASED = "ERASED"
    MERGE_FIELD_MISSING = "MERGE_FIELD_MISSING"


class EventRepeat(StrEnum):
    """How often an event-based campaign may mail one customer. SQL: `event_repeat`."""

    ONCE_A_DAY = "ONCE_A_DAY"
    ONCE = "ONCE"


class UncertainDecision(StrEnum):
    """What a person decides about uncertain mail of a campaign."""

    RETRY = "RETRY"
    ASSUME_SENT = "ASSUME_SENT"
