"""Signed links to exports: good for five minutes, for one list in one form, and nobody can make or change one."""

from __future__ import annotations

from uuid import UUID

import pytest

from gateway.mail.export_links import ExportFormat, ExportKind, ExportLink, export_url, read_export_link
from gateway.mail.file_links import LIFE_SECONDS, FileLink, file_url
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef
from gateway.settings import parse_secret_key
from tests.builders import KEYRING, SECRET_KEYS

NOW = 1_795_000_000.5
LINK = ExportLink(kind=ExportKind.IMPORT_ERRORS, row_id=UUID(int=7 << 64), format=ExportFormat.CSV)


def token_of(link: ExportLink = LINK, keyring: Keyring = KEYRING) -> str:
    return export_url(keyring, "https://x.example", link, now=NOW).removeprefix("https://x.example/exports/")


@pytest.mark.parametrize("written", list(ExportFormat))
def test_a_link_names_its_list_for_five_minutes(written: ExportFormat) -> None:
    link = ExportLink(kind=ExportKind.IMPORT_ERRORS, row_id=UUID(int=2**128 - 1), format=written)
    token = token_of(link)
    assert read_export_link(KEYRING, token, now=NOW) == link
    assert read_export_link(KEYRING, token, now=NOW + LIFE_SECONDS - 1) == link
    assert read_export_link(KEYRING, token, now=NOW + LIFE_SECONDS) is None


def test_a_link_that_was_changed_anywhere_names_nothing() -> None:
    token = token_of()
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert read_export_link(KEYRING, changed, now=NOW) is None
        assert read_export_link(KEYRING, token[:at], now=NOW) is None
    for foreign in ("", "-", "k1-", token + "A", token + "=", f"k1-{'A' * 51}", "ü" * 60, "\0"):
        assert read_export_link(KEYRING, foreign, now=NOW) is None


def test_a_link_of_another_purpose_or_key_names_nothing() -> None:
    ref = MessageRef(customer_id=1, message_id=UUID(int=1))
    file = file_url(KEYRING, "", FileLink(ref=ref, position=0), now=NOW).removeprefix("/files/")
    assert read_export_link(KEYRING, file, now=NOW) is None
    other = Keyring([parse_secret_key("k1:" + SECRET_KEYS[3:].replace("M", "N"))])
    assert read_export_link(other, token_of(), now=NOW) is None
