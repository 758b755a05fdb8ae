"""Equal refusals have equal fingerprints, whichever recipient they name; different ones do not."""

from __future__ import annotations

import time

import pytest

from gateway.mail.refusal_words import refusal_words


@pytest.mark.parametrize(
    "template",
    [
        "5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table",
        "5.1.1 {local}... User unknown",
        "5.1.1 The email account that you tried to reach does not exist. n{number}si4711plg.{number} - gsmtp",
        "sorry, no mailbox here by that name ({number}) [mx{number}.{domain}]",
        "5.7.1 Blocked, see https://policy.example/?ip=192.0.2.{number}&rcpt={address}",
        "5.4.1 Recipient address rejected: Access denied. [AM{number}EUR05FT.eop-eur05.prod.protection.outlook.com]",
        "host mx{number}.{domain}[2001:db8::{number}] said: 550 no such user '{address}'",
        "5.1.1\n5.1.1 rid={number} id:{number} unknown user\n5.1.1 sign up at {domain}",
    ],
)
def test_the_same_refusal_of_many_recipients_has_one_fingerprint(template: str) -> None:
    people = [("ann.lee", "a.example", 17), ("bob", "b-mail.example", 4711), ("O'Brien", "sub.c.example", 9)]
    made = {
        refusal_words(
            550,
            "5.1.1",
            template.format(address=f"{local}@{domain}", local=local, domain=domain, number=number),
            f"{local}@{domain}",
        )
        for local, domain, number in people
    }
    assert len(made) == 1
    assert not any(part in found for found in made for local, domain, number in people for part in (local, domain))


def test_other_words_or_another_code_are_another_refusal() -> None:
    said = [
        (550, "5.1.1", "5.1.1 User unknown"),
        (550, "5.1.1", "5.1.1 Mailbox unavailable"),
        (551, "5.1.1", "5.1.1 User unknown"),
        (550, "5.7.1", "5.7.1 User unknown"),
        (550, None, "User unknown"),
        (550, None, ""),
    ]
    assert len({refusal_words(*one, "ann@a.example") for one in said}) == len(said)


def test_a_fingerprint_says_the_codes_and_the_words() -> None:
    assert (
        refusal_words(550, "5.1.1", "5.1.1 <ann@a.example>: User unknown", "ann@a.example") == "550 5.1.1 user unknown"
    )
    assert refusal_words(554, None, "", "ann@a.example") == "554"


@pytest.mark.parametrize(
    "text", ["a@" * 50_000, "1." * 50_000, "word " * 40_000, "<" * 100_000, "\u00e9" * 60_000, "a=b" * 40_000]
)
def test_a_reply_of_any_length_costs_little_and_its_fingerprint_is_short(text: str) -> None:
    started = time.process_time()
    assert len(refusal_words(550, "5.1.1", text, "ann@a.example")) <= 350
    assert time.process_time() - started < 1
