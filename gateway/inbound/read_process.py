"""Received mail read in a process of its own: large mail, which would keep the event loop waiting, and mail whose first
reading failed, which may end the process that reads it.

`python -m gateway.inbound.read_process` has limits on its time and memory, and none of our environment, which holds
secrets. It reads one line of JSON and then the mail on stdin, and writes a Reading as JSON on stdout.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
from functools import cache

from pydantic import TypeAdapter

from gateway.errors import GatewayError
from gateway.inbound.reading import Reading, ReadingOptions, read

CPU_SECONDS = 20
"""Of a processor: ten times what the largest mail takes (measured: a file of 100 MiB, 1.8 s)."""
MEMORY = 1 << 30
"""Octets of address space: twice what the largest mail takes (measured: a file of 100 MiB, 500 MiB)."""
WAIT_SECONDS = 60.0
"""For the whole of it: what takes longer waits for processors, not for the mail."""

_NICE = 10
"""Lower than the priority of whatever serves and sends."""
_INHERITED = ("PATH", "PYTHONPATH", "LANG", "LC_ALL")


class ReadingFailed(GatewayError):
    """The process that read a mail ended without a reading: it took too long or too much memory, or was ended."""


async def read_apart(
    raw: bytes, options: ReadingOptions, *, cpu_seconds: int = CPU_SECONDS, memory: int = MEMORY
) -> Reading:
    """Returns what `gateway.inbound.reading.read` returns. Raises ReadingFailed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.inbound.read_process", str(cpu_seconds), str(memory)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
    )
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            answer, _ = await process.communicate(json.dumps(options).encode() + b"\n" + raw)
            code = await process.wait()
    except TimeoutError:
        raise ReadingFailed("Reading a mail took too long.") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if code:
        raise ReadingFailed(f"The process that read a mail ended with exit code {code}.")
    return _adapter().validate_json(answer)


@cache
def _adapter() -> TypeAdapter[Reading]:
    return TypeAdapter(Reading)


def _main(cpu_seconds: int, memory: int) -> int:
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    options: ReadingOptions = json.loads(sys.stdin.buffer.readline())
    reading = read(sys.stdin.buffer.read(), **options)
    sys.stdout.buffer.write(_adapter().dump_json(reading))
    return 0


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), int(sys.argv[2])))
