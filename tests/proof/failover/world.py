"""All hosts of the proof: databases, Valkeys, services and gateways, and the mail server that notes every mail."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx

from gateway.database import connect
from service.auth.tokens import create_token
from service.standalone.migrate import migrate
from tests.builders import SECRET_KEYS
from tests.eventually import eventually
from tests.proof.counts import CONNECTIONS
from tests.proof.failover.databases import Databases, prepare
from tests.proof.failover.hosts import Host, Program
from tests.proof.failover.places import Places
from tests.proof.failover.valkeys import Valkeys
from tests.proof.sink import Sink, recording_sink

DATABASES, VALKEYS, SERVICES, GATEWAYS = 3, 3, 2, 3
LEASE_SECONDS = 15
"""Of a worker that is gone with its host: a frozen one's mail is another's after that."""
SUPERVISE_SECONDS = 1.0
"""After which a program that ended by itself is started again."""
WELL_SECONDS = 180.0
"""Within which all are well again."""
BEAT = "beat"
"""A database of the watcher's own."""


class NotWell(Exception):
    """Something did not come back: the rounds end here."""


class World:
    """The hosts, by name."""

    def __init__(self, places: Places, directory: Path, sink: Sink, databases: type[Databases]) -> None:
        prepare(directory)
        self.directory = directory
        self.sink = sink
        self._places = places
        self.hosts: dict[str, Host] = {}
        self.databases = databases([self._host(f"pg{n}") for n in range(1, DATABASES + 1)])
        self.valkeys = Valkeys([self._host(f"valkey{n}") for n in range(1, VALKEYS + 1)])
        self.services = [self._service(self._host(f"service{n}")) for n in range(1, SERVICES + 1)]
        self.gateways = [self._gateway(self._host(f"gateway{n}")) for n in range(1, GATEWAYS + 1)]
        self._lacking = ""
        self.writer = self.reader = ""
        """Tokens: of the client that writes, and of the one that reads."""

    def _host(self, name: str) -> Host:
        directory = self.directory / name
        directory.mkdir()
        place = self._places.add(len(self.hosts) + 1)
        self.hosts[name] = Host(name=name, place=place, places=self._places, directory=directory)
        return self.hosts[name]

    def _settings(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.databases.url,
            "REDIS_URL": self.valkeys.url,
            "PUBLIC_URL": "http://mail.example",
            "DEFAULT_FROM": "Fabrikam Installers <hello@fabrikam.example>",
            "RELAY_URL": f"{self.sink.url}&connections={CONNECTIONS}&tls=off",
            "SECRET_KEYS": SECRET_KEYS,
            "ALLOW_RESERVED_DOMAINS": "1",
        }

    def _service(self, host: Host) -> Host:
        command = [sys.executable, "-m", "service", "--host", host.address, "--port", "8000"]
        environment = self._settings() | {"DATABASE_READ_URL": self.databases.read_url}
        host.programs.append(Program(name="service", command=command, environment=environment))
        return host

    def _gateway(self, host: Host) -> Host:
        environment = self._settings() | {
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "RECORDER_DIR": str(host.directory / "recorders"),
            "JOURNAL_DIR": str(host.directory / "journal"),
        }
        command = [sys.executable, "-m", "tests.proof.gateway", "pauses"]
        host.programs.append(Program(name="gateway", command=command, environment=environment))
        return host

    async def start(self) -> None:
        """Start all: the databases first, whose tables are made."""
        await self.databases.begin()
        roles = await eventually(self.databases.roles, "a primary and its standbys", seconds=WELL_SECONDS)
        leader = roles["leader"]
        await asyncio.to_thread(migrate, self.databases.url_of(leader))
        connection = await connect(self.databases.url)
        try:
            await connection.execute(f"create database {BEAT}")
            self.writer = await create_token(connection, "writer")
            self.reader = await create_token(connection, "reader")
        finally:
            await connection.close()
        beating = await asyncpg.connect(self.databases.url_of(leader, BEAT))
        await beating.execute("create table beat (at timestamptz not null)")
        await beating.execute("insert into beat select now()")
        await beating.close()
        for host in self.hosts.values():
            if not host.up:
                host.start()
        await self.well()

    async def well(self) -> dict[str, str]:
        """Wait until all are well; returns who plays which part. Raises NotWell, which says what is not."""
        try:
            return dict(await eventually(self._roles, "everything well", seconds=WELL_SECONDS))
        except AssertionError as error:
            raise NotWell(f"{error}: {self._lacking}; Patroni says {await self.databases.members()}") from error

    async def _roles(self) -> dict[str, str]:
        ready = await asyncio.gather(*map(is_ready, self.services))
        valkeys = await self.valkeys.roles()
        databases = await self.databases.roles()
        if not (all(ready) and valkeys and databases):
            self._lacking = f"services ready: {ready}, Valkeys: {valkeys or 'not'}, databases: {databases or 'not'}"
            await asyncio.sleep(0.2)
            return {}
        return {
            "primary": databases["leader"],
            "synchronous standby": databases["sync_standby"],
            "asynchronous standby": databases["replica"],
            **valkeys,
        }

    async def supervise(self) -> None:
        """Start again what ended by itself, until cancelled."""
        while True:
            for host in self.hosts.values():
                host.supervise()
            await asyncio.sleep(SUPERVISE_SECONDS)

    async def stop(self) -> None:
        """End everything."""
        for host in self.hosts.values():
            await host.kill()


async def is_ready(service: Host) -> bool:
    """Whether a service says so within a second, as a balancer asks."""
    try:
        async with httpx.AsyncClient(timeout=1.0) as http:
            return (await http.get(f"http://{service.address}:8000/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


@asynccontextmanager
async def started(places: Places, directory: Path, databases: type[Databases]) -> AsyncIterator[World]:
    """All hosts, until the block ends."""
    with recording_sink(directory, tls=False, address=places.own) as sink:
        world = World(places, directory, sink, databases)
        try:
            await world.start()
            tasks = [asyncio.create_task(one) for one in (world.supervise(), world.databases.follow())]
            try:
                yield world
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await world.stop()
