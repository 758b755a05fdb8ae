"""Values of scalars: what cannot be read is refused with what would do, and a code for programs."""

from __future__ import annotations

from typing import Any

import pytest

from service.graph.schema import schema

STATISTICS = "query($since: DateTime!) { statistics(since: $since, until: $since) { sent } }"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (STATISTICS, {"since": "yesterday"}),
        (STATISTICS, {"since": "2026-12-01T09:00:00"}),
        (STATISTICS.replace("($since: DateTime!)", "").replace("$since", '"yesterday"'), {}),
    ],
)
async def test_a_value_that_a_scalar_cannot_read_has_a_code(query: str, variables: dict[str, Any]) -> None:
    # When an instant is given that is none, as a variable or in the document
    result = await schema.execute(query, variable_values=variables)
    # Then the error says what would do, and has the code of wrong input
    assert isinstance(result.errors, list)
    for error in result.errors:
        assert "such as 2026-12-01T09:00:00Z" in error.message
        assert error.extensions == {"code": "BAD_USER_INPUT"}
