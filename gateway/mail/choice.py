"""Opt-outs and suppressions: which campaigns a customer or an address opted out of and how, and why an address must
not be mailed."""

from __future__ import annotations

from enum import StrEnum


class OptOutKind(StrEnum):
    """Of which campaigns; individual mail is not affected. SQL: `opt_out_kind`."""

    MARKETING = "MARKETING"
    EVENT_BASED = "EVENT_BASED"


class OptOutSource(StrEnum):
    """How an opt-out was made: the page, the mail program's button (RFC 8058), staff, a complaint (RFC 5965)."""

    LINK = "LINK"
    ONE_CLICK = "ONE_CLICK"
    STAFF = "STAFF"
    COMPLAINT = "COMPLAINT"


class SuppressionScope(StrEnum):
    """What a suppression stops. SQL: `suppression_scope`."""

    ALL_MAIL = "ALL_MAIL"
    CAMPAIGNS = "CAMPAIGNS"


class SuppressionReason(StrEnum):
    """Why an address is suppressed. SQL: `suppression_reason`."""

    BAD_ADDRESS = "BAD_ADDRESS"
    COMPLAINT = "COMPLAINT"
    STAFF = "STAFF"
