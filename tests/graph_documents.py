"""Documents generated from the schema, right and wrong: every kind of literal in every place, blanks, comments."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type
from hypothesis import strategies as st

VALUES = [
    *("1", "-1", "0", "-0", "2147483647", "2147483648", "-2147483648", "-2147483649", "9" * 40, "1.5", "1e3", "007"),
    *('"x"', '""', '"grüße 🙂"', '"esc\\n\\u00e9"', '"nul \\u0000"', '"tab\there"', '"a" "b"', '"open', "'x'"),
    *('"""block "quoted"\n  text"""', '"""a\\""" b"""', "true", "false", "null", "SENT", "NOPE", "CAMPAIGN", "on"),
    *("[]", "[1]", '["a", "b"]', "[CAMPAIGN, WORK_ORDER]", "[[CAMPAIGN]]", "[CAMPAIGN, null]", "[$source]"),
    *("{}", "{direction: SENT}", "{direction: SENT, direction: SENT}", "{direction: $direction}", "{unknown: 1}"),
    *("{sourceTypes: [CAMPAIGN, $source]}", "{sourceTypes: CAMPAIGN}", "{sourceTypes: null}", "{needsAttention: true}"),
    *("$id", "$few", "$nothing", "$direction", "$source", "$yes", "$missing", '"Message_1_0"', '"Customer_1"'),
]
USUAL = {
    "ID": ['"Customer_1"', "$id", "5", '"x"'],
    "Int": ["1", "50", "$few", "$nothing"],
    "String": ['"x"', '""', "$text"],
    "Boolean": ["true", "false", "$yes"],
    "ConnectionNoteFilter": ["{direction: SENT}", "{sourceTypes: [CAMPAIGN, WORK_ORDER]}", "{}"],
}
"""What suits an argument of this type: most documents are to be right."""
TYPES = ["ID!", "ID", "Int!", "Int", "String", "Boolean!", "Boolean", "Direction", "SourceType!", "[Int!]!", "Nope"]
BLANKS = [" ", " ", " ", "\n", ",", "\t", "\r\n", "  # a comment, with { marks }\n", "\ufeff", " #\n #x\r"]
DECLARED = {
    "id": "ID!",
    "few": "Int! = 2",
    "nothing": "Int",
    "direction": "Direction = SENT",
    "source": "SourceType!",
    "yes": "Boolean!",
    "text": "String",
}


@st.composite
def documents(draw: st.DrawFn, schema: GraphQLSchema) -> str:
    """One document: most are valid, all are nearly so."""
    writer = _Writer(draw, schema)
    root = schema.query_type
    assert root is not None
    body = writer.selections(root, 0)
    head = writer.head(body)
    fragments = [writer.fragment(name) for name in writer.spread]
    text = " ".join([head + "{ " + body + " }", *fragments])
    return writer.spoilt(writer.blanks(text))


class _Writer:
    def __init__(self, draw: st.DrawFn, schema: GraphQLSchema) -> None:
        self._draw = draw
        self._schema = schema
        self.spread: list[str] = []

    def one(self, values: Any) -> Any:
        return self._draw(st.sampled_from(values))

    def rarely(self) -> bool:
        return bool(self._draw(st.integers(0, 99)) == 61)  # hypothesis prefers the ends

    def selections(self, type_: GraphQLObjectType, depth: int) -> str:
        names = [name for name, one in type_.fields.items() if depth < 4 or is_leaf_type(get_named_type(one.type))]
        chosen = self._draw(
            st.lists(st.sampled_from([*(names or ["__typename"]), "__typename"]), min_size=1, max_size=4)
        )
        written = [self._field(type_, name, depth) for name in chosen]
        if self.rarely():
            written.append(
                self.one(["nope", "__schema { types { name } }", "id: name", "id { x }", "...Missing", "id: id"])
            )
        return " ".join(written)

    def _field(self, type_: GraphQLObjectType, name: str, depth: int) -> str:
        alias = self.one(["", "", "", "", f"a_{name}: ", f"b_{name}: ", "c: " if self.rarely() else ""])
        if name == "__typename":
            return f"{alias}{name}{self._directives()}"
        field = type_.fields[name]
        inner = get_named_type(field.type)
        below = ""
        if isinstance(inner, GraphQLObjectType):
            below = f" {{ {self.selections(inner, depth + 1)} }}"
        elif not is_leaf_type(inner):
            below = " { __typename id }"
        written = f"{alias}{name}{self._arguments(field.args)}{self._directives()}{below}"
        wrap = self._draw(st.integers(0, 11))
        if wrap == 0:
            return f"... on {type_.name} {{ {written} }}"
        if wrap == 1:
            return f"... {self._directives()} {{ {written} }}"
        if wrap == 2:
            self.spread.append(f"{type_.name}Part")
            return f"{written} ...{type_.name}Part"
        return written

    def _arguments(self, known: Any) -> str:
        names = [name for name in known if self._suits(str(known[name].type))]
        if self.rarely():
            names.append(self.one(["nope", *known]))
        given = [f"{name}: {self._value(str(known[name].type) if name in known else '')}" for name in names]
        return f"({self.one([', ', ' ']).join(given)})" if given else ""

    def _suits(self, kind: str) -> bool:
        """Whether to give an argument of this type: not those that most values are wrong for."""
        return kind == "ID!" or (kind.strip("[]!") in USUAL and bool(self._draw(st.booleans()))) or self.rarely()

    def _value(self, kind: str) -> str:
        usual = USUAL.get(kind.strip("[]!"))
        return str(self.one(VALUES if self.rarely() or usual is None else usual))

    def _directives(self) -> str:
        return str(
            self.one(["", "", "", "", "", "", " @include(if: true)", " @skip(if: $yes)", " @skip(if: false)"])
        ) + (
            str(
                self.one(
                    [" @include(if: 1)", " @skip", " @nope", " @skip(if: true) @skip(if: true)", " @include(if: $id)"]
                )
            )
            if self.rarely()
            else ""
        )

    def fragment(self, name: str) -> str:
        type_ = self._schema.type_map[name.removesuffix("Part")]
        assert isinstance(type_, GraphQLObjectType)
        leaves = [
            field for field, one in type_.fields.items() if is_leaf_type(get_named_type(one.type)) and not one.args
        ]
        return f"fragment {name} on {type_.name} {{ {' '.join(leaves[:3]) or '__typename'} }}"

    def head(self, body: str) -> str:
        used = [name for name in DECLARED if f"${name}" in body or self.rarely()]
        kinds = {name: DECLARED[name] if not self.rarely() else self.one(TYPES) for name in used}
        self.spread = sorted(set(self.spread)) if not self.rarely() else self.spread
        declared = ", ".join(f"${name}: {kind}" for name, kind in kinds.items())
        if not declared:
            return str(self.one(["", "query ", "query Q ", "{ a }" if self.rarely() else "query "]))
        kind = "mutation" if self.rarely() else "query"
        return f"{kind} {self.one(['', 'Q'])}({declared}) "

    def blanks(self, text: str) -> str:
        blank = self.one(BLANKS)
        return text.replace(" {", blank + "{").replace("} ", "}" + blank)

    def spoilt(self, text: str) -> str:
        """The text, rarely with a character gone or another in its place."""
        if not self.rarely():
            return text
        at = self._draw(st.integers(0, len(text)))
        return text[:at] + str(self.one(["", "}", "{", '"', "...", "$", "\x00", "é"])) + text[at + 1 :]
