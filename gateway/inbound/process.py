"""`python -m gateway --inbound`: the process that takes the mail that comes back, from its start to its drain: at its
ports, and out of the mailbox of IMAP_URL."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import socket
import ssl
import time

import asyncpg

from gateway.database import DURABLE, following_primary, open_pool
from gateway.deployment import Deployment
from gateway.errors import SettingsError
from gateway.inbound.addresses import Addresses
from gateway.inbound.admission import Admission, ListenerLimits
from gateway.inbound.grouped_store import GroupedStore
from gateway.inbound.heartbeat import keep_noting
from gateway.inbound.imap import watch
from gateway.inbound.listener import Listener, Reception
from gateway.inbound.smtp_session import SessionLimits
from gateway.inbound.store import InboundSource
from gateway.settings import EXAMPLES, Settings
from gateway.telemetry.watchdog import watch_event_loop

log = logging.getLogger("gateway.inbound")

_POOL = 5
"""Connections to PostgreSQL: two for groups of small mails, two for large ones, one for the mailbox of IMAP_URL."""
_MEMORY_OF_LARGEST = 2
"""So many mails of the largest size fit into memory at least, so that one does not keep all others out."""


async def listen(settings: Settings) -> int:
    """Take mail until SIGTERM or SIGINT, then drain; returns 0. Raises SettingsError where nothing can be taken."""
    check(settings)
    tls = _tls(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with following_primary(settings.database_url):
        return await _take_mail(settings, tls, stop)


async def _take_mail(settings: Settings, tls: ssl.SSLContext | None, stop: asyncio.Event) -> int:
    # A mail is on the disk before it is acknowledged.
    pool = await open_pool(settings.database_url, size=_POOL, name="gateway inbound", settings=DURABLE)
    watching = [asyncio.create_task(watch_event_loop())]
    try:
        listener = Listener(_reception(settings, GroupedStore(pool.acquire), tls))
        ports = await _open(listener, settings)
        log.info("listening for mail that comes back", extra={"fields": ports})
        # The mailbox is noted by its reader, while it can be read.
        watching.append(asyncio.create_task(keep_noting(pool, [InboundSource(name.upper()) for name in ports])))
        await asyncio.gather(stop.wait(), _watch_mailbox(settings, pool, stop))
        await listener.drain(settings.drain_seconds)
        log.info("the inbound listener has drained")
    finally:
        for task in watching:
            task.cancel()
        pool.terminate()
    return 0


async def _watch_mailbox(settings: Settings, pool: asyncpg.Pool[asyncpg.Record], stop: asyncio.Event) -> None:
    if settings.imap_url is not None:
        await watch(
            settings.imap_url,
            pool,
            deployment=Deployment.open(settings),
            stopping=stop,
            jitter=lambda: random.uniform(-1, 1),  # noqa: S311  nothing secret depends on it
        )


def check(settings: Settings) -> None:
    """Raises SettingsError with one sentence that says what to set."""
    listens = settings.inbound_smtp is not None or settings.inbound_lmtp is not None
    # A mailbox has its mail anyway: what names no address of ours may still name our mail.
    if settings.bounce_domain is None and settings.reply_domain is None and (listens or settings.imap_url is None):
        raise SettingsError(
            "BOUNCE_DOMAIN and REPLY_DOMAIN are missing: set one, or there is no address to take mail for. "
            f"For example: BOUNCE_DOMAIN={EXAMPLES['BOUNCE_DOMAIN']}"
        )
    if not listens and settings.imap_url is None:
        raise SettingsError(
            "INBOUND_SMTP, INBOUND_LMTP and IMAP_URL are missing: set one, or there is no way for mail to come. "
            f"For example: INBOUND_SMTP={EXAMPLES['INBOUND_SMTP']}"
        )
    if (settings.inbound_tls_certificate is None) != (settings.inbound_tls_key is None):
        raise SettingsError("INBOUND_TLS_CERTIFICATE and INBOUND_TLS_KEY belong together: set both, or neither.")


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.inbound_tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.inbound_tls_certificate, settings.inbound_tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"INBOUND_TLS_CERTIFICATE, INBOUND_TLS_KEY: {type(error).__name__}: they cannot be used. "
            "Each is a file in PEM that this process may read, and the key is the certificate's."
        ) from None
    return context


def _reception(settings: Settings, store: GroupedStore, tls: ssl.SSLContext | None) -> Reception:
    largest = settings.inbound_max_bytes
    limits = ListenerLimits(memory=max(ListenerLimits().memory, _MEMORY_OF_LARGEST * largest))
    return Reception(
        hostname=socket.getfqdn(),
        addresses=Addresses.of(Deployment.open(settings)),
        limits=SessionLimits(max_octets=largest),
        admission=Admission(limits, clock=time.monotonic),
        store=store,
        tls=tls,
    )


async def _open(listener: Listener, settings: Settings) -> dict[str, int]:
    """Returns the ports by protocol. Raises SettingsError where one cannot be opened."""
    ports = {}
    for name, source, port in (
        ("INBOUND_SMTP", InboundSource.SMTP, settings.inbound_smtp),
        ("INBOUND_LMTP", InboundSource.LMTP, settings.inbound_lmtp),
    ):
        if port is not None:
            try:
                ports[source.lower()] = await listener.open(source, settings.host, port)
            except OSError as error:
                raise SettingsError(
                    f"{name}: port {port} of HOST={settings.host} cannot be opened ({error.strerror}): choose another."
                ) from None
    return ports
