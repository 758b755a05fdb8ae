"""Links to lists that a filter picks: read back while they are good, and by nothing else."""

from __future__ import annotations

from uuid import UUID

import pytest

from gateway.mail.export_links import ExportFormat, ExportKind, ExportLink, export_url, read_export_link
from gateway.mail.file_links import LIFE_SECONDS
from gateway.mail.query_links import LONGEST_QUERY, QueryLink, query_url, read_query_link
from tests.builders import KEYRING

NOW = 1_795_000_000.0
LINK = QueryLink(caller="Zoë", format=ExportFormat.JSONL, query={"recipients": {"mailing_ids": [1, 2], "opened": True}})


def token_of(link: QueryLink = LINK) -> str:
    url = query_url(KEYRING, "https://mail.example", link, now=NOW)
    assert url is not None
    assert url.startswith("https://mail.example/exports/lists/k1-")
    return url.rpartition("/")[2]


def test_a_link_reads_back_for_five_minutes() -> None:
    assert read_query_link(KEYRING, token_of(), now=NOW + LIFE_SECONDS) == LINK
    assert read_query_link(KEYRING, token_of(), now=NOW + LIFE_SECONDS + 1) is None


@pytest.mark.parametrize("wrong", ["", "k1-", "k1-" + "A" * 40, "k9-" + "A" * 40, "../" + "A" * 40])
def test_what_is_no_link_is_none(wrong: str) -> None:
    assert read_query_link(KEYRING, wrong, now=NOW) is None


def test_no_changed_token_is_read() -> None:
    token = token_of()
    for place in range(3, len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        found = read_query_link(KEYRING, changed, now=NOW)
        assert found is None or changed == token


def test_exports_of_another_kind_are_not_read_as_lists_nor_lists_as_those() -> None:
    other = ExportLink(kind=ExportKind.IMPORT_ERRORS, row_id=UUID(int=7), format=ExportFormat.CSV)
    token = export_url(KEYRING, "", other, now=NOW).rpartition("/")[2]
    assert read_query_link(KEYRING, token, now=NOW) is None
    assert read_export_link(KEYRING, token_of(), now=NOW) is None


def test_a_filter_that_fits_no_address_has_no_link() -> None:
    long = QueryLink(caller="a", format=ExportFormat.CSV, query={"search": "x" * LONGEST_QUERY})
    assert query_url(KEYRING, "", long, now=NOW) is None
