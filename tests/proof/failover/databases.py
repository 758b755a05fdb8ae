"""Three hosts with PostgreSQL under Patroni, each with a member of etcd: strict synchronous replication."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import yaml  # type: ignore[import-untyped]  # its stubs are another package, which nothing else needs

from service.standalone.postgres import binaries
from service.standalone.process_guard import server_account
from tests.proof.failover.hosts import ROOT, Host, Program

DATABASE = "mail"
TTL, LOOP_WAIT, RETRY_TIMEOUT = 20, 2, 5
"""Seconds: of the leader's key in etcd (Patroni's least), between two looks, for etcd to answer."""
SILENCE = "5s"
"""After which a standby that says nothing is no standby any more."""

PATRONI = ROOT / ".venv-patroni" / "bin" / "patroni"
SETTINGS = {
    "max_connections": 300,
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_sender_timeout": SILENCE,
    "wal_receiver_timeout": SILENCE,
    "tcp_user_timeout": SILENCE,
    "wal_keep_size": "512MB",
    "max_wal_size": "1GB",
    "hot_standby_feedback": "on",
    "synchronous_commit": "on",
    # The machine does not lose its power here: what counts is which of the servers has a commit, not its disk.
    "fsync": "off",
}


def why_not() -> str:
    """What keeps Patroni from running here; empty where nothing does."""
    if not shutil.which("etcd"):
        return "there is no etcd (Debian: apt-get install etcd-server)"
    if not PATRONI.exists():
        return f"there is no {PATRONI.relative_to(ROOT)}: run make proof-failover, which makes it"
    return "" if sys.platform == "linux" else "hosts are known by their processes in /proc, which only Linux has"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """What Patroni says of one member. `role`: leader, sync_standby or replica."""

    name: str
    role: str
    state: str
    lag: int


class Databases:
    """The three hosts. `url` names all of them."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.hosts = {host.name: host for host in hosts}
        addresses = ",".join(f"{host.address}:5432" for host in hosts)
        self.url = f"postgresql://postgres@{addresses}/{DATABASE}?target_session_attrs=read-write&sslmode=disable"
        self.read_url = f"postgresql://postgres@{addresses}/{DATABASE}?sslmode=disable"
        for host in hosts:
            host.programs += self.programs(host, hosts)

    def programs(self, host: Host, hosts: Sequence[Host]) -> list[Program]:
        """What runs there."""
        return [_etcd(host, hosts), _patroni(host, hosts)]

    async def begin(self) -> None:
        """Start them: Patroni makes the primary and its standbys."""
        for host in self.hosts.values():
            host.start()

    async def follow(self) -> None:
        """Promote when need be, until cancelled: Patroni does."""

    def url_of(self, name: str, database: str = DATABASE) -> str:
        """One of them."""
        return f"postgresql://postgres@{self.hosts[name].address}:5432/{database}?sslmode=disable"

    def socket_url(self, name: str) -> str:
        """One of them by its socket, which no dropped packet concerns."""
        return f"postgresql://postgres@/{DATABASE}?host={quote(str(self.hosts[name].directory))}"

    async def members(self) -> list[Member]:
        """What the first of them that answers says of all; nothing where none does."""
        async with httpx.AsyncClient(timeout=1.0) as http:
            for host in self.hosts.values():
                try:
                    said: dict[str, Any] = (await http.get(f"http://{host.address}:8008/cluster")).json()
                except (httpx.HTTPError, ValueError):
                    continue
                return [
                    Member(
                        name=one["name"],
                        role=one["role"],
                        state=one["state"],
                        lag=one["lag"] if isinstance(one.get("lag"), int) else 0,
                    )
                    for one in said["members"]
                ]
        return []

    async def roles(self) -> dict[str, str]:
        """Who is what, when all are well: by role, the name. Else empty."""
        members = await self.members()
        roles = {one.role: one.name for one in members if one.state in ("running", "streaming") and one.lag < 1 << 20}
        return roles if set(roles) == {"leader", "sync_standby", "replica"} else {}


def _etcd(host: Host, hosts: Sequence[Host]) -> Program:
    cluster = ",".join(f"{one.name}=http://{one.address}:2380" for one in hosts)
    client, peer = f"http://{host.address}:2379", f"http://{host.address}:2380"
    options = {
        "name": host.name, "data-dir": str(host.directory / "etcd"), "initial-cluster": cluster,
        "listen-client-urls": client, "advertise-client-urls": client, "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer, "initial-cluster-state": "new", "logger": "zap",
        "heartbeat-interval": "200", "election-timeout": "2000",
    }  # fmt: skip
    given = [f"--{name}={value}" for name, value in options.items()]
    return Program(name="etcd", command=[str(shutil.which("etcd")), *given], account=server_account())


def _patroni(host: Host, hosts: Sequence[Host]) -> Program:
    configuration = host.directory / "patroni.yaml"
    configuration.write_text(yaml.safe_dump(_configure(host, hosts)), encoding="utf-8")
    return Program(name="patroni", command=[PATRONI, configuration], account=server_account())


def _configure(host: Host, hosts: Sequence[Host]) -> dict[str, Any]:
    network = host.address.split(".")[0] + ".0.0.0/8"  # on loopback clients come from 127.0.0.1
    initdb: list[Any] = [{"auth": "trust"}, {"encoding": "UTF8"}, {"locale-provider": "builtin"}]
    initdb += [{"builtin-locale": "C.UTF-8"}, {"locale": "C"}, {"lc-ctype": "C.UTF-8"}, "no-sync"]
    return {
        "scope": "mail",
        "name": host.name,
        "restapi": {"listen": f"{host.address}:8008", "connect_address": f"{host.address}:8008"},
        "etcd3": {"hosts": [f"{one.address}:2379" for one in hosts]},
        "bootstrap": {
            "dcs": {
                "ttl": TTL,
                "loop_wait": LOOP_WAIT,
                "retry_timeout": RETRY_TIMEOUT,
                "synchronous_mode": True,
                "synchronous_mode_strict": True,
                "postgresql": {"use_pg_rewind": True, "use_slots": False, "parameters": SETTINGS},
            },
            "initdb": initdb,
        },
        "postgresql": {
            "listen": f"{host.address}:5432",
            "connect_address": f"{host.address}:5432",
            "data_dir": str(host.directory / "data"),
            "bin_dir": str(binaries()),
            "pgpass": str(host.directory / "pgpass"),
            "pg_hba": ["local all all trust", f"host all all {network} trust", f"host replication all {network} trust"],
            "authentication": {name: {"username": "postgres"} for name in ("superuser", "replication", "rewind")},
            "parameters": {"unix_socket_directories": str(host.directory)},
            "remove_data_directory_on_diverged_timelines": True,
            "remove_data_directory_on_rewind_failure": True,
            "basebackup": ["no-sync", {"checkpoint": "fast"}],
        },
    }


def prepare(directory: Path) -> None:
    """Let PostgreSQL's user pass."""
    directory.chmod(0o755)
