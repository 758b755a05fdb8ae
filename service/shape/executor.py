"""graphql-core's executor, with one thing added: a list that was read already is passed on as it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from graphql import GraphQLError
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class Shaped:
    """An object whose lists were read before its fields are executed: by response key the value, or what went wrong."""

    shaped: Mapping[str, Any] = MappingProxyType({})


class ShapingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's `execution_context_class`. The answer's data then holds `orjson.Fragment`s: write it with orjson."""

    def execute_field(
        self, parent_type: Any, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        """Everything but what is shaped already goes the ordinary way."""
        if not isinstance(source, Shaped) or path.key not in source.shaped:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        found = source.shaped[path.key]
        if isinstance(found, Exception):
            return_type = parent_type.fields[field_details_list[0].node.name.value].type
            self.handle_field_error(found, return_type, field_details_list, path)
            return None
        return found

    def build_response(self, data: Any) -> Any:
        """Errors stand as their fields do in the document, not in the order in which siblings happened to fail."""
        self.collected_errors.errors.sort(key=_place)
        return super().build_response(data)


def _place(error: GraphQLError) -> tuple[list[tuple[int, int]], list[tuple[int, str]]]:
    """Its fields' lines and columns; then, of one field of many objects, the path."""
    places = [(location.line, location.column) for location in error.locations or []]
    return places, [(key, "") if isinstance(key, int) else (-1, key) for key in error.path or []]
