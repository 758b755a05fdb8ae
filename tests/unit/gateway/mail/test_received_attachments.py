"""What came with a mail: names that are safe, types as declared and as found, sizes, at most a hundred."""

from __future__ import annotations

import base64
import hashlib
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.received import read_mail
from gateway.mail.received_attachments import LONGEST_NAME, ReceivedAttachments, read_attachments, safe_name
from tests.examples import examples
from tests.replies import REPLIES


def read(*parts: str, kind: str = "mixed") -> ReceivedAttachments:
    inner = "".join(f"--b\n{part}\n" for part in ("Content-Type: text/plain\n\nwords", *parts))
    mail = f"Content-Type: multipart/{kind}; boundary=b\n\n{inner}--b--\n"
    raw = mail.encode()
    return read_attachments(read_mail(raw).root, raw)


PDF = base64.b64encode(b"%PDF-1.7 and more").decode()


def test_a_file_is_listed() -> None:
    found = read(f'Content-Type: image/png; name="plan.png"\nContent-Transfer-Encoding: base64\n\n{PDF}')
    (file,) = found.listed
    assert (file.name, file.declared_type, file.found_type, file.size) == (
        "plan.png",
        "image/png",
        "application/pdf",
        17,
    )
    assert file.sha256 == hashlib.sha256(b"%PDF-1.7 and more").hexdigest()
    assert not file.inline
    assert not file.tnef
    assert file.subject is None
    assert found.more == 0


def test_a_picture_of_the_text_is_inline() -> None:
    picture = "Content-Type: image/png\nContent-Id: <logo@x>\n\npng"
    assert [file.inline for file in read(picture, kind="related").listed] == [True]
    assert [file.inline for file in read(picture).listed] == [True]
    attached = picture.replace("\n\n", "\nContent-Disposition: attachment\n\n")
    assert [file.inline for file in read(attached, kind="related").listed] == [False]


def test_a_mail_within_the_mail_is_listed_by_its_subject() -> None:
    (file,) = read("Content-Type: message/rfc822\n\nSubject: =?utf-8?q?Angebot_=C3=BC?=\n\ninner").listed
    assert (file.name, file.subject, file.declared_type, file.size) == (
        "Angebot ü.eml", "Angebot ü", "message/rfc822", 5,
    )  # fmt: skip


def test_winmail_is_named() -> None:
    declared = "Content-Type: application/ms-tnef; name=winmail.dat\n\nx"
    found = "Content-Type: application/octet-stream; name=winmail.dat\nContent-Transfer-Encoding: base64\n\neJ8+Ig=="
    assert [file.tnef for file in read(declared, found).listed] == [True, True]


def test_more_than_a_hundred_are_counted() -> None:
    found = read(*["Content-Type: image/png; name=a.png\n\npng"] * 120)
    assert (len(found.listed), found.more) == (100, 20)


@pytest.mark.parametrize(
    ("name", "ending", "safe"),
    [
        ("plan.pdf", "", "plan.pdf"),
        ("../../etc/passwd", "", "passwd"),
        ("C:\\Users\\a\\plan.pdf", "", "plan.pdf"),
        ("..", "", "attachment"),
        ("", "", "attachment"),
        ("", ".eml", "attachment.eml"),
        ("Re: a/b", ".eml", "Re_ a-b.eml"),
        ("a.EML", ".eml", "a.EML"),
        ("plan\u202efdp.exe", "", "planfdp.exe"),
        ("a\0b\r\nc\x7f.txt", "", "abc.txt"),
        ('a<b>"c"|?*.txt', "", "a_b__c____.txt"),
        (" .bashrc. ", "", "bashrc"),
        ("x" * 300 + ".pdf", "", "x" * 251 + ".pdf"),
        ("x" * 300, "", "x" * 255),
    ],
)
def test_names_are_safe(name: str, ending: str, safe: str) -> None:
    assert safe_name(name, ending) == safe


@settings(max_examples=examples(80, proof=200), deadline=None)
@given(st.text(max_size=300), st.sampled_from(["", ".eml"]))
def test_every_name_is_safe(name: str, ending: str) -> None:
    safe = safe_name(name, ending)
    assert 0 < len(safe) <= LONGEST_NAME
    assert not set(safe) & set('/\\<>:"|?*')
    assert not any(unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") for sign in safe)
    assert not safe.startswith(".")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(REPLIES)), st.integers(0, 100))
def test_a_mail_that_breaks_off_is_listed(name: str, percent: int) -> None:
    raw = REPLIES[name][: len(REPLIES[name]) * percent // 100]
    found = read_attachments(read_mail(raw).root, raw)
    assert all(file.name and file.size >= 0 for file in found.listed)
