"""Retired words stay retired: identifiers, comments and docstrings use the words of the field."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from tests.conventions.sources import ROOT, Source, docstrings, sources

PYTHON = ("gateway", "service", "tests")
SQL = ("gateway/queries", "service/queries", "migrations")


@dataclass(frozen=True, kw_only=True, slots=True)
class Retired:
    """A word that is not used any more, as a regular expression, and why, with what is used instead."""

    word: str
    why: str


RETIRED = (
    Retired(word=r"\bHouse\b", why="Deployment: it holds settings and keys"),
    Retired(word=r"\b[Ii]ntake\b", why="claims: it reads as inbound mail"),
    Retired(word=r"\bRoad\b", why="routing"),
    Retired(word=r"\bseams?\b", why="card_numbers: named for what it guards"),
    Retired(word=r"\b_?Plate\b", why="PrecompiledMail"),
    Retired(word=r"\bGrouper\b", why="Batcher"),
    Retired(word=r"\bbells?\b", why="wakeup"),
    Retired(word=r"\b_?ring\(|\b_ring\b|\brings\b", why="notify"),
    Retired(word=r"\b[Dd]oorkeeper\b", why="Authenticator"),
    Retired(word=r"\btether\b", why="process_guard"),
    Retired(word=r"\bhonours\b", why="opt_out_kind as a column, respects as a verb"),
    Retired(word=r"\bappointed\b", why="scheduled"),
    Retired(word=r"\bmade_position\b", why="expanded_to"),
    Retired(word=r"\bMOST_[A-Z_]+\b", why="MAX_*"),
    Retired(word=r"\bdestination_hold\b", why="domain_connection_lease: HELD is a status"),
    Retired(word=r"\bkeep_slots?\b", why="return_unused_permit: it gives permits back"),
    Retired(word=r"\brescued?\b", why="recovery"),
    Retired(word=r"\bConversation\b", why="SmtpConnection"),
    Retired(word=r"tried again and again", why="retrying"),
    Retired(word=r"\b[Ww]hoever\b", why="the caller, client or process by its name"),
    Retired(word=r'^(\s*""")?Answers ', why="Returns"),
)

ANY = re.compile("|".join(f"(?:{retired.word})" for retired in RETIRED), re.MULTILINE)


def test_no_retired_word_is_used() -> None:
    found = [
        f"{place}: {retired.word} ({retired.why})"
        for place, text in (*in_python(), *in_sql())
        if ANY.search(text)
        for retired in RETIRED
        if re.search(retired.word, text)
    ]
    assert not found, "\n".join(found)


def in_python() -> Iterator[tuple[str, str]]:
    """Yields every identifier, comment and docstring, with its place; other strings are free to use any word."""
    for source in sources(*PYTHON):
        # Tokenizing is slow: files without any of the words are skipped.
        if ANY.search(source.text):
            yield from names_and_comments(source)
            yield from ((f"{source.path}:{line}", text) for line, text in docstrings(source))


def names_and_comments(source: Source) -> Iterator[tuple[str, str]]:
    """Yields every identifier with the character behind it, which tells a call, and every comment."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        (line, start), (_, end) = token.start, token.end
        if token.type == tokenize.COMMENT:
            yield f"{source.path}:{line}", token.string
        elif token.type == tokenize.NAME:
            yield f"{source.path}:{line}", token.line[start : end + 1]


def in_sql() -> Iterator[tuple[str, str]]:
    """Yields every line without its string literals, with its place."""
    for folder in SQL:
        for path in sorted((ROOT / folder).glob("*.sql")):
            for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                yield f"{path.relative_to(ROOT)}:{line}", re.sub(r"'[^']*'", "''", text)
