"""Three hosts with Valkey, each with a Sentinel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from gateway.notify.wakeup import VALKEY_AWAY
from service.standalone.valkey import binary
from tests.proof.failover.hosts import Host, Program

NAME, QUORUM = "mail", 2
DOWN_MILLISECONDS = 2000
"""After which a Sentinel takes one that is silent for down."""


class Valkeys:
    """The three hosts. `url` names their Sentinels."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.hosts = {host.name: host for host in hosts}
        self.url = f"redis+sentinel://{','.join(f'{host.address}:26379' for host in hosts)}/{NAME}/0"
        first = hosts[0].address
        for host in hosts:
            options = ["--bind", host.address, "--port", "6379", "--protected-mode", "no", "--save", ""]
            options += ["--dir", str(host.directory), "--repl-diskless-sync-delay", "0", "--repl-timeout", "5"]
            follow = [] if host.address == first else ["--replicaof", f"{first} 6379"]
            watched = host.directory / "sentinel.conf"
            watched.write_text(
                f"port 26379\nbind {host.address}\nprotected-mode no\ndir {host.directory}\n"
                f"sentinel monitor {NAME} {first} 6379 {QUORUM}\n"
                f"sentinel down-after-milliseconds {NAME} {DOWN_MILLISECONDS}\n"
                f"sentinel failover-timeout {NAME} 10000\n",
                encoding="ascii",
            )
            host.programs += [
                Program(name="valkey", command=[binary(), *options, *follow]),
                Program(name="sentinel", command=[binary(), watched, "--sentinel"]),
            ]

    async def roles(self) -> dict[str, str]:
        """Who is the primary, and some replica, when every Sentinel knows all to be well; else empty."""
        said = [await self._ask(host) for host in self.hosts.values()]
        if len(set(said)) != 1 or not said[0]:
            return {}
        primary = next(host.name for host in self.hosts.values() if host.address == said[0])
        return {"valkey primary": primary, "valkey replica": next(name for name in self.hosts if name != primary)}

    async def _ask(self, host: Host) -> str:
        """The primary's address, by the Sentinel of a host; empty unless all are well there."""
        try:
            async with Redis(host=host.address, port=26379, socket_timeout=1, socket_connect_timeout=1) as client:
                asked: Any = client
                known = await asked.sentinel_master(NAME)
                replicas = await asked.sentinel_slaves(NAME)
        except VALKEY_AWAY:
            return ""
        well = known["flags"] == "master" and known["num-other-sentinels"] == len(self.hosts) - 1
        linked = [one for one in replicas if one["master-link-status"] == "ok" and not one["is_sdown"]]
        return str(known["ip"]) if well and len(linked) == len(self.hosts) - 1 else ""
