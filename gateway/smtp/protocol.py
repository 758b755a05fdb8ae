"""SMTP as bytes: parses replies, encodes content and commands (RFC 5321). No I/O.

Replies arrive in pieces of any size: half a line, ten replies in one packet. Only RFC 5321 4.2 is assumed of them.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from gateway.mail.response import Response, Stage

MAX_REPLY = 64 * 1024
"""Bytes of one reply, all lines together: real ones have some hundred; an endless one must not fill the memory."""

MAX_SHOWN = 4096
"""Characters shown of what could not be parsed as a reply."""

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT_LINE = re.compile(rb"\n\.")  # half the time of `in`, measured on 8 KiB of HTML


class UnreadableReply(Exception):
    """What arrived is no SMTP reply, or never ends. `text` is its first 4 KiB."""

    def __init__(self, why: str, raw: bytes) -> None:
        super().__init__(why)
        self.why = why
        self.text = as_text(raw)[:MAX_SHOWN]


class ReplyReader:
    """Splits a server's stream into replies. Buffers at most `MAX_REPLY` bytes of an unfinished one.

    `fault`: a reply that is too long has arrived, and nothing behind it can be read. Those before it count: they may be
    another mail's.
    """

    __slots__ = ("_lines", "_rest", "fault")

    def __init__(self) -> None:
        self.fault: UnreadableReply | None = None
        self._lines = b""
        self._rest = b""

    @property
    def unfinished(self) -> bytes:
        """The bytes of a reply that is not complete yet."""
        return self._lines + self._rest

    def feed(self, data: bytes) -> list[bytes]:
        """Returns the replies that are complete now, without the last line feed; those before a `fault`.

        A line with a hyphen after its code is not the last of its reply (RFC 5321 4.2.1).
        """
        size = len(self._lines) + len(self._rest) + len(data)
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
            self.fault = UnreadableReply(f"a reply did not end within {MAX_REPLY} bytes", self.unfinished)
        if size > MAX_REPLY and max(map(len, replies), default=0) > MAX_REPLY:
            number, long = next((n, reply) for n, reply in enumerate(replies) if len(reply) > MAX_REPLY)
            self.fault = UnreadableReply(f"a reply has more than {MAX_REPLY} bytes", long)
            del replies[number:]
        return replies


_CODES = {b"%d" % code: code for code in range(200, 600)}


def read_reply(raw: bytes, stage: Stage) -> Response:
    """Returns one complete reply, parsed. Raises UnreadableReply where it has no reply code.

    The last line's code counts (RFC 5321 4.2.1). Lines with another code keep it in the text.
    """
    words = raw.rstrip(b"\r")
    if b"\n" in words:
        lines = [line.rstrip(b"\r") for line in raw.split(b"\n")]
        code_digits, after = lines[-1][:3], lines[-1][3:4]
        words = b"\n".join([line[4:] if line[:3] == code_digits else line for line in lines])
    else:
        code_digits, after, words = words[:3], words[3:4], words[4:]
    code = _CODES.get(code_digits)
    if code is None or (after != b" " and after):
        raise UnreadableReply("that is no SMTP reply", raw)
    text = as_text(words)
    return Response(code=code, enhanced=_enhanced(text[:10]), text=text, stage=stage)


@lru_cache(maxsize=1024)
def _enhanced(beginning: str) -> str | None:
    """Returns the RFC 3463 code at the start of ten characters (`5.123.123` and a blank); cached, since few differ."""
    match = _ENHANCED.match(beginning)
    return match[0] if match else None


def as_text(raw: bytes) -> str:
    """Returns a server's bytes as text that can be stored and shown.

    Octets that are not UTF-8 are read as windows-1252, which older servers write. Controls, of terminals and of the
    direction of text, become `\\x1b`; line feed and tab stay.
    """
    text = raw.decode("utf-8", "windows-1252")
    if text.isprintable():
        return text
    return _UNSHOWN.sub(_escape, text.replace("\r\n", "\n").removesuffix("\r"))


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "backslashreplace"), error.end


codecs.register_error("windows-1252", _as_windows_1252)
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _escape(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode()


def dot_stuffed(content: bytes) -> bytes:
    """Returns a mail's content as sent, without the final dot (RFC 5321 4.5.2).

    It ends in CRLF, and lines that start with a dot get another in front. Composed mail has CRLF line ends; content
    with a dot after a bare LF gets them first, so that no server can take it for the end. Most mail costs one search.
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
    """Returns `MAIL FROM:<...>` with its options (RFC 5321 4.1.1.2); an empty return path is the null one."""
    return f"MAIL FROM:<{return_path}>{options}\r\n".encode()


def rcpt_command(recipient: str, options: str) -> bytes:
    """Returns `RCPT TO:<...>` with its options (RFC 5321 4.1.1.3)."""
    return f"RCPT TO:<{recipient}>{options}\r\n".encode()


def pipelined_commands(return_path: str, options: str, recipient: str, rcpt_options: str) -> bytes:
    """Returns MAIL, RCPT and DATA in one (RFC 2920 3.1)."""
    return f"MAIL FROM:<{return_path}>{options}\r\nRCPT TO:<{recipient}>{rcpt_options}\r\nDATA\r\n".encode()


def is_safe_in_command(address: str) -> bool:
    """Whether an address has no control character, which could end the command line."""
    return address.isprintable() if address.isascii() else not _CONTROL.search(address)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
