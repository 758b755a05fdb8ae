"""The demo's mail server: real SMTP on loopback, with a temper of its own for some addresses.

    python -m service.standalone.relay FD INBOX

listens on the inherited socket FD and keeps what it accepts in INBOX/*.eml. It stands in for the servers behind a
relay: what it answers for an address is in `temper_of`, by domain or, anywhere, by local part, so that whoever plays
with the demo can provoke each answer (`unknown@`, `full@`, `overquota@`, `slow@`, `blocked@`, `drops@`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from enum import StrEnum
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST_NAME = "mx.northlight.example"
_GREYLIST_SECONDS = 10.0
_REMEMBERED = 10_000
"""Greylisted pairs; the oldest is forgotten first."""
_LARGEST_MAIL = 33_554_432


class Temper(StrEnum):
    """How the server treats mail to an address."""

    ACCEPTS = "accepts"
    UNKNOWN = "unknown"
    FULL = "full"
    OVER_QUOTA = "overquota"
    GREYLISTS = "slow"
    BLOCKS = "blocked"
    DROPS = "drops"


_DOMAINS = {
    "slowpost.example": Temper.GREYLISTS,
    "fortress-bank.example": Temper.BLOCKS,
    "lakeshore-clinic.example": Temper.DROPS,
}
_ADDRESSES = {
    "d.whitfield@willowmail.example": Temper.UNKNOWN,
    "accounts@quarry-cafe.example": Temper.UNKNOWN,
    "m.okafor@willowmail.example": Temper.FULL,
    "p.lindqvist@postbox.example": Temper.OVER_QUOTA,
}


def temper_of(address: str) -> Temper:
    """By address, by domain, by local part; else it accepts."""
    local, _, domain = address.casefold().rpartition("@")
    named = Temper(local) if local in set(Temper) else Temper.ACCEPTS
    return _ADDRESSES.get(address.casefold()) or _DOMAINS.get(domain) or named


class Inbox:
    """An aiosmtpd handler: answers by temper, keeps what it accepts."""

    def __init__(self, directory: Path, *, clock: Callable[[], float]) -> None:
        self._directory = directory
        self._clock = clock
        self._first_seen: dict[tuple[str, str], float] = {}

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """One answer a recipient, in the words of the servers one meets."""
        refusal = self._refusal(envelope.mail_from or "", address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    def _refusal(self, sender: str, address: str) -> str | None:
        match temper_of(address):
            case Temper.UNKNOWN:
                return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table"
            case Temper.FULL:
                return f"452 4.2.2 <{address}>: The recipient's inbox is out of storage space and inactive"
            case Temper.OVER_QUOTA:
                return f"552 5.2.2 <{address}>: Mailbox size limit exceeded"
            case Temper.BLOCKS:
                return f"550 5.7.1 <{address}>: Message rejected due to local policy: sender domain is not on our list"
            case Temper.GREYLISTS if not self._waited(sender, address):
                seconds = round(_GREYLIST_SECONDS)
                return f"450 4.2.0 <{address}>: Recipient address rejected: Greylisted, try again in {seconds} seconds"
        return None

    def _waited(self, sender: str, address: str) -> bool:
        now = self._clock()
        # A return path differs from mail to mail: its domain is what a greylist can know again.
        pair = (sender.rpartition("@")[2], address)
        first = self._first_seen.setdefault(pair, now)
        while len(self._first_seen) > _REMEMBERED:
            self._first_seen.pop(next(iter(self._first_seen)))
        return now - first >= _GREYLIST_SECONDS

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The mail is kept; or the line goes dead, and nobody knows whether it was."""
        if any(temper_of(address) is Temper.DROPS for address in envelope.rcpt_tos):
            hang_up(server)
            return "421 4.3.0 never heard"
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(self._clock()))}-{secrets.token_hex(4)}"
        await asyncio.to_thread(self._keep, name, envelope)
        return f"250 2.0.0 Ok: queued as {name[-8:].upper()}"

    def _keep(self, name: str, envelope: Envelope) -> None:
        """What was sent, below the two lines that a mail server adds at delivery."""
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        head = f"Return-Path: <{envelope.mail_from or ''}>\r\n"
        head += "".join(f"Delivered-To: {address}\r\n" for address in envelope.rcpt_tos)
        head += f"Received: by {HOST_NAME}; {formatdate(self._clock())}\r\n"
        fresh = self._directory / f".{name}.new"
        fresh.write_bytes(head.encode() + content)
        fresh.rename(self._directory / f"{name}.eml")


def hang_up(server: SMTP) -> None:
    """The connection is gone, without a word."""
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()


async def serve(listener: socket.socket, inbox: Path) -> None:
    """Until SIGTERM."""
    loop = asyncio.get_running_loop()
    handler = Inbox(inbox, clock=time.time)

    def session() -> SMTP:
        # No SMTPUTF8, as many servers: mail to jörg@ is refused by us, in our words.
        return SMTP(
            handler, hostname=HOST_NAME, ident="Northlight demo relay", data_size_limit=_LARGEST_MAIL, loop=loop
        )

    server = await loop.create_server(session, sock=listener)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    async with server:
        await stopped.wait()


def main() -> None:
    """`FD INBOX`."""
    listener = socket.socket(fileno=os.dup(int(sys.argv[1])))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(listener, Path(sys.argv[2])))


if __name__ == "__main__":
    main()
