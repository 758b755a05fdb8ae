"""graphql-core's executor, save that a list that was read already is returned as it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from graphql import GraphQLError
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class Shaped:
    """An object whose lists were read before its fields are executed: by response key the value, or the error."""

    shaped: Mapping[str, Any] = MappingProxyType({})


class ShapingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's `execution_context_class`. Serialise the result with orjson: it may hold `orjson.Fragment`s."""

    def execute_field(
        self, parent_type: Any, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        """Returns what is shaped already; resolves everything else as usual."""
        if not isinstance(source, Shaped) or path.key not in source.shaped:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        found = source.shaped[path.key]
        if isinstance(found, Exception):
            return_type = parent_type.fields[field_details_list[0].node.name.value].type
            self.handle_field_error(found, return_type, field_details_list, path)
            return None
        return found

    def build_response(self, data: Any) -> Any:
        """Errors are in the order of their fields in the document, not in the order in which they happened."""
        self.collected_errors.errors.sort(key=_place)
        return super().build_response(data)


def _place(error: GraphQLError) -> tuple[list[tuple[int, int]], list[tuple[int, str]]]:
    """The lines and columns of its fields; then, for one field of many objects, the path."""
    places = [(location.line, location.column) for location in error.locations or []]
    return places, [(key, "") if isinstance(key, int) else (-1, key) for key in error.path or []]
