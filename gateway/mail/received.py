"""Received mail as a tree of parts (RFC 5322, 2045 to 2047, 2231), from bytes of any kind. Pure, bounded, never raises.

The standard library's parser is not used: it keeps every header of a flood, recurses as deep as a mail nests, and takes
time in the square of the length for some headers. This one reads the bytes once. Every limit in `Limits` has its
reason; what was cut is told (`MailTree.cuts`), and the bytes themselves are kept elsewhere, whole.

Damaged mail gives what can be read: a boundary that is missing is guessed from the first line that looks like one,
parts that never end, end with the mail, and a multipart without parts is a part with a body.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.mail.charset import decode
from gateway.mail.header_words import decode_words, parameters, plain_header

KIB = 1024
MIB = 1024 * KIB


class Cut(StrEnum):
    """What was left out of a tree because a limit was met."""

    HEADERS = "HEADERS"
    HEADER_LENGTH = "HEADER_LENGTH"
    PARTS = "PARTS"
    DEPTH = "DEPTH"
    ENCODED_MAIL = "ENCODED_MAIL"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much of a mail is read. Real mail stays far below each."""

    headers: int = 4000
    """Headers of all parts: a long journey has 100, a mail with 300 attachments 1,000; a flood would fill the
    memory."""
    header_length: int = 16 * KIB
    """Octets of one header: a To of 400 addresses; ARC and DKIM have under 4 KiB."""
    parts: int = 1000
    """Parts, the mails within the mail too: a digest of a busy list has some hundred."""
    depth: int = 20
    """Parts within parts: a bounce of a forwarded, signed newsletter has 8."""
    encoded_mail: int = 8 * MIB
    """Octets decoded of mails within the mail that came in base64 or quoted-printable, together (RFC 2046 5.2.1 forbids
    it, some systems do it): each is one more copy in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """One header: its name in small letters, its value unfolded and without encoded words. `written` is the value with
    them: addresses must be read before words are decoded, since a decoded name may look like an address (RFC 2047
    6.2). `label` is the name as it was written."""

    name: str
    value: str
    written: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of a mail. `media_type` is in small letters (`text/plain` when the part does not say), `body` its octets
    as they came: empty for a multipart and a mail within the mail (message/rfc822), whose content are `parts`. `span`
    is where its content, parts and all, starts and ends in the bytes that it was read from: of a part within a mail
    that came encoded, in what that encoding held."""

    headers: tuple[Header, ...]
    media_type: str
    parameters: dict[str, str]
    encoding: str
    body: bytes
    parts: tuple[Part, ...]
    span: tuple[int, int]

    def header(self, name: str) -> str | None:
        """The first header of this name (small letters), None without one."""
        return next((header.value for header in self.headers if header.name == name), None)

    def all_headers(self, name: str) -> list[str]:
        """Every header of this name (small letters)."""
        return [header.value for header in self.headers if header.name == name]

    @property
    def file_name(self) -> str | None:
        """What the sender calls the file (RFC 2183, or the older `name`); None when it has no name. Not checked."""
        found = parameters(self.header("content-disposition") or "").get("filename")
        return found or self.parameters.get("name") or None

    @property
    def attached(self) -> bool:
        """Whether its sender marks it as an attachment (RFC 2183)."""
        return (self.header("content-disposition") or "").lower().lstrip().startswith("attachment")

    def content(self, limit: int) -> bytes:
        """Returns its octets without the transfer encoding, at most `limit`."""
        return _without_encoding(self.body, self.encoding, limit)

    def whole(self, raw: bytes) -> bytes:
        """Returns all of its octets without the transfer encoding, also of a multipart or a mail within the mail. `raw`
        are the bytes that it was read from."""
        start, end = self.span
        return _without_encoding(raw[start:end], self.encoding, end - start)

    def text(self, limit: int) -> str:
        """Returns its text of at most `limit` octets, lines ended by \\n, whatever charset it claims."""
        text = decode(self.content(limit), self.parameters.get("charset"))
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")

    def walk(self, *, into_mails: bool) -> Iterator[Part]:
        """Yields the part and all below it in order; with `into_mails` also what is within the mails within it."""
        yield self
        if into_mails or self.media_type not in MAIL_TYPES:
            for part in self.parts:
                yield from part.walk(into_mails=into_mails)


MAIL_TYPES = frozenset({"message/rfc822", "message/global"})
"""Parts that are a whole mail (RFC 2046 5.2.1, RFC 6532)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailTree:
    """A received mail: its outermost part, and what its limits cut off."""

    root: Part
    cuts: frozenset[Cut]


def read_mail(raw: bytes, limits: Limits | None = None) -> MailTree:
    """Read a mail. Never raises; time and memory are linear in the length of `raw`."""
    budget = _Budget(limits=limits or Limits())
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")  # the line ends of old Macs
    root = _Scan(raw, budget, depth=0).tree()
    return MailTree(root=root, cuts=frozenset(budget.cuts))


@dataclass(slots=True)
class _Budget:
    """What may still be read of a mail, all its parts together."""

    limits: Limits
    headers: int = 0
    parts: int = 0
    encoded_mail: int = 0
    cuts: set[Cut] = field(default_factory=set)

    def part(self) -> bool:
        """Whether there may be one more part."""
        if self.parts >= self.limits.parts:
            self.cuts.add(Cut.PARTS)
            return False
        self.parts += 1
        return True


@dataclass(slots=True)
class _Open:
    """A part whose end was not seen yet. `boundary` is a multipart's own; `at` is where its body starts."""

    headers: tuple[Header, ...]
    media_type: str
    parameters: dict[str, str]
    encoding: str
    at: int
    boundary: bytes | None = None
    closed: bool = False
    parts: list[Part] = field(default_factory=list)


class _Scan:
    """One pass over a mail's bytes. The parts that are open form a stack; the next line that has one of their
    boundaries ends or starts a part."""

    def __init__(self, raw: bytes, budget: _Budget, depth: int) -> None:
        self._raw = raw
        self._budget = budget
        self._depth = depth
        self._stack: list[_Open] = []

    def tree(self) -> Part:
        self._open(0)
        at = self._stack[-1].at
        while (line := self._next_delimiter(at)) is not None:
            at = line.end()
            level = self._level_of(line["boundary"])
            self._close_above(level, _before_line_end(self._raw, line.start()))
            self._stack[level].closed = line["last"] is not None
            if line["last"] is None:
                if not self._budget.part():
                    break  # nobody reads what a flood of parts still holds
                self._open(min(at + 1, len(self._raw)))
                at = max(at, self._stack[-1].at - 1)
        self._close_above(0, len(self._raw))
        return self._made(self._stack.pop(), len(self._raw))

    def _next_delimiter(self, at: int) -> re.Match[bytes] | None:
        """The next line that delimits a multipart which is open (RFC 2046 5.1.1)."""
        boundaries = [re.escape(opened.boundary) for opened in self._stack if opened.boundary and not opened.closed]
        if not boundaries:
            return None
        # The search must run in C: a mail may have millions of lines that start so. `re` remembers the expression.
        either = b"|".join(dict.fromkeys(boundaries))
        return re.compile(rb"^--(?P<boundary>" + either + rb")(?P<last>--)?[ \t\r]*$", re.MULTILINE).search(
            self._raw, at
        )

    def _level_of(self, boundary: bytes) -> int:
        """The innermost multipart that is open and has this boundary."""
        levels = range(len(self._stack) - 1, -1, -1)
        return next(at for at in levels if self._stack[at].boundary == boundary and not self._stack[at].closed)

    def _close_above(self, level: int, end: int) -> None:
        while len(self._stack) > level + 1:
            part = self._made(self._stack.pop(), end)
            self._stack[-1].parts.append(part)

    def _open(self, at: int) -> None:
        """Put the part that starts here on the stack, and with it the mail that it may hold."""
        while True:
            opened = self._read_head(at)
            self._stack.append(opened)
            deep = self._depth + len(self._stack) > self._budget.limits.depth
            if deep and (opened.media_type.startswith("multipart/") or opened.media_type in MAIL_TYPES):
                self._budget.cuts.add(Cut.DEPTH)
                return
            if opened.media_type.startswith("multipart/"):
                opened.boundary = self._boundary(opened)
                return
            if opened.media_type not in MAIL_TYPES or opened.encoding in _ENCODED or not self._budget.part():
                return
            at = opened.at

    def _boundary(self, opened: _Open) -> bytes | None:
        declared = opened.parameters.get("boundary", "").rstrip()
        if declared:
            return declared.encode("utf-8", "surrogateescape")
        guessed = _FIRST_DELIMITER.match(self._raw, opened.at)
        return guessed[1].rstrip() if guessed else None

    def _made(self, opened: _Open, end: int) -> Part:
        parts = tuple(opened.parts)
        body = b"" if parts else self._raw[opened.at : max(end, opened.at)]
        if opened.media_type in MAIL_TYPES and opened.encoding in _ENCODED:
            parts, body = self._encoded_mail(opened, body)
        return Part(
            headers=opened.headers,
            media_type=opened.media_type,
            parameters=opened.parameters,
            encoding=opened.encoding,
            body=body,
            parts=parts,
            span=(opened.at, max(end, opened.at)),
        )

    def _encoded_mail(self, opened: _Open, body: bytes) -> tuple[tuple[Part, ...], bytes]:
        """The mail within a part that came in base64 or quoted-printable."""
        budget = self._budget
        depth = self._depth + len(self._stack) + 1
        if depth >= budget.limits.depth:
            budget.cuts.add(Cut.DEPTH)
            return (), body
        left = budget.limits.encoded_mail - budget.encoded_mail
        content = _without_encoding(body, opened.encoding, left + 1)
        if len(content) > left:
            budget.cuts.add(Cut.ENCODED_MAIL)
            return (), body
        budget.encoded_mail += len(content)
        if not budget.part():
            return (), body
        return (_Scan(content, budget, depth).tree(),), b""

    def _read_head(self, at: int) -> _Open:
        headers, at = _read_headers(self._raw, at, self._budget)
        declared = next((header.value for header in headers if header.name == "content-type"), "")
        transfer = next((header.value for header in headers if header.name == "content-transfer-encoding"), "")
        media_type = declared.partition(";")[0].strip().lower()
        if not _MEDIA_TYPE.fullmatch(media_type):
            media_type = "text/plain"
        return _Open(
            headers=headers,
            media_type=media_type,
            parameters=parameters(declared),
            encoding=transfer.partition(";")[0].strip().lower(),
            at=at,
        )


_FIRST_DELIMITER = re.compile(rb"(?:[ \t\r]*\n){0,4}--([^\s\n][^\n]{0,200})\n")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_ENCODED = frozenset({"base64", "quoted-printable"})


def _before_line_end(raw: bytes, at: int) -> int:
    """Where the line before `at` ends: its line end belongs to the delimiter (RFC 2046 5.1.1)."""
    if at > 0 and raw[at - 1] == 0x0A:
        at -= 1
    return at - 1 if at > 0 and raw[at - 1] == 0x0D else at


# One header with its folded lines, the start of an mbox, or anything else, which ends the headers.
_HEADER = re.compile(rb"([!-9;-~]{1,100})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_MBOX = re.compile(rb">?From [^\n]*(?:\n|\Z)")
_BLANK = re.compile(rb"[ \t]*\r?(?:\n|\Z)")
_END_OF_HEADERS = re.compile(rb"\n[ \t]*\r?\n")


def read_headers(raw: bytes, limits: Limits | None = None) -> tuple[Header, ...]:
    """The headers at the start of some bytes (text/rfc822-headers, or a mail quoted in a report). Never raises."""
    return _read_headers(raw, 0, _Budget(limits=limits or Limits()))[0]


def _read_headers(raw: bytes, at: int, budget: _Budget) -> tuple[tuple[Header, ...], int]:
    """The headers that start here, and where the body does."""
    headers: list[Header] = []
    mbox = _MBOX.match(raw, at)
    if mbox is not None:
        at = mbox.end()
    while (found := _HEADER.match(raw, at)) is not None:
        if budget.headers >= budget.limits.headers:
            budget.cuts.add(Cut.HEADERS)
            end = _END_OF_HEADERS.search(raw, at)
            return tuple(headers), end.end() if end else len(raw)
        budget.headers += 1
        headers.append(_header(found, budget))
        at = found.end()
    blank = _BLANK.match(raw, at)
    return tuple(headers), blank.end() if blank else at


def _header(found: re.Match[bytes], budget: _Budget) -> Header:
    start, end = found.span(2)
    longest = budget.limits.header_length
    if end - start > longest:
        budget.cuts.add(Cut.HEADER_LENGTH)
        end = start + longest
    value = plain_header(found.string[start:end])
    label = found[1].decode("ascii")
    return Header(name=label.lower(), value=decode_words(value), written=value, label=label)


def _without_encoding(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding == "base64":
        return _from_base64(body[: limit * 3 // 2 + 4])[:limit]
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body[: limit * 4])[:limit]
    return body[:limit]


_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


def _from_base64(body: bytes) -> bytes:
    """What base64 holds, whatever stands between and however it is cut. Padding in the middle ends what it is there
    for: some systems encode line by line."""
    pieces = []
    for piece in _PADDING.split(body, maxsplit=_MAX_PIECES):
        clean = piece.translate(None, _NOT_BASE64)
        whole = clean[:-1] if len(clean) % 4 == 1 else clean
        pieces.append(binascii.a2b_base64(whole + b"=" * (-len(whole) % 4)))
    return b"".join(pieces)


_PADDING = re.compile(rb"=+\s*")
_MAX_PIECES = 10_000
"""Pieces of base64 that are padded on their own: lines of 76 characters of half a megabyte."""
