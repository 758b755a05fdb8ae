"""`make run`, as a table of contents: everything on one machine, the web server last."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import http.client
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.standalone.copied_back import deal_with_restore
from service.standalone.data_directory import DataDirectory, Running
from service.standalone.errors import LaunchError
from service.standalone.mail_listener import (
    LOOPBACK,
    check_listener_ports,
    demo_settings,
    free_port,
    listener_environment,
    listener_words,
    takes_mail,
)
from service.standalone.migrate import migrate, refuse_old_database
from service.standalone.options import DEMO_RELAY, Options, check_port
from service.standalone.postgres import Postgres
from service.standalone.supervisor import PythonServer, Stopped, Supervisor
from service.standalone.valkey import Valkey

DEMO_FROM = "Northlight Home Systems <hello@northlight.example>"
DRAIN_SECONDS = 8
_STOP_SECONDS = 9.8
"""Ctrl-C ends everything within ten: the drain, and what it leaves of them for the databases."""
_READY_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Stores:
    """Where PostgreSQL and Valkey are."""

    database_url: str
    redis_url: str


def launch(options: Options) -> int:
    """Until somebody stops it: exit code 0. Raises LaunchError when it cannot start."""
    began = time.monotonic()
    supervisor = Supervisor(say)
    supervisor.listen()
    stop_with_make()
    data = DataDirectory(options.data)
    try:
        data.open()
        check_port(options)
        check_listener_ports(os.environ, options.host if options.relay_url else LOOPBACK)
        stores = start_stores(options, data, supervisor)
        keep_own_mail_from_the_demo(options, stores)
        listener = None if options.relay_url else socket.create_server(("127.0.0.1", 0))
        environment = service_environment(options, data, stores, listener)
        if listener is not None:
            start_demo_relay(data, supervisor, environment, listener)
        if options.restored is not None:
            say(deal_with_restore(options.restored, environment))
        start_gateway(data, supervisor, environment)
        servers = [start_mail_listener(options, data, supervisor, environment)] if takes_mail(environment) else []
        servers.append(start_web_server(data, supervisor, environment))
        link = make_credentials(options, data, stores)
        wait_ready(options, supervisor, servers)
        data.publish(Running(database_url=stores.database_url, public_url=options.public_url, path=data.path))
        welcome(options, data, environment, link, seconds=time.monotonic() - began)
        if options.demo:
            start_demo(options, data, supervisor, environment)
        supervisor.run()
    except Stopped:
        say("Stopping ...")
    finally:
        stop_all(supervisor)
        data.leave()
    say("Stopped. Nothing is lost: the next `make run` goes on from here.")
    return 0


def stop_all(supervisor: Supervisor) -> None:
    """Those that use the databases first."""
    ends = time.monotonic() + _STOP_SECONDS
    supervisor.stop(("demo", "web server", "mail listener", "gateway"), seconds=DRAIN_SECONDS + 0.3)
    supervisor.stop(("demo relay", "valkey", "postgres"), seconds=ends - time.monotonic())


def say(line: str) -> None:
    """One line on the terminal, at once; a closed one hears nothing, and everything is stopped all the same."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def stop_with_make() -> None:
    """Killed with -9, make would leave us running without a terminal: on Linux its end stops us, too."""
    if sys.platform == "linux" and "MAKELEVEL" in os.environ:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))


def start_stores(options: Options, data: DataDirectory, supervisor: Supervisor) -> Stores:
    """PostgreSQL and Valkey, side by side; the ledger migrated."""
    run = data.run_directory()
    valkey = Valkey(run=run, log=data.log("valkey"), data=data.path / "valkey", lock_fd=data.lock_fd)
    supervisor.start(valkey)
    database_url = options.database_url
    if database_url is None:
        postgres = Postgres(data=data.path / "postgres", run=run, log=data.log("postgres"), lock_fd=data.lock_fd)
        supervisor.start(postgres)
        postgres.wait_ready()
        database_url = postgres.url()
    refuse_old_database(database_url, data=data.path if options.database_url is None else None)
    try:
        migrate(database_url)
    except LaunchError as error:
        if options.database_url is None:
            raise
        advice = "Is DATABASE_URL right, its server running, and its role allowed to make tables?"
        raise LaunchError(f"{error}. {advice}") from None
    valkey.wait_ready()
    return Stores(database_url=database_url, redis_url=valkey.url())


def keep_own_mail_from_the_demo(options: Options, stores: Stores) -> None:
    """Raises LaunchError when mail of the user's own waits: without RELAY_URL the demo relay would keep it, and the
    history would say that it was accepted."""
    if options.relay_url is not None:
        return
    # Imported here: not before PostgreSQL and Valkey start.
    from service.standalone.pending_mail import has_mail_for_another_relay

    if asyncio.run(has_mail_for_another_relay(stores.database_url, DEMO_RELAY)):
        raise LaunchError(
            "Mail of your own waits in this ledger, and the demo relay would only pretend to send it: "
            "start with RELAY_URL=... as before, or choose another directory with DATA=/some/dir."
        )


def service_environment(
    options: Options, data: DataDirectory, stores: Stores, demo_relay: socket.socket | None
) -> Mapping[str, str]:
    """The settings of the service and the gateway: the same variables that a deployment sets."""
    settings = {
        "DATABASE_URL": stores.database_url,
        "REDIS_URL": stores.redis_url,
        "PUBLIC_URL": options.public_url,
        "HOST": options.host,
        "PORT": str(options.port),
        "SECRET_KEYS": os.environ.get("SECRET_KEYS") or data.secret_keys(),
        "DEFAULT_FROM": os.environ.get("DEFAULT_FROM") or DEMO_FROM,
        "DRAIN_SECONDS": str(DRAIN_SECONDS),
        # No balancer looks at /readyz here: Ctrl-C need not wait for one.
        "DRAIN_NOTICE_SECONDS": "0",
        "JOURNAL_DIR": str(data.path / "journal"),
        "PYTHONUNBUFFERED": "1",
    }
    if options.relay_url is not None:
        settings["RELAY_URL"] = options.relay_url
    if demo_relay is not None:
        port = demo_relay.getsockname()[1]
        settings["RELAY_URL"] = f"smtp://127.0.0.1:{port}?name={DEMO_RELAY}&connections=5"
        settings["BOUND_RELAY"] = DEMO_RELAY
        settings |= demo_settings(os.environ, free_port)
    if options.demo:
        settings["ALLOW_RESERVED_DOMAINS"] = "1"
    # A replica of some other database in the shell's environment is not ours.
    return {name: value for name, value in os.environ.items() if name != "DATABASE_READ_URL"} | settings


def start_demo_relay(
    data: DataDirectory, supervisor: Supervisor, environment: Mapping[str, str], listener: socket.socket
) -> None:
    """A mail server on loopback, which keeps what it accepts in DATA/inbox and has some of it answered; all mail of
    this run is bound to it."""
    relay = PythonServer(
        "demo relay",
        ["service.standalone.demo.relay", str(listener.fileno()), str(data.path), environment["INBOUND_SMTP"]],
        environment=environment,
        log=data.log("relay"),
        pass_fds=(data.lock_fd, listener.fileno()),
    )
    supervisor.start(relay)


def start_gateway(data: DataDirectory, supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    """The worker that sends: the same program as in production."""
    gateway = PythonServer(
        "gateway", ["gateway"], environment=environment, log=data.log("gateway"), pass_fds=(data.lock_fd,)
    )
    supervisor.start(gateway)


def start_mail_listener(
    options: Options, data: DataDirectory, supervisor: Supervisor, environment: Mapping[str, str]
) -> PythonServer:
    """Takes in mail that comes back: the same program as in production."""
    server = PythonServer(
        "mail listener",
        ["gateway", "--inbound"],
        environment=listener_environment(environment, demo_relay=options.relay_url is None),
        log=data.log("inbound"),
        pass_fds=(data.lock_fd,),
    )
    supervisor.start(server)
    return server


def start_web_server(data: DataDirectory, supervisor: Supervisor, environment: Mapping[str, str]) -> PythonServer:
    """Last, so that /readyz 200 means everything."""
    web = PythonServer(
        "web server", ["service"], environment=environment, log=data.log("service"), pass_fds=(data.lock_fd,)
    )
    supervisor.start(web)
    return web


def make_credentials(options: Options, data: DataDirectory, stores: Stores) -> str:
    """Returns a new link that signs one browser in; makes the API token once, and keeps it in DATA/token."""
    # Imported here: it takes as long as the servers that start meanwhile.
    from service.standalone.credentials import make_login_link, make_token

    # Under a new name: an older token may have been lost with its file, and lives.
    name = f"make run {secrets.token_hex(4)}"
    data.keep("token", lambda: asyncio.run(make_token(stores.database_url, name, content=True)))
    return asyncio.run(make_login_link(stores.database_url, options.public_url, "make run", content=True))


def wait_ready(options: Options, supervisor: Supervisor, servers: Sequence[PythonServer]) -> None:
    """Until /readyz answers 200; the web server is the last of `servers`. Raises LaunchError when it does not, or when
    one of them ends."""
    if not supervisor.wait_until(lambda: ask_ready(options)[0] == 200, seconds=_READY_SECONDS, alive=servers):
        raise LaunchError(
            f"The web server is not ready after {_READY_SECONDS:.0f} s; "
            f"/readyz says {ask_ready(options)[1]}, its log {servers[-1].last_log_line()}"
        )


def ask_ready(options: Options) -> tuple[int, str]:
    """Status and body of /readyz; 0 and the reason when nobody answers."""
    address = options.own_address
    client = http.client.HTTPConnection(address[0], address[1], timeout=5)
    try:
        client.request("GET", "/readyz")
        response = client.getresponse()
        return response.status, response.read(1000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"nothing ({error})"
    finally:
        client.close()


def welcome(
    options: Options, data: DataDirectory, environment: Mapping[str, str], link: str, *, seconds: float
) -> None:
    """Where everything is, for the person at the terminal. No token: where the output is kept, it would be, too. The
    link may be: it works once, for ten minutes."""
    say(f"Ready in {seconds:.1f} s: {options.public_url}")
    say(f"  Sign in      {link}   (once, within 10 minutes; `make link` makes another)")
    say(f"  API          {options.public_url}/graphql")
    say(f"  Token        in {data.path / 'token'}   (`make token` shows it, `make token NAME=crm` makes another)")
    say(f"  Data         {data.path}   (accepted mail in inbox/, what the servers say in log/)")
    say(f"  Mail in      {listener_words(environment)}")
    if options.relay_url is not None and not os.environ.get("DEFAULT_FROM"):
        say(f"  From         {DEMO_FROM}, whom nobody knows: set DEFAULT_FROM to an address of yours")
    say("  Stop         Ctrl-C")


def start_demo(options: Options, data: DataDirectory, supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    """A client of the API like any other, in a process of its own, which ends when its story does."""
    module = ["service.standalone.demo", options.own_url, str(data.path)]
    supervisor.start(PythonServer("demo", module, environment=environment, log=None), once=True)
