"""A primary and its standbys under one address of several hosts: which of them takes writes now.

libpq and asyncpg try such hosts one after the other, and asyncpg has one limit for all of them, so that a host that is
frozen or cut off takes all the time there is. Here each has its own, and the next one need not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, quote, urlencode
from weakref import WeakKeyDictionary

import asyncpg

log = logging.getLogger(__name__)

HOST_SECONDS = 3.0
"""For a connection to one host, where its address says no `connect_timeout`."""
STAGGER_SECONDS = 0.25
"""After which the next host is tried beside one that has not answered yet, as RFC 8305 does."""
WATCH_SECONDS = 1.0
"""Between two looks at all hosts: one statement each."""
PROBE_SECONDS = 2.0
"""Within which a host answers the watch, or counts as gone."""
SURVEY_SECONDS = 1.0
"""For which the first connection of a process waits to hear of all hosts."""
MAX_HOSTS = 9
"""A primary and its standbys: each costs a process a connection."""

_ADDRESS = re.compile(
    r"(?P<scheme>postgres(?:ql)?)://(?:(?P<login>[^@/?#]*)@)?(?P<hosts>[^/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>.*))?"
)
_OF_THE_LIST = ("host", "port", "target_session_attrs", "connect_timeout")
"""Parameters that say which host, and how one is chosen."""
_WRITES = ("read-write", "primary")

OpenConnection: TypeAlias = "asyncpg.Connection[Any]"

T = TypeVar("T")


def split_hosts(url: str, *, only_writable: bool = True) -> tuple[str, ...]:
    """The address of each host of `postgresql://user@db1:5432,db2/mail?target_session_attrs=read-write`, or of
    `?host=db1,db2`; the address itself where it names one. Raises ValueError for what is no such address, or, with
    `only_writable`, wants a host that takes no writes."""
    found = _ADDRESS.fullmatch(url)
    if found is None:
        raise ValueError("an address is postgresql://user@host:port/database")
    parameters = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
    named = found["hosts"] or parameters.get("host", "")
    hosts = named.split(",")
    if len(hosts) == 1:
        return (url,)
    if not all(hosts) or len(hosts) > MAX_HOSTS:
        raise ValueError(f"several hosts are at most {MAX_HOSTS}, and none is empty: db1:5432,db2:5432")
    if only_writable and parameters.get("target_session_attrs", _WRITES[0]) not in _WRITES:
        raise ValueError("of several hosts the one that takes writes is used: target_session_attrs=read-write")
    ports = parameters.get("port", "").split(",") if not found["hosts"] else [""]
    if len(ports) not in (1, len(hosts)):
        raise ValueError("port has one number, or one for each host")
    rest = {name: value for name, value in parameters.items() if name not in _OF_THE_LIST}
    before = f"{found['scheme']}://" + (f"{found['login']}@" if found["login"] is not None else "")
    addresses = []
    for number, host in enumerate(hosts):
        port = ports[number % len(ports)]
        own = {} if found["hosts"] else {"host": host} | ({"port": port} if port else {})
        query = urlencode({**rest, **own}, quote_via=quote, safe="/")
        addresses.append(
            before + (host if found["hosts"] else "") + (found["path"] or "") + (f"?{query}" if query else "")
        )
    return tuple(addresses)


def host_seconds(url: str) -> float:
    """What its `connect_timeout` says a connection to one host may take, as libpq reads it: 2 seconds at least."""
    found = _ADDRESS.fullmatch(url)
    given = dict(parse_qsl((found and found["query"]) or "")).get("connect_timeout", "")
    return max(2.0, float(given)) if given.isdigit() and int(given) else HOST_SECONDS


def host_of(address: str) -> str:
    """The host of one address, for a log: without user and password."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return "?"
    return found["hosts"] or dict(parse_qsl(found["query"] or "")).get("host", "local")


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a host says of itself: whether it takes writes, and on which timeline, which grows with each promotion (0
    where it takes none)."""

    writable: bool
    timeline: int


def primary_of(standings: Mapping[str, Standing | None], *, preferred: str | None, at_least: int) -> str | None:
    """The host that takes writes on the newest timeline, the preferred one among equals; None when none does on
    `at_least` this one. A primary that was replaced and does not know it is on an older one."""
    able = {
        host: one for host, one in standings.items() if one is not None and one.writable and one.timeline >= at_least
    }
    return max(able, key=lambda host: (able[host].timeline, host == preferred), default=None)


async def first_to_succeed(
    tries: Sequence[Callable[[], Coroutine[Any, Any, T]]], *, stagger: float, discard: Callable[[T], object]
) -> T | list[Exception]:
    """The result of the first of these that succeeds, each started `stagger` seconds after the one before it, or as
    soon as one has failed. The others are cancelled, and `discard` gets what they came to all the same. Their errors,
    in no order, when none succeeds."""
    running: set[asyncio.Task[T]] = set()
    waiting = list(tries)
    errors: list[Exception] = []
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.get_running_loop().create_task(waiting.pop(0)()))
            done, _ = await asyncio.wait(
                running, timeout=stagger if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                running.discard(task)
                error = task.exception()
                if error is None:
                    running |= done - {task}
                    return task.result()
                if isinstance(error, Exception):
                    errors.append(error)
    finally:
        for task in running:
            task.cancel()
        for left in await asyncio.gather(*running, return_exceptions=True):
            if not isinstance(left, BaseException):
                discard(left)
    return errors


class Cluster:
    """The hosts of one address, for all connections of a process. `standing` asks one what it is.

    A process never goes back to an older timeline than it has seen: what a primary that was replaced takes is lost.
    """

    def __init__(
        self, url: str, *, standing: Callable[[OpenConnection], Awaitable[Standing]], stagger: float = STAGGER_SECONDS
    ) -> None:
        self.addresses = split_hosts(url)
        self._host_seconds = host_seconds(url)
        self._standing = standing
        self._stagger = stagger
        self._timeline = 0
        self._open: WeakKeyDictionary[OpenConnection, str] = WeakKeyDictionary()
        self.primary: str | None = None
        """The address of the host that took writes when it was asked last."""

    async def connect(self, **options: Any) -> OpenConnection:
        """A connection to the host that takes writes; `options` are those of `asyncpg.connect`. Raises ConnectionError
        where there is none, with what each host said."""
        if not self._timeline:
            await self._survey()
        order = sorted(self.addresses, key=lambda address: address != self.primary)
        found = await first_to_succeed(
            [partial(self._connect_to, address, options) for address in order],
            stagger=self._stagger,
            discard=lambda connection: connection.terminate(),
        )
        if isinstance(found, list):
            raise ConnectionError(f"no host takes writes ({'; '.join(sorted(map(str, found)))})") from found[-1]
        return found

    async def _survey(self) -> None:
        """Look at all hosts, before the first connection of a process: it cannot know which timelines there are, and a
        primary that was replaced may be the first to answer."""
        probes: dict[str, OpenConnection] = {}
        looks = {address: asyncio.ensure_future(self._look(address, probes)) for address in self.addresses}
        try:
            await asyncio.wait(looks.values(), timeout=SURVEY_SECONDS)
            self._note({address: look.result() for address, look in looks.items() if look.done()})
        finally:
            for look in looks.values():
                look.cancel()
            await asyncio.gather(*looks.values(), return_exceptions=True)
            for probe in probes.values():
                probe.terminate()

    async def _connect_to(self, address: str, options: Mapping[str, Any]) -> OpenConnection:
        """A connection to one host. Raises ConnectionError unless it takes writes."""
        try:
            async with asyncio.timeout(self._host_seconds):
                connection: OpenConnection = await asyncpg.connect(address, **options)
                try:
                    standing = await self._standing(connection)
                except BaseException:
                    connection.terminate()
                    raise
        except Exception as error:
            raise ConnectionError(f"{host_of(address)}: {type(error).__name__}") from error
        if primary_of({address: standing}, preferred=None, at_least=self._timeline) is None:
            connection.terminate()
            raise ConnectionError(f"{host_of(address)}: {'was replaced' if standing.writable else 'takes only reads'}")
        self._timeline, self.primary = standing.timeline, address
        self._open[connection] = address
        return connection

    async def follow(self) -> None:
        """Look at every host, again and again until cancelled. When another one takes writes, the connections to all
        others end: a host that is frozen or cut off ends none of them, and what waits for it would wait for long."""
        probes: dict[str, OpenConnection] = {}
        standings: dict[str, Standing | None] = dict.fromkeys(self.addresses)

        async def follow_host(address: str) -> None:
            while True:
                standings[address] = await self._look(address, probes)
                self._note(standings)
                await asyncio.sleep(WATCH_SECONDS)

        hosts = [asyncio.create_task(follow_host(address)) for address in self.addresses]
        try:
            await asyncio.gather(*hosts)
        finally:
            for host in hosts:
                host.cancel()
            await asyncio.gather(*hosts, return_exceptions=True)
            for probe in probes.values():
                probe.terminate()

    async def _look(self, address: str, probes: dict[str, OpenConnection]) -> Standing | None:
        """What a host says, by a connection that is kept; None when it says nothing in time."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                if address not in probes:
                    named = {"application_name": "primary watch"}
                    probes[address] = await asyncpg.connect(address, server_settings=named)
                return await self._standing(probes[address])
        except Exception:
            if (probe := probes.pop(address, None)) is not None:
                probe.terminate()
            return None

    def _note(self, standings: Mapping[str, Standing | None]) -> None:
        found = primary_of(standings, preferred=self.primary, at_least=self._timeline)
        standing = standings[found] if found is not None else None
        if found is None or standing is None:
            return
        self._timeline = standing.timeline
        if found != self.primary and self.primary is not None:
            log.warning("the primary is %s now", host_of(found))
        self.primary = found
        for connection, address in list(self._open.items()):
            if address != found and not connection.is_closed():
                connection.terminate()
