"""A recorder's file: where it lies, who may have it, and that its absence only costs what it would have known."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.delivery import flight_recorder, journal
from gateway.delivery.flight_recorder import (
    FlightRecorder,
    LockedFile,
    deployment_id,
    open_directory,
    remove_unfinished,
)
from gateway.delivery.recorder_file import read
from gateway.telemetry.metrics import RECORDING
from tests.engine import claimed
from tests.unit.exchanges import answered


def open_recorder(directory: Path | None) -> FlightRecorder:
    return FlightRecorder.open(directory, deployment="test", worker=uuid4(), slots=4)


def test_the_file_is_for_our_eyes_only_and_says_what_is_noted_without_being_written(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path)
    slot = recorder.lease(claimed(), "customer.example")
    assert slot is not None
    slot.mark_dot()
    slot.mark_answered(answered("END_OF_DATA 250 2.0.0 Ok"))

    [path] = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    found = read(path.read_bytes())
    assert found is not None
    assert [one.exchange.response for one in found.answered] == [answered("END_OF_DATA 250 2.0.0 Ok").response]
    assert RECORDING._value.get() == 1
    recorder.close()
    assert list(tmp_path.iterdir()) == []
    slot.mark_dot()  # a connection that ends late does no harm


def test_a_file_is_its_workers_until_that_is_gone(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path)
    [path] = tmp_path.iterdir()
    assert LockedFile.take(path) is None

    recorder.close(keep=True)

    first = LockedFile.take(path)
    assert first is not None
    assert LockedFile.take(path) is None  # one settles it
    descriptor = os.open(path, os.O_RDWR)  # another found it before it was removed
    first.remove()
    os.close(descriptor)
    assert LockedFile.take(path) is None


def test_a_file_that_was_removed_before_it_was_locked_is_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_recorder(tmp_path).close(keep=True)
    [path] = tmp_path.iterdir()
    lock = fcntl.flock

    def settled_meanwhile(descriptor: int, how: int) -> None:
        path.unlink()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", settled_meanwhile)
    assert LockedFile.take(path) is None


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.ENOLCK])
def test_a_full_disk_or_one_without_locks_is_said_and_a_worker_goes_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(*((os, "posix_fallocate") if fault == errno.ENOSPC else (fcntl, "flock")), fail)

    recorder = open_recorder(tmp_path)

    assert f"leaves mail UNCERTAIN: {os.strerror(fault)}" in caplog.text
    assert RECORDING._value.get() == 0
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    # A drain can still journal what it has in memory
    slot = recorder.lease(claimed(), "")
    assert slot is not None
    path = journal.write(tmp_path, recorder.seal(now=0.0, wall=0.0), worker=uuid4())
    found = read(path.read_bytes())
    assert found is not None
    assert len(found.leased) == 1
    assert recorder.close(keep=True) is False


def test_every_byte_of_a_file_is_there_when_it_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate")  # macOS
    recorder = open_recorder(tmp_path)
    [path] = tmp_path.iterdir()
    assert path.stat().st_blocks * 512 >= path.stat().st_size == recorder.layout.size


def test_a_file_whose_worker_died_while_it_made_it_is_removed(tmp_path: Path) -> None:
    mine, other = tmp_path / "test-1.part", tmp_path / "other-1.part"
    living = LockedFile.create(tmp_path / "test-2.part", 10)
    for path in (mine, other):
        path.touch()
    written = mine.stat().st_mtime

    remove_unfinished(tmp_path, "test", now=written + 1)
    assert mine.exists()
    remove_unfinished(tmp_path, "test", now=written + 100)

    assert set(tmp_path.iterdir()) == {other, living.path}
    living.remove()


# Where they lie --------------------------------------------------------------------------------------------------


def test_a_configured_directory_is_made_and_one_that_cannot_be_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_directory(str(tmp_path / "run" / "mail")) == tmp_path / "run" / "mail"
    assert (tmp_path / "run" / "mail").stat().st_mode & 0o777 == 0o700
    (tmp_path / "taken").touch()
    assert open_directory(str(tmp_path / "taken")) is None
    assert "its directory cannot be used: File exists" in caplog.text


def test_our_own_directory_is_not_used_where_others_may_write_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(flight_recorder, "SHARED_MEMORY", tmp_path)
    made = open_directory(None)
    assert made == tmp_path / f"customer-emails-{os.geteuid()}"
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o777)
    assert open_directory(None) is None
    assert "or may write to it" in caplog.text
    # Without shared memory it lies among temporary files
    monkeypatch.setattr(flight_recorder, "SHARED_MEMORY", tmp_path / "missing")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    assert open_directory(None) == tmp_path / "temporary" / made.name


def test_a_deployment_is_its_database_whoever_asks_for_it() -> None:
    one = deployment_id("postgresql://mail:secret@db.internal/mail?sslmode=disable")
    assert one == deployment_id("postgresql://other:password@db.internal/mail?sslmode=disable")
    others = ("postgresql://mail@db.internal/other?sslmode=disable", "postgresql://mail@db2.internal/mail")
    assert one not in map(deployment_id, others)
    assert len(one) == 12


# The journal -----------------------------------------------------------------------------------------------------


def test_the_journal_is_on_the_disk_before_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, bool]] = []

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, bool(journal.files(tmp_path))))

    monkeypatch.setattr("os.fsync", fsync)
    path = journal.write(tmp_path, open_recorder(None).seal(now=0.0, wall=0.0), worker=uuid4())

    # The file before it gets its name, then the directory that holds the name.
    assert synced == [(path.stat().st_ino, False), (tmp_path.stat().st_ino, True)]
    assert path.stat().st_mode & 0o777 == 0o600
    assert journal.files(tmp_path) == [path]
    assert journal.files(tmp_path / "missing") == []
