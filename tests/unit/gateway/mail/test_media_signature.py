"""Files are known by their first octets."""

from __future__ import annotations

import pytest

from gateway.mail.media_signature import is_seen_in_content, media_type_by_content


@pytest.mark.parametrize(
    ("start", "media_type"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n..", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF....WEBP", "image/webp"),
        (b"RIFF....what", None),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
        (b"PK\x03\x04....word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04....xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"PK\x03\x04....a.txt", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
        (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
        (b"MZ\x90", "application/vnd.microsoft.portable-executable"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><p>", "text/html"),
        (b"BEGIN:VCALENDAR\r\n", "text/calendar"),
        (b"plain words", None),
        (b"", None),
    ],
)
def test_a_type_is_found(start: bytes, media_type: str | None) -> None:
    assert media_type_by_content(start) == media_type


def test_a_type_that_first_octets_show_is_not_believed_without_them() -> None:
    shown = ["application/pdf", "image/png", "application/zip", "video/mp4", "image/heic", "text/html", "audio/wav"]
    assert [media_type for media_type in shown if not is_seen_in_content(media_type)] == []
    assert [
        media_type for media_type in ("text/csv", "image/bmp", "text/plain") if is_seen_in_content(media_type)
    ] == []
