"""The company's customers, read from customers.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path


class Reader(StrEnum):
    """How a customer's mail is read: which pixel and links are fetched, and by what kind of client."""

    NOBODY = "nobody"
    OPENS = "opens"
    CLICKS = "clicks"
    PRIVACY = "privacy"
    """A mail privacy proxy, which fetches the pixel of every mail."""
    PROXY = "proxy"
    """A person whose mail program loads pictures through an image proxy, which hides who fetched them."""
    SCANNER = "scanner"
    """A security gateway, which follows every link within a second."""
    LEAVES = "leaves"
    """A person who opens, and unsubscribes with one click."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """One customer and their project with the company. `amount` is the project's price."""

    ref: str
    name: str
    addresses: tuple[str, ...]
    project: str
    site: str
    amount: Decimal
    story: str
    reader: Reader
    currency: str = "USD"
    cc: str | None = None
    locale: str = "en"
    time_zone: str = "America/New_York"

    @property
    def number(self) -> int:
        """The number in `ref`, used in numbers of work orders and invoices."""
        return int(self.ref.removeprefix("NL-"))

    def part(self, share: str) -> Decimal:
        """Returns a share of the price, with as many decimals as the price has."""
        return (self.amount * Decimal(share)).quantize(self.amount)


def read_customers() -> tuple[Customer, ...]:
    """Returns all customers, in the order of the file."""
    rows = tomllib.loads((Path(__file__).parent / "customers.toml").read_text(encoding="utf-8"))["customer"]
    return tuple(
        Customer(
            **{
                **row,
                "addresses": tuple(row["addresses"]),
                "amount": Decimal(row["amount"]),
                "reader": Reader(row["reader"]),
            }
        )
        for row in rows
    )
