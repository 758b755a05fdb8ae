"""Delivery reports that are written for people: whom they name, and what they say of each. Pure, linear, by rules
that are data.

Most systems before RFC 3464, and many since, send a text with the address, the words of the server that refused, and
a copy of the mail. `gateway/rules/reports.toml` holds the words by which such texts are told from other mail, where
lists of addresses start and end, and where the copy begins. This module reads the lines in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.mail.delivery_status import ADDRESS, MAX_RECIPIENTS, ReportAction
from gateway.mail.phrases import Phrases

MAX_TEXT = 64 * 1024
"""Octets of a report's own text that are read: the copy of a mail behind it may be megabytes, the text has some
lines."""
_MAX_LINES = 1500
_LONGEST_LINE = 1000
_LONGEST_WORDS = 4096
"""Characters of what a report says of one recipient: a server's reply, and what the reporting system makes of it."""
_OPENING_LINES = 30
"""Lines, empty ones not counted, in which a report says that it is one: some begin with a paragraph in two
languages."""


# Compared by identity, as `gateway.mail.verdict.Rules` are.
@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Form:
    """One kind of report. `opening` is searched in the first lines, `subject` in the subject; what a rule does not
    name fits. `system_only`: the words are everybody's, so the mail must come from a mail system by its From.
    `receipt`: the words count in a read receipt (RFC 8098), too."""

    name: str
    opening: Phrases | None
    subject: Phrases | None
    system_only: bool
    receipt: bool
    action: ReportAction | None
    example: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReportRules:
    """`rules/reports.toml`. All phrases are searched in `plain_line`s."""

    forms: tuple[Form, ...]
    systems: Phrases
    forwarded: Phrases
    refused: Phrases
    automatic: Phrases
    delayed: Phrases
    list_starts: Phrases
    list_ends: Phrases
    copy_starts: Phrases
    labels: Phrases
    sentences: Phrases
    no_recipient: Phrases


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One recipient that a text names, and what it says of it. `original` is the address before a forwarding."""

    recipient: str
    original: str | None
    words: str


def own_lines(text: str, rules: ReportRules) -> tuple[list[str], str]:
    """The lines of a text that are the report's own, and the copy of the returned mail behind them."""
    lines = text[:MAX_TEXT].split("\n", _MAX_LINES)[:_MAX_LINES]
    announced = None
    for number in range(1, len(lines)):
        if rules.copy_starts.search(plain_line(lines[number])):
            if _headers_follow(lines, number):
                return lines[:number], "\n".join(lines[number + 1 :])
            announced = announced or number
        elif _is_copy(lines, number):
            return lines[:number], "\n".join(lines[number:])
    # No headers: a copy of something else, or a sentence about one, which may stand before the recipients.
    if announced and any(ADDRESS.search(line[:_LONGEST_LINE]) for line in lines[:announced]):
        return lines[:announced], "\n".join(lines[announced + 1 :])
    return lines, ""


def _headers_follow(lines: Sequence[str], number: int) -> bool:
    """Whether a header stands among the next lines that are not empty."""
    near = [line for line in lines[number + 1 : number + 12] if line.strip()][:4]
    return any(_HEADER.match(line) for line in near)


_HEADER = re.compile(
    r"\s*(?:received|return-path|from|to|subject|date|message-id|mime-version|content-type|dkim-signature|delivered-to"
    r"|reply-to|cc|sender|x-[a-z0-9-]{1,40}|arc-[a-z-]{1,30}|authentication-results)\s?:",
    re.IGNORECASE,
)


def _is_copy(lines: Sequence[str], number: int) -> bool:
    """Whether a mail's headers start here, without a word before them."""
    return _FIRST_HEADER.match(lines[number]) is not None and _BEFORE_COPY.match(lines[number - 1]) is not None


_FIRST_HEADER = re.compile(r"(?:Received|Return-Path|DKIM-Signature|X-Received|Delivered-To):\s?\S", re.IGNORECASE)
_BEFORE_COPY = re.compile(r"\s*$|[-=_*]{5}|>?From ")


def plain_line(line: str) -> str:
    """A line for phrases: in small letters, blanks single, its addresses a bare `@`."""
    cut = line[:_LONGEST_LINE]
    return " ".join((ADDRESS.sub("@", cut) if "@" in cut else cut).lower().split())  # a search for @ is the faster one


def opening_words(lines: Sequence[str], limit: int = _OPENING_LINES) -> str:
    """The first lines as one line of plain words; quoted ones (`>`) are somebody's earlier mail, and left out."""
    shown = [plain for line in lines if (plain := plain_line(line)) and not plain.startswith(">")]
    return " ".join(shown[:limit])


def find_form(subject: str, opening: str, *, from_system: bool, receipt: bool, rules: ReportRules) -> Form | None:
    """The first form that fits; None when this is no report. `receipt`: the mail is a read receipt."""
    subject = plain_line(subject)
    for form in rules.forms:
        if (form.system_only and not from_system) or (receipt and not form.receipt):
            continue
        if form.opening is not None and not form.opening.search(opening):
            continue
        if form.subject is not None and not form.subject.search(subject):
            continue
        return form
    return None


def subject_fits(subject: str, rules: ReportRules) -> bool:
    """Whether a subject alone would make a form fit."""
    plain = plain_line(subject)
    return any(form.subject is not None and form.subject.search(plain) for form in rules.forms)


def action_of(form: Form | None, subject: str, opening: str, rules: ReportRules) -> ReportAction:
    """What a text reports: the form's action, or DELAYED where its words say so."""
    if form is not None and form.action is not None:
        return form.action
    delayed = rules.delayed.search(plain_line(subject)) or rules.delayed.search(opening)
    return ReportAction.DELAYED if delayed else ReportAction.FAILED


def find_entries(lines: Sequence[str], rules: ReportRules, *, not_these: frozenset[str]) -> list[Entry]:
    """Whom the lines surely name as recipients: those that head a paragraph, else those of its lists; else, without
    those of `not_these` (small letters), those that its words point at, at the start of a line, or in a transcript."""
    for find in (_headings, _in_lists):
        found = list(find(lines, rules))
        if found:
            return _entries(found, lines)
    for find in (_pointed_at, _at_starts, _in_transcript):
        found = [one for one in find(lines, rules) if one[1].lower() not in not_these]
        if found:
            return _entries(found, lines)
    return []


def find_mentioned(lines: Sequence[str], rules: ReportRules, *, not_these: frozenset[str]) -> list[Entry]:
    """Any address of the lines that is not one of `not_these` (small letters): the last resort."""
    return _entries([one for one in _anywhere(lines, rules) if one[1].lower() not in not_these], lines)


_Found = tuple[int, str]
"""An address, and the number of its line."""

_BEFORE_ENTRY = re.compile(r"""[\s>*"'<(\[|•·–—-]{0,40}""")
_CODE_LINE = re.compile(r"\s*(?:<<<\s*)?[245]\d\d[ -]")


_HEADING = re.compile(r"<([^<>\s]{3,320})>(?: \(expanded from <[^<>\s]{3,320}>\))?:(?:\s|$)")


def _headings(lines: Sequence[str], rules: ReportRules) -> Iterator[_Found]:
    """`<ann@customer.example>: host mx.customer.example said: ...` at the very start of a line: Postfix, qmail,
    Yahoo."""
    for number, line in enumerate(lines):
        found = _HEADING.match(line)
        address = ADDRESS.fullmatch(found[1]) if found is not None else None
        if address is not None and not rules.no_recipient.search(plain_line(line[: found.end()] if found else "")):
            yield number, _clean(address)


def _in_lists(lines: Sequence[str], rules: ReportRules) -> Iterator[_Found]:
    """Addresses that start a line between the words that start a list and those that end it. A line that is deeper than
    the first of its list says more of the recipient above."""
    inside, indent = False, 0
    for number, line in enumerate(lines):
        plain = plain_line(line)
        if rules.list_starts.search(plain):
            inside, indent = True, _LONGEST_LINE
            last = _last_address(line)
            if last is not None and not rules.no_recipient.search(plain):
                yield number, last
            continue
        if inside and rules.list_ends.search(plain):
            inside = False
        found = _entry_address(line, rules) if inside else None
        if found is not None and _indent(line) <= indent:
            indent = _indent(line)
            yield number, found
            yield from ((number, other) for other in _joined_by_commas(line, found))


def _joined_by_commas(line: str, first: str) -> Iterator[str]:
    """Further addresses of a line that holds nothing else: `ann@customer.example, bob@customer.example`."""
    rest = line.partition(first)[2]
    if _NOTHING_ELSE.fullmatch(ADDRESS.sub("", rest[:_LONGEST_LINE])):
        yield from (_clean(found) for found in ADDRESS.finditer(rest[:_LONGEST_LINE]))


_NOTHING_ELSE = re.compile(r"[\s,;<>]*")


def _last_address(line: str) -> str | None:
    """The address that ends a line, as in `Delivery failed to: ann@customer.example`."""
    line = line[:_LONGEST_LINE].rstrip(" \t>.:'\")")
    found = list(ADDRESS.finditer(line))
    return _clean(found[-1]) if found and found[-1].end() >= len(line) - 1 else None


def _clean(found: re.Match[str]) -> str:
    """An address without the punctuation of its sentence, or the type that X.400 gateways put before it."""
    return _TYPE.sub("", found[0].rstrip(".-_"))


_TYPE = re.compile(r"^smtp=", re.IGNORECASE)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _entry_address(line: str, rules: ReportRules) -> str | None:
    """The address that a line starts with, a label before it or not."""
    found = ADDRESS.search(line[:_LONGEST_LINE])
    if found is None:
        return None
    before = line[: found.start()]
    bare = _BEFORE_ENTRY.fullmatch(before) is not None
    if not bare and not rules.labels.search(_label(before)):
        return None
    return None if bare and _SENTENCE_GOES_ON.match(line, found.end()) else _clean(found)


_SENTENCE_GOES_ON = re.compile(r",[ \t]{1,3}[^\W\d_]{2,20}[ \t]")
"""Behind an address: a sentence that a system has broken there, such as the words of a server that refused."""


def _label(before: str) -> str:
    """What stands before an address, for phrases that end with `$`."""
    return plain_line(before).rstrip(" <\"'([")


def _pointed_at(lines: Sequence[str], rules: ReportRules) -> Iterator[_Found]:
    """Addresses behind a label (`Unknown user:`) or words such as `could not be delivered to`, which may end a line."""
    pointed = False
    for number, line in enumerate(lines):
        at, found_any = 0, False
        for found in ADDRESS.finditer(line[:_LONGEST_LINE]):
            label = _label(line[at : found.start()])
            at, found_any = found.end(), True
            if rules.labels.search(label) or rules.sentences.search(label) or (pointed and not label.strip(">*- ")):
                yield number, _clean(found)
        if line.strip():
            pointed = not found_any and rules.sentences.search(_label(line))


_AFTER_ENTRY = re.compile(r"""[\s>"')\]]*(?:$|[:;,([<=-]|\.\.)""")


def _at_starts(lines: Sequence[str], rules: ReportRules) -> Iterator[_Found]:
    """Addresses that start a line anywhere, if a mark follows; a word would make it a sentence."""
    for number, line in enumerate(lines):
        found = _entry_address(line, rules)
        rest = line.partition(found)[2] if found is not None else ""
        if found is not None and _AFTER_ENTRY.match(rest) and not rules.no_recipient.search(_around(lines, number)):
            yield number, found


def _in_transcript(lines: Sequence[str], rules: ReportRules) -> Iterator[_Found]:
    """`>>> RCPT TO:<ann@customer.example>` and `550 <ann@customer.example>... User unknown`."""
    for number, line in enumerate(lines):
        plain = plain_line(line)
        refused = _CODE_LINE.match(line) is not None and ("... " in plain or ">:" in plain)
        found = ADDRESS.search(line[:_LONGEST_LINE]) if refused or "rcpt to" in plain else None
        if found is not None:
            yield number, _clean(found)


def _anywhere(lines: Sequence[str], rules: ReportRules) -> Iterator[_Found]:
    for number, line in enumerate(lines):
        found = list(ADDRESS.finditer(line[:_LONGEST_LINE])) if "@" in line else []
        if found and not rules.no_recipient.search(_near(lines, number)):
            yield from ((number, _clean(address)) for address in found)


def _near(lines: Sequence[str], number: int) -> str:
    """A line, the one before and the one behind."""
    return plain_line(" ".join(beside[:300] for beside in lines[max(0, number - 1) : number + 2]))


def _around(lines: Sequence[str], number: int) -> str:
    """A line and the one before: `please contact` may stand there."""
    return plain_line(f"{lines[number - 1][:400] if number else ''} {lines[number][:400]}")


_ORIGINAL = re.compile(
    r"(?:generated (?:from|by)|expanded from:?|originally addressed to|forwarded from|original recipient:?)\s{1,3}<?",
    re.IGNORECASE,
)


def _entries(found: Sequence[_Found], lines: Sequence[str]) -> list[Entry]:
    """One entry an address, with the lines up to the next address."""
    first: dict[str, tuple[int, str]] = {}
    for number, address in found:
        if len(first) < MAX_RECIPIENTS:
            first.setdefault(address.lower(), (number, address))
    if not first:
        return []
    starts = sorted({number for number, _ in first.values()})
    ends = dict(zip(starts, [*starts[1:], len(lines)], strict=True))
    return [_entry(address, lines[number : ends[number]], lines) for number, address in first.values()]


def _entry(address: str, own: Sequence[str], lines: Sequence[str]) -> Entry:
    words = joined(own)
    if not _SAYS_CODE.search(words):
        said = [line for line in lines if address in line and _SAYS_CODE.search(line)]
        words = joined([*own, *said]) if said else words
    origin = _ORIGINAL.search(words)
    before = ADDRESS.match(words, origin.end()) if origin is not None else None
    return Entry(recipient=address, original=_clean(before) if before is not None else None, words=words)


_SAYS_CODE = re.compile(r"(?<![\d.])[45](?:\d\d|\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")


def joined(lines: Sequence[str]) -> str:
    """Lines as the words of a report, without empty ones, cut at the limit."""
    kept, length = [], 0
    for line in lines:
        plain = " ".join(line[:_LONGEST_LINE].split())
        length += len(plain) + 1
        if length > _LONGEST_WORDS:
            break
        if plain:
            kept.append(plain)
    return "\n".join(kept)
