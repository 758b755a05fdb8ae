"""Freezes the audience of a mailing that is due, batch by batch: who is mailed, and who is left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.mail.campaign import CampaignKind, MailingStatus
from gateway.templates import versions

BATCH = 5000
"""Customers a batch: one statement of some hundred milliseconds, after which others may have the connection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mailing:
    """A mailing that is due, as far as its audience is frozen: customers up to `frozen_to`."""

    id: int
    campaign_id: UUID
    status: MailingStatus
    template_version_id: UUID
    merge_data: Mapping[str, str]
    due_at: datetime
    frozen_to: int
    kind: CampaignKind
    priority: int


async def freeze(connection: Connection, *, batch: int = BATCH) -> int | None:
    """Freeze the next batch of some mailing that is due; one transaction, resumable. After the last one its messages
    are made. Returns how many customers were dealt with; None when there was nothing to freeze."""
    async with connection.transaction():
        row = await QUERIES.mailing_to_freeze(connection)
        if row is None:
            return None
        mailing = _Mailing(**row)
        if mailing.status == MailingStatus.SCHEDULED:
            await QUERIES.start_freezing(connection, mailing_id=mailing.id)
        version = await versions.load(connection, mailing.template_version_id)
        found = await QUERIES.freeze_batch(
            connection,
            mailing_id=mailing.id,
            campaign_id=mailing.campaign_id,
            kind=mailing.kind,
            due_at=mailing.due_at,
            after=mailing.frozen_to,
            batch=batch,
            required=[name for name in version.required if name not in mailing.merge_data],
            required_attributes=list(version.required_attributes),
        )
        dealt_with = int(found["candidates"])
        if dealt_with < batch:
            await QUERIES.end_freezing(connection, mailing_id=mailing.id, priority=mailing.priority)
    return dealt_with
