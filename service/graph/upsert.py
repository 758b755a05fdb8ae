"""`upsertCustomers`: a batch from the CRM, all or nothing, set by set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import strawberry
from asyncpg import Record

from gateway.consent.suppressions import suppressed_among
from gateway.database import Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.customer_values import (
    LONGEST_ATTRIBUTE,
    LONGEST_EXTERNAL_REF,
    LONGEST_NAME,
    LONGEST_TAG,
    MAX_ADDRESSES,
    MAX_ATTRIBUTES,
    MAX_TAGS,
    AttributeValue,
    check_customer_name,
    check_external_ref,
    check_merged_attributes,
    read_addresses,
    read_attributes,
    read_tags,
)
from gateway.mail.field_checks import check_time_zone
from gateway.mail.names import tidy_name
from gateway.templates.localization import check_locale
from service.database import QUERIES
from service.graph.context import Context, Info
from service.graph.customer import Customer
from service.graph.intent import Input
from service.graph.scalars import Json
from service.graph.user_error import UserError

# One call is one transaction: larger batches hold locks for too long.
MAX_CUSTOMERS = 1000


@strawberry.input(description="One customer as the CRM knows it. Omitted fields stay as they are.")
class UpsertCustomerInput:
    """UNSET stands for an omitted field."""

    external_ref: str = strawberry.field(
        description=f"Its id in the CRM, which it is matched by: 1 to {LONGEST_EXTERNAL_REF} characters."
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"At most {LONGEST_NAME} characters; null clears it."
    )
    addresses: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Replaces the whole list, at most {MAX_ADDRESSES}; the first is primary. Null stays as it is.",
    )
    locale: str | None = strawberry.field(
        default=strawberry.UNSET, description="The language of its mail (BCP 47), such as en-GB; null clears it."
    )
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET, description="An IANA time zone, such as Europe/Berlin; null clears it."
    )
    tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"Replaces all labels: at most {MAX_TAGS} of {LONGEST_TAG} characters; null clears them.",
    )
    attributes: Json | None = strawberry.field(
        default=strawberry.UNSET,
        description="Merged into its values by name; a null value removes one, null clears all. Texts of one line, at "
        f"most {LONGEST_ATTRIBUTE:,} characters, numbers of at most 15 digits, whole ones 18, and booleans; at most "
        f"{MAX_ATTRIBUTES}, named as merge fields are (ASCII letters, digits, underscores).",
    )


@strawberry.input(description="A batch of customers.")
class UpsertCustomersInput:
    """At most MAX_CUSTOMERS."""

    customers: list[UpsertCustomerInput] = strawberry.field(
        description=f"At most {MAX_CUSTOMERS}, each externalRef once. One bad entry refuses the whole call."
    )


@strawberry.type(description="Something to look at in what was taken.")
class UpsertWarning:
    """One of an address."""

    message: str = strawberry.field(description="What it is and what to do, for people.")
    field: list[str] = strawberry.field(description="The path of the value below `input`.")


@strawberry.type(description="What came of a batch.")
class UpsertCustomersPayload:
    """Either the customers or the errors."""

    customers: list[Customer] | None = strawberry.field(
        default=None, description="The customers, in the order of the input; null when anything was refused."
    )
    warnings: list[UpsertWarning] = strawberry.field(
        default_factory=list,
        description="Addresses against which a suppression stands: taken, and it stands. Empty when refused.",
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Every reason why nothing was done."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Checked:
    """One entry as it is to be written; `addresses` None leaves them as they are, a null attribute is removed."""

    entry: UpsertCustomerInput
    addresses: tuple[str, ...] | None
    tags: list[str]
    attributes: dict[str, AttributeValue | None]


async def upsert_customers(info: Info, input: Input[UpsertCustomersInput]) -> UpsertCustomersPayload:
    """Check everything, then write everything."""
    context, entries = info.context, input.customers
    if len(entries) > MAX_CUSTOMERS:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_CUSTOMERS} customers in one call.", ("customers",))
    found = RefusalCollector()
    checked: list[_Checked] = []
    for number, entry in enumerate(entries):
        if found.full:
            break
        checked.append(_check(entry, ("customers", str(number)), context.deployment, found))
    _refuse_repeats(entries, found)
    found.raise_any()
    rows, suppressed = await _write(context, checked)
    context.reading_back()
    customers = {row["external_ref"]: Customer.of(row) for row in rows}
    return UpsertCustomersPayload(
        customers=[customers[one.entry.external_ref] for one in checked],
        warnings=_warnings(checked, suppressed, context.deployment) if suppressed else [],
    )


def _warnings(checked: list[_Checked], suppressed: set[bytes], deployment: Deployment) -> list[UpsertWarning]:
    message = "This address must not be mailed: correct it, or lift its suppression (`liftSuppression`)."
    return [
        UpsertWarning(message=message, field=["customers", str(number), "addresses", str(position)])
        for number, one in enumerate(checked)
        for position, address in enumerate(one.addresses or ())
        if deployment.key_of(address) in suppressed
    ]


def _check(
    entry: UpsertCustomerInput, path: tuple[str, ...], deployment: Deployment, found: RefusalCollector
) -> _Checked:
    """The entry as it is to be written; what is refused in it is kept in `found`."""
    addresses, tags, attributes = None, [], {}
    with found.check():
        check_external_ref(entry.external_ref, (*path, "externalRef"))
    with found.check():
        check_customer_name(entry.name or None, (*path, "name"))
    with found.check():
        if entry.locale:
            check_locale(entry.locale, (*path, "locale"))
    with found.check():
        if entry.time_zone:
            check_time_zone(entry.time_zone, (*path, "timeZone"))
    with found.check():
        if entry.addresses or entry.addresses == []:
            allow_reserved = deployment.settings.allow_reserved_domains
            addresses = read_addresses(entry.addresses, (*path, "addresses"), allow_reserved=allow_reserved)
    with found.check():
        tags = read_tags(entry.tags or None, (*path, "tags"))
    with found.check():
        if entry.attributes is not strawberry.UNSET:
            attributes = read_attributes(entry.attributes, (*path, "attributes"))
    return _Checked(entry=entry, addresses=addresses, tags=tags, attributes=attributes)


def _refuse_repeats(entries: list[UpsertCustomerInput], found: RefusalCollector) -> None:
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        if entry.external_ref in seen:
            with found.check():
                field = ("customers", str(number), "externalRef")
                raise Refusal(RefusalCode.CONFLICT, "This externalRef is in the call twice.", field)
        seen.add(entry.external_ref)


async def _write(context: Context, checked: list[_Checked]) -> tuple[list[Record], set[bytes]]:
    """Write everything; returns the customers, and the keys of the addresses that are suppressed.

    Raises Refusal or Refusals, having written nothing: TOO_MANY or TOO_LONG for attributes together with those there.
    """
    async with context.pools.writing_connection() as connection, connection.transaction():
        rows = [row async for row in QUERIES.upsert_customers(connection, **_columns(checked))]
        written = {row["external_ref"]: row for row in rows}
        _check_merged(checked, written)
        ids = {external_ref: row["id"] for external_ref, row in written.items()}
        keys = await _replace_addresses(connection, context.deployment, ids, checked)
        return rows, await suppressed_among(connection, keys)


def _columns(checked: list[_Checked]) -> dict[str, Any]:
    """The parameters of the statement, an array a column."""
    entries = [one.entry for one in checked]
    return {
        "external_refs": [entry.external_ref for entry in entries],
        "names": [tidy_name(entry.name or "") or None for entry in entries],
        "locales": [entry.locale or None for entry in entries],
        "time_zones": [entry.time_zone or None for entry in entries],
        "tags": [orjson.dumps(one.tags).decode() for one in checked],
        "attributes": [orjson.dumps(_given_attributes(one)).decode() for one in checked],
        "keeps_name": [entry.external_ref for entry in entries if entry.name is strawberry.UNSET],
        "keeps_locale": [entry.external_ref for entry in entries if entry.locale is strawberry.UNSET],
        "keeps_time_zone": [entry.external_ref for entry in entries if entry.time_zone is strawberry.UNSET],
        "keeps_tags": [entry.external_ref for entry in entries if entry.tags is strawberry.UNSET],
        "clears_attributes": [entry.external_ref for entry in entries if entry.attributes is None],
        "removed_attributes": {
            one.entry.external_ref: removed
            for one in checked
            if (removed := [name for name, value in one.attributes.items() if value is None])
        },
    }


def _given_attributes(one: _Checked) -> dict[str, AttributeValue]:
    return {name: value for name, value in one.attributes.items() if value is not None}


def _check_merged(checked: list[_Checked], written: Mapping[str, Record]) -> None:
    found = RefusalCollector()
    for number, one in enumerate(checked):
        if one.attributes:
            with found.check():
                attributes = written[one.entry.external_ref]["attributes"]
                check_merged_attributes(attributes, ("customers", str(number), "attributes"))
    found.raise_any()


async def _replace_addresses(
    connection: Connection, deployment: Deployment, ids: dict[str, int], checked: list[_Checked]
) -> list[bytes]:
    replaced = [(ids[one.entry.external_ref], one.addresses) for one in checked if one.addresses is not None]
    listed = [
        (customer, position, address) for customer, addresses in replaced for position, address in enumerate(addresses)
    ]
    keys = [deployment.key_of(address) for _, _, address in listed]
    await QUERIES.delete_addresses(connection, ids=[customer for customer, _ in replaced])
    await QUERIES.insert_addresses(
        connection,
        customer_ids=[customer for customer, _, _ in listed],
        positions=[position for _, position, _ in listed],
        addresses=[address for _, _, address in listed],
        address_keys=keys,
    )
    return keys
