"""Documents parsed, measured and validated; the valid ones that are asked again are kept, by source, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    Visitor,
    specified_rules,
    validate,
    visit,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from service.graph.cost import OperationCost
from service.graph.limits import DocumentLimits, check_document, too_large
from service.graph.parsing import parse_document
from service.graph.plain import PlainRules

_MAX_DOCUMENTS = 300
"""Kept: those that client programs repeat. The page has some forty."""
_MAX_BYTES = 1_048_576
"""Of source; a syntax tree is some fifty times its source, and most are small."""
_MAX_ASKED_ONCE = 4096
"""Hashes of documents asked once: what is not asked again among so many is not worth a tree."""
_MAX_ERRORS = 20


class DocumentRefused(Exception):
    """A document that is not run: its errors say why.

    `status` is 400 for an invalid document, 422 for a valid one that is over a limit or lacks the operation asked for.
    The current draft says 422 for failed validation, too; the public audit suite, and every client so far, expects 400.
    `cost` is that of an operation which asks for too much.
    """

    def __init__(self, errors: list[GraphQLError], *, status: int = 400, cost: Mapping[str, int] | None = None) -> None:
        super().__init__(errors[0].message)
        self.errors = errors
        self.status = status
        self.cost = cost


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One operation of a document, ready to run."""

    document: DocumentNode
    name: str | None
    type: OperationType
    cost: OperationCost


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A valid document: its operations by name (None for the unnamed one)."""

    operations: Mapping[str | None, Operation]

    def operation(self, name: str | None) -> Operation | None:
        """GetOperation() of the GraphQL specification: None when it cannot be determined."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        return self.operations.get(name) if name is not None else None


class Documents:
    """The documents that this process has parsed and validated lately, by source string."""

    def __init__(self, schema: GraphQLSchema, limits: DocumentLimits, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        self._plain = PlainRules(schema)
        self._rules = (
            *specified_rules,
            MaybeNullValidationRule,
            OneOfInputValidationRule,
            *(() if introspection else (NoSchemaIntrospectionCustomRule,)),
        )
        self._known: OrderedDict[str, Document] = OrderedDict()
        self._bytes = 0
        self._asked_once: set[int] = set()

    def get(self, source: str) -> Document:
        """The document of this source. Raises DocumentRefused. Valid ones are kept when they are asked again."""
        found = self._known.get(source)
        if found is not None:
            self._known.move_to_end(source)
            return found
        made = self._make(source)
        if self._is_asked_again(source):
            self._keep(source, made)
        return made

    def _is_asked_again(self, source: str) -> bool:
        key = hash(source)
        if key in self._asked_once:
            return True
        if len(self._asked_once) >= _MAX_ASKED_ONCE:
            self._asked_once.clear()
        self._asked_once.add(key)
        return False

    def _keep(self, source: str, document: Document) -> None:
        self._known[source] = document
        self._bytes += len(source)
        while len(self._known) > _MAX_DOCUMENTS or self._bytes > _MAX_BYTES:
            evicted, _ = self._known.popitem(last=False)
            self._bytes -= len(evicted)

    def _make(self, source: str) -> Document:
        document = self._parse(source)
        if error := check_document(document, self._limits):
            raise DocumentRefused([error], status=422)
        if error := _find_nul(document, source):
            raise DocumentRefused([error])
        if not self._plain.are_kept(document):
            self._validate(document)
        return self._read(document)

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(
            self._schema, document, self._rules, max_errors=_MAX_ERRORS, hide_suggestions=not self._introspection
        )
        if errors:
            raise DocumentRefused(errors)

    def _parse(self, source: str) -> DocumentNode:
        size = len(source.encode())
        if size > self._limits.document_bytes:
            message = f"The document has {size} bytes, {self._limits.document_bytes} are allowed."
            raise DocumentRefused([too_large(message, "DOCUMENT_LIMIT")], status=422)
        try:
            return parse_document(source, tokens=self._limits.tokens)
        except GraphQLSyntaxError as error:
            raise DocumentRefused([error]) from None
        except RecursionError:
            raise DocumentRefused(
                [too_large("The document is nested too deeply.", "DEPTH_LIMIT")], status=422
            ) from None

    def _read(self, document: DocumentNode) -> Document:
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        operations = {
            node.name.value if node.name else None: Operation(
                document=document,
                name=node.name.value if node.name else None,
                type=node.operation,
                cost=OperationCost(self._schema, node, fragments),
            )
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        return Document(operations=operations)


class _NulFinder(Visitor):
    found: StringValueNode | None = None

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        if "\x00" in node.value:
            self.found = node


def _find_nul(document: DocumentNode, source: str) -> GraphQLError | None:
    if "\x00" not in source and "\\" not in source:
        # A string holds what stands in it, or an escape.
        return None
    finder = _NulFinder()
    visit(document, finder)
    if finder.found is None:
        return None
    return GraphQLError("A string holds a NUL character, which cannot be stored.", finder.found)
