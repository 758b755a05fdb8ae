"""graphql-core's executor, with one thing added: a list that is JSON already passes through as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


@dataclass(frozen=True, kw_only=True, slots=True)
class Shaped:
    """The finished JSON of a field."""

    json: bytes


class ShapingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's `execution_context_class`. The answer's data then holds `orjson.Fragment`s: write it with orjson."""

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Everything but `Shaped` goes the ordinary way."""
        if type(result) is Shaped:
            return orjson.Fragment(result.json)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)
