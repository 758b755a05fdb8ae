"""Outcomes that could not be written before the process had to end: an fsynced file, replayed by the next start."""

from __future__ import annotations

import base64
import dataclasses
import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from gateway.mail.verdict import Cause, Outcome
from gateway.record import Finished

log = logging.getLogger(__name__)

SUFFIX = ".outcomes"
LARGEST_FILE = 256 * 1024 * 1024
"""Octets read back at most: far above the few hundred outcomes a process holds, with 64 KiB of words each."""


def write(directory: Path, outcomes: Sequence[Finished], *, now: float, wall: float, process: UUID) -> Path:
    """Write outcomes, one JSON line each, and return only when they are on the disk. Raises OSError.

    `now` is the monotonic clock of the outcomes, `wall` the time of day: only by it can the next process tell how old
    they are.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / f"{process}{SUFFIX}"
    lines = b"".join(orjson.dumps(_line(outcome, now=now, wall=wall), default=str) + b"\n" for outcome in outcomes)
    part = path.with_suffix(".part")
    # Servers' words are personal data: for our eyes only.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync_directory(directory)
    return path


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(outcome: Finished, *, now: float, wall: float) -> dict[str, Any]:
    value = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
    value["mail_sha256"] = base64.b64encode(outcome.mail_sha256).decode()
    value["wait"] = outcome.wait.total_seconds()
    value["ended"] = wall - (now - outcome.ended)
    return value


def files(directory: Path) -> list[Path]:
    """The journals that lie there."""
    return sorted(directory.glob(f"*{SUFFIX}")) if directory.is_dir() else []


def read(path: Path, *, now: float, wall: float) -> list[Finished]:
    """A journal's outcomes, their `ended` on this process's monotonic clock. Unreadable lines are reported."""
    outcomes = []
    with path.open("rb") as file:
        for number, line in enumerate(file.read(LARGEST_FILE).splitlines(), 1):
            try:
                outcomes.append(_outcome(orjson.loads(line), now=now, wall=wall))
            except (ValueError, KeyError, TypeError):
                log.error("journal %s: line %d cannot be read", path.name, number)
    return outcomes


def _outcome(value: dict[str, Any], *, now: float, wall: float) -> Finished:
    cause = value["cause"]
    return Finished(
        **{
            **value,
            "owner": UUID(value["owner"]),
            "message_id": UUID(value["message_id"]),
            "verdict": Outcome(value["verdict"]),
            "cause": Cause(cause) if cause is not None else None,
            "mail_sha256": base64.b64decode(value["mail_sha256"]),
            "wait": timedelta(seconds=value["wait"]),
            "ended": now - max(0.0, wall - value["ended"]),
        }
    )
