"""What a person wrote anew: limits, and time in proportion."""

from __future__ import annotations

import pytest

from gateway.mail.received import read_mail
from gateway.mail.reply import MAX_TEXT, Reply, read_reply
from gateway.reply_rules import read_reply_rules
from tests.growth import expect_linear

RULES = read_reply_rules()


def read(raw: bytes) -> Reply:
    return read_reply(read_mail(raw).root, RULES)


def test_a_long_text_is_cut_and_says_so() -> None:
    reply = read(b"\n" + b"word\n" * 100_000)
    assert reply.cut
    assert MAX_TEXT - 10 < len(reply.whole.encode()) <= MAX_TEXT
    assert reply.text == reply.whole


def test_long_html_is_cut_and_says_so() -> None:
    reply = read(b"Content-Type: text/html\n\n" + b"<p>word</p>" * 60_000)
    assert reply.cut
    assert len(reply.whole.encode()) <= MAX_TEXT


def test_a_text_that_just_fits_is_whole() -> None:
    reply = read(b"\n" + b"x" * MAX_TEXT)
    assert not reply.cut
    assert len(reply.text) == MAX_TEXT


def test_a_character_is_not_cut_in_two() -> None:
    reply = read(b"Content-Type: text/plain; charset=iso-8859-1\n\n" + b"\xe4" * MAX_TEXT)
    assert reply.cut
    assert set(reply.text) == {"ä"}


def test_a_mail_without_a_text_is_empty() -> None:
    reply = read(b"Content-Type: application/pdf\n\n%PDF-1.7")
    assert reply == Reply(text="", history="", whole="", cut=False)


@pytest.mark.parametrize(
    ("text", "kept", "folded"),
    [
        ("Yes.\n\nSent from my iPhone\nGet Outlook for iOS", "Yes.", "Sent from my iPhone\nGet Outlook for iOS"),
        ("Sent from my iPhone\n\nYes.", "Sent from my iPhone\n\nYes.", ""),
        ("Sent from my iPhone", "Sent from my iPhone", ""),
        ("Yes.\n--\nCara", "Yes.", "--\nCara"),
        ("a\n\n\n\n\nb", "a\n\n\nb", ""),
        ("Yes.\n\n> On Monday\n> Ann wrote", "Yes.", "> On Monday\n> Ann wrote"),
        ("Ann:\n> Thursday?", "Ann:", "> Thursday?"),
        ("Ann, 10:30:\n> Thursday?\nYes.", "Yes.", "Ann, 10:30:\n> Thursday?"),
    ],
)
def test_small_texts(text: str, kept: str, folded: str) -> None:
    reply = read(b"\n" + text.encode())
    assert (reply.text, reply.history, reply.whole) == (
        kept,
        folded,
        "\n".join(text.replace("\n" * 5, "\n" * 3).split("\n")),
    )


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "> a\n",
            "a:\n",
            "From: a\n",
            "On a\n",
            "on monday 10:00 ",
            "--\n",
            "Sent from my iPhone\n",
            "\n",
            ">",
            "-----",
        ),
        *("Am Am schrieb a ", "Am 10:00 schrieb a\nb:\n", "2026年1月5日 "),
    ],
)
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    expect_linear(read, lambda size: b"\n" + (piece * (size // len(piece))).encode(), 20_000)


@pytest.mark.parametrize(
    "piece",
    ["<blockquote type=cite>a", "<div>", "</div>", "<p>a", "<div class=gmail_attr>a", "<br>", "<pre>\n", "&lt;"],
)
def test_long_html_takes_time_in_proportion(piece: str) -> None:
    head = b"Content-Type: text/html\n\n"
    expect_linear(read, lambda size: head + (piece * (size // len(piece))).encode(), 50_000)
