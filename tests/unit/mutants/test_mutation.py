"""Mutants: which places of a file are changed and how, and that the plan and what is explained fit the files."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from tests.mutants import javascript_source, python_source, rules_source, sql_source
from tests.mutants.__main__ import Order, Score, chosen, covering, trials_of
from tests.mutants.mutation import mutants_of, read_explained, read_plan
from tests.mutants.running import Outcome, Report

ROOT = Path(__file__).resolve().parents[3]


def test_python_is_mutated_where_it_decides() -> None:
    text = '''"""A docstring: 1 < 2."""
LIMIT = 5
def allowed(count: int = 0, *, names: tuple[str, ...] = ("a", "b")) -> bool:
    """Another."""
    if count >= LIMIT and not names:
        log.warning("%d", 7)
        names.clear()
    return count + 1 in names
'''
    made = [edit.apply(text) for edit in python_source.edits(text)]
    lines = {line.strip() for each in made for line in each.splitlines()} - {line.strip() for line in text.splitlines()}
    assert {
        "LIMIT = 6",
        "LIMIT = 4",
        "if count > LIMIT and not names:",
        "if count < LIMIT and not names:",
        "if count >= LIMIT or not names:",
        "if True and not names:",
        "if count >= LIMIT and True:",
        "if count >= LIMIT and names:",
        "pass",
        "return count - 1 in names",
        "return count + 1 not in names",
        'def allowed(count: int = 1, *, names: tuple[str, ...] = ("a", "b")) -> bool:',
        'def allowed(count: int = 0, *, names: tuple[str, ...] = ("b")) -> bool:',
    } <= lines
    assert all(ast.parse(each) for each in made)
    assert not any("2 < 1" in each or "%d" not in each or "8" in each for each in made)


def test_what_a_function_runs_is_told_from_what_an_import_runs() -> None:
    text = """LIMIT = 5
@cache
def first(count: int = LIMIT) -> int:
    def inner() -> int:
        return count
    return inner()
class Second:
    size = 3
    async def third(self) -> int:
        return self.size
REST = first()
"""
    found = [python_source.function_at(text, line) for line in range(1, 12)]
    assert found == [None, None, None, 2, 2, 2, None, None, None, 9, None]


def test_a_number_of_nothing_is_moved_too() -> None:
    assert [edit.apply("START = 0.0") for edit in python_source.edits("START = 0.0")] == ["START = 1.0"]


def test_sql_is_mutated_outside_comments_and_strings() -> None:
    text = (
        "-- 1 < 2 and so on\nselect 'a < 5' from t\nwhere t.a <= :b and t.c is null\n  and t.d > 7\norder by t.a desc"
    )
    assert {edit.change for edit in sql_source.edits(text)} == {
        "`<=` to `<`",
        "`is null` to `is not null`",
        "`>` to `>=`",
        "`7` to `8`",
        "`t.a desc` to `t.a asc`",
        "without `and t.c is null`",
        "without `and t.d > 7`",
    }


def test_a_statement_is_found_by_its_line() -> None:
    text = "-- All.\n\n-- name: first^\n-- One.\nselect 1;\n\n-- name: second\nselect 2;"
    assert [sql_source.name_at(text, line) for line in range(1, 9)] == ["", "", *["first"] * 4, *["second"] * 2]


def test_what_is_left_of_a_statement_is_a_statement() -> None:
    text = """select distinct on (t.a) t.a, 'x and t.b = 2 and'
where t.a = 'in words' and t.b is distinct from 'a b' and t.c is not null and t.d = any(:ds) and t.e = :e
"""
    assert {edit.apply(text).splitlines()[1] for edit in sql_source.edits(text)} == {
        text.splitlines()[1].replace(old, new)
        for old, new in (
            (" is distinct", " is not distinct"),
            (" is not null", " is null"),
            (" and t.b is distinct from 'a b'", ""),
            (" and t.c is not null", ""),
            (" and t.e = :e", ""),
        )
    }


def test_rules_lose_entries_and_alternatives_and_their_thresholds_move() -> None:
    text = """# a = 5
version = 1
seconds = 4
name = "a|b"
text = ["(in|out) of", 'x\\|y']
codes = [550, 551]
"""
    assert {edit.change for edit in rules_source.edits(text)} == {
        "`4` to `2`",
        "`4` to `8`",
        'without `"(in|out) of"`',
        "without `in|`",
        "without `|out`",
        "without `'x\\|y'`",
        "without `550`",
        "without `551`",
    }
    assert all(tomllib.loads(edit.apply(text)) for edit in rules_source.edits(text))


def test_the_page_is_mutated_in_its_code_also_within_templates() -> None:
    text = """// a && b
const LIMIT = 1_000;
const shown = (list) => html`<p class="1 < 2">${list.count > 20 ? html`a && b` : "c || d"}</p>`;
export function next(list) {
  if (!list.open) return null;
  list.read(/a && b/, "x");
}
"""
    made = {edit.change: edit.apply(text) for edit in javascript_source.edits(text)}
    assert set(made) == {
        "`1_000` to `1001`",
        "`>` to `>=`",
        "`20` to `21`",
        "without `!` before `list.open`",
        "without `if (!list.open) return null;`",
        "`!list.open` to `true`",
        'without `list.read(/a && b/, "x");`',
    }
    assert "list.count >= 20" in made["`>` to `>=`"]


def test_words_are_put_in_the_place_of_their_neighbours() -> None:
    text = 'const WORDS = {\n  HELD: "Held",\n  SENT: "Sent",\n};\n'
    assert [edit.apply(text) for edit in javascript_source.edits(text)] == [text.replace('"Held"', '"Sent"')]


GOALS, GROUPS = read_plan(ROOT)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.files[0])
def test_every_file_of_the_plan_has_mutants_and_tests(group: object) -> None:
    for file in group.files:  # type: ignore[attr-defined]  # a Group: parametrize does not say so
        assert covering(file, group, ROOT), file  # type: ignore[arg-type]  # the same
        assert next(mutants_of(ROOT, file), None) is not None, file
    assert group.part in GOALS  # type: ignore[attr-defined]  # the same


def test_what_is_explained_is_there_and_has_a_reason() -> None:
    explained = read_explained(ROOT)
    known = {mutant.key for file in {key[0] for key in explained} for mutant in mutants_of(ROOT, file)}
    assert [key for key in explained if key not in known] == [], "gone: take them out of explained.toml"
    assert all(len(reason.split()) > 4 for reason in explained.values())


def test_a_sample_is_the_same_for_a_seed_and_takes_files_in_turn() -> None:
    trials = list(trials_of(GROUPS, only="gateway/mail/hit gateway/mail/schedule"))
    picked = chosen(trials, sample=20, seed=1)
    assert picked == chosen(trials, sample=20, seed=1) != chosen(trials, sample=20, seed=2)
    files = [mutant.file for _, mutant, _ in picked]
    assert {file: files.count(file) for file in files} == {"gateway/mail/hit.py": 10, "gateway/mail/schedule.py": 10}


def test_one_line_can_be_tried_alone() -> None:
    mutants = [mutant for _, mutant, _ in trials_of(GROUPS, only="gateway/mail/hit.py")]
    line = mutants[0].line
    alone = [mutant for _, mutant, _ in trials_of(GROUPS, only=f"gateway/mail/hit.py:{line}")]
    assert alone == [mutant for mutant in mutants if mutant.line == line] != mutants


def test_tests_that_run_the_function_are_tried_and_those_that_noticed_nearby_first() -> None:
    # Given three tests, of which two run the function of a mutant
    mutant = next(each for each in mutants_of(ROOT, "gateway/mail/schedule.py") if each.code.startswith("return"))
    function = python_source.function_at((ROOT / mutant.file).read_text(encoding="utf-8"), mutant.line)
    assert function
    called = [(mutant.file, function)]
    calls = {"tests/integration/b": called, "tests/unit/a": called, "tests/unit/c": [(mutant.file, function - 1)]}
    order = Order()
    durations = {"tests/unit/a": 0.5, "tests/unit/d::one": 0.25, "tests/unit/d::two": 1.0}
    order.add(Report(durations=durations, calls=calls, failed=[]))
    assert [order.seconds(tests) for tests in (["tests/unit/a"], ["tests/unit/d"], ["tests/unit/d::one"])] == [
        0.5, 1.25, 0.25,
    ]  # fmt: skip
    # Then the one without a database comes first, and the other does not come
    assert order.of(mutant) == ["tests/unit/a", "tests/integration/b"]
    assert sorted(order.running(mutant)) == ["tests/integration/b", "tests/unit/a"]
    # Until the one that has one notices a mutant there
    order.noticed(mutant, Report(durations={}, calls={}, failed=["tests/integration/b"]))
    assert order.of(mutant) == ["tests/integration/b", "tests/unit/a"]


def test_a_score_is_the_share_that_was_noticed_at_once_or_by_never_ending() -> None:
    score = Score(of=9)
    score.outcomes.update([Outcome.NOTICED, Outcome.NOTICED, Outcome.TOO_SLOW, Outcome.SURVIVED])
    assert (score.tried, score.noticed) == (4, 0.75)
