"""`upsertCustomers`: a batch from the CRM, all or nothing, set by set."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import strawberry
from asyncpg import Record

from gateway.consent.suppressions import suppressed_among
from gateway.database import Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.address import parse_address
from gateway.mail.card_number import refuse_card_number
from gateway.mail.field_checks import check_time_zone
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.names import tidy_name
from gateway.templates.localization import check_locale
from service.database import QUERIES
from service.graph.context import Context, Info
from service.graph.customer import Customer
from service.graph.intent import Input
from service.graph.user_error import UserError, user_errors

# One call is one transaction: larger batches hold locks for too long.
MAX_CUSTOMERS = 1000
# No customer has more; a longer list is a mailing list.
MAX_ADDRESSES = 20
LONGEST_EXTERNAL_REF = 255
LONGEST_NAME = 500


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
    """One entry with its addresses in their normal form; None leaves them as they are."""

    entry: UpsertCustomerInput
    addresses: tuple[str, ...] | None


async def upsert_customers(info: Info, input: Input[UpsertCustomersInput]) -> UpsertCustomersPayload:
    """Check everything, then write everything."""
    context, entries = info.context, input.customers
    refusals: list[Refusal] = []
    if len(entries) > MAX_CUSTOMERS:
        refusals.append(
            Refusal(RefusalCode.TOO_MANY, f"At most {MAX_CUSTOMERS} customers in one call.", ("customers",))
        )
        return UpsertCustomersPayload(user_errors=user_errors(refusals))
    checked = [_check(entry, number, context.deployment, refusals) for number, entry in enumerate(entries)]
    _refuse_repeats(entries, refusals)
    if refusals:
        return UpsertCustomersPayload(user_errors=user_errors(refusals))
    rows, suppressed = await _write(context, checked)
    context.reading_back()
    found = {row["external_ref"]: Customer.of(row) for row in rows}
    return UpsertCustomersPayload(
        customers=[found[one.entry.external_ref] for one in checked],
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


def _check(entry: UpsertCustomerInput, number: int, deployment: Deployment, refusals: list[Refusal]) -> _Checked:
    path = ("customers", str(number))
    addresses: tuple[str, ...] | None = None
    for check in (_check_external_ref, _check_name, _check_locale, _check_time_zone):
        try:
            check(entry, path)
        except Refusal as refusal:
            refusals.append(refusal)
    if entry.addresses:
        addresses = _check_addresses(entry.addresses, path, deployment, refusals)
    elif entry.addresses == []:
        addresses = ()
    return _Checked(entry=entry, addresses=addresses)


def _check_external_ref(entry: UpsertCustomerInput, path: tuple[str, ...]) -> None:
    field = (*path, "externalRef")
    if not entry.external_ref.strip():
        raise Refusal(RefusalCode.REQUIRED, "Every customer needs its id in the CRM.", field)
    _limit(entry.external_ref, LONGEST_EXTERNAL_REF, field)
    refuse_header_break(entry.external_ref, field)


def _check_name(entry: UpsertCustomerInput, path: tuple[str, ...]) -> None:
    if entry.name:
        field = (*path, "name")
        _limit(entry.name, LONGEST_NAME, field)
        refuse_header_break(entry.name, field)
        refuse_card_number(entry.name, field)


def _check_locale(entry: UpsertCustomerInput, path: tuple[str, ...]) -> None:
    if entry.locale:
        check_locale(entry.locale, (*path, "locale"))


def _check_time_zone(entry: UpsertCustomerInput, path: tuple[str, ...]) -> None:
    if entry.time_zone:
        check_time_zone(entry.time_zone, (*path, "timeZone"))


def _limit(text: str, longest: int, field: tuple[str, ...]) -> None:
    if len(text) > longest:
        raise Refusal(RefusalCode.TOO_LONG, f"At most {longest} characters.", field)


def _check_addresses(
    given: list[str], path: tuple[str, ...], deployment: Deployment, refusals: list[Refusal]
) -> tuple[str, ...]:
    if len(given) > MAX_ADDRESSES:
        refusals.append(Refusal(RefusalCode.TOO_MANY, f"At most {MAX_ADDRESSES} addresses.", (*path, "addresses")))
        return ()
    found: list[str] = []
    for number, text in enumerate(given):
        field = (*path, "addresses", str(number))
        try:
            address = parse_address(text, allow_reserved=deployment.settings.allow_reserved_domains, field=field).text
            if address in found:
                raise Refusal(RefusalCode.CONFLICT, "This address is in the list twice.", field)
            found.append(address)
        except Refusal as refusal:
            refusals.append(refusal)
    return tuple(found)


def _refuse_repeats(entries: list[UpsertCustomerInput], refusals: list[Refusal]) -> None:
    counts = Counter(entry.external_ref for entry in entries)
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        if counts[entry.external_ref] > 1 and entry.external_ref in seen:
            field = ("customers", str(number), "externalRef")
            refusals.append(Refusal(RefusalCode.CONFLICT, "This externalRef is in the call twice.", field))
        seen.add(entry.external_ref)


async def _write(context: Context, checked: list[_Checked]) -> tuple[list[Record], set[bytes]]:
    """Write everything; returns the customers, and the keys of the addresses that are suppressed."""
    entries = [one.entry for one in checked]
    async with context.pools.writing_connection() as connection, connection.transaction():
        rows = [
            row
            async for row in QUERIES.upsert_customers(
                connection,
                external_refs=[entry.external_ref for entry in entries],
                names=[tidy_name(entry.name or "") or None for entry in entries],
                locales=[entry.locale or None for entry in entries],
                time_zones=[entry.time_zone or None for entry in entries],
                keeps_name=[entry.external_ref for entry in entries if entry.name is strawberry.UNSET],
                keeps_locale=[entry.external_ref for entry in entries if entry.locale is strawberry.UNSET],
                keeps_time_zone=[entry.external_ref for entry in entries if entry.time_zone is strawberry.UNSET],
            )
        ]
        ids = {row["external_ref"]: row["id"] for row in rows}
        keys = await _replace_addresses(connection, context.deployment, ids, checked)
        return rows, await suppressed_among(connection, keys)


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
