"""Event-based campaigns: something happened to one customer, and the campaign's mailings follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from gateway.campaigns.expansion import AHEAD, Recipient, RunningMailing, make
from gateway.campaigns.schedules import known_zone
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.address import parse_address, with_a_labels
from gateway.mail.campaign import CampaignKind, CampaignStatus, EventRepeat
from gateway.mail.card_number import refuse_card_number
from gateway.mail.field_checks import check_length
from gateway.mail.header_guard import refuse_header_break, refuse_unwritable
from gateway.mail.mailing_schedule import MailingSchedule, due_in, first_due
from gateway.mail.merge_data import read_merge_data
from gateway.outbox.idempotency import check_key, digest_of, first_result, remember_campaign
from gateway.outbox.put_off import Work, put_off_if_it_fails
from gateway.templates import versions
from gateway.templates.card_numbers import field_runs, refuse_card_number_across_fields

BATCH = 500
"""Events whose messages are made in one transaction: individual ones, each soon after it is told."""
LONGEST_EVENT = 255
"""Characters of what happened: a line in the history."""
_FOR_EVER = "ever"
"""The occurrence of what a customer is mailed for once."""
_UNDER_WAY = (CampaignStatus.RUNNING, CampaignStatus.PAUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignTrigger:
    """What happened to one customer; `address` must be one of the customer's, None means the primary one. `data` goes
    before the campaign's values."""

    campaign_id: UUID
    customer_id: int
    event: str
    idempotency_key: str
    address: str | None = None
    data: object = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Triggered:
    """Which recipient of a campaign an event made: its first mailing, the customer, and the time within which there is
    no other."""

    mailing_id: int
    customer_id: int
    occurrence: str


async def trigger(connection: Connection, given: CampaignTrigger, actor: str, deployment: Deployment) -> Triggered:
    """Write down an event and who gets which mailing for it, and when; workers make the messages. Notify them after the
    commit. A known key returns the first result. A paused campaign takes events, too: their mail waits.

    Raises Refusal, or Refusals of the whole input, having written nothing: REQUIRED, TOO_LONG, INVALID, NOT_FOUND,
    ILLEGAL_STATE, ERASED, ADDRESS_INVALID, ADDRESS_RESERVED, OPTED_OUT, SUPPRESSED, MERGE_FIELD_MISSING, CARD_NUMBER,
    HEADER_INJECTION, TOO_OFTEN, IDEMPOTENCY_CONFLICT.
    """
    found = RefusalCollector()
    campaign: Any = None
    customer: Any = None
    data = _check(given, found)
    about = [str(given.campaign_id), given.customer_id, given.address, given.event]
    digest = digest_of({"trigger": about, "data": data}) if found.is_empty else b""
    async with connection.transaction():
        if found.is_empty and await first_result(connection, given.idempotency_key, digest) is not None:
            before = await QUERIES.triggered_before(connection, key=given.idempotency_key)
            return Triggered(**before)
        with found.check():
            campaign = await _campaign(connection, given.campaign_id)
        with found.check():
            if ("address",) not in {refusal.field for refusal in found.refusals}:  # else it cannot be looked up
                customer = await _customer(connection, given, deployment)
        found.raise_any()
        mailings = [row async for row in QUERIES.mailings_to_trigger(connection, campaign_id=given.campaign_id)]
        if not mailings:
            raise Refusal(RefusalCode.ILLEGAL_STATE, "Every mailing of this campaign was called off.", ("campaignId",))
        await _check_values(connection, mailings, customer, data)
        now: datetime = await QUERIES.database_time(connection)
        zone = known_zone(customer["time_zone"], campaign["time_zone"])
        occurrence = _FOR_EVER if campaign["repeat"] == EventRepeat.ONCE else now.astimezone(zone).date().isoformat()
        await _insert(connection, given, occurrence, actor)
        await QUERIES.insert_triggered_recipients(
            connection,
            customer_id=given.customer_id,
            occurrence=occurrence,
            address=customer["address"],
            address_key=customer["address_key"],
            merge_data=data,
            mailing_ids=[row["id"] for row in mailings],
            due_ats=[_due(row, now, zone) for row in mailings],
        )
        await remember_campaign(connection, given.idempotency_key, digest, given.campaign_id)
    return Triggered(mailing_id=mailings[0]["id"], customer_id=given.customer_id, occurrence=occurrence)


def _check(given: CampaignTrigger, found: RefusalCollector) -> dict[str, str]:
    """Returns the event's values; what is wrong in itself is `found`."""
    data = dict[str, str]()
    with found.check():
        check_key(given.idempotency_key)
    with found.check():
        if not given.event.strip():
            raise Refusal(RefusalCode.REQUIRED, "Say what happened, for the history.", ("event",))
        check_length(given.event, LONGEST_EVENT, ("event",))
        refuse_header_break(given.event, ("event",))
        refuse_card_number(given.event, ("event",))
    with found.check():
        if given.address is not None:
            refuse_unwritable(given.address, ("address",))
    with found.check():
        data = read_merge_data(given.data, ("data",))
    return data


async def _campaign(connection: Connection, campaign_id: UUID) -> Any:
    row = await QUERIES.campaign_to_trigger(connection, campaign_id=campaign_id)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such campaign.", ("campaignId",))
    if row["kind"] != CampaignKind.EVENT_BASED:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "Only an event-based campaign is told of events.", ("campaignId",))
    if row["status"] not in _UNDER_WAY:
        message = f"Only a campaign under way is told of events; this one is {str(row['status']).lower()}."
        raise Refusal(RefusalCode.ILLEGAL_STATE, message, ("campaignId",))
    return row


async def _customer(connection: Connection, given: CampaignTrigger, deployment: Deployment) -> Any:
    """The customer, with the address that the mail goes to. Raises Refusal where nothing can be sent there."""
    address = None if given.address is None else with_a_labels(given.address)
    row = await QUERIES.customer_to_trigger(connection, customer_id=given.customer_id, address=address)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", ("customerId",))
    if row["erased"]:
        raise Refusal(RefusalCode.ERASED, "This customer was erased.", ("customerId",))
    if row["address"] is None:
        message = "The customer does not have this address, or none at all."
        raise Refusal(RefusalCode.ADDRESS_INVALID, message, ("address",))
    parse_address(row["address"], allow_reserved=deployment.settings.allow_reserved_domains, field=("address",))
    if row["opted_out"]:
        message = "The customer, or another with this address, chose not to get event-based campaigns."
        raise Refusal(RefusalCode.OPTED_OUT, message, ("customerId",))
    if row["suppressed"]:
        message = "This address must not be mailed: correct it, or lift its suppression (`liftSuppression`)."
        raise Refusal(RefusalCode.SUPPRESSED, message, ("address",))
    return row


async def _check_values(connection: Connection, mailings: list[Any], customer: Any, data: Mapping[str, str]) -> None:
    """Refuse values that cannot be mailed. Raises Refusal or Refusals."""
    found = RefusalCollector()
    for row in mailings:
        version = versions.with_subject(await versions.load(connection, row["template_version_id"]), row["subject"])
        values = {**row["merge_data"], **data}
        with found.check():
            versions.check_merge_data(version, values, ("data",))
        with found.check():
            refuse_card_number_across_fields(field_runs(version.merge) if version.merge else (), values, ("data",))
        for name in version.required_attributes:
            if name not in customer["attributes"]:
                with found.check():
                    message = f"The template needs the customer's value {name!r}: set it with upsertCustomers."
                    raise Refusal(RefusalCode.MERGE_FIELD_MISSING, message, ("customerId",))
    found.raise_any()


async def _insert(connection: Connection, given: CampaignTrigger, occurrence: str, actor: str) -> None:
    inserted = await QUERIES.insert_trigger(
        connection,
        campaign_id=given.campaign_id,
        customer_id=given.customer_id,
        occurrence=occurrence,
        event=given.event,
        key=given.idempotency_key,
        actor=actor,
    )
    if inserted is None:
        often = "once" if occurrence == _FOR_EVER else "once a day"
        message = f"The campaign mails a customer {often}, and has done so: this event changes nothing."
        raise Refusal(RefusalCode.TOO_OFTEN, message, ("customerId",))


def _due(row: Any, happened_at: datetime, zone: tzinfo) -> datetime:
    """When a mailing follows what happened."""
    schedule = MailingSchedule(
        after_days=row["after_days"], after_minutes=row["after_minutes"], not_before=row["not_before"]
    )
    return due_in(schedule, zone, first_due(schedule, happened_at))


async def make_triggered(connection: Connection, deployment: Deployment, *, batch: int = BATCH) -> int | None:
    """Make the messages of some mailing's events that are due; one transaction, resumable. Returns how many; None when
    there were none."""
    async with put_off_if_it_fails(connection, Work.MAILING) as taken:
        mailing_id = await QUERIES.mailing_with_triggered(connection, ahead=AHEAD)
        if mailing_id is None:
            return None
        taken.id = mailing_id
        await QUERIES.give_lane(connection, mailing_id=mailing_id)
        mailing = RunningMailing(**await QUERIES.running_mailing(connection, mailing_id=mailing_id))
        version = versions.with_subject(await versions.load(connection, mailing.template_version_id), mailing.subject)
        rows = QUERIES.take_triggered(
            connection, mailing_id=mailing_id, ahead=AHEAD, batch=batch, attributes=list(version.attributes)
        )
        recipients = [Recipient(**row) async for row in rows]
        await make(connection, mailing, version, recipients, deployment)
        await QUERIES.insert_triggered_events(
            connection,
            mailing_id=mailing_id,
            customer_ids=[one.customer_id for one in recipients],
            occurrences=[one.occurrence for one in recipients],
        )
    return len(recipients)
