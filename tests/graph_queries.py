"""Queries generated from the schema: any selection below a list, as clients write them."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, cast

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type
from hypothesis import strategies as st

DEEPEST = 5
UNSHAPABLE = frozenset(
    {"progress", "detail", "actions", "mailings", "sender", "history", "lists", "excludedLists"}
    | {"recipients", "links", "timeline", "template", "addresses", "optOuts", "emails", "latestEmail", "attributes"}
    | {"failedEmails", "uncertainEmails", "campaigns", "content"}
)
"""Fields without SQL: a selection with one of them is resolved without shaping, so comparing it shows nothing."""


EVENTS = (
    "",
    "(first: 2)",
    "(includeMachine: true)",
    "(includeMachine: $yes, first: $few)",
    "(first: 1000)",
    '(after: "nonsense")',
    "(after: $moment, first: 3)",
    "(first: $nothing)",
)
"""Arguments of a message's `events`."""

UNSHAPED = frozenset({("MessageAttachment", "url"), ("Customer", "needsAttention"), ("Customer", "replyTo")})
"""Fields of these types without SQL, whose names have one elsewhere. A link tells the time, so it is never compared."""


@st.composite
def selections(draw: st.DrawFn, type_: GraphQLObjectType, depth: int = 0) -> str:
    """A selection set of this type, without its braces: aliases, fragments, directives, __typename."""
    names = [
        name for name, field in type_.fields.items() if depth < DEEPEST or is_leaf_type(get_named_type(field.type))
    ]
    chosen = draw(st.lists(st.sampled_from([*names, "__typename"]), min_size=1, max_size=6))
    return " ".join([draw(_field(type_, name, depth)) for name in chosen])


@st.composite
def _field(draw: st.DrawFn, type_: GraphQLObjectType, name: str, depth: int) -> str:
    if (type_.name, name) in UNSHAPED or (name in UNSHAPABLE and draw(st.integers(0, 9))):
        name = "__typename"
    # An alias contains the field's name, since two fields with one response key would have to be the same.
    alias = draw(st.sampled_from(["", "", f"a_{name}: ", f"b_{name}_{'x' * draw(st.sampled_from([1, 1, 1, 70]))}: "]))
    directive = draw(st.sampled_from(["", "", "", " @include(if: $yes)", " @skip(if: $yes)", " @include(if: $no)"]))
    below = given = ""
    if name == "events" and type_.name == "Message":
        given = draw(st.sampled_from(EVENTS))
    if name != "__typename":
        inner = get_named_type(type_.fields[name].type)
        if isinstance(inner, GraphQLInterfaceType):
            return "__typename"
        if not is_leaf_type(inner):
            below = " { " + draw(selections(cast(GraphQLObjectType, inner), depth + 1)) + " }"
        if given:
            # Two with one response key would have to have the same arguments.
            alias = f"e{EVENTS.index(given)}_{alias or 'events: '}"
    field = f"{alias}{name}{given}{directive}{below}"
    wrap = draw(st.sampled_from(["", "", "", "typed", "bare", "named"]))
    if wrap == "typed":
        return f"... on {type_.name} {{ {field} }}"
    if wrap == "bare":
        return f"... @include(if: $yes) {{ {field} }}"
    return f"... {type_.name}Named" if wrap == "named" else field


LISTS = {
    "sent": (
        "SentEmail",
        (
            "",
            "first: 2",
            "first: 0",
            'after: "nonsense"',
            "first: 1, after: $cursor",
            "first: $few",
            "first: $many",
            "first: $nothing",
        ),
    ),
    "clicks": (
        "LinkClick",
        (
            "",
            "messageId: $message",
            'messageId: "Message_1_0"',
            "includeMachine: $yes, first: 3",
            "messageId: $null_id",
        ),
    ),
    "connectionNotes": (
        "ConnectionNote",
        (
            "",
            "first: 1",
            "first: 101",
            "filter: {direction: RECEIVED}",
            "filter: {sourceTypes: [CAMPAIGN, WORK_ORDER]}",
            "filter: {direction: $direction, sourceTypes: [E_SIGNATURE, $source]}",
            "filter: $filter",
            "first: $few, filter: null",
        ),
    ),
}
VARIABLES = {
    "id": "ID!",
    "yes": "Boolean!",
    "no": "Boolean!",
    "message": "ID",
    "cursor": "String",
    "moment": "String",
    "few": "Int! = 2",
    "many": "Int! = 1000",
    "null_id": "ID",
    "nothing": "Int",
    "direction": "Direction = SENT",
    "source": "SourceType!",
    "filter": "ConnectionNoteFilter",
}
"""The variables that a query may use; those with a default are never given."""


@st.composite
def history_queries(draw: st.DrawFn, schema: GraphQLSchema) -> str:
    """One query of some lists of `$id`, with named fragments on every type that could use one."""
    lists = []
    for number, name in enumerate(draw(st.lists(st.sampled_from(sorted(LISTS)), min_size=1, max_size=3))):
        row, arguments = LISTS[name]
        given = draw(st.sampled_from(arguments))
        connection = cast(GraphQLObjectType, schema.type_map[f"{row}Connection"])
        key = f"l{number}: {name}{f'({given})' if given else ''}"
        switch = draw(st.sampled_from(["", "", " @include(if: $yes)", " @skip(if: $yes)"]))
        one = f"{key}{switch} {{ {draw(selections(connection))} }}"
        if draw(st.integers(0, 4)) == 0:
            # A repeated field is merged with both selections.
            one += f" {key} {{ again: __typename }}"
        lists.append(draw(st.sampled_from([one, one, f"... on CustomerEmails {{ {one} }}", f"... {{ {one} }}"])))
    body = " ".join([*lists, draw(st.sampled_from(["", "__typename"]))])
    fragments = _fragments(schema, body)
    used = {name for name in VARIABLES if re.search(rf"\${name}\b", body)} | {"id"}
    declared = ", ".join(f"${name}: {kind}" for name, kind in VARIABLES.items() if name in used)
    return f"query({declared}) {{ customer(id: $id) {{ emails {{ {body} }} }} }} {fragments}"


def _fragments(schema: GraphQLSchema, body: str) -> str:
    written = []
    for name, type_ in schema.type_map.items():
        if f"... {name}Named" in body:
            leaves = [field for field, one in cast(Any, type_).fields.items() if is_leaf_type(get_named_type(one.type))]
            shaped = [field for field in leaves if field not in UNSHAPABLE and (name, field) not in UNSHAPED]
            leaves = shaped or ["__typename"]
            written.append(f"fragment {name}Named on {name} {{ named: __typename {' '.join(leaves)} }}")
    return " ".join(written)


def everything(type_: GraphQLObjectType, above: tuple[str, ...] = ()) -> str:
    """Returns every field below this type that can be shaped, without recursion into the same type."""
    written = ["__typename"]
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if name in UNSHAPABLE or (type_.name, name) in UNSHAPED or inner.name in above:
            continue
        below = "" if is_leaf_type(inner) else f" {{ {everything(cast(Any, inner), (*above, type_.name))} }}"
        written.append(name + below)
    return " ".join(written)


class Ways:
    """Stands for `Usage`: whether every selection counts as asked often, so that it has a statement of its own."""

    often = False

    def is_often(self, asked: Hashable) -> bool:
        """As `often` says."""
        hash(asked)
        return self.often
