"""Lines applied to customers in turn, without a database: what each makes of them, and what is to be written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.campaigns.import_customers import Applied, apply, wanted_ref
from gateway.campaigns.import_lines import Line
from gateway.errors import RefusalCode


def line(number: int = 2, **values: Any) -> Line:
    """A line that says what is given."""
    usual: dict[str, Any] = {"external_ref": None, "name": None, "locale": None, "time_zone": None}
    usual |= {"tags": (), "attributes": {}}
    address = values.pop("address", None)
    key = address.lower().encode() if address else None
    return Line(number=number, address=address, key=key, **(usual | values))


def row(id: int, ref: str, *addresses: str, **values: Any) -> dict[str, Any]:
    """A customer as the database has it."""
    usual: dict[str, Any] = {"name": None, "locale": None, "time_zone": None, "tags": [], "attributes": {}}
    usual |= {"erased": False, "address_keys": [address.lower().encode() for address in addresses] or None}
    return {"id": id, "external_ref": ref, "next_position": len(addresses) or None, **(usual | values)}


def counts(applied: Applied) -> tuple[int, int, int, int]:
    return applied.created, applied.updated, applied.unchanged, len(applied.refused)


def test_a_new_customer_has_a_reference_made_of_its_address() -> None:
    applied = apply([], [line(address="A@x.com", name="Ann")])
    [made] = applied.customers
    assert (made.id, made.external_ref, made.name) == (None, "import:" + b"a@x.com".hex(), "Ann")
    assert made.added == [(0, "A@x.com", b"a@x.com")]
    assert counts(applied) == (1, 0, 0, 0)


def test_the_customer_with_the_lowest_id_is_meant_by_an_address() -> None:
    rows = [row(3, "C", "a@x.com"), row(7, "G", "a@x.com"), row(9, "I")]
    # Given a line that gives a third customer the address, and one that names the address alone
    applied = apply(rows, [line(external_ref="I", address="a@x.com"), line(address="a@x.com", name="Ann")])
    assert {one.external_ref: one.name for one in applied.customers} == {"I": None, "C": "Ann"}


def test_a_customer_that_lost_its_address_is_found_by_the_reference_that_an_import_made() -> None:
    ref = wanted_ref(line(address="a@x.com"))
    applied = apply([row(3, ref, "right@x.com")], [line(address="a@x.com")])
    assert counts(applied) == (0, 1, 0, 0)
    assert applied.customers[0].added == [(1, "a@x.com", b"a@x.com")]


def test_nothing_new_is_unchanged_and_is_not_written() -> None:
    known = row(3, "C", "a@x.com", name="Ann", tags=["a", "b"], attributes={"n": 1})
    said = line(external_ref="C", address="A@X.com", name="Ann", tags=["b"], attributes={"n": 1})
    applied = apply([known], [said])
    assert counts(applied) == (0, 0, 1, 0)
    assert not applied.customers[0].changed
    assert applied.customers[0].added == []


def test_a_value_of_another_type_is_new() -> None:
    applied = apply([row(3, "C", attributes={"n": 1})], [line(external_ref="C", attributes={"n": True})])
    assert counts(applied) == (0, 1, 0, 0)
    assert applied.customers[0].attributes == {"n": True}


@pytest.mark.parametrize(
    ("known", "said", "code"),
    [
        ({"erased": True}, {"name": "Ann"}, RefusalCode.ERASED),
        ({"tags": [f"t{n}" for n in range(100)]}, {"tags": ["new"]}, RefusalCode.TOO_MANY),
        ({"attributes": {f"a{n}": 1 for n in range(100)}}, {"attributes": {"b": 1}}, RefusalCode.TOO_MANY),
        ({"address_keys": [b"%d" % n for n in range(20)]}, {"address": "a@x.com"}, RefusalCode.TOO_MANY),
    ],
)
def test_a_refused_line_changes_nothing(known: dict[str, Any], said: dict[str, Any], code: RefusalCode) -> None:
    applied = apply([row(3, "C") | known], [line(9, external_ref="C", locale="en", **said)])
    assert [(number, refusal.code) for number, refusal in applied.refused] == [(9, code)]
    assert counts(applied) == (0, 0, 0, 1)
    assert applied.customers == []


SAID = st.builds(
    line,
    external_ref=st.sampled_from([None, "A", "B"]),
    address=st.sampled_from(["a@x.com", "A@x.com", "b@x.com", "c@x.com"]),
    name=st.sampled_from([None, "Ann", "Bob"]),
    tags=st.sampled_from([(), ["a"], ["a", "b"]]),
)


@given(st.lists(SAID, max_size=8))
def test_what_lines_came_to_stays_so_when_they_come_again(lines: list[Line]) -> None:
    # Given lines of which each customer has one name
    named = [line(external_ref=one.external_ref, address=one.address, tags=one.tags) for one in lines]
    first = apply([], named)
    assert first.created == len(first.customers)
    # When what they made is written and they come again
    rows = [
        row(number, one.external_ref, tags=list(one.tags), address_keys=sorted(one.keys), next_position=len(one.keys))
        for number, one in enumerate(first.customers, start=1)
    ]
    again = apply(rows, named)
    # Then nobody is new
    assert again.created == 0
    # And no customer has an address twice, nor two a place
    for customer in first.customers:
        assert len({key for _, _, key in customer.added}) == len(customer.added) == len(customer.keys)
        assert [position for position, _, _ in customer.added] == list(range(len(customer.added)))
