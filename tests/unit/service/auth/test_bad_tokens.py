"""Bad tokens are throttled by client address, in bounded memory."""

from __future__ import annotations

import pytest

from service.auth import bad_tokens
from service.auth.bad_tokens import BURST, BadTokens
from service.errors import RequestRefused

ANN = "203.0.113.7"


class Clock:
    """A clock that a test advances."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def throttled(sent: BadTokens, address: str) -> str | None:
    """When the address may try again; None when it may now."""
    try:
        sent.check(address)
    except RequestRefused as refused:
        return refused.headers["Retry-After"]
    return None


def test_a_burst_is_let_in_and_the_next_waits_until_one_is_forgiven() -> None:
    clock = Clock()
    sent = BadTokens(clock)
    for _ in range(30):
        assert throttled(sent, ANN) is None
        sent.note(ANN)
    assert throttled(sent, ANN) == "1"
    # Others are not meant
    assert throttled(sent, "203.0.113.8") is None
    clock.now += 0.9
    assert throttled(sent, ANN) == "1"
    clock.now += 0.1
    assert throttled(sent, ANN) is None
    sent.note(ANN)
    assert throttled(sent, ANN) == "1"
    # In time all is forgiven
    clock.now += BURST
    for _ in range(BURST):
        assert throttled(sent, ANN) is None
        sent.note(ANN)


@pytest.mark.parametrize(
    ("one", "other", "is_one_client"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("", "", True),
    ],
)
def test_a_network_of_ipv6_is_one_client(one: str, other: str, is_one_client: bool) -> None:
    sent = BadTokens(Clock())
    for _ in range(BURST):
        sent.note(one)
    assert (throttled(sent, other) is not None) == is_one_client


def test_the_address_that_was_bad_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bad_tokens, "MAX_ADDRESSES", 2)
    sent = BadTokens(Clock())
    for address in ["a", "b", *["a"] * BURST, *["b"] * BURST, "a", "c"]:
        sent.note(address)
    assert [throttled(sent, address) is not None for address in "abc"] == [True, False, False]
