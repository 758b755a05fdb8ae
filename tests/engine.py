"""The engine in a test: a worker on the test's own servers, mail for it, and waiting for what becomes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.__main__ import background_jobs
from gateway.delivery.schedule import default_schedule
from gateway.delivery.worker import Worker
from gateway.deployment import Deployment
from gateway.mail.letter import CardLetter, CardMailKind, Money
from gateway.mail.message import MessageRef
from gateway.outbox.claim import Claimed
from gateway.outbox.enqueue import Order, put
from gateway.settings import Settings
from gateway.smtp.relays import Relays, Timeouts
from gateway.templates import versions
from tests.builders import make_customer

HASTE = timedelta(milliseconds=50)
NOT_OFF = timedelta()
PATIENCE_SECONDS = 20.0
CARD = CardLetter(kind=CardMailKind.CHARGE, amount=Money(amount=Decimal("12.50"), currency="USD"))

Start = Callable[..., Worker]


def claimed(**values: Any) -> Claimed:
    """A leased row of nobody's database."""
    usual: dict[str, Any] = {
        "customer_id": 7,
        "message_id": uuid4(),
        "recipient_no": 0,
        "attempt": 1,
        "owner": uuid4(),
        "lane_id": 1,
        "address": "a@customer.example",
        "domain": "customer.example",
        "bound_relay": None,
        "capped": False,
        "handed_off": False,
        "large": False,
        "facts": None,
    }
    return Claimed(**(usual | values))


@pytest.fixture
async def deployment(settings: Settings, connection: Any) -> Deployment:
    """What doors need; the built-in templates are published."""
    await versions.publish_builtins(connection)
    return Deployment.open(settings)


@pytest.fixture
async def start(settings: Settings, pool: asyncpg.Pool[Any]) -> AsyncIterator[Start]:
    """Starts workers in this process; they are drained at the end."""
    running: list[tuple[Worker, asyncio.Task[None]]] = []

    def begin(
        own: Settings | None = None,
        *,
        own_pool: Any = None,
        signer: Any = None,
        timeouts: Timeouts | None = None,
        clock_off: timedelta = NOT_OFF,
        **schedule: Any,
    ) -> Worker:
        chosen = Deployment.open(own or settings)
        relays = Relays(
            chosen.settings.relay_url,
            hostname="gateway.example",
            timeouts=timeouts or Timeouts(end_of_data=1.0),
            on_trouble=lambda exchange: worker.note_relay_failure(exchange),
            clock=lambda: datetime.now(UTC) + clock_off,
        )
        worker = Worker(
            chosen,
            own_pool or pool,
            relays,
            signer=signer,
            schedule=replace(default_schedule(lambda: 0.0), **schedule),
            jobs=background_jobs(chosen),
            jitter=lambda: 0.0,
            wall=lambda: time.time() + clock_off.total_seconds(),
        )
        running.append((worker, asyncio.create_task(worker.run())))
        return worker

    yield begin
    for worker, task in running:
        worker.stop()
        await asyncio.wait_for(task, PATIENCE_SECONDS)


async def eventually(check: Callable[[], Awaitable[Any]], what: str = "the awaited state") -> Any:
    """The first true answer of `check`, asked again and again; fails after 20 s, saying what it waited for."""
    for _ in range(int(PATIENCE_SECONDS / 0.02)):
        if found := await check():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{what} did not come")


async def queue_mail(
    connection: Any, deployment: Deployment, address: str = "ann@customer.example", **values: Any
) -> MessageRef:
    """One letter to a customer of its own, queued."""
    customer_id = values.pop("customer_id", None) or await make_customer(connection, addresses=[address])
    usual: dict[str, Any] = {"letter": CARD, "idempotency_key": uuid4().hex, "actor": "tests"}
    return (await put(connection, Order(customer_id=customer_id, **(usual | values)), deployment)).ref


async def state_of(connection: Any, ref: MessageRef) -> Any:
    """The message with its state, the outbox row's word first."""
    return await connection.fetchrow(
        "select m.*, s.status::text as state, s.due_at, s.next_attempt from message m"
        " join message_state s using (customer_id, id) where m.customer_id = $1 and m.id = $2",
        ref.customer_id,
        ref.message_id,
    )


async def until(connection: Any, ref: MessageRef, *states: str) -> Any:
    """The message, once it is in one of these states."""

    async def check() -> Any:
        row = await state_of(connection, ref)
        return row if row["state"] in states else None

    return await eventually(check, " or ".join(states))


async def empty(connection: Any) -> None:
    """Wait until nothing is undecided."""

    async def check() -> bool:
        return not await connection.fetchval("select count(*) from outbox")

    await eventually(check, "an empty outbox")


async def attempts_of(connection: Any, ref: MessageRef) -> list[Any]:
    """Every attempt for a message, in order."""
    return list(await connection.fetch("select * from attempt where message_id = $1 order by number", ref.message_id))
