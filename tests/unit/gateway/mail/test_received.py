"""Received mail becomes a tree whatever its bytes are: what is there is found, what is too much is cut and told."""

from __future__ import annotations

import base64
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.received import Cut, Limits, MailTree, Part, read_headers, read_mail
from tests.growth import expect_linear

MIXED = b"""\
Content-Type: multipart/mixed; boundary="outer"

a preamble
--outer
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--outer
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/alternative; boundary=inner

--inner

first
--inner
Content-Type: text/html

<p>second
--inner--
--outer
Content-Type: application/pdf; name="=?utf-8?q?Pl=C3=A4ne.pdf?="
Content-Disposition: attachment; filename*=utf-8''Pl%C3%A4ne%20A.pdf
Content-Transfer-Encoding: base64

JVBERi0x
--outer--
an epilogue
"""


def shape(part: Part) -> object:
    """A tree as nested lists of media types."""
    return [part.media_type, *(shape(inner) for inner in part.parts)] if part.parts else part.media_type


def texts(mail: MailTree) -> list[str]:
    return [part.text(1000).strip() for part in mail.root.walk(into_mails=True) if not part.parts]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_a_mail_is_a_tree_of_its_parts(line_end: bytes) -> None:
    mail = read_mail(MIXED.replace(b"\n", line_end))
    assert shape(mail.root) == [
        "multipart/mixed",
        "text/plain",
        ["message/rfc822", ["multipart/alternative", "text/plain", "text/html"]],
        "application/pdf",
    ]
    assert texts(mail) == ["Grüße", "first", "<p>second", "%PDF-1"]
    assert mail.cuts == frozenset()
    assert mail.root.parts[1].parts[0].header("subject") == "inner"


def test_a_file_has_the_name_that_its_disposition_gives_it() -> None:
    file = read_mail(MIXED).root.parts[2]
    assert (file.file_name, file.attached, file.content(4)) == ("Pläne A.pdf", True, b"%PDF")
    assert file.parameters["name"] == "Pläne.pdf"


def test_a_part_and_a_mail_within_the_mail_are_found_whole_in_its_bytes() -> None:
    inner = MIXED[MIXED.index(b"Subject: inner") : MIXED.index(b"\n--outer\nContent-Type: application/pdf")]
    _, text, mail, file = read_mail(MIXED).root.walk(into_mails=False)
    assert [part.whole(MIXED) for part in (text, mail, file)] == ["Grüße".encode(), inner, b"%PDF-1"]
    # and so is one that came encoded
    encoded = MIXED.replace(inner, base64.encodebytes(inner).strip()).replace(
        b"message/rfc822\n", b"message/rfc822\nContent-Transfer-Encoding: base64\n"
    )
    (mail,) = (part for part in read_mail(encoded).root.parts if part.media_type == "message/rfc822")
    assert mail.whole(encoded) == inner
    assert shape(mail) == ["message/rfc822", ["multipart/alternative", "text/plain", "text/html"]]


def test_what_stands_within_a_mail_within_is_walked_only_when_asked_for() -> None:
    assert [part.media_type for part in read_mail(MIXED).root.walk(into_mails=False)] == [
        "multipart/mixed",
        "text/plain",
        "message/rfc822",
        "application/pdf",
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", ("text/plain", "")),
        (b"just words", ("text/plain", "just words")),
        (b"Subject: x\n\nwords", ("text/plain", "words")),
        (b"Subject: x\nno header at all\nwords", ("text/plain", "no header at all\nwords")),
        (b"From ann@a.example Mon\nSubject: x\n\nwords", ("text/plain", "words")),
        (b"Content-Type: nonsense\n\nwords", ("text/plain", "words")),
        (b"Content-Type: multipart/mixed; boundary=a\n\nno part", ("multipart/mixed", "no part")),
        (b"Content-Type: multipart/mixed\n\nno boundary", ("multipart/mixed", "no boundary")),
        (b"Content-Transfer-Encoding: base64\n\n****", ("text/plain", "")),
        (b"Content-Transfer-Encoding: base64\n\nd29yZH", ("text/plain", "word")),
        (b"Content-Transfer-Encoding: base64\n\nd28=\ncmRz", ("text/plain", "words")),
        (b"Content-Transfer-Encoding: quoted-printable\n\nw=6Frds=", ("text/plain", "words")),
    ],
)
def test_damaged_mail_gives_what_can_be_read(raw: bytes, expected: tuple[str, str]) -> None:
    part = read_mail(raw).root
    assert (part.media_type, part.text(1000)) == expected


def test_a_boundary_that_is_not_declared_is_guessed() -> None:
    mail = read_mail(b"Content-Type: multipart/report\n\n--x\n\none\n--x\n\ntwo\n--x--\n")
    assert texts(mail) == ["one", "two"]


def test_a_mail_that_breaks_off_ends_all_its_parts() -> None:
    whole = read_mail(MIXED[: MIXED.index(b"<p>second") + 4])
    assert texts(whole) == ["Grüße", "first", "<p>s"]


def test_a_mail_within_that_is_encoded_is_read_too() -> None:
    inner = base64.encodebytes(b"Subject: inner\n\nwords")
    mail = read_mail(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + inner)
    assert mail.root.parts[0].header("subject") == "inner"


@pytest.mark.parametrize(
    ("raw", "limits", "cut"),
    [
        (b"a: b\n" * 9 + b"\nwords", Limits(headers=8), Cut.HEADERS),
        (b"a: " + b"x" * 99 + b"\n\nwords", Limits(header_length=50), Cut.HEADER_LENGTH),
        (MIXED, Limits(parts=2), Cut.PARTS),
        (b"Content-Type: message/rfc822\n\n" * 9 + b"words", Limits(depth=3), Cut.DEPTH),
        (
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode(b"x" * 99),
            Limits(encoded_mail=50),
            Cut.ENCODED_MAIL,
        ),
    ],
    ids=lambda given: str(given)[:20],
)
def test_what_is_beyond_a_limit_is_cut_and_told(raw: bytes, limits: Limits, cut: Cut) -> None:
    mail = read_mail(raw, limits)
    assert mail.cuts == {cut}
    parts = list(mail.root.walk(into_mails=True))
    assert len(parts) <= limits.parts + 1
    assert sum(len(part.headers) for part in parts) <= limits.headers


def test_the_body_is_found_behind_headers_that_were_cut() -> None:
    assert read_mail(b"a: b\n" * 99 + b"\nwords", Limits(headers=8)).root.text(100) == "words"


def test_headers_alone_are_read() -> None:
    headers = read_headers(b"Subject: =?utf-8?q?Gr=C3=BC?= =?utf-8?q?=C3=9Fe?=\r\nTo: a,\r\n b\r\n")
    assert [(header.name, header.value) for header in headers] == [("subject", "Grüße"), ("to", "a, b")]


HOSTILE = {
    "a flood of headers": lambda size: b"a:b\n" * (size // 4),
    "one endless header": lambda size: b"A: " + b"x" * size,
    "one header of many lines": lambda size: b"A: " + b"\n x" * (size // 3),
    "many parts": lambda size: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (size // 7),
    "mails in mails": lambda size: b"Content-Type: message/rfc822\n\n" * (size // 30),
    "multiparts in multiparts": lambda size: b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(size // 55)
    ),
    "lines that start like a boundary": lambda size: (
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--\n--b x\n" * (size // 9)
    ),
    "blanks behind a boundary": lambda size: b"Content-Type: multipart/mixed; boundary=b\n\n--b" + b" " * size + b"x",
    "encoded words": lambda size: b"Subject: " + b"=?a?q?b?= " * (size // 10),
    "parameters": lambda size: b"Content-Type: x/y" + b';a="' * (size // 4),
    "no line end": lambda size: b"a" * size,
    "empty lines": lambda size: b"Content-Type: multipart/mixed\n\n" + b"\n" * size,
    "padding": lambda size: b"Content-Transfer-Encoding: base64\n\n" + b"YQ==" * (size // 4),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_mail_takes_time_in_proportion(make: object) -> None:
    def read(raw: bytes) -> None:
        for part in read_mail(raw).root.walk(into_mails=True):
            part.text(1_000_000)
            assert part.file_name is None

    expect_linear(read, make, 200_000)  # type: ignore[arg-type]  # mypy takes the values of the table for objects


ODD = st.sampled_from(
    [b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: message/rfc822", b"--b", b"--b--", b"", b" folded",
     b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable", b"Subject: =?utf-8?b?/?=",
     b"Content-Type: text/plain; charset=idna", b"Content-Type: text/plain; charset=utf-16",
     b"=E9=\xff", b"\xff\xfe\x00",
     b"Content-Disposition: attachment; filename*0*=x''%E9; filename*1=b", b"From x", b"\x1b$B\x00\x80", b"YQ=YQ"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(ODD | st.binary(max_size=20), max_size=30), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_no_bytes_raise(lines: list[bytes], line_end: bytes) -> None:
    limits = Limits(parts=8, depth=4, headers=20)
    mail = read_mail(line_end.join(lines), limits)
    parts = list(mail.root.walk(into_mails=True))
    assert len(parts) <= limits.parts + 1
    for part in parts:
        part.text(1000)
        assert part.file_name is None or part.file_name


def built(tree: object) -> EmailMessage:
    """A mail of nested lists of texts, as the standard library writes it."""
    mail = EmailMessage(policy=policy.SMTP)
    if isinstance(tree, str):
        mail.set_content(tree, cte="quoted-printable")
        return mail
    assert isinstance(tree, list)
    mail["Content-Type"] = "multipart/mixed"
    for inner in tree:
        mail.attach(built(inner))
    return mail


TREES = st.recursive(
    st.text("abc äöü=-\n", max_size=30), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8
)


@settings(max_examples=40, deadline=None)
@given(TREES)
def test_a_mail_that_the_standard_library_wrote_is_read_back(tree: object) -> None:
    def content(part: Part) -> object:
        if part.media_type.startswith("multipart/"):
            return [content(inner) for inner in part.parts]
        return part.text(1000).rstrip("\n")

    def plain(tree: object) -> object:
        return [plain(inner) for inner in tree] if isinstance(tree, list) else str(tree).rstrip("\n")

    assert content(read_mail(built(tree).as_bytes()).root) == plain(tree)
