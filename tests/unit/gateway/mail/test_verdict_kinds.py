"""Kinds of replies that were misread, and what each means: the reply found first, then its siblings."""

from __future__ import annotations

import pytest

from gateway.mail.verdict import Cause, Outcome, Scope, Verdict, judge, plain_words, quoted_reply, read_reply
from gateway.verdict_rules import read_verdict_rules
from tests.unit.exchanges import answered, reply

RULES = read_verdict_rules()


def judged(line: str) -> Verdict:
    return judge(answered(line), RULES)


def expect_ours_and_nobody_suppressed(line: str) -> None:
    verdict = judged(line)
    assert (verdict.outcome, verdict.cause, verdict.suppress) == (Outcome.REFUSED, Cause.OUR_CONFIGURATION, False), (
        verdict.rule
    )


@pytest.mark.parametrize(
    "line",
    [
        "RCPT 550 5.1.1 <bounce@firm.example>: unauthorized sender",
        "RCPT 550 5.1.1 <bounce@firm.example>: sender is not authorised",
        "RCPT 550 5.1.6 unknown sender",
        "RCPT 553 5.1.3 sender address rejected: no such user",
        "END_OF_DATA 550 5.1.1 Sender not registered, user unknown",
        "RCPT 550 Absender unbekannt",
    ],
)
def test_words_about_the_sender_outrank_the_code_and_the_words_about_an_address(line: str) -> None:
    expect_ours_and_nobody_suppressed(line)


@pytest.mark.parametrize("code", ["5.1.7", "5.1.8", "5.1.20", "5.7.27"])
@pytest.mark.parametrize("words", ["invalid address", "User unknown", "no such user", "Mailbox not found"])
@pytest.mark.parametrize("stage", ["RCPT", "DATA", "END_OF_DATA"])
def test_a_code_about_the_sender_outranks_words_about_an_address(stage: str, code: str, words: str) -> None:
    expect_ours_and_nobody_suppressed(f"{stage} 550 {code} {words}")


@pytest.mark.parametrize(
    "line",
    [
        "END_OF_DATA 550 5.1.1 From: address invalid, no such user",
        "END_OF_DATA 550 Reply-To: no such user",
        "END_OF_DATA 550 5.1.3 Sender: malformed address",
        "END_OF_DATA 550 5.1.1 Return-Path: mailbox not found",
    ],
)
def test_words_about_a_header_of_ours_suppress_nobody(line: str) -> None:
    expect_ours_and_nobody_suppressed(line)


@pytest.mark.parametrize("words", ["To: no such user", "Cc: user unknown", "Invalid To header: no such user"])
def test_words_about_the_mails_own_recipients_are_about_the_mail(words: str) -> None:
    verdict = judged(f"END_OF_DATA 550 5.1.1 {words}")
    assert (verdict.cause, verdict.suppress) == (Cause.CONTENT, False)


@pytest.mark.parametrize(
    "line",
    [
        *(f"{stage} {code}" for stage in ("RCPT", "DATA") for code in ("530 Authentication required", "530")),
        *(f"{stage} 503 Authentication required" for stage in ("RCPT", "DATA")),
        "RCPT 530 5.7.0 Must issue a STARTTLS command first",
        "END_OF_DATA 530 5.7.57 Client not authenticated to send mail",
        "RCPT 503 5.5.1 Error: authentication not enabled; log in first",
        "MAIL 503 5.5.1 Authentication required",
        "MAIL 550 5.1.0 Authentication required",
        "MAIL 553 Please log in first: login required",
        "MAIL 550 5.7.1 Client was not authenticated",
        "MAIL 554 You must authenticate first",
    ],
)
def test_a_wanted_login_stops_the_relay_at_whatever_stage(line: str) -> None:
    verdict = judged(line)
    assert (verdict.outcome, verdict.scope, verdict.stops_relay) == (Outcome.DEFERRED, Scope.RELAY, True), verdict.rule
    assert verdict.cause is Cause.OUR_CONFIGURATION
    # From MAIL on it is an answer about this mail, and stands in its attempts.
    assert verdict.counts == (not line.startswith("AUTH"))


@pytest.mark.parametrize(
    "line",
    [
        "RCPT 530 Your host is listed in a block list, bye",  # said of one destination, by some servers
        "END_OF_DATA 530 5.7.1 Message failed DMARC authentication",
        "RCPT 550 5.7.1 Authentication required",
        "END_OF_DATA 550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
    ],
)
def test_a_destination_that_lets_only_some_in_stops_no_relay(line: str) -> None:
    assert not judged(line).stops_relay


@pytest.mark.parametrize("stage", ["MAIL", "DATA"])
@pytest.mark.parametrize("words", ["503 5.5.1 Bad sequence of commands", "503", "503 5.5.1 nested MAIL", "502 No"])
def test_a_relay_out_of_step_is_paused_and_fails_no_mail(stage: str, words: str) -> None:
    verdict = judged(f"{stage} {words}")
    assert (verdict.outcome, verdict.scope, verdict.cause) == (Outcome.DEFERRED, Scope.RELAY, Cause.RELAY_TROUBLE)


@pytest.mark.parametrize("line", ["RCPT 503 5.5.1 RCPT without MAIL", "MAIL 500 Command not recognized"])
def test_a_relay_that_says_so_later_is_paused_as_well(line: str) -> None:
    verdict = judged(line)
    assert (verdict.outcome, verdict.scope, verdict.cause) == (Outcome.DEFERRED, Scope.RELAY, Cause.RELAY_TROUBLE)


@pytest.mark.parametrize(
    "line",
    [
        "RCPT 550 5.2.2 submission quota exceeded",
        "RCPT 450 4.7.3 Organization queue quota exceeded",
        "END_OF_DATA 552 5.2.2 Sender's quota exceeded",
        "RCPT 452 4.2.2 outbound message quota exceeded",
        "RCPT 550 You have exceeded your message quota",
    ],
)
def test_our_own_quota_is_no_full_mailbox(line: str) -> None:
    verdict = judged(line)
    assert (verdict.outcome, verdict.cause, verdict.scope) == (Outcome.DEFERRED, Cause.RATE_LIMITED, Scope.RELAY)


@pytest.mark.parametrize("line", ["421 4.2.1 Service refused, please try later", "450 4.2.1 Not now"])
def test_a_mailbox_code_that_says_later_is_no_closed_mailbox(line: str) -> None:
    verdict = judged(f"RCPT {line}")
    assert (verdict.outcome, verdict.cause) == (Outcome.DEFERRED, Cause.DESTINATION_TROUBLE)


@pytest.mark.parametrize(
    "words", ["Content Filter agent quarantined this message", "Message filtered", "Message rejected as spam"]
)
def test_a_mailbox_code_with_a_filters_words_is_spam(words: str) -> None:
    assert judged(f"RCPT 550 5.2.1 {words}").cause is Cause.SPAM


@pytest.mark.parametrize("subject", range(8))
@pytest.mark.parametrize("stage", ["RCPT", "DATA", "END_OF_DATA"])
def test_a_code_that_ends_in_0_says_nothing(stage: str, subject: int) -> None:
    refused = judged(f"{stage} 550 5.{subject}.0 Mail rejected")
    assert (refused.cause, refused.suppress) == (Cause.UNKNOWN, False)
    assert judged(f"{stage} 550 5.{subject}.0 Mailbox is full").cause is Cause.MAILBOX_FULL
    assert judged(f"{stage} 550 5.{subject}.0 Message classified as spam").cause is Cause.SPAM
    assert judged(f"{stage} 451 4.{subject}.0 Not now").outcome is Outcome.DEFERRED


@pytest.mark.parametrize(
    ("line", "cause", "suppress"),
    [
        ("550 5.1.1 undeliverable: host mx.customer.example[192.0.2.9] said: 550 5.1.1 No such user", None, True),
        ("550 5.1.1 undeliverable address: host mx.customer.example said: 452 4.2.2 Over quota", "MAILBOX_FULL", False),
        ("550 5.1.1 undeliverable address: host mx.customer.example said: 550 5.7.1 Not wanted", None, False),
        ("550 5.1.1 host mx.customer.example said: 450 4.1.1 User unknown", "BAD_ADDRESS", False),
        ("550 5.1.1 host mx.customer.example said: 554", "UNKNOWN", False),
        ("550 5.1.1 host mx.customer.example said: 451 4.4.1", "DESTINATION_TROUBLE", False),
        ("550 User unknown (host mx.customer.example replied: 554 5.7.1 Go away)", "BAD_ADDRESS", False),
        ("550 Callout verification failed:\\n550 User unknown", None, True),
        ("550 5.1.1 connect to mx.customer.example[192.0.2.9]:25: Connection timed out", "DESTINATION_TROUBLE", False),
        ("550 5.1.1 a said: 550 b said: 550 5.1.1 c said: 451 4.3.0 No such user", "BAD_ADDRESS", False),
    ],
)  # fmt: skip
def test_a_quoted_reply_is_judged_by_the_innermost(line: str, cause: str | None, suppress: bool) -> None:
    verdict = judged(f"RCPT {line}")
    assert (verdict.cause, verdict.suppress) == (Cause(cause or "BAD_ADDRESS"), suppress), verdict.rule


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        ("550 host mx.customer.example[192.0.2.9] said: 550 5.1.1 No such user", (550, "5.1.1", "no such user")),
        ("550 Callout verification failed:\\n550 User unknown", (550, None, "user unknown")),
        ("550 failure (ann@customer.example:550 5.1.1 <ann@customer.example> gone)", (550, "5.1.1", "<@> gone)")),
        ("550 a said: 450-4.2.0 b said: 554", (554, None, "")),
        ("550 See http://customer.example:5501/", None),
        ("550 No such user", None),
        ("550 Limit: 5500 a day", None),
    ],
)
def test_the_innermost_reply_is_found(line: str, quoted: tuple[int, str | None, str] | None) -> None:
    found = quoted_reply(read_reply(reply(f"RCPT {line}")))
    assert (None if found is None else (found.code, found.enhanced, found.words)) == quoted


@pytest.mark.parametrize(
    "words",
    [
        "Policy rejection. Possible reasons: invalid recipient, sender blocked, spam",
        "Rejected by local policy: no such user, or mailbox full",
    ],
)
def test_a_policys_list_of_reasons_is_a_policy(words: str) -> None:
    verdict = judged(f"RCPT 554 {words}")
    assert (verdict.cause, verdict.suppress) == (Cause.POLICY, False)


@pytest.mark.parametrize("words", ["Possible reasons: no such user, mailbox full", "Reason(s): user unknown; spam"])
def test_a_list_of_reasons_is_none(words: str) -> None:
    verdict = judged(f"RCPT 550 5.1.1 Not accepted. {words}")
    assert (verdict.cause, verdict.suppress) == (Cause.UNKNOWN, False)


@pytest.mark.parametrize("words", ["Blocked by policy", "Rejected for policy reasons", "Administrative prohibition"])
def test_an_address_code_with_a_policys_words_is_a_policy(words: str) -> None:
    verdict = judged(f"RCPT 550 5.1.1 {words}")
    assert (verdict.cause, verdict.suppress) == (Cause.POLICY, False)


@pytest.mark.parametrize(
    "line",
    [
        "553 This route requires high-strength ciphers",
        "553 Secure connection required",
        "501 Rcpt-To validation failed; this server is not configured to relay",
        "553 You are not permitted to relay through this server without authentication",
    ],
)
def test_our_way_to_the_server_is_no_bad_address(line: str) -> None:
    expect_ours_and_nobody_suppressed(f"RCPT {line}")


@pytest.mark.parametrize(
    "line",
    [
        "550 Address unknown",
        "550 Account deleted by user",
        "550 ann@customer.example not listed in public Name & Address Book",
        "550 #550 5.1.1 RESOLVER.ADR.RecipNotFound; not found",
        "550 Mailbox ann@customer.example unknown",
        "550 We cannot find your recipient",
        "550 User is not registered here",
        "551 Not our user",
        "554 There is no such person",
        "550 RCPT TO:<ann@customer.example> User unknown",
    ],
)
def test_an_unknown_address_is_read_in_whatever_words(line: str) -> None:
    verdict = judged(f"RCPT {line}")
    assert (verdict.cause, verdict.suppress) == (Cause.BAD_ADDRESS, True), verdict.rule


def test_accents_and_old_character_sets_are_read_alike() -> None:
    plain = "boite aux lettres pleine, l'adresse n'existe plus"
    assert plain_words("Boîte aux lettres pleine, l’adresse n’existe plus") == plain
    assert plain_words("Bo\\xeete aux lettres pleine, l'adresse n'existe plus") == plain
    assert plain_words("Postfach ueberf\\xfcllt") == "postfach ueberfullt"
    assert plain_words("ﾒｰﾙﾎﾞｯｸｽ が 一杯") == "メールボックス が 一杯"
