"""Documents that are valid beyond doubt, told by one walk: a twentieth of the time that graphql-core's rules take.

Most documents ask for fields of object types by plain arguments. Of those, every rule is checked here. Of anything
else (unions and interfaces, a response key used twice, lists of variables, an unknown name ...) this says that it does
not know, and graphql-core's rules say what is wrong, if anything is. A document must be within `limits.py` already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    is_input_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
    type_from_ast,
)
from graphql.validation.rules.variables_in_allowed_position import allowed_variable_usage

_SWITCHES = frozenset({"include", "skip"})
_LITERALS: dict[type[ValueNode], frozenset[str]] = {
    StringValueNode: frozenset({GraphQLString.name, GraphQLID.name}),
    IntValueNode: frozenset({GraphQLInt.name, GraphQLID.name}),
    BooleanValueNode: frozenset({GraphQLBoolean.name}),
}
"""The scalars that a literal is certainly one of."""
_LONGEST_INT = 11
"""Characters of the smallest Int."""


class _DoubtfulError(Exception):
    """The document may not be valid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Field:
    """A field of an object type; `below` is the object type that it leads to, None for a leaf."""

    arguments: Mapping[str, GraphQLArgument]
    required: frozenset[str]
    below: GraphQLObjectType | None


class PlainRules:
    """What a schema's object types and inputs ask of a document."""

    def __init__(self, schema: GraphQLSchema) -> None:
        """Reads the schema once: graphql-core would tell what is required at every question."""
        self.schema = schema
        self.fields = {
            name: {field: made for field, one in kind.fields.items() if (made := _field(one)) is not None}
            for name, kind in schema.type_map.items()
            if isinstance(kind, GraphQLObjectType)
        }
        self.required = {
            name: frozenset(field for field, one in kind.fields.items() if is_required_input_field(one))
            for name, kind in schema.type_map.items()
            if isinstance(kind, GraphQLInputObjectType)
        }

    def are_kept(self, document: DocumentNode) -> bool:
        """Whether the document is certainly valid. False says nothing."""
        fragments: dict[str, FragmentDefinitionNode] = {}
        operations: list[OperationDefinitionNode] = []
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                operations.append(node)
            elif isinstance(node, FragmentDefinitionNode) and node.name.value not in fragments:
                fragments[node.name.value] = node
            else:
                return False
        if len(operations) != 1:
            return False
        try:
            _Walk(self, fragments, operations[0]).check()
        except _DoubtfulError:
            return False
        return True


def _field(field: GraphQLField) -> _Field | None:
    """None for a field of an interface or a union."""
    named = get_named_type(field.type)
    if not is_leaf_type(named) and not isinstance(named, GraphQLObjectType):
        return None
    return _Field(
        arguments=field.args,
        required=frozenset(name for name, argument in field.args.items() if is_required_argument(argument)),
        below=named if isinstance(named, GraphQLObjectType) else None,
    )


_Seen: TypeAlias = "dict[str, tuple[FieldNode, _Seen]]"
"""What is selected of one object so far, by response key: the field, and what is selected of that."""


class _Walk:
    """One operation and its fragments, which are walked wherever they are spread: limits bound that."""

    def __init__(
        self, rules: PlainRules, fragments: dict[str, FragmentDefinitionNode], operation: OperationDefinitionNode
    ) -> None:
        self._rules = rules
        self._schema = rules.schema
        self._fragments = fragments
        self._operation = operation
        self._variables: dict[str, tuple[GraphQLInputType, ValueNode | None]] = {}
        self._used: set[str] = set()
        self._spread: set[str] = set()
        self._open: list[str] = []

    def check(self) -> None:
        """Raises _DoubtfulError."""
        operation = self._operation
        root = self._schema.get_root_type(operation.operation)
        _sure(root is not None and operation.operation is not OperationType.SUBSCRIPTION and not operation.directives)
        for definition in operation.variable_definitions or ():
            self._variable(definition)
        if root is not None:
            self._selections(operation.selection_set, root, {})
        _sure(self._used == self._variables.keys() and self._spread == self._fragments.keys())

    def _variable(self, definition: VariableDefinitionNode) -> None:
        name, default = definition.variable.name.value, definition.default_value
        kind = cast(GraphQLInputType, type_from_ast(self._schema, definition.type))
        _sure(is_input_type(kind) and name not in self._variables and not definition.directives)
        if default is not None:
            self._value(default, kind, Undefined)
        self._variables[name] = (kind, default)

    def _selections(self, selections: SelectionSetNode, parent: GraphQLObjectType, seen: _Seen) -> None:
        for node in selections.selections:
            self._directives(node.directives or ())
            if isinstance(node, FieldNode):
                self._field(node, parent, seen)
            elif isinstance(node, InlineFragmentNode):
                _sure(node.type_condition is None or node.type_condition.name.value == parent.name)
                self._selections(node.selection_set, parent, seen)
            elif isinstance(node, FragmentSpreadNode):
                self._fragment(node.name.value, parent, seen)

    def _fragment(self, name: str, parent: GraphQLObjectType, seen: _Seen) -> None:
        fragment = self._fragments.get(name)
        if fragment is None or name in self._open or fragment.variable_definitions or fragment.directives:
            raise _DoubtfulError
        _sure(fragment.type_condition.name.value == parent.name)
        self._spread.add(name)
        self._open.append(name)
        self._selections(fragment.selection_set, parent, seen)
        self._open.pop()

    def _field(self, node: FieldNode, parent: GraphQLObjectType, seen: _Seen) -> None:
        name = node.name.value
        first, below = seen.setdefault((node.alias or node.name).value, (node, {}))
        if first is not node:
            # The same field twice: what is selected of it is merged.
            _sure(first.name.value == name and not node.arguments and not first.arguments)
        if name == "__typename":
            _sure(not node.arguments and node.selection_set is None)
            return
        field = self._rules.fields[parent.name].get(name)
        if field is None:
            raise _DoubtfulError
        self._arguments(node.arguments or (), field.arguments, field.required)
        _sure((node.selection_set is None) == (field.below is None))
        if node.selection_set is not None and field.below is not None:
            self._selections(node.selection_set, field.below, below)

    def _directives(self, nodes: Sequence[DirectiveNode]) -> None:
        if not nodes:
            return
        names = {node.name.value for node in nodes}
        _sure(len(names) == len(nodes) and names <= _SWITCHES)
        for node in nodes:
            switch = self._schema.get_directive(node.name.value)
            if switch is None or not node.arguments:
                raise _DoubtfulError
            self._arguments(node.arguments, switch.args, frozenset({"if"}))

    def _arguments(
        self, nodes: Sequence[ArgumentNode], known: Mapping[str, GraphQLArgument], required: frozenset[str]
    ) -> None:
        if not nodes:
            _sure(not required)
            return
        names = {node.name.value for node in nodes}
        _sure(len(names) == len(nodes) and required <= names <= known.keys())
        for node in nodes:
            argument = known[node.name.value]
            default = argument.default_value if argument.default is None else argument.default
            self._value(node.value, argument.type, default)

    def _value(self, node: ValueNode, kind: GraphQLInputType, default: object) -> None:
        """`default` is that of the place where the value stands."""
        if isinstance(node, VariableNode):
            self._usage(node.name.value, kind, default)
            return
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        match node, inner:
            case ListValueNode(), GraphQLList():
                for one in node.values:
                    self._value(one, inner.of_type, Undefined)
            case ObjectValueNode(), GraphQLInputObjectType():
                self._object(node, inner)
            case EnumValueNode(), GraphQLEnumType():
                _sure(node.value in inner.values)
            case _:
                _sure(getattr(inner, "name", None) in _LITERALS.get(type(node), ()))
                if isinstance(node, IntValueNode):
                    _sure(len(node.value) <= _LONGEST_INT and GRAPHQL_MIN_INT <= int(node.value) <= GRAPHQL_MAX_INT)

    def _object(self, node: ObjectValueNode, kind: GraphQLInputObjectType) -> None:
        names = {field.name.value for field in node.fields}
        _sure(len(names) == len(node.fields) and not kind.is_one_of)
        _sure(self._rules.required[kind.name] <= names <= kind.fields.keys())
        for field in node.fields:
            self._value(field.value, kind.fields[field.name.value].type, Undefined)

    def _usage(self, name: str, kind: GraphQLInputType, default: object) -> None:
        if name not in self._variables:
            raise _DoubtfulError
        given, fallback = self._variables[name]
        self._used.add(name)
        _sure(allowed_variable_usage(self._schema, given, fallback, kind, default))


def _sure(certain: bool) -> None:
    if not certain:
        raise _DoubtfulError
