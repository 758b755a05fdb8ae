"""One worker of the gateway: its pool, its relays, its background jobs, from its start to its drain."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

from gateway.campaigns import decisions, events, expansion, freezing, imports, lifecycle, list_counts, samples
from gateway.campaigns.import_job import ImportJob
from gateway.database import WORKER_SETTINGS, Connection, following_primary, open_pool
from gateway.delivery.background import Job, Progress
from gateway.delivery.dkim import Signer
from gateway.delivery.flight_recorder import open_directory
from gateway.delivery.schedule import RetrySchedule, default_schedule, random_jitter
from gateway.delivery.worker import POOL, Worker, relax_garbage_collector
from gateway.deployment import Deployment
from gateway.finding import job as finding
from gateway.finding import months
from gateway.inbound import sweep
from gateway.inbound.read_job import InboundReader
from gateway.outbox import bulk_actions, gateway_history
from gateway.restoring.memory import PositionMemory
from gateway.restoring.restored import Restored, say_restored
from gateway.restoring.watch import NOTE_SECONDS, LedgerWatch
from gateway.settings import Settings
from gateway.smtp.relays import Relays
from gateway.storage import attachments
from gateway.telemetry.watchdog import watch_event_loop
from gateway.templates import versions
from gateway.tracking import classify
from gateway.worklist.sender_dns import SenderChecks

log = logging.getLogger("gateway")

PARENT_LOOK_SECONDS = 0.5
EXPAND_SECONDS = 0.25
"""Seconds between looks for mailings that are due, for those whose queue runs low, and for decisions about many."""
BULK_ACTION_SECONDS = 1.0
"""Seconds between looks for bulk actions whose request was cut off: one read of an index that holds the open only."""
CLASSIFY_SECONDS = 1.0
"""Seconds between looks for hits that have settled: one read of an index that holds the unclassified only."""
SAMPLE_SECONDS = 3.0
"""Seconds between samples of the counts of mailings: a timeline tells minutes."""
READ_INBOUND_SECONDS = 1.0
"""Seconds between looks for received mail: one read of an index that holds the unread only."""
IMPORT_SECONDS = 0.5
"""Seconds between looks for imports: one read of an index that holds those under way only."""
COUNT_LISTS_SECONDS = 10.0
"""Seconds between two counts of dynamic lists, each some seconds at most: 200 lists are counted within the hour."""
FIND_SECONDS = 0.5
"""Seconds between looks for messages that changed: what is found across customers is a second or two behind."""
ADD_DAYS_SECONDS = 5.0
"""Seconds between looks whether a day of figures is to be added to its month: one read of one row."""
CHECK_SENDERS_SECONDS = 10.0
"""Seconds between looks for senders whose DNS is to be checked: they are as many as people make."""
HISTORY_SECONDS = 2.0
"""Seconds between looks whether a minute is over that no worker has written: one read of one row."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def background_jobs(deployment: Deployment) -> list[Job]:
    """What a worker does beside sending: a capability adds its entry here."""
    return [
        *_outbox_jobs(deployment),
        *_campaign_jobs(deployment),
        *_list_jobs(deployment),
        *_tracking_jobs(),
        *_inbound_jobs(deployment),
        *_finding_jobs(deployment),
        *_worklist_jobs(deployment),
    ]


def _outbox_jobs(deployment: Deployment) -> list[Job]:
    async def carry_bulk_actions_on(connection: Connection) -> Progress:
        dealt_with = await bulk_actions.carry_on(connection, deployment)
        return Progress(more=dealt_with is not None, mail_due=bool(dealt_with))

    async def write_history(connection: Connection) -> Progress:
        await gateway_history.write_minute(connection)
        return Progress()

    return [
        Job(name="bulk actions", run=carry_bulk_actions_on, every=BULK_ACTION_SECONDS),
        Job(name="gateway history", run=write_history, every=HISTORY_SECONDS),
    ]


def _campaign_jobs(deployment: Deployment) -> list[Job]:
    async def freeze_audiences(connection: Connection) -> Progress:
        return Progress(more=await freezing.freeze(connection) is not None)

    async def expand_campaigns(connection: Connection) -> Progress:
        made = await expansion.make_messages(connection, deployment)
        return Progress(more=made is not None, mail_due=bool(made))

    async def follow_events(connection: Connection) -> Progress:
        made = await events.make_triggered(connection, deployment)
        return Progress(more=made is not None, mail_due=bool(made))

    async def carry_out_decisions(connection: Connection) -> Progress:
        dealt_with = await decisions.carry_out(connection, deployment)
        return Progress(more=dealt_with is not None, mail_due=dealt_with is not None)

    async def finish_campaigns(connection: Connection) -> Progress:
        for campaign_id in await lifecycle.finish(connection):
            log.info("campaign %s is finished", campaign_id)
        return Progress()

    async def sample_mailings(connection: Connection) -> Progress:
        await samples.sample(connection)
        return Progress()

    async def thin_samples(connection: Connection) -> Progress:
        return Progress(more=await samples.thin(connection) >= samples.MAX_THINNED)

    sweep_seconds = deployment.settings.sweep_seconds
    soon = min(EXPAND_SECONDS, sweep_seconds)
    return [
        Job(name="audience freezing", run=freeze_audiences, every=soon),
        Job(name="campaign expansion", run=expand_campaigns, every=soon),
        Job(name="campaign events", run=follow_events, every=soon),
        Job(name="campaign decisions", run=carry_out_decisions, every=soon),
        Job(name="campaign completion", run=finish_campaigns, every=sweep_seconds),
        Job(name="mailing samples", run=sample_mailings, every=SAMPLE_SECONDS),
        Job(name="thinning of samples", run=thin_samples, every=None),
    ]


def _list_jobs(deployment: Deployment) -> list[Job]:
    import_job = ImportJob(deployment)

    async def count_lists(connection: Connection) -> Progress:
        await list_counts.recount(connection)
        return Progress()

    async def carry_imports_on(connection: Connection) -> Progress:
        return Progress(more=await import_job.carry_on(connection))

    async def sweep_imports(connection: Connection) -> Progress:
        await imports.sweep(connection)
        return Progress()

    return [
        Job(name="list counting", run=count_lists, every=COUNT_LISTS_SECONDS),
        Job(name="imports", run=carry_imports_on, every=IMPORT_SECONDS),
        Job(name="import sweep", run=sweep_imports, every=None),
    ]


def _tracking_jobs() -> list[Job]:
    async def classify_hits(connection: Connection) -> Progress:
        return Progress(more=await classify.classify_due(connection) > 0)

    return [Job(name="hit classification", run=classify_hits, every=CLASSIFY_SECONDS)]


def _inbound_jobs(deployment: Deployment) -> list[Job]:
    reader = InboundReader(deployment)
    reader_apart = InboundReader(deployment)

    async def read_inbound(connection: Connection) -> Progress:
        return Progress(more=await reader.read_small(connection))

    async def read_inbound_apart(connection: Connection) -> Progress:
        return Progress(more=await reader_apart.read_apart(connection))

    async def sweep_inbound(connection: Connection) -> Progress:
        await sweep.sweep(connection)
        return Progress()

    async def sweep_attachments(connection: Connection) -> Progress:
        await attachments.sweep(connection)
        return Progress()

    return [
        Job(name="inbound reading", run=read_inbound, every=READ_INBOUND_SECONDS),
        Job(name="inbound reading apart", run=read_inbound_apart, every=READ_INBOUND_SECONDS),
        Job(name="inbound sweep", run=sweep_inbound, every=None),
        Job(name="attachment sweep", run=sweep_attachments, every=None),
    ]


def _finding_jobs(deployment: Deployment) -> list[Job]:
    async def keep_up_finding(connection: Connection) -> Progress:
        return Progress(more=await finding.keep_up(connection, deployment))

    async def add_days(connection: Connection) -> Progress:
        await months.add_day(connection)
        return Progress()

    return [
        Job(name="finding mail", run=keep_up_finding, every=FIND_SECONDS),
        Job(name="figures by month", run=add_days, every=ADD_DAYS_SECONDS),
    ]


def _worklist_jobs(deployment: Deployment) -> list[Job]:
    checks = SenderChecks(deployment.settings, lambda: datetime.now(UTC))

    async def check_senders(connection: Connection) -> Progress:
        return Progress(more=await checks.run(connection))

    return [Job(name="DNS of senders", run=check_senders, every=CHECK_SENDERS_SECONDS)]


def position_memory(settings: Settings) -> PositionMemory:
    """What this host and Valkey have seen of ledgers."""
    recorders = open_directory(settings.recorder_dir)
    journals = Path(settings.journal_dir) if settings.journal_dir else None
    directories = [directory for directory in (recorders, journals) if directory is not None]
    return PositionMemory(directories=directories, redis_url=settings.redis_url)


def _watch_job(watch: LedgerWatch) -> Job:
    async def note_position(connection: Connection) -> Progress:
        await watch.note(connection)
        return Progress()

    return Job(name="ledger position", run=note_position, every=NOTE_SECONDS)


async def deal_with_restore(settings: Settings, *, actor: str, anyway: bool) -> Restored | None:
    """`python -m gateway restored`: as `say_restored`, by a connection of its own. Raises RestoreRefused."""
    memory = position_memory(settings)
    pool = await open_pool(settings.database_url, size=1, name="gateway restored", settings=WORKER_SETTINGS)
    try:
        async with pool.acquire() as connection:
            return await say_restored(connection, Deployment.open(settings), memory, actor=actor, anyway=anyway)
    finally:
        await memory.close()
        await pool.close()


async def work(settings: Settings, *, number: int | None, schedule: RetrySchedule | None = None) -> int:
    """One worker, from its pool to its drain. `number` is its place among several, None when it is the only one. Raises
    LedgerWentBack, at the start or after a drain."""
    async with following_primary(settings.database_url):
        return await _work(settings, number=number, schedule=schedule)


async def _work(settings: Settings, *, number: int | None, schedule: RetrySchedule | None) -> int:
    worker: Worker | None = None

    def stop() -> None:
        if worker is not None:
            worker.stop()

    memory = position_memory(settings)
    watch = LedgerWatch(memory, on_gone_back=stop)
    pool = await open_pool(
        settings.database_url, size=POOL, name="gateway", settings=WORKER_SETTINGS, check=watch.check_connection
    )
    try:
        async with pool.acquire() as connection:
            await watch.begin(connection)
            await versions.publish_builtins(connection)
        relays = Relays(
            settings.relay_url,
            hostname=socket.getfqdn(),
            on_trouble=lambda exchange: started.note_relay_failure(exchange),
        )
        deployment = Deployment.open(settings)
        worker = started = Worker(
            deployment,
            pool,
            relays,
            signer=Signer.from_settings(settings.dkim_keys) if settings.dkim_keys else None,
            schedule=schedule or default_schedule(random_jitter),
            jobs=[*background_jobs(deployment), _watch_job(watch)],
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
        await memory.close()
        pool.terminate()
    if watch.gone_back is not None:
        raise watch.gone_back
    return 0


async def _stop_without_parent(worker: Worker) -> None:
    parent = os.getppid()
    while True:
        await asyncio.sleep(PARENT_LOOK_SECONDS)
        if os.getppid() != parent:
            return worker.stop()
