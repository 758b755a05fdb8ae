"""Signed links to files: whoever has one may download for five minutes, and nobody can make or change one."""

from __future__ import annotations

from uuid import UUID

import pytest

from gateway.mail.file_links import LIFE_SECONDS, FileLink, file_url, read_file_link
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef
from gateway.mail.tracking import open_url, read_open
from gateway.settings import parse_secret_key
from tests.builders import KEYRING, SECRET_KEYS

NOW = 1_795_000_000.5
LINK = FileLink(ref=MessageRef(customer_id=2**40 + 7, message_id=UUID(int=7 << 64)), position=49)


def token_of(link: FileLink = LINK, keyring: Keyring = KEYRING) -> str:
    return file_url(keyring, "https://x.example", link, now=NOW).removeprefix("https://x.example/files/")


@pytest.mark.parametrize("customer", [1, 255, 256, 2**40, 2**63 - 1])
def test_a_link_names_its_file_for_five_minutes(customer: int) -> None:
    link = FileLink(ref=MessageRef(customer_id=customer, message_id=UUID(int=2**128 - 1)), position=0)
    token = token_of(link)
    assert read_file_link(KEYRING, token, now=NOW) == link
    assert read_file_link(KEYRING, token, now=NOW + LIFE_SECONDS - 1) == link
    assert read_file_link(KEYRING, token, now=NOW + LIFE_SECONDS) is None


def test_a_link_that_was_changed_anywhere_names_nothing() -> None:
    token = token_of()
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert read_file_link(KEYRING, changed, now=NOW) is None
        assert read_file_link(KEYRING, token[:at], now=NOW) is None
    for foreign in ("", "-", "k1-", token + "A", token + "=", f"k1-{'A' * 60}", "ü" * 60, "\0"):
        assert read_file_link(KEYRING, foreign, now=NOW) is None


def test_a_token_of_another_purpose_or_key_is_none() -> None:
    other = Keyring([parse_secret_key("k1:OTg3NjU0MzIxMGFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")])
    assert read_file_link(KEYRING, token_of(keyring=other), now=NOW) is None
    pixel = open_url(KEYRING, "https://x.example", LINK.ref).rpartition("/")[2]
    assert read_file_link(KEYRING, pixel, now=NOW) is None
    assert read_open(KEYRING, token_of()) is None


def test_a_link_of_an_older_key_is_read_while_the_key_is_listed() -> None:
    newer = parse_secret_key("k2:OTg3NjU0MzIxMGFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    rotated = Keyring([newer, parse_secret_key(SECRET_KEYS)])
    assert read_file_link(rotated, token_of(), now=NOW) == LINK
    assert read_file_link(Keyring([newer]), token_of(), now=NOW) is None
