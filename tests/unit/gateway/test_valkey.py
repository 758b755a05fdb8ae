"""Addresses of Sentinels are read as other programs write them."""

from __future__ import annotations

import pytest

from gateway.valkey import Sentinels, parse_sentinels


@pytest.mark.parametrize("url", ["redis://valkey:6379/0", "rediss://valkey", "unix:///run/valkey.sock?db=3"])
def test_one_server_has_no_sentinels(url: str) -> None:
    assert parse_sentinels(url) is None


def test_sentinels_name_a_primary_a_database_and_who_may_ask() -> None:
    assert parse_sentinels("redis+sentinel://s1,s2:5000/mail") == Sentinels(
        hosts=(("s1", 26379), ("s2", 5000)), name="mail"
    )
    found = parse_sentinels(
        "rediss+sentinel://us:p%40ss@s1:26379,[2001:db8::1]:5000/my%20mail/3?sentinel_password=s%3Decret"
    )
    assert found == Sentinels(
        hosts=(("s1", 26379), ("2001:db8::1", 5000)),
        name="my mail",
        database=3,
        tls=True,
        username="us",
        password="p@ss",
        sentinel_password="s=ecret",
    )
    assert "ecret" not in repr(found)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("redis+sentinel://s1:26379", "/NAME"),
        ("redis+sentinel://s1:26379/mail/first", "/NAME"),
        ("redis+sentinel://s1:0/mail", "host:port"),
        ("redis+sentinel://s1:2:3/mail", "host:port"),
        ("redis+sentinel://s1/mail?speed=9", "unknown option 'speed'"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_sentinels(url)
