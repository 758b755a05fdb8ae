"""Valkey under Sentinel: wake-ups and waiting hits survive the loss of the primary."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.delivery import arq_listener
from gateway.errors import BufferUnavailable
from gateway.notify.wakeup import VALKEY_AWAY, Wakeup
from gateway.tracking.buffer import HitBuffer
from gateway.valkey import open_valkey
from service.cache import Cache
from service.standalone.process_guard import spawn
from service.standalone.valkey import binary
from tests.eventually import eventually
from tests.servers import stop
from tests.service_process import free_port


class Watched:
    """A primary, its replica and a Sentinel that promotes it a moment after the primary is gone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: list[subprocess.Popen[bytes]] = []
        self._port, replica, self._sentinel = (free_port() for _ in range(3))
        self.primary = self._start(self._port)
        self._start(replica, "--replicaof", f"127.0.0.1 {self._port}")
        self.url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self._sentinel}/mail/2"

    def watch(self) -> None:
        """Start the Sentinel. It asks the primary for its replicas now, and then every ten seconds."""
        watched = self._directory / "sentinel.conf"
        watched.write_text(
            f"port {self._sentinel}\nbind 127.0.0.1\ndir {self._directory}\n"
            f"sentinel monitor mail 127.0.0.1 {self._port} 1\n"
            "sentinel down-after-milliseconds mail 300\nsentinel failover-timeout mail 1000\n"
        )
        self._spawn(watched, "--sentinel")

    def _start(self, port: int, *options: str) -> subprocess.Popen[bytes]:
        place = self._directory / str(port)
        place.mkdir()
        usual = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--repl-diskless-sync-delay", "0"]
        return self._spawn(*usual, "--dir", str(place), *options)

    def _spawn(self, *options: str | Path) -> subprocess.Popen[bytes]:
        with (self._directory / "log").open("ab") as log:
            process = spawn([binary(), *options], stop_signal=signal.SIGKILL, output=log)
        self._running.append(process)
        return process

    async def is_replicated(self) -> bool:
        """Whether the primary has its replica."""
        try:
            async with Redis(port=self._port, socket_timeout=1) as client:
                said = await client.info("replication")
        except VALKEY_AWAY:
            return False
        return bool(said["connected_slaves"] == 1 and said["slave0"]["state"] == "online")

    async def has_replica(self) -> bool:
        """Whether the Sentinel knows primary and replica."""
        try:
            async with Redis(port=self._sentinel, socket_timeout=1) as client:
                asked: Any = client
                known = await asked.sentinel_master("mail")
                replicas = await asked.sentinel_slaves("mail")
        except VALKEY_AWAY:
            return False
        return bool(known["num-slaves"] == 1 and replicas[0]["master-link-status"] == "ok")

    def stop(self) -> None:
        """End all of them."""
        for process in self._running:
            stop(process, signal.SIGKILL)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    made = Watched(tmp_path)
    try:
        await eventually(made.is_replicated, "a replica")
        made.watch()
        await eventually(made.has_replica, "a Sentinel that knows the replica")
        yield made
    finally:
        await asyncio.to_thread(made.stop)


async def test_after_the_primary_is_gone_wake_ups_go_on_and_waiting_hits_are_there(watched: Watched) -> None:
    # Given hits that wait, and a worker that listens; the first Sentinel of the list is away
    buffer, wakeup, cache = HitBuffer(watched.url), Wakeup(watched.url), Cache(watched.url, clock=monotonic)
    await buffer.push([b"one", b"two"])
    async with Redis.from_pool(open_valkey(watched.url, timeout=2)) as client:
        await client.wait(1, 5000)
    woken = asyncio.Event()

    async def listen() -> None:
        while True:
            try:
                await arq_listener.listen(watched.url, woken.set)
            except VALKEY_AWAY:
                await asyncio.sleep(0.05)

    async def wakes() -> bool:
        await wakeup.notify()
        return woken.is_set()

    listening = asyncio.create_task(listen())
    await eventually(wakes, "a wake-up")
    assert await cache.is_up()

    # When the primary is killed
    stop(watched.primary, signal.SIGKILL)

    # Then its replica has the hits, and wakes the worker
    async def oldest() -> list[bytes]:
        try:
            return await buffer.oldest(5)
        except BufferUnavailable:
            return []

    assert await eventually(oldest, "the hits") == [b"one", b"two"]
    woken.clear()
    await eventually(wakes, "a wake-up by the new primary")
    await eventually(cache.is_up, "the cache")
    await arq_listener.end(listening)
    await buffer.close()
    await wakeup.close()
    await cache.close()
