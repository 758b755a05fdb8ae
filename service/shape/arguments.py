"""The arguments of a field, as graphql-core and Strawberry give them to its resolver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLSchema, get_argument_values
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments

from service.shape.compile import Given, Later, NestedField


def arguments_of(
    schema: GraphQLSchema, definition: GraphQLField, node: FieldNode, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """By their names in Python. Raises GraphQLError."""
    given = get_argument_values(definition, node, VariableValues({}, dict(variables)))
    known = definition.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].arguments
    converted = schema.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return convert_arguments(
        given, known, scalar_registry=converted.schema_converter.scalar_registry, config=converted.config
    )


def bound(values: Mapping[str, Given], schema: GraphQLSchema, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a statement's parameters, those of pages within rows told by their arguments.

    Raises what is wrong with an argument.
    """
    known: dict[NestedField, Mapping[str, Any]] = {}

    def value(given: Given) -> Any:
        if not isinstance(given, Later):
            return given
        field = given.field
        if field not in known:
            known[field] = field.nested.values(**arguments_of(schema, field.definition, field.node, variables))
        return known[field][given.name]

    return {name: value(given) for name, given in values.items()}
