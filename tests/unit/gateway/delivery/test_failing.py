"""A failing relay or domain is told from a failing mail by how many different mails failed in a row."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from gateway.delivery import failing
from gateway.delivery.failing import DOMAIN_MAILS, RELAY_MAILS, FailingMails


def test_one_mail_that_fails_for_ever_is_no_failing_relay_and_no_failing_domain() -> None:
    mails, poison = FailingMails(), uuid4()
    assert not any(mails.relay_fails("main", poison) for _ in range(10 * RELAY_MAILS))
    assert not any(mails.domain_fails("x.example", poison) for _ in range(10 * DOMAIN_MAILS))


def test_the_last_of_enough_different_mails_makes_it_one() -> None:
    mails = FailingMails()
    assert [mails.relay_fails("main", uuid4()) for _ in range(RELAY_MAILS)] == [False] * (RELAY_MAILS - 1) + [True]
    assert [mails.domain_fails("x.example", uuid4()) for _ in range(DOMAIN_MAILS)] == [False] * (DOMAIN_MAILS - 1) + [
        True
    ]
    assert not mails.domain_fails("y.example", uuid4())


def test_a_mail_that_goes_through_starts_the_count_anew() -> None:
    mails = FailingMails()
    for _ in range(DOMAIN_MAILS - 1):
        mails.relay_fails("main", uuid4())
        mails.domain_fails("x.example", uuid4())
    mails.reset(relay="main", domain="x.example")
    assert not mails.domain_fails("x.example", uuid4())
    assert not any(mails.relay_fails("main", uuid4()) for _ in range(RELAY_MAILS - 1))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failing, "MAX_PLACES", 3)
    mails, same = FailingMails(), UUID(int=1)
    for number in range(3):
        mails.domain_fails(f"d{number}.example", same)
    # The fourth domain makes room by forgetting the others.
    assert not mails.domain_fails("d3.example", same)
    assert not any(mails.domain_fails("d0.example", uuid4()) for _ in range(DOMAIN_MAILS - 1))
