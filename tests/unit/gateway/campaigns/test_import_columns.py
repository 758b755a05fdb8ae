"""What columns are taken for by their headings, and what may be said instead."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.campaigns.import_columns import Column, ColumnChoice, find_columns, map_columns, target
from gateway.errors import Refusal, RefusalCode, Refusals


def fields(*headings: str) -> list[str | None]:
    return [column.field for column in find_columns(headings, [])]


def choose(columns: Sequence[Column], **chosen: str | None) -> list[str | None]:
    choices = [ColumnChoice(heading=heading, field=field) for heading, field in chosen.items()]
    return [column.field for column in map_columns(columns, choices)]


@pytest.mark.parametrize(
    "heading",
    ["email", "E-Mail", "e-mail address", "Mail", "E-Mail-Adresse", "Adresse e-mail", "Correo electrónico", "E-post"],
)
def test_an_address_is_known_in_several_languages(heading: str) -> None:
    assert fields(heading) == ["address"]


@pytest.mark.parametrize(
    "heading",
    [
        "Kd-Nr",
        "Kd.-Nr.",
        "KdNr",
        "Kundennr",
        "Kundennummer",
        "Customer No.",
        "Customer #",
        "Cust #",
        "Cust. No",
        "Client Nº",
    ],
)
def test_a_customers_number_is_the_reference(heading: str) -> None:
    assert fields(heading, "E-Mail") == ["externalRef", "address"]


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["ID", "Name", "Language", "Time zone", "Tags"], ["externalRef", "name", "locale", "timeZone", "tags"]),
        (
            ["Kundennummer", "Name", "Sprache", "Zeitzone", "Schlagworte"],
            ["externalRef", "name", "locale", "timeZone", "tags"],
        ),
        (["First name", "Last name"], ["firstName", "lastName"]),
        (["Vorname", "Name"], ["firstName", "lastName"]),
        (["Prénom", "Nom"], ["firstName", "lastName"]),
        (["Full name", "First name", "Surname"], ["name", "attributes.first_name", "attributes.surname"]),
        (["Email", "E-Mail", "Mail (2)"], ["address", "attributes.e_mail", "attributes.mail_2"]),
        (
            ["Größe in m²", "Customer since", "???", "2nd"],
            ["attributes.grosse_in_m2", "attributes.customer_since", None, None],
        ),
        (["", "", "City", "city"], [None, None, "attributes.city", None]),
        (["4111111111111111"], [None]),
    ],
)
def test_headings_say_what_columns_become(headings: list[str], expected: list[str | None]) -> None:
    assert fields(*headings) == expected


def test_headings_are_told_apart_and_values_shown() -> None:
    sample = [["a\nb", "x" * 200, "4111 1111 1111 1111"]]
    found = find_columns([" Mail ", "Mail", "Note"], sample)
    assert [column.heading for column in found] == ["Mail", "Mail (2)", "Note"]
    assert [list(column.sample) for column in found] == [["a b"], ["x" * 100], [""]]


@pytest.mark.parametrize(
    ("headings", "code"),
    [(["x"] * 201, RefusalCode.TOO_MANY), (["x" * 256], RefusalCode.TOO_LONG)],
)
def test_a_header_has_limits(headings: list[str], code: RefusalCode) -> None:
    with pytest.raises(Refusal) as caught:
        find_columns(headings, [])
    assert caught.value.code is code


def test_choices_change_some_columns_and_leave_the_others() -> None:
    columns = find_columns(["Mail", "Seats", "Note"], [])
    assert choose(columns) == ["address", "attributes.seats", "attributes.note"]
    assert choose(columns, Seats="attributes.seats:number", Note=None) == ["address", "attributes.seats:number", None]
    assert choose(columns, Mail="externalRef") == ["externalRef", "attributes.seats", "attributes.note"]
    assert target("attributes.seats:number") == "attributes.seats"


@pytest.mark.parametrize(
    ("choices", "paths"),
    [
        ([("Nowhere", "name")], [("columns", "0", "heading")]),
        ([("Seats", "name")] * 201, [("columns",)]),
        ([("Seats", None), ("Seats", "name")], [("columns", "0", "heading"), ("columns", "1", "heading")]),
        ([("Seats", "shoeSize")], [("columns", "0", "field")]),
        ([("Seats", "attributes.")], [("columns", "0", "field")]),
        ([("Seats", "attributes.2nd")], [("columns", "0", "field")]),
        ([("Seats", "attributes.größe")], [("columns", "0", "field")]),
        ([("Seats", "attributes.seats:date")], [("columns", "0", "field")]),
        ([("Seats", "x"), ("Nowhere", "y")], [("columns", "0", "field"), ("columns", "1", "heading")]),
        ([("Seats", "address")], [("columns",)]),
        ([("Mail", None)], [("columns",)]),
        ([("Seats", "attributes.a"), ("Note", "attributes.a:number")], [("columns",)]),
        ([("Seats", "name"), ("Note", "firstName")], [("columns",)]),
        ([("Mail", "name"), ("Seats", "name")], [("columns",), ("columns",)]),
    ],
)
def test_a_mapping_that_is_wrong_is_refused_with_all_its_faults(
    choices: list[tuple[str, str | None]], paths: list[tuple[str, ...]]
) -> None:
    columns = find_columns(["Mail", "Seats", "Note"], [])
    with pytest.raises((Refusal, Refusals)) as caught:
        map_columns(columns, [ColumnChoice(heading=heading, field=field) for heading, field in choices])
    error = caught.value
    refusals = error.refusals if isinstance(error, Refusals) else (error,)
    assert [refusal.field for refusal in refusals if isinstance(refusal, Refusal)] == paths
    assert {refusal.code for refusal in refusals if isinstance(refusal, Refusal)} == {RefusalCode.MAPPING_INVALID}
