"""Code style that linters do not check: sizes, names, silenced checks, sleeping tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.conventions.sources import ROOT, comments, sources

LONGEST_FUNCTION = 70
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "deploy",
    "docs",
    "gateway",
    "migrations",
    "pyproject.toml",
    "requirements.lock",
    "schema.graphql",
    "service",
    "tests",
}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{source.path}:{function.lineno} {function.name}"
        for source in sources("gateway", "service", "tests")
        for function in source.functions()
        if (function.end_lineno or function.lineno) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_file_has_a_vague_name() -> None:
    paths = [Path(source.path) for source in sources("gateway", "service", "tests")]
    assert [str(path) for path in paths if path.stem in VAGUE] == []


def test_silenced_checks_say_why() -> None:
    """`# noqa: X - why`, `# type: ignore[x]  # why`: at least two words after the code."""
    bare = [
        f"{source.path}: {word}{rest}"
        for source in sources("gateway", "service", "tests")
        for word in ("noqa", "type: ignore")
        for rest in comments(source.text, word)
        if len(rest.partition(" ")[2].lstrip("#- ").split()) < 2
    ]
    assert bare == []


def test_visits_and_schedules_of_tests_lie_far_away() -> None:
    """Whatever asks the real clock refuses what has passed: a time of this decade is a test that ends one day."""
    soon = [
        f"{source.path}: {found}"
        for source in sources("tests/integration", "tests/e2e")
        for found in re.findall(r'"(202\d-\d\d-\d\dT\d\d:\d\d)"', source.text)
        if found >= "2026"
    ]
    assert soon == []


def test_every_test_can_fail() -> None:
    def asserts(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        body = ast.dump(function)
        return any(word in body for word in ("Assert(", "raises", "expect", "check"))

    bare = [
        f"{source.path}:{function.lineno} {function.name}"
        for source in sources("tests")
        for function in source.functions()
        if function.name.startswith("test_") and not asserts(function)
    ]
    assert bare == []


def test_tests_wait_for_events() -> None:
    asleep = ["time." + "sleep(", "asyncio." + "sleep(1"]
    found = [
        source.path
        for source in sources("tests")
        if not source.path.startswith("tests/bench/") and any(word in source.text for word in asleep)
    ]
    assert found == []


def test_values_are_frozen_keyword_only_and_slotted_or_say_why() -> None:
    loose = []
    for source in sources("gateway"):
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for decorator in node.decorator_list:
                written = ast.unparse(decorator)
                if written.startswith("dataclass") and "slots=True" not in written:
                    loose.append(f"{source.path}:{node.lineno} {node.name}")
    assert loose == []


def test_nothing_else_lies_at_the_top() -> None:
    ignored = {line.strip().strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    found = {path.name for path in ROOT.iterdir()} - ignored - {".git"}
    assert found <= TOP_LEVEL
