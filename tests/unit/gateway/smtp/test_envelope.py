"""What is said in MAIL, and which mail a server cannot take, by its extensions."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from gateway.mail.response import Fault, FaultKind, Stage
from gateway.smtp.envelope import Envelope, Peer, Timeouts, mail_options, report_options

ALL: dict[str, Any] = {"pipelining": True, "eight_bit": True, "smtputf8": True, "size": True, "size_limit": None}
ASCII, UTF8 = b"Subject: x\r\n\r\n0123456789", "Subject: x\r\n\r\nGrüße".encode()
ANN, JOERG = "ann@b.example", "jörg@b.example"


def options(
    content: bytes = ASCII, *, to: str = ANN, sender: str = "us@b.example", headers: bool = False, **peer: Any
) -> str | tuple[FaultKind, Stage]:
    """The options, or the fault, of a mail to a server that has every extension but for what is said here."""
    made = mail_options(
        Envelope(return_path=sender, recipient=to, content=content, smtputf8=headers),
        Peer(relay="main", host="mx.example", tls=None, **(ALL | peer)),
    )
    return (made.kind, made.stage) if isinstance(made, Fault) else made


@pytest.mark.parametrize(
    ("content", "mail", "expected"),
    [
        (ASCII, {}, " SIZE=24"),
        (ASCII, {"size": False, "eight_bit": False, "smtputf8": False}, ""),
        (UTF8, {}, " SIZE=21 BODY=8BITMIME"),
        (UTF8, {"smtputf8": False}, " SIZE=21 BODY=8BITMIME"),
        (ASCII, {"to": JOERG}, " SIZE=24 SMTPUTF8"),
        (ASCII, {"to": JOERG, "eight_bit": False}, " SIZE=24 SMTPUTF8"),
        (ASCII, {"sender": JOERG}, " SIZE=24 SMTPUTF8"),
        (UTF8, {"headers": True, "size": False}, " BODY=8BITMIME SMTPUTF8"),
        (ASCII, {"sender": ""}, " SIZE=24"),
        (ASCII, {"size_limit": 24}, " SIZE=24"),
    ],
)
def test_the_options_follow_from_the_mail_and_the_server(content: bytes, mail: dict[str, Any], expected: str) -> None:
    assert options(content, **mail) == expected


@pytest.mark.parametrize(
    ("content", "mail", "kind"),
    [
        (ASCII, {"size_limit": 23}, "TOO_LARGE"),
        (ASCII, {"to": "ann\r\n@b.example"}, "ADDRESS_UNUSABLE"),
        (ASCII, {"sender": "us\x00@b.example"}, "ADDRESS_UNUSABLE"),
        (ASCII, {"to": JOERG, "smtputf8": False}, "SMTPUTF8_UNSUPPORTED"),
        (ASCII, {"headers": True, "smtputf8": False}, "SMTPUTF8_UNSUPPORTED"),
        (UTF8, {"eight_bit": False}, "EIGHT_BIT_UNSUPPORTED"),
    ],
)
def test_what_a_server_cannot_take_is_known_before_it_is_sent(content: bytes, mail: dict[str, Any], kind: str) -> None:
    assert options(content, **mail) == (FaultKind[kind], Stage.MAIL)


@pytest.mark.parametrize(
    ("return_path", "recipient", "mail", "rcpt"),
    [
        ("v2k1abc@b.example", ANN, " RET=HDRS ENVID=v2k1abc", " NOTIFY=FAILURE,DELAY ORCPT=rfc822;ann@b.example"),
        ("", ANN, " RET=HDRS", " NOTIFY=FAILURE,DELAY ORCPT=rfc822;ann@b.example"),
        (
            "a+b=c@b.example",
            '"x y"+1@b.example',
            " RET=HDRS ENVID=a+2Bb+3Dc",
            ' NOTIFY=FAILURE,DELAY ORCPT=rfc822;"x+20y"+2B1@b.example',
        ),
        ("u@b.example", JOERG, " RET=HDRS ENVID=u", " NOTIFY=FAILURE,DELAY"),
        ("u" * 101, ANN, " RET=HDRS", " NOTIFY=FAILURE,DELAY ORCPT=rfc822;ann@b.example"),
        ("u@b.example", "=" * 180 + "@b.example", " RET=HDRS ENVID=u", " NOTIFY=FAILURE,DELAY"),
    ],
)
def test_reports_are_asked_for_that_say_whose_they_are(return_path: str, recipient: str, mail: str, rcpt: str) -> None:
    asked = report_options(Envelope(return_path=return_path, recipient=recipient, content=ASCII))
    assert asked == (mail, rcpt)
    assert all(len(option) <= 500 for option in asked[1].split(" "))


def test_a_mail_is_taken_for_one_without_such_headers() -> None:
    assert not Envelope(return_path="", recipient=ANN, content=b"").smtputf8


def test_a_server_has_as_long_as_rfc_5321_says_for_a_mail_and_a_minute_before() -> None:
    waits = {each.name: getattr(Timeouts(), each.name) for each in fields(Timeouts)}
    before = {"connect": 30, "greeting": 60, "hello": 60}
    assert waits == before | {"mail": 300, "rcpt": 300, "data": 120, "content": 180, "end_of_data": 600}
