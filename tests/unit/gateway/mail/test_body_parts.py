"""Which parts of a mail are its text."""

from __future__ import annotations

import pytest

from gateway.mail.body_parts import bodies, parts_beside
from gateway.mail.received import Part, read_mail


def multipart(kind: str, *parts: str) -> str:
    """A multipart of these; its boundary is its kind, so nest different ones."""
    inner = "".join(f"--{kind}\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={kind}\n\n{inner}--{kind}--\n"


PLAIN = "Content-Type: text/plain\n\nplain"
HTML = "Content-Type: text/html\n\nhtml"
PNG = "Content-Type: image/png\nContent-Id: <p@x>\n\npng"
FILE = "Content-Type: text/plain\nContent-Disposition: attachment\n\nfile"
INVITE = "Content-Type: text/calendar\n\ncalendar"
NAMED = "Content-Type: text/plain; name=a.txt\n\nnamed"
MAIL = "Content-Type: message/rfc822\n\nSubject: inner\n\ninner"


@pytest.mark.parametrize(
    ("mail", "texts", "beside"),
    [
        (PLAIN, [("plain", None)], []),
        (HTML, [(None, "html")], []),
        (multipart("alternative", PLAIN, HTML), [("plain", "html")], []),
        (multipart("alternative", PLAIN, multipart("related", HTML, PNG)), [("plain", "html")], [("png", True)]),
        (multipart("mixed", multipart("alternative", PLAIN, HTML), FILE), [("plain", "html")], [("file", False)]),
        (multipart("mixed", PLAIN, PNG, PLAIN), [("plain", None)] * 2, [("png", False)]),
        (multipart("alternative", PLAIN, HTML, INVITE), [("plain", "html")], [("calendar", False)]),
        (multipart("mixed", PLAIN, NAMED, MAIL), [("plain", None)], [("named", False), ("", False)]),
        ("Content-Type: application/pdf\n\npdf", [], [("pdf", False)]),
        ("Content-Type: multipart/mixed; boundary=never\n\nwords", [("words", None)], []),
    ],
)
def test_texts_and_what_came_with_them(
    mail: str, texts: list[tuple[str | None, str | None]], beside: list[tuple[str, bool]]
) -> None:
    root = read_mail(mail.encode()).root
    assert [(text(body.plain), text(body.html)) for body in bodies(root)] == texts
    assert [(part.body.decode(), related) for _, part, related in parts_beside(root)] == beside


def text(part: Part | None) -> str | None:
    return part.body.decode() if part else None


def test_a_part_beside_is_found_again_by_its_number() -> None:
    root = read_mail(multipart("mixed", PLAIN, MAIL, FILE).encode()).root
    walked = list(root.walk(into_mails=False))
    assert all(walked[number] is part for number, part, _ in parts_beside(root))
