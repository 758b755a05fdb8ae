"""Outcomes that could not be written before the process had to end: an fsynced file, replayed by the next start."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from gateway.mail.verdict import Cause, Outcome
from gateway.outbox.outcomes import Finished

log = logging.getLogger(__name__)

SUFFIX = ".outcomes"
ASIDE = ".unreadable"
"""Suffix of a journal that could not be replayed as a whole: it is not read again."""
GROUP = 200
"""Outcomes a commit, as the outcome writer groups them."""
REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)
"""Errors of the outcome itself, which a retry would not mend (ValueError: asyncpg cannot even send it)."""
LARGEST_FILE = 256 * 1024 * 1024
"""Octets read back at most: far above the few hundred outcomes a process holds, with 64 KiB of words each."""


def write(directory: Path, outcomes: Sequence[Finished], *, now: float, wall: float, process: UUID) -> Path:
    """Write outcomes, one JSON line each, and return only when they are on the disk. Raises OSError.

    `now` is the monotonic clock of the outcomes, `wall` the time of day: only by it can the next process tell how old
    they are.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)  # it may have been removed since the start
    path = directory / f"{process}{SUFFIX}"
    lines = b"".join(_line(outcome, now=now, wall=wall) + b"\n" for outcome in outcomes)
    part = path.with_suffix(".part")
    # Responses are personal data: readable by this user only.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync_directory(directory)
    return path


def make(directory: Path) -> None:
    """Make the directory and write into it, so that an unusable one is reported at start. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=directory):
        pass


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(outcome: Finished, *, now: float, wall: float) -> bytes:
    return orjson.dumps(dataclasses.replace(outcome, ended=wall - (now - outcome.ended)), default=str)


def files(directory: Path) -> list[Path]:
    """The journals in a directory."""
    return sorted(directory.glob(f"*{SUFFIX}")) if directory.is_dir() else []


def read(path: Path, *, now: float, wall: float) -> tuple[list[Finished], int]:
    """A journal's outcomes, their `ended` on this process's monotonic clock, and how many lines cannot be read."""
    outcomes, unreadable = [], 0
    with path.open("rb") as file:
        for number, line in enumerate(file.read(LARGEST_FILE).splitlines(), 1):
            try:
                outcomes.append(_outcome(orjson.loads(line), now=now, wall=wall))
            except (ValueError, KeyError, TypeError):
                log.error("journal %s: line %d cannot be read", path.name, number)
                unreadable += 1
    return outcomes, unreadable


async def replay(
    directory: Path, record: Callable[[Sequence[Finished]], Awaitable[object]], *, now: float, wall: float
) -> None:
    """Record what the last process could not: by its leases where they still hold, else as evidence. A journal is
    deleted when all of it is written; one with a line that cannot be read or written is kept aside, for a person.
    Raises what `record` raises when PostgreSQL is away: the journal stays, and may be replayed again."""
    for path in files(directory):
        try:
            outcomes, lost = read(path, now=now, wall=wall)
        except FileNotFoundError:  # another worker that starts now replayed it
            continue
        for start in range(0, len(outcomes), GROUP):
            lost += await _write(outcomes[start : start + GROUP], record)
        log.warning("journal %s: %d outcomes replayed", path.name, len(outcomes))
        if lost:
            _keep_aside(path, lost)
        else:
            path.unlink(missing_ok=True)


async def _write(group: Sequence[Finished], record: Callable[[Sequence[Finished]], Awaitable[object]]) -> int:
    """Write a group, one by one where PostgreSQL refuses it as a whole. Returns how many it refuses even so."""
    try:
        await record(group)
    except REFUSED as error:
        if len(group) > 1:
            return sum([await _write([outcome], record) for outcome in group])
        log.error("outcome of message %s cannot be written: %s", group[0].message_id, type(error).__name__)
        return 1
    return 0


def _keep_aside(path: Path, lost: int) -> None:
    aside = path.with_suffix(ASIDE)
    with contextlib.suppress(FileNotFoundError):
        path.replace(aside)
        _sync_directory(path.parent)
    log.error("journal %s: %d of its outcomes could not be recorded; it is kept as %s", path.name, lost, aside.name)


def _outcome(value: dict[str, Any], *, now: float, wall: float) -> Finished:
    cause = value["cause"]
    return Finished(
        **{
            **value,
            "owner": UUID(value["owner"]),
            "message_id": UUID(value["message_id"]),
            "verdict": Outcome(value["verdict"]),
            "cause": Cause(cause) if cause is not None else None,
            "ended": now - max(0.0, wall - value["ended"]),
        }
    )
