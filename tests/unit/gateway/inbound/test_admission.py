"""The limits that connections share."""

from __future__ import annotations

import pytest

from gateway.inbound.admission import Admission, ListenerLimits, client_of


class Clock:
    """A clock that stands where it is put."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def admission(clock: Clock | None = None, **limits: int) -> Admission:
    return Admission(ListenerLimits(**limits), clock=clock or Clock())


def test_connections_are_limited_in_all_and_of_one_client() -> None:
    made = admission(connections=3, connections_of_client=2)
    assert [made.connect("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert made.connect("192.0.2.2")
    assert not made.connect("192.0.2.3")
    made.disconnect("192.0.2.1")
    assert made.connect("192.0.2.3")
    assert made.connections == 3


def test_a_client_has_so_many_mails_a_minute() -> None:
    clock = Clock()
    made = admission(clock, per_minute=2)
    assert [made.count("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert made.count("192.0.2.2")
    clock.now = 59.9
    assert not made.count("192.0.2.1")
    clock.now = 60.0
    assert made.count("192.0.2.1")


def test_this_machine_is_limited_as_a_whole_only() -> None:
    made = admission(connections=3, connections_of_client=1, per_minute=1)
    assert all(made.connect(client) and made.count(client) for client in ("127.0.0.1", "127.0.0.1", "::1"))
    assert not made.connect("127.0.0.1")


def test_the_memory_of_clients_is_bounded() -> None:
    made = admission(per_minute=1)
    assert made.count("192.0.2.1")
    for number in range(10_000):
        made.count(f"10.0.{number // 256}.{number % 256}")
    assert made.count("192.0.2.1"), "it was forgotten, as the oldest"


def test_memory_is_taken_and_given_back() -> None:
    made = admission(memory=10)
    assert made.reserve(6)
    assert not made.reserve(5)
    assert (made.memory_used, made.has_memory(4), made.has_memory(5)) == (6, True, False)
    made.release(6)
    assert made.reserve(10)


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_a_site(address: str, client: str) -> None:
    assert client_of(address) == client
