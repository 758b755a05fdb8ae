"""Campaign drafts: an order is checked as a whole and written with its audience."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from gateway.campaigns.lifecycle import refuse_without_footer
from gateway.compose import sender_profiles
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.address import RESERVED_NAMES, parse_address, with_a_labels
from gateway.mail.campaign import CampaignKind
from gateway.mail.card_number import refuse_card_number
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.merge_data import read_merge_data
from gateway.mail.names import tidy_name
from gateway.outbox.idempotency import check_key, digest_of, first_result, idempotency_conflict, remember_campaign
from gateway.templates import versions
from gateway.templates.card_numbers import field_runs, refuse_card_number_across_fields, weight_of

LARGEST_AUDIENCE = 10_000
"""Recipients of one createCampaign: with their merge data they fit a request."""
MAX_FIELDS_AT_ONCE = 1000
"""Fields filled in, to look for card numbers, before other tasks may run: some ten milliseconds."""
MAX_RECIPIENTS_AT_ONCE = 100
"""Recipients checked before other tasks may run, however few their fields."""
_NO_NULLS: Mapping[int, frozenset[str]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignRecipient:
    """One customer of an audience; `address` must be one of the customer's, None means the primary one."""

    customer_id: int
    address: str | None = None
    merge_data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignOrder:
    """A campaign to an explicit audience; priority 1 goes before 7."""

    title: str
    template_id: UUID
    recipients: tuple[CampaignRecipient, ...]
    idempotency_key: str
    kind: CampaignKind = CampaignKind.MARKETING
    priority: int = 4
    sender_id: UUID | None = None
    merge_data: Mapping[str, Any] = field(default_factory=dict)
    tracked: bool = True
    bound_relay: str | None = None

    @property
    def merge_keys(self) -> frozenset[str]:
        """The names of all values, the campaign's and its recipients'."""
        return frozenset(self.merge_data).union(*(recipient.merge_data for recipient in self.recipients))


async def create(connection: Connection, order: CampaignOrder, deployment: Deployment) -> UUID:
    """Write a draft and its audience in one transaction; returns its id, the first one's when the key is known.

    Raises Refusal, or Refusals of the whole input, having written nothing: INVALID, REQUIRED, TOO_LONG, TOO_MANY, and,
    where these are right, NOT_FOUND, ERASED, ADDRESS_INVALID, ADDRESS_RESERVED, MERGE_FIELD_MISSING (its path names the
    field), CARD_NUMBER, HEADER_INJECTION, UNSUBSCRIBE_MISSING, POSTAL_ADDRESS_MISSING, IDEMPOTENCY_CONFLICT.
    """
    campaign_data, recipient_data = _check(order)
    digest = _digest(order, campaign_data, recipient_data)
    async with connection.transaction():
        first = await first_result(connection, order.idempotency_key, digest)
        if first is not None:
            return _first_campaign(first)
        version = await _newest_version(connection, order.template_id)
        profile = await sender_profiles.current(
            connection, order.sender_id, default_from=deployment.settings.default_from
        )
        found = RefusalCollector()
        with found.check():
            refuse_without_footer(version, profile.postal_address, template=("templateId",), sender=("senderId",))
        with found.check():
            await check_audience_data(version, campaign_data, recipient_data, nulls=_nulls(order))
        await _check_recipients(connection, order, deployment, found)
        found.raise_any()
        campaign_id = await _insert(connection, order, version.id, profile.id, campaign_data, recipient_data)
        await remember_campaign(connection, order.idempotency_key, digest, campaign_id)
    return campaign_id


def _check(order: CampaignOrder) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Returns the merge data of the campaign and of its recipients. Raises Refusal or Refusals."""
    found = RefusalCollector()
    with found.check():
        check_key(order.idempotency_key)
    with found.check():
        _check_title(order.title)
    with found.check():
        if not 1 <= order.priority <= 7:
            raise Refusal(RefusalCode.INVALID, "A priority is 1 (first) to 7.", ("priority",))
    with found.check():
        _check_audience(order.recipients)
    with found.check():
        campaign_data = read_merge_data(order.merge_data, ("mergeData",))
    recipient_data = []
    for place, recipient in enumerate(order.recipients[:LARGEST_AUDIENCE]):
        if found.full:
            break
        with found.check():
            recipient_data.append(read_merge_data(recipient.merge_data, ("recipients", str(place), "mergeData")))
    found.raise_any()
    return campaign_data, recipient_data


def _check_title(title: str) -> None:
    refuse_header_break(title, ("title",))
    refuse_card_number(title, ("title",))
    if not tidy_name(title):
        raise Refusal(RefusalCode.REQUIRED, "A campaign has a title.", ("title",))
    if len(title) > 255:
        raise Refusal(RefusalCode.TOO_LONG, "A title has at most 255 characters.", ("title",))


def _check_audience(recipients: Sequence[CampaignRecipient]) -> None:
    if not recipients:
        raise Refusal(RefusalCode.REQUIRED, "A campaign has at least one recipient.", ("recipients",))
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


def _digest(
    order: CampaignOrder, campaign_data: Mapping[str, str], recipient_data: Sequence[Mapping[str, str]]
) -> bytes:
    return digest_of(
        {
            "campaign": [order.title, order.kind, order.priority, str(order.template_id), str(order.sender_id)],
            "merge_data": campaign_data,
            "tracked": order.tracked,
            "recipients": [
                [recipient.customer_id, recipient.address, data]
                for recipient, data in zip(order.recipients, recipient_data, strict=True)
            ],
        }
    )


def _first_campaign(row: Any) -> UUID:
    """The campaign that this key's first call made. Raises Refusal when it made something else."""
    if row["campaign_id"] is None:
        raise idempotency_conflict()
    return UUID(str(row["campaign_id"]))


async def _newest_version(connection: Connection, template_id: UUID) -> versions.CompiledTemplate:
    version_id = await QUERIES.newest_template_version(connection, template_id=template_id)
    if version_id is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such template.", ("templateId",))
    return await versions.load(connection, version_id)


def _nulls(order: CampaignOrder) -> dict[int, frozenset[str]]:
    """Which values are null, by the recipient's place; recipients without one are left out."""
    return {
        place: frozenset(name for name, value in recipient.merge_data.items() if value is None)
        for place, recipient in enumerate(order.recipients)
        if None in recipient.merge_data.values()
    }


async def check_audience_data(
    version: versions.CompiledTemplate,
    campaign_data: Mapping[str, str],
    recipient_data: Sequence[Mapping[str, str]],
    *,
    nulls: Mapping[int, frozenset[str]] = _NO_NULLS,
) -> None:
    """Refuse values that cannot be mailed, letting other tasks run in between: ten thousand recipients take a while,
    longest with versions that were published before templates had limits.

    `nulls` are values that a recipient shall not have, by its place: where the field has no default, the campaign's
    does not stand in for it. Raises Refusal or Refusals: MERGE_FIELD_MISSING, HEADER_INJECTION, CARD_NUMBER.
    """
    runs = await asyncio.to_thread(field_runs, version.merge) if version.merge else ()
    at_once = max(1, min(MAX_RECIPIENTS_AT_ONCE, MAX_FIELDS_AT_ONCE // (weight_of(runs) or 1)))
    found = RefusalCollector()
    for place, data in enumerate(recipient_data):
        if found.full:
            break
        if place % at_once == 0:
            await asyncio.sleep(0)
        path = ("recipients", str(place), "mergeData")
        values = {**campaign_data, **data}
        for name in nulls.get(place, frozenset()).intersection(version.required):
            values.pop(name, None)
        with found.check():
            versions.check_merge_data(version, values, path)
            refuse_card_number_across_fields(runs, values, path)
    found.raise_any()


async def _check_recipients(
    connection: Connection, order: CampaignOrder, deployment: Deployment, found: RefusalCollector
) -> None:
    """Every customer exists, is not erased, and has the address that the mail goes to; reserved names are refused."""
    allow_reserved = deployment.settings.allow_reserved_domains
    async for row in QUERIES.audience_faults(
        connection,
        positions=list(range(len(order.recipients))),
        customer_ids=[recipient.customer_id for recipient in order.recipients],
        addresses=_addresses(order),
        reserved_names=[] if allow_reserved else sorted(RESERVED_NAMES),
        faults=RefusalCollector.MAX,
    ):
        with found.check():
            _refuse_recipient(row, allow_reserved)


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


def _addresses(order: CampaignOrder) -> list[str | None]:
    return [None if one.address is None else with_a_labels(one.address) for one in order.recipients]


async def _insert(
    connection: Connection,
    order: CampaignOrder,
    version_id: UUID,
    sender_version_id: UUID,
    campaign_data: Mapping[str, str],
    recipient_data: Sequence[Mapping[str, str]],
) -> UUID:
    campaign_id = await QUERIES.insert_campaign(
        connection,
        title=tidy_name(order.title),
        kind=order.kind,
        priority=order.priority,
        sender_version_id=sender_version_id,
        merge_data=campaign_data,
        tracked=order.tracked,
        bound_relay=order.bound_relay,
    )
    await QUERIES.insert_mailing(
        connection, campaign_id=campaign_id, number=1, template_version_id=version_id, merge_data=campaign_data
    )
    await QUERIES.insert_campaign_customers(
        connection,
        campaign_id=campaign_id,
        positions=list(range(1, len(order.recipients) + 1)),
        customer_ids=[recipient.customer_id for recipient in order.recipients],
        addresses=_addresses(order),
        merge_data=[orjson.dumps(data).decode() for data in recipient_data],
    )
    return UUID(str(campaign_id))
