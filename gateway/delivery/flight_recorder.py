"""A worker's flight recorder: what each of its mails has come to, in memory that outlives the process.

Every mail in hand has a slot of a memory-mapped file: no system call a mail. When the process dies, its file says for
each whether its final dot may have left and what the server answered, and another worker acts on it at once
(`settle.py`). Three orders make it true:

- a claim is noted before PostgreSQL is asked; the slots of its rows are written before its note is removed, and both
  before a sender has a row;
- a dot is noted before the write that contains it, never after;
- a slot is freed after the commit of what became of its mail.

A fault in this order may make a mail UNCERTAIN that was not sent; none may queue one that was. What is not in the file
(no free slot, no file) is settled by its lease, as without a recorder.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import mmap
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from gateway.cluster import split_hosts
from gateway.delivery.recorder_file import (
    BLOCK_BYTES,
    BLOCKS,
    CLAIMS,
    CLAIMS_END,
    NO_BLOCK,
    SEALED_FROM,
    SLOT_ROOM,
    Header,
    Layout,
    Word,
    cut_answer,
    pack_answer,
    pack_header,
    write_answer,
    write_claim,
    write_key,
)
from gateway.mail.response import Exchange
from gateway.outbox.outcomes import AttemptKey
from gateway.telemetry.metrics import RECORDING

log = logging.getLogger(__name__)

SUFFIX = ".recorder"
"""Of a recorder's file, and of its copy in JOURNAL_DIR."""
UNFINISHED = ".part"
"""Of a file that is being made."""
UNFINISHED_SECONDS = 60.0
"""How old such a file is before its worker is taken for dead: it has no lock for its first moment."""
SPARE_SLOTS = 64
"""Beside those of the senders and of the outcomes not yet written: for mail that is on its way between them."""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  a directory of ours below it, checked

FREE, LEASED, DOT, ANSWERED = (int(word) for word in (Word.FREE, Word.LEASED, Word.DOT, Word.ANSWERED))


class Slot:
    """One mail in hand: `gateway.smtp.connection.TransactionLog` of its transaction.

    Its calls are made for every mail: an `int` stored through a memoryview is one aligned store.
    """

    __slots__ = (
        *("_at", "_block", "_buffer", "_domain", "_given_up", "_key_checksum", "_recorder", "_word", "_words"),
        "mail_sha256_hex",
    )

    def __init__(self, recorder: FlightRecorder, at: int) -> None:
        self._recorder = recorder
        self._buffer = recorder.buffer
        self._words = recorder.words
        self._at = at
        self._word = at // 8
        self._block = NO_BLOCK
        self._domain = ""
        self._key_checksum = 0
        self._given_up = False
        self.mail_sha256_hex = ""

    def lease(self, row: AttemptKey, domain: str) -> None:
        """A claimed row has this slot: nothing of it was sent."""
        self._key_checksum = write_key(self._buffer, self._at, row)
        self._domain = domain
        self._words[self._word] = LEASED

    def mark_dot(self) -> None:
        """The next write holds the final dot."""
        self._words[self._word] = DOT

    def mark_answered(self, exchange: Exchange) -> None:
        """The transaction is over. An answer that cannot be kept leaves the slot as it is."""
        start = self._at
        try:
            packed = pack_answer(exchange, self._domain, self.mail_sha256_hex, self._recorder.clock())
            if len(packed) > SLOT_ROOM:
                packed = self._long_answer(exchange)
                if self._block != NO_BLOCK:
                    start = self._recorder.layout.block_at(self._block)
        except (TypeError, ValueError):
            log.exception("an answer cannot be noted in the flight recorder")
            return
        write_answer(self._buffer, self._at, packed, self._key_checksum, self._block, start)
        self._words[self._word] = ANSWERED

    def _long_answer(self, exchange: Exchange) -> bytes:
        """An answer that exceeds a slot: cut to a block, while there is one. Raises ValueError when it cannot be."""
        recorder = self._recorder
        if recorder.free_blocks and self._block == NO_BLOCK:
            self._block = recorder.free_blocks.pop()
        room = SLOT_ROOM if self._block == NO_BLOCK else BLOCK_BYTES
        return cut_answer(exchange, self._domain, self.mail_sha256_hex, recorder.clock(), room=room)

    def give_up(self) -> None:
        """Our own code failed on the mail, and a connection may still have it: its lease decides, and no other mail
        gets this slot."""
        self._words[self._word] = FREE
        self._given_up = True

    def free(self) -> None:
        """What became of the mail is committed, or is left to its lease."""
        if self._given_up:
            return
        recorder = self._recorder
        self._words[self._word] = FREE
        if self._block != NO_BLOCK:
            recorder.free_blocks.append(self._block)
            self._block = NO_BLOCK
        recorder.free_slots.append(self)


class FlightRecorder:
    """One worker's recorder. `open` makes its file, locked as long as the process lives; without a directory that takes
    one it is in memory only: then a drain can still journal it, and a death is settled by leases."""

    def __init__(
        self, memory: mmap.mmap, header: Header, *, file: LockedFile | None, clock: Callable[[], float]
    ) -> None:
        self.clock = clock
        self.layout = Layout(slots=header.slots)
        self.buffer = memoryview(memory)
        self.words = self.buffer.cast("Q")
        self.free_blocks = list(range(BLOCKS))
        self.free_slots = [Slot(self, self.layout.slot_at(number)) for number in reversed(range(header.slots))]
        self._header = header
        self._file = file
        self._claims: dict[UUID, int] = {}
        self._free_claims = list(reversed(range(CLAIMS)))
        packed = pack_header(header)
        self.buffer[: len(packed)] = packed

    @classmethod
    def open(
        cls,
        directory: Path | None,
        *,
        deployment: str,
        worker: UUID,
        slots: int,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> FlightRecorder:
        """Make the file `<deployment>-<worker>.recorder`. Where that fails (no such directory, no space) the recorder
        is in memory only, and says so."""
        header = Header(
            worker=worker, boot_id=boot_id(), host=socket.gethostname(), slots=slots, monotonic=clock(), wall=wall()
        )
        size = Layout(slots=slots).size
        file = None
        if directory is not None:
            try:
                file = LockedFile.create(directory / f"{deployment}-{worker}{UNFINISHED}", size)
                recorder = cls(mmap.mmap(file.descriptor, size), header, file=file, clock=clock)
                file.rename(file.path.with_suffix(SUFFIX))
            except OSError as error:
                if file is not None:
                    file.remove()
                log.warning("no flight recorder, a death of this worker leaves mail UNCERTAIN: %s", error.strerror)
            else:
                RECORDING.set(1)
                return recorder
        RECORDING.set(0)
        return cls(mmap.mmap(-1, size), header, file=None, clock=clock)

    # ---- claims

    def begin_claim(self, owner: UUID, *, ends: float) -> None:
        """PostgreSQL is asked next for rows under this owner, leased until `ends`. A claim beyond `CLAIMS` is not
        noted."""
        if not self._free_claims:
            return
        number = self._claims[owner] = self._free_claims.pop()
        at = self.layout.claim_at(number)
        write_claim(self.buffer, at, owner, ends)
        self.words[at // 8] = int(Word.CLAIMED)

    def end_claim(self, owner: UUID) -> None:
        """The claim leased nothing, or its rows have slots, or are given back for good."""
        number = self._claims.pop(owner, None)
        if number is not None:
            self.words[self.layout.claim_at(number) // 8] = FREE
            self._free_claims.append(number)

    def lease(self, row: AttemptKey, domain: str) -> Slot | None:
        """A slot for a claimed row; None when there is none: then its lease decides."""
        if not self.free_slots:
            return None
        slot = self.free_slots.pop()
        slot.lease(row, domain)
        return slot

    # ---- the end

    @property
    def left(self) -> int:
        """Mails and claims of which PostgreSQL does not know yet what became of them."""
        slots = (self.words[self.layout.slot_at(number) // 8] for number in range(self.layout.slots))
        return sum(word != FREE for word in slots) + len(self._claims)

    def seal(self, *, now: float, wall: float) -> bytes:
        """A copy that is believed on any machine at any time. Call it when nothing is sent any more."""
        body = bytes(self.buffer[SEALED_FROM:])
        header = replace(self._header, monotonic=now, wall=wall, sealed=True)
        return pack_header(header, body=body).ljust(SEALED_FROM, b"\0") + body

    def close(self, *, keep: bool = False) -> bool:
        """End: the file is removed, or kept for whichever worker of this machine finds it. Returns whether there is
        one. The memory stays, since a connection that ends late may still write to it."""
        if self._file is None:
            return False
        if keep:
            self._file.unlock()
        else:
            self._file.remove()
        self._file = None
        return True


class LockedFile:
    """A file that this process has locked (`flock`) until it dies or unlocks it: who gets the lock knows that nobody
    else works on it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def create(cls, path: Path, size: int) -> LockedFile:
        """A new file of so many bytes, which are there: a mapped file on a full disk would end the process. Raises
        OSError."""
        # Replies are personal data: readable by this user only.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        file = cls(path, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _allocate(descriptor, size)
        except OSError:
            file.remove()
            raise
        return file

    @classmethod
    def take(cls, path: Path) -> LockedFile | None:
        """A file whose process is dead; None while it lives, or when somebody else has settled or taken it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                return cls(path, descriptor)
        except BlockingIOError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def read(self, limit: int) -> bytes:
        """The whole file, at most `limit` bytes of it."""
        return os.pread(self.descriptor, limit, 0)

    def forget_slots(self, header: Header) -> None:
        """Leave only the claims: the mails are settled. Raises OSError."""
        os.pwrite(self.descriptor, pack_header(replace(header, slots=0)), 0)
        os.ftruncate(self.descriptor, CLAIMS_END)

    def rename(self, path: Path) -> None:
        """Give it its name. Raises OSError."""
        self.path.rename(path)
        self.path = path

    def remove(self) -> None:
        """Remove it, and unlock."""
        self.path.unlink(missing_ok=True)
        self.unlock()

    def unlock(self) -> None:
        """Leave it to others. A mapping of it keeps the lock when its descriptor is closed, so it is undone first."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        os.close(self.descriptor)


def _allocate(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    zeros = bytes(1 << 20)  # macOS
    for start in range(0, size, len(zeros)):
        os.pwrite(descriptor, zeros[: size - start], start)


def boot_id() -> UUID:
    """What Linux calls this run of the machine; elsewhere one that no other process has."""
    try:
        return UUID(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return uuid4()


def deployment_id(database_url: str) -> str:
    """Short hash of a database's address, whatever the order of its hosts: workers of another database leave a file
    alone."""
    hosts = [urlsplit(address) for address in sorted(split_hosts(database_url))]
    address = ",".join(f"{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}" for parts in hosts)
    return hashlib.sha256(address.encode()).hexdigest()[:12]


def open_directory(configured: str | None) -> Path | None:
    """The directory of recorders, made if it is missing: the configured one, else our own in memory (`/dev/shm`) or,
    where there is none, among temporary files. None where it cannot be used, which is logged."""
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir())
    path = Path(configured) if configured else parent / f"customer-emails-{os.geteuid()}"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not configured:
            state = path.lstat()
            if state.st_uid != os.geteuid() or state.st_mode & 0o077:
                raise PermissionError(1, "another user made it, or may write to it")
    except OSError as error:
        log.warning("no flight recorder: its directory cannot be used: %s", error.strerror)
        return None
    return path


def deployment_files(directory: Path, deployment: str) -> Iterable[Path]:
    """The recorders of a deployment's workers, living and dead."""
    return sorted(directory.glob(f"{deployment}-*{SUFFIX}"))


def remove_unfinished(directory: Path, deployment: str, *, now: float) -> None:
    """Remove files of workers that died while they made them, `now` by the time of day."""
    for path in directory.glob(f"{deployment}-*{UNFINISHED}"):
        with suppress(OSError):
            if now - path.stat().st_mtime > UNFINISHED_SECONDS and (file := LockedFile.take(path)) is not None:
                file.remove()
