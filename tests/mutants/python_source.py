"""Mutations of Python: comparisons, conditions, numbers, operators, members of literals, statements."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import pairwise

from tests.mutants.edit import Edit, replaced, shown

_COMPARISONS: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "+",
    ast.BitAnd: "|",
    ast.BitOr: "&",
}
_UNIMPORTANT = ("log", "logger", "_log", "warnings")
"""What a statement is called on that only tells somebody."""


def edits(text: str) -> Iterator[Edit]:
    """Yields every mutation of a module's functions and constants."""
    tree = ast.parse(text)
    yield from _Edits(text).of(tree)


def function_at(text: str, line: int) -> int | None:
    """Returns the first line of the outermost function whose body holds a line; None for what an import runs."""
    within: list[ast.stmt] = list(ast.parse(text).body)
    while within:
        node = within.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.body[0].lineno <= line <= _end(node):
            return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        if isinstance(node, ast.ClassDef):
            within += node.body
    return None


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


class _Edits:
    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = text.splitlines(keepends=True)

    def of(self, node: ast.AST) -> Iterator[Edit]:
        """Yields the mutations of a node and of all below it that runs: no annotations, decorators, docstrings."""
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "bases", "type_comment", "keywords_of_class"):
                continue
            if isinstance(node, ast.ClassDef) and field == "keywords":
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _says_nothing(child):
                    yield from self._at(child)
                    yield from self.of(child)

    def _at(self, node: ast.AST) -> Iterator[Edit]:
        mutate: Callable[[ast.AST], Iterator[Edit]] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if mutate is not None:
            yield from mutate(node)

    def _place(self, line: int, column: int) -> int:
        """The character at a line and a column in bytes, as the parser counts."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def _span(self, node: ast.AST) -> tuple[int, int]:
        start = self._place(node.lineno, node.col_offset)  # type: ignore[attr-defined]  # expressions and statements
        return start, self._place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]  # the same

    def _instead(self, node: ast.AST, instead: str) -> Edit:
        return replaced(self._text, *self._span(node), instead)

    def _compare(self, node: ast.Compare) -> Iterator[Edit]:
        operands = [node.left, *node.comparators]
        for operator, (left, right) in zip(node.ops, pairwise(operands), strict=True):
            yield from self._between(left, right, _COMPARISONS[type(operator)])

    def _between(self, left: ast.AST, right: ast.AST, instead: tuple[str, ...]) -> Iterator[Edit]:
        """Other operators between two operands, whose parentheses stay."""
        start, end = self._span(left)[1], self._span(right)[0]
        gap = self._text[start:end]
        operator = gap.strip("() \n\t\\")
        if "#" in gap or not operator:
            return
        start += gap.index(operator)
        for other in instead:
            yield replaced(self._text, start, start + len(operator), other)

    def _binop(self, node: ast.BinOp) -> Iterator[Edit]:
        texts = (ast.JoinedStr, ast.List, ast.Tuple)
        if any(isinstance(side, texts) or _is_text(side) for side in (node.left, node.right)):
            return
        if type(node.op) in _OPERATORS:
            yield from self._between(node.left, node.right, (_OPERATORS[type(node.op)],))

    def _boolop(self, node: ast.BoolOp) -> Iterator[Edit]:
        other = "or" if isinstance(node.op, ast.And) else "and"
        for left, right in pairwise(node.values):
            yield from self._between(left, right, (other,))
        for operand in node.values:
            neutral = "True" if isinstance(node.op, ast.And) else "False"
            start, end = self._span(operand)
            text = self._text[start:end]
            yield Edit(start=start, end=end, instead=neutral, change=f"without {shown(text)}")

    def _unaryop(self, node: ast.UnaryOp) -> Iterator[Edit]:
        if isinstance(node.op, ast.Not):
            start, end = self._span(node)
            yield replaced(self._text, start, end, self._text[slice(*self._span(node.operand))])

    def _if(self, node: ast.If | ast.IfExp) -> Iterator[Edit]:
        if not isinstance(node.test, ast.BoolOp | ast.Constant):
            for constant in ("True", "False"):
                yield self._instead(node.test, constant)

    _ifexp = _if

    def _constant(self, node: ast.Constant) -> Iterator[Edit]:
        if isinstance(node.value, bool):
            yield self._instead(node, str(not node.value))
        elif isinstance(node.value, int):
            yield self._instead(node, str(node.value + 1))
            if node.value > 0:
                yield self._instead(node, str(node.value - 1))
        elif isinstance(node.value, float):
            yield self._instead(node, repr(node.value * 1.25 or 1.0))

    def _members(self, node: ast.Set | ast.Tuple | ast.List) -> Iterator[Edit]:
        """Without one member of a literal: a list of names, headers, statuses."""
        if len(node.elts) < 2 or not isinstance(node.ctx if not isinstance(node, ast.Set) else ast.Load(), ast.Load):
            return
        if not all(isinstance(element, ast.Constant | ast.Attribute) for element in node.elts):
            return
        for place, element in enumerate(node.elts):
            start, end = self._span(element)
            if place + 1 < len(node.elts):
                end = self._span(node.elts[place + 1])[0]
            yield Edit(start=start, end=end, instead="", change=f"without {shown(ast.unparse(element))}")

    _set = _tuple = _list = _members

    def _expr(self, node: ast.Expr) -> Iterator[Edit]:
        yield from self._dropped(node)

    def _augassign(self, node: ast.AugAssign) -> Iterator[Edit]:
        yield from self._dropped(node)

    def _continue(self, node: ast.Continue) -> Iterator[Edit]:
        yield from self._dropped(node)

    def _raise(self, node: ast.Raise) -> Iterator[Edit]:
        yield from self._dropped(node)

    def _dropped(self, node: ast.stmt) -> Iterator[Edit]:
        """Without a statement: a call for its effect, a refusal, a step of a count."""
        start, end = self._span(node)
        yield Edit(start=start, end=end, instead="pass", change=f"without {shown(self._text[start:end])}")


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _says_nothing(node: ast.AST) -> bool:
    """Docstrings, imports, and what is only told: a log line, a metric's words."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert):
        return True
    if isinstance(node, ast.Expr):
        call = node.value
        if isinstance(call, ast.Constant | ast.Yield | ast.YieldFrom):
            return isinstance(call, ast.Constant)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            owner = call.func.value
            return isinstance(owner, ast.Name) and owner.id in _UNIMPORTANT
    return False
