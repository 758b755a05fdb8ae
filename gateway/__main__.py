"""`python -m gateway [--workers N]`: the gateway's processes; with `--inbound`, the one that takes mail coming back;
`restored` deals with what waits in a ledger that was restored.

With one worker this process is the worker. With more it starts that many of itself, keeps them running, and passes
SIGTERM and SIGINT on. A worker that loses its parent drains, too.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import uvloop
from prometheus_client import start_http_server

from gateway.database import why_unusable
from gateway.errors import GatewayError, LedgerWentBack, SettingsError
from gateway.settings import EXAMPLES, Settings, read_settings
from gateway.telemetry.log import log_as_json

log = logging.getLogger("gateway")

MAX_WORKERS = 64
RESTART_SECONDS = 1.0
"""Between a worker's death and its successor: a fault at start must not become a storm."""
WENT_BACK = 3
"""Exit code of a worker that may not send from its ledger: no successor may, either."""
LONGEST_NAME = 100
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped; 0 after a drain, 1 with one sentence when it cannot start."""
    options = _parse(arguments)
    log_as_json()
    try:
        settings = read_settings()
        if options.command is not None:
            return _deal_with_restore(settings, options)
        if options.inbound:
            return _take_mail(settings)
        _make_journal(settings.journal_dir)
        if options.child is None and (why := asyncio.run(why_unusable(settings.database_url))):
            raise SettingsError(why)
        if options.workers > 1:
            return Parent(options.workers).run()
        return _send_mail(settings, options.child)
    except LedgerWentBack as error:
        print(error, file=sys.stderr)
        return 1 if options.child is None else WENT_BACK
    except GatewayError as error:
        print(error, file=sys.stderr)
        return 1
    except asyncpg.UndefinedTableError:
        print("The database has no tables of ours yet: run make migrate.", file=sys.stderr)
        return 1
    except (OSError, asyncpg.PostgresError) as error:
        print(f"The gateway cannot start: {error}. Check DATABASE_URL and that PostgreSQL runs.", file=sys.stderr)
        return 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Sends the mail that is due.")
    parser.add_argument("--inbound", action="store_true", help="take the mail that comes back: SMTP, LMTP, IMAP")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes, 1 to 64 (default 1)")
    parser.add_argument("--child", type=int, default=None, help=argparse.SUPPRESS)
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", dest="command")
    restored = commands.add_parser(
        "restored", help="say that the ledger was restored from a copy: what waited in it becomes UNCERTAIN"
    )
    restored.add_argument("--name", default=_who_i_am(), help="who says it, as the history names them")
    restored.add_argument(
        "--anyway", action="store_true", help="also where nothing shows it: a copy of the server's files was put back"
    )
    options = parser.parse_args(arguments)
    if not 1 <= options.workers <= MAX_WORKERS:
        parser.error(f"--workers is a number from 1 to {MAX_WORKERS}")
    if options.command and not _is_a_name(options.name):
        restored.error(f"--name is one line of 1 to {LONGEST_NAME} characters")
    return options


def _is_a_name(text: str) -> bool:
    return text.isprintable() and 0 < len(text) <= LONGEST_NAME and text == text.strip()


def _who_i_am() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in containers
        return "operator"


# What takes mail and what sends it is imported where it is used: neither needs the half second of the other.


def _send_mail(settings: Settings, number: int | None) -> int:
    from gateway.worker_process import work

    if settings.metrics_port is not None:
        _serve_metrics(settings.metrics_host, settings.metrics_port + (number or 0))
    return uvloop.run(work(settings, number=number))


def _deal_with_restore(settings: Settings, options: argparse.Namespace) -> int:
    from gateway.worker_process import deal_with_restore

    if why := asyncio.run(why_unusable(settings.database_url)):
        raise SettingsError(why)
    done = asyncio.run(deal_with_restore(settings, actor=options.name, anyway=options.anyway))
    if done is None:
        print(
            "Nothing was done: the ledger is on the server on which a gateway ran last, or on which this was said, and "
            "lacks nothing that was seen of it. If a copy of the server's files was put back, say so: "
            "python -m gateway restored --anyway"
        )
        return 0
    print(
        f"Recipients whose mail is UNCERTAIN now, with the cause RESTORED: {done.uncertain}; without a message before: "
        f"{done.made}.\n"
        f"Campaigns that are paused now: {done.campaigns_paused}. Settle what is uncertain of each, then resume it.\n"
        f"Retries of many messages that are called off: {done.retries_called_off}. Ask again for what you still mean."
    )
    if done.not_made:
        print(f"Mailings that could not be made whole, see the log above: {done.not_made}. Resuming mails the rest.")
    print("Gateways start now.")
    return 0


def _take_mail(settings: Settings) -> int:
    from gateway.inbound import process

    process.check(settings)
    if why := asyncio.run(why_unusable(settings.database_url)):
        raise SettingsError(why)
    if settings.metrics_port is not None:
        _serve_metrics(settings.metrics_host, settings.metrics_port)
    return uvloop.run(process.listen(settings))


def _make_journal(directory: str | None) -> None:
    """Make the directory now: that it cannot be written would show only when a shutdown needs it."""
    from gateway.delivery import journal

    try:
        if directory is not None:
            journal.make(Path(directory))
    except OSError as error:
        raise SettingsError(
            f"JOURNAL_DIR: {directory} cannot be written ({error.strerror}): choose another. "
            f"For example: JOURNAL_DIR={EXAMPLES['JOURNAL_DIR']}"
        ) from None


def _serve_metrics(host: str, port: int) -> None:
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        raise SettingsError(
            f"METRICS_PORT: port {port} of METRICS_HOST={host} cannot be opened ({error.strerror}): choose another."
        ) from None


class Parent:
    """Keeps N workers running until a signal, then waits for their drains."""

    def __init__(self, workers: int) -> None:
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._workers = workers
        self._stopping = False

    def run(self) -> int:
        """Start, restart what dies, pass the signal on, wait. The worst exit code of the drains. It ends, too, when a
        worker may not send from its ledger."""
        for which in _SIGNALS:
            signal.signal(which, self._pass_on)
        while not self._stopping:
            for number in range(self._workers):
                child = self._children.get(number)
                if child is not None and child.poll() == WENT_BACK:
                    self._pass_on(signal.SIGTERM, None)
                elif not self._stopping and (child is None or child.poll() is not None):
                    self._start(number, again=child is not None)
            time.sleep(RESTART_SECONDS)
        return max(abs(child.wait()) for child in self._children.values())

    def _start(self, number: int, *, again: bool) -> None:
        if again:
            log.error("worker %d died and is started again", number)
        self._children[number] = subprocess.Popen([sys.executable, "-m", "gateway", "--child", str(number)])  # noqa: S603  our own words
        if self._stopping:
            self._children[number].send_signal(signal.SIGTERM)

    def _pass_on(self, number: int, frame: object) -> None:
        self._stopping = True
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
