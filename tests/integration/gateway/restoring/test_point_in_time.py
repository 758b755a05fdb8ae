"""A ledger is backed up, lost, and restored to a moment in between, as docs/operations.md says: it sends nothing twice
by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.campaigns import drafts, lifecycle
from gateway.database import connect, prepare_connection
from gateway.delivery.recorder_file import CLAIMS_END
from gateway.deployment import Deployment
from gateway.mail.campaign import UncertainDecision
from gateway.mail.message import MessageRef
from gateway.outbox import actions
from gateway.settings import Settings
from gateway.templates import versions
from tests.archiving import ArchivedServer, archived_server
from tests.builders import make_customer
from tests.engine import queue_mail, until
from tests.eventually import eventually
from tests.gateways import Gateways, gateways
from tests.integration.gateway.campaigns.deciding import settle
from tests.integration.gateway.campaigns.orders import order, status_of
from tests.smtp_server import Silence, SmtpServer

__all__ = ["gateways"]

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def server(run_directory: Path) -> Iterator[ArchivedServer]:
    """A server of this test's own."""
    with archived_server(run_directory) as made:
        yield made


@pytest.fixture
def deployment(server: ArchivedServer, settings: Settings) -> Deployment:
    """On that server."""
    return Deployment.open(settings.model_copy(update={"database_url": server.url}))


async def gateway(gateways: Gateways, *words: str, **changes: str) -> tuple[int | None, str]:
    """Runs `python -m gateway` to its end; returns its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *words),
        env={**gateways.environment, **changes},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output.decode()


def addresses(smtp_server: SmtpServer) -> Counter[str]:
    """How often each address got mail."""
    return Counter(address for message in smtp_server.messages for address in message.recipients)


def recorders_with_mail(gateways: Gateways) -> list[Path]:
    """The recorders of those that live, and of the dead those whose mail is not settled; perhaps a claim of theirs is
    looked after until its lease would be over."""
    found = []
    for path in Path(gateways.environment["RECORDER_DIR"]).glob("*.recorder"):
        with suppress(FileNotFoundError):  # settled meanwhile
            if path.stat().st_size > CLAIMS_END:
                found.append(path)
    return found


async def until_nothing_waits(connection: Any) -> None:
    async def decided() -> bool:
        return not await connection.fetchval("select count(*) from outbox")

    await eventually(decided, "a decision about every mail")


async def open_ledger(server: ArchivedServer) -> Any:
    connection = await connect(server.url)
    await prepare_connection(connection)
    return connection


@pytest.fixture
async def ledger(server: ArchivedServer, deployment: Deployment) -> AsyncIterator[Any]:
    """A connection to the ledger that will be lost."""
    await server.archive()
    connection = await open_ledger(server)
    await versions.publish_builtins(connection)
    yield connection
    connection.terminate()


async def launch(connection: Any, deployment: Deployment, name: str, count: int) -> UUID:
    """A campaign to so many new customers; gateways freeze and expand it."""
    customers = [await make_customer(connection, addresses=[f"{name}{n}@customer.example"]) for n in range(count)]
    made = await drafts.create(connection, await order(connection, customers), deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    return made


async def mail(connection: Any, deployment: Deployment, *names: str) -> list[MessageRef]:
    """Queues a mail to each of these addresses."""
    return [await queue_mail(connection, deployment, f"{name}@customer.example") for name in names]


async def lose_what_was_sent(
    server: ArchivedServer, ledger: Any, deployment: Deployment, gateways: Gateways, smtp_server: SmtpServer
) -> tuple[list[MessageRef], UUID]:
    """A ledger that is copied, sends on, and is restored to a moment in between. Returns two mails and a campaign of
    three that waited at that moment, and were sent since."""
    # Given a ledger that sends mail, and a copy of it
    await mail(ledger, deployment, "before")
    await gateways.start()
    await smtp_server.accepted(1)
    backup = await asyncio.to_thread(server.back_up)
    # And, after the copy, mail that is sent, and mail and a campaign that wait at a moment: no gateway runs
    await mail(ledger, deployment, "between")
    await smtp_server.accepted(2)
    await until_nothing_waits(ledger)
    await gateways.kill()
    queued = await mail(ledger, deployment, "queued0", "queued1")
    campaign = await launch(ledger, deployment, "campaign", 3)
    moment = await ledger.fetchval("select clock_timestamp()")
    # And all of it is sent after that moment, with mail that is made only then; of the last one nobody hears an answer
    await gateways.start()
    await mail(ledger, deployment, "after")
    await smtp_server.accepted(8)
    await until_nothing_waits(ledger)
    smtp_server.script(after_dot=[Silence()])
    await mail(ledger, deployment, "unanswered")
    await smtp_server.received(9)
    # When the server is lost with its gateway, and restored to the moment
    await gateways.kill()
    await server.lose()
    server.restore(backup, to=moment)
    smtp_server.forget_scripts()
    return queued, campaign


async def test_a_ledger_restored_to_a_moment_in_the_past_sends_nothing_twice_by_itself(
    server: ArchivedServer, ledger: Any, deployment: Deployment, gateways: Gateways, smtp_server: SmtpServer,
    tmp_path: Path,
) -> None:  # fmt: skip
    # Given a ledger that forgot what was sent
    gateways.environment["DATABASE_URL"] = server.url
    queued, campaign = await lose_what_was_sent(server, ledger, deployment, gateways, smtp_server)
    sent = addresses(smtp_server)
    assert set(sent.values()) == {1}

    # Then no gateway starts, where its host remembers, or Valkey alone, and each says what to do
    for workers, changes in (("1", {"REDIS_URL": NOWHERE}), ("2", {"RECORDER_DIR": str(tmp_path / "another host")})):
        code, said = await gateway(gateways, "--workers", workers, **changes)
        assert code not in (0, None)
        assert "python -m gateway restored" in said
        assert "is started again" not in said
    assert addresses(smtp_server) == sent

    # When a person says that it was restored, and says it once more
    code, said = await gateway(gateways, "restored", "--name", "Dana")
    assert (code, "with the cause RESTORED: 5; without a message before: 3." in said) == (0, True), said
    code, said = await gateway(gateways, "restored", "--name", "Dana")
    assert (code, said.startswith("Nothing was done")) == (0, True), said

    # Then gateways start and send what is new, and nothing else
    ledger = await open_ledger(server)
    await gateways.start(workers=2)
    [new] = await mail(ledger, deployment, "new")
    await until(ledger, new, "ACCEPTED")
    await eventually(lambda: len(recorders_with_mail(gateways)) == 2, "what the killed one knew is settled")
    await until_nothing_waits(ledger)
    assert addresses(smtp_server) == sent + Counter({"new@customer.example": 1})
    assert await ledger.fetchval("select count(*) from message where status = 'UNCERTAIN' and cause = 'RESTORED'") == 5
    assert await status_of(ledger, campaign) == "PAUSED"

    # And a person settles what is uncertain: the campaign was sent, of the others one is sent again
    assert await settle(ledger, campaign, UncertainDecision.ASSUME_SENT, expected_count=3) == 3
    await actions.assume_sent(ledger, queued[0], "Dana", deployment)
    await actions.retry(ledger, queued[1], "Dana", deployment)
    await until(ledger, queued[1], "ACCEPTED")
    await lifecycle.resume(ledger, campaign, actor="Dana")

    async def finished() -> bool:
        return await status_of(ledger, campaign) == "FINISHED"

    await eventually(finished, "the end of the campaign")
    assert not await ledger.fetchval("select count(*) from message where status = 'UNCERTAIN'")
    twice = {address for address, count in addresses(smtp_server).items() if count > 1}
    assert twice == {"queued1@customer.example"}
    ledger.terminate()


async def test_old_copies_and_the_log_from_before_them_are_forgotten(server: ArchivedServer) -> None:
    await server.archive()
    kept = [await asyncio.to_thread(server.back_up, keep=2) for _ in range(3)]
    assert sorted((server.backups / "base").iterdir()) == kept[1:]
    needed = kept[1].joinpath("backup_label").read_text().partition("(file ")[2][:24]
    segments = sorted(path.name for path in (server.backups / "wal").iterdir() if len(path.name) == 24)
    assert segments[0] >= needed
