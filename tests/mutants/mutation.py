"""One change of one place of one file, and all that are tried, by the kind of the file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutants import javascript_source, python_source, rules_source, sql_source
from tests.mutants.edit import Edit

_KINDS = {
    ".py": python_source.edits,
    ".sql": sql_source.edits,
    ".toml": rules_source.edits,
    ".js": javascript_source.edits,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """A file and what is changed in it. `code` is the changed line as it stands, without its indentation."""

    file: str
    line: int
    code: str
    edit: Edit

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it while lines move: file, line of code, change."""
        return self.file, self.code, self.edit.change

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.edit.change}\n      {self.code}"


def mutants_of(root: Path, file: str) -> Iterator[Mutant]:
    """Yields every mutant of a file, in the order of their places."""
    text = (root / file).read_text(encoding="utf-8")
    lines = text.splitlines()
    # Two ways may lead to one change.
    different = {(edit.start, edit.end, edit.instead): edit for edit in _KINDS[Path(file).suffix](text)}
    for edit in sorted(different.values(), key=lambda edit: (edit.start, edit.change)):
        line = text.count("\n", 0, edit.start)
        yield Mutant(file=file, line=line + 1, code=lines[line].strip(), edit=edit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Files and the tests that must notice a fault in them; `part` is what the goal is of."""

    part: str
    files: tuple[str, ...]
    tests: tuple[str, ...]


def read_plan(root: Path) -> tuple[dict[str, float], list[Group]]:
    """Returns the goal of each part, and the groups of `plan.toml` with their patterns resolved."""
    plan = tomllib.loads((root / "tests/mutants/plan.toml").read_text(encoding="utf-8"))
    return plan["goals"], [
        Group(
            part=group["part"],
            files=tuple(
                str(path.relative_to(root))
                for pattern in group["files"]
                for path in sorted(root.glob(pattern))
                if path.name != "__init__.py"
            ),
            tests=tuple(group["tests"]),
        )
        for group in plan["group"]
    ]


def read_explained(root: Path) -> dict[tuple[str, str, str], str]:
    """Returns why a surviving mutant is no missing test, by its key."""
    table = tomllib.loads((root / "tests/mutants/explained.toml").read_text(encoding="utf-8"))
    return {(each["file"], each["code"], each["change"]): each["reason"] for each in table.get("mutant", ())}
