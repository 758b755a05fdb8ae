"""Makes messages of a mailing's frozen audience, batch by batch, as many as the queue takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from gateway.compose import headers, sender_profiles
from gateway.compose.campaign import render_subject
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.address import RESERVED_NAMES, domain_of
from gateway.mail.customer_values import AttributeValue, attribute_fields
from gateway.mail.keys import Purpose
from gateway.mail.message import Status
from gateway.mail.source import SourceType
from gateway.mail.verdict import Cause
from gateway.notify.changes import ChangeKind, notify_customers
from gateway.outbox.outcomes import WRONG_RELAY, Undelivered
from gateway.outbox.put_off import Work, put_off_if_it_fails
from gateway.templates import versions
from gateway.templates.versions import CompiledTemplate
from gateway.value import value

BATCH = 5000
"""Recipients a batch: 26,000 messages a second were made so; batches of 500 reach 0.6 of that."""
LOOK_AHEAD = 25_000
"""Rows a mailing may have waiting: seconds of sending, so that queue time and send time stay close together, and a
cancel has few to cancel."""
AHEAD = timedelta(minutes=1)
"""How long before it is due a message is made, for the same reason."""

_NO_ADDRESS = Undelivered(
    status=Status.HELD,
    cause=Cause.BAD_ADDRESS,
    advice="The customer has no address any more. Add one to the customer, and send this to it.",
)
_RESERVED = Undelivered(
    status=Status.HELD,
    cause=Cause.BAD_ADDRESS,
    advice="Nobody can have this address: its name is reserved. Correct the address, and this goes to the right one.",
)
_VALUE_GONE = Undelivered(
    status=Status.HELD,
    cause=Cause.OUR_CONFIGURATION,
    advice=(
        "The customer lost a value that the template needs before this was made. Give it the value, and mail it by "
        "another campaign."
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningMailing:
    """A running mailing, and the last recipient who has a message: `expanded_due` and `expanded_to`."""

    id: int
    campaign_id: UUID
    kind: str
    template_version_id: UUID
    subject: str | None
    sender_version_id: UUID
    merge_data: Mapping[str, str]
    tracked: bool
    expanded_due: datetime
    expanded_to: int
    bound_relay: str | None
    lane_id: int


@value
class Recipient:
    """One customer of a mailing, with the address that the mail goes to, None once erased, and those of its values
    that the template shows."""

    due_at: datetime
    customer_id: int
    occurrence: str
    address: str | None
    address_key: bytes | None
    merge_data: Mapping[str, str]
    name: str | None
    attributes: Mapping[str, AttributeValue] | None


async def make_messages(
    connection: Connection, deployment: Deployment, *, batch: int = BATCH, look_ahead: int = LOOK_AHEAD
) -> int | None:
    """Make the next batch of some running mailing that may have more mail waiting; one transaction, resumable.

    Returns how many messages were made; None when there was nothing to make. Who was suppressed or opted out since the
    audience was frozen is held when the mail is handed off.
    """
    async with put_off_if_it_fails(connection, Work.MAILING) as taken:
        row = await QUERIES.mailing_to_make(connection, look_ahead=look_ahead, ahead=AHEAD)
        if row is None:
            return None
        taken.id = row["id"]
        mailing = RunningMailing(**row)
        version = versions.with_subject(await versions.load(connection, mailing.template_version_id), mailing.subject)
        rows = QUERIES.recipients_batch(
            connection,
            mailing_id=mailing.id,
            after_due=mailing.expanded_due,
            after=mailing.expanded_to,
            ahead=AHEAD,
            batch=batch,
            attributes=list(version.attributes),
        )
        recipients = [Recipient(**row) async for row in rows]
        await make(connection, mailing, version, recipients, deployment)
        last = recipients[-1]
        await QUERIES.advance_mailing(
            connection,
            mailing_id=mailing.id,
            due_at=last.due_at,
            customer_id=last.customer_id,
            made=len(recipients),
        )
    return len(recipients)


async def make(
    connection: Connection,
    mailing: RunningMailing,
    version: CompiledTemplate,
    recipients: Sequence[Recipient],
    deployment: Deployment,
) -> None:
    """Write the messages of these recipients, in the caller's transaction."""
    profile = await sender_profiles.load(connection, mailing.sender_version_id)
    held = [_held(recipient, mailing.bound_relay, version, deployment) for recipient in recipients]
    shown = [attribute_fields(recipient.attributes or {}) for recipient in recipients]
    await QUERIES.make_campaign_messages(
        connection,
        mailing_id=mailing.id,
        campaign_id=mailing.campaign_id,
        kind=mailing.kind,
        template_version_id=mailing.template_version_id,
        sender_version_id=mailing.sender_version_id,
        lane_id=mailing.lane_id,
        sender=profile.mailbox,
        composer_version=headers.COMPOSER_VERSION,
        token_key_id=deployment.keyring.sign_key(Purpose.OPEN)[0],
        tracked=mailing.tracked,
        bound_relay=mailing.bound_relay,
        deadline=deployment.settings.campaign_deadline,
        retry_once=SourceType.CAMPAIGN in deployment.settings.retry_once,
        due_ats=[recipient.due_at for recipient in recipients],
        customer_ids=[recipient.customer_id for recipient in recipients],
        occurrences=[recipient.occurrence for recipient in recipients],
        addresses=[recipient.address or "" for recipient in recipients],
        address_keys=[one.address_key or deployment.key_of(one.address or "") for one in recipients],
        domains=[domain_of(recipient.address or "") for recipient in recipients],
        subjects=_subjects(mailing, version, recipients, shown),
        held_causes=[why.cause if why else None for why in held],
        held_advices=[why.advice if why else None for why in held],
        customer_values=[orjson.dumps(values).decode() for values in shown] if version.attributes else [],
    )
    await notify_customers(connection, ChangeKind.MESSAGE, [recipient.customer_id for recipient in recipients])


def _subjects(
    mailing: RunningMailing,
    version: CompiledTemplate,
    recipients: Sequence[Recipient],
    shown: Sequence[Mapping[str, str]],
) -> list[str]:
    """The subject of each, with the customers' values that are `shown`; what one lacks stands for nothing."""
    common = {**attribute_fields(dict.fromkeys(version.required_attributes, "")), **mailing.merge_data}
    return [
        render_subject(version, {**common, **one.merge_data, **values}, customer_name=one.name)
        for one, values in zip(recipients, shown, strict=True)
    ]


def _held(
    recipient: Recipient, bound_relay: str | None, version: CompiledTemplate, deployment: Deployment
) -> Undelivered | None:
    """Why a recipient's message is made but not sent, if it is not."""
    if recipient.address is None:
        return _NO_ADDRESS
    if version.required_attributes and not set(version.required_attributes).issubset(recipient.attributes or ()):
        return _VALUE_GONE
    if bound_relay is not None and bound_relay not in deployment.relay_names:
        return WRONG_RELAY
    top_level = recipient.address.rpartition(".")[2].lower()
    if not deployment.settings.allow_reserved_domains and top_level in RESERVED_NAMES:
        return _RESERVED  # the draft is from when they were allowed
    return None
