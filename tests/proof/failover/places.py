"""Where hosts stand: each in its own network namespace, where packets can be dropped, else at its own loopback address.

Namespaces need root and the program `ip` (iproute2). They are joined by a bridge, on which the proof itself has the
first address; a host is cut off by taking its interface off the bridge, so that what it sends arrives nowhere.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

MARK = "cep"
"""What names of our namespaces and interfaces begin with; the process id of the proof follows."""


class Places(Protocol):
    """Gives hosts their places. `can_cut`: whether one can be cut off; `own` is the proof's own address."""

    can_cut: bool
    own: str

    def add(self, number: int) -> Place: ...
    def cut(self, place: Place) -> None: ...
    def join(self, place: Place) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A host's address, and what its commands begin with."""

    number: int
    address: str
    prefix: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class Loopback:
    """Addresses of loopback: everything but being cut off."""

    can_cut: bool = False
    own: str = "127.77.0.1"

    def add(self, number: int) -> Place:
        """A place of its own."""
        return Place(number=number, address=f"127.77.0.{10 + number}")

    def cut(self, place: Place) -> None:
        """Raises NotImplementedError."""
        raise NotImplementedError("nothing can be cut off from loopback")

    def join(self, place: Place) -> None:
        """It always is."""

    def close(self) -> None:
        """There is nothing to end."""


@dataclass(kw_only=True, slots=True)
class Namespaces:
    """Network namespaces on a bridge; what a proof that was killed left behind is removed first."""

    can_cut: bool = True
    own: str = ""
    _mark: str = f"{MARK}{os.getpid()}"
    _net: str = f"198.18.{os.getpid() % 250}"
    _made: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Make the bridge. Raises OSError or CalledProcessError where that is not allowed."""
        remove_leftovers()
        self.own = f"{self._net}.1"
        # With an address of its own: else it has its ports' lowest, another one when a port comes or goes.
        _ip("link", "add", self._mark, "address", "02:00:00:00:77:01", "type", "bridge")
        _ip("address", "add", f"{self.own}/24", "dev", self._mark)
        _ip("link", "set", self._mark, "up")

    def add(self, number: int) -> Place:
        """A namespace with an interface on the bridge."""
        name, outer, address = f"{self._mark}-{number}", self._outer(number), f"{self._net}.{10 + number}"
        _ip("netns", "add", name)
        self._made.append(name)
        _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", name)
        # Off the bridge its outer end would answer for the proof's address.
        Path(f"/proc/sys/net/ipv4/conf/{outer}/arp_ignore").write_text("8", encoding="ascii")
        _ip("link", "set", outer, "master", self._mark, "up")
        for device in ("lo", "eth0"):
            _ip("-n", name, "link", "set", device, "up")
        _ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        return Place(number=number, address=address, prefix=("ip", "netns", "exec", name))

    def cut(self, place: Place) -> None:
        """Every packet from and to it is dropped from now on; its interface is up all the same."""
        _ip("link", "set", self._outer(place.number), "nomaster")

    def join(self, place: Place) -> None:
        """Packets pass again."""
        _ip("link", "set", self._outer(place.number), "master", self._mark)

    def close(self) -> None:
        """Remove all of it."""
        for name in self._made:
            _remove(name)
        with suppress(subprocess.CalledProcessError):
            _ip("link", "delete", self._mark)

    def _outer(self, number: int) -> str:
        return f"{self._mark}v{number}"


def find_places() -> tuple[Places, str]:
    """The best that this machine allows, and why it is not namespaces (empty where it is)."""
    why = "not root" if os.geteuid() != 0 else "" if shutil.which("ip") else "no program ip (iproute2)"
    if not why:
        namespaces = Namespaces()
        try:
            namespaces.open()
            return namespaces, ""
        except (OSError, subprocess.CalledProcessError) as error:
            namespaces.close()
            why = f"namespaces are not allowed here ({error})"
    return Loopback(), why


def remove_leftovers() -> None:
    """End what a proof that was killed left behind."""
    for name in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout.split("\n"):
        found = re.match(rf"({MARK}(\d+))-\d+", name)
        if found and not Path(f"/proc/{found[2]}").exists():
            _remove(found[0])
            with suppress(subprocess.CalledProcessError):
                _ip("link", "delete", found[1])


def _remove(name: str) -> None:
    """Kill everything in a namespace, and remove it."""
    listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
    for pid in listed.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    with suppress(subprocess.CalledProcessError):
        _ip("netns", "delete", name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
