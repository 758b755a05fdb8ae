"""SMTP as bytes: replies in pieces of any size, content that no server can take for its end."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.mail.response import Stage
from gateway.smtp.protocol import (
    MAX_REPLY,
    MAX_SHOWN,
    ReplyReader,
    UnreadableReply,
    as_text,
    dot_stuffed,
    is_safe_in_command,
    read_reply,
)

LINE = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n", exclude_categories=["Cc", "Cf", "Zl", "Zp", "Cs"]),
    max_size=40,
)
CODE = st.integers(200, 599)


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, int, str]:
    code, lines = draw(CODE), draw(st.lists(LINE, min_size=1, max_size=4))
    end = draw(st.sampled_from(["\r\n", "\n"]))
    wire = "".join(f"{code}-{line}{end}" for line in lines[:-1]) + f"{code} {lines[-1]}{end}"
    return wire.encode(), code, "\n".join(lines)


@given(st.lists(replies(), max_size=6), st.data())
def test_replies_are_split_the_same_however_they_arrive(
    said: list[tuple[bytes, int, str]], data: st.DataObject
) -> None:
    stream = b"".join(wire for wire, _, _ in said)
    reader, found = ReplyReader(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert [read_reply(raw, Stage.MAIL).code for raw in found] == [code for _, code, _ in said]
    assert [read_reply(raw, Stage.MAIL).text for raw in found] == [text for _, _, text in said]
    assert reader.unfinished == b""


@pytest.mark.parametrize(
    ("raw", "code", "enhanced", "text"),
    [
        (b"250 2.0.0 Ok: queued\r\n", 250, "2.0.0", "2.0.0 Ok: queued"),
        (b"250\r\n", 250, None, ""),
        (b"250 \r\n", 250, None, ""),
        (b"550 5.1.1\r\n", 550, "5.1.1", "5.1.1"),
        (b"550-5.1.1 unknown\r\n550 5.1.1 user\r\n", 550, "5.1.1", "5.1.1 unknown\n5.1.1 user"),
        (b"200 the least\r\n", 200, None, "the least"),
        (b"599 the most\r\n", 599, None, "the most"),
        (b"550 5.123.123 odd\r\n", 550, "5.123.123", "5.123.123 odd"),
        (b"550 5.123.1234 odd\r\n", 550, None, "5.123.1234 odd"),
        (b"550 5.1.1234 odd\r\n", 550, None, "5.1.1234 odd"),
        (b"550 version 5.1.1 odd\r\n", 550, None, "version 5.1.1 odd"),
        (b"250-a\r\n550 b\r\n", 550, None, "250-a\nb"),
        (b"250 a\rb\r\n", 250, None, r"a\rb"),
        ("550 5.1.1 ungültige Prüfsumme\r\n".encode(), 550, "5.1.1", "5.1.1 ungültige Prüfsumme"),
        (b"554 ung\xfcltige Pr\xfcfsumme \x80\r\n", 554, None, "ungültige Prüfsumme €"),
        (b"554 cp1252 lacks \x81\r\n", 554, None, r"cp1252 lacks \x81"),
        (b"550 \x1b[31mred\x1b]0;t\x07\x08\x00\x7f\r\n", 550, None, r"\x1b[31mred\x1b]0;t\x07\x08\x00\x7f"),
        (b"550 a\ttab\r\n", 550, None, "a\ttab"),
        ("550 \u202eevil\u2066\u0085\u2028\r\n".encode(), 550, None, r"\u202eevil\u2066\x85\u2028"),
    ],
)
def test_a_reply_is_parsed_whole(raw: bytes, code: int, enhanced: str | None, text: str) -> None:
    (whole,) = ReplyReader().feed(raw)
    reply = read_reply(whole, Stage.RCPT)
    assert (reply.code, reply.enhanced, reply.text, reply.stage) == (code, enhanced, text, Stage.RCPT)


@pytest.mark.parametrize(
    "raw", [b"\r\n", b"2\r\n", b"25\r\n", b"199 x\r\n", b"600 x\r\n", b"abc\r\n", b"250x\r\n", b"2\xb20 x\r\n"]
)
def test_what_is_no_reply_is_refused_with_its_text(raw: bytes) -> None:
    (whole,) = ReplyReader().feed(raw)
    with pytest.raises(UnreadableReply) as caught:
        read_reply(whole, Stage.RCPT)
    assert caught.value.text.strip() == raw.decode("cp1252").strip()


@given(st.binary(max_size=200))
def test_any_reply_is_text_that_can_be_stored_and_shown(raw: bytes) -> None:
    shown = as_text(raw)
    shown.encode()
    assert [sign for sign in shown if unicodedata.category(sign) == "Cc" and sign not in "\n\t"] == []


def test_words_that_are_cut_are_cut_between_letters() -> None:
    raw = "ü".encode() * MAX_REPLY
    assert UnreadableReply("endless", raw).text == "ü" * MAX_SHOWN


@pytest.mark.parametrize("endless", [b"250-more\r\n", b"x"])
def test_an_endless_reply_is_bounded(endless: bytes) -> None:
    reader = ReplyReader()
    assert reader.feed(endless * (MAX_REPLY // len(endless))) == []
    assert reader.fault is None
    assert reader.feed(endless * 10) == []
    assert "did not end" in str(reader.fault)


def test_a_reply_in_pieces_is_bounded_as_one_in_one_piece() -> None:
    reader = ReplyReader()
    reader.feed(b"250 " + b"x" * (MAX_REPLY - 100))
    assert reader.feed(b"x" * 200 + b"\r\n") == []
    assert reader.fault is not None


def test_a_reply_has_at_most_64_kibibytes() -> None:
    longest = b"250 " + b"x" * (65_536 - 5) + b"\r"
    reader = ReplyReader()
    assert reader.feed(longest + b"\n") == [longest]
    assert reader.fault is None
    # What is longer by a byte is no reply, whatever stands before it
    assert reader.feed(longest + b"\n250 y" + longest[4:] + b"\n") == [longest]
    assert reader.fault is not None


@pytest.mark.parametrize("long", [b"250 " + b"x" * MAX_REPLY + b"\r\n250 behind it\r\n", b"250-" + b"x" * MAX_REPLY])
def test_replies_before_one_that_is_too_long_are_read_all_the_same(long: bytes) -> None:
    reader = ReplyReader()
    assert reader.feed(b"250 taken\r\n250 ok\r\n" + long) == [b"250 taken\r", b"250 ok\r"]
    assert isinstance(reader.fault, UnreadableReply)


def unstuffed(wire: bytes) -> bytes:
    """The content as a receiver decodes it (RFC 5321 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"", wire)


CONTENTS = st.lists(st.sampled_from([b".", b"..", b"\r\n", b"\r\n.", b"a", b"\r\n.\r\n", b"=", b"x" * 70])).map(
    b"".join
)


@given(CONTENTS)
@example(b".")
@example(b"\r\n.\r\n")
@example(b"")
def test_composed_content_arrives_as_it_was(content: bytes) -> None:
    wire = dot_stuffed(content)
    assert b"\r\n.\r\n" not in b"\r\n" + wire
    assert unstuffed(wire) == (content if content.endswith(b"\r\n") else content + b"\r\n")


@given(st.binary(max_size=300) | CONTENTS | st.lists(st.sampled_from([b"\n", b"\r", b".", b"x"])).map(b"".join))
def test_no_content_can_end_the_mail_early(content: bytes) -> None:
    wire = b"\r\n" + dot_stuffed(content)
    assert wire.endswith(b"\r\n")
    assert not re.search(rb"\n\.\r?\n", wire)


def test_content_without_such_lines_is_not_copied() -> None:
    content = b"Subject: x\r\n\r\n1.5 dots. Here...\r\n"
    assert dot_stuffed(content) is content


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("a@x.test", True),
        ('"a b>"@x.test', True),
        ("jörg@x.test", True),
        ("", True),
        ("a\r\n@x.test", False),
        ("a\x00@x", False),
        ("jö\x85@x.test", False),
        ("jö\u2028@x.test", False),
        ("jö\u00a0@x.test", True),
        ("a\x7f@x", False),
    ],
)
def test_an_address_with_control_characters_fits_no_command(address: str, fits: bool) -> None:
    assert is_safe_in_command(address) is fits


def test_of_what_is_no_reply_4096_bytes_are_kept() -> None:
    assert len(UnreadableReply("x", b"a" * 5000).text) == 4096
