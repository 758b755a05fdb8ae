"""Links to a mail itself: read back while they are good, and by nothing else."""

from __future__ import annotations

from uuid import UUID

import pytest

from gateway.mail.content_links import ContentLink, Wanted, content_url, read_content_link
from gateway.mail.file_links import LIFE_SECONDS, FileLink, file_url
from gateway.mail.message import MessageRef
from tests.builders import KEYRING

NOW = 1_795_000_000.0
REF = MessageRef(customer_id=2**63 - 1, message_id=UUID(int=7))


def token_of(wanted: Wanted = Wanted.PAGE, *, caller: str = "Zoë") -> str:
    link = ContentLink(caller=caller, ref=REF, wanted=wanted, position=500)
    url = content_url(KEYRING, "https://mail.example", link, now=NOW)
    assert url.startswith("https://mail.example/content/k1-")
    return url.rpartition("/")[2]


@pytest.mark.parametrize("wanted", Wanted)
@pytest.mark.parametrize("caller", ["a", "Zoë", "x" * 100])
def test_a_link_reads_back_for_five_minutes(wanted: Wanted, caller: str) -> None:
    token = token_of(wanted, caller=caller)
    said = ContentLink(caller=caller, ref=REF, wanted=wanted, position=500)
    assert read_content_link(KEYRING, token, now=NOW + LIFE_SECONDS) == said
    assert read_content_link(KEYRING, token, now=NOW + LIFE_SECONDS + 1) is None


@pytest.mark.parametrize("wrong", ["", "k1-", "k1-" + "A" * 80, "k9-" + "A" * 80, "../" + "A" * 80])
def test_what_is_no_link_is_none(wrong: str) -> None:
    assert read_content_link(KEYRING, wrong, now=NOW) is None


def test_no_changed_token_and_no_link_of_another_purpose_is_read() -> None:
    token = token_of()
    for place in range(3, len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert read_content_link(KEYRING, changed, now=NOW) is None or changed == token
    another = file_url(KEYRING, "", FileLink(ref=REF, position=1), now=NOW).rpartition("/")[2]
    assert read_content_link(KEYRING, another, now=NOW) is None
