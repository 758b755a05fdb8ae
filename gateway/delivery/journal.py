"""The journal: a copy of a worker's flight recorder, made when it had to end before PostgreSQL could take everything.

It is on the disk in JOURNAL_DIR before the process ends; `settle.py` reads it like any recorder, after a restart of the
machine, too.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from uuid import UUID

from gateway.delivery.flight_recorder import SUFFIX, UNFINISHED


def write(directory: Path, sealed: bytes, *, worker: UUID) -> Path:
    """Write a sealed recorder, and return only when it is on the disk. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)  # it may have been removed since the start
    part = directory / f"{worker}{UNFINISHED}"
    # Responses are personal data: readable by this user only.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(sealed)
        file.flush()
        os.fsync(file.fileno())
    path = part.replace(part.with_suffix(SUFFIX))
    sync_directory(directory)
    return path


def make(directory: Path) -> None:
    """Make the directory and write into it, so that an unusable one is reported at start. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=directory):
        pass


def files(directory: Path) -> list[Path]:
    """The journals in a directory."""
    return sorted(directory.glob(f"*{SUFFIX}")) if directory.is_dir() else []


def sync_directory(directory: Path) -> None:
    """Put the names of a directory's files on the disk. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
