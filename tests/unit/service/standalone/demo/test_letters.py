"""The demo's letters: deterministic, and only to reserved domains."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from gateway.mail.address import parse_address
from service.standalone.demo.customers import read_customers
from service.standalone.demo.letters import letters_of, price_list
from service.standalone.demo.proposal import proposal_pdf

DAY = date(2026, 11, 23)


def test_there_are_forty_customers_under_reserved_domains() -> None:
    customers = read_customers()
    assert len(customers) == len({customer.ref for customer in customers}) == 40
    for customer in customers:
        for address in (*customer.addresses, *([customer.cc] if customer.cc else [])):
            domain = parse_address(address, allow_reserved=True).domain
            assert domain.rpartition(".")[2] in ("example", "test")


def test_the_same_day_makes_the_same_letters() -> None:
    for customer in read_customers():
        first = letters_of(customer, "Customer_1", DAY)
        assert first == letters_of(customer, "Customer_1", DAY)
        assert first
        keys = [letter.input["idempotencyKey"] for letter in first]
        assert len(set(keys)) == len(keys)


def test_all_kinds_of_individual_mail_occur() -> None:
    letters = [letter for customer in read_customers() for letter in letters_of(customer, "Customer_1", DAY)]
    kinds = {letter.input.get("kind") or letter.input["documentKind"] for letter in letters}
    work_orders = {"CREATED", "CHANGED", "CANCELLED", "REMINDER", "COMPLETED"}
    assert kinds == work_orders | {"PROPOSAL", "CHANGE_ORDER", "CHARGE", "REFUND", "DECLINE", "PAYMENT_LINK"}


def test_amounts_have_the_digits_of_their_currency() -> None:
    yen = next(customer for customer in read_customers() if customer.currency == "JPY")
    assert yen.part("0.3") == Decimal("294000")
    for customer in read_customers():
        assert sum(amount for _, amount in price_list(customer)) == customer.amount


def test_the_proposal_is_a_pdf_and_always_the_same() -> None:
    customer = read_customers()[0]
    assert proposal_pdf(customer) == proposal_pdf(customer)
    assert proposal_pdf(customer).startswith(b"%PDF-1.4")
    assert proposal_pdf(customer).endswith(b"%%EOF\n")
