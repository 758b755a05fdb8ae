"""Options that hold secrets: never on a command line, in a file for one's own eyes."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.standalone.errors import LaunchError
from service.standalone.options import read_options

RELAY = "smtps://me:secret@relay.example"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a relay's address, closed to others."""
    made = tmp_path / "relay"
    made.write_text(f"{RELAY}\n")
    made.chmod(0o600)
    return made


def test_addresses_are_read_from_files(file: Path) -> None:
    options = read_options({"RELAY_URL_FILE": str(file)})
    assert (options.relay_url, options.database_url) == (RELAY, None)
    file.write_text("postgresql://me:secret@db.example/mail")
    assert read_options({"OWN_DATABASE_URL_FILE": str(file)}).database_url == "postgresql://me:secret@db.example/mail"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_file_that_others_can_open_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(LaunchError, match=rf"RELAY_URL_FILE={file} can be read by others: close it with `chmod 600"):
        read_options({"RELAY_URL_FILE": str(file)})


@pytest.mark.parametrize(
    ("content", "words"), [(b"\n", "is empty"), (b"\xff\xfe", "it is not UTF-8")], ids=["empty", "no text"]
)
def test_a_file_without_an_address_is_named(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(LaunchError, match=words):
        read_options({"RELAY_URL_FILE": str(file)})


@pytest.mark.parametrize("name", ["RELAY_URL", "DATABASE_URL"])
def test_a_password_on_makes_command_line_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(LaunchError, match=f"make run {name}_FILE=that-file") as caught:
        read_options({name: "scheme://me:secret@host.example", "ON_COMMAND_LINE": "RELAY_URL DATABASE_URL"})
    assert "secret" not in str(caught.value)


def test_an_address_without_a_password_may_stand_there_and_one_with_it_in_the_environment() -> None:
    shown = {"RELAY_URL": "smtp://relay.example:25?name=main", "ON_COMMAND_LINE": "RELAY_URL"}
    assert read_options(shown).relay_url == shown["RELAY_URL"]
    assert read_options({"RELAY_URL": RELAY}).relay_url == RELAY
