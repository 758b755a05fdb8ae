"""Tests mirror the source: each stands under the name of the package it tests, or says where and why not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tests.conventions.sources import ROOT

TESTS = ROOT / "tests"
WITHOUT_PYTHON = {"deploy"}
"""What is configuration: its tests have no module to mirror."""
OF_THE_TESTS = {"bench", "harness", "mutants", "proof"}
"""Test packages of what `tests/` itself holds: benchmarks, the scripted server, mutants, the crash proof."""
ELSEWHERE: list[dict[str, Any]] = tomllib.loads(
    (TESTS / "conventions" / "tested_elsewhere.toml").read_text(encoding="utf-8")
)["group"]


def test_every_test_file_stands_under_the_package_it_tests() -> None:
    astray = [
        str(path.relative_to(ROOT))
        for kind in ("unit", "integration")
        for path in (TESTS / kind).rglob("test_*.py")
        if (package := path.relative_to(TESTS / kind).parts[:-1])
        and package[0] not in OF_THE_TESTS | WITHOUT_PYTHON
        and not (ROOT.joinpath(*package) / "__init__.py").is_file()
    ]
    assert astray == []


def test_every_module_has_a_test_of_its_name_or_a_reason() -> None:
    listed = {module for group in ELSEWHERE for module in group["modules"]}
    lacking = {module for module in modules() if not own_tests(module)}
    assert lacking - listed == set(), "write a test file of this name, or list the module with its reason"
    assert listed - lacking == set(), "these have a test of their name, or are gone: take them off the list"


def test_the_list_names_tests_that_exist_and_reasons() -> None:
    for group in ELSEWHERE:
        assert len(group["reason"].split()) > 4, group
        assert list((ROOT / group["tested_in"]).rglob("test_*.py")) or (ROOT / group["tested_in"]).is_file(), group


def modules() -> list[str]:
    """Every module with logic: one that defines a function, as a path without its ending."""
    return [
        str(path.relative_to(ROOT).with_suffix(""))
        for package in ("gateway", "service")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and "def " in path.read_text(encoding="utf-8")
    ]


def own_tests(module: str) -> list[Path]:
    """Test files named for a module: `test_claim.py`, `test_claim_leases.py`."""
    directory, _, name = module.rpartition("/")
    return [
        path
        for kind in ("unit", "integration")
        for pattern in (f"test_{name}.py", f"test_{name}_*.py")
        for path in (TESTS / kind / directory).glob(pattern)
    ]
