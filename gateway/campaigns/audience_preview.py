"""Whom a mailing would reach if it went now: the same judgement as when its audience is frozen, written nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from gateway.campaigns import audience
from gateway.campaigns.audience import LAST, AudienceStatement
from gateway.campaigns.counts import CountPrecision
from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.mail.campaign import LeftOutReason

MOST = 100_000
"""Customers judged one by one: a second or two; of a larger audience these are counted, and there are more."""
SECONDS = 5.0
"""For judging them: a person waits for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AudiencePreview:
    """How many a mailing would reach, each address once, and how many it would leave out, by reason, none of zero.

    `precision` is of all these numbers: EXACT, or AT_LEAST where only a part of the audience was judged.
    """

    recipients: int
    left_out: Mapping[LeftOutReason, int]
    precision: CountPrecision


async def audience_preview(
    connection: Connection, mailing_id: int, *, most: int = MOST, seconds: float = SECONDS
) -> AudiencePreview | None:
    """Returns whom a mailing would reach now; None when finding out takes too long. Not within a transaction.

    Raises Refusal(NOT_FOUND).
    """
    row = await QUERIES.audience_of_mailing(connection, mailing_id=mailing_id)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such mailing.", ("mailingId",))
    whom = await audience.load(connection, row["campaign_id"])
    judgement = await audience.judgement(connection, row)
    try:
        async with connection.transaction():
            await QUERIES.limit_evaluation(connection, milliseconds=round(seconds * 1000))
            up_to = await audience.step(connection, whom, after=0, batch=most)
            statement, parameters = AudienceStatement(whom, judgement, after=0, up_to=up_to).preview()
            rows = await connection.fetch(statement, *parameters)
    except asyncpg.QueryCanceledError:
        return None
    return _preview(rows, CountPrecision.EXACT if up_to == LAST else CountPrecision.AT_LEAST)


def _preview(rows: Sequence[Any], precision: CountPrecision) -> AudiencePreview:
    """Of each reason, how many customers there are; of none, how many addresses these have."""
    left_out = {LeftOutReason(row["reason"]): row["customers"] for row in rows if row["reason"] is not None}
    mailed = next((row for row in rows if row["reason"] is None), None)
    recipients = mailed["addresses"] if mailed else 0
    if mailed and mailed["customers"] > recipients:
        left_out[LeftOutReason.DUPLICATE_ADDRESS] = mailed["customers"] - recipients
    return AudiencePreview(recipients=recipients, left_out=left_out, precision=precision)
