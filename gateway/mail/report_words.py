"""What the words of a delivery report say: codes, the refused command, the server, and that server's own words. Pure,
linear."""

from __future__ import annotations

import re

from gateway.mail.response import Stage

LETTERS = re.compile(r"[^\W\d_]{3}")
"""Letters enough to be part of a word."""

# A code and an enhanced code, where servers and reporting systems write them.
_REPLY = re.compile(
    r"(?<![\d.=/#-])([45]\d\d)(?!-\d{3}-\d{4})"  # no telephone number
    r"(?:[ :,-]{1,3}\s?(?:ERROR_CODE :)?[#(]?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)|(?=[ :,)\]<-]|$))",
    re.MULTILINE,
)
_ENHANCED = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_NOT_A_REPLY = re.compile(
    r"\b(?:port|size|after|for|in|id|of|than|last|attempt|error|queue)\s*[:=]?\s*$", re.IGNORECASE
)
_UNIT = re.compile(r"\s*(?:minutes?|hours?|seconds?|days?|bytes?|[kmg]b|times?|attempts?)\b", re.IGNORECASE)


def reply_codes(words: str) -> tuple[int | None, str | None]:
    """The code (RFC 5321) and enhanced code (RFC 3463) that stand in the words of a report: those of the first reply
    that has both, else the first of each."""
    code, enhanced = None, None
    for found in _REPLY.finditer(words):
        if found[2] is not None:
            return int(found[1]), found[2]
        if code is None and _is_reply(found):
            code = int(found[1])
    alone = _ENHANCED.search(words)
    if alone is not None:
        enhanced = alone[1]
        if code is not None and str(code)[0] != enhanced[0]:
            code = None
    return code, enhanced


_LINE_CODE = re.compile(r"^[45]\d\d[ -]", re.MULTILINE)


def quoted_words(words: str, recipient: str | None = None) -> str:
    """The server's own words in those of a report: behind the first code, without the codes of further lines. Where no
    code stands, or next to nothing behind it, all of them but the recipient that they start with."""
    found = next((found for found in _REPLY.finditer(words) if _is_reply(found)), None)
    behind = words[found.end(1) :].lstrip(" -:") if found is not None else ""
    if len(LETTERS.findall(behind)) > 1:
        return _LINE_CODE.sub("", behind)
    first, _, rest = words.partition(recipient) if recipient else (words, "", "")
    return rest.lstrip(" >:\"')\n") if "\n" not in first and len(LETTERS.findall(rest)) > 1 else words


def _is_reply(found: re.Match[str]) -> bool:
    """Whether a number is a reply's code: not of a port, a size, or a time."""
    near = found.string[max(0, found.start() - 12) : found.start()]
    return found[2] is not None or not (_NOT_A_REPLY.search(near) or _UNIT.match(found.string, found.end()))


_END_OF_DATA = r"end of data|after (?:i sent the message|pipelined data|data)\b|final data"
_STAGES = (
    (re.compile(_END_OF_DATA, re.IGNORECASE), Stage.END_OF_DATA),
    (re.compile(r"RCPT[ _]TO|RCPT command|does not like recipient", re.IGNORECASE), Stage.RCPT),
    (re.compile(r"MAIL FROM|sender was rejected", re.IGNORECASE), Stage.MAIL),
)


def stage_of(words: str) -> Stage | None:
    """The command that was refused, where the words of a report name one."""
    return next((stage for pattern, stage in _STAGES if pattern.search(words)), None)


_HOST = re.compile(
    r"(?:\bhost |remote host |talking to |by |from |server )\[?"
    r"((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}|\d{1,3}(?:\.\d{1,3}){3})\b",
    re.IGNORECASE,
)


def host_of(words: str) -> str | None:
    """The server that refused, where the words of a report name one; in small letters."""
    found = _HOST.search(words)
    return found[1].lower() if found else None
