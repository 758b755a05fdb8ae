"""Campaign templates compiled in processes of their own: whatever a page holds, the event loop goes on, and so do we.

A page can make the parsers of HTML, CSS and MJML work for minutes, or end the process they run in. Each is compiled by
a new process, `python -m gateway.templates.compile_process`, with limits on its time and memory and without our
environment, which holds secrets. It reads a TemplateSource on stdin and writes a CompiledSource, or the refusals, on
stdout, both as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from gateway.errors import CompilerUnavailable, GatewayError, Refusal, RefusalCode, RefusalCollector, Refusals
from gateway.templates.html_links import OUT_OF_MEMORY, PageFaults
from gateway.templates.preview import Preview
from gateway.templates.publishing import CompiledSource, TemplateSource, compile_source

CPU_SECONDS = 10
"""Of a processor: three times what the largest ordinary page takes (measured: 512 KB of paragraphs, 3 s)."""
MEMORY = 512 << 20
"""Octets of address space: three times what the largest page takes (measured: 60,000 elements, 156 MB)."""
PROCESSES = 2
"""At a time: publishing is rare, and must leave processors for the mail."""
PREVIEW_PROCESSES = 1
"""Of these for previews, which come with every pause in writing: the other is there for who publishes meanwhile."""
MAX_WAITING = 20
"""Pages that wait for a process, each up to a megabyte; previews and others are counted apart."""
WAIT_SECONDS = 60.0
"""For the whole of it, waiting and starting: what takes longer waits for processors, not for the page."""

_TOO_MUCH = 3
"""The exit code of a process that ran out of memory; out of time, it is killed by the system."""
_NICE = 10
"""Lower than the priority of whatever serves and sends."""
_INHERITED = ("PATH", "PYTHONPATH", "LANG", "LC_ALL")


class TemplateCompiler:
    """Compiles one source at a time in each of a few processes. `cpu_seconds` and `memory` are limits of one page."""

    def __init__(
        self, *, cpu_seconds: int = CPU_SECONDS, memory: int = MEMORY, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._limits = (str(cpu_seconds), str(memory))
        self._wait_seconds = wait_seconds
        self._free = asyncio.Semaphore(PROCESSES)
        self._previewing = asyncio.Semaphore(PREVIEW_PROCESSES)
        self._waiting: Counter[bool] = Counter()

    async def compile(self, source: TemplateSource, *, preview: bool = False) -> CompiledSource:
        """Returns what `compile_source` returns. A `preview` waits for others, and never takes the last process.

        Raises what it raises, Refusal(TEMPLATE_INVALID) for a page that takes more than its limits, and
        CompilerUnavailable.
        """
        if self._waiting[preview] >= MAX_WAITING:
            raise CompilerUnavailable("Too many templates are being compiled: try again in a moment.")
        self._waiting[preview] += 1
        try:
            async with asyncio.timeout(self._wait_seconds), self._place(preview):
                code, answer = await self._run(json.dumps(asdict(source), default="{:f}".format).encode())
        except TimeoutError:
            raise CompilerUnavailable("Compiling the template took too long: try again in a moment.") from None
        finally:
            self._waiting[preview] -= 1
        if code:
            raise self._failure(code, ("html",) if source.mjml is None else ("mjml",))
        return _read_answer(json.loads(answer))

    @contextlib.asynccontextmanager
    async def _place(self, preview: bool) -> AsyncIterator[None]:
        """A process is free; for previews one of theirs."""
        async with self._previewing if preview else contextlib.nullcontext(), self._free:
            yield

    async def _run(self, request: bytes) -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.templates.compile_process", *self._limits),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        )
        try:
            answer, _ = await process.communicate(request)
            return await process.wait(), answer
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            # Also when we are cancelled: until its pipes have ended, the loop may not be closed.
            await process.communicate()

    def _failure(self, code: int, field: tuple[str, ...]) -> GatewayError:
        if code < 0 or code == _TOO_MUCH:
            cpu_seconds, memory = self._limits
            message = (
                f"This takes more than {cpu_seconds} seconds or {int(memory) >> 20} MiB to compile: make it smaller, "
                "or its style sheet simpler."
            )
            return Refusal(RefusalCode.TEMPLATE_INVALID, message, field)
        return CompilerUnavailable(f"The process that compiles templates ended with exit code {code}: see the log.")


def _read_answer(answer: dict[str, Any]) -> CompiledSource:
    if "refused" in answer:
        found = RefusalCollector()
        for code, message, field in answer["refused"]:
            with found.check():
                raise Refusal(RefusalCode(code), message, tuple(field))
        found.raise_any()
    made = {
        "fields": tuple(answer["fields"]),
        "preview": Preview(**answer["preview"]),
        "faults": _read_faults(answer["faults"]),
    }
    return CompiledSource(**answer | made)


def _read_faults(given: dict[str, Any]) -> PageFaults:
    """JSON has no tuples."""
    read: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return PageFaults(**read)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return asdict(compile_source(TemplateSource(**request)))
    except Refusal as refusal:
        refused: tuple[Refusal, ...] = (refusal,)
    except Refusals as several:
        refused = several.refusals
    return {"refused": [(one.code, one.message, one.field) for one in refused]}


def _main(cpu_seconds: int, memory: int) -> int:
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    try:
        json.dump(_answer(json.load(sys.stdin)), sys.stdout)
    except OUT_OF_MEMORY:
        return _TOO_MUCH
    return 0


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), int(sys.argv[2])))
