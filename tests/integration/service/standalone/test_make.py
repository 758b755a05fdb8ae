"""make itself: what it says when it cannot begin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.launching import ROOT


def make(*arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code and stderr."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_missing_python_is_named() -> None:
    code, said = make("run", "PYTHON=no-such-python")
    assert code != 0
    assert said.splitlines()[0] == (
        "There is no 'no-such-python' on the PATH: install Python 3.11 or newer, or choose one with PYTHON=..."
    )


def test_an_old_python_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\necho 'Python 3.9 is too old: choose one from 3.11 on.' >&2\nexit 1\n")
    old.chmod(0o755)
    code, said = make("run", f"PYTHON={old}")
    assert code != 0
    assert said.startswith("Python 3.9 is too old")


def test_a_place_where_no_environment_can_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / ".venv"
    command = [sys.executable, "service/standalone/virtual_environment.py", str(place), "requirements.lock"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    *_, said = done.stderr.splitlines()
    assert done.returncode == 1
    assert said.startswith(f"The virtual environment {place} could not be made (")
    assert said.endswith(
        ": run make as the owner of the project's directory, or in a copy of your own, on a disk with room."
    )
    assert "Traceback" not in done.stderr


def recipe(*arguments: str, **variables: str) -> str:
    """What make would run, without what makes the environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = ["make", "--no-print-directory", "--dry-run", "--old-file=environment", *arguments]
    return subprocess.run(command, cwd=ROOT, env=kept | variables, capture_output=True, text=True, check=True).stdout


def test_the_launcher_hears_what_stood_on_makes_command_line_and_no_value_of_it() -> None:
    said = recipe("run", "RELAY_URL=smtps://me:secret@relay.example", DATABASE_URL="postgresql://of-the-shell/")
    assert "ON_COMMAND_LINE='RELAY_URL '" in said
    assert "secret" not in said
    assert "of-the-shell" not in said
    assert "OWN_DATABASE_URL_FILE='mine'" in recipe("run", "DATABASE_URL_FILE=mine")


def test_a_token_is_named_on_makes_command_line_alone() -> None:
    # NAME is the host's name in some shells; the shell puts the name in, whatever quotes it holds
    assert 'TOKEN_NAME="$NAME"' in recipe("token", "NAME=O'Neill")
    assert "TOKEN_NAME" not in recipe("token", NAME="workstation")
    assert "TOKEN_NAME" not in recipe("link", NAME="workstation")
    assert 'INBOUND="$INBOUND"' in recipe("token", "INBOUND=1")
    assert "INBOUND=0" in recipe("token", INBOUND="1")
    for target in ("token", "link"):
        assert 'CONTENT="$CONTENT"' in recipe(target, "CONTENT=1")
        assert "CONTENT=0" in recipe(target, CONTENT="1")


def test_a_link_for_looking_is_asked_for_on_makes_command_line_alone() -> None:
    assert 'READ_ONLY="$READ_ONLY"' in recipe("link", "READ_ONLY=1")
    assert "READ_ONLY=0" in recipe("link", READ_ONLY="1")
