"""The demo's mail server: real SMTP on loopback, which refuses, defers or drops mail to some addresses.

    python -m service.standalone.demo.relay FD DATA PORT

listens on the inherited socket FD and keeps what it accepts in DATA/inbox/*.eml. It stands in for the servers behind a
relay. `behaviour_for` says how it treats an address: by domain or, in any domain, by local part, so that each reply can
be provoked by hand (`unknown@`, `full@`, `overquota@`, `slow@`, `blocked@`, `drops@`).

Some of what it accepts is answered, seconds later, to the mail listener at PORT of loopback: by reports and by persons
(answers.toml; by hand `bounces@`, `delayed@`, `complains@`, `answers@`, `away@`).
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
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from enum import StrEnum
from functools import partial
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from service.standalone.demo.answers import TakenMail
from service.standalone.demo.outgoing import Outgoing, hand_in
from service.standalone.demo.reports import HOST_NAME

_GREYLIST_SECONDS = 10.0
_MAX_GREYLISTED = 10_000
"""Pairs of sender domain and recipient; the oldest is dropped first."""
_MAX_MAIL_BYTES = 33_554_432


class Behaviour(StrEnum):
    """How the server treats mail to an address."""

    ACCEPTS = "accepts"
    UNKNOWN = "unknown"
    FULL = "full"
    OVER_QUOTA = "overquota"
    GREYLISTS = "slow"
    BLOCKS = "blocked"
    DROPS = "drops"


_DOMAINS = {
    "slowpost.example": Behaviour.GREYLISTS,
    "fortress-bank.example": Behaviour.BLOCKS,
    "lakeshore-clinic.example": Behaviour.DROPS,
}
_ADDRESSES = {
    "d.whitfield@willowmail.example": Behaviour.UNKNOWN,
    "accounts@quarry-cafe.example": Behaviour.UNKNOWN,
    "m.okafor@willowmail.example": Behaviour.FULL,
    "p.lindqvist@postbox.example": Behaviour.OVER_QUOTA,
}


def behaviour_for(address: str) -> Behaviour:
    """Returns how mail to this address is treated: by address, by domain, by local part, else accepted."""
    local, _, domain = address.casefold().rpartition("@")
    named = Behaviour(local) if local in set(Behaviour) else Behaviour.ACCEPTS
    return _ADDRESSES.get(address.casefold()) or _DOMAINS.get(domain) or named


class Inbox:
    """An aiosmtpd handler: replies by `behaviour_for`, keeps what it accepts, has it answered by `answer`."""

    def __init__(
        self, directory: Path, *, clock: Callable[[], float], answer: Callable[[TakenMail], Awaitable[None]]
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._answer = answer
        self._first_seen: dict[tuple[str, str], float] = {}

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Returns the reply to one RCPT, worded as common mail servers word it."""
        refusal = self._refusal(envelope.mail_from or "", address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    def _refusal(self, sender: str, address: str) -> str | None:
        match behaviour_for(address):
            case Behaviour.UNKNOWN:
                return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table"
            case Behaviour.FULL:
                return f"452 4.2.2 <{address}>: The recipient's inbox is out of storage space and inactive"
            case Behaviour.OVER_QUOTA:
                return f"552 5.2.2 <{address}>: Mailbox size limit exceeded"
            case Behaviour.BLOCKS:
                return f"550 5.7.1 <{address}>: Message rejected due to local policy: sender domain is not on our list"
            case Behaviour.GREYLISTS if not self._waited(sender, address):
                seconds = round(_GREYLIST_SECONDS)
                return f"450 4.2.0 <{address}>: Recipient address rejected: Greylisted, try again in {seconds} seconds"
        return None

    def _waited(self, sender: str, address: str) -> bool:
        now = self._clock()
        # Every mail has its own return path, so pairs are keyed by its domain.
        pair = (sender.rpartition("@")[2], address)
        first = self._first_seen.setdefault(pair, now)
        while len(self._first_seen) > _MAX_GREYLISTED:
            self._first_seen.pop(next(iter(self._first_seen)))
        return now - first >= _GREYLIST_SECONDS

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail; for some addresses close the connection instead, which leaves the sender uncertain."""
        if any(behaviour_for(address) is Behaviour.DROPS for address in envelope.rcpt_tos):
            abort(server)
            return "421 4.3.0 never sent"
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(self._clock()))}-{secrets.token_hex(4)}"
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        number = name[-8:].upper()
        await asyncio.to_thread(self._keep, name, envelope, content)
        return_path = (envelope.mail_from or "").strip("<>")  # the null sender is <> here
        for address in envelope.rcpt_tos:
            await self._answer(TakenMail(return_path=return_path, recipient=address, content=content, number=number))
        return f"250 2.0.0 Ok: queued as {number}"

    def _keep(self, name: str, envelope: Envelope, content: bytes) -> None:
        """Write the mail below the header lines that a mail server adds at delivery."""
        head = f"Return-Path: <{envelope.mail_from or ''}>\r\n"
        head += "".join(f"Delivered-To: {address}\r\n" for address in envelope.rcpt_tos)
        head += f"Received: by {HOST_NAME}; {formatdate(self._clock())}\r\n"
        fresh = self._directory / f".{name}.new"
        fresh.write_bytes(head.encode() + content)
        fresh.rename(self._directory / f"{name}.eml")


def abort(server: SMTP) -> None:
    """Close the connection without a reply."""
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()


async def serve(listener: socket.socket, data: Path, port: int) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    outgoing = Outgoing(data / "outgoing", clock=time.time, deliver=partial(hand_in, port), say=print)
    handler = Inbox(data / "inbox", clock=time.time, answer=outgoing.answer)

    def session() -> SMTP:
        # No SMTPUTF8, as with many servers: the gateway itself then refuses mail to jörg@.
        return SMTP(
            handler, hostname=HOST_NAME, ident="Northlight demo relay", data_size_limit=_MAX_MAIL_BYTES, loop=loop
        )

    server = await loop.create_server(session, sock=listener)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    async with server, asyncio.TaskGroup() as tasks:
        handing_in = tasks.create_task(outgoing.run())
        await stopped.wait()
        handing_in.cancel()


def main() -> None:
    """Serve on the socket, in the directory and for the listener that the command line names."""
    listener = socket.socket(fileno=os.dup(int(sys.argv[1])))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(listener, Path(sys.argv[2]), int(sys.argv[3])))


if __name__ == "__main__":
    main()
