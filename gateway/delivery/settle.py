"""Settles what workers that are dead or gone had in hand, at once, by their flight recorders and journals.

Any worker does it, in its sweep, before recovery: a process that gets a file's lock knows that its worker is dead.
Everything written is fenced by owner and attempt, so it may be written again: a file is removed when all of it is, and
a worker that dies over it leaves it to the next.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from gateway.database import QUERIES, Connection
from gateway.delivery import journal
from gateway.delivery.background import log_failure
from gateway.delivery.flight_recorder import LockedFile, boot_id, deployment_files, remove_unfinished
from gateway.delivery.recorder_file import Answered, Header, Recording, SlotKey, UnderWay, read
from gateway.delivery.send import MAY_GO_AGAIN, NO_WAIT
from gateway.mail.verdict import Rules, Verdict, judge
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.claim import give_back_claim
from gateway.outbox.outcomes import Finished, finished, record
from gateway.outbox.recovery import recover_lost, requeue_unsent
from gateway.telemetry.metrics import RECOVERED
from gateway.verdict_rules import read_verdict_rules

log = logging.getLogger(__name__)

LARGEST_FILE = 256 * 1024 * 1024
"""Bytes of a file that are read: a worker with 20,000 connections has less."""
GROUP = 200
"""Outcomes a commit, as the outcome writer groups them."""
CLAIM_SLACK = 5.0
"""Seconds after a claim's lease for which it is still asked for: PostgreSQL may have begun it later than it was
sent."""
ASIDE = ".unreadable"
"""Suffix of a journal that could not be settled as a whole: it is not read again."""
REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)
"""Errors of an outcome itself, which a retry would not mend (ValueError: asyncpg cannot even send it)."""


@dataclass(kw_only=True, slots=True)
class _Found:
    """What a file says of mails, as far as it is believed: outcomes, mails that were not sent, mails that may have
    been, and claims whose rows no sender got."""

    outcomes: list[Finished] = field(default_factory=list)
    unsent: list[SlotKey] = field(default_factory=list)
    perhaps_sent: tuple[SlotKey, ...] = ()
    claims: tuple[UnderWay, ...] = ()


@dataclass(kw_only=True, slots=True)
class Settler:
    """One worker's part in it. `recorders` is the directory of the machine's flight recorders, `deployment` the
    beginning of the names of ours, `wait` the schedule of retries, `note_stop` called for relays that are stopped by
    what was recorded."""

    pool: asyncpg.Pool[Any]
    recorders: Path | None
    journals: Path | None
    deployment: str
    shard: int
    same_refusals: int
    wait: Callable[[int, Verdict], timedelta]
    note_stop: Callable[[str], None]
    clock: Callable[[], float]
    wall: Callable[[], float]
    _rules: Rules = field(default_factory=read_verdict_rules, init=False)
    # Files whose mails are settled: their claims are asked for until their leases are over, or they are another host's.
    # With the number of entries that were not believed or not taken.
    _settled: dict[Path, int] = field(default_factory=dict, init=False)
    _failing: dict[Path, str] = field(default_factory=dict, init=False)

    async def settle(self) -> None:
        """Settle every file whose process is dead. Never raises: what failed is retried with the next sweep."""
        for path in self._files():
            try:
                await self._settle_file(path)
                self._failing.pop(path, None)
            except Exception as error:
                self._say_once(path, error)

    def _files(self) -> list[Path]:
        """Recorders and journals, dead or not. A directory that cannot be read holds up neither the other's files nor
        the sweep."""
        found: list[Path] = []
        for directory, files in ((self.recorders, self._recorder_files), (self.journals, journal.files)):
            try:
                found += files(directory) if directory else []
            except OSError as error:
                self._say_once(directory or Path(), error)
        return found

    def _recorder_files(self, directory: Path) -> Iterable[Path]:
        remove_unfinished(directory, self.deployment, now=self.wall())
        return deployment_files(directory, self.deployment)

    def _say_once(self, path: Path, error: Exception) -> None:
        """PostgreSQL away, most of all: said once, as for any other job."""
        if self._failing.get(path) != type(error).__name__:
            self._failing[path] = type(error).__name__
            log_failure("settling a flight recorder", error)

    async def _settle_file(self, path: Path) -> None:
        file = LockedFile.take(path)
        if file is None:
            return
        try:
            recording = read(file.read(LARGEST_FILE))
            if recording is None:
                log.error("%s is no flight recorder of this version", path.name)
                self._put_away(path, unreadable=1)
            elif await self._is_settled(file, recording):
                self._put_away(path, unreadable=self._settled.pop(path, 0))
        finally:
            file.unlock()

    def _put_away(self, path: Path, *, unreadable: int) -> None:
        """Remove a file that is settled. A journal with an entry that was not believed or not taken is kept aside, for
        a person; a recorder's mails are settled by their leases."""
        if unreadable and path.parent == self.journals:
            aside = path.with_suffix(ASIDE)
            path.replace(aside)
            journal.sync_directory(path.parent)
            log.error("%s: %d entries could not be settled; it is kept as %s", path.name, unreadable, aside.name)
            return
        if unreadable:
            log.error("%s: %d entries could not be settled, their leases decide", path.name, unreadable)
        path.unlink(missing_ok=True)

    async def _is_settled(self, file: LockedFile, recording: Recording) -> bool:
        """Settle what is left of a file. Returns whether nothing is."""
        header, path = recording.header, file.path
        is_here, is_journal = header.boot_id == boot_id(), path.parent == self.journals
        found = self._read(recording, is_believed=header.sealed if is_journal else is_here, is_here=is_here)
        async with self.pool.acquire() as connection:
            if path not in self._settled and header.slots:
                lost = await self._settle_mails(connection, found, header)
                broken_seal = is_journal and not header.sealed
                self._settled[path] = lost + recording.unreadable + broken_seal
                if is_here and found.claims and not is_journal:
                    file.forget_slots(header)  # the next worker that looks after its claims knows
            for claim in found.claims:
                await give_back_claim(connection, claim.owner)
        # Of another host: its own workers remove it, or its administrator.
        is_ours = is_here or is_journal or header.host == _host()
        return is_ours and all(self.clock() >= claim.ends + CLAIM_SLACK for claim in found.claims)

    def _read(self, recording: Recording, *, is_believed: bool, is_here: bool) -> _Found:
        """What is believed of a file. After a loss of power, and of another host, that is what was answered: nothing
        says whether the rest is all that was written."""

        def at(moment: float) -> float:
            return moment if is_here else _on_our_clock(moment, recording.header, now=self.clock(), wall=self.wall())

        found = _Found()
        if is_believed:
            found.unsent += recording.leased
            found.perhaps_sent = recording.dot
            found.claims = tuple(UnderWay(owner=claim.owner, ends=at(claim.ends)) for claim in recording.claims)
        for answered in recording.answered:
            verdict = judge(answered.exchange, self._rules)
            if verdict.counts:
                found.outcomes.append(self._outcome(answered, verdict, ended=at(answered.ended)))
            else:  # a failure of the relay, or a stop: nothing was sent
                found.unsent.append(answered.key)
        return found

    def _outcome(self, answered: Answered, verdict: Verdict, *, ended: float) -> Finished:
        key = answered.key
        return finished(
            key,
            answered.exchange,
            verdict,
            mail_sha256_hex=answered.mail_sha256_hex,
            wait=self.wait(key.attempt, verdict) if verdict.outcome in MAY_GO_AGAIN else NO_WAIT,
            ended=min(ended, self.clock()),
        )

    async def _settle_mails(self, connection: Connection, found: _Found, header: Header) -> int:
        """Write what is known of mails. Returns how many outcomes PostgreSQL refuses."""
        written = lost = 0
        for start in range(0, len(found.outcomes), GROUP):
            recorded, refused = await self._record(connection, found.outcomes[start : start + GROUP])
            written, lost = written + recorded, lost + refused
        left = await requeue_unsent(connection, found.unsent)
        requeued = len(found.unsent) - len(left)
        uncertain = await recover_lost(connection, [*found.perhaps_sent, *left], shard=self.shard)
        await QUERIES.free_domain_connections(connection, worker=header.worker)
        counts = {"answered": written, "queued": requeued, "uncertain": uncertain}
        for name, count in counts.items():
            RECOVERED.labels(name).inc(count)
        log.warning(
            "a worker's mail is settled by its flight recorder", extra={"fields": {"worker": header.worker} | counts}
        )
        return lost

    async def _record(self, connection: Connection, group: Sequence[Finished]) -> tuple[int, int]:
        """Record a group, one by one where PostgreSQL refuses it as a whole. Returns how many were still theirs, and
        how many it refuses even so."""
        try:
            recorded = await record(
                connection, group, now=self.clock(), shard=self.shard, same_refusals=self.same_refusals
            )
        except REFUSED as error:
            if len(group) > 1:
                each = [await self._record(connection, [outcome]) for outcome in group]
                return sum(written for written, _ in each), sum(refused for _, refused in each)
            log.error("outcome of message %s cannot be written: %s", group[0].message_id, type(error).__name__)
            return 0, 1
        for relay in recorded.stopped_relays:
            self.note_stop(relay)
        await notify_change(connection, ChangeKind.MESSAGE, [outcome.ref for outcome in group])
        return recorded.written, 0


def _on_our_clock(moment: float, header: Header, *, now: float, wall: float) -> float:
    """A moment of another boot's monotonic clock on ours, by the time of day."""
    return now - (wall - (header.wall + moment - header.monotonic))


def _host() -> str:
    return socket.gethostname()
