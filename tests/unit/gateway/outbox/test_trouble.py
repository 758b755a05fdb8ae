"""What a failed exchange says of a relay: its kind, and whose words are kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.mail.response import Exchange, Fault, FaultKind, Stage
from gateway.outbox.trouble import _fault_text, _refusal, trouble_kind
from tests.unit.exchanges import answered, broken, reply


@pytest.mark.parametrize(
    ("exchange", "kind", "code"),
    [
        (answered("AUTH 535 5.7.8 No"), "LOGIN", 535),
        (broken("AUTH DROPPED"), "LOGIN", None),
        (answered("STARTTLS 454 Not now"), "TLS", 454),
        (broken("RCPT TLS"), "TLS", None),
        (broken("CONNECT CONNECT"), "CONNECTION", None),
        (answered("MAIL 421 4.3.2 Going down"), "UNAVAILABLE", 421),
        (broken("MAIL DROPPED"), "CONNECTION", None),
        # A refusal counts whatever broke behind it; a positive reply before a fault is no cause
        (broken("MAIL DROPPED", response=reply("MAIL 400 No")), "UNAVAILABLE", 400),
        (broken("MAIL DROPPED", response=reply("MAIL 399 Odd")), "CONNECTION", None),
        (broken("DATA DROPPED", response=reply("DATA 250 Ok")), "CONNECTION", None),
    ],
)
def test_trouble_has_a_kind_and_the_servers_refusal(exchange: Exchange, kind: str, code: int | None) -> None:
    refusal = _refusal(exchange)
    assert (trouble_kind(exchange), refusal and refusal.code) == (kind, code)


def test_a_fault_tells_what_the_server_said_beside_it() -> None:
    fault = Fault(kind=FaultKind.PROTOCOL, stage=Stage.MAIL, text="That is no SMTP reply.")
    said = replace(fault, words="HTTP/1.1 400")
    assert [_fault_text(each) for each in (None, fault, said)] == [
        None,
        "That is no SMTP reply.",
        "That is no SMTP reply. It said: HTTP/1.1 400",
    ]
