"""MAIL and RCPT as clients write them, rightly and wrongly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.smtp_commands import (
    LONGEST_PATH,
    CommandRefused,
    MailFrom,
    read_command,
    read_mail_from,
    read_recipient,
)


@pytest.mark.parametrize(
    ("argument", "sender", "size", "utf8"),
    [
        ("FROM:<>", "", None, False),
        ("from: <a@b.example>", "a@b.example", None, False),
        ("FROM:<a@b.example> SIZE=123 BODY=8bitmime", "a@b.example", 123, False),
        ("FROM:<jürgen@b.example>  smtputf8  size=0", "jürgen@b.example", 0, True),
        ("FROM:<MAILER-DAEMON>", "MAILER-DAEMON", None, False),
        ('FROM:<"a b>\\" c"@b.example>', '"a b>\\" c"@b.example', None, False),
        ("FROM:<@a.example,@b.example:c@d.example>", "c@d.example", None, False),
        ("FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]", None, False),
        ("FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", None, False),
    ],
)
def test_a_sender_is_read(argument: str, sender: str, size: int | None, utf8: bool) -> None:
    assert read_mail_from(argument) == MailFrom(sender=sender, size=size, utf8=utf8)


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        ("", "501 5.5.4"),
        ("<a@b.example>", "501 5.5.4"),
        ("TO:<a@b.example>", "501 5.5.4"),
        ("FROM:a@b.example", "501 5.1.3"),
        ("FROM:<a@b.example", "501 5.1.3"),
        ("FROM:<a@b.example>SIZE=1", "501 5.1.3"),
        ("FROM:<a@b.example> <c@d.example>", "501 5.5.4"),
        (f"FROM:<{'a' * LONGEST_PATH}@b.example>", "501 5.1.3"),
        ("FROM:<> SIZE", "501 5.5.4"),
        ("FROM:<> SIZE=", "501 5.5.4"),
        ("FROM:<> SIZE=-1", "501 5.5.4"),
        (f"FROM:<> SIZE={'9' * 21}", "501 5.5.4"),
        ("FROM:<> SIZE=1 SIZE=1", "501 5.5.4"),
        ("FROM:<> BODY=BINARYMIME", "501 5.5.4"),
        ("FROM:<> BODY", "501 5.5.4"),
        ("FROM:<> SMTPUTF8=1", "501 5.5.4"),
        ("FROM:<> AUTH=<>", "555 5.5.4"),
        ("FROM:<> RET=HDRS", "555 5.5.4"),
        ("FROM:<jürgen@b.example>", "553 5.6.7"),
    ],
)
def test_a_sender_that_cannot_be_read_is_told_why(argument: str, reply: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        read_mail_from(argument)
    assert refused.value.reply.startswith(reply)


@pytest.mark.parametrize(
    ("argument", "recipient"),
    [
        ("TO:<a@b.example>", "a@b.example"),
        ("to: <Postmaster>", "Postmaster"),
        ('TO:<"a@b"@c.example>', '"a@b"@c.example'),
        ("TO:<@relay.example:a@b.example>", "a@b.example"),
        ("TO:<a@[192.0.2.1]>", "a@[192.0.2.1]"),
    ],
)
def test_a_recipient_is_read(argument: str, recipient: str) -> None:
    assert read_recipient(argument, utf8=False) == recipient


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        ("TO:<>", "501 5.1.3"),
        ("TO:<a@b@c.example>", "501 5.1.3"),
        ("TO:<a b@c.example>", "501 5.1.3"),
        ("TO:<@a.example>", "501 5.1.3"),
        ('TO:<"a@c.example>', "501 5.1.3"),
        ("TO:<a@b.example> NOTIFY=NEVER", "555 5.5.4"),
        ("TO:<ü@b.example>", "553 5.6.7"),
    ],
)
def test_a_recipient_that_cannot_be_read_is_told_why(argument: str, reply: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        read_recipient(argument, utf8=False)
    assert refused.value.reply.startswith(reply)


@pytest.mark.parametrize("line", [b"NOOP\0", b"MAIL FROM:<a\tb>", b"\x1b[2J", b"MAIL FROM:<\xff>", b"\x7f"])
def test_control_characters_and_broken_text_are_refused(line: bytes) -> None:
    with pytest.raises(CommandRefused, match=r"^500 5\.5\.2"):
        read_command(line)


@given(st.binary(max_size=300), st.booleans())
def test_any_line_is_read_or_refused(line: bytes, utf8: bool) -> None:
    try:
        address = read_recipient(read_command(line).argument, utf8=utf8)
    except CommandRefused as refused:
        reply = refused.reply
    else:
        reply = "5" if 0 < len(address.encode()) <= LONGEST_PATH else ""
    assert reply[:1] == "5"
    assert reply.isascii()
