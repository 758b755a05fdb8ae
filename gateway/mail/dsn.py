"""Delivery reports: what a mail system says of a mail after it, or the next one, had taken it. Pure, bounded, never
raises.

Two kinds are read, in this order:

1. the standard's: a message/delivery-status (RFC 3464), anywhere outside the mails that a mail encloses, or its
fields in
   a plain text;
2. texts for people, by rules that are data (`gateway.mail.report_text`).

What is not a report is None: ordinary mail, automatic answers, and a report that somebody forwards, which is inside a
mail or quoted in one. A recipient is never invented: it stands in the report or, when the report names nobody, it is
the only one of the returned mail's To. What the words mean is not decided here: `response` hands them to
`gateway.mail.verdict`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.mail.delivery_status import (
    ADDRESS,
    RecipientFields,
    ReportAction,
    StatusFields,
    read_date,
    read_status,
)
from gateway.mail.html_text import html_text
from gateway.mail.received import KIB, MAIL_TYPES, MailTree, Part, read_mail
from gateway.mail.report_text import (
    MAX_TEXT,
    Entry,
    ReportRules,
    action_of,
    find_entries,
    find_form,
    find_mentioned,
    joined,
    opening_words,
    own_lines,
    plain_line,
    subject_fits,
)
from gateway.mail.report_words import LETTERS, host_of, quoted_words, reply_codes, stage_of
from gateway.mail.response import Response, Stage
from gateway.mail.returned import HEADER_TYPES, Returned, copied_mail, find_returned

_MAX_STATUS = 256 * KIB
"""Octets of a message/delivery-status: 200 recipients with a reply of 1 KiB each."""
_MAX_STATUS_PARTS = 10
"""Status parts of one report: some systems write one for each recipient."""
_LONGEST_WORDS = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientReport:
    """What a report says of one recipient.

    `recipient` is the address it was last delivered to, None when the report names none; `original` the one that the
    mail was sent to, where the report tells it apart. `code` (RFC 5321) and `status` (RFC 3463) are as the report or
    its words have them; `words` are the diagnostic, whole up to 4,096 characters. `stage` is the command that was
    refused, where the words say it.
    """

    recipient: str | None
    original: str | None
    action: ReportAction
    code: int | None
    status: str | None
    words: str
    stage: Stage | None
    remote_mta: str | None
    last_attempt: datetime | None
    retried_until: datetime | None

    @property
    def address(self) -> str | None:
        """The address that the mail was sent to, as far as the report tells."""
        return self.original or self.recipient

    @property
    def permanent(self) -> bool:
        """Whether trying again would not help: by the status, else the code, else since it failed."""
        if self.status is not None:
            return self.status.startswith("5")
        if self.code is not None:
            return self.code >= 500
        return self.action is ReportAction.FAILED

    def response(self) -> Response | None:
        """The reply that the report quotes, for `gateway.mail.verdict.judge`; None for what did not fail or wait.

        A report that says nothing of the command counts as refused after the mail was read: the stage at which the
        fewest words suppress an address.
        """
        if self.action not in (ReportAction.FAILED, ReportAction.DELAYED):
            return None
        code = self.code or (550 if self.permanent else 450)
        text = quoted_words(self.words, self.recipient)
        return Response(code=code, enhanced=self.status, text=text, stage=self.stage or Stage.END_OF_DATA)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryReport:
    """One report. `form` is `rfc3464` or the name of the rule that knew it; `envelope_id` the ENVID (RFC 3461)."""

    form: str
    recipients: tuple[RecipientReport, ...]
    reporting_mta: str | None
    envelope_id: str | None
    arrived_at: datetime | None
    returned: Returned | None


def read_report(mail: MailTree, rules: ReportRules, *, null_sender: bool | None = None) -> DeliveryReport | None:
    """Read a mail as a delivery report; None when it is none. Never raises.

    `null_sender` says whether the envelope's sender was empty, as a report's must be (RFC 3464 2); None when that is
    not known: then Return-Path is looked at.
    """
    seen = _look_at(mail.root, rules, null_sender)
    if seen is None:
        return None
    return _written(seen) if seen.receipt else _standard(seen) or _enclosed(seen) or _written(seen)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """A mail as both readers need it. `receipt`: it is a read receipt (RFC 8098), by which some systems refuse.
    `lines` are its own text, `copy` the returned mail behind it."""

    root: Part
    rules: ReportRules
    subject: str
    from_system: bool
    null_sender: bool | None
    receipt: bool
    statuses: tuple[Part, ...]
    lines: list[str]
    copy: str
    opening: str
    returned: Returned | None


def _look_at(root: Part, rules: ReportRules, null_sender: bool | None) -> _Seen | None:
    """What the readers need; None for mail that nobody but a person can have sent."""
    subject = root.header("subject") or ""
    path = root.header("return-path")
    if null_sender is None and path is not None:
        null_sender = path.strip("<> ").upper().partition("@")[0] in ("", "MAILER-DAEMON")  # as sendmail writes it
    from_system = is_system(root, rules)
    if not from_system and (rules.forwarded.search(plain_line(subject)) or not (null_sender or _is_report(root))):
        return None
    own = [part for part in root.walk(into_mails=False) if part is not root or not part.parts]
    if any(part.media_type in _COMPLAINTS for part in own):
        return None
    lines, copy = own_lines(_text(own), rules)
    return _Seen(
        root=root,
        rules=rules,
        subject=subject,
        from_system=from_system,
        null_sender=null_sender,
        receipt=any(part.media_type in _RECEIPTS for part in own),
        statuses=tuple(part for part in own if part.media_type in _STATUS_TYPES)[:_MAX_STATUS_PARTS],
        lines=lines,
        copy=copy,
        opening=opening_words(lines),
        returned=find_returned(own, copy),
    )


def _is_report(root: Part) -> bool:
    return root.media_type == "multipart/report"


def is_system(root: Part, rules: ReportRules) -> bool:
    """Whether a From is a mail system's: by its name or address, for want of an address, or as it wants no reply and
    returns a mail."""
    sender = (root.header("from") or "").lower()
    if "@" not in sender or rules.systems.search(sender):
        return True
    return wants_no_reply(root) and any(part.media_type in MAIL_TYPES for part in root.parts)


def wants_no_reply(root: Part) -> bool:
    """Whether the From is an address such as `no-reply@firm.example`."""
    return _NO_REPLY.search((root.header("from") or "").lower()) is not None


_NO_REPLY = re.compile(r"\b(?:no|do-?not)[-_.]?reply[-_.@]")
_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status", "message/delivery-report"})
_RECEIPTS = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
"""Somebody has read the mail (RFC 8098), or a filter has refused it (RFC 5429 2.2)."""
_COMPLAINTS = frozenset({"message/feedback-report"})
_NOT_WORDS = _STATUS_TYPES | _RECEIPTS | HEADER_TYPES | MAIL_TYPES


def _text(parts: Sequence[Part]) -> str:
    """The words of a report: its plain texts up to the returned mail, else its HTML."""
    plain: list[str] = []
    html: list[str] = []
    read = 0
    for part in parts:
        if read >= MAX_TEXT or (part.media_type in _NOT_WORDS and read):
            break
        if part.media_type == "text/html" or (part.media_type == "text/plain" and _looks_like_html(part)):
            html.append(html_text(part.text(MAX_TEXT)))
            read += len(html[-1])
        elif part.media_type in ("text/plain", "text/enriched") or part.media_type.startswith("multipart/"):
            plain.append(part.text(MAX_TEXT))
            read += len(plain[-1].strip())
    words = "\n\n".join(plain)
    return words if ADDRESS.search(words) or not any(html) else "\n\n".join([words, *html])


def _looks_like_html(part: Part) -> bool:
    return part.content(200).lstrip()[:9].lower() in (b"<!doctype", b"<html><he", b"<html>\n<h", b"<html><bo")


# The standard's reports ----------------------------------------------------------------------------------------------


def _standard(seen: _Seen) -> DeliveryReport | None:
    """RFC 3464: a part of its own, or its fields in the text of a system that does not know MIME."""
    if seen.statuses:
        fields = read_status("\n\n".join(map(_status_text, seen.statuses)))
    elif seen.from_system and (found := _fields_in_text(seen.lines)) is not None:
        fields = read_status(found)
    else:
        return None
    if not fields.recipients:
        return None
    entries = find_entries(seen.lines, seen.rules, not_these=_others(seen))
    recipients = [_standard_recipient(group, entries, seen) for group in fields.recipients]
    return _report("rfc3464", _with_a_recipient(recipients, entries, seen), seen, fields)


def _status_text(part: Part) -> str:
    """The fields; some systems write them as a mail in the part."""
    return part.text(_MAX_STATUS) or "\n".join(
        f"{header.name}: {header.value}" for inner in part.parts for header in inner.headers
    )


_FIELDS_IN_TEXT = re.compile(r"^[ \t]*(?:Final-Recipient|Original-Recipient)[ \t]*:", re.MULTILINE | re.IGNORECASE)


def _fields_in_text(lines: Sequence[str]) -> str | None:
    text = "\n".join(lines)
    if not _FIELDS_IN_TEXT.search(text):
        return None
    wanted = re.compile(r"\s*(?:[A-Za-z]+-)*(?:Recipient|Action|Status|Code|MTA|Date|Id|Until)\s*:|\s|$", re.IGNORECASE)
    return "\n".join(
        line.strip() if not line[:1].isspace() or ":" in line[:40] else line for line in lines if wanted.match(line)
    )


def _standard_recipient(group: RecipientFields, entries: Sequence[Entry], seen: _Seen) -> RecipientReport:
    names = {name.lower() for name in (group.final_recipient, group.original_recipient) if name}
    entry = next((entry for entry in entries if entry.recipient.lower() in names), None)
    words = group.words
    if not LETTERS.search(words):
        beside = entry.words if entry is not None else joined(seen.lines)
        words = f"{words}\n{beside}".strip()
    code, said = reply_codes(words)
    return RecipientReport(
        recipient=group.final_recipient,
        original=group.original_recipient or (entry.original if entry else None),
        action=group.action or action_of(None, seen.subject, seen.opening, seen.rules),
        code=code,
        status=_better_status(group.status, said, code),
        words=words[:_LONGEST_WORDS],
        stage=stage_of(words) or (stage_of(entry.words) if entry is not None else None),
        remote_mta=group.remote_mta,
        last_attempt=group.last_attempt,
        retried_until=group.retried_until,
    )


def _better_status(declared: str | None, said: str | None, code: int | None) -> str | None:
    """The declared status, unless the words have a better one: of the same class where the declared one says nothing
    (`5.0.0`), or of a server that refused for good what the reporting system takes for trouble of the moment."""
    if declared is None or said is None:
        return declared or said
    if declared.endswith(".0.0") and said[0] == declared[0]:
        return said
    refused = code is not None and code >= 500 and said.startswith("5") and declared.startswith("4")
    return said if refused else declared


# Reports for people --------------------------------------------------------------------------------------------------


def _written(seen: _Seen) -> DeliveryReport | None:
    """A text that the rules know, of a mail that a system has sent."""
    if not (seen.from_system or seen.null_sender) or seen.rules.refused.search(seen.opening):
        return None
    if seen.null_sender is False and seen.rules.forwarded.search(plain_line(seen.subject)):
        return None  # a postmaster who answers or passes on as a person
    # Under any From a text that begins with a system's own words is the system's; one that quotes them is not.
    opening = seen.opening if seen.from_system else opening_words(seen.lines, limit=1)
    form = find_form(seen.subject, opening, from_system=seen.from_system, receipt=seen.receipt, rules=seen.rules)
    if form is None:
        return None
    entries = find_entries(seen.lines, seen.rules, not_these=_others(seen))
    failed = _failed_recipients(seen)
    if failed:
        by_name = {entry.recipient.lower(): entry for entry in entries}
        entries = [by_name.get(name.lower()) or Entry(recipient=name, original=None, words="") for name in failed]
    action = action_of(form, seen.subject, seen.opening, seen.rules)
    everything = joined(seen.lines)
    recipients = [_written_recipient(entry, action, everything, alone=len(entries) == 1) for entry in entries]
    if not recipients:
        nobody = Entry(recipient="", original=None, words=everything)
        recipients = _with_a_recipient([_written_recipient(nobody, action, everything, alone=True)], entries, seen)
    if recipients[0].recipient is None and seen.returned is None and not _surely_reports(seen):
        return None
    return _report(form.name, recipients, seen, None)


def _surely_reports(seen: _Seen) -> bool:
    """Whether a mail that names nobody and returns nothing is a report nevertheless: its subject says so, and its
    envelope's sender does not deny it. Systems use the words for other things, too, and so does who poses as one."""
    return seen.null_sender is not False and subject_fits(seen.subject, seen.rules)


def _written_recipient(entry: Entry, action: ReportAction, everything: str, *, alone: bool) -> RecipientReport:
    words = entry.words
    code, status = reply_codes(words)
    if alone and code is None and status is None:
        code, status = reply_codes(everything)
        if code or status or not _says_something(words):
            words = everything
    return RecipientReport(
        recipient=entry.recipient or None,
        original=entry.original,
        action=action,
        code=code,
        status=status,
        words=(words or everything)[:_LONGEST_WORDS],
        stage=stage_of(words),
        remote_mta=host_of(words),
        last_attempt=None,
        retried_until=None,
    )


def _says_something(words: str) -> bool:
    """Whether there is more than an address."""
    return len(LETTERS.findall(ADDRESS.sub("", words))) > 2


def _enclosed(seen: _Seen) -> DeliveryReport | None:
    """A report that a filter has put into a mail of its own, under the system's name, with its notice beside it."""
    if not seen.from_system:
        return None
    inner = next((part.parts[0] for part in seen.root.parts if part.media_type in MAIL_TYPES and part.parts), None)
    if inner is None and "multipart/report" in seen.copy:
        inner = read_mail(copied_mail(seen.copy)).root
    if inner is None or inner.media_type != "multipart/report":
        return None
    enclosed = _look_at(inner, seen.rules, null_sender=True)
    return _standard(enclosed) if enclosed is not None and enclosed.from_system else None


# What both need ------------------------------------------------------------------------------------------------------


def _report(
    form: str, recipients: Sequence[RecipientReport], seen: _Seen, fields: StatusFields | None
) -> DeliveryReport:
    return DeliveryReport(
        form=form,
        recipients=tuple(recipients),
        reporting_mta=fields.reporting_mta if fields else None,
        envelope_id=fields.envelope_id if fields else None,
        arrived_at=fields.arrived_at if fields else read_date(seen.root.header("date")),
        returned=seen.returned,
    )


def _with_a_recipient(
    recipients: list[RecipientReport], entries: Sequence[Entry], seen: _Seen
) -> list[RecipientReport]:
    """The one recipient that a report does not name: the text's, or that of its header, or the only one of the returned
    mail's To, or the only one that the text mentions at all."""
    if len(recipients) != 1 or recipients[0].recipient is not None or recipients[0].original is not None:
        return recipients
    named = [entry.recipient for entry in entries] or _failed_recipients(seen)
    named = named or list(seen.returned.recipients if seen.returned else ())
    named = named or [entry.recipient for entry in find_mentioned(seen.lines, seen.rules, not_these=_others(seen))]
    return [replace(recipients[0], recipient=named[0])] if len(named) == 1 else recipients


def _failed_recipients(seen: _Seen) -> list[str]:
    """The addresses of X-Failed-Recipients, which Exim and those that follow it write."""
    return [found[0] for found in ADDRESS.finditer((seen.root.header("x-failed-recipients") or "")[:8000])]


def _others(seen: _Seen) -> frozenset[str]:
    """Addresses of a report that are no recipient: who reports, who is told, and who sent the returned mail."""
    headers = [seen.root.header(name) or "" for name in ("from", "to", "reply-to", "sender")]
    if seen.returned is not None:
        headers += [header.value for header in seen.returned.headers if header.name in _SENDER_HEADERS]
    return frozenset(found[0].lower() for value in headers for found in ADDRESS.finditer(value[:4000]))


_SENDER_HEADERS = frozenset({"from", "sender", "reply-to", "return-path"})
