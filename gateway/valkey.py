"""Connections to Valkey by REDIS_URL: one server, or the primary that Sentinels name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from redis.asyncio import ConnectionPool
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

SENTINEL_PORT = 26379
REDIS_URL = r"^(redis|rediss|unix|redis\+sentinel|rediss\+sentinel)://"
"""Schemes: one server, over TLS with two s; `+sentinel`, several Sentinels that name it."""

_SENTINELS = re.compile(
    r"rediss?\+sentinel://(?:(?P<login>[^@/?#]*)@)?(?P<hosts>[^/?#]+)/(?P<name>[^/?#]+)(?:/(?P<database>\d{1,4}))?"
    r"(?:\?(?P<query>.*))?"
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(?P<port>\d{1,5}))?")
_OPTIONS = ("sentinel_username", "sentinel_password")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentinels:
    """`redis+sentinel://user:password@host1:26379,host2/NAME/0`: who is asked, and for which primary. User and password
    are the primary's; the Sentinels' own are the options `sentinel_username` and `sentinel_password`."""

    hosts: tuple[tuple[str, int], ...]
    name: str
    database: int = 0
    tls: bool = False
    username: str | None = None
    password: str | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = None

    def __repr__(self) -> str:
        """Without the passwords."""
        return f"Sentinels({self.name})"


def parse_sentinels(url: str) -> Sentinels | None:
    """The Sentinels of an address; None for the address of one server. Raises ValueError."""
    if "+sentinel://" not in url:
        return None
    found = _SENTINELS.fullmatch(url)
    if found is None:
        raise ValueError("Sentinels are redis+sentinel://host1:26379,host2:26379/NAME, perhaps with /DATABASE behind")
    user, _, password = (found["login"] or "").partition(":")
    options = dict(part.partition("=")[::2] for part in (found["query"] or "").split("&") if part)
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise ValueError(f"unknown option {unknown[0]!r} of Sentinels: {' and '.join(_OPTIONS)} are known")
    return Sentinels(
        hosts=tuple(_host(one) for one in found["hosts"].split(",")),
        name=unquote(found["name"]),
        database=int(found["database"] or 0),
        tls=url.startswith("rediss"),
        username=unquote(user) or None,
        password=unquote(password) or None,
        **{name: unquote(value) for name, value in options.items()},
    )


def _host(text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None or not 1 <= int(found["port"] or SENTINEL_PORT) <= 65535:
        raise ValueError(f"a Sentinel is host:port, not {text!r}")
    return found["host"].strip("[]"), int(found["port"] or SENTINEL_PORT)


def check_redis_url(url: str) -> str:
    """Returns the address itself. Raises ValueError for Sentinels that cannot be read."""
    parse_sentinels(url)
    return url


class _SentinelPool(SentinelConnectionPool):
    """Closes its connections to the Sentinels, too."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Disconnect; a change of the primary disconnects only what is idle, and asks the Sentinels on."""
        try:
            await super().disconnect(inuse_connections)
        finally:
            if inuse_connections:
                for sentinel in self.sentinel_manager.sentinels:
                    await sentinel.aclose()


def open_valkey(url: str, *, timeout: float, **options: Any) -> ConnectionPool:
    """A pool of connections, each of which answers within `timeout` seconds or fails; `options` are those of redis-py's
    pool. Of several Sentinels the first that answers says where the primary is, for each new connection."""
    limits = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    sentinels = parse_sentinels(url)
    if sentinels is None:
        return ConnectionPool.from_url(url, **limits, **options)
    secured = {"ssl": True} if sentinels.tls else {}
    login = {"username": sentinels.sentinel_username, "password": sentinels.sentinel_password}
    manager = cast(Any, Sentinel)(list(sentinels.hosts), sentinel_kwargs={**limits, **secured, **login})
    pool: ConnectionPool = cast(Any, _SentinelPool)(
        sentinels.name,
        manager,
        db=sentinels.database,
        username=sentinels.username,
        password=sentinels.password,
        **limits,
        **secured,
        **options,
    )
    return pool
