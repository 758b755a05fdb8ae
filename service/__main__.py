"""`python -m service`: serves, and manages API tokens and login links. Configured by environment variables."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

import gateway.settings
from gateway.database import (
    PREDATES_BASELINE,
    SHARED_SESSIONS,
    Connection,
    connect,
    predates_baseline,
    sessions_are_shared,
)
from gateway.errors import SettingsError
from gateway.mail.keys import Keyring
from gateway.telemetry.log import log_as_json
from gateway.telemetry.watchdog import watch_event_loop
from service.auth.sessions import create_login_link
from service.auth.tokens import create_token, revoke_token
from service.database import QUERIES
from service.metrics import REGISTRY
from service.migrations import MigrationError, Patience, migrate
from service.server import build_server, listen
from service.settings import Settings, read_database_url, read_migration_settings, read_settings
from service.worker_metrics import WorkerMetrics
from service.workers import READY, Supervisor, worker_command

_OLDEST_POSTGRES = 18
_CONTENT = "also for the mail itself and the files of sent mail"


class CommandError(Exception):
    """The command cannot run. The message is one sentence that says what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 1, with one sentence on stderr, when it cannot run."""
    options = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except (SettingsError, CommandError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service", description="The history API and its page.")
    parser.set_defaults(command=_serve)
    parser.add_argument("--workers", type=int, help="processes that share the port (default: WORKERS, else 1)")
    parser.add_argument("--host", help="address to listen on (default: HOST, else 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default: PORT, else 8000)")
    parser.add_argument("--worker", type=int, metavar="FD", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--metrics-directory", type=Path, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(title="commands")
    token = commands.add_parser("token", help="create, list or revoke API tokens")
    actions = token.add_subparsers(required=True)
    create = actions.add_parser("create", help="make a token and print it, once")
    create.add_argument("name")
    kinds = create.add_mutually_exclusive_group()
    kinds.add_argument("--inbound", action="store_true", help="for POST /inbound/raw, and for nothing else")
    kinds.add_argument("--content", action="store_true", help=_CONTENT)
    create.set_defaults(command=_create_token)
    actions.add_parser("list", help="names and dates of all tokens").set_defaults(command=_list_tokens)
    revoke = actions.add_parser("revoke", help="end a token and the sessions opened with it")
    revoke.add_argument("name")
    revoke.set_defaults(command=_revoke_token)
    link = commands.add_parser("login-link", help="print an address that signs one browser in, once, for 10 minutes")
    link.add_argument("--name", default="login-link", help="who signs in, as the history names them")
    link.add_argument("--content", action="store_true", help=_CONTENT)
    link.add_argument("--read-only", action="store_true", help="they may look at everything and change nothing")
    link.set_defaults(command=_login_link)
    migrate = commands.add_parser("migrate", help="bring the database of DATABASE_URL to the newest schema")
    migrate.set_defaults(command=_migrate)
    check = commands.add_parser("check", help="follow links of ours through PUBLIC_URL, as readers of mails will")
    check.set_defaults(command=_check)
    return parser


def _serve(options: argparse.Namespace) -> int:
    overrides = {name: getattr(options, name) for name in ("host", "port", "workers") if getattr(options, name)}
    settings, gateway_settings = _read_settings(overrides)
    log_as_json()
    if options.worker is not None:
        workers = WorkerMetrics(directory=options.metrics_directory, place=options.place, registry=REGISTRY)
        return _serve_as_worker(settings, gateway_settings, options.worker, workers)
    replicas = [("DATABASE_READ_URL", address) for address in settings.database_read_url]
    for name, url in (("DATABASE_URL", settings.database_url), *replicas):
        if asyncio.run(sessions_are_shared(url)):
            raise CommandError(f"{name}: {SHARED_SESSIONS}")
    asyncio.run(_with_database(settings.database_url, _check_version))
    with _listen(settings) as listening:
        if settings.workers == 1:
            return _run(settings, gateway_settings, listening, on_ready=lambda: None)
        with TemporaryDirectory(prefix="customer-emails-") as directory:
            supervisor = Supervisor(
                worker_command(directory), listening, count=settings.workers, drain_seconds=settings.drain_seconds
            )
            return asyncio.run(supervisor.run())


def _read_settings(overrides: dict[str, Any]) -> tuple[Settings, gateway.settings.Settings]:
    """Returns the service's settings and the gateway's. Raises one SettingsError with the faults of both."""
    found: list[Any] = []
    faults: list[str] = []
    for read in (lambda: read_settings(**overrides), gateway.settings.read_settings):
        try:
            found.append(read())
        except SettingsError as error:
            faults += str(error).splitlines()
    if faults:
        raise SettingsError("\n".join(dict.fromkeys(faults)))
    return found[0], found[1]


def _serve_as_worker(
    settings: Settings, gateway_settings: gateway.settings.Settings, number: int, workers: WorkerMetrics
) -> int:
    def report_ready() -> None:
        os.write(sys.stdout.fileno(), READY)

    threading.Thread(target=_stop_with_parent, daemon=True).start()
    return _run(settings, gateway_settings, socket.socket(fileno=number), on_ready=report_ready, workers=workers)


def _stop_with_parent() -> None:
    """Stdin is a pipe from the parent: it ends when the parent dies."""
    # Read without a buffer, whose lock this thread would hold while the interpreter ends, which aborts the process.
    while os.read(sys.stdin.fileno(), 1):
        pass
    signal.raise_signal(signal.SIGTERM)


def _run(
    settings: Settings,
    gateway_settings: gateway.settings.Settings,
    listening: socket.socket,
    *,
    on_ready: Callable[[], None],
    workers: WorkerMetrics | None = None,
) -> int:
    # Imported here: the other commands do without the schema, which takes a second to build.
    from service.app import create_app

    tasks: list[asyncio.Task[None]] = []

    def watch() -> None:
        tasks.append(asyncio.get_running_loop().create_task(watch_event_loop()))
        on_ready()

    server = build_server(create_app(settings, gateway_settings, workers), settings, on_ready=watch)
    # The schema lives as long as the process: scanning it in every full collection would block requests for tens of ms.
    gc.collect()
    gc.freeze()
    server.run(sockets=[listening])
    return 0


def _listen(settings: Settings) -> socket.socket:
    try:
        listening = listen(settings.host, settings.port)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
            "Stop the program that uses it, or choose another: PORT=8001"
        ) from None
    host, port = listening.getsockname()[:2]
    logging.getLogger("service").info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
    return listening


def _migrate(_: argparse.Namespace) -> int:
    settings = read_migration_settings()
    patience = Patience(lock=settings.migrate_lock_seconds, total=settings.migrate_patience_seconds)

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        if not asyncio.run(migrate(settings.database_url, patience, say=say)):
            say("The schema is the newest: nothing to do.")
    except MigrationError as error:
        raise CommandError(str(error)) from None
    return 0


async def _with_database(url: str, work: Callable[[asyncpg.Connection[Any]], Awaitable[int]]) -> int:
    try:
        connection = await connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise CommandError(
            f"DATABASE_URL: PostgreSQL cannot be reached ({type(error).__name__}). Is it running?"
        ) from None
    try:
        if await predates_baseline(connection):
            raise CommandError(PREDATES_BASELINE)
        return await work(connection)
    except asyncpg.UndefinedTableError:
        raise CommandError("The database has no tables yet: run make migrate.") from None
    finally:
        await connection.close()


async def _check_version(connection: Connection) -> int:
    major = connection.get_server_version().major
    if major < _OLDEST_POSTGRES:
        raise CommandError(f"DATABASE_URL: PostgreSQL {_OLDEST_POSTGRES} or newer is needed, this is {major}.")
    return 0


def _refuse_unprintable(name: str) -> None:
    """A name is shown in one line of `token list` and of a history: no line breaks, no invisible characters."""
    if not name.isprintable():
        raise CommandError("A name has no line break, tab or other invisible character: leave it out.")


def _create_token(options: argparse.Namespace) -> int:
    _refuse_unprintable(options.name)

    async def work(connection: Connection) -> int:
        try:
            token = await create_token(connection, options.name, inbound_only=options.inbound, content=options.content)
        except asyncpg.UniqueViolationError:
            raise CommandError(f"There is a token named {options.name} already: choose another name.") from None
        except asyncpg.CheckViolationError:
            raise CommandError("A token's name has 1 to 100 characters.") from None
        print(token)
        return 0

    return asyncio.run(_with_database(read_database_url(), work))


def _list_tokens(_: argparse.Namespace) -> int:
    async def work(connection: Connection) -> int:
        async for row in QUERIES.list_tokens(connection):
            ended = f"revoked {row['revoked_at']:%Y-%m-%d %H:%M}Z" if row["revoked_at"] else "living"
            kind = "\tonly for received mail" if row["inbound_only"] else "\talso the mail itself" * row["content"]
            print(f"{row['name']}\tcreated {row['created_at']:%Y-%m-%d %H:%M}Z\t{ended}{kind}")
        return 0

    return asyncio.run(_with_database(read_database_url(), work))


def _revoke_token(options: argparse.Namespace) -> int:
    async def work(connection: Connection) -> int:
        if not await revoke_token(connection, options.name):
            raise CommandError(f"There is no living token named {options.name}.")
        print(f"revoked {options.name}: it is refused everywhere within five seconds, its subscriptions end within ten")
        return 0

    return asyncio.run(_with_database(read_database_url(), work))


def _login_link(options: argparse.Namespace) -> int:
    _refuse_unprintable(options.name)
    settings = read_settings()

    async def work(connection: Connection) -> int:
        link = await create_login_link(
            connection, options.name, settings.public_url, content=options.content, read_only=options.read_only
        )
        print(link)
        return 0

    return asyncio.run(_with_database(settings.database_url, work))


def _check(_: argparse.Namespace) -> int:
    # Imported here: the other commands do without the web framework.
    from service.link_check import check

    settings, gateway_settings = _read_settings({})
    findings = asyncio.run(check(settings.public_url, Keyring(gateway_settings.secret_keys)))
    for finding in findings:
        print(finding.text)
    return 0 if all(finding.ok for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
