"""What an exchange means: the stories that no rule may break, and properties over every exchange there can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.response import TRANSACTION_STAGES, Exchange, Fault, FaultKind, Response, Stage
from gateway.mail.verdict import (
    ACCEPTED,
    BAD_ADDRESS_CAUSES,
    BEFORE_MAIL,
    BEFORE_RCPT,
    LONGEST_ASKED_WAIT,
    Cause,
    Outcome,
    Scope,
    Verdict,
    asked_wait,
    enhanced_code,
    judge,
    plain_words,
)
from gateway.verdict_rules import read_verdict_rules
from tests.unit.exchanges import answered, broken, exchange, reply

RULES = read_verdict_rules()


def judged(line: str) -> Verdict:
    return judge(answered(line), RULES)


def test_only_a_2xx_after_the_dot_accepts() -> None:
    assert judged("END_OF_DATA 250 2.0.0 Ok: queued as 4XyZ") is ACCEPTED
    assert judge(exchange(stage=Stage.DATA, response=reply("RCPT 250 2.1.5 Ok")), RULES).outcome is Outcome.DEFERRED


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("END_OF_DATA 200", Outcome.ACCEPTED),
        ("END_OF_DATA 299", Outcome.ACCEPTED),
        # No reply that could end a transaction: nobody knows
        ("END_OF_DATA 199", Outcome.UNCERTAIN),
        ("END_OF_DATA 300", Outcome.UNCERTAIN),
        ("END_OF_DATA 399", Outcome.UNCERTAIN),
        ("END_OF_DATA 600", Outcome.UNCERTAIN),
        ("END_OF_DATA 400", Outcome.DEFERRED),
        ("END_OF_DATA 499", Outcome.DEFERRED),
        ("END_OF_DATA 510", Outcome.REFUSED),
        ("END_OF_DATA 599", Outcome.REFUSED),
    ],
)
def test_the_first_digit_decides_at_its_edges(line: str, outcome: Outcome) -> None:
    assert judged(line).outcome is outcome


def test_of_a_long_reply_the_first_1024_characters_are_read() -> None:
    words = "user unknown"
    for more, cause in ((0, Cause.BAD_ADDRESS), (1, Cause.UNKNOWN)):
        filler = ("lorem " * 200)[: 1024 - len(words) - 1 + more]
        assert judged(f"RCPT 550 {filler} {words}").cause is cause


def test_a_connection_lost_after_the_reply_changes_nothing() -> None:
    accepted = reply("END_OF_DATA 250 Ok")
    assert judge(broken("END_OF_DATA DROPPED", dot_sent=True, response=accepted), RULES) is ACCEPTED


@pytest.mark.parametrize("kind", [kind.value for kind in FaultKind])
def test_silence_after_the_dot_is_uncertain_whatever_broke(kind: str) -> None:
    verdict = judge(broken(f"END_OF_DATA {kind}", dot_sent=True, response=reply("DATA 354 Go ahead")), RULES)
    assert verdict.outcome is Outcome.UNCERTAIN
    assert verdict.counts
    assert verdict.cause is (Cause.TIMEOUT if kind == "TIMEOUT" else Cause.CONNECTION_LOST)
    assert verdict.advice is not None
    assert "Check with the customer" in verdict.advice


def test_a_recipient_refused_before_a_lone_dot_stays_refused() -> None:
    # RFC 2920: after a refused RCPT whose DATA still got 354, a lone dot leaves and nothing else.
    refused = answered("RCPT 550 5.1.1 No such user", dot_sent=True)
    assert judge(refused, RULES).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("line", "scope", "is_attempt"),
    [
        ("CONNECT DNS", Scope.RELAY, False),
        ("CONNECT CONNECT", Scope.RELAY, False),
        ("STARTTLS TLS", Scope.RELAY, False),
        ("GREETING TIMEOUT", Scope.RELAY, False),
        ("MAIL DROPPED", Scope.RELAY, True),
        ("RCPT DROPPED", Scope.DESTINATION, True),
        ("CONTENT TIMEOUT", Scope.DESTINATION, True),
        ("DATA PROTOCOL", Scope.RELAY, True),
        ("DATA CANCELLED", Scope.MESSAGE, False),
        ("CONNECT NO_RELAY", Scope.MESSAGE, False),
    ],
)
def test_a_fault_before_the_dot_defers_and_is_an_attempt_from_mail_on(
    line: str, scope: Scope, is_attempt: bool
) -> None:
    verdict = judge(broken(line), RULES)
    assert (verdict.outcome, verdict.scope, verdict.counts) == (Outcome.DEFERRED, scope, is_attempt)
    assert verdict.advice is not None
    assert verdict.advice.endswith("It is tried again by itself.")


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("TOO_LARGE", Cause.SIZE),
        ("SMTPUTF8_UNSUPPORTED", Cause.UNSUPPORTED),
        ("EIGHT_BIT_UNSUPPORTED", Cause.UNSUPPORTED),
        ("ADDRESS_UNUSABLE", Cause.BAD_ADDRESS),
    ],
)
def test_what_our_relay_cannot_take_is_that_mails_failure_alone(kind: str, cause: Cause) -> None:
    verdict = judge(broken(f"MAIL {kind}"), RULES)
    assert (verdict.outcome, verdict.cause, verdict.suppress) == (Outcome.REFUSED, cause, False)
    assert (verdict.scope, verdict.counts) == (Scope.MESSAGE, True)


@pytest.mark.parametrize("line", ["AUTH 535 5.7.8 No", "AUTH 535 account disabled", "MAIL 535 No", "AUTH 550 No"])
def test_a_refused_login_stops_the_relay_and_fails_nobody(line: str) -> None:
    verdict = judged(line)
    assert (verdict.outcome, verdict.scope, verdict.stops_relay) == (Outcome.DEFERRED, Scope.RELAY, True)
    assert (verdict.cause, verdict.counts) == (Cause.OUR_CONFIGURATION, line.startswith("MAIL"))


@pytest.mark.parametrize(
    ("stage", "scope"),
    [("GREETING", Scope.RELAY), ("MAIL", Scope.RELAY), ("RCPT", Scope.DESTINATION), ("END_OF_DATA", Scope.DESTINATION)],
)
def test_421_speaks_of_the_relay_or_destination_and_is_an_attempt_from_mail_on(stage: str, scope: Scope) -> None:
    for words in ("Service not available", "4.7.0 Too many connections, slow down", "4.4.5 Later"):
        verdict = judged(f"{stage} 421 {words}")
        assert (verdict.outcome, verdict.scope) == (Outcome.DEFERRED, scope)
        assert verdict.counts == (stage != "GREETING")


def test_a_provider_that_speaks_through_the_relay_pauses_itself_and_no_other() -> None:
    verdict = judged("MAIL 421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred")
    assert (verdict.scope, verdict.counts) == (Scope.DESTINATION, True)


@pytest.mark.parametrize(
    "line",
    [
        "RCPT 450 4.1.1 User unknown",  # may be there tomorrow
        "MAIL 550 5.1.1 User unknown",  # about the sender
        "RCPT 550 5.7.1 No such user!",  # policy
        "RCPT 550 4.1.1 No such user",  # the code's class says: later
        "GREETING 554 No such user",
        "RCPT 550 5.1.1 User temporarily unknown",
        "DATA 550 No such user",
        "END_OF_DATA 550 No such user",  # of whom? the server has read the mail's own addresses
        "END_OF_DATA 550 5.6.0 No such user",
    ],
)
def test_unsure_words_never_suppress(line: str) -> None:
    assert not judged(line).suppress


def test_an_address_never_decides() -> None:
    verdict = judged("RCPT 550 5.1.1 <spam@over.quota.example>: no, <greylist@virus.example> says so")
    assert verdict.cause is Cause.BAD_ADDRESS


def test_a_busy_destination_is_paused_and_the_answer_still_counts() -> None:
    verdict = judged("RCPT 451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS77712344)")
    assert (verdict.outcome, verdict.scope, verdict.counts) == (Outcome.DEFERRED, Scope.DESTINATION, True)


def test_replies_that_differ_in_their_queue_ids_read_alike() -> None:
    one = plain_words("5.1.1 No such user <ann@a.example> d9443c01a7336-2a1b2c3si1234plg.123 - gsmtp")
    other = plain_words("5.1.1 No such user <bob@b.example> 98e67ed59e1d1-3f0a9b8si9876pjb.4 - gsmtp")
    assert one == other == "no such user <@> # - gsmtp"


def test_words_are_read_across_lines_without_their_codes() -> None:
    text = "5.1.1 The  email account that you\n5.1.1 tried to reach <Ann@Customer.Example> does not\n5.1.1 exist"
    assert plain_words(text) == "the email account that you tried to reach <@> does not exist"


@pytest.mark.parametrize(
    ("line", "enhanced"),
    [
        ("RCPT 550 5.1.1 No", "5.1.1"),
        ("RCPT 550 #5.1.0 Address rejected.", "5.1.0"),
        ("RCPT 553 sorry, no mailbox here by that name (#5.1.1)", "5.1.1"),
        ("RCPT 550 no such user, says 5.1.1.9", None),
        ("RCPT 550 blocked [5.1.1.9]", None),
        ("RCPT 550", None),
    ],
)
def test_the_enhanced_code_is_found_where_servers_write_it(line: str, enhanced: str | None) -> None:
    assert enhanced_code(reply(line)) == enhanced


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("greylisted, please try again in 300 seconds", 300),
        ("please retry in 5 minutes.", 300),
        ("try again in 1 hour", 3600),
        ("try again after 90 secs", 90),
        ("wait for 2 min, then come back", 120),
        ("please come back in 00:04:57", 297),
        ("deferred for at least 10 minutes", 600),
        ("try again in 0 seconds", 0),
        ("try again in 999999 hours", 24 * 3600),
        ("try again in 99:59:59", 24 * 3600),
        ("try again in one hour", 3600),
        ("try again in an hour", 3600),
        ("try again in half an hour", 1800),
        ("retry after the next half hour", 1800),
        ("try again in about twelve hours", 12 * 3600),
        ("please wait a few minutes, then retry", 180),
        ("please wait a couple of hours, then retry", 7200),
        ("try again in 15-20 minutes", 1200),
        ("try again in 15 \N{EN DASH} 20 min", 1200),
        ("try again in 10 to 5 minutes", 600),
        ("try again in ten or fifteen minutes", None),
        ("retry in between five and ten minutes", 600),
        ("deferred for 12-999999 hours", 24 * 3600),
        ("try again later", None),
        ("timeout after 300 seconds", None),
        ("try again in may", None),
        ("try again in a moment", None),
        ("try again in one go", None),
        ("try again in umpteen minutes", None),
        ("try again in -5 minutes", None),
        ("try again in 0.5 hours", None),
        ("try again in 5-minutes-ish", None),
        ("try again in 5 to minutes", None),
        ("try again in half hearted hours", None),
        ("try again in one-two-three hours", None),
        ("try again in 1234567 hours", None),
        ("wait for someone 5 minutes late", None),
    ],
)
def test_try_again_in_is_understood(words: str, seconds: int | None) -> None:
    assert asked_wait(words) == (None if seconds is None else timedelta(seconds=seconds))


def test_only_what_is_tried_again_has_a_wait() -> None:
    assert judged("RCPT 451 Please try again in 10 minutes").retry_after == timedelta(minutes=10)
    assert judged("RCPT 550 5.1.1 No such user. Try again in 10 minutes").retry_after is None


HINTS = [
    "4.7.1 ",
    "5.1.1 ",
    "5.7.1 ",
    "user unknown",
    "mailbox full",
    "try again in 7 hours",
    "spam",
    "[TSS04]",
    "\n",
    "#5.1.0",
]
texts = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(st.sampled_from(HINTS), st.text(max_size=12)), max_size=8).map(" ".join),
)
responses = st.builds(
    Response,
    code=st.one_of(st.sampled_from([250, 354, 421, 450, 451, 452, 535, 550, 552, 554]), st.integers(200, 599)),
    enhanced=st.one_of(st.none(), st.from_regex(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True)),
    text=texts,
    stage=st.sampled_from(TRANSACTION_STAGES),
)
exchanges = st.builds(
    Exchange,
    replies=st.just(()),
    response=st.one_of(st.none(), responses),
    fault=st.one_of(
        st.none(),
        st.builds(Fault, kind=st.sampled_from(FaultKind), stage=st.sampled_from(TRANSACTION_STAGES), text=texts),
    ),
    stage=st.sampled_from(TRANSACTION_STAGES),
    dot_sent=st.booleans(),
    relay=st.just("main"),
    host=st.none(),
    tls=st.none(),
    started_at=st.just(datetime(2026, 11, 23, tzinfo=UTC)),
    took_ms=st.just(1),
)


@given(exchanges)
def test_every_exchange_has_a_verdict_that_keeps_the_promises(given_exchange: Exchange) -> None:
    verdict = judge(given_exchange, RULES)
    response = given_exchange.response
    took_it = response is not None and response.stage is Stage.END_OF_DATA and response.code // 100 == 2
    said_no = response is not None and response.code >= 400

    assert (verdict.outcome is Outcome.ACCEPTED) == took_it
    assert (verdict.outcome is Outcome.UNCERTAIN) == (given_exchange.dot_sent and not took_it and not said_no)
    assert (verdict.cause is None) == (verdict.advice is None) == took_it
    if said_no and response is not None:
        assert verdict.outcome in ((Outcome.DEFERRED,) if response.code < 500 else (Outcome.DEFERRED, Outcome.REFUSED))
        if response.stage in BEFORE_MAIL:
            assert (verdict.outcome, verdict.scope) == (Outcome.DEFERRED, Scope.RELAY)
        if response.code == 421:
            assert verdict.scope is not Scope.MESSAGE
        assert verdict.counts == (response.stage not in BEFORE_MAIL)
    if verdict.suppress:
        assert verdict.outcome is Outcome.REFUSED
        assert verdict.cause in BAD_ADDRESS_CAUSES
        assert response is not None
        assert not (response.enhanced or "").startswith("5.7.")
        assert response.stage not in BEFORE_RCPT
    if verdict.scope is not Scope.MESSAGE or not verdict.counts:
        assert verdict.outcome is Outcome.DEFERRED
    if verdict.stops_relay:
        assert verdict.scope is Scope.RELAY
    if verdict.retry_after is not None:
        assert verdict.outcome is Outcome.DEFERRED
        assert timedelta(0) <= verdict.retry_after <= LONGEST_ASKED_WAIT


@given(exchanges)
def test_the_same_exchange_has_the_same_verdict(given_exchange: Exchange) -> None:
    assert judge(given_exchange, RULES) == judge(given_exchange, RULES)
