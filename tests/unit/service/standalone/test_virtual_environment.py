"""The checks that `make` does before anything is installed."""

from __future__ import annotations

import importlib.util
import platform
import sys

import pytest

from service.standalone.virtual_environment import find_obstacle, fingerprint


def test_this_machine_is_supported() -> None:
    assert find_obstacle() == ""


def test_an_old_python_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 2, "final", 0))
    assert find_obstacle() == "Python 3.10 is too old: choose one from 3.11 on, as in `make run PYTHON=python3.12`."


@pytest.mark.parametrize(
    ("system", "machine", "libc"),
    [("Windows", "AMD64", ""), ("Darwin", "x86_64", ""), ("Linux", "riscv64", "glibc"), ("Linux", "x86_64", "musl")],
)
def test_an_unsupported_platform_is_named(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, libc: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    assert find_obstacle().startswith(f"{system} on {machine} is not supported")


@pytest.mark.parametrize(("system", "machine"), [("Linux", "aarch64"), ("Darwin", "arm64")])
def test_the_promised_platforms_are_supported(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    assert find_obstacle() == ""


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_missing_venv_module_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else found(name))
    major, minor = sys.version_info[:2]
    assert f"apt install python{major}.{minor}-venv" in find_obstacle()


def test_the_fingerprint_changes_with_a_lock() -> None:
    before = fingerprint(["requirements.lock"])
    assert before == fingerprint(["requirements.lock"])
    assert before != fingerprint(["requirements.lock", "tests/requirements.lock"])
