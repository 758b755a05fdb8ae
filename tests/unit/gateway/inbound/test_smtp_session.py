"""A session as a state machine: what is answered when, and that nobody but ours gets mail by it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.addresses import AddressKind
from gateway.inbound.smtp_session import RefusedFor, SessionLimits, SmtpSession, Step, Then
from gateway.inbound.store import InboundSource
from tests.inbound import ADDRESSES, BOUNCES, OFFICE, TOKEN

REPLY = re.compile(r"(?:[2345][0-9]{2}[ -][ -~]*\r\n)*[2345][0-9]{2} [ -~]*")


def session(source: InboundSource = InboundSource.SMTP, **limits: int) -> SmtpSession:
    """A session without a connection."""
    return SmtpSession(
        source=source,
        hostname="mx.fabrikam.example",
        addresses=ADDRESSES,
        limits=SessionLimits(max_octets=100_000, **limits),
        offers_tls=True,
    )


def say(made: SmtpSession, *lines: str) -> Step:
    """Returns the step of the last line."""
    step = Step(reply="")
    for line in lines:
        step = made.obey(line.encode())
    return step


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["MAIL FROM:<>"], "503 5.5.1"),
        (["RCPT TO:<a@b.example>"], "503 5.5.1"),
        (["DATA"], "503 5.5.1"),
        (["EHLO a", "DATA"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<>", "DATA"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<>", "MAIL FROM:<>"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<>", f"RCPT TO:<{OFFICE}>", "DATA x"], "501 5.5.4"),
        (["EHLO a", "MAIL FROM:<>", "RSET", f"RCPT TO:<{OFFICE}>"], "503 5.5.1"),
        (["EHLO a", "MAIL FROM:<>", "EHLO a", f"RCPT TO:<{OFFICE}>"], "503 5.5.1"),
        (["EHLO"], "501 5.5.4"),
        (["HELO a"], "250 mx.fabrikam.example"),
        (["VRFY office"], "502 5.5.1"),
        (["EXPN all"], "502 5.5.1"),
        (["AUTH PLAIN x"], "502 5.5.1"),
        (["BDAT 10 LAST"], "502 5.5.1"),
        (["HELP"], "502 5.5.1"),
        ([""], "502 5.5.1"),
        (["XCLIENT ADDR=1.2.3.4"], "502 5.5.1"),
        (["RSET x"], "501 5.5.4"),
        (["STARTTLS x"], "501 5.5.4"),
        (["noop with words"], "250 2.0.0"),
    ],
)
def test_commands_out_of_their_order_are_told_so(lines: list[str], reply: str) -> None:
    assert say(session(), *lines).reply.startswith(reply)


def test_what_is_offered() -> None:
    offered = {line[4:] for line in say(session(), "EHLO a").reply.split("\r\n")[1:]}
    assert offered == {"PIPELINING", "SIZE 100000", "8BITMIME", "SMTPUTF8", "STARTTLS", "ENHANCEDSTATUSCODES"}


def test_tls_begins_a_session_anew() -> None:
    made = session()
    assert say(made, "EHLO a", "MAIL FROM:<>", "STARTTLS").then is Then.STARTTLS
    made.begin_tls()
    assert say(made, "MAIL FROM:<>").reply.startswith("503")
    assert "STARTTLS" not in say(made, "EHLO a").reply
    assert say(made, "STARTTLS").reply.startswith("502")


def test_a_connection_ends_after_so_many_mails() -> None:
    made = session(mails=2)
    for _ in range(2):
        assert say(made, "EHLO a", "MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", "DATA").then is Then.CONTENT
        made.end_mail(stored=True)
    step = say(made, "MAIL FROM:<>")
    assert (step.reply[:9], step.then, step.refused) == ("421 4.7.0", Then.CLOSE, RefusedFor.SESSION_LIMIT)


def test_a_connection_that_does_nothing_but_talk_ends() -> None:
    made = session(commands_between=5)
    assert say(made, *["NOOP"] * 5).then is Then.COMMAND
    assert say(made, "NOOP").then is Then.CLOSE


def test_no_mail_is_begun_without_permission() -> None:
    refused = Step(reply="450 4.7.1 later", refused=RefusedFor.RATE)
    asked: list[int | None] = []

    def permit(size: int | None) -> Step:
        asked.append(size)
        return refused

    made = SmtpSession(
        source=InboundSource.SMTP,
        hostname="mx",
        addresses=ADDRESSES,
        limits=SessionLimits(max_octets=100),
        offers_tls=False,
        permit=permit,
    )
    assert say(made, "EHLO a", "MAIL FROM:<> SIZE=7") is refused
    assert asked == [7]
    assert say(made, f"RCPT TO:<{TOKEN}>").reply.startswith("503")


VERBS = ["EHLO ", "LHLO ", "HELO ", "MAIL FROM:", "RCPT TO:", "DATA", "RSET", "NOOP", "QUIT", "STARTTLS", "VRFY "]
ARGUMENTS = ["", "a.example", "<>", f"<{TOKEN}>", f"<{OFFICE}>", "<a@b.example>", f"<x@{BOUNCES}> SIZE=5", "<> SIZE=x"]
LINES = st.one_of(
    st.builds(lambda verb, argument: (verb + argument).encode(), st.sampled_from(VERBS), st.sampled_from(ARGUMENTS)),
    st.binary(max_size=80),
)


@given(st.lists(LINES, max_size=30), st.sampled_from([InboundSource.SMTP, InboundSource.LMTP]))
def test_whatever_is_said_is_answered_and_only_ours_get_mail(lines: list[bytes], source: InboundSource) -> None:
    made = session(source)
    for line in lines:
        step = made.obey(line)
        assert step.then is Then.STARTTLS or REPLY.fullmatch(step.reply), step
        if step.then is Then.CONTENT:
            assert made.envelopes
            for envelope in made.envelopes:
                assert isinstance(ADDRESSES.accepts(envelope.recipient or ""), AddressKind)
            made.end_mail(stored=True)
            assert made.envelopes == ()
        elif step.then is Then.CLOSE:
            return
