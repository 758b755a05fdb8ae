"""The launcher's options: make's variables, which are also environment variables."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from service.standalone.errors import LaunchError

DEFAULT_PORT = 8000
DEMO_RELAY = "demo"
"""The name of the demo's relay, to which all mail of a run without RELAY_URL is bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """`demo` fills the database with the demo; without `relay_url` all mail goes to the demo relay on this machine.

    `database_url` is a PostgreSQL of the user's own; None starts the one in the wheel.
    """

    host: str
    port: int
    data: Path
    demo: bool
    relay_url: str | None
    public_url: str
    database_url: str | None

    @property
    def own_address(self) -> tuple[str, int]:
        """Host and port at which this machine reaches the web server."""
        return _reachable(self.host), self.port

    @property
    def own_url(self) -> str:
        """`own_address` as a URL; PUBLIC_URL may name a proxy that is not up yet."""
        return f"http://{_shown(self.host)}:{self.port}"


def read_options(environment: Mapping[str, str]) -> Options:
    """Returns the options. Raises LaunchError for a value that cannot be used."""
    host = environment.get("HOST") or "127.0.0.1"
    port = _port(environment.get("PORT") or str(DEFAULT_PORT))
    relay_url = environment.get("RELAY_URL") or None
    return Options(
        host=host,
        port=port,
        data=Path(environment.get("DATA") or ".data").expanduser().absolute(),
        demo=_demo(environment.get("DEMO") or "", relay_url),
        relay_url=relay_url,
        public_url=(environment.get("PUBLIC_URL") or f"http://{_shown(host)}:{port}").rstrip("/"),
        database_url=environment.get("OWN_DATABASE_URL") or None,
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise LaunchError(f"PORT={text} is no port: choose one from 1 to 65535, as in `make run PORT=8123`.")


def _demo(text: str, relay_url: str | None) -> bool:
    if text not in ("", "0", "1"):
        raise LaunchError(f"DEMO={text} means nothing: DEMO=1 adds the demo to the database, DEMO=0 does not.")
    if relay_url is None:
        return text != "0"
    if text == "1":
        raise LaunchError(
            "DEMO=1 and RELAY_URL exclude each other, so that demo mail never leaves this machine: "
            "leave one of them out."
        )
    # Imported here: few starts need it, and it takes a quarter of a second.
    from gateway.settings import parse_relay

    try:
        names = [parse_relay(url).name for url in relay_url.split(",")]
    except ValueError as error:
        raise LaunchError(f"RELAY_URL: {error}, as in smtp+starttls://user:password@relay.internal:587.") from None
    if DEMO_RELAY in names:
        raise LaunchError(f"RELAY_URL: {DEMO_RELAY} is the demo's own relay: give yours another name with ?name=main.")
    return False


def _shown(host: str) -> str:
    """Returns the host as a URL on this machine has it."""
    reachable = _reachable(host)
    return f"[{reachable}]" if ":" in reachable else reachable


def _reachable(host: str) -> str:
    """Returns the host itself, or loopback for an address that means all interfaces."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def check_port(options: Options) -> None:
    """Raises LaunchError when the web server cannot listen on the chosen host and port."""
    chosen = f"HOST={options.host}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise LaunchError(f"{chosen} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all.") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen()
        except PermissionError:
            raise LaunchError(
                f"Port {options.port} is for root alone: choose one from 1024 on, as in `make run PORT=8123`."
            ) from None
        except OSError as error:
            raise LaunchError(_busy(options, error)) from None


def _busy(options: Options, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {options.port} is in use by another program: choose another, as in `make run PORT=8123`."
    return f"Port {options.port} of HOST={options.host} cannot be opened ({error.strerror}): use HOST=127.0.0.1."
