"""The failover proof's hosts, at loopback addresses: what happens to one happens to all that runs there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.eventually import eventually
from tests.proof.failover.hosts import Host, Program
from tests.proof.failover.places import Loopback


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """One with a program that forks a daemon, and one that ends when its file is there."""
    places = Loopback()
    forking = Program(name="forking", command=["/bin/sh", "-c", "(setsid sleep 600 &); exec sleep 600"])
    ending = Program(name="ending", command=["/bin/sh", "-c", "until [ -e end ]; do sleep 0.05; done; rm end"])
    made = Host(name="one", place=places.add(1), places=places, directory=tmp_path, programs=[forking, ending])
    made.start()
    await eventually(lambda: len(states(tmp_path, "sleep 600")) == 2, "the program and its daemon")
    yield made
    await made.kill()


def states(directory: Path, command: str) -> list[str]:
    """What the kernel says of processes with this command in a directory."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline", "status"]):
        if process.info["cwd"] == str(directory) and " ".join(process.info["cmdline"] or ()) == command:
            found.append(process.info["status"])
    return found


async def test_a_host_that_freezes_and_dies_takes_its_daemons_with_it(host: Host) -> None:
    await host.freeze()
    await eventually(lambda: set(states(host.directory, "sleep 600")) == {psutil.STATUS_STOPPED}, "frozen processes")
    host.heal("freeze")
    await eventually(lambda: psutil.STATUS_STOPPED not in states(host.directory, "sleep 600"), "processes that go on")
    await host.kill()
    assert states(host.directory, "sleep 600") == []
    host.supervise()
    assert states(host.directory, "sleep 600") == []
    host.heal("kill")
    await eventually(lambda: len(states(host.directory, "sleep 600")) == 2, "all of it again")


async def test_what_ends_by_itself_is_started_again(host: Host) -> None:
    (host.directory / "end").touch()

    def restarted() -> bool:
        host.supervise()
        return host.restarts == 1

    await eventually(restarted, "another start")
    assert not (host.directory / "end").exists()
