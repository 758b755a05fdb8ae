"""The mail listener of `make run`: which settings it has, whether it runs, and what the terminal says of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping

from service.standalone.errors import LaunchError

LOOPBACK = "127.0.0.1"
DEMO_SETTINGS: Mapping[str, str] = {
    "BOUNCE_DOMAIN": "bounce.northlight.example",
    "REPLY_DOMAIN": "reply.northlight.example",
    "REPLY_MAILBOXES": "office",
    "AUTHSERV_ID": "mx.northlight.example",
}
"""Where the demo firm's mail comes back. AUTHSERV_ID is the demo relay, which says who wrote what it hands in."""
_PORTS = ("INBOUND_SMTP", "INBOUND_LMTP")
_DOMAINS = ("BOUNCE_DOMAIN", "REPLY_DOMAIN")


def demo_settings(environment: Mapping[str, str], find_port: Callable[[], int]) -> dict[str, str]:
    """Returns the settings of a run with the demo relay. `find_port` finds a free one where INBOUND_SMTP chooses
    none."""
    chosen = environment.get("INBOUND_SMTP") or "0"
    return {**DEMO_SETTINGS, "INBOUND_SMTP": chosen if chosen != "0" else str(find_port())}


def takes_mail(environment: Mapping[str, str]) -> bool:
    """Whether mail can come back: at a port, to a domain of ours, or in a mailbox of ours."""
    at_ports = _given(environment, _PORTS) and _given(environment, _DOMAINS)
    return bool(at_ports or environment.get("IMAP_URL"))


def check_listener_ports(environment: Mapping[str, str], host: str) -> None:
    """Raises LaunchError when a port that was chosen cannot be opened on this host."""
    for name in _given(environment, _PORTS):
        port = environment[name]
        if not port.isdecimal() or not 0 < int(port) < 65536:
            continue  # 0 is any; the rest the gateway's settings refuse
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.create_server((host, int(port)), family=family).close()
        except OSError as error:
            why = os.strerror(error.errno or 0)  # its own text names the address, too
            raise LaunchError(
                f"{name}={port} of HOST={host} cannot be opened ({why}): choose another, as in {name}=2525."
            ) from None


def listener_environment(environment: Mapping[str, str], *, demo_relay: bool) -> dict[str, str]:
    """Returns the listener's own environment: beside the demo relay it is on loopback, whatever HOST is; the metrics
    of METRICS_PORT are the gateway's, the listener's are on the next port."""
    port = environment.get("METRICS_PORT", "")
    return {
        **environment,
        **({"HOST": LOOPBACK} if demo_relay else {}),
        **({"METRICS_PORT": str(int(port) + 1)} if port.isdecimal() else {}),
    }


def listener_words(environment: Mapping[str, str]) -> str:
    """Returns what the terminal says of mail that comes back."""
    if not takes_mail(environment):
        return (
            "off: bounces that come later, complaints and replies are lost. "
            f"Set {' and '.join(_DOMAINS)}, and {_PORTS[0]} (docs/operations.md)"
        )
    ways = [f"{name}={environment[name]}" for name in _given(environment, _PORTS)]
    ways += ["IMAP_URL"] if environment.get("IMAP_URL") else []  # its value has a password
    domains = [environment[name] for name in _given(environment, _DOMAINS)]
    return f"by {' and '.join(ways)}" + (f", for {' and '.join(domains)}" if domains else "")


def _given(environment: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if environment.get(name)]


def free_port() -> int:
    """Returns a port of loopback that was free a moment ago: the listener opens it, also when it is started again."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
