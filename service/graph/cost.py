"""What an operation may cost, computed from `first` before anything runs.

The cost of an operation is the number of objects it may ask for: one for each object field, and for a connection
one and, `first` times, what is selected below it. Lists without `first` are bounded elsewhere and counted as
`SHORT_LIST`; introspection, which nests as it likes, has a price for all of it. A field that says so (`Cost`) counts as
more than one object; in a connection it is counted once for the page. `@include` and `@skip` are honoured.
Costs are cached by the values of the variables that matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
)
from strawberry.schema_directive import Location

SHORT_LIST = 5
"""What a list without `first` is counted as: attempts, copies, events, addresses."""
LARGEST_PAGE = 100
"""The list itself refuses more, with a message of its own."""
INTROSPECTION = {"__schema": 5_000, "__type": 100}
"""What introspection of the schema counts as, and of one type: one is enough, and it takes a tenth of a second."""
_MAX_CACHED = 64
_MAX_COST = 10**12


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="What one such field counts as in the operation's cost, in objects, beside what is selected below it; "
    "1 where nothing is said.",
)
class Cost:
    """Given to a field as `directives=[Cost(objects=20)]`."""

    objects: int = strawberry.directive_field(name="objects")


@dataclass(slots=True, eq=False)
class OperationCost:
    """The cost of one validated operation, as a function of its variables."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    _defaults: dict[str, int | bool | None] = field(init=False)
    _cached: dict[tuple[Any, ...], int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Reads the defaults of the operation's variables."""
        definitions = self.operation.variable_definitions or ()
        self._defaults = {one.variable.name.value: _literal(one.default_value) for one in definitions}

    def of(self, variables: Mapping[str, Any]) -> int:
        """How many objects the operation asks for with these variables, as the client sent them."""
        values = {name: _simple(variables.get(name, default)) for name, default in self._defaults.items()}
        # In Python 1 == True; `first: 1` and `@include(if: true)` are different things.
        key = tuple((type(value), value) for value in values.values())
        cost = self._cached.get(key)
        if cost is None:
            root = self.schema.get_root_type(self.operation.operation)
            cost = self._selections(self.operation.selection_set, root, values) if root else 0
            if len(self._cached) >= _MAX_CACHED:
                self._cached.clear()
            self._cached[key] = cost
        return cost

    def _selections(
        self,
        selections: SelectionSetNode,
        parent: GraphQLNamedType,
        values: Mapping[str, Any],
        *,
        priced: bool | None = None,
    ) -> int:
        """`priced`: only fields with a price of their own, or only those without one; else both."""
        cost = 0
        for node in selections.selections:
            if not _included(node.directives or (), values):
                continue
            if isinstance(node, FieldNode):
                if priced is None or priced == (_price(_definition(node, parent)) is not None):
                    cost += self._field(node, parent, values)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                inside = self.schema.get_type(fragment.type_condition.name.value) or parent
                cost += self._selections(fragment.selection_set, inside, values, priced=priced)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inside = (self.schema.get_type(condition.name.value) if condition else None) or parent
                cost += self._selections(node.selection_set, inside, values, priced=priced)
        return min(cost, _MAX_COST)

    def _field(self, node: FieldNode, parent: GraphQLNamedType, values: Mapping[str, Any]) -> int:
        if node.selection_set is None:
            return 0
        if node.name.value.startswith("__"):
            return INTROSPECTION.get(node.name.value, 0)
        field = _definition(node, parent)
        if field is None:
            return 0
        inside, own = get_named_type(field.type), _price(field) or 1
        if "first" in field.args:
            rows = self._selections(node.selection_set, inside, values, priced=False)
            once = self._selections(node.selection_set, inside, values, priced=True)
            return min(own + once + _page_size(node, field, values) * rows, _MAX_COST)
        below = self._selections(node.selection_set, inside, values)
        if parent.name.endswith("Connection"):
            # The connection has counted `edges` and `nodes` already.
            return own + below
        return min((own + below) * (SHORT_LIST if _is_list(field) else 1), _MAX_COST)


def _definition(node: FieldNode, parent: GraphQLNamedType) -> GraphQLField | None:
    return parent.fields.get(node.name.value) if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else None


def _price(field: GraphQLField | None) -> int | None:
    declared = field.extensions.get("strawberry-definition") if field else None
    return next((one.objects for one in declared.directives if isinstance(one, Cost)), None) if declared else None


def _page_size(node: FieldNode, field: GraphQLField, values: Mapping[str, Any]) -> int:
    asked = next((_value(a.value, values) for a in node.arguments or () if a.name.value == "first"), None)
    for size in (asked, _default(field.args["first"])):
        if isinstance(size, int) and not isinstance(size, bool):
            return max(1, min(size, LARGEST_PAGE))
    return LARGEST_PAGE


def _default(argument: GraphQLArgument) -> Any:
    # graphql-core keeps defaults in two ways: as Strawberry gives them, and as a schema in SDL does.
    if argument.default is None:
        return argument.default_value
    return _literal(argument.default.literal) if argument.default.literal else argument.default.value


def _is_list(field: GraphQLField) -> bool:
    kind = field.type.of_type if is_non_null_type(field.type) else field.type
    return is_list_type(kind)


def _included(directives: tuple[DirectiveNode, ...] | list[DirectiveNode], values: Mapping[str, Any]) -> bool:
    for directive in directives:
        condition = next((_value(a.value, values) for a in directive.arguments or () if a.name.value == "if"), None)
        if (directive.name.value == "skip" and condition is True) or (
            directive.name.value == "include" and condition is False
        ):
            return False
    return True


def _value(node: ValueNode, values: Mapping[str, Any]) -> Any:
    return values.get(node.name.value) if isinstance(node, VariableNode) else _literal(node)


def _literal(node: ValueNode | None) -> int | bool | None:
    if isinstance(node, IntValueNode):
        return int(node.value) if len(node.value) < 12 else LARGEST_PAGE
    return node.value if isinstance(node, BooleanValueNode) else None


def _simple(value: Any) -> int | bool | None:
    if isinstance(value, float) and value.is_integer():
        # GraphQL's Int takes 100.0 for 100.
        return int(value)
    return value if isinstance(value, int | bool) else None
