"""MIME entities as they are sent (RFC 2045, 2046): 7-bit, CRLF, the same bytes for the same parts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.mail.header import parameter, raw_header
from gateway.mail.quoted_printable import encode_piece

TEXT_HEADERS = 'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
HTML_HEADERS = 'Content-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'

# Files are never shown inside the mail: a type that a client might run is declared as plain octets.
_ACTIVE_TYPES = ("text/html", "application/xhtml", "image/svg", "text/xml", "application/xml", "multipart/", "message/")


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachedFile:
    """A file that goes with a letter. `name` and `media_type` were checked when it was uploaded."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """One entity: its headers, each ended by CRLF, and its body, encoded."""

    headers: str
    body: bytes

    def chunks(self, before: str) -> tuple[bytes, bytes]:
        """Returns the entity as it is sent, after `before`: a boundary line, or the mail's other headers.

        Not joined, since it may be large.
        """
        return f"{before}{self.headers}\r\n".encode(), self.body


def text_part(kind: Literal["plain", "html"], text: str) -> Entity:
    """Returns a text in quoted-printable; it must end a line."""
    headers = TEXT_HEADERS if kind == "plain" else HTML_HEADERS
    return Entity(headers=headers[:-2], body=encode_piece(text).encode("ascii"))


def calendar_part(method: str, content: bytes) -> Entity:
    """Returns a calendar as an alternative of the text (RFC 6047 2.4): clients show its buttons."""
    headers = f'Content-Type: text/calendar; charset="utf-8"; method={method}\r\n' + _BASE64
    return Entity(headers=headers, body=_base64(content))


def file_part(file: AttachedFile) -> Entity:
    """Returns a file to save, not to be shown inline."""
    media_type = "application/octet-stream" if file.media_type.startswith(_ACTIVE_TYPES) else file.media_type
    headers = (
        f"Content-Type: {media_type};\r\n{parameter('name', file.name)}\r\n{_BASE64}"
        f"Content-Disposition: attachment;\r\n{parameter('filename', file.name)}\r\n"
    )
    return Entity(headers=headers, body=_base64(file.content))


def multipart(subtype: str, boundary: str, parts: Sequence[Entity]) -> Entity:
    """Returns several entities in one. No quoted-printable or base64 body can contain the boundary's `=_`."""
    pieces = [chunk for part in parts for chunk in part.chunks(f"--{boundary}\r\n")]
    body = b"".join([*pieces, f"--{boundary}--\r\n".encode()])
    return Entity(headers=raw_header("Content-Type", f'multipart/{subtype}; boundary="{boundary}"'), body=body)


_BASE64 = raw_header("Content-Transfer-Encoding", "base64")


_LINES_AT_ONCE = 4096
"""Lines of 57 octets encoded at once: a large file is never a list of its lines."""


def _base64(content: bytes) -> bytes:
    step = 57 * _LINES_AT_ONCE
    coded = bytearray()
    for at in range(0, len(content), step):
        coded += base64.encodebytes(content[at : at + step]).replace(b"\n", b"\r\n")
    return bytes(coded) or b"\r\n"
