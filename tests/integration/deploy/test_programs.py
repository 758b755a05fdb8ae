"""The deploy kit's files, read by the programs that they are for, where those are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conventions.sources import ROOT
from tests.deploy_kit import BACKUP_UNITS, DEPLOY, ENVIRONMENT, PROMETHEUS, UNITS, unit

PROMTOOL = shutil.which("promtool")
SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
DOCKER = shutil.which("docker")
WHERE_INSTALLED = "/opt/customer-emails"
WORST_EXPOSURE = 20
"""Tenths, as `systemd-analyze security` measures them: above this a right was given back."""

with_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
with_systemd = pytest.mark.skipif(SYSTEMD_ANALYZE is None, reason="systemd-analyze is not installed")


def run(
    *command: str | Path | None, directory: Path = ROOT, more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, its output as one text."""
    words = [str(word) for word in command]
    return subprocess.run(
        words,
        cwd=directory,
        env={**os.environ, **(more or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


@with_promtool
@pytest.mark.parametrize(
    "command",
    [
        ("check", "rules", "alerts.yaml"),
        ("check", "config", "--syntax-only", "prometheus.yaml"),
        ("test", "rules", "alerts.test.yaml"),
    ],
    ids=" ".join,
)
def test_prometheus_takes_its_files(command: Sequence[str]) -> None:
    done = run(PROMTOOL, *command, directory=PROMETHEUS)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def installed_units(tmp_path: Path) -> list[Path]:
    """The units, as if the project were installed where this test runs."""
    python = f"{WHERE_INSTALLED}/.venv/bin/python"
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace(python, sys.executable)
        (tmp_path / path.name).write_text(text.replace(WHERE_INSTALLED, str(ROOT)))
    return sorted(tmp_path.iterdir())


@with_systemd
def test_systemd_takes_the_units_without_a_warning(installed_units: list[Path]) -> None:
    done = run(SYSTEMD_ANALYZE, "verify", "--man=no", *installed_units)
    assert (done.returncode, done.stdout) == (0, "")


@with_systemd
def test_systemd_takes_the_units_of_the_backup(tmp_path: Path) -> None:
    for path in BACKUP_UNITS:
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8").replace(WHERE_INSTALLED, str(ROOT)))
    done = run(SYSTEMD_ANALYZE, "verify", "--man=no", *sorted(tmp_path.iterdir()))
    assert (done.returncode, done.stdout) == (0, "")
    [when] = [value for name, value in unit((tmp_path / BACKUP_UNITS[-1].name).read_text()) if name == "OnCalendar"]
    assert run(SYSTEMD_ANALYZE, "calendar", when).returncode == 0


@with_systemd
def test_the_units_are_little_exposed(installed_units: list[Path]) -> None:
    done = run(SYSTEMD_ANALYZE, "security", "--offline=yes", f"--threshold={WORST_EXPOSURE}", *installed_units)
    if "unrecognized option" in done.stdout:
        pytest.skip("this systemd-analyze cannot judge files")
    assert done.returncode == 0, done.stdout


def test_compose_takes_its_file(tmp_path: Path) -> None:
    if DOCKER is None or run(DOCKER, "compose", "version").returncode != 0:
        pytest.skip("docker compose is not installed")
    variables = {
        "SETTINGS": str(ENVIRONMENT),
        **{f"{name}_FILE": str(tmp_path / name) for name in ("POSTGRES_PASSWORD", "TLS_CERTIFICATE", "TLS_KEY")},
    }
    done = run(DOCKER, "compose", "-f", DEPLOY / "compose.yaml", "config", "--quiet", more=variables)
    assert (done.returncode, done.stdout) == (0, "")
