"""Runs the launcher (`make run`) as a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from service.standalone.process_guard import Account, spawn

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 120.0
ENDED_SECONDS = 15.0


def free_port() -> int:
    """Returns a port that was free a moment ago, of those that no outgoing connection is given meanwhile."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(10_000, 32_000)))
            port: int = probe.getsockname()[1]
            return port


class Launcher:
    """One process of `python -m service.standalone`."""

    def __init__(
        self, data: Path, variables: Mapping[str, str] | None = None, *, account: Account = Account.SELF
    ) -> None:
        self.data = data
        self.port = free_port()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        ours = {"DATA": str(data), "PORT": str(self.port), "DEMO": "0", "RECORDER_DIR": str(data / "recorders")}
        environment = kept | ours | dict(variables or {})
        output, self._output = tempfile.mkstemp(prefix="ce-launcher-")
        self.process = spawn(
            [sys.executable, "-m", "service.standalone"],
            stop_signal=signal.SIGKILL,
            environment=environment,
            output=output,
            account=account,
            directory=ROOT,
        )
        os.close(output)

    @property
    def output(self) -> str:
        """What it has written so far, to stdout and stderr."""
        return Path(self._output).read_text()

    def log(self, name: str) -> str:
        """Returns the end of one server's log."""
        return (self.data / "log" / f"{name}.log").read_text()[-5000:]

    def logs(self) -> str:
        """Returns the ends of all logs, each below its name."""
        names = sorted(path.stem for path in (self.data / "log").glob("*.log"))
        return "".join(f"\n== {name}\n{self.log(name)[-1500:]}" for name in names)

    @property
    def token(self) -> str:
        """The API token it made."""
        return (self.data / "token").read_text().strip()

    def wait_ready(self) -> None:
        """Waits until it has printed that it is ready."""
        self.wait_until(lambda: "Ready in" in self.output)

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Waits until `happened` is true; fails when the launcher exits first or time runs out."""
        ends = time.monotonic() + READY_SECONDS
        while not happened():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < ends, self.output + self.logs()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def servers(self, program: str) -> list[psutil.Process]:
        """Returns its child processes whose command this regular expression finds."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if child.is_running() and re.search(program, " ".join(_command(child)))]

    def end(self, how: signal.Signals) -> list[psutil.Process]:
        """Sends the signal; returns the processes that are still alive after the time to end."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        assert len(family) > 4, "database, queue, gateway and web server should be there"
        self.process.send_signal(how)
        self.process.wait(ENDED_SECONDS)
        _, alive = psutil.wait_procs(family, timeout=ENDED_SECONDS)
        return alive

    def forget(self) -> None:
        """Deletes the file with its output."""
        Path(self._output).unlink(missing_ok=True)

    def get(self, path: str) -> int:
        """Returns the status of a GET."""
        return self._request("GET", path)[0]

    def query(self, document: str, *, token: str | None = None) -> tuple[int, Any]:
        """Returns the status and the response of a GraphQL operation."""
        body = json.dumps({"query": document}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token or self.token}"}
        status, answer = self._request("POST", "/graphql", body, headers)
        return status, json.loads(answer)

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            client.request(method, path, body, headers or {})
            response = client.getresponse()
            return response.status, response.read()
        finally:
            client.close()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextlib.contextmanager
def launched(
    data: Path, variables: Mapping[str, str] | None = None, *, account: Account = Account.SELF
) -> Iterator[Launcher]:
    """A launcher that is ready; stopped when the block ends."""
    launcher = Launcher(data, variables, account=account)
    try:
        launcher.wait_ready()
        yield launcher
    finally:
        if launcher.process.poll() is None:
            launcher.end(signal.SIGTERM)
        launcher.forget()


def refused(data: Path, variables: Mapping[str, str] | None = None) -> str:
    """Returns the output of a launcher that cannot start, whose exit code must be 1."""
    launcher = Launcher(data, variables)
    code = launcher.process.wait(READY_SECONDS)
    said = launcher.output
    launcher.forget()
    assert code == 1, said
    return said
