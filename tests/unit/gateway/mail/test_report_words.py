"""Codes, commands, servers and a server's own words, found in the words of a report."""

from __future__ import annotations

import pytest

from gateway.mail.report_words import host_of, quoted_words, reply_codes, stage_of
from gateway.mail.response import Stage
from tests.growth import expect_linear


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("550 5.1.1 No such user", (550, "5.1.1")),
        ("550-5.1.1 No such\n550 5.1.1 user", (550, "5.1.1")),
        ("host mx.customer.example[192.0.2.20] said: 552 5.2.2 Mailbox full", (552, "5.2.2")),
        ("Remote host said: 450 4.2.0 Greylisted", (450, "4.2.0")),
        ("550 No such user", (550, None)),
        ("Sorry, no mailbox here by that name. (#5.1.1)", (None, "5.1.1")),
        ("ERROR_CODE :550, ERROR_CODE :5.1.1 User Unknown", (550, "5.1.1")),
        ("550: 5.1.1 <ann@customer.example>", (550, "5.1.1")),
        ("first 421 then 550 5.7.1 blocked", (550, "5.7.1")),
        ("Mailbox full (#4.2.2) after 550 attempts", (None, "4.2.2")),
        ("refused, call 480-555-0100 for help", (None, None)),
        ("550-5.1.1 no such user", (550, "5.1.1")),
        ("mx[192.0.2.450] port 587, SIZE=552, version 5.65.3.2, after 450 minutes, queue id 551", (None, None)),
        ("delivered in 500 days", (None, None)),
        ("", (None, None)),
    ],
)
def test_codes_are_found_in_words(words: str, codes: tuple[int | None, str | None]) -> None:
    assert reply_codes(words) == codes


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        ("host mx said: 550 5.1.1 No such user", "5.1.1 No such user"),
        ("said:\n550-5.1.1 No such\n550 5.1.1 user here", "5.1.1 No such\n5.1.1 user here"),
        ("mailbox unavailable [SMTP Error Code 550]", "mailbox unavailable [SMTP Error Code 550]"),
        ("no mailbox here by that name (#5.1.1)", "no mailbox here by that name (#5.1.1)"),
        ("could not be delivered to: <ann@customer.example>\nmailbox is full", "mailbox is full"),
        ("port 587 is closed, says 554 no thank you", "no thank you"),
    ],
)
def test_the_server_s_own_words_are_found_in_a_report_s(words: str, quoted: str) -> None:
    assert quoted_words(words, "ann@customer.example") == quoted


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        ("550 (in reply to RCPT TO command)", Stage.RCPT),
        ("192.0.2.20 does not like recipient.", Stage.RCPT),
        ("SMTP error after end of data", Stage.END_OF_DATA),
        ("after MAIL FROM:<x@firm.example>", Stage.MAIL),
        ("No such user", None),
    ],
)
def test_the_refused_command_is_found_in_words(words: str, stage: Stage | None) -> None:
    assert stage_of(words) is stage


@pytest.mark.parametrize(
    ("words", "host"),
    [
        ("host MX.customer.example[192.0.2.20] said: 550", "mx.customer.example"),
        ("... while talking to mx.customer.example.:", "mx.customer.example"),
        ("Remote host 192.0.2.20 said: 550", "192.0.2.20"),
        ("No such user", None),
    ],
)
def test_the_server_is_found_in_words(words: str, host: str | None) -> None:
    assert host_of(words) == host


@pytest.mark.parametrize("piece", ["550 ", "5.1.1", "host a.", "a.b.", " ", "550-5.", "after ", "from "])
def test_long_words_take_time_in_proportion(piece: str) -> None:
    def read(words: str) -> None:
        reply_codes(words)
        quoted_words(words, "a")
        stage_of(words)
        host_of(words)

    expect_linear(read, lambda size: piece * (size // len(piece)), 50_000)
