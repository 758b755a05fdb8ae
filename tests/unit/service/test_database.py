"""Named statements: what several of them share stands once, as a fragment."""

from __future__ import annotations

import re

from service.database import QUERIES, expand_fragments

TEXT = """-- About them all.

-- fragment: columns
-- Which ones.
a, b

-- fragment: source
-- From where.
select {columns} from t

-- name: first
-- The first.
{source} limit 1;

-- name: second
-- The second.
select {columns} from u where c = '{unknown}';
"""


def test_a_fragment_stands_in_every_statement_that_names_it_and_in_later_fragments() -> None:
    expanded = expand_fragments(TEXT)
    statements = [line for line in expanded.splitlines() if line and not line.startswith("--")]
    assert statements == ["select a, b from t limit 1;", "select a, b from u where c = '{unknown}';"]
    assert "fragment" not in expanded


def test_no_statement_names_a_fragment_that_is_not_there() -> None:
    names = [name for name in QUERIES.available_queries if not name.endswith("_cursor")]
    assert len(names) > 20
    assert [name for name in names if re.search(r"\{\w+\}", getattr(QUERIES, name).sql)] == []
