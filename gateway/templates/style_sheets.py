"""Style sheets, read as far as inlining needs it: which rules select which elements, when, and how strongly.

CSS Syntax 3 for blocks, Selectors 4 for specificity. Nothing is judged by its property or value: what a mail client
does not know it leaves out itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_CONDITIONS = 8
"""At-rules, or nested rules, in each other that are read; deeper ones are left as they are."""

MAX_DEPTH = 4
"""Selectors in selectors (`:not(:is(a, b))`) that are read; deeper ones count as states."""

MAX_COMBINATORS = 6
"""Combinators by which an element is looked for, and no `~`: matching takes time by their power. What stands before
counts as a state."""

_TOKEN = re.compile(
    r"/\*(?:.*?\*/|.*)|\"(?:\\.|[^\"\\\n])*(?:\"|\n|\\?\Z)|'(?:\\.|[^'\\\n])*(?:'|\n|\\?\Z)|\\.|"
    r"url\(\s*[^\"')\s][^\"')]*\)?|[{}()\[\];]|[^/\"'\\{}()\[\];u]+|.",
    re.DOTALL | re.IGNORECASE,
)
_CLOSED_BY = {"{": "}", "(": ")", "[": "]"}
_COMMENT = re.compile(r"/\*(?:.*?\*/|.*)", re.DOTALL)
_COMMENT_MARK = re.compile(r"<!--|-->")
_STARTS_AT_RULE = re.compile(r"(?:\s|(?>/\*.*?\*/)|<!--|-->)*+@", re.DOTALL)
_AT_RULE = re.compile(r"@([\w-]+)")
_WITHOUT_STYLE_RULES = re.compile(
    r"(?:-\w+-)?(?:keyframes|viewport)|font-[\w-]+|page|property|counter-style|color-profile"
)
_DECLARATION = re.compile(r"\s*(-{0,2}[a-zA-Z_][\w-]*)\s*:(.*)", re.DOTALL)
_IMPORTANT = re.compile(r"!\s*important\s*$", re.IGNORECASE)

_SELECTOR_TOKEN = re.compile(
    r"(?P<attribute>\[(?:\"[^\"]*\"|'[^']*'|[^\]\"'])*+\]?)|(?P<id>#(?:[\w-]|\\.)+)|(?P<class>\.(?:[\w-]|\\.)+)|"
    r"(?P<pseudo>::?)(?P<name>[\w-]+)(?P<arguments>\()?|(?P<type>(?:[\w-]|\\.)+)|(?P<between>[\s>+~*]+)|(?P<other>.)",
    re.DOTALL,
)
_OF_THE_TREE = frozenset(
    ["root", "empty", "first-child", "last-child", "only-child", "first-of-type", "last-of-type", "only-of-type"]
)
_NUMBERED = frozenset(["nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"])
_OF_SELECTORS = frozenset(["not", "is", "where", "has"])
_OF_STATES = frozenset(
    ["hover", "active", "focus", "focus-within", "focus-visible", "link", "visited", "any-link", "target", "checked"]
)
_OLD_PSEUDO_ELEMENTS = frozenset(["before", "after", "first-line", "first-letter"])

Specificity = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """A property with its value as written, without `!important`."""

    name: str
    value: str
    important: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Selector:
    """One selector of a rule's list.

    `elements` selects at least every element that it ever selects, whatever its state; None: unknown. `always`: it
    selects these in any state. `simple`: it looks at the element alone.
    `pseudo_element`: it styles a box that no `style` attribute reaches. `certain`: every browser knows it; else it may
    void its whole rule.
    """

    text: str
    elements: str | None
    specificity: Specificity
    always: bool
    simple: bool
    pseudo_element: bool
    certain: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A style rule inside at-rules (`conditions`, outermost first, such as `@media print`).

    `repeatable`: written again behind these conditions it means the same; not so in layers, scopes and nested rules.
    """

    selectors: tuple[Selector, ...]
    declarations: tuple[Declaration, ...]
    conditions: tuple[str, ...]
    repeatable: bool

    @property
    def always(self) -> bool:
        """Whether it holds under any circumstances for what its selectors select."""
        return not self.conditions and self.repeatable


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleSheet:
    """The rules in their order. `closed`: text put behind it is read as rules of their own."""

    rules: tuple[Rule, ...]
    closed: bool


def read_style_sheet(css: str, media: str = "") -> StyleSheet:
    """Returns the rules of a `<style>` element with its `media` attribute. Linear in the text."""
    media = media.strip()
    everywhere = media.lower() in ("", "all")
    statements, closed = _statements(css, inside_rule=False)
    conditions = () if everywhere else (f"@media {media}",)
    rules = tuple(_rules(statements, conditions, repeatable=not re.search("[{};]", media)))
    return StyleSheet(rules=rules, closed=everywhere and closed)


def read_declarations(css: str) -> tuple[Declaration, ...]:
    """Returns the declarations of a `style` attribute, or of a rule without those nested in it."""
    return _declarations(_statements(css, inside_rule=True)[0])


# Rules -----------------------------------------------------------------------------------------------------------

_Statement = tuple[str, str | None]
"""What stands before a block, and the block; what stands before a semicolon, and None."""


def _rules(statements: list[_Statement], conditions: tuple[str, ...], *, repeatable: bool) -> Iterator[Rule]:
    for prelude, block in statements:
        prelude = _COMMENT_MARK.sub("", _COMMENT.sub("", prelude)).strip()
        at_rule = _AT_RULE.match(prelude)
        if block is None:
            continue
        if at_rule is None:
            yield from _rule(prelude, block, conditions, repeatable=repeatable)
        elif len(conditions) < MAX_CONDITIONS and not _WITHOUT_STYLE_RULES.fullmatch(at_rule[1].lower()):
            repeatable_inside = repeatable and at_rule[1].lower() in ("media", "supports")
            inside, _ = _statements(block, inside_rule=False)
            yield from _rules(inside, (*conditions, prelude), repeatable=repeatable_inside)


def _rule(selectors: str, block: str, conditions: tuple[str, ...], *, repeatable: bool) -> Iterator[Rule]:
    """A rule, and those nested in it."""
    statements, _ = _statements(block, inside_rule=True)
    yield Rule(
        selectors=tuple(_read_selector(text) for text in _split(selectors)),
        declarations=_declarations(statements),
        conditions=conditions,
        repeatable=repeatable,
    )
    for prelude, nested in statements:
        if nested is not None and len(conditions) < MAX_CONDITIONS:
            # `&` stands in it or is meant, and which elements it selects is not looked for.
            yield from _rule(f"& {prelude}", nested, (*conditions, prelude), repeatable=False)


def _declarations(statements: list[_Statement]) -> tuple[Declaration, ...]:
    found = []
    for text, block in statements:
        declaration = _DECLARATION.fullmatch(_COMMENT.sub(" ", text)) if block is None else None
        if declaration is not None:
            value, important = _IMPORTANT.subn("", declaration[2].strip())
            value = " ".join(line.strip() for line in value.strip().split("\n"))
            found.append(Declaration(name=declaration[1].lower(), value=value, important=important > 0))
    return tuple(found)


def _statements(css: str, *, inside_rule: bool) -> tuple[list[_Statement], bool]:
    """The statements, and whether the last of them is finished. Outside of rules only at-rules end with a semicolon."""
    found: list[_Statement] = []
    closing: list[str] = []
    start = block = 0
    sign = ""
    ends: bool | None = inside_rule or None  # whether a semicolon ends this statement; None: not looked yet
    for token in _TOKEN.finditer(css):
        sign = token.group()
        if sign in _CLOSED_BY:
            block = token.end() if sign == "{" and not closing else block
            closing.append(_CLOSED_BY[sign])
            continue
        if closing:
            if sign != closing[-1] or closing.pop() != "}" or closing:
                continue
            found.append((css[start : block - 1], css[block : token.start()]))
        elif sign == ";":
            ends = _STARTS_AT_RULE.match(css, start) is not None if ends is None else ends
            if not ends:
                continue
            found.append((css[start : token.start()], None))
        else:
            continue
        start, ends = token.end(), inside_rule or None
    rest = css[start:]
    if closing and block > start:
        found.append((css[start : block - 1], css[block:]))
    elif inside_rule:
        found.append((rest, None))
    in_comment = sign.startswith("/*") and not (len(sign) > 3 and sign.endswith("*/"))
    return found, not (closing or in_comment or _COMMENT_MARK.sub("", _COMMENT.sub("", rest)).strip())


# Selectors -------------------------------------------------------------------------------------------------------


def _split(selectors: str) -> list[str]:
    """The selectors of a list."""
    found, start, depth = [], 0, 0
    for token in _SELECTOR_TOKEN.finditer(selectors):
        depth += (token["arguments"] is not None) + {"(": 1, ")": -1}.get(token.group(), 0)
        if token.group() == "," and depth == 0:
            found.append(selectors[start : token.start()].strip())
            start = token.end()
    return [*found, selectors[start:].strip()]


def _read_selector(text: str, depth: int = 0) -> Selector:
    elements: list[str] = []
    loose: list[int] = []
    ids = classes = types = position = 0
    known = always = certain = True
    pseudo_element = False
    while token := _SELECTOR_TOKEN.match(text, position):
        position = token.end()
        written = token.group()
        if token["name"] is not None:
            end = _end_of_arguments(text, position) if token["arguments"] else position
            arguments, position = text[position : max(end - 1, position)], end
            name = token["name"].lower()
            if token["pseudo"] == "::" or name in _OLD_PSEUDO_ELEMENTS:
                pseudo_element, types = True, types + 1
                certain = certain and name in (*_OLD_PSEUDO_ELEMENTS, "marker", "placeholder", "selection")
                continue
            inner = [_read_selector(one, depth + 1) for one in _split(arguments)] if depth < MAX_DEPTH else []
            if name in _OF_SELECTORS and inner:
                strongest = max(one.specificity for one in inner) if name != "where" else (0, 0, 0)
                ids, classes, types = ids + strongest[0], classes + strongest[1], types + strongest[2]
                fixed = name != "has" and all(one.always and one.simple for one in inner)
                certain = certain and all(one.certain for one in inner)
                loose.append(len(elements))
            else:
                classes += 1
                fixed = name in _OF_THE_TREE or (name in _NUMBERED and " of " not in arguments)
                certain = certain and (fixed or name in _OF_STATES)
            always = always and fixed
            elements.append(text[token.start() : end] if fixed else ":is(*)")
            continue
        if written.strip("*") and token["between"] is not None and loose:
            # Our parser tries these functions on the nearest ancestor or sibling only.
            elements = [":is(*)" if at in loose else one for at, one in enumerate(elements)]
            always, loose = False, []
        ids += token["id"] is not None
        classes += token["attribute"] is not None or token["class"] is not None
        types += token["type"] is not None
        known = known and token["other"] is None
        elements.append(written)
    combinators = [at for at, one in enumerate(elements) if not one.strip(" \t\n\r\f>+~*") and one.strip("*")]
    loosened = [at for at in combinators if "~" in elements[at]][-1:] or combinators[:-MAX_COMBINATORS][-1:]
    if loosened:
        elements, always = elements[loosened[0] + 1 :], False
    return Selector(
        text=text,
        elements="".join(elements) if known else None,
        specificity=(ids, classes, types),
        always=always,
        simple=known and not re.search(r"[\s>+~]", text),
        pseudo_element=pseudo_element,
        certain=certain,
    )


def _end_of_arguments(text: str, start: int) -> int:
    """Where the bracket that opened before `start` is closed."""
    depth = 1
    for token in _SELECTOR_TOKEN.finditer(text, start):
        depth += (token["arguments"] is not None) + {"(": 1, ")": -1}.get(token.group(), 0)
        if depth == 0:
            return token.end()
    return len(text)
