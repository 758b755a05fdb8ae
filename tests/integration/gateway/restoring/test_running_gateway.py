"""A gateway that runs while its ledger goes back, as in a failover that loses something, sends no more and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.database import QUERIES, connect, prepare_connection
from gateway.deployment import Deployment
from gateway.settings import Settings
from gateway.templates import versions
from tests.engine import deployment, queue_mail, state_of, until
from tests.eventually import eventually
from tests.gateways import Gateways, gateways
from tests.integration.gateway.restoring.ledgers import go_back, position
from tests.replication import ReplicatedPair, ask, kill, replicated_pair, run_on
from tests.smtp_server import SmtpServer

__all__ = ["deployment", "gateways"]


@pytest.fixture
def pair(run_directory: Path) -> Iterator[ReplicatedPair]:
    """A primary and its asynchronous standby."""
    with replicated_pair(run_directory) as made:
        yield made


async def pass_positions(connection: Any, count: int) -> None:
    """Wait until a gateway has counted so far up."""
    before = (await position(connection)).number

    async def has_run() -> bool:
        return (await position(connection)).number >= before + count

    await eventually(has_run, f"{count} positions")


async def cut_off(pair: ReplicatedPair, connection: Any) -> None:
    """The standby has what was written until now, and hears of nothing more."""
    written = await connection.fetchval("select pg_current_wal_insert_lsn()::text")

    async def has_it() -> bool:
        return bool(await ask(pair.standby, f"select pg_last_wal_replay_lsn() >= '{written}'"))

    async def hears_nothing() -> bool:
        return not await ask(pair.standby, "select count(*) from pg_stat_wal_receiver")

    await eventually(has_it, "a standby that has replayed it")
    await run_on(pair.standby, "alter system set primary_conninfo = ''", "select pg_reload_conf()")
    await eventually(hears_nothing, "a standby that is cut off")


async def test_it_drains_and_says_why(
    connection: Any, deployment: Deployment, gateways: Gateways, smtp_server: SmtpServer
) -> None:
    # Given a gateway that has sent a mail
    await gateways.start()
    await until(connection, await queue_mail(connection, deployment), "ACCEPTED")

    await pass_positions(connection, 2)
    # When its ledger has lost a moment
    await go_back(connection, 2)
    # Then it ends
    [process] = gateways.running
    assert await asyncio.wait_for(process.wait(), 60) == 1
    # And what is queued then stays
    ref = await queue_mail(connection, deployment)
    assert (await state_of(connection, ref))["state"] == "QUEUED"
    assert len(smtp_server.taken) == 1


async def test_a_standby_that_lacks_what_was_sent_is_promoted_and_none_of_it_is_sent_again(
    pair: ReplicatedPair, settings: Settings, gateways: Gateways, smtp_server: SmtpServer
) -> None:
    # Given an asynchronous standby with a mail that waits, which was sent while the standby was cut off
    gateways.environment["DATABASE_URL"] = pair.url
    deployment = Deployment.open(settings.model_copy(update={"database_url": pair.url}))
    connection = await connect(pair.url)
    await prepare_connection(connection)
    await versions.publish_builtins(connection)
    await QUERIES.advance_position(connection, every=timedelta(seconds=1), silence=timedelta(minutes=1))
    ref = await queue_mail(connection, deployment)
    await cut_off(pair, connection)
    await gateways.start()
    await until(connection, ref, "ACCEPTED")
    await pass_positions(connection, 2)
    # When the primary dies, and the standby is promoted
    await kill(pair.primary)
    await pair.promote()
    # Then the gateway ends, and does not send the mail again
    [process] = gateways.running
    assert await asyncio.wait_for(process.wait(), 60) == 1
    assert len(smtp_server.taken) == 1
    assert await ask(pair.primary, "select count(*) from outbox where handed_off_at is null") == 1
    connection.terminate()
