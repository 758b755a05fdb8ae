"""What a person wrote anew in a reply, and the earlier mail below it. Pure, linear, never raises, by rules that are
data.

Nothing is thrown away: every line is in `text` or in `history`. A line is folded into the history only where a mail
client says that it is earlier mail: by `>` before it, by HTML, or by words that all earlier mail follows
(`gateway/rules/replies.toml`). What stands between quotes or below them is the person's own; quotes between stay in
the text, which would make no sense without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from gateway.mail.body_parts import Body, bodies
from gateway.mail.phrases import Phrases
from gateway.mail.received import KIB, MIB, Part
from gateway.mail.reply_html import HtmlMarks, Line, Mark, html_lines
from gateway.mail.report_text import plain_line

MAX_TEXT = 256 * KIB
"""Octets of a mail's text that are read and shown: a novel has twice as many. The mail itself is kept whole."""
_MAX_HTML = 2 * MIB
"""Octets of HTML that are read for it: of ten, some eight are not text."""


# Compared by identity, as `gateway.mail.verdict.Rules` are.
@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReplyRules:
    """`rules/replies.toml`. Phrases are searched in `plain_line`s; labels are the names of header lines in small
    letters."""

    separators: Phrases
    forwards: Phrases
    attributions: Phrases
    attribution_lines: Phrases
    mobile: Phrases
    below: Phrases
    from_labels: frozenset[str]
    subject_labels: frozenset[str]
    other_labels: frozenset[str]
    html: HtmlMarks


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The text of a received mail: `text` is new, `history` folded (earlier mail, signatures), `whole` both in their
    order, as plain text. `cut` says that the mail has more than `MAX_TEXT`."""

    text: str
    history: str
    whole: str
    cut: bool


def read_reply(root: Part, rules: ReplyRules) -> Reply:
    """Read the text of a mail. Where its plain text shows no earlier mail and its HTML does, the HTML is read."""
    found = bodies(root)
    reply = _read(found, rules, prefer_html=False)
    if not reply.history and any(body.plain and body.html for body in found):
        other = _read(found, rules, prefer_html=True)
        return other if other.history else reply
    return reply


def _read(found: Sequence[Body], rules: ReplyRules, *, prefer_html: bool) -> Reply:
    lines: list[Line] = []
    cut, plain_left, html_left = False, MAX_TEXT, _MAX_HTML
    for body in found:
        html = body.html if body.html and (prefer_html or not _has_text(body.plain)) else None
        part = html or body.plain
        if part is None:
            continue
        left = html_left if html else plain_left
        text = part.text(left)
        cut = cut or (len(part.body) > left and len(part.content(left + 1)) > left)
        if html:
            html_left = max(0, html_left - len(part.body))
            lines += html_lines(text, rules.html, MAX_TEXT)
        else:
            plain_left = max(0, plain_left - len(part.body))
            lines += [Line(text=line.rstrip()) for line in text.split("\n")]
    lines, too_long = _within(lines, MAX_TEXT)
    text, history = fold(lines, rules)
    return Reply(text=text, history=history, whole=_joined(line.text for line in lines), cut=cut or too_long)


def _has_text(part: Part | None) -> bool:
    return part is not None and bool(part.text(64 * KIB).strip())


def _within(lines: list[Line], limit: int) -> tuple[list[Line], bool]:
    """The lines that `limit` octets hold; the last may be cut."""
    left = limit
    for number, line in enumerate(lines):
        octets = line.text.encode("utf-8", "replace")
        if len(octets) > left:
            rest = Line(text=octets[:left].decode("utf-8", "ignore"), mark=line.mark)
            return [*lines[:number], rest], True
        left -= len(octets) + 1
    return lines, False


class _Kind(Enum):
    """What a line is. QUOTE is marked line by line, HISTORY by words or HTML, so that an answer within it is not told
    apart."""

    BLANK = auto()
    OWN = auto()
    SIGNATURE = auto()
    QUOTE = auto()
    HISTORY = auto()


_EARLIER = frozenset({_Kind.QUOTE, _Kind.HISTORY})


def fold(lines: Sequence[Line], rules: ReplyRules) -> tuple[str, str]:
    """Returns the new text of some lines and what is folded; together they have every line that is not empty."""
    kinds = _kinds(lines, rules)
    _find_signatures(lines, kinds, rules)
    folded = _folded(lines, kinds, rules)
    return (
        _joined(line.text for line, hidden in zip(lines, folded, strict=True) if not hidden),
        _joined(line.text for line, hidden in zip(lines, folded, strict=True) if hidden),
    )


def _folded(lines: Sequence[Line], kinds: Sequence[_Kind], rules: ReplyRules) -> list[bool]:
    own = [number for number, kind in enumerate(kinds) if kind is _Kind.OWN]
    if not own:
        # A forwarded mail, an answer within what looks like history, a signature alone: better shown than hidden.
        return [_Kind.QUOTE in kinds and _Kind.HISTORY not in kinds] * len(lines)
    first, last = own[0], own[-1]
    between = any(kind in _EARLIER for kind in kinds[first:last])
    answers_below = _Kind.HISTORY in kinds and any(rules.below.search(plain_line(lines[number].text)) for number in own)
    hidden = {_Kind.SIGNATURE, _Kind.QUOTE} if answers_below else {_Kind.SIGNATURE, *_EARLIER}
    return [
        kind in hidden and (kind is _Kind.SIGNATURE or number > last or (number < first and not between))
        for number, kind in _without_blanks(kinds)
    ]


def _without_blanks(kinds: Sequence[_Kind]) -> Iterable[tuple[int, _Kind]]:
    """Yields every line's number and kind; an empty one is what stands before it."""
    before = _Kind.OWN
    for number, kind in enumerate(kinds):
        before = before if kind is _Kind.BLANK else kind
        yield number, before


def _joined(lines: Iterable[str]) -> str:
    """Lines as one text, never more than two empty ones in a row, none at the ends."""
    kept: list[str] = []
    for line in lines:
        if line or (kept[-1:] and (kept[-1] or (len(kept) > 1 and kept[-2]))):
            kept.append(line)
    return "\n".join(kept).strip("\n")


_QUOTED = re.compile(r"\s{0,3}[>\uff1e](?!From )")


def _kinds(lines: Sequence[Line], rules: ReplyRules) -> list[_Kind]:
    kinds: list[_Kind] = []
    while len(kinds) < len(lines):
        line = lines[len(kinds)]
        if not line.text.strip():
            kinds.append(_Kind.BLANK)
        elif line.mark is Mark.HISTORY:
            kinds.append(_Kind.HISTORY)
        elif _QUOTED.match(line.text):
            kinds.append(_Kind.QUOTE)
        else:
            _add_start_of_history(kinds, lines, rules)
    return kinds


def _add_start_of_history(kinds: list[_Kind], lines: Sequence[Line], rules: ReplyRules) -> None:
    """Add the kind of the next line, or of all that it starts: a head of earlier mail, and what follows it."""
    at = len(kinds)
    head = _head(lines, at, rules)
    if head is None:
        kinds.append(_Kind.OWN)
        return
    quoted = _quote_follows(lines, head.end)
    if quoted and not head.forwards:
        kinds += [_Kind.QUOTE] * (head.end - at)
    elif head.sure:
        rest = lines[at:]
        kinds += [_Kind.HISTORY if line.text.strip() else _Kind.BLANK for line in rest]
    else:
        kinds.append(_Kind.OWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Head:
    """Lines that introduce earlier mail, up to `end`. `sure`: also where what follows is not marked as quoted."""

    end: int
    sure: bool
    forwards: bool = False


def _quote_follows(lines: Sequence[Line], at: int) -> bool:
    following = next((line for line in lines[at : at + 3] if line.text.strip()), None)
    return following is not None and _QUOTED.match(following.text) is not None


def _head(lines: Sequence[Line], at: int, rules: ReplyRules) -> _Head | None:
    line = lines[at]
    plain = plain_line(line.text)
    if line.mark is Mark.ATTRIBUTION:
        end = next((number for number in range(at, at + 4) if not _has_mark(lines, number)), at + 4)
        return _Head(end=end, sure=_names_mail(plain))
    long_enough = len(plain) >= _SHORTEST_HEAD
    forwards = long_enough and rules.forwards.search(plain)
    if forwards or (long_enough and rules.separators.search(plain)):
        following = next((at + n for n in (1, 2) if at + n < len(lines) and lines[at + n].text.strip()), at + 1)
        return _Head(end=_end_of_block(lines, following, rules) or at + 1, sure=True, forwards=forwards)
    below = at + 1 if _RULE.fullmatch(plain) else at
    block = _end_of_block(lines, below, rules)
    return _Head(end=block, sure=True) if block else _attribution(lines, at, rules)


_SHORTEST_HEAD = 10
"""Characters of a line that introduces earlier mail ("Ann wrote:"): a text of very short lines is not searched."""
_RULE = re.compile(r"[_-]{5,200}")


def _has_mark(lines: Sequence[Line], number: int) -> bool:
    return number < len(lines) and lines[number].mark is Mark.ATTRIBUTION


_LABEL = re.compile(r"\s{0,3}[*_]{0,2}([^\W\d_][^\W\d_ ]{0,20}(?: [^\W\d_]{1,12}){0,2})\s?[*_]{0,2}\s?[:\uff1a]")
_BLOCK_LINES = 12
"""Lines of a block of headers: long lists of recipients are wrapped."""


def _end_of_block(lines: Sequence[Line], at: int, rules: ReplyRules) -> int | None:
    """Where a block of header lines ends that starts here with From; None where none does. Travellers write From, To
    and Date, too: a subject or an address must be there."""
    if _label(lines, at) not in rules.from_labels:
        return None
    end, others, is_mail = at + 1, 0, "@" in lines[at].text
    for number in range(at + 1, min(at + _BLOCK_LINES, len(lines))):
        label = _label(lines, number)
        if not lines[number].text.strip():
            break
        if label in rules.subject_labels or label in rules.other_labels:
            others += 1
            end = number + 1
            is_mail = is_mail or label in rules.subject_labels or "@" in lines[number].text
    return end if others > 1 and is_mail else None


def _label(lines: Sequence[Line], at: int) -> str | None:
    found = _LABEL.match(lines[at].text) if at < len(lines) else None
    return found[1].lower() if found else None


_WRAPPED = 3
"""Lines over which an attribution may go: clients wrap it at 72 characters."""
_LONGEST_LINE = 300
"""Characters of one of its lines: a long name, a long address, a date."""
_COLONS = (":", "\uff1a")


def _attribution(lines: Sequence[Line], at: int, rules: ReplyRules) -> _Head | None:
    """Lines such as "On Monday at 10:00, Ann wrote:"."""
    for end in range(at + 1, min(at + _WRAPPED, len(lines)) + 1):
        last = lines[end - 1].text.strip()
        if not last or len(last) > _LONGEST_LINE or _QUOTED.match(last):
            return None
        if last.endswith(_COLONS):
            plain = plain_line(" ".join(line.text.strip() for line in lines[at:end]))
            alone = end == at + 1
            if len(plain) < _SHORTEST_HEAD:
                continue
            if rules.attributions.search(plain) or (alone and rules.attribution_lines.search(plain)):
                return _Head(end=end, sure=_names_mail(plain))
            if alone and _names_mail(plain) and _quote_follows(lines, end):
                return _Head(end=end, sure=False)  # in a language that the rules do not know
    return None


_TIME = re.compile(r"\d[:.h]\s?\d\d")


def _names_mail(plain: str) -> bool:
    """Whether a line says when or by which address a mail was written: only a mail client does."""
    return "@" in plain or _TIME.search(plain) is not None


_MAX_SIGNATURE = 15
"""Lines of a signature: with postal address, register and disclaimer. More is text."""
_MAX_MOBILE = 3
"""Lines such as "Sent from my iPhone" in a row: of the device and of an app."""


def _find_signatures(lines: Sequence[Line], kinds: list[_Kind], rules: ReplyRules) -> None:
    """Mark what stands at the end of each of the person's own passages, and is no text."""
    end = len(kinds)
    while end > 0:
        start = end
        while start > 0 and kinds[start - 1] in (_Kind.OWN, _Kind.BLANK):
            start -= 1
        if start < end:
            _mark_signature(lines, kinds, range(start, end), rules)
        end = start - 1 if start == end else start


def _mark_signature(lines: Sequence[Line], kinds: list[_Kind], passage: range, rules: ReplyRules) -> None:
    written = [number for number in passage if kinds[number] is _Kind.OWN]
    delimiters = [place for place, number in enumerate(written) if lines[number].text.strip() == "--"]
    begins = next((place for place in delimiters if len(written) - place <= _MAX_SIGNATURE), len(written))
    for number in written[begins:]:
        kinds[number] = _Kind.SIGNATURE
    for number in reversed(written[max(0, begins - _MAX_MOBILE) : begins]):
        if not rules.mobile.search(plain_line(lines[number].text)):
            break
        kinds[number] = _Kind.SIGNATURE
