"""How large a document may be, counted before it is validated: validation grows with the square of some sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

MAX_REPEATS = 20
"""The same response key in one selection set: merging is quadratic, and people repeat none so often."""
MAX_DIRECTIVES = 4
"""On one field: ours are include and skip."""
_ENOUGH = 1_000_000_000
"""Where counting stops: fragments within fragments double the number with every line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentLimits:
    """What one document may be. Sizes in bytes; fields, aliases and depth with every fragment spread out."""

    document_bytes: int
    tokens: int
    depth: int
    aliases: int
    fields: int = 600
    definitions: int = 100


Extent: TypeAlias = tuple[int, int, int]
"""How large a selection is, with its fragments spread out: depth, aliases, fields."""


def too_large(message: str, code: str) -> GraphQLError:
    """A document over a limit; the message says how to get below it."""
    return GraphQLError(message, extensions={"code": code})


def check_document(document: DocumentNode, limits: DocumentLimits) -> GraphQLError | None:
    """The first limit that the document breaks, or None. A fragment cycle counts once: validation names it."""
    if len(document.definitions) > limits.definitions:
        return too_large(
            f"The document has {len(document.definitions)} operations and fragments, {limits.definitions} are allowed.",
            "DEFINITION_LIMIT",
        )
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    counting = _Counting(fragments)
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            continue
        depth, aliases, fields = counting.extent(node.selection_set)
        for found, allowed, message, code in (
            (depth, limits.depth, "is {} levels deep, {} are allowed: ask in two requests.", "DEPTH_LIMIT"),
            (
                aliases,
                limits.aliases,
                "uses {} aliases, {} are allowed: use lists or two requests.",
                "ALIAS_LIMIT",
            ),
            (fields, limits.fields, "asks for {} fields, {} are allowed: ask in two requests.", "FIELD_LIMIT"),
        ):
            if found > allowed:
                return too_large(f"The document {message.format(found, allowed)}", code)
    if counting.repeats > MAX_REPEATS:
        return too_large(
            f"A selection repeats a field {counting.repeats} times, {MAX_REPEATS} are allowed: name it once.",
            "REPEAT_LIMIT",
        )
    if counting.directives > MAX_DIRECTIVES:
        return too_large(f"A field has more than {MAX_DIRECTIVES} directives.", "DIRECTIVE_LIMIT")
    return None


_NOTHING: Extent = (0, 0, 0)


class _Counting:
    """Counts selections; each fragment once, however often it is spread."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Extent] = {}
        self._open: set[str] = set()
        self.repeats = 0
        self.directives = 0

    def extent(self, selections: SelectionSetNode) -> Extent:
        """Of one selection set; also counts its repeats and directives."""
        depth = aliases = fields = 0
        keys: dict[str, int] = {}
        for node in selections.selections:
            if node.directives:
                self.directives = max(self.directives, len(node.directives))
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                below = self.extent(node.selection_set) if node.selection_set else _NOTHING
                inside = below[0] + 1, below[1] + (node.alias is not None), below[2] + 1
            elif isinstance(node, InlineFragmentNode):
                key, inside = "", self.extent(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                key, inside = "..." + node.name.value, self._spread(node.name.value)
            else:
                continue
            if key:
                keys[key] = keys.get(key, 0) + 1
            depth = max(depth, inside[0])
            aliases = min(aliases + inside[1], _ENOUGH)
            fields = min(fields + inside[2], _ENOUGH)
        self.repeats = max(self.repeats, *keys.values(), 0)
        return depth, aliases, fields

    def _spread(self, name: str) -> Extent:
        if name in self._open or name not in self._fragments:
            return _NOTHING
        if name not in self._known:
            self._open.add(name)
            self._known[name] = self.extent(self._fragments[name].selection_set)
            self._open.discard(name)
        return self._known[name]
