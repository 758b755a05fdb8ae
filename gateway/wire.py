"""SMTP as bytes: replies read from a stream, contents and commands made ready to leave (RFC 5321). No I/O.

Replies come in any cut: half a line, ten replies in one packet. Nothing is assumed of them but RFC 5321 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial

from gateway.mail.response import Response, Stage

MAX_REPLY = 64 * 1024
"""Bytes of one reply, all lines together: a real one has some hundred; an endless one must not eat the memory."""

KEPT_OF_UNREADABLE = 4096
"""Characters kept of what could not be read as a reply; no server's words are cut below that."""

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT_LINE = re.compile(rb"\n\.")  # half the time of `in`, measured on 8 KiB of HTML


class UnreadableReply(Exception):
    """What came is no SMTP reply, or never ends. `words` are its first 4 KiB."""

    def __init__(self, why: str, raw: bytes) -> None:
        super().__init__(why)
        self.why = why
        self.words = readable(raw[:KEPT_OF_UNREADABLE])


class ReplyReader:
    """Cuts a server's stream into whole replies. Holds at most `MAX_REPLY` bytes of an unfinished one."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    @property
    def unfinished(self) -> bytes:
        """What came of a reply that is not whole yet."""
        return self._rest

    def forget(self) -> None:
        """Drop what is unfinished (RFC 3207 section 6: nothing from before TLS counts after it)."""
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The replies that are whole now, each with all its lines. Raises UnreadableReply when one gets too long."""
        if self._rest:
            data = self._rest + data
        replies: list[bytes] = []
        begin = position = 0
        while (end := data.find(b"\n", position)) >= 0:
            if data[position + 3 : position + 4] != b"-":
                replies.append(data[begin : end + 1])
                begin = end + 1
            position = end + 1
        self._rest = data[begin:]
        if len(self._rest) > MAX_REPLY:
            raise UnreadableReply(f"a reply did not end within {MAX_REPLY} bytes", self._rest)
        return replies


def read_reply(raw: bytes, stage: Stage) -> Response:
    """One whole reply as a value. Raises UnreadableReply where it has no reply code.

    The last line's code counts (RFC 5321 4.2.1). Lines that carry another code keep it in the text.
    """
    lines = [line.rstrip(b"\r") for line in raw[:-1].split(b"\n")]
    code = lines[-1][:3]
    if not (len(code) == 3 and code.isdigit() and b"200" <= code <= b"599" and lines[-1][3:4] in (b"", b" ")):
        raise UnreadableReply("that is no SMTP reply", raw)
    text = readable(b"\n".join([line[4:] if line[:3] == code else line for line in lines]))
    enhanced = _ENHANCED.match(text)
    return Response(code=int(code), enhanced=enhanced[0] if enhanced else None, text=text, stage=stage)


def reply_cache(stage: Stage) -> Callable[[bytes], Response]:
    """`read_reply` for a stage at which most servers say the same to every mail: short replies are read once."""
    remember = lru_cache(maxsize=256)(partial(read_reply, stage=stage))

    def read(raw: bytes) -> Response:
        return remember(raw) if len(raw) < 128 else read_reply(raw, stage)

    return read


def readable(raw: bytes) -> str:
    """A server's words as text PostgreSQL can keep; bytes that are not UTF-8, and NUL, are shown as `\\xff`."""
    return raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def transparent(content: bytes) -> bytes:
    """A mail's content as it goes over the wire, without the final dot (RFC 5321 4.5.2).

    It ends in CRLF, and lines that start with a dot have another in front. Composed mail ends its lines with CRLF; a
    content that would start a line with a dot after a bare LF is put right first: no server may take that for its end.
    One search is all that most mails cost.
    """
    if not content.endswith(b"\r\n"):
        content = _with_line_ends(content)
    if content[:1] == b"." or _DOT_LINE.search(content):
        content = _with_line_ends(content).replace(b"\r\n.", b"\r\n..")
        if content[:1] == b".":
            content = b"." + content
    return content


def _with_line_ends(content: bytes) -> bytes:
    content = _LINE_END.sub(b"\r\n", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def mail_command(return_path: str, options: str) -> str:
    """`MAIL FROM:<...>` with its options (RFC 5321 4.1.1.2); an empty return path is the null one."""
    return f"MAIL FROM:<{return_path}>{options}\r\n"


def rcpt_command(recipient: str) -> str:
    """`RCPT TO:<...>` (RFC 5321 4.1.1.3)."""
    return f"RCPT TO:<{recipient}>\r\n"


def fits_a_command(address: str) -> bool:
    """Whether an address may stand in a command line: no control characters, or it could end the line."""
    return address.isprintable() if address.isascii() else not _CONTROL.search(address)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
