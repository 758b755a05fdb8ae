"""Mail for bulk actions, previews as the service makes them, and what must hold afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from gateway.deployment import Deployment
from gateway.mail.action_tokens import BulkMessageAction
from gateway.mail.message import MessageRef
from gateway.outbox import bulk_actions
from gateway.outbox.bulk_actions import BulkOrder, BulkResult
from tests.builders import (
    make_customer,
    make_message,
    make_outbox,
    make_sender_version,
    make_template_version,
    troubles_amiss,
)


async def mails(connection: Any, statuses: Sequence[str]) -> list[MessageRef]:
    """A mail in each of these states, each of a customer of its own; what is QUEUED is in the queue."""
    versions = {
        "template_version_id": await make_template_version(connection, source_type="WORK_ORDER"),
        "sender_version_id": await make_sender_version(connection),
    }
    refs = []
    for number, status in enumerate(statuses):
        address = f"c{number}@customer.example"
        customer = await make_customer(connection, addresses=[address])
        cause = None if status in ("QUEUED", "ACCEPTED") else "UNKNOWN"
        message = await make_message(connection, customer, status=status, cause=cause, recipient=address, **versions)
        if status == "QUEUED":
            await make_outbox(connection, customer, message, address=address)
        refs.append(MessageRef(customer_id=customer, message_id=message))
    return refs


async def preview(
    connection: Any, deployment: Deployment, refs: Sequence[MessageRef], action: BulkMessageAction
) -> BulkOrder:
    """What the service orders after a preview of these messages, when all of them still match."""
    shown_at = await bulk_actions.preview_time(connection)
    judged = await bulk_actions.judge(connection, refs, action, deployment)
    allowed = [one.shown for one in judged if one.stays is None]
    return BulkOrder(
        token_sha256=sha256(uuid4().bytes).digest(), action=action, actor="Dana", shown_at=shown_at,
        shown=len(allowed), messages=allowed,
    )  # fmt: skip


async def act(connection: Any, deployment: Deployment, order: BulkOrder, *, batch: int = 1000) -> BulkResult:
    """Does it, as the service does."""
    await bulk_actions.write_down(connection, order)
    return await bulk_actions.carry_out(connection, deployment, order.token_sha256, batch=batch)


async def carry_on(connection: Any, deployment: Deployment) -> None:
    """Ends what was cut off, as a worker does."""
    while await bulk_actions.carry_on(connection, deployment, left_alone=timedelta()) is not None:
        pass


async def statuses(connection: Any, refs: Sequence[MessageRef]) -> list[str]:
    """What the messages are now."""
    rows = await connection.fetch("select id, status::text from message")
    found = {row["id"]: row["status"] for row in rows}
    return [found[ref.message_id] for ref in refs]


async def events(connection: Any) -> Counter[tuple[str, str]]:
    """How many events of which kind by whom; and whether any message has two of a kind."""
    twice = "select message_id, kind from event group by 1, 2 having count(*) > 1"
    assert await connection.fetch(twice) == []
    rows = await connection.fetch("select kind::text, actor, count(*) as n from event group by 1, 2")
    return Counter({(row["kind"], row["actor"]): row["n"] for row in rows})


async def amiss(connection: Any) -> list[Any]:
    """What is queued without a row in the queue or has one and is not; troubles that a recount does not give; bulk
    actions that are not over, or keep messages though they are."""
    queue = (
        "select m.id from message m left join outbox o on o.customer_id = m.customer_id and o.message_id = m.id"
        " where (m.status = 'QUEUED') <> (o.message_id is not null)"
    )
    over = "select id from bulk_action where finished_at is null or message_ids <> '{}' or customer_ids <> '{}'"
    return [*await connection.fetch(queue), *await troubles_amiss(connection), *await connection.fetch(over)]
