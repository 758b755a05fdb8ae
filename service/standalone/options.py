"""The launcher's options: make's variables, which are also environment variables."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from service.standalone.errors import LaunchError

DEFAULT_PORT = 8000
_PASSWORD = re.compile(r"://[^/@,\s]*:[^/@,\s]+@")
_LONGEST_SECRET = 65_536
DEMO_RELAY = "demo"
"""The name of the demo's relay, to which all mail of a run without RELAY_URL is bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """`demo` fills the database with the demo; without `relay_url` all mail goes to the demo relay on this machine.

    `database_url` is a PostgreSQL of the user's own; None starts the one in the wheel. `restored` is who says that an
    earlier copy of the directory was put back.
    """

    host: str
    port: int
    data: Path
    demo: bool
    relay_url: str | None
    public_url: str
    database_url: str | None
    restored: str | None = None

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
    _refuse_shown_passwords(environment)
    host = environment.get("HOST") or "127.0.0.1"
    port = _port(environment.get("PORT") or str(DEFAULT_PORT))
    relay_url = _secret(environment, "RELAY_URL")
    return Options(
        host=host,
        port=port,
        data=data_path(environment),
        demo=_demo(environment.get("DEMO") or "", relay_url),
        relay_url=relay_url,
        public_url=(environment.get("PUBLIC_URL") or f"http://{_shown(host)}:{port}").rstrip("/"),
        database_url=_secret(environment, "OWN_DATABASE_URL"),
        restored=environment.get("RESTORED") or None,
    )


def data_path(environment: Mapping[str, str]) -> Path:
    """Returns the directory that holds everything: DATA, else `.data` here."""
    return Path(environment.get("DATA") or ".data").expanduser().absolute()


def _refuse_shown_passwords(environment: Mapping[str, str]) -> None:
    """Raises LaunchError for a password on make's command line, which every user of this machine can read."""
    for name in environment.get("ON_COMMAND_LINE", "").split():
        if _PASSWORD.search(environment.get(name, "")):
            raise LaunchError(
                f"{name} holds a password, and a command line can be read by everybody on this machine: write the "
                f"address into a file for you alone (chmod 600) and say `make run {name}_FILE=that-file`."
            )


def _secret(environment: Mapping[str, str], name: str) -> str | None:
    """Returns a variable's value, or what the file that NAME_FILE names holds; None without either."""
    path = environment.get(f"{name}_FILE")
    if not path:
        return environment.get(name) or None
    shown = f"{name.removeprefix('OWN_')}_FILE={path}"
    try:
        with open(Path(path).expanduser(), encoding="utf-8") as file:
            is_open = os.fstat(file.fileno()).st_mode & 0o077
            value = file.read(_LONGEST_SECRET).strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise LaunchError(f"{shown} cannot be read ({why}): name a file that holds the address.") from None
    if is_open:
        raise LaunchError(f"{shown} can be read by others: close it with `chmod 600 {path}`.")
    if not value:
        raise LaunchError(f"{shown} is empty: write the address into it.")
    return value


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
