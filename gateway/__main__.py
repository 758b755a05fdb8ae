"""`python -m gateway [--workers N]`: the gateway's processes; with `--inbound`, the one that takes mail coming back.

With one worker this process is the worker. With more it starts that many of itself, keeps them running, and passes
SIGTERM and SIGINT on. A worker that loses its parent drains, too.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import uvloop
from prometheus_client import start_http_server

from gateway.campaigns import expansion, lifecycle
from gateway.database import WORKER_SETTINGS, Connection, open_pool, why_unusable
from gateway.delivery import journal
from gateway.delivery.background import Job, Progress
from gateway.delivery.dkim import Signer
from gateway.delivery.schedule import RetrySchedule, default_schedule, random_jitter
from gateway.delivery.worker import POOL, Worker, relax_garbage_collector
from gateway.deployment import Deployment
from gateway.errors import SettingsError
from gateway.inbound import process, sweep
from gateway.inbound.read_job import InboundReader
from gateway.settings import EXAMPLES, Settings, read_settings
from gateway.smtp.relays import Relays
from gateway.storage import attachments
from gateway.telemetry.log import log_as_json
from gateway.telemetry.watchdog import watch_event_loop
from gateway.templates import versions
from gateway.tracking import classify

log = logging.getLogger("gateway")

MAX_WORKERS = 64
RESTART_SECONDS = 1.0
"""Between a worker's death and its successor: a fault at start must not become a storm."""
PARENT_LOOK_SECONDS = 0.5
EXPAND_SECONDS = 0.25
"""Seconds between looks for campaigns whose queue runs low."""
CLASSIFY_SECONDS = 1.0
"""Seconds between looks for hits that have settled: one read of an index that holds the unclassified only."""
READ_INBOUND_SECONDS = 1.0
"""Seconds between looks for received mail: one read of an index that holds the unread only."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped; 0 after a drain, 1 with one sentence when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Sends the mail that is due.")
    parser.add_argument("--inbound", action="store_true", help="take the mail that comes back: SMTP, LMTP, IMAP")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes, 1 to 64 (default 1)")
    parser.add_argument("--child", type=int, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not 1 <= options.workers <= MAX_WORKERS:
        parser.error(f"--workers is a number from 1 to {MAX_WORKERS}")
    log_as_json()
    try:
        settings = read_settings()
        if options.inbound:
            return _take_mail(settings)
        _make_journal(settings.journal_dir)
        if options.child is None and (why := asyncio.run(why_unusable(settings.database_url))):
            raise SettingsError(why)
        if options.workers > 1:
            return Parent(options.workers).run()
        return uvloop.run(work(settings, number=options.child))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except asyncpg.UndefinedTableError:
        print("The database has no tables of ours yet: run make migrate.", file=sys.stderr)
        return 1
    except (OSError, asyncpg.PostgresError) as error:
        print(f"The gateway cannot start: {error}. Check DATABASE_URL and that PostgreSQL runs.", file=sys.stderr)
        return 1


def _take_mail(settings: Settings) -> int:
    process.check(settings)
    if why := asyncio.run(why_unusable(settings.database_url)):
        raise SettingsError(why)
    if settings.metrics_port is not None:
        _serve_metrics(settings.metrics_host, settings.metrics_port)
    return uvloop.run(process.listen(settings))


def background_jobs(deployment: Deployment) -> list[Job]:
    """What a worker does beside sending: a capability adds its entry here."""

    async def expand_campaigns(connection: Connection) -> Progress:
        made = await expansion.make_messages(connection, deployment)
        return Progress(more=made is not None, mail_due=bool(made))

    async def finish_campaigns(connection: Connection) -> Progress:
        for campaign_id in await lifecycle.finish(connection):
            log.info("campaign %s is finished", campaign_id)
        return Progress()

    async def classify_hits(connection: Connection) -> Progress:
        return Progress(more=await classify.classify_due(connection) > 0)

    async def sweep_inbound(connection: Connection) -> Progress:
        await sweep.sweep(connection)
        return Progress()

    async def sweep_attachments(connection: Connection) -> Progress:
        await attachments.sweep(connection)
        return Progress()

    reader = InboundReader(deployment)
    reader_apart = InboundReader(deployment)

    async def read_inbound(connection: Connection) -> Progress:
        return Progress(more=await reader.read_small(connection))

    async def read_inbound_apart(connection: Connection) -> Progress:
        return Progress(more=await reader_apart.read_apart(connection))

    sweep_seconds = deployment.settings.sweep_seconds
    return [
        Job(name="campaign expansion", run=expand_campaigns, every=min(EXPAND_SECONDS, sweep_seconds)),
        Job(name="campaign completion", run=finish_campaigns, every=sweep_seconds),
        Job(name="hit classification", run=classify_hits, every=CLASSIFY_SECONDS),
        Job(name="inbound reading", run=read_inbound, every=READ_INBOUND_SECONDS),
        Job(name="inbound reading apart", run=read_inbound_apart, every=READ_INBOUND_SECONDS),
        Job(name="inbound sweep", run=sweep_inbound, every=None),
        Job(name="attachment sweep", run=sweep_attachments, every=None),
    ]


async def work(settings: Settings, *, number: int | None, schedule: RetrySchedule | None = None) -> int:
    """One worker, from its pool to its drain. `number` is its place among several, None when it is the only one."""
    if settings.metrics_port is not None:
        _serve_metrics(settings.metrics_host, settings.metrics_port + (number or 0))
    pool = await open_pool(settings.database_url, size=POOL, name="gateway", settings=WORKER_SETTINGS)
    try:
        async with pool.acquire() as connection:
            await versions.publish_builtins(connection)
        relays = Relays(
            settings.relay_url,
            hostname=socket.getfqdn(),
            on_trouble=lambda exchange: worker.note_relay_failure(exchange),
        )
        deployment = Deployment.open(settings)
        worker = Worker(
            deployment,
            pool,
            relays,
            signer=Signer.from_settings(settings.dkim_keys) if settings.dkim_keys else None,
            schedule=schedule or default_schedule(random_jitter),
            jobs=background_jobs(deployment),
        )
        for number_of_signal in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number_of_signal, worker.stop)
        watching = [asyncio.create_task(watch_event_loop())]
        if number is not None:
            watching.append(asyncio.create_task(_stop_without_parent(worker)))
        relax_garbage_collector()
        log.info("the gateway is running", extra={"fields": {"worker": worker.id}})
        await worker.run()
        for task in watching:
            task.cancel()
        log.info("the gateway has drained", extra={"fields": {"worker": worker.id}})
    finally:
        pool.terminate()
    return 0


def _make_journal(directory: str | None) -> None:
    """Make the directory now: that it cannot be written would show only when a shutdown needs it."""
    try:
        if directory is not None:
            journal.make(Path(directory))
    except OSError as error:
        raise SettingsError(
            f"JOURNAL_DIR: {directory} cannot be written ({error.strerror}): choose another. "
            f"For example: JOURNAL_DIR={EXAMPLES['JOURNAL_DIR']}"
        ) from None


def _serve_metrics(host: str, port: int) -> None:
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        raise SettingsError(
            f"METRICS_PORT: port {port} of METRICS_HOST={host} cannot be opened ({error.strerror}): choose another."
        ) from None


async def _stop_without_parent(worker: Worker) -> None:
    parent = os.getppid()
    while True:
        await asyncio.sleep(PARENT_LOOK_SECONDS)
        if os.getppid() != parent:
            return worker.stop()


class Parent:
    """Keeps N workers running until a signal, then waits for their drains."""

    def __init__(self, workers: int) -> None:
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._workers = workers
        self._stopping = False

    def run(self) -> int:
        """Start, restart what dies, pass the signal on, wait. The worst exit code of the drains."""
        for which in _SIGNALS:
            signal.signal(which, self._pass_on)
        while not self._stopping:
            for number in range(self._workers):
                child = self._children.get(number)
                if child is None or child.poll() is not None:
                    self._start(number, again=child is not None)
            time.sleep(RESTART_SECONDS)
        return max(abs(child.wait()) for child in self._children.values())

    def _start(self, number: int, *, again: bool) -> None:
        if again:
            log.error("worker %d died and is started again", number)
        self._children[number] = subprocess.Popen([sys.executable, "-m", "gateway", "--child", str(number)])  # noqa: S603  our own words
        if self._stopping:
            self._children[number].send_signal(signal.SIGTERM)

    def _pass_on(self, number: int, frame: object) -> None:
        self._stopping = True
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
