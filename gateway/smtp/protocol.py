"""SMTP as bytes: replies read from a stream, contents and commands made ready to leave (RFC 5321). No I/O.

Replies come in any cut: half a line, ten replies in one packet. Nothing is assumed of them but RFC 5321 4.2.
"""

from __future__ import annotations

import re
from functools import lru_cache

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

    __slots__ = ("_lines", "_rest")

    def __init__(self) -> None:
        self._lines = b""
        self._rest = b""

    @property
    def unfinished(self) -> bytes:
        """What came of a reply that is not whole yet."""
        return self._lines + self._rest

    def feed(self, data: bytes) -> list[bytes]:
        """The replies that are whole now, without their last line feed. Raises UnreadableReply when one gets too long.

        A line with a hyphen after its code is not its reply's last (RFC 5321 4.2.1).
        """
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        replies: list[bytes] = []
        for line in lines:
            if line[3:4] == b"-":
                self._lines += line + b"\n"
            elif self._lines:
                replies.append(self._lines + line)
                self._lines = b""
            else:
                replies.append(line)
        if len(self._rest) + len(self._lines) > MAX_REPLY:
            raise UnreadableReply(f"a reply did not end within {MAX_REPLY} bytes", self.unfinished)
        if len(data) > MAX_REPLY and max(map(len, replies), default=0) > MAX_REPLY:
            raise UnreadableReply(f"a reply has more than {MAX_REPLY} bytes", max(replies, key=len))
        return replies


_CODES = {b"%d" % code: code for code in range(200, 600)}


def read_reply(raw: bytes, stage: Stage) -> Response:
    """One whole reply as a value. Raises UnreadableReply where it has no reply code.

    The last line's code counts (RFC 5321 4.2.1). Lines that carry another code keep it in the text.
    """
    words = raw.rstrip(b"\r")
    if b"\n" in words:
        lines = [line.rstrip(b"\r") for line in raw.split(b"\n")]
        mark, after = lines[-1][:3], lines[-1][3:4]
        words = b"\n".join([line[4:] if line[:3] == mark else line for line in lines])
    else:
        mark, after, words = words[:3], words[3:4], words[4:]
    code = _CODES.get(mark)
    if code is None or (after != b" " and after):
        raise UnreadableReply("that is no SMTP reply", raw)
    text = readable(words)
    return Response(code=code, enhanced=_enhanced(text[:10]), text=text, stage=stage)


@lru_cache(maxsize=1024)
def _enhanced(beginning: str) -> str | None:
    """The RFC 3463 code that ten characters begin with (`5.123.123` and a blank): few differ, so each is read once."""
    match = _ENHANCED.match(beginning)
    return match[0] if match else None


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


def mail_command(return_path: str, options: str) -> bytes:
    """`MAIL FROM:<...>` with its options (RFC 5321 4.1.1.2); an empty return path is the null one."""
    return f"MAIL FROM:<{return_path}>{options}\r\n".encode()


def rcpt_command(recipient: str) -> bytes:
    """`RCPT TO:<...>` (RFC 5321 4.1.1.3)."""
    return f"RCPT TO:<{recipient}>\r\n".encode()


def all_commands(return_path: str, options: str, recipient: str) -> bytes:
    """MAIL, RCPT and DATA at once (RFC 2920 3.1)."""
    return f"MAIL FROM:<{return_path}>{options}\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()


def fits_a_command(address: str) -> bool:
    """Whether an address may stand in a command line: no control characters, or it could end the line."""
    return address.isprintable() if address.isascii() else not _CONTROL.search(address)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
