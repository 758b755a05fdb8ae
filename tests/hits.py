"""Hits in tests: a browser, a message to hit, a hit as it comes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.mail.hit import HitKind
from gateway.mail.message import MessageRef
from gateway.tracking.raw_hit import RawHit, new_hit_id
from tests.builders import make_customer, make_message

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
START = datetime(2026, 11, 23, 13, tzinfo=UTC)
"""An hour after the builders' messages were accepted."""


async def make_ref(connection: Any, **values: Any) -> MessageRef:
    customer = await make_customer(connection)
    # As old as what the builders say: a message's id is its age
    made = await connection.fetchval("select uuidv7($1 - now())", START - timedelta(hours=1))
    usual = {"status": "ACCEPTED", "id": made}
    return MessageRef(customer_id=customer, message_id=await make_message(connection, customer, **(usual | values)))


def raw(ref: MessageRef, **values: Any) -> RawHit:
    now = time.time()
    usual: dict[str, Any] = {"kind": HitKind.CLICK, "link": 1, "url": "https://shop.example/", "agent": CHROME}
    return RawHit(id=new_hit_id(now), ref=ref, at=now, **(usual | values))


async def hit(connection: Any, ref: MessageRef, seconds: float, *, link: int | None = None, **values: Any) -> None:
    """A hit, `seconds` after START: a click when it has a link."""
    row = {"agent": CHROME, "origin": "ann"} | values
    await connection.execute(
        "insert into hit (customer_id, message_id, kind, occurred_at, link, url, agent, origin, head, prefetch,"
        " honeypot, id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, uuidv7($4 - now()))",
        ref.customer_id,
        ref.message_id,
        "OPEN" if link is None else "CLICK",
        START + timedelta(seconds=seconds),
        link,
        None if link is None else f"https://shop.example/{link}",
        row["agent"],
        row["origin"],
        row.get("head", False),
        row.get("prefetch", False),
        row.get("honeypot", False),
    )
