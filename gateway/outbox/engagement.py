"""What people did with campaign mail: a row a message that anything happened to, and exact counts a mailing.

What classifies hits, writes an opt-out, a complaint or a reply tells it here, in its transaction. Mail of no mailing
costs a look-up by its key. Counting takes the shard of these counts: tell it before anything else that counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.mail.message import MessageRef
from gateway.value import value


class Choice(StrEnum):
    """What a recipient did beside opening and clicking, as the counts name it."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    REPLIED = "replied"


@value
class ClickStep:
    """A click that a classification began to count, or no longer counts, as one not of a machine: `step` 1 or -1."""

    customer_id: int
    message_id: UUID
    hit_id: UUID
    link: int
    step: int


async def note_choice(connection: Connection, ref: MessageRef, choice: Choice) -> None:
    """Count that the recipient of a message did this; a second time changes nothing."""
    done = {name.value: name is choice for name in Choice}
    await QUERIES.engage_by_choice(connection, customer_id=ref.customer_id, message_id=ref.message_id, **done)


async def note_hits(
    connection: Connection, messages: Collection[tuple[int, UUID]], clicks: Iterable[ClickStep]
) -> None:
    """Count anew what the hits of these messages (customer, message) say, after they were classified.

    `clicks` are those that came to count, or ceased to. One caller at a time: the lock of classification.
    """
    keys = sorted(messages)
    rows = QUERIES.engage_by_hits(
        connection, customer_ids=[key[0] for key in keys], message_ids=[key[1] for key in keys]
    )
    mailings = {(row["customer_id"], row["message_id"]): row["mailing_id"] async for row in rows}
    if mailings:
        await _count_clicks(connection, mailings, clicks)


async def _count_clicks(
    connection: Connection, mailings: dict[tuple[int, UUID], int], clicks: Iterable[ClickStep]
) -> None:
    steps: Counter[tuple[int, UUID, int]] = Counter()
    hits: dict[tuple[int, UUID, int], UUID] = {}
    for click in clicks:
        if (click.customer_id, click.message_id) in mailings:
            key = click.customer_id, click.message_id, click.link
            steps[key] += click.step
            hits[key] = click.hit_id
    changed: list[dict[str, Any]] = [
        {
            "mailing_id": mailings[customer, message],
            "customer_id": customer,
            "message_id": message,
            "link": link,
            "hit_id": hits[customer, message, link],
            "step": step,
        }
        for (customer, message, link), step in sorted(steps.items())
        if step
    ]
    if changed:
        await QUERIES.know_links(connection, mailing_ids=sorted({row["mailing_id"] for row in changed}))
        await QUERIES.know_other_links(connection, changed=changed)
        await QUERIES.count_link_clicks(connection, changed=changed)
