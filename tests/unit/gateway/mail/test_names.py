"""Names as they are kept."""

from __future__ import annotations

import pytest

from gateway.errors import Refusal
from gateway.mail.letter import Mailbox
from gateway.mail.names import tidy_name
from gateway.storage.attachments import check_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Maria   Rossi ", "Maria Rossi"),
        ("Maria\tRossi\u00a0\u3000B.", "Maria Rossi B."),
        ("Rene\u0301", "Ren\u00e9"),
        ("Ann \u202emoc.elgoog", "Ann moc.elgoog"),
        ("\u2066Ann\u2069 \u200flee\u061c\ufeff\u200b", "Ann lee"),
        (" \u202e \u2069", ""),
        ("ناصر\u200cالدین", "ناصر\u200cالدین"),
        ("鈴木 花 👩\u200d👧", "鈴木 花 👩\u200d👧"),
    ],
)
def test_a_name_is_one_line_that_says_what_it_shows(given: str, kept: str) -> None:
    assert tidy_name(given) == kept


def test_names_of_copies_and_of_files_are_tidied() -> None:
    copied = Mailbox.parse("a@b.example", " Ann \u202e  Lee", allow_reserved=True, path=())
    assert (copied.name, Mailbox.parse("a@b.example", "\u202e ", allow_reserved=True, path=()).name) == (
        "Ann Lee",
        None,
    )
    assert check_name("in\u202evoice  fdp.exe") == "invoice fdp.exe"
    with pytest.raises(Refusal):
        check_name("\u202e")
