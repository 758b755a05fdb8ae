"""Gateways that are killed, as processes of their own: what they had in hand is settled at once, not a lease later."""

from __future__ import annotations

from collections import Counter
from typing import Any

from gateway.deployment import Deployment
from tests.engine import attempts_of, deployment, queue_mail, state_of, until
from tests.eventually import eventually
from tests.gateways import Gateways, gateways
from tests.smtp_server import Reply, Silence, SmtpServer

__all__ = ["deployment", "gateways"]


async def test_of_a_killed_gateway_only_mail_without_an_answer_is_uncertain_and_the_rest_goes_on(
    connection: Any, deployment: Deployment, gateways: Gateways, smtp_server: SmtpServer
) -> None:
    # Given two workers, each with a mail that the server does not answer, and one pipelined behind it
    smtp_server.script(after_dot=[Silence(), Silence()])
    refs = [await queue_mail(connection, deployment, f"a{n}@customer.example") for n in range(4)]
    await gateways.start(workers=2)
    await smtp_server.received(2)

    async def handed_off() -> bool:
        return int(await connection.fetchval("select count(*) from outbox where handed_off_at is not null")) == 4

    await eventually(handed_off, "two mails a worker")

    # When parent and workers are killed, and a gateway starts again
    await gateways.kill()
    await gateways.start()

    # Then the two are uncertain and the others sent, once
    async def decided() -> bool:
        return not await connection.fetchval("select count(*) from outbox")

    await eventually(decided, "a decision about every mail")
    statuses = Counter([(await state_of(connection, ref))["state"] for ref in refs])
    assert statuses == {"UNCERTAIN": 2, "ACCEPTED": 2}
    assert len({message.recipients for message in smtp_server.messages}) == len(smtp_server.messages) == 4


async def test_an_answer_that_a_killed_worker_could_not_record_is_recorded(
    connection: Any, pool: Any, deployment: Deployment, gateways: Gateways, smtp_server: SmtpServer
) -> None:
    # Given an answer that PostgreSQL does not take yet
    smtp_server.script(after_dot=[Reply(550, "5.7.1 not from you")])
    ref = await queue_mail(connection, deployment)
    async with pool.acquire() as locking, locking.transaction():
        await locking.execute("lock table attempt in exclusive mode")
        await gateways.start()
        await smtp_server.received(1)

        async def waits() -> bool:
            # Other jobs wait for each other, too.
            waiting = "select exists (select from pg_locks where not granted and relation = 'attempt'::regclass)"
            return bool(await connection.fetchval(waiting))

        await eventually(waits, "an outcome that waits for the lock")

        # When its worker is killed, and another starts
        await gateways.kill()
        await gateways.start()

    # Then it is there, once
    assert (await until(connection, ref, "REFUSED"))["cause"]
    [attempt] = await attempts_of(connection, ref)
    assert attempt["response"] == "5.7.1 not from you"
