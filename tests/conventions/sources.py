"""The project's own Python files, parsed but not imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file: its path in the project, its text, its syntax tree."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """Parsed once, when it is asked for."""
        return _parsed(self.path)

    @property
    def module(self) -> str:
        """Its dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def functions(self) -> Sequence[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Returns every function and method."""
        return _functions(self.path)

    def imports(self) -> Iterator[str]:
        """Yields every imported module, dotted; `from a import b` gives both `a` and `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(*packages: str) -> tuple[Source, ...]:
    """Returns the files of these top-level packages."""
    return tuple(source for package in packages for source in _sources(package))


@cache
def _sources(package: str) -> tuple[Source, ...]:
    paths = sorted((ROOT / package).rglob("*.py"))
    return tuple(Source(path=str(path.relative_to(ROOT)), text=path.read_text(encoding="utf-8")) for path in paths)


@cache
def _parsed(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@cache
def _functions(path: str) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    nodes = ast.walk(_parsed(path))
    return tuple(node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def comments(text: str, word: str) -> Iterator[str]:
    """Yields what follows `word` in the comments of a file, to the end of its line."""
    for line in text.splitlines():
        _, hash_sign, comment = line.partition("# " + word)
        if hash_sign:
            yield comment


def docstrings(source: Source) -> Iterator[tuple[int, str]]:
    """Yields every docstring of a file, those of attributes included, with its line."""
    for node in ast.walk(source.tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    yield statement.lineno, text
