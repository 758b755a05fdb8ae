"""One line of an import: read as it is kept, or refused with everything that is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.campaigns.import_columns import Column
from gateway.campaigns.import_lines import Line, LineChecker, RefusedLine, kept_cells
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.address import parse_address
from gateway.settings import read_settings
from tests.builders import SECRET_KEYS

SETTINGS: dict[str, Any] = {
    "database_url": "postgresql://x",
    "public_url": "https://mail.example.com",
    "default_from": "hello@fabrikam.com",
    "relay_url": "smtp://127.0.0.1",
    "secret_keys": SECRET_KEYS,
}
DEPLOYMENT = Deployment.open(read_settings(**SETTINGS))
ADDRESS_PARTS = st.sampled_from(
    ["a", "B.c", "..", ".", "@", "ü", "fabrikam", "xn--bcher-kva", "com", "-", '"', "test", " "]
)


def check(fields: dict[str, str], **cells: str) -> Line | RefusedLine | None:
    """A line of columns that have their field's name as heading."""
    columns = [Column(heading=field, field=fields[field], sample=()) for field in fields]
    return LineChecker(columns, DEPLOYMENT).check(7, [cells.get(field, "") for field in fields])


def read(field: str, text: str) -> Any:
    """What a cell of this field becomes; the refusal's code when it is refused."""
    found = check({"ref": "externalRef", "it": field}, ref="C", it=text)
    if isinstance(found, RefusedLine):
        assert [fault.heading for fault in found.faults] == ["it"]
        return found.faults[0].code
    assert isinstance(found, Line)
    if field.startswith("attributes."):
        return found.attributes.get("x")
    return {"name": found.name, "locale": found.locale, "timeZone": found.time_zone, "tags": list(found.tags)}[field]


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("name", " Ada\u200b  Lovelace ", "Ada Lovelace"),
        ("name", "", None),
        ("name", "x" * 501, RefusalCode.TOO_LONG),
        ("name", "a\nb", RefusalCode.HEADER_INJECTION),
        ("name", "4111 1111 1111 1111", RefusalCode.CARD_NUMBER),
        ("locale", "de-AT", "de-AT"),
        ("locale", "German", RefusalCode.INVALID),
        ("timeZone", "Europe/Berlin", "Europe/Berlin"),
        ("timeZone", "CET/Berlin", RefusalCode.INVALID),
        ("tags", "vip; north,vip|a b;;", ["a b", "north", "vip"]),
        ("tags", ",".join(f"t{number}" for number in range(101)), RefusalCode.TOO_MANY),
        ("tags", "x" * 101, RefusalCode.TOO_LONG),
        ("attributes.x", " 00123 ", "00123"),
        ("attributes.x:text", "12.50", "12.50"),
        ("attributes.x", "=1+1", "=1+1"),
        ("attributes.x", "x" * 1001, RefusalCode.TOO_LONG),
        ("attributes.x:number", "12.50", 12.5),
        ("attributes.x:number", "-7", -7),
        ("attributes.x:number", "1,5", RefusalCode.INVALID),
        ("attributes.x:number", "1e9", RefusalCode.INVALID),
        ("attributes.x:number", "nan", RefusalCode.INVALID),
        ("attributes.x:number", "1" * 41, RefusalCode.INVALID),
        ("attributes.x:number", "1234567890123456789012", RefusalCode.INVALID),
        ("attributes.x:boolean", "Yes", True),
        ("attributes.x:boolean", "0", False),
        ("attributes.x:boolean", "maybe", RefusalCode.INVALID),
    ],
)
def test_a_cell_is_read_as_it_is_kept_or_refused(field: str, text: str, expected: Any) -> None:
    found = read(field, text)
    assert found == expected
    assert type(found) is type(expected)


def test_a_name_may_be_in_two_columns() -> None:
    fields = {"first": "firstName", "last": "lastName", "mail": "address"}
    both = check(fields, first="Ada", last="Lovelace", mail="a@fabrikam.com")
    one = check(fields, last="Lovelace", mail="a@fabrikam.com")
    assert isinstance(both, Line)
    assert isinstance(one, Line)
    assert (both.name, one.name) == ("Ada Lovelace", "Lovelace")
    # And what neither holds alone is refused all the same
    for first, last, code in (
        ("4111 1111", "1111 1111", RefusalCode.CARD_NUMBER),
        ("x" * 300, "y" * 300, RefusalCode.TOO_LONG),
    ):
        together = check(fields, first=first, last=last, mail="a@fabrikam.com")
        assert isinstance(together, RefusedLine)
        assert [(fault.heading, fault.code) for fault in together.faults] == [(None, code)]


@pytest.mark.parametrize("text", ["x" * 256, "a\rb", "a\x07b"])
def test_a_reference_is_one_short_line(text: str) -> None:
    assert isinstance(check({"ref": "externalRef"}, ref=text), RefusedLine)


@given(st.lists(ADDRESS_PARTS, max_size=8).map("".join) | st.emails())
@example("Ada.Lovelace+news@Fabrikam.COM")
@example("a" * 65 + "@fabrikam.com")
@example("a@" + "b" * 63 + ".com")
@example("a@" + "b" * 64 + ".com")
@example("a@" + ".".join(["b" * 60] * 4) + ".com")
@example("a@b.test")
@example("a@b.local")
@example("a@192.168.0.1")
@example("a@-b.com")
@example("a@b-.com")
@example("a@b..com")
@example("a@com")
@example("a@b.c--d.com")
@example("a@ab--cd.com")
@example("postmaster@fabrikam.com")
def test_addresses_are_those_that_parse_address_takes(text: str) -> None:
    # Given a text that is an address, or nearly one, or none
    checker = LineChecker([Column(heading="mail", field="address", sample=())], DEPLOYMENT)
    for _ in range(2):  # the second time its domain is known
        # When a line has it
        found = checker.check(7, [text])
        # Then it is taken or refused as everywhere, in the same normal form and words
        expected = parsed(text)
        if isinstance(expected, str):
            assert isinstance(found, Line)
            assert (found.address, found.key) == (expected, DEPLOYMENT.key_of(expected))
        elif text.strip():
            assert isinstance(found, RefusedLine)
            assert (found.faults[0].code, found.faults[0].message) == (expected.code, expected.message)


def parsed(text: str) -> str | Refusal:
    try:
        return parse_address(text, allow_reserved=False).text
    except Refusal as refusal:
        return refusal


def test_a_line_that_says_nothing_is_none_and_one_of_nobody_is_refused() -> None:
    fields = {"mail": "address", "name": "name"}
    assert check(fields, name="  ") is None
    nobody = check(fields, name="Ada")
    assert isinstance(nobody, RefusedLine)
    assert nobody.faults[0].code is RefusalCode.REQUIRED


def test_a_line_of_another_width_is_refused_unless_it_is_empty() -> None:
    checker = LineChecker([Column(heading="mail", field="address", sample=())], DEPLOYMENT)
    assert checker.check(7, ["", " ", ""]) is None
    found = checker.check(7, ["a@fabrikam.com", "b"])
    assert isinstance(found, RefusedLine)
    assert (found.faults[0].heading, found.faults[0].message) == (None, "The line has 2 values, the header 1.")


def test_a_column_that_is_left_out_may_hold_anything() -> None:
    columns = [Column(heading="mail", field="address", sample=()), Column(heading="x", field=None, sample=())]
    found = LineChecker(columns, DEPLOYMENT).check(7, ["a@fabrikam.com", "\x07 4111 1111 1111 1111"])
    assert isinstance(found, Line)


def test_all_faults_of_a_line_are_told_up_to_a_limit() -> None:
    fields = {f"x{number}": f"attributes.x{number}:number" for number in range(8)}
    found = check({"ref": "externalRef", **fields}, ref="C", **dict.fromkeys(fields, "no number"))
    assert isinstance(found, RefusedLine)
    assert [fault.heading for fault in found.faults] == ["x0", "x1", "x2", "x3", "x4"]


def test_what_is_kept_of_a_refused_line_holds_no_card_and_is_short() -> None:
    assert kept_cells(["a", "card 4111111111111111", ""]) == ["a", "", ""]
    cut = kept_cells(["x" * 5000, "short"])
    assert cut == ["x" * 200 + "…", "short"]
    assert len(kept_cells([""] * 100_000)) == 200
