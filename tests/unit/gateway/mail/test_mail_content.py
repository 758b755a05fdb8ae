"""What a mail says: headers as written, decoded; its HTML and its text, or none above their limits."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.mail_content import LARGEST_TEXT, MAX_HEADERS, read_content

ALTERNATIVES = (
    "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=B6=\r\n"
    "=C3=9Fe\r\n--b\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.b64encode("<p>Größe</p>".encode("latin-1")).decode()
    + "\r\n--b--\r\n"
)


def test_headers_and_both_parts_are_decoded() -> None:
    raw = (
        "Received: from a\r\n by b\r\nSUBJECT: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n =?utf-8?q?_2?=\r\nReceived: x\r\n"
        + ALTERNATIVES
    ).encode()
    said = read_content(raw)
    assert said.headers == (
        ("Received", "from a by b"),
        ("SUBJECT", "Größe 2"),
        ("Received", "x"),
        ("Content-Type", "multipart/alternative; boundary=b"),
    )
    assert (said.html, said.text) == ("<p>Größe</p>", "Größe")


def test_files_are_neither_html_nor_text() -> None:
    raw = b"Content-Type: text/html\nContent-Disposition: attachment\n\n<p>a file</p>"
    assert (read_content(raw).html, read_content(raw).text) == (None, None)
    assert read_content(b"Subject: x\n\nonly text\n").html is None


@pytest.mark.parametrize(("octets", "shown"), [(LARGEST_TEXT, True), (LARGEST_TEXT + 1, False)])
def test_a_part_is_whole_or_not_there(octets: int, shown: bool) -> None:
    text = read_content(b"Subject: x\n\n" + b"y" * octets).text
    assert text == ("y" * octets if shown else None)


def test_several_texts_have_one_limit() -> None:
    part = b"--b\n\n" + b"y" * (LARGEST_TEXT // 2 + 1) + b"\n"
    mixed = b"Content-Type: multipart/mixed; boundary=b\n\n"
    assert read_content(mixed + part + b"--b--").text is not None
    assert read_content(mixed + part * 2 + b"--b--").text is None


def test_of_a_mail_that_was_read_in_part_only_whole_parts_are_shown() -> None:
    raw = ALTERNATIVES.encode()
    cut = raw[: raw.index(b"--b--") - 6]
    assert (read_content(cut, whole=False).html, read_content(cut, whole=False).text) == (None, "Größe")


def test_a_flood_of_headers_is_cut() -> None:
    assert len(read_content(b"A: b\n" * 5000 + b"\ntext").headers) == MAX_HEADERS


@given(st.binary(max_size=400) | st.text("-b:/\n \tContent-Type=multipart;boundary", max_size=400).map(str.encode))
def test_any_bytes_are_read(raw: bytes) -> None:
    for whole in (True, False):
        said = read_content(raw, whole=whole)
        assert len(said.headers) <= MAX_HEADERS
