"""Signatures made in processes of their own: RSA takes longer than everything else that a mail costs.

In a thread of the worker each signature would wait for the interpreter's lock and take it away again. A process is
asked over its pipes, a claim's mails at a time, and sees nothing but the keys and what is to be signed.
`python -m gateway.delivery.dkim_processes` is such a process; it ends when its worker closes the pipe, or dies.

It is given the keys on a line of JSON: those that the worker has read, whatever became of their files. A request is a
count, then for each signature the key's number, a length and the bytes. The answer is the length of all that follows:
a length and a signature each, in the same order. Numbers are unsigned and big-endian.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import orjson

from gateway.compose.signing_keys import read_pem
from gateway.delivery.dkim import Asked, Signer

log = logging.getLogger(__name__)

PROCESSES = max(1, min(4, os.cpu_count() or 2))
"""One a processor: a worker that waits for signatures leaves its own to them; four RSA signers keep up with any."""
ANSWER_SECONDS = 10.0
"""A thousand times what a group takes: a process that is stopped, or starved, must not hold up its mails."""

_COUNT = struct.Struct("!I")
_ASKED = struct.Struct("!HI")
_LENGTH = struct.Struct("!H")
_WHOLE = struct.Struct("!I")
_BROKEN = (OSError, asyncio.IncompleteReadError)


class Signatures:
    """Makes signatures for one worker; processes start when they are first needed. `close` at the end."""

    def __init__(self, signer: Signer, *, processes: int = PROCESSES, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._signer = signer
        self._patience = answer_seconds
        self._processes: set[_Process] = set()
        self._idle: list[_Process] = []
        self._turns = asyncio.Semaphore(processes)

    async def close(self) -> None:
        """End the processes, and wait until they have ended."""
        self._idle.clear()
        while self._processes:
            await self._processes.pop().end()

    async def make(self, group: Sequence[Asked]) -> list[bytes]:
        """The signatures of a group, in its order, by the next process that is free: in one request, which groups of
        some fifty are worth. Never fails: without a process they are made in a thread."""
        async with self._turns:
            # One that is cancelled amid its answer does not become idle: the answer would be taken for another group's.
            process = self._idle.pop() if self._idle else None
            try:
                if process is None:
                    process = await _Process.start(self._signer.pems)
                    self._processes.add(process)
                async with asyncio.timeout(self._patience):
                    made = await process.ask(group)
            except _BROKEN as error:
                log.warning("a signing process failed, its mails are signed in a thread: %s", type(error).__name__)
                if process is not None:
                    self._processes.discard(process)
                    await process.end()
                return await asyncio.to_thread(lambda: [asked.by(asked.signed) for asked in group])
            self._idle.append(process)
            return made


class _Process:
    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, pems: Sequence[bytes]) -> _Process:
        """Raises OSError."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.delivery.dkim_processes"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        if process.stdin is None or process.stdout is None:
            raise OSError("a process without pipes")
        started = cls(process, process.stdout, process.stdin)
        started._writer.write(orjson.dumps([pem.decode() for pem in pems]) + b"\n")
        return started

    async def ask(self, group: Sequence[Asked]) -> list[bytes]:
        """The signatures, in order. Raises OSError or IncompleteReadError when the process is gone."""
        request = b"".join(_ASKED.pack(asked.key, len(asked.signed)) + asked.signed for asked in group)
        self._writer.write(_COUNT.pack(len(group)) + request)
        (length,) = _WHOLE.unpack(await self._reader.readexactly(_WHOLE.size))
        return list(_signatures(await self._reader.readexactly(length)))

    async def end(self) -> None:
        """Close its pipes: it ends."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._writer.close()
        await self._process.wait()


def _signatures(answer: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(answer):
        (length,) = _LENGTH.unpack_from(answer, at)
        at += _LENGTH.size + length
        yield answer[at - length : at]


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Sign until there are no more requests; the first line is the keys in PEM."""
    sign = [read_pem(pem.encode()).sign for pem in orjson.loads(requests.readline())]
    while head := requests.read(_COUNT.size):
        (count,) = _COUNT.unpack(head)
        made = [sign[number](signed) for number, signed in _requested(requests, count)]
        answer = b"".join(_LENGTH.pack(len(signature)) + signature for signature in made)
        answers.write(_WHOLE.pack(len(answer)) + answer)
        answers.flush()


def _requested(requests: BinaryIO, count: int) -> Iterator[tuple[int, bytes]]:
    for _ in range(count):
        key, length = _ASKED.unpack(requests.read(_ASKED.size))
        yield key, requests.read(length)


if __name__ == "__main__":
    # A signal to the process group also stops the worker, which drains, and needs signatures until it has.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
