"""Freezes the audience of a mailing that is due, batch by batch: who is mailed, and who is left out and why."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.campaigns import audience, schedules
from gateway.campaigns.audience import LAST, AudienceStatement
from gateway.database import QUERIES, Connection
from gateway.mail.campaign import CampaignKind, MailingStatus
from gateway.outbox.put_off import Work, put_off_if_it_fails

BATCH = 5000
"""Customers a batch: one statement of some hundred milliseconds, for which a pause or a cancel may have to wait."""


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
    not_opened_mailing_id: int | None
    due: schedules.DueTimes

    @classmethod
    async def from_row(cls, row: Any) -> _Mailing:
        schedule = schedules.read_schedule(row)
        # In a thread: files of hundreds of zones are read, some tenths of a second when it is done first.
        due = await asyncio.to_thread(schedules.due_times, schedule, row["due_at"], row["sender_zone"])
        return cls(**{name: row[name] for name in cls.__dataclass_fields__ if name != "due"}, due=due)


async def freeze(connection: Connection, *, batch: int = BATCH) -> int | None:
    """Freeze the next batch of some mailing that is due; one transaction, resumable. After the last one its messages
    are made.

    Returns how many customers were dealt with, which may be none in a range of customers where nobody is in a dynamic
    list; None when there was nothing to freeze. Lists count as they are at the moment of each batch.
    """
    async with put_off_if_it_fails(connection, Work.MAILING) as taken:
        row = await QUERIES.mailing_to_freeze(connection, ahead=schedules.FREEZE_AHEAD)
        if row is None:
            return None
        taken.id = row["id"]
        mailing = await _Mailing.from_row(row)
        if mailing.status == MailingStatus.SCHEDULED:
            await QUERIES.start_freezing(connection, mailing_id=mailing.id)
        whom = await audience.load(connection, mailing.campaign_id)
        up_to = await audience.step(connection, whom, after=mailing.frozen_to, batch=batch)
        judgement = await audience.judgement(connection, row)
        if whom.evaluates or judgement.not_opened_mailing_id is not None:
            # The fastest plan depends on what criteria look for, and on how large the other mailing was.
            await QUERIES.limit_evaluation(connection, milliseconds=0)
        statement, parameters = AudienceStatement(whom, judgement, after=mailing.frozen_to, up_to=up_to).freeze(
            mailing.id, mailing.due
        )
        dealt_with = int(await connection.fetchval(statement, *parameters))
        if up_to == LAST:
            await QUERIES.end_freezing(connection, mailing_id=mailing.id, priority=mailing.priority)
    return dealt_with
