"""Complaints: a reader called a mail of ours spam, and the provider tells us (RFC 5965, RFC 9477). Pure, never raises.

Most providers redact who complained (RFC 6590): the address is replaced, or its header is missing. So the headers of
the complained-of mail are returned whole, and those that carry a token of ours apart: Feedback-ID and CFBL-Feedback-ID.
Whether a token is ours, its reader says; a complaint without one proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.mail.delivery_status import ADDRESS, read_date
from gateway.mail.received import KIB, MailTree, Part, read_headers
from gateway.mail.returned import Returned, find_returned, returned_mail

_MAX_REPORT = 64 * KIB
"""Octets of a message/feedback-report: real ones have under 4 KiB."""
_MAX_RECIPIENTS = 100


class FeedbackType(StrEnum):
    """What a report says of a mail (RFC 5965 7.3, RFC 6430, RFC 6591). Unknown types are OTHER."""

    ABUSE = "ABUSE"
    FRAUD = "FRAUD"
    VIRUS = "VIRUS"
    OPT_OUT = "OPT_OUT"
    NOT_SPAM = "NOT_SPAM"
    AUTH_FAILURE = "AUTH_FAILURE"
    OTHER = "OTHER"


@dataclass(frozen=True, kw_only=True, slots=True)
class Complaint:
    """One report. `recipients` are the addresses that it names as complaining, none when they are redacted.

    `feedback_id` and `cfbl_feedback_id` are those headers of the complained-of mail, as they came back;
    `cfbl_address` is where its sender asked for complaints (RFC 9477 3.1).
    """

    feedback_type: FeedbackType
    recipients: tuple[str, ...]
    user_agent: str | None
    mail_from: str | None
    envelope_id: str | None
    arrived_at: datetime | None
    source_ip: str | None
    incidents: int
    feedback_id: str | None
    cfbl_feedback_id: str | None
    cfbl_address: str | None
    returned: Returned | None

    @property
    def complains(self) -> bool:
        """Whether a reader wants no such mail; the other types speak for the mail, or of its signatures."""
        return self.feedback_type not in (FeedbackType.NOT_SPAM, FeedbackType.AUTH_FAILURE)


def read_complaint(mail: MailTree) -> Complaint | None:
    """Read a mail as a complaint; None when it is none. One within an enclosed mail is somebody's forwarding."""
    parts = list(mail.root.walk(into_mails=False))
    report = next((part for part in parts if part.media_type in _REPORT_TYPES), None)
    returned = find_returned(parts[1:], "") if len(parts) > 1 else None
    if mail.root.header(_HOTMAIL_READER) is not None:
        returned = returned_mail(mail.root.headers)  # the complained-of mail itself, with that header added
    if report is None and not _names_hotmail_reader(returned):
        return None
    fields = _fields(report)
    return Complaint(
        feedback_type=_type(fields),
        recipients=_recipients(fields, returned),
        user_agent=_first(fields, "user-agent"),
        mail_from=_first(fields, "original-mail-from"),
        envelope_id=_first(fields, "original-envelope-id"),
        arrived_at=read_date(_first(fields, "arrival-date") or _first(fields, "received-date")),
        source_ip=_first(fields, "source-ip"),
        incidents=_incidents(_first(fields, "incidents")),
        feedback_id=_returned_header(returned, "feedback-id"),
        cfbl_feedback_id=_returned_header(returned, "cfbl-feedback-id"),
        cfbl_address=_returned_header(returned, "cfbl-address"),
        returned=returned,
    )


_REPORT_TYPES = frozenset({"message/feedback-report"})
_HOTMAIL_READER = "x-hmxmroriginalrecipient"
"""The header by which Microsoft's older reports, which have no other fields, name the reader."""


def _names_hotmail_reader(returned: Returned | None) -> bool:
    return returned is not None and returned.header(_HOTMAIL_READER) is not None


def _fields(report: Part | None) -> dict[str, list[str]]:
    """The fields of a report; some systems write an empty line before the first."""
    fields: dict[str, list[str]] = {}
    if report is not None:
        content = report.content(_MAX_REPORT) or b"\n".join(
            f"{header.name}: {header.value}".encode() for part in report.parts for header in part.headers
        )
        for header in read_headers(content.lstrip()):
            fields.setdefault(header.name, []).append(header.value)
    return fields


def _first(fields: dict[str, list[str]], name: str) -> str | None:
    return (fields[name][0].strip()[:1000] or None) if name in fields else None


def _type(fields: dict[str, list[str]]) -> FeedbackType:
    said = (_first(fields, "feedback-type") or "abuse").upper().replace("-", "_").replace(" ", "_")
    said = "OPT_OUT" if said.startswith(("OPT_OUT", "OPTOUT", "UNSUBSCRIBE")) else said
    return FeedbackType(said) if said in FeedbackType.__members__ else FeedbackType.OTHER


_REDACTED = re.compile(
    r"redact|hidden|removed|undisclosed|withheld|anonym|^[x*#-]{2,}@|^x@|^[0-9a-f]{32,}@|@(?:redacted|example\.invalid)$",
    re.IGNORECASE,
)
"""What stands for an address: a word, marks, or its hash (RFC 6590 3)."""


def _recipients(fields: dict[str, list[str]], returned: Returned | None) -> tuple[str, ...]:
    """Who complained: as the report says, else as the older Microsoft form does, else the only one of the mail's To."""
    for values in (
        fields.get("original-rcpt-to", []),
        fields.get("removal-recipient", []),
        [_returned_header(returned, _HOTMAIL_READER) or ""],
        returned.recipients if returned is not None and len(returned.recipients) == 1 else [],
    ):
        found = _addresses(values)
        if found:
            return found
    return ()


def _addresses(values: Sequence[str]) -> tuple[str, ...]:
    found = [match[0].rstrip(".-_") for value in values for match in ADDRESS.finditer(value[:1000])]
    return tuple(dict.fromkeys(address for address in found if not _REDACTED.search(address)))[:_MAX_RECIPIENTS]


def _incidents(value: str | None) -> int:
    """How many complaints it stands for: one, unless it says another sensible number."""
    return int(value) if value and value.isascii() and value.isdecimal() and 0 < len(value) < 7 else 1


def _returned_header(returned: Returned | None, name: str) -> str | None:
    value = returned.header(name) if returned is not None else None
    return value[:1000] if value else None
