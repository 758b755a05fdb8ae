"""Received mail: the listener that stores real reports in PostgreSQL, beside aiosmtpd that stores them in files.

One client sends both the same reports over the same number of connections, command by command. Each report is made
another by a header of its own, since the same bytes are stored once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from service.standalone.process_guard import spawn
from tests.bench.cpu_time import Part, alone, read_processes, whole
from tests.bench.end_to_end import durable_postgres
from tests.bench.rows import SHORT, Row, Size, at_least, at_most
from tests.bench.rows import bench as benchmark
from tests.inbound import TOKEN
from tests.inbound_process import environment, running

CORPUS = Path(__file__).parents[1] / "corpus" / "reports"
CONNECTIONS = 20
A_CONNECTION = 500
"""Reports on one connection: mail servers end theirs after some hundreds, and our listener after 1,000."""
REPORTS, ALL_REPORTS = 20_000, 100_000
RATE_GOAL = 0.5
MEMORY_GOAL = 1.1
"""The listener's memory at the end, against that after the first tenth."""
_WARM = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Reports a second, microseconds of CPU a report of each part, the server's memory after a tenth and at the end."""

    rate: float
    cpu: dict[str, float]
    memory: tuple[float, float]


def reports() -> list[bytes]:
    """The reports of the corpus as they go over the wire: CR LF, dots stuffed."""
    found = []
    for path in sorted(CORPUS.glob("*.eml")):
        content = b"\r\n".join(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
        found.append(content.replace(b"\r\n.", b"\r\n..").removesuffix(b"\r\n"))
    return found


async def _reply(reader: asyncio.StreamReader) -> None:
    while True:
        line = await reader.readline()
        if line[:1] not in (b"2", b"3"):
            raise RuntimeError(f"the server said {line!r}")
        if line[3:4] != b"-":
            return


async def _send_in_turn(port: int, left: Iterator[int], contents: Sequence[bytes]) -> None:
    """Sends reports on one connection after the other until none is left."""
    while numbers := list(islice(left, A_CONNECTION)):
        await _send(port, numbers, contents)


async def _send(port: int, numbers: Sequence[int], contents: Sequence[bytes]) -> None:
    """Sends reports on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _reply(reader)
    recipient = f"RCPT TO:<{TOKEN}>\r\n".encode()
    writer.write(b"EHLO bench.test\r\n")
    await _reply(reader)
    for number in numbers:
        for command in (b"MAIL FROM:<>\r\n", recipient, b"DATA\r\n"):
            writer.write(command)
            await _reply(reader)
        writer.write(b"X-Report: %d\r\n%b\r\n.\r\n" % (number, contents[number % len(contents)]))
        await _reply(reader)
    writer.close()


async def send_all(port: int, numbers: range, contents: Sequence[bytes]) -> float:
    """Sends reports over all connections; returns the seconds it took."""
    begun, left = time.perf_counter(), iter(numbers)
    await asyncio.gather(*(_send_in_turn(port, left, contents) for _ in range(CONNECTIONS)))
    return time.perf_counter() - begun


def memory(pid: int) -> float:
    """The resident memory of a process, in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


async def measure(port: int, pid: int, parts: dict[str, Part], *, count: int, contents: Sequence[bytes]) -> Run:
    """Sends `count` reports, the first tenth of them to warm up."""
    warm = count // _WARM
    await send_all(port, range(warm), contents)
    early = memory(pid)
    before = {name: part(read_processes()) for name, part in parts.items()}
    seconds = await send_all(port, range(warm, count), contents)
    spent = {name: part(read_processes()) - before[name] for name, part in parts.items()}
    sent = count - warm
    return Run(
        rate=sent / seconds,
        cpu={name: value * 1e6 / sent for name, value in spent.items()},
        memory=(early, memory(pid)),
    )


async def measure_listener(count: int, contents: Sequence[bytes]) -> Run:
    """Our listener, as in production, with a durable PostgreSQL."""
    with durable_postgres() as server:
        assert server.process is not None
        async with running(environment(server.url("mail"))) as gateway:
            parts = {"listener": alone(gateway.process.pid), "PostgreSQL": whole(server.process.pid)}
            return await measure(gateway.smtp, gateway.process.pid, parts, count=count, contents=contents)


async def measure_files(count: int, contents: Sequence[bytes]) -> Run:
    """aiosmtpd that stores in files, on the file system on which PostgreSQL was."""
    with tempfile.TemporaryDirectory(prefix="cb-", dir="/tmp") as directory:
        command = [sys.executable, "-m", "tests.bench.file_server", directory]
        with spawn(command, stop_signal=signal.SIGKILL, output=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                port = int(process.stdout.readline())
                parts = {"aiosmtpd": alone(process.pid)}
                return await measure(port, process.pid, parts, count=count, contents=contents)
            finally:
                process.kill()


@benchmark("inbound")
async def inbound(size: Size) -> list[Row]:
    """20,000 reports (100,000 with FULL=1) to our listener and, in the same run, a tenth to aiosmtpd with files, before
    and after it."""
    count = ALL_REPORTS if size.messages > SHORT.messages else REPORTS
    contents = reports()
    first = await measure_files(count // 10, contents)
    ours = await measure_listener(count, contents)
    second = await measure_files(count // 10, contents)
    return rows(ours, first if first.rate > second.rate else second, count=count)


def rows(ours: Run, files: Run, *, count: int) -> list[Row]:
    """The figures beside their ceilings and goals."""
    cost = sum(ours.cpu.values())
    parts = ", ".join(f"{name} {value:.0f}" for name, value in ours.cpu.items())
    early, late = ours.memory
    return [
        at_least(
            "inbound-rate",
            ours.rate,
            unit="reports/s",
            ceiling=files.rate,
            goal=RATE_GOAL,
            note=f"{CONNECTIONS} connections, against aiosmtpd that writes, syncs and renames a file each",
        ),
        Row(
            name="inbound-cpu",
            value=cost,
            unit="us a report",
            ceiling=sum(files.cpu.values()),
            ratio=cost / sum(files.cpu.values()),
            note=f"{parts}; against the same aiosmtpd",
        ),
        at_most(
            "inbound-memory",
            late,
            unit="MiB",
            ceiling=early,
            goal=MEMORY_GOAL,
            note=f"the listener after {count:,} reports, against {count // _WARM:,}",
        ),
    ]
