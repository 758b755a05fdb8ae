"""The firm's customers, read from customers.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path


class Reader(StrEnum):
    """Who, or what, fetches the pixel and follows the links of a customer's mail."""

    NOBODY = "nobody"
    OPENS = "opens"
    CLICKS = "clicks"
    PRIVACY = "privacy"
    """A mail privacy proxy, which fetches the pixel of every mail."""
    PROXY = "proxy"
    """A person whose mail program loads pictures through an image proxy: nobody can tell who fetched."""
    SCANNER = "scanner"
    """A security gateway, which follows every link within a second."""
    LEAVES = "leaves"
    """A person who opens, and unsubscribes with one click."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """One customer and the project they have with the firm. `amount` is the project's price."""

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
        """Makes work orders and invoices tell apart."""
        return int(self.ref.removeprefix("NL-"))

    def part(self, share: str) -> Decimal:
        """That share of the price, with as many digits as the price has."""
        return (self.amount * Decimal(share)).quantize(self.amount)


def read_customers() -> tuple[Customer, ...]:
    """All of them, in the order of the file."""
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
