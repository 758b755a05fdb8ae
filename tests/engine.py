"""The delivery engine in tests: workers on the test's own servers, mail for them, and waiting for outcomes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.delivery.schedule import default_schedule
from gateway.delivery.worker import Worker
from gateway.deployment import Deployment
from gateway.mail.letter import CardLetter, CardMailKind, Money
from gateway.mail.message import MessageRef
from gateway.outbox.claim import Claimed
from gateway.outbox.enqueue import SendRequest, enqueue
from gateway.settings import Settings, parse_relay
from gateway.smtp.relays import Relays, Timeouts
from gateway.templates import versions
from gateway.worker_process import background_jobs
from tests.builders import make_customer
from tests.eventually import eventually
from tests.smtp_server import Reply, SmtpServer

SHORT_WAIT = timedelta(milliseconds=50)
NO_SKEW = timedelta()
PATIENCE_SECONDS = 60.0
CARD = CardLetter(kind=CardMailKind.CHARGE, amount=Money(amount=Decimal("12.50"), currency="USD"))

Start = Callable[..., Worker]


def claimed(**values: Any) -> Claimed:
    """A leased row that is in no database."""
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
    """Settings, keys and the like, for the gateway's functions; the built-in templates are published."""
    await versions.publish_builtins(connection)
    return Deployment.open(settings)


@pytest.fixture
async def start(settings: Settings, pool: asyncpg.Pool[Any]) -> AsyncIterator[Start]:
    """Returns a function that starts workers in this process; they are drained at the end."""
    running: list[tuple[Worker, asyncio.Task[None]]] = []

    def begin(
        own: Settings | None = None,
        *,
        own_pool: Any = None,
        signer: Any = None,
        timeouts: Timeouts | None = None,
        clock_skew: timedelta = NO_SKEW,
        **schedule: Any,
    ) -> Worker:
        chosen = Deployment.open(own or settings)
        relays = Relays(
            chosen.settings.relay_url,
            hostname="gateway.example",
            timeouts=timeouts or Timeouts(),
            on_trouble=lambda exchange: worker.note_relay_failure(exchange),
            clock=lambda: datetime.now(UTC) + clock_skew,
        )
        worker = Worker(
            chosen,
            own_pool or pool,
            relays,
            signer=signer,
            schedule=replace(default_schedule(lambda: 0.0), **schedule),
            jobs=background_jobs(chosen),
            jitter=lambda: 0.0,
            wall=lambda: time.time() + clock_skew.total_seconds(),
        )
        running.append((worker, asyncio.create_task(worker.run())))
        return worker

    yield begin
    for worker, task in running:
        worker.stop()
        await asyncio.wait_for(task, PATIENCE_SECONDS)


async def queue_mail(
    connection: Any, deployment: Deployment, address: str = "ann@customer.example", **values: Any
) -> MessageRef:
    """Queues one letter, to a new customer unless `customer_id` is given."""
    customer_id = values.pop("customer_id", None) or await make_customer(connection, addresses=[address])
    usual: dict[str, Any] = {"letter": CARD, "idempotency_key": uuid4().hex, "actor": "tests"}
    return (await enqueue(connection, SendRequest(customer_id=customer_id, **(usual | values)), deployment)).ref


def refuse_login(smtp_server: SmtpServer, settings: Settings) -> Settings:
    """Has the server refuse our login; returns the settings with that login."""
    smtp_server.logins = {"user": "right"}
    smtp_server.script(auth=Reply(535, "5.7.8 Authentication credentials invalid"))
    url = smtp_server.url.replace("smtp://", "smtp://user:wrong@")
    return settings.model_copy(update={"relay_url": (parse_relay(url),)})


async def state_of(connection: Any, ref: MessageRef) -> Any:
    """Returns the message with `state`: its outbox row's status while there is one, else its own."""
    return await connection.fetchrow(
        "select m.*, s.status::text as state, s.due_at, s.next_attempt from message m"
        " join message_state s using (customer_id, id) where m.customer_id = $1 and m.id = $2",
        ref.customer_id,
        ref.message_id,
    )


async def until(connection: Any, ref: MessageRef, *states: str) -> Any:
    """Waits until the message is in one of these states; returns it."""

    async def check() -> Any:
        row = await state_of(connection, ref)
        return row if row["state"] in states else None

    return await eventually(check, " or ".join(states))


async def empty(connection: Any) -> None:
    """Waits until the outbox is empty."""

    async def check() -> bool:
        return not await connection.fetchval("select count(*) from outbox")

    await eventually(check, "an empty outbox")


async def attempts_of(connection: Any, ref: MessageRef) -> list[Any]:
    """Returns every attempt for a message, in order."""
    return list(await connection.fetch("select * from attempt where message_id = $1 order by number", ref.message_id))
