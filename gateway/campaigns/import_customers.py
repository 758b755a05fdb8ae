"""The lines of one batch become customers: what is there is read, each line applied in turn, what is new written.

A line means the customer of its `externalRef`. Without one it means the customer with the lowest id that has its
address, else the one whose reference an import made of that address. Where there is none, the line makes one. So a line
after another one of the same customer updates it, in whichever batch either is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.campaigns.import_lines import Line
from gateway.database import QUERIES, Connection
from gateway.errors import GatewayError, Refusal, RefusalCode
from gateway.mail.customer_values import MAX_ADDRESSES, MAX_TAGS, AttributeValue, check_merged_attributes

IMPORTED = "import:"
"""Begins the reference of a customer that came without one; the hexadecimal key of its address follows."""


class Interfered(GatewayError):
    """Another transaction made one of the batch's customers meanwhile: the batch is to be done again."""


@dataclass(slots=True)
class ImportedCustomer:
    """A customer as it is, and as the lines so far make it. `id` is None while it is not written."""

    id: int | None
    external_ref: str
    name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    tags: Sequence[str] = ()
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    erased: bool = False
    keys: set[bytes] = field(default_factory=set)
    next_position: int = 0
    added: list[tuple[int, str, bytes]] = field(default_factory=list)
    """Addresses to write: their place, the address, its key."""
    changed: bool = False
    """Whether the customer's own row is to be written."""


@dataclass(kw_only=True, slots=True)
class Applied:
    """What a batch came to: how many lines made, changed and did not change a customer; refusals by their line."""

    customers: list[ImportedCustomer] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[tuple[int, Refusal]] = field(default_factory=list)


def wanted_ref(line: Line) -> str:
    """Returns the reference that a line names, or that a customer made of it has."""
    if line.external_ref is not None:
        return line.external_ref
    return f"{IMPORTED}{(line.key or b'').hex()}"


async def load(connection: Connection, lines: Sequence[Line]) -> list[Any]:
    """Lock and return the customers that the lines may mean, as they are, lowest id first."""
    ids = [
        row["id"]
        async for row in QUERIES.lock_imported_customers(
            connection,
            external_refs=list({wanted_ref(line) for line in lines}),
            address_keys=list({line.key for line in lines if line.external_ref is None}),
        )
    ]
    # Read once they are locked: another transaction may have changed them before.
    return [row async for row in QUERIES.imported_customers(connection, ids=ids)] if ids else []


def apply(rows: Iterable[Any], lines: Iterable[Line]) -> Applied:
    """Returns what the lines make of the customers in `rows`, and of new ones. Writes nothing."""
    known = _Known(rows)
    applied = Applied()
    touched: dict[str, ImportedCustomer] = {}
    for line in lines:
        customer = known.find(line)
        is_new = customer is None
        customer = customer or ImportedCustomer(None, wanted_ref(line))
        try:
            changes = _apply_line(customer, line)
        except Refusal as refusal:
            applied.refused.append((line.number, refusal))
            continue
        known.note(customer, line.key)
        touched[customer.external_ref] = customer
        if is_new:
            applied.created += 1
        elif changes:
            applied.updated += 1
        else:
            applied.unchanged += 1
    applied.customers = list(touched.values())
    return applied


class _Known:
    """Customers of a batch by their references and by the keys of their addresses."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._by_ref: dict[str, ImportedCustomer] = {}
        self._by_key: dict[bytes, ImportedCustomer] = {}
        for row in rows:
            customer = ImportedCustomer(
                row["id"],
                row["external_ref"],
                name=row["name"],
                locale=row["locale"],
                time_zone=row["time_zone"],
                tags=row["tags"],
                attributes=row["attributes"],
                erased=row["erased"],
                keys=set(row["address_keys"] or ()),
                next_position=row["next_position"] or 0,
            )
            self._by_ref[customer.external_ref] = customer
            if not customer.erased:
                for key in customer.keys:
                    self.note(customer, key)

    def find(self, line: Line) -> ImportedCustomer | None:
        """Returns the customer that a line means."""
        if line.external_ref is None and line.key is not None and line.key in self._by_key:
            return self._by_key[line.key]
        return self._by_ref.get(wanted_ref(line))

    def note(self, customer: ImportedCustomer, key: bytes | None) -> None:
        """This customer has this address: it is meant by it, unless one with a lower id has it."""
        self._by_ref[customer.external_ref] = customer
        if key is not None:
            holder = self._by_key.get(key)
            if holder is None or _place(customer) < _place(holder):
                self._by_key[key] = customer


def _place(customer: ImportedCustomer) -> float:
    return float("inf") if customer.id is None else customer.id


def _apply_line(customer: ImportedCustomer, line: Line) -> bool:
    """Returns whether the line says something new. Raises Refusal, having changed nothing."""
    if customer.erased:
        raise Refusal(RefusalCode.ERASED, "This customer was erased: nothing is written of it any more.")
    tags = customer.tags
    if line.tags and not set(line.tags) <= set(tags):
        tags = sorted({*tags, *line.tags})
        if len(tags) > MAX_TAGS:
            raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_TAGS} tags, with those that the customer has.")
    attributes = customer.attributes
    if line.attributes and not _has_all(attributes, line.attributes):
        attributes = {**attributes, **line.attributes}
        check_merged_attributes(attributes, ())
    is_address_new = line.key is not None and line.key not in customer.keys
    if is_address_new and len(customer.keys) >= MAX_ADDRESSES:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_ADDRESSES} addresses, with those that the customer has.")
    is_row_new = _write_row(customer, line, tags, attributes)
    if is_address_new and line.key is not None and line.address is not None:
        customer.keys.add(line.key)
        customer.added.append((customer.next_position, line.address, line.key))
        customer.next_position += 1
    return is_row_new or is_address_new


def _has_all(attributes: Mapping[str, AttributeValue], more: Mapping[str, AttributeValue]) -> bool:
    """Whether all these values are there already, of the same type: 1 is not true."""
    return all(
        name in attributes and attributes[name] == wanted and type(attributes[name]) is type(wanted)
        for name, wanted in more.items()
    )


def _write_row(
    customer: ImportedCustomer, line: Line, tags: Sequence[str], attributes: Mapping[str, AttributeValue]
) -> bool:
    before = (customer.name, customer.locale, customer.time_zone, customer.tags, customer.attributes)
    after = (
        line.name or customer.name,
        line.locale or customer.locale,
        line.time_zone or customer.time_zone,
        tags,
        attributes,
    )
    customer.name, customer.locale, customer.time_zone, customer.tags, customer.attributes = after
    is_new = after[:3] != before[:3] or tags is not before[3] or attributes is not before[4]
    customer.changed = customer.changed or is_new
    return is_new


async def write(connection: Connection, customers: Sequence[ImportedCustomer]) -> None:
    """Write what is new of these customers, whose ids are all known afterwards. Raises Interfered."""
    new, changed = [], []
    for customer in customers:
        if customer.id is None:
            new.append(customer)
        elif customer.changed:
            changed.append(customer)
    if new:
        await _insert(connection, new)
    if changed:
        await QUERIES.update_imported_customers(
            connection, customers=[{"id": customer.id, **_row(customer)} for customer in changed]
        )
    addresses = [
        {"customer_id": customer.id, "position": position, "address": address, "address_key": key.hex()}
        for customer in customers
        for position, address, key in customer.added
    ]
    if addresses:
        await QUERIES.insert_imported_addresses(connection, addresses=addresses)


async def _insert(connection: Connection, new: Sequence[ImportedCustomer]) -> None:
    made = QUERIES.insert_imported_customers(connection, customers=[_row(customer) for customer in new])
    ids = {row["external_ref"]: row["id"] async for row in made}
    if len(ids) < len(new):
        raise Interfered("Another transaction made a customer of this batch.")
    for customer in new:
        customer.id = ids[customer.external_ref]


def _row(customer: ImportedCustomer) -> dict[str, Any]:
    return {
        "external_ref": customer.external_ref,
        "name": customer.name,
        "locale": customer.locale,
        "time_zone": customer.time_zone,
        "tags": customer.tags,
        "attributes": customer.attributes,
    }


async def join_list(connection: Connection, list_id: int, customers: Sequence[ImportedCustomer], *, actor: str) -> None:
    """Add these customers, whose ids are known, to a fixed list."""
    ids = [customer.id for customer in customers]
    await QUERIES.join_list_of_import(connection, list_id=list_id, customer_ids=ids, actor=actor)
