"""The fields of message/delivery-status (RFC 3464) as mail systems write them, well or not. Pure, linear, never raises.

The standard parts groups of fields by empty lines: the first group is about the mail, each further one about a
recipient. Systems leave the empty lines out, write too many, or put everything into one group: a second recipient or
action starts a new group here, whatever stands between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum


class ReportAction(StrEnum):
    """What a report says became of the mail (RFC 3464 2.3.3). Only FAILED is failure."""

    FAILED = "FAILED"
    DELAYED = "DELAYED"
    DELIVERED = "DELIVERED"
    RELAYED = "RELAYED"
    EXPANDED = "EXPANDED"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientFields:
    """What one group says of one recipient. Addresses are as they stand there, or None when they are none of ours
    (X.400) or missing; `status` is a code of RFC 3463; `words` are the diagnostic without its type."""

    final_recipient: str | None
    original_recipient: str | None
    action: ReportAction | None
    status: str | None
    words: str
    remote_mta: str | None
    last_attempt: datetime | None
    retried_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusFields:
    """A whole message/delivery-status. `envelope_id` is the ENVID that the mail was sent with (RFC 3461 4.4)."""

    reporting_mta: str | None
    envelope_id: str | None
    arrived_at: datetime | None
    recipients: tuple[RecipientFields, ...]


MAX_RECIPIENTS = 200
"""Recipients that are read of one report: RFC 5321 4.5.3.1.8 promises a transaction 100, and our mail has one each."""

_MAX_FIELDS = 4000
_LONGEST_FIELD = 4096
_FIELD = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9-]{2,40})[ \t]*:[ \t]*(.*)")
_STARTS_GROUP = ("final-recipient", "original-recipient", "action", "status", "diagnostic-code", "remote-mta")


def read_status(text: str) -> StatusFields:
    """Read the text of a message/delivery-status."""
    fields = _fields(text)
    groups = [group for group in _groups(fields) if any(name in group for name in _STARTS_GROUP)]
    everywhere = {name: value for group in reversed(fields) for name, value in group.items()}
    return StatusFields(
        reporting_mta=_name(everywhere.get("reporting-mta")),
        envelope_id=_envelope_id(everywhere.get("original-envelope-id")),
        arrived_at=read_date(everywhere.get("arrival-date")),
        recipients=tuple(_recipient(group) for group in groups[:MAX_RECIPIENTS]),
    )


def _fields(text: str) -> list[dict[str, str]]:
    """The groups as empty lines part them; of a field that stands twice in a group, a second group is made."""
    groups: list[dict[str, str]] = []
    group: dict[str, str] = {}
    last, count = "", 0
    for line in text.split("\n"):
        found = _FIELD.match(line)
        if not line.strip():
            last = ""
            if group:
                groups.append(group)
                group = {}
        elif last and (line[0] in " \t" or found is None):
            if len(group[last]) < _LONGEST_FIELD:
                group[last] = f"{group[last]} {line.strip()[:_LONGEST_FIELD]}".strip()
        elif found is not None and count < _MAX_FIELDS:
            last, count = found[1].lower(), count + 1
            if last in group and last in ("final-recipient", "action"):
                groups.append(group)
                group = {}
            group.setdefault(last, found[2].strip()[:_LONGEST_FIELD])
    return [*groups, group] if group else groups


def _groups(fields: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Groups about recipients: one without a recipient or an action belongs to the one before."""
    pending: dict[str, str] = {}
    for group in fields:
        if pending and ("final-recipient" in group or "original-recipient" in group) and _has_recipient(pending):
            yield pending
            pending = {}
        pending = pending | {name: value for name, value in group.items() if name not in pending}
    if pending:
        yield pending


def _has_recipient(group: dict[str, str]) -> bool:
    return "final-recipient" in group or "original-recipient" in group


def _recipient(group: dict[str, str]) -> RecipientFields:
    status = _STATUS.search(group.get("status", ""))
    words = _without_type(group.get("diagnostic-code", ""))
    return RecipientFields(
        final_recipient=typed_address(group.get("final-recipient")) or typed_address(group.get("x-actual-recipient")),
        original_recipient=typed_address(group.get("original-recipient")),
        action=_action(group.get("action"), status[0] if status else None),
        status=status[0] if status else None,
        words=words,
        remote_mta=_name(group.get("remote-mta")),
        last_attempt=read_date(group.get("last-attempt-date")),
        retried_until=read_date(group.get("will-retry-until")),
    )


_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_ACTIONS = {
    "fail": ReportAction.FAILED,
    "expired": ReportAction.FAILED,
    "hard": ReportAction.FAILED,
    "error": ReportAction.FAILED,
    "delay": ReportAction.DELAYED,
    "defer": ReportAction.DELAYED,
    "warn": ReportAction.DELAYED,
    "delivered": ReportAction.DELIVERED,
    "relay": ReportAction.RELAYED,
    "expand": ReportAction.EXPANDED,
}
_BY_CLASS = {"5": ReportAction.FAILED, "4": ReportAction.DELAYED, "2": ReportAction.DELIVERED}


def _action(action: str | None, status: str | None) -> ReportAction | None:
    said = (action or "").strip().lower()
    for word, meaning in _ACTIONS.items():
        if said.startswith(word):
            return meaning
    return _BY_CLASS.get(status[0]) if status else None


# `rfc822; ann@customer.example`: the type may be missing, in other letters, or stand for nothing that is an address.
_TYPED = re.compile(r"(?:([A-Za-z0-9-]{1,20})[ \t]*;)?[ \t]*(.*)")
_FOREIGN_TYPES = frozenset({"x400", "x-x400", "fax", "voice", "local-id"})
ADDRESS = re.compile(
    r"""(?:"[^"\n]{1,64}"|[^\s<>()\[\],;:"'|\\@`*][^\s<>()\[\],;:"|\\@]{0,127})@"""
    r"""(?:\[[0-9A-Fa-f.:IPv]{3,60}\]|[^\W_][\w.-]{0,254})"""
)
"""An address as it stands in a text. Lenient: it is what somebody else wrote."""


def typed_address(value: str | None) -> str | None:
    """The address of a field such as `rfc822; ann@customer.example`; None when it holds none."""
    if not value:
        return None
    typed = _TYPED.match(value)
    if typed is None or (typed[1] or "").lower() in _FOREIGN_TYPES:
        return None
    text = typed[2]
    if "@" not in text and "+40" in text:
        text = decode_xtext(text)
    found = ADDRESS.search(text[:1000])
    return found[0].rstrip(".-_") if found else None


_XTEXT = re.compile(r"\+([0-9A-F]{2})")


def decode_xtext(text: str) -> str:
    """Returns what xtext stands for (RFC 3461 4): `ann+40customer.example` is `ann@customer.example`."""
    octets = _XTEXT.sub(lambda code: chr(int(code[1], 16)), text)
    try:
        return octets.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return octets


def _envelope_id(value: str | None) -> str | None:
    """ENVID, decoded where the reporting system has left it as xtext."""
    return decode_xtext(value.strip())[:200] or None if value else None


def _without_type(value: str) -> str:
    """`smtp; 550 5.1.1 No such user` without its type."""
    typed = re.match(r"[A-Za-z][A-Za-z0-9-]{0,30}[ \t]*;[ \t]*", value)
    return value[typed.end() :].strip() if typed else value.strip()


def _name(value: str | None) -> str | None:
    """`dns; mx.customer.example` as `mx.customer.example`."""
    if not value:
        return None
    return _without_type(value).split(" ", 1)[0].strip("<>")[:255] or None


def read_date(value: str | None) -> datetime | None:
    """A date of RFC 5322, as UTC; None for what is none."""
    if not value or len(value) > 100:
        return None
    try:
        read = parsedate_to_datetime(value)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
