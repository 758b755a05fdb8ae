"""What the schema promises: a sentence on everything, nothing taken away, SQL that PostgreSQL understands."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    find_breaking_changes,
    get_named_type,
    is_leaf_type,
    parse,
)

from gateway.errors import RefusalCode
from service.graph import history_pages as pages
from service.graph.schema import schema
from service.shape.compile import Page, Selection, shape
from service.shape.field import METADATA_KEY
from tests.conventions.sources import ROOT
from tests.graph_queries import everything

HERE = Path(__file__).parent
RELEASED = HERE / "released.graphql"
"""`schema.graphql` as it was last released. Copy it here with every release."""
ACCEPTED = HERE / "accepted_breaking_changes.txt"
"""Accepted breaking changes since then: one a line, as the check words it, with a reason after `#`."""


def test_every_type_field_argument_and_value_has_a_sentence() -> None:
    silent = []
    for name, type_ in schema._schema.type_map.items():
        if name.startswith("__"):
            continue
        silent += [name] * (not type_.description)
        if isinstance(type_, GraphQLEnumType):
            silent += [f"{name}.{value}" for value, one in type_.values.items() if not one.description]
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field, one in type_.fields.items():
                silent += [f"{name}.{field}"] * (not one.description)
                arguments = getattr(one, "args", {})
                silent += [f"{name}.{field}({key})" for key, given in arguments.items() if not given.description]
    assert silent == []


def test_timestamps_end_in_at_and_lists_that_grow_are_connections() -> None:
    types = [type_ for type_ in schema._schema.type_map.values() if isinstance(type_, GraphQLObjectType)]
    for type_ in types:
        for name, field in type_.fields.items():
            if get_named_type(field.type).name == "DateTime":
                assert name.endswith(("At", "Since", "Until", "until", "Slot", "scannedTo")), f"{type_.name}.{name}"
            if get_named_type(field.type).name.endswith("Connection"):
                assert {"first", "after"} <= set(field.args), f"{type_.name}.{name}"


def test_nothing_is_taken_away_from_clients() -> None:
    # Given the schema as it was last released
    released = build_schema(RELEASED.read_text())
    # When it is compared with today's
    found = {change.description for change in find_breaking_changes(released, build_schema(schema.as_str()))}
    accepted = {line.partition(" #")[0].strip() for line in ACCEPTED.read_text().splitlines() if line.strip()}
    # Then every breaking change was decided on, and no decision is left over
    assert found == {line for line in accepted if not line.startswith("#")}


def test_the_check_sees_a_field_that_is_taken_away() -> None:
    today = schema.as_str()
    without = today.replace("  subject: String\n", "  topic: String\n")
    assert find_breaking_changes(build_schema(today), build_schema(without)) != []


def test_user_errors_have_the_gateways_codes() -> None:
    codes = cast(GraphQLEnumType, schema._schema.type_map["UserErrorCode"])
    assert set(codes.values) == {code.value for code in RefusalCode}


def test_colours_and_states_come_from_the_one_mapping() -> None:
    for path in (ROOT / "service").rglob("*.py"):
        if path.name != "enums.py" or "graph" not in path.parts:
            text = path.read_text()
            assert '"GREY"' not in text, path
            assert '"AMBER"' not in text, path


PAGES = [
    (pages.SENT_PAGE, "SentEmail"),
    (pages.NOTES_PAGE, "ConnectionNote"),
    (pages.FILTERED_NOTES_PAGE, "ConnectionNote"),
    (pages.CLICKS_PAGE, "LinkClick"),
    (pages.ALL_CLICKS_PAGE, "LinkClick"),
    (pages.MESSAGE_CLICKS_PAGE, "LinkClick"),
    (pages.ALL_MESSAGE_CLICKS_PAGE, "LinkClick"),
]


class _Asked:
    """The parts of graphql-core's resolve info, for a document without variables."""

    def __init__(self, source: str, row: str) -> None:
        operation: Any = parse(source).definitions[0]
        self.schema = schema._schema
        self.operation = operation
        self.fragments: dict[str, Any] = {}
        self.variable_values: dict[str, Any] = {}
        self.field_nodes = [operation.selection_set.selections[0]]
        self.return_type = schema._schema.type_map[f"{row}Connection"]


@pytest.mark.parametrize(("page", "row"), PAGES)
async def test_every_shaped_expression_prepares_in_every_page(pool: Any, page: Page, row: str) -> None:
    # Given a selection of every field that can be shaped
    connection_type = cast(GraphQLObjectType, schema._schema.type_map[f"{row}Connection"])
    asked: Any = _Asked(f"{{ list {{ {everything(connection_type)} }} }}", row)
    # When the page is shaped to it, then PostgreSQL understands it, as the JSON of each row
    shaped = shape(page, Selection.of(asked))
    assert shaped is not None
    async with pool.acquire() as connection:
        prepared = await connection.prepare(shaped.statement.sql)
        assert [one.type.name for one in prepared.get_attributes()] == ["int8", "uuid", "uuid", "text", "text"]


def test_every_leaf_of_a_list_can_be_shaped_but_those_that_say_so() -> None:
    unshaped = set()
    for row in (
        "SentEmail",
        "LinkClick",
        "ConnectionNote",
        "EmailInfo",
        "DeliveryAttempt",
        "CopyRecipient",
        "ServerResponse",
        "MessageEvent",
        "DeliveryReport",
        "ReceivedMail",
        "EmailPreview",
        "Message",
        "MessageAttachment",
    ):
        type_ = cast(GraphQLObjectType, schema._schema.type_map[row])
        for name, field in type_.fields.items():
            declared = field.extensions["strawberry-definition"].metadata.get(METADATA_KEY)
            if declared is None:
                unshaped.add(f"{row}.{name}" + ("" if is_leaf_type(get_named_type(field.type)) else " {}"))
    assert unshaped == {"MessageEvent.detail", "Message.actions", "Message.content {}", "MessageAttachment.url"}
