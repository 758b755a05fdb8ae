"""Customers whom a campaign names one by one: checked with their values against what its mailings show, and written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector, Refusals
from gateway.mail.address import RESERVED_NAMES, parse_address, with_a_labels
from gateway.mail.merge_data import read_merge_data
from gateway.templates.card_numbers import FieldRun, field_runs, refuse_card_number_across_fields, weight_of
from gateway.templates.versions import CompiledTemplate, check_merge_data

LARGEST_AUDIENCE = 10_000
"""Customers of one call: with their merge data they fit a request. Lists have no such limit."""
MAX_FIELDS_AT_ONCE = 1000
"""Fields filled in, to look for card numbers, before other tasks may run: some ten milliseconds."""
MAX_RECIPIENTS_AT_ONCE = 100
"""Recipients checked before other tasks may run, however few their fields."""
MAX_FIELDS_OF_A_SERIES = 10_000_000
"""Fields filled in for one call with several mailings: as many as one template may need with the largest audience."""

_NO_NULLS: Mapping[int, frozenset[str]] = {}

Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignRecipient:
    """One customer of an audience; `address` must be one of the customer's, None means the primary one."""

    customer_id: int
    address: str | None = None
    merge_data: Mapping[str, Any] = field(default_factory=dict)


# Reading ---------------------------------------------------------------------------------------------------------


def read_recipients(recipients: Sequence[CampaignRecipient], found: RefusalCollector) -> list[Mapping[str, str] | None]:
    """Returns the merge data of each, None where something is wrong with it; what is wrong goes into `found`."""
    with found.check():
        _check_audience(recipients)
    read: list[Mapping[str, str] | None] = []
    for place, recipient in enumerate(recipients[:LARGEST_AUDIENCE]):
        read.append(None)
        if not found.full:
            with found.check():
                read[place] = read_merge_data(recipient.merge_data, ("recipients", str(place), "mergeData"))
    return read


def _check_audience(recipients: Sequence[CampaignRecipient]) -> None:
    if len(recipients) > LARGEST_AUDIENCE:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {LARGEST_AUDIENCE:,} recipients in one call.", ("recipients",))
    found = RefusalCollector()
    seen: set[int] = set()
    for place, recipient in enumerate(recipients):
        if recipient.customer_id in seen:
            with found.check():
                path = ("recipients", str(place), "customerId")
                raise Refusal(RefusalCode.INVALID, "This customer is in the list twice.", path)
        seen.add(recipient.customer_id)
    found.raise_any()


def nulls_of(recipients: Sequence[CampaignRecipient]) -> dict[int, frozenset[str]]:
    """Returns which values are null, by the recipient's place; recipients without one are left out."""
    return {
        place: frozenset(name for name, value in recipient.merge_data.items() if value is None)
        for place, recipient in enumerate(recipients)
        if None in recipient.merge_data.values()
    }


# Values ----------------------------------------------------------------------------------------------------------


async def check_audience_data(
    shown: Sequence[CompiledTemplate],
    campaign_data: Mapping[str, str],
    recipient_data: Sequence[Mapping[str, str] | None],
    *,
    nulls: Mapping[int, frozenset[str]] = _NO_NULLS,
) -> None:
    """Refuse values that cannot be mailed by one of these versions, letting other tasks run in between: ten thousand
    recipients take a while, longest with versions that were published before templates had limits. Data that could not
    be read, None, is left out.

    `nulls` are values that a recipient shall not have, by its place: where a field has no default, the campaign's does
    not stand in for it. Raises Refusal or Refusals: MERGE_FIELD_MISSING, HEADER_INJECTION, CARD_NUMBER, TOO_MANY.
    """
    shown = _different(shown)
    runs = await _runs_of(shown)
    _refuse_too_many(shown, runs, len(recipient_data))
    required = {name for version in shown for name in version.required}
    at_once = max(1, min(MAX_RECIPIENTS_AT_ONCE, MAX_FIELDS_AT_ONCE // (weight_of(runs) or 1)))
    found = RefusalCollector()
    for place, data in enumerate(recipient_data):
        if found.full:
            break
        if place % at_once == 0:
            await asyncio.sleep(0)
        values = {**campaign_data, **(data or {})}
        for name in nulls.get(place, frozenset()).intersection(required):
            values.pop(name, None)
        with found.check():
            if data is not None:
                _check_values(shown, runs, values, ("recipients", str(place), "mergeData"))
    found.raise_any()


async def check_common_values(shown: Sequence[CompiledTemplate], campaign_data: Mapping[str, str]) -> None:
    """Refuse values for all recipients that make a card number with what one of these versions shows. Raises
    Refusal."""
    runs = await _runs_of(_different(shown))
    missing = {name: "" for version in shown for name in version.required}
    refuse_card_number_across_fields(runs, {**missing, **campaign_data}, ("mergeData",))


async def check_stored_values(
    shown: Sequence[CompiledTemplate],
    campaign_data: Mapping[str, str],
    recipient_data: Sequence[Mapping[str, str]],
    path: Path,
) -> None:
    """The same with recipients that the campaign has already: the first one for whom it cannot be mailed is named in
    the refusal, by its place. Raises Refusal."""
    try:
        await check_audience_data(shown, campaign_data, recipient_data)
    except Refusal as refusal:
        raise _at(refusal, path) from None
    except Refusals as several:
        raise _at(several.refusals[0], path) from None


def _at(refusal: Refusal, path: Path) -> Refusal:
    place = f"Recipient {int(refusal.field[1]) + 1} of the campaign: " if len(refusal.field) > 1 else ""
    return Refusal(refusal.code, place + refusal.message, path)


def _different(shown: Sequence[CompiledTemplate]) -> list[CompiledTemplate]:
    return list({id(version): version for version in shown}.values())


async def _runs_of(shown: Sequence[CompiledTemplate]) -> frozenset[FieldRun]:
    runs: set[FieldRun] = set()
    for version in shown:
        if version.merge is not None:
            runs |= await asyncio.to_thread(field_runs, version.merge)
    return frozenset(runs)


def _refuse_too_many(shown: Sequence[CompiledTemplate], runs: frozenset[FieldRun], recipients: int) -> None:
    if len(shown) > 1 and weight_of(runs) * recipients > MAX_FIELDS_OF_A_SERIES:
        message = "Too many recipients for the fields that these templates show: make a list of them."
        raise Refusal(RefusalCode.TOO_MANY, message, ("recipients",))


def _check_values(
    shown: Sequence[CompiledTemplate], runs: frozenset[FieldRun], values: Mapping[str, str], path: Path
) -> None:
    refusals: dict[tuple[RefusalCode, Path], Refusal] = {}
    for version in shown:
        try:
            check_merge_data(version, values, path)
        except Refusal as refusal:
            refusals.setdefault((refusal.code, refusal.field), refusal)
        except Refusals as several:
            for one in several.refusals:
                refusals.setdefault((one.code, one.field), one)
    if refusals:
        raise Refusals(tuple(refusals.values()))
    refuse_card_number_across_fields(runs, values, path)


# In the ledger ---------------------------------------------------------------------------------------------------


async def check_customers(
    connection: Connection, recipients: Sequence[CampaignRecipient], deployment: Deployment
) -> None:
    """Every customer exists, is not erased, and has the address that the mail goes to; reserved names are refused.

    Raises Refusal or Refusals: NOT_FOUND, ERASED, ADDRESS_INVALID, ADDRESS_RESERVED.
    """
    allow_reserved = deployment.settings.allow_reserved_domains
    found = RefusalCollector()
    async for row in QUERIES.audience_faults(
        connection,
        positions=list(range(len(recipients))),
        customer_ids=[recipient.customer_id for recipient in recipients],
        addresses=_addresses(recipients),
        reserved_names=[] if allow_reserved else sorted(RESERVED_NAMES),
        faults=RefusalCollector.MAX,
    ):
        with found.check():
            _refuse_recipient(row, allow_reserved)
    found.raise_any()


def _refuse_recipient(row: Any, allow_reserved: bool) -> None:
    path = ("recipients", str(row["position"]))
    if not row["known"]:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", (*path, "customerId"))
    if row["erased"]:
        raise Refusal(RefusalCode.ERASED, "This customer was erased.", (*path, "customerId"))
    if row["address"] is not None:
        parse_address(row["address"], allow_reserved=allow_reserved, field=(*path, "address"))
    raise Refusal(
        RefusalCode.ADDRESS_INVALID, "The customer does not have this address, or none at all.", (*path, "address")
    )


def _addresses(recipients: Sequence[CampaignRecipient]) -> list[str | None]:
    return [None if one.address is None else with_a_labels(one.address) for one in recipients]


async def insert(
    connection: Connection,
    campaign_id: UUID,
    recipients: Sequence[CampaignRecipient],
    recipient_data: Sequence[Mapping[str, str] | None],
) -> None:
    """Write them, in order."""
    await QUERIES.insert_campaign_customers(
        connection,
        campaign_id=campaign_id,
        positions=list(range(1, len(recipients) + 1)),
        customer_ids=[recipient.customer_id for recipient in recipients],
        addresses=_addresses(recipients),
        merge_data=[orjson.dumps(data or {}).decode() for data in recipient_data],
    )


async def stored_data(connection: Connection, campaign_id: UUID) -> list[Mapping[str, str]]:
    """Returns the merge data of those that a campaign has, in order."""
    return [row["merge_data"] async for row in QUERIES.customers_of_campaign(connection, campaign_id=campaign_id)]
