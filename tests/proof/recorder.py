"""Kills of workers at random moments, and what their flight recorders make of it.

Each trial is a load of mail, so many kills, and then the comparison of the mail server's log with the ledger. The
server notes a mail when its dot has come, before it answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from gateway.database import open_pool
from gateway.delivery.recorder_file import read
from gateway.deployment import Deployment
from gateway.mail.letter import Mailbox
from gateway.outbox.enqueue import SendRequest, enqueue
from gateway.settings import Settings
from gateway.templates import versions
from service.standalone.postgres import Postgres
from tests.builders import SECRET_KEYS, make_customer
from tests.engine import CARD
from tests.eventually import eventually
from tests.proof.counts import BUSY, CONNECTIONS, LEASE_SECONDS, UNMADE
from tests.proof.proof import PAGE, launch, servers, settings_of
from tests.proof.recorder_counts import Trial, read_attempts, read_settled
from tests.proof.sink import LATER, REFUSED, Sink, recording_sink

WORKERS = 3
WORKER_ID = 36
"""Characters of a worker's id."""
SWEEP_SECONDS = 0.1
LONG_LEASE = 15.0
"""Seconds: longer than settling takes on a machine that does much else. A death must be settled sooner."""
CAMPAIGN = 3000
"""Mails that are queued at a time, when half of them are left: workers are killed while mail waits."""
MAX_BETWEEN = 120
"""Mails that the server receives between two kills, at most."""
MAX_DELAY = 0.02
"""Seconds after that, at most: a kill at any moment of a mail."""
DECIDED_SECONDS = 120.0
LARGE_PAGE = PAGE + f"<p>{'A long letter. ' * 12_000}</p>"
"""Above the 128 KiB that are written in one piece."""


@dataclass(kw_only=True, slots=True)
class Rig:
    """The servers, the workers and the mail server of one trial. `words` change the workers (`tests.proof.gateway`)."""

    postgres: Postgres
    sink: Sink
    settings: Settings
    directory: Path
    dice: random.Random
    words: tuple[str, ...] = ()
    lease: float = LONG_LEASE
    relay: str = ""
    more: dict[str, str] = field(default_factory=dict)
    journal: bool = True
    page: str = PAGE
    copies: int = 0
    mails: int = CAMPAIGN
    workers: list[int] = field(default_factory=list)
    killed_at: dict[str, float] = field(default_factory=dict)
    mixture: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    recipients: int = 0
    _forks: subprocess.Popen[str] | None = None

    @property
    def log(self) -> Path:
        """Where the workers log."""
        return self.directory / "gateway.telemetry.log"

    @property
    def recorders(self) -> Path:
        """Where their flight recorders lie."""
        return self.directory / "recorders"

    def environment(self) -> dict[str, str]:
        """The settings of a worker."""
        own = {
            "DATABASE_URL": self.settings.database_url,
            "REDIS_URL": self.settings.redis_url,
            "PUBLIC_URL": self.settings.public_url,
            "DEFAULT_FROM": self.settings.default_from,
            "RELAY_URL": f"{self.sink.url}&connections={CONNECTIONS}{self.relay}",
            "SECRET_KEYS": SECRET_KEYS,
            "ALLOW_RESERVED_DOMAINS": "1",
            "LEASE_SECONDS": str(self.lease),
            "SWEEP_SECONDS": str(SWEEP_SECONDS),
            "DRAIN_SECONDS": "2",
            "RECORDER_DIR": str(self.recorders),
        }
        return own | ({"JOURNAL_DIR": str(self.directory / "journal")} if self.journal else {}) | self.more

    # ---- workers

    def start(self, count: int = 1) -> None:
        """Start so many workers."""
        if self._forks is None:
            with self.log.open("ab") as log:
                self._forks = subprocess.Popen(
                    [sys.executable, "-m", "tests.proof.gateway", "forks"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
        assert self._forks.stdin is not None
        assert self._forks.stdout is not None
        for _ in range(count):
            print(
                json.dumps({"words": self.words, "environment": self.environment()}), file=self._forks.stdin, flush=True
            )
            self.workers.append(int(self._forks.stdout.readline()))

    async def end(self, pids: list[int], how: signal.Signals) -> None:
        """Send a signal to these workers and wait until they are gone."""
        for pid in pids:
            path = recorder_of(pid)
            if how is signal.SIGKILL and path:
                self.killed_at[path.stem[-WORKER_ID:]] = time.time()
            os.kill(pid, how)
            self.workers.remove(pid)
        await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the workers' end", seconds=30)

    async def stop(self) -> None:
        """Drain the workers, or kill them."""
        left = list(self.workers)
        try:
            await self.end(left, signal.SIGTERM)
        finally:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self._forks is not None:
            self._forks.kill()
            self._forks.communicate()

    # ---- mail

    async def load(self) -> None:
        """Queue mail to new recipients, one in fifty refused and one in fifty put off once."""
        count = self.mails // (1 + self.copies)
        kinds = [REFUSED if n % 50 == 7 else LATER if n % 50 == 21 else "c" for n in range(count)]
        addresses = [f"{kind}{self.recipients + n}@d{n % 97}.example" for n, kind in enumerate(kinds)]
        if self.copies:
            await self._load_letters(addresses)
        else:
            await launch(self.settings, addresses, page=self.page)
            self.recipients += count

    async def _load_letters(self, addresses: list[str]) -> None:
        deployment = Deployment.open(self.settings)
        pool = await open_pool(self.settings.database_url, size=2, name="proof")
        async with pool, pool.acquire() as own:
            await versions.publish_builtins(own)
            # They are sent faster than they are queued.
            await own.execute("update lane set paused_at = now(), paused_why = 'proof' where campaign_id is null")
            for address in addresses:
                copies = tuple(Mailbox(address=f"copy{n}.{address}") for n in range(self.copies))
                customer_id = await make_customer(own, addresses=[address])
                request = SendRequest(
                    customer_id=customer_id, letter=CARD, idempotency_key=uuid4().hex, actor="proof", cc=copies
                )
                await enqueue(own, request, deployment)
                self.recipients += 1 + self.copies
            await own.execute("update lane set paused_at = null, paused_why = null where campaign_id is null")

    async def keep_backlog(self, connection: Any) -> None:
        """More mail, when little waits."""
        waiting = await connection.fetchval("select count(*) from outbox where lease_owner is null")
        if waiting + await connection.fetchval(UNMADE) < self.mails // 2:
            await self.load()

    async def received(self, more: int) -> None:
        """Wait until the server has received so many more: the mail goes on after every kill, or this fails."""
        wanted = self.sink.read() + more
        await eventually(lambda: self.sink.read() >= wanted, "mail after a kill", seconds=30)

    async def busy(self) -> int:
        """Wait for a worker that has mail in hand, and for a moment; returns its process."""
        found: list[int] = []

        def check() -> bool:
            found[:] = [pid for pid in self.workers if is_busy(pid)]
            return bool(found) or "disk-full" in self.words

        await eventually(check, "a worker with mail", seconds=30)
        await asyncio.sleep(self.dice.uniform(0, MAX_DELAY))
        return self.dice.choice(found or self.workers)

    # ---- the end

    async def decided(self, connection: Any) -> None:
        """Wait until every recipient is decided."""

        async def check() -> bool:
            return not await connection.fetchval(BUSY)

        await eventually(check, "a decision about every mail", seconds=DECIDED_SECONDS)

    async def result(self, name: str, *, started: float, believed: bool) -> Trial:
        """Count."""
        self.sink.read()
        connection: Any = await asyncpg.connect(self.settings.database_url)
        try:
            ledger = await read_attempts(connection)
        finally:
            await connection.close()
        return Trial(
            name=name,
            recipients=self.recipients,
            kills=self.kills,
            received=self.sink.received,
            taken=self.sink.taken,
            ledger=ledger,
            settled=read_settled(self.log),
            killed_at=self.killed_at,
            seconds=time.monotonic() - started,
            believed=believed,
            mixture=self.mixture,
        )


def recorder_of(pid: int) -> Path | None:
    """The recorder that a worker has mapped; its name ends in the worker's id."""
    try:
        found = re.search(r"/\S+\.recorder", Path(f"/proc/{pid}/maps").read_text())
    except OSError:
        return None
    return Path(found[0]) if found else None


def is_busy(pid: int) -> bool:
    """Whether a worker has mail in hand; without a recorder that one can read, it may have."""
    path = recorder_of(pid)
    try:
        said = read(path.read_bytes()) if path else None
    except OSError:  # deleted
        return True
    return said is not None and bool(said.leased or said.dot or said.answered)


# Kills -----------------------------------------------------------------------------------------------------------

Kill = Callable[[Rig], Coroutine[Any, Any, None]]


async def kill_one(rig: Rig) -> None:
    """One worker of several."""
    await rig.end([await rig.busy()], signal.SIGKILL)
    rig.kills += 1
    rig.start()


async def kill_two(rig: Rig) -> None:
    """Two workers at once."""
    await rig.end(rig.dice.sample(rig.workers, 2), signal.SIGKILL)
    rig.kills += 2
    rig.start(2)


async def kill_all(rig: Rig) -> None:
    """All of them: the next start settles."""
    killed = list(rig.workers)
    await rig.end(killed, signal.SIGKILL)
    rig.kills += len(killed)
    rig.start(WORKERS)


async def kill_all_without_database(rig: Rig) -> None:
    """PostgreSQL ends, then the workers; it is back before they are."""
    await _stop_postgres(rig)
    await asyncio.sleep(rig.dice.uniform(0, 0.05))
    killed = list(rig.workers)
    await rig.end(killed, signal.SIGKILL)
    rig.kills += len(killed)
    await _start_postgres(rig)
    rig.start(WORKERS)


async def kill_one_without_database(rig: Rig) -> None:
    """PostgreSQL ends, then one worker; the others settle when it is back."""
    await _stop_postgres(rig)
    await rig.end([await rig.busy()], signal.SIGKILL)
    rig.kills += 1
    await asyncio.sleep(0.3)
    await _start_postgres(rig)
    rig.killed_at.clear()  # the delay would be PostgreSQL's
    rig.start()


async def drain_without_database(rig: Rig) -> None:
    """PostgreSQL ends, then the workers drain and cannot write."""
    await _stop_postgres(rig)
    drained = list(rig.workers)
    await rig.end(drained, signal.SIGTERM)
    rig.kills += len(drained)
    await _start_postgres(rig)
    rig.start(WORKERS)


async def delete_and_kill(rig: Rig) -> None:
    """Somebody deletes the recorders of the living."""
    for path in rig.recorders.glob("*.recorder"):
        path.unlink()
    await kill_one(rig)
    rig.killed_at.clear()


async def _stop_postgres(rig: Rig) -> None:
    process = rig.postgres.process
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    await asyncio.to_thread(process.wait)


async def _start_postgres(rig: Rig) -> None:
    rig.postgres.start()
    await asyncio.to_thread(rig.postgres.wait_ready)


# Trials ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """One trial: how workers are killed, each with its part, and what is unusual. `part` of the kills of a run, and at
    least `least`. `believed`: whether the recorders are believed. `control`: duplicates must be seen."""

    name: str
    kills: tuple[Kill, ...] = (kill_one,)
    part: float = 0.02
    least: int = 6
    words: tuple[str, ...] = ()
    lease: float = LONG_LEASE
    relay: str = "&tls=off"
    more: tuple[tuple[str, str], ...] = ()
    tls: bool = False
    journal: bool = True
    page: str = PAGE
    copies: int = 0
    mails: int = CAMPAIGN
    believed: bool = True
    control: bool = False


DEEDS = (
    Deed(name="kills at random moments", kills=(kill_one,) * 8 + (kill_two, kill_all), part=1.0),
    Deed(name="database away at the death", kills=(kill_all_without_database, kill_one_without_database)),
    Deed(name="settling slower than the lease", words=("slow-settling",), lease=LEASE_SECONDS, believed=False),
    Deed(name="drain without database and journal", kills=(drain_without_database,), journal=False),
    Deed(name="drain without database, with a journal", kills=(drain_without_database,)),
    Deed(name="recorder deleted", kills=(delete_and_kill,), lease=LEASE_SECONDS, believed=False),
    Deed(name="recorders of another boot", words=("another-boot",), lease=LEASE_SECONDS, believed=False),
    Deed(name="disk full", words=("disk-full",), lease=LEASE_SECONDS, believed=False),
    Deed(name="a relay with TLS", tls=True, relay=""),
    Deed(name="contents over 128 KiB", page=LARGE_PAGE),
    Deed(name="copies", copies=2),
    Deed(name="a metered relay", relay="&tls=off&per_minute=12000"),
    Deed(name="RETRY_ONCE", more=(("RETRY_ONCE", "CAMPAIGN"),)),
    Deed(name="negative control: the mark after the write", words=("late-mark",), least=20, control=True),
)


@asynccontextmanager
async def rig_of(deed: Deed, directory: Path, seed: int) -> AsyncIterator[Rig]:
    """The servers of a trial, and its workers' end."""
    directory.mkdir()
    with recording_sink(directory, tls=deed.tls) as sink, servers(directory) as (postgres, valkey):
        rig = Rig(
            postgres=postgres,
            sink=sink,
            settings=settings_of(postgres, valkey, sink.url),
            directory=directory,
            dice=random.Random(seed),
            words=deed.words,
            lease=deed.lease,
            relay=deed.relay,
            more=dict(deed.more) | ({"SSL_CERT_FILE": str(directory / "authority.pem")} if deed.tls else {}),
            journal=deed.journal,
            page=deed.page,
            copies=deed.copies,
            mails=deed.mails,
        )
        try:
            yield rig
        finally:
            await rig.stop()


async def prove_deed(deed: Deed, *, kills: int, directory: Path, seed: int) -> Trial:
    """One trial, with its part of the kills."""
    started = time.monotonic()
    enough = max(deed.least, round(kills * deed.part))
    async with rig_of(deed, directory, seed) as rig:
        connection: Any = await asyncpg.connect(rig.settings.database_url)
        await rig.load()
        rig.start(WORKERS)
        while rig.kills < enough:
            if connection.is_closed():
                connection = await asyncpg.connect(rig.settings.database_url)
            await rig.keep_backlog(connection)
            await rig.received(rig.dice.randrange(5, MAX_BETWEEN))
            await rig.busy()
            kill = rig.dice.choice(deed.kills)
            await kill(rig)
            rig.mixture[kill.__name__.replace("_", " ")] += 1
        if connection.is_closed():
            connection = await asyncpg.connect(rig.settings.database_url)
        await rig.decided(connection)
        await connection.close()
        return await rig.result(deed.name, started=started, believed=deed.believed)


def violations_of(deed: Deed, trial: Trial) -> list[str]:
    """What was broken; of a negative control that nothing was seen to be."""
    if deed.control:
        seen = trial.requeued_after_dot or trial.unlabelled
        return [] if seen else [f"{deed.name}: the rig saw no duplicate"]
    return trial.violations(lease=deed.lease)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecorderProof:
    """All trials."""

    trials: tuple[tuple[Deed, Trial], ...]

    def report(self) -> str:
        """Their sum; each was reported when it ended."""
        kills = sum(trial.kills for _, trial in self.trials)
        return f"{len(self.trials)} trials of the flight recorder, {kills} kills"

    def violations(self) -> list[str]:
        """The guarantees that were broken."""
        return [what for deed, trial in self.trials for what in violations_of(deed, trial)]


async def prove_recorder(*, kills: int, directory: Path, seed: int, only: str = "") -> RecorderProof:
    """Every deed whose name contains `only`; prints what each came to."""
    trials = []
    for number, deed in enumerate(DEEDS):
        if only in deed.name:
            trial = await prove_deed(deed, kills=kills, directory=directory / str(number), seed=seed)
            print(trial.report(), flush=True)
            trials.append((deed, trial))
    return RecorderProof(trials=tuple(trials))
