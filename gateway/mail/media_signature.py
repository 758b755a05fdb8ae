"""The media type of a file by its first octets, for the types that mail usually carries. Pure, bounded."""

from __future__ import annotations

LOOKED_AT = 4096
"""Octets that are looked at: the names of an Office file's first parts are in them."""

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
    (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-executable"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"BEGIN:VCALENDAR", "text/calendar"),
    (b"BEGIN:VCARD", "text/vcard"),
    (b"<?xml", "application/xml"),
)
_ZIP = b"PK\x03\x04"
_IN_ZIP: tuple[tuple[bytes, str], ...] = (
    (b"mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
    b"M4A ": "audio/mp4",
}
_HTML = (b"<!doctype html", b"<html")


def media_type_by_content(start: bytes) -> str | None:
    """Returns the type that a file's first octets show; None for what we do not know, plain text too."""
    start = start[:LOOKED_AT]
    if start.startswith(_ZIP):
        return next((name for mark, name in _IN_ZIP if mark in start), "application/zip")
    if start.startswith(b"RIFF"):
        return _RIFF.get(start[8:12])
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], "video/mp4")
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:20].lower().startswith(_HTML):
        return "text/html"
    return next((name for mark, name in _STARTS if start.startswith(mark) or text.startswith(mark)), None)


_SEEN = frozenset(
    {
        *(name for _, name in (*_STARTS, *_IN_ZIP)),
        *_RIFF.values(),
        *_BRANDS.values(),
        *("application/zip", "video/mp4", "text/html"),
    }
)


def is_seen_in_content(media_type: str) -> bool:
    """Whether a file of this type is one whose first octets show it: `media_type_by_content` then returns it, or a file
    is not what it is said to be."""
    return media_type in _SEEN
