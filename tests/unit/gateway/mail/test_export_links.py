"""Links to whole lists: read back while they are good, and by nothing else."""

from __future__ import annotations

import pytest

from gateway.mail.export_links import LONGEST_WANTED, ExportFormat, ExportLink, export_url, read_export_link
from gateway.mail.file_links import LIFE_SECONDS
from tests.builders import KEYRING

NOW = 1_795_000_000.0
LINK = ExportLink(
    caller="Zoë", format=ExportFormat.JSONL, wanted={"recipients": {"mailing_ids": [1, 2], "opened": True}}
)


def token_of(link: ExportLink = LINK) -> str:
    url = export_url(KEYRING, "https://mail.example", link, now=NOW)
    assert url is not None
    assert url.startswith("https://mail.example/exports/k1-")
    return url.rpartition("/")[2]


def test_a_link_reads_back_for_five_minutes() -> None:
    assert read_export_link(KEYRING, token_of(), now=NOW + LIFE_SECONDS) == LINK
    assert read_export_link(KEYRING, token_of(), now=NOW + LIFE_SECONDS + 1) is None


@pytest.mark.parametrize("wrong", ["", "k1-", "k1-" + "A" * 40, "k9-" + "A" * 40, "../" + "A" * 40])
def test_what_is_no_link_is_none(wrong: str) -> None:
    assert read_export_link(KEYRING, wrong, now=NOW) is None


def test_no_changed_token_is_read() -> None:
    token = token_of()
    for place in range(3, len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        found = read_export_link(KEYRING, changed, now=NOW)
        assert found is None or changed == token


def test_a_filter_that_fits_no_address_has_no_link() -> None:
    long = ExportLink(caller="a", format=ExportFormat.CSV, wanted={"search": "x" * LONGEST_WANTED})
    assert export_url(KEYRING, "", long, now=NOW) is None
