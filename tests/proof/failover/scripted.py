"""Where Patroni or etcd is absent: three hosts with PostgreSQL, of which a script of the proof's own promotes one.

It is no failover manager: it is one process and sees all. A commit waits for one named standby, and only that one is
promoted, so that a primary which was replaced can acknowledge nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg

from service.standalone import process_guard
from service.standalone.postgres import binaries
from service.standalone.process_guard import DEFAULT_GUARD, server_account
from tests.eventually import eventually
from tests.proof.failover.databases import SETTINGS, Databases
from tests.proof.failover.hosts import Host, Program

SILENT_LOOKS = 5
"""Looks in a row without an answer, after which a host counts as gone."""
LOOK_SECONDS = 0.5


class ScriptedDatabases(Databases):
    """The three hosts, followed by `follow`."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        super().__init__(hosts)
        self._primary, self._synchronous, *_ = self.hosts
        self._silent = dict.fromkeys(self.hosts, 0)

    def programs(self, host: Host, hosts: Sequence[Host]) -> list[Program]:
        """PostgreSQL alone."""
        settings = SETTINGS | {
            "listen_addresses": host.address,
            "unix_socket_directories": host.directory,
            "hot_standby": "on",
            "wal_log_hints": "on",
        }
        command: list[str | Path] = [binaries() / "postgres", "-D", host.directory / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return [Program(name="postgres", command=command, account=server_account())]

    async def begin(self) -> None:
        """Make the primary, and copy it."""
        first, *others = self.hosts.values()
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--locale-provider=builtin"]
        options += ["--builtin-locale=C.UTF-8", "--lc-ctype=C.UTF-8", "--no-sync", "--no-instructions"]
        self._run(first, [binaries() / "initdb", "-D", first.directory / "data", *options])
        network = first.address.split(".")[0] + ".0.0.0/8"
        with (first.directory / "data" / "pg_hba.conf").open("a", encoding="ascii") as rules:
            rules.write(f"host all all {network} trust\nhost replication all {network} trust\n")
        first.start()
        await eventually(lambda: self._ask(first.name, "select 1"), "the primary")
        for host in others:
            await self._copy(host)
        await self._wait_for(self._synchronous)

    async def roles(self) -> dict[str, str]:
        """Who is what, when all are well."""
        streaming = "select array_agg(application_name::text) from pg_stat_replication where state = 'streaming'"
        found = await self._ask(self._primary, streaming)
        others = [name for name in self.hosts if name not in (self._primary, self._synchronous)]
        if set(found or ()) != {self._synchronous, *others}:
            return {}
        return {"leader": self._primary, "sync_standby": self._synchronous, "replica": others[0]}

    async def follow(self) -> None:
        """Look at all, promote and copy as need be, until cancelled."""
        while True:
            answers = await asyncio.gather(*(self._ask(name, "select pg_is_in_recovery()") for name in self.hosts))
            for name, answer in zip(self.hosts, answers, strict=True):
                self._silent[name] = 0 if answer is not None else self._silent[name] + 1
            if self._silent[self._primary] >= SILENT_LOOKS and not self._silent[self._synchronous]:
                await self._promote()
            elif not self._silent[self._primary]:
                await self._mend(dict(zip(self.hosts, answers, strict=True)))
            await asyncio.sleep(LOOK_SECONDS)

    async def _promote(self) -> None:
        """The synchronous standby takes the writes; a commit waits for the third from then on."""
        old, self._primary = self._primary, self._synchronous
        [self._synchronous] = [name for name in self.hosts if name not in (old, self._primary)]
        # Before it takes any: else a commit could be acknowledged that it alone has.
        await self._wait_for(self._synchronous)
        await self._ask(self._primary, "select pg_promote()")
        await self._point(self._synchronous)

    async def _mend(self, recovering: dict[str, Any]) -> None:
        """Another standby is waited for where that one is gone; who follows another primary is copied anew."""
        standbys = [name for name in self.hosts if name != self._primary]
        if self._silent[self._synchronous] >= SILENT_LOOKS:
            for name in standbys:
                if not self._silent[name] and await self._has_all(name):
                    self._synchronous = name
        streaming = await self._ask(self._primary, "select array_agg(application_name::text) from pg_stat_replication")
        for name in standbys:
            if recovering[name] is False:  # it was replaced
                await self._copy(self.hosts[name])
            elif recovering[name] and name not in (streaming or ()):
                await self._point(name)

    async def _wait_for(self, name: str) -> None:
        await self._ask(self._primary, f"alter system set synchronous_standby_names = '{name}'")
        await self._ask(self._primary, "select pg_reload_conf()")

    async def _has_all(self, name: str) -> bool:
        """Wait for this standby from now on; whether it has what others were waited for before."""
        await self._wait_for(name)
        position = await self._ask(self._primary, "select pg_current_wal_lsn()::text")
        there = "select bool_or(flush_lsn >= $1::text::pg_lsn) from pg_stat_replication where application_name = $2"
        return position is not None and await self._ask(self._primary, there, position, name) is True

    async def _point(self, name: str) -> None:
        """Have a standby follow the primary."""
        await self._ask(name, f"alter system set primary_conninfo = '{self._conninfo(name)}'")
        await self._ask(name, "select pg_reload_conf()")

    def _conninfo(self, name: str) -> str:
        return f"host={self.hosts[self._primary].address} user=postgres application_name={name}"

    async def _copy(self, host: Host) -> None:
        """Make a standby of the primary's present state."""
        if host.up:
            await host.kill()
        shutil.rmtree(host.directory / "data", ignore_errors=True)
        command: list[str | Path] = [
            binaries() / "pg_basebackup",
            "-d",
            self._conninfo(host.name),
            "-D",
            host.directory / "data",
        ]
        command += ["-R", "-c", "fast", "-X", "stream", "--no-sync"]
        await asyncio.to_thread(self._run, host, command)
        host.start()

    def _run(self, host: Host, command: Sequence[str | Path]) -> None:
        """One of PostgreSQL's programs, as its user, at its host. Raises CalledProcessError."""
        guarded = [sys.executable, "-I", "-S", process_guard.__file__, "SIGKILL", str(os.getpid())]
        guarded += [server_account(), DEFAULT_GUARD]
        with (host.directory / "programs.log").open("ab") as log:
            subprocess.run(
                [*host.place.prefix, *guarded, *map(str, command)], stdout=log, stderr=log, check=True, timeout=120
            )

    async def _ask(self, name: str, statement: str, *values: object) -> Any:
        """The first value; None where the host does not answer within a second."""
        connection = None
        try:
            async with asyncio.timeout(1):
                connection = await asyncpg.connect(self.url_of(name, "postgres"))
                return await connection.fetchval(statement, *values)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            return None
        finally:
            if connection is not None:
                with suppress(OSError):
                    connection.terminate()
