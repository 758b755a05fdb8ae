"""What is written about an attempt, and which refusals count for their relay and domain."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from gateway.mail.response import Exchange, Fault, FaultKind, Stage
from gateway.mail.verdict import ACCEPTED, Cause, Outcome
from gateway.outbox.outcomes import LONGEST_RESPONSE, Finished, _accepted_alike, _since_accepted, finished
from gateway.outbox.refusal_runs import Refused
from tests.unit.exchanges import answered, broken, exchange, reply


def written(found: Exchange, *, ended: float = 1.0, **values: Any) -> Finished:
    row: Any = SimpleNamespace(
        owner=UUID(int=1), customer_id=7, message_id=UUID(int=2), recipient_no=0, attempt=1, domain="b.example"
    )
    made = finished(row, found, ACCEPTED, mail_sha256_hex="00", wait=timedelta(minutes=1), ended=ended)
    return replace(made, **values)


@pytest.mark.parametrize(
    ("found", "stage", "code", "enhanced", "response"),
    [
        (answered("RCPT 550 5.1.1 Unknown"), "RCPT", 550, "5.1.1", "5.1.1 Unknown"),
        # A refusal stands with its own stage, whatever broke behind it; a go-ahead before a silence is no answer
        (broken("END_OF_DATA DROPPED", response=reply("DATA 554 No")), "DATA", 554, None, "No"),
        (broken("END_OF_DATA TIMEOUT", response=reply("DATA 354 Go on")), "END_OF_DATA", None, None, None),
        (broken("CONNECT DNS"), "CONNECT", None, None, None),
    ],
)
def test_an_attempt_keeps_the_servers_answer_and_no_words_of_ours(
    found: Exchange, stage: str, code: int | None, enhanced: str | None, response: str | None
) -> None:
    made = written(found)
    assert (made.stage, made.code, made.enhanced, made.response) == (stage, code, enhanced, response)
    assert (made.took_ms, made.wait_seconds) == (12, 60)


def test_what_the_server_said_that_is_no_reply_is_kept_too() -> None:
    fault = Fault(kind=FaultKind.PROTOCOL, stage=Stage.MAIL, text="That is no SMTP reply.", words="HTTP/1.1 400")
    assert written(exchange(stage=Stage.MAIL, fault=fault)).response == "HTTP/1.1 400"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("x" * LONGEST_RESPONSE, "x" * LONGEST_RESPONSE),
        ("x" * (LONGEST_RESPONSE + 1), "x" * LONGEST_RESPONSE),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("Grüße", "Grüße"),
        ("a\udce4b", "a?b"),
    ],
)
def test_words_are_kept_as_postgresql_can_hold_them(said: str, kept: str) -> None:
    response = replace(reply("RCPT 550 x"), text=said)
    assert written(exchange(stage=Stage.RCPT, response=response)).response == kept
    assert LONGEST_RESPONSE == 65_536


def test_a_clock_that_went_back_took_no_time() -> None:
    assert written(replace(answered("RCPT 550 No"), took_ms=-3)).took_ms == 0


OK = written(answered("END_OF_DATA 250 2.0.0 Ok"))


@pytest.mark.parametrize(
    "other",
    [
        {"verdict": Outcome.DEFERRED},
        {"cause": Cause.UNKNOWN},
        {"advice": "x"},
        {"rule": "x"},
        {"stage": "RCPT"},
        {"code": 251},
        {"enhanced": None},
        {"relay": "other"},
        {"host": "other"},
        {"tls": "TLSv1.3"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_group_is_alike_when_all_were_accepted_in_the_same_way(other: dict[str, Any]) -> None:
    assert _accepted_alike([OK, replace(OK, response="other words", attempt=2, took_ms=5)])
    assert not _accepted_alike([OK, replace(OK, **other)])
    # All alike, but not accepted
    if next(iter(other)) in ("verdict", "cause", "advice"):
        assert not _accepted_alike([replace(OK, **other)])


def test_no_outcomes_are_not_alike() -> None:
    assert not _accepted_alike([])


def test_a_refusal_counts_where_nothing_was_accepted_after_it() -> None:
    # Given a relay and a domain that accepted mail at 5 and at 7 seconds
    accepted = [
        replace(OK, ended=7.0, relay="main", domain="other.example"),
        replace(OK, ended=5.0, relay="main", domain="b.example"),
        replace(OK, ended=3.0, relay="main", domain="b.example"),
    ]
    refusal = written(answered("RCPT 550 5.1.1 ann@b.example is unknown"), verdict=Outcome.REFUSED)

    def counts(ended: float, **values: Any) -> tuple[bool, bool]:
        refused = replace(refusal, ended=ended, **values)
        [made] = _since_accepted([*accepted, refused], [(refused, "ann@b.example", b"key")])
        assert (made.code, made.stage, made.address_key, made.relay) == (550, "RCPT", b"key", refused.relay)
        assert "ann@b.example" not in made.words
        return made.for_relay, made.for_domain

    assert [counts(ended) for ended in (5.0, 5.1, 7.0, 7.1)] == [
        (False, False), (False, True), (False, True), (True, True),
    ]  # fmt: skip
    # Where nothing was accepted it counts, whatever other refusals came after it
    assert counts(1.0, relay="second", domain="c.example") == (True, True)


def test_a_refusal_without_code_or_words_counts_too() -> None:
    silent = written(broken("RCPT DROPPED"), verdict=Outcome.REFUSED)
    [made] = _since_accepted([silent], [(silent, "ann@b.example", b"key")])
    [coded] = _since_accepted([silent], [(replace(silent, code=550), "ann@b.example", b"key")])
    assert (made.code, made.for_relay, made.for_domain, coded.code) == (0, True, True, 550)
    assert made.words != coded.words


@pytest.mark.parametrize(
    ("relay", "domain", "places"),
    [
        (True, True, [(True, "main"), (False, "b.example")]),
        (True, False, [(True, "main")]),
        (False, True, [(False, "b.example")]),
        (False, False, []),
    ],
)
def test_a_refusal_counts_at_its_relay_at_its_domain_at_both_or_nowhere(
    relay: bool, domain: bool, places: list[tuple[bool, str]]
) -> None:
    refused = Refused(
        relay="main", domain="b.example", words="x", address_key=b"k", stage="RCPT", code=550,
        for_relay=relay, for_domain=domain,
    )  # fmt: skip
    assert refused.places() == places
