"""Where a mail came from, and the one mapping of colours (`product.md`: "Colour hints")."""

from __future__ import annotations

from enum import StrEnum


class SourceType(StrEnum):
    """The business transaction a mail belongs to."""

    CAMPAIGN = "CAMPAIGN"
    WORK_ORDER = "WORK_ORDER"
    E_SIGNATURE = "E_SIGNATURE"
    CARD_PROCESSING = "CARD_PROCESSING"


INTERNAL = "INTERNAL"
"""What metrics and logs call mail to our own staff, which has no source type."""


class Direction(StrEnum):
    """Sent by us, or received from the customer."""

    SENT = "SENT"
    RECEIVED = "RECEIVED"


class ConnectionType(StrEnum):
    """How a connection note was sent: to many by a campaign, or to one."""

    MARKETING_CAMPAIGN = "MARKETING_CAMPAIGN"
    INDIVIDUAL_EMAIL = "INDIVIDUAL_EMAIL"


class ColorHint(StrEnum):
    """A colour that all clients show alike. Rows are grey or blue, icons grey, red or amber."""

    GREY = "GREY"
    BLUE = "BLUE"
    RED = "RED"
    AMBER = "AMBER"


ROW_COLORS: dict[SourceType | None, ColorHint] = {
    SourceType.CAMPAIGN: ColorHint.GREY,
    SourceType.WORK_ORDER: ColorHint.GREY,
    SourceType.E_SIGNATURE: ColorHint.BLUE,
    SourceType.CARD_PROCESSING: ColorHint.BLUE,
    None: ColorHint.GREY,
}
"""Row colour by source type; a received message has the source type of what it answers, or None."""
