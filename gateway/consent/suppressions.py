"""Addresses that must not be mailed."""

from __future__ import annotations

from gateway.consent.queued_mail import MAX_HELD, hold_queued
from gateway.database import QUERIES, Connection
from gateway.mail.choice import SuppressionReason
from gateway.mail.message import MessageRef
from gateway.outbox.outcomes import GATEWAY, HandOff


async def suppress(
    connection: Connection,
    *,
    address_key: bytes,
    reason: SuppressionReason,
    evidence: MessageRef,
    actor: str = GATEWAY,
) -> bool:
    """Suppress an address, by the evidence of one message, and hold what is queued for it. One transaction.

    Returns whether it was not suppressed before.
    """
    async with connection.transaction():
        suppressed = await QUERIES.suppress_address(
            connection,
            address_key=address_key,
            reason=reason,
            actor=actor,
            customer_id=evidence.customer_id,
            message_id=evidence.message_id,
        )
        queued = QUERIES.queued_for_closed_address(
            connection, customer_id=evidence.customer_id, address_key=address_key, limit=MAX_HELD
        )
        await hold_queued(connection, queued, HandOff.SUPPRESSED, actor)
        return suppressed is not None
