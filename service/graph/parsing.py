"""Documents as syntax trees: graphql-core's own, made in a third of its time where nothing unusual stands in them.

One pattern reads names, punctuators, whole numbers, strings without escapes, and comments; one walk makes the nodes.
Of anything else, and of everything that is wrong, this makes nothing: graphql-core parses it, and says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    Location,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    Source,
    StringValueNode,
    TypeNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    parse,
)

_NAME, _INT, _STRING, _END = "name", "int", "string", ""
_TOKEN = re.compile(
    r"[ \t\n\r,]*+(?:#[^\n\r\ud800-\udfff]*+[ \t\n\r,]*+)*+"
    r"(?:(?P<name>[_A-Za-z][_0-9A-Za-z]*+)|(?P<mark>[{}()\[\]:$!=@]|\.\.\.)"
    r"|(?P<int>-?(?:0|[1-9][0-9]*+)(?![0-9A-Za-z_.]))"
    r'|"(?P<string>[^"\\\x00-\x08\x0a-\x1f\ud800-\udfff]*+)"(?!")|(?P<end>\Z))'
)
_DEEPEST = 100
"""Levels of selections, lists and objects: half of what graphql-core takes."""

T = TypeVar("T")


class _UnusualError(Exception):
    """Something that graphql-core is to look at."""


class _Place(Location):
    """A node's place, without tokens: nothing here reads those, and each would be linked to all others."""

    __slots__ = ()

    def __init__(self, start: int, end: int, source: Source) -> None:
        self.start = start
        self.end = end
        self.source = source


def parse_document(source: str, *, tokens: int) -> DocumentNode:
    """The document of this source, of at most as many tokens. Raises GraphQLSyntaxError."""
    try:
        return _Parser(source, tokens).document()
    except (_UnusualError, RecursionError):
        return parse(source, max_lexical_tokens=tokens, max_comments=tokens, allow_empty_selection_sets=False)


class _Parser:
    """Reads by `_kind`, the token that is next: its kind, or the mark itself."""

    def __init__(self, source: str, tokens: int) -> None:
        self._source = Source(source)
        self._kinds: list[str] = []
        self._texts: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._at = 0
        self._depth = 0
        self._read(source, tokens)
        self._kind = self._kinds[0]

    def _read(self, source: str, limit: int) -> None:
        """Raises _UnusualError."""
        if source.count("#") > limit:
            raise _UnusualError
        kinds, texts, starts, ends = self._kinds, self._texts, self._starts, self._ends
        for found in iter(_TOKEN.scanner(source).match, None):  # type: ignore[attr-defined]  # not in the stubs
            kind = found.lastgroup
            text = found[kind]
            start, end = found.span(kind)
            if kind == "string":
                start, end = start - 1, end + 1
            starts.append(start)
            ends.append(end)
            texts.append(text)
            kinds.append(text if kind == "mark" or kind == "end" else kind)
            if kind == "end":
                break
        if not kinds or kinds[-1] != _END or len(kinds) - 1 > limit:
            raise _UnusualError

    def document(self) -> DocumentNode:
        """Raises _UnusualError."""
        definitions = []
        while self._kind != _END:
            definitions.append(self._definition())
        if not definitions:
            raise _UnusualError
        return _made(DocumentNode, loc=_Place(0, len(self._source.body), self._source), definitions=tuple(definitions))

    def _definition(self) -> OperationDefinitionNode | FragmentDefinitionNode:
        start = self._at
        if self._kind == "{":
            return self._operation(start, OperationType.QUERY, named=False)
        word = self._take(_NAME)
        if word == "fragment":
            return self._fragment(start)
        if word not in ("query", "mutation", "subscription"):
            raise _UnusualError
        return self._operation(start, OperationType(word), named=True)

    def _operation(self, start: int, operation: OperationType, *, named: bool) -> OperationDefinitionNode:
        name = self._name() if named and self._kind == _NAME else None
        variables = self._many("(", self._variable_definition, ")") if named and self._kind == "(" else None
        directives = self._directives() if named else None
        return self._node(
            OperationDefinitionNode,
            start,
            operation=operation,
            description=None,
            name=name,
            variable_definitions=variables,
            directives=directives,
            selection_set=self._selection_set(),
        )

    def _fragment(self, start: int) -> FragmentDefinitionNode:
        name = self._fragment_name()
        if self._take(_NAME) != "on":
            raise _UnusualError
        return self._node(
            FragmentDefinitionNode,
            start,
            description=None,
            name=name,
            variable_definitions=(),
            type_condition=self._named_type(),
            directives=self._directives(),
            selection_set=self._selection_set(),
        )

    def _fragment_name(self) -> NameNode:
        if self._texts[self._at] == "on":
            raise _UnusualError
        return self._name()

    def _variable_definition(self) -> VariableDefinitionNode:
        start, variable = self._at, self._variable()
        self._take(":")
        kind, default = self._type(), None
        if self._kind == "=":
            self._take("=")
            default = self._value(constant=True)
        if self._kind == "@":
            raise _UnusualError
        return self._node(
            VariableDefinitionNode,
            start,
            description=None,
            variable=variable,
            type=kind,
            default_value=default,
            directives=None,
        )

    def _variable(self) -> VariableNode:
        start = self._at
        self._take("$")
        return self._node(VariableNode, start, name=self._name())

    def _type(self) -> TypeNode:
        start = self._at
        kind: TypeNode
        if self._kind == "[":
            self._take("[")
            self._deeper()
            inner = self._type()
            self._depth -= 1
            self._take("]")
            kind = self._node(ListTypeNode, start, type=inner)
        else:
            kind = self._named_type()
        if self._kind != "!":
            return kind
        self._take("!")
        return self._node(NonNullTypeNode, start, type=kind)

    def _named_type(self) -> NamedTypeNode:
        start = self._at
        return self._node(NamedTypeNode, start, name=self._name())

    def _selection_set(self) -> SelectionSetNode:
        start = self._at
        self._deeper()
        selections = self._many("{", self._selection, "}")
        self._depth -= 1
        return self._node(SelectionSetNode, start, selections=selections)

    def _selection(self) -> SelectionNode:
        return self._spread() if self._kind == "..." else self._field()

    def _field(self) -> FieldNode:
        start, name, alias = self._at, self._name(), None
        if self._kind == ":":
            self._take(":")
            alias, name = name, self._name()
        return self._node(
            FieldNode,
            start,
            alias=alias,
            name=name,
            arguments=self._many("(", self._argument, ")") if self._kind == "(" else None,
            directives=self._directives() if self._kind == "@" else None,
            selection_set=self._selection_set() if self._kind == "{" else None,
        )

    def _spread(self) -> FragmentSpreadNode | InlineFragmentNode:
        start, condition = self._at, None
        self._take("...")
        if self._kind == _NAME:
            if self._texts[self._at] != "on":
                name = self._name()
                return self._node(FragmentSpreadNode, start, name=name, directives=self._directives(), arguments=None)
            self._take(_NAME)
            condition = self._named_type()
        return self._node(
            InlineFragmentNode,
            start,
            type_condition=condition,
            directives=self._directives(),
            selection_set=self._selection_set(),
        )

    def _directives(self) -> tuple[DirectiveNode, ...] | None:
        found: list[DirectiveNode] = []
        while self._kind == "@":
            start = self._at
            self._take("@")
            name = self._name()
            arguments = self._many("(", self._argument, ")") if self._kind == "(" else None
            found.append(self._node(DirectiveNode, start, name=name, arguments=arguments))
        return tuple(found) or None

    def _argument(self) -> ArgumentNode:
        start, name = self._at, self._name()
        self._take(":")
        return self._node(ArgumentNode, start, name=name, value=self._value())

    def _value(self, *, constant: bool = False) -> ValueNode:
        start, kind = self._at, self._kind
        if kind == "$" and not constant:
            return self._variable()
        if kind == "[":
            return self._list(start, constant=constant)
        if kind == "{":
            return self._object(start, constant=constant)
        if kind == _INT:
            return self._node(IntValueNode, start, value=self._take(_INT))
        if kind == _STRING:
            return self._node(StringValueNode, start, value=self._take(_STRING), block=False)
        word = self._take(_NAME)
        if word in ("true", "false"):
            return self._node(BooleanValueNode, start, value=word == "true")
        if word == "null":
            return self._node(NullValueNode, start)
        return self._node(EnumValueNode, start, value=word)

    def _list(self, start: int, *, constant: bool) -> ListValueNode:
        self._deeper()
        values = self._many("[", lambda: self._value(constant=constant), "]", empty=True)
        self._depth -= 1
        return self._node(ListValueNode, start, values=values)

    def _object(self, start: int, *, constant: bool) -> ObjectValueNode:
        def field() -> ObjectFieldNode:
            begin, name = self._at, self._name()
            self._take(":")
            return self._node(ObjectFieldNode, begin, name=name, value=self._value(constant=constant))

        self._deeper()
        fields = self._many("{", field, "}", empty=True)
        self._depth -= 1
        return self._node(ObjectValueNode, start, fields=fields)

    def _name(self) -> NameNode:
        start = self._at
        return self._node(NameNode, start, value=self._take(_NAME))

    def _many(self, opening: str, item: Callable[[], T], closing: str, *, empty: bool = False) -> tuple[T, ...]:
        self._take(opening)
        found: list[T] = []
        while self._kind != closing:
            found.append(item())
        if not found and not empty:
            raise _UnusualError
        self._take(closing)
        return tuple(found)

    def _take(self, kind: str) -> str:
        """The text of the next token, which is of this kind."""
        if self._kind != kind:
            raise _UnusualError
        text = self._texts[self._at]
        self._at += 1
        self._kind = self._kinds[self._at]
        return text

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _UnusualError

    def _node(self, kind: type[T], start: int, **fields: Any) -> T:
        """A node from the token `start` to the last one taken."""
        return _made(kind, loc=_Place(self._starts[start], self._ends[self._at - 1], self._source), **fields)


def _made(kind: type[T], **fields: Any) -> T:
    """What `kind(**fields)` makes; its constructor sets each field by itself, since nodes are frozen."""
    node = object.__new__(kind)
    vars(node).update(fields)
    return node
