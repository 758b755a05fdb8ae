"""Tokens of bulk actions: read back whole, by nobody's alteration, and told when their time is over."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.action_tokens import (
    LONGEST_WANTED,
    MAX_SHOWN,
    ActionToken,
    BulkMessageAction,
    ShownMessage,
    read_action,
    sign_action,
    token_digest,
)
from gateway.mail.export_links import ExportFormat, ExportLink, export_url
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef, Status
from gateway.settings import parse_secret_key
from tests.builders import KEYRING

NOW = 1_795_000_000
SHOWN_AT = datetime(2026, 11, 23, 12, 0, 0, 123456, UTC)


def shown(number: int, status: Status = Status.UNCERTAIN) -> ShownMessage:
    ref = MessageRef(customer_id=number, message_id=UUID(bytes=sha256(str(number).encode()).digest()[:16]))
    return ShownMessage(ref=ref, status=status)


def token(**values: Any) -> ActionToken:
    usual: dict[str, Any] = {
        "caller": "Zoë",
        "action": BulkMessageAction.RETRY,
        "wanted": {"statuses": ["UNCERTAIN"], "search": "a\nb"},
        "shown_at": SHOWN_AT,
        "messages": (shown(1), shown(2**63 - 1), shown(3, Status.REFUSED), shown(4)),
        "ends_at": NOW + 900,
    }
    return ActionToken(**(usual | values))


def signed(one: ActionToken) -> str:
    text = sign_action(KEYRING, one)
    assert text is not None
    return text


def test_a_token_says_what_was_signed_also_when_its_time_is_over() -> None:
    read = read_action(KEYRING, signed(token()))
    assert read == token()
    assert not read.is_over(NOW + 900)
    assert read.is_over(NOW + 900.5)


messages = st.lists(
    st.builds(
        lambda customer, message, status: ShownMessage(
            ref=MessageRef(customer_id=customer, message_id=message), status=status
        ),
        st.integers(1, 2**63 - 1),
        st.uuids(),
        st.sampled_from(Status),
    ),
    max_size=12,
)


@settings(max_examples=30)
@given(messages=messages, caller=st.text(max_size=50), action=st.sampled_from(BulkMessageAction))
def test_any_messages_of_any_caller_are_read_back(
    messages: list[ShownMessage], caller: str, action: BulkMessageAction
) -> None:
    one = token(messages=tuple(messages), caller=caller, action=action)
    assert read_action(KEYRING, signed(one)) == one


@pytest.mark.parametrize("wrong", ["", "k1-", "k1-" + "A" * 40, "k9-" + "A" * 40, "../" + "A" * 40, "k1-é" + "A" * 40])
def test_what_is_no_token_is_none(wrong: str) -> None:
    assert read_action(KEYRING, wrong) is None


def test_no_altered_token_is_read() -> None:
    text = signed(token())
    for place in range(len(text)):
        altered = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        assert read_action(KEYRING, altered) is None, place
    assert read_action(KEYRING, text + "A") is None
    assert read_action(KEYRING, text[:-4]) is None


def test_neither_another_purpose_nor_another_key_makes_one() -> None:
    link = ExportLink(caller="Zoë", format=ExportFormat.CSV, wanted={"list": 1, "search": None, "more": "x" * 40})
    url = export_url(KEYRING, "https://mail.example", link, now=NOW)
    assert url is not None
    assert read_action(KEYRING, url.rpartition("/")[2]) is None
    other = Keyring([parse_secret_key("k1:b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyMTI=")])
    assert read_action(other, signed(token())) is None


def test_the_largest_token_fits_a_request_and_no_larger_one_is_made() -> None:
    many = tuple(shown(2**40 + number * 7) for number in range(MAX_SHOWN))
    text = signed(token(messages=many, wanted={"addresses": ["x" * 320] * 100}))
    assert len(text) < 500_000
    read = read_action(KEYRING, text)
    assert read is not None
    assert len(read.messages) == MAX_SHOWN
    assert sign_action(KEYRING, token(wanted={"addresses": ["x" * LONGEST_WANTED]})) is None
    with pytest.raises(ValueError, match="more messages"):
        sign_action(KEYRING, token(messages=(*many, shown(1))))


def test_a_use_is_known_by_a_digest_that_two_previews_do_not_share() -> None:
    first, second = signed(token()), signed(token(ends_at=NOW + 901))
    assert len(token_digest(first)) == 32
    assert token_digest(first) != token_digest(second)
