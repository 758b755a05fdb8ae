"""The metrics of all workers behind one port: any of them answers a scrape for all, each with its place as a label.

Not their sum: that falls whenever a worker is replaced, which Prometheus reads as a counter that began anew. With a
label a worker's series begin anew with its process, as a process's do.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

LABEL = "worker"
ANSWER_SECONDS = 2.0
"""Within which a worker tells its metrics, or is left out: it starts, ends or is stuck."""
MAX_OCTETS = 32 * 1024 * 1024
"""Of one worker's metrics: hundreds of times what they are. One that says more is left out."""
_CHUNK = 64 * 1024
_log = logging.getLogger("service.metrics")


class _Labelled(Collector):
    """A registry's metrics, with a worker's place as a label."""

    def __init__(self, registry: CollectorRegistry, place: int) -> None:
        self._registry = registry
        self._place = str(place)

    def collect(self) -> Iterable[Metric]:
        """Yields each metric."""
        for metric in self._registry.collect():
            labelled = Metric(metric.name, metric.documentation, metric.type, metric.unit)
            labelled.samples = [one._replace(labels={**one.labels, LABEL: self._place}) for one in metric.samples]
            yield labelled


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerMetrics:
    """How a worker tells its metrics to the others: by a socket in `directory`, named by its place."""

    directory: Path
    place: int
    registry: CollectorRegistry

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """While the block runs the others may ask. The worker that had this place before is not asked any more."""
        listening = socket.socket(socket.AF_UNIX)
        # Renamed when it listens: at every moment somebody answers at this place.
        made = self.directory / f"{self.place}-{os.getpid()}"
        listening.bind(str(made))
        server = await asyncio.start_unix_server(self._tell, sock=listening)
        made.rename(self.directory / str(self.place))
        try:
            yield
        finally:
            server.close()

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(self._own())
            await writer.drain()
        writer.close()

    def _own(self) -> bytes:
        labelled = CollectorRegistry()
        labelled.register(_Labelled(self.registry, self.place))
        return generate_latest(labelled)

    async def latest(self) -> bytes:
        """The metrics of all workers, in the text format."""
        places = sorted(int(path.name) for path in self.directory.iterdir() if path.name.isdigit())
        texts = await asyncio.gather(*(self._ask(place) for place in places if place != self.place))
        return merge([self._own(), *texts])

    async def _ask(self, place: int) -> bytes:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self.directory / str(place))
                try:
                    return await _read_whole(reader)
                finally:
                    writer.close()
        except OSError:
            _log.warning("worker %d told no metrics", place)
            return b""


async def _read_whole(reader: asyncio.StreamReader) -> bytes:
    """What a worker tells until it ends. Raises OSError for more than there can be, or a line that was cut off."""
    told = bytearray()
    while chunk := await reader.read(_CHUNK):
        told += chunk
        if len(told) > MAX_OCTETS:
            raise OSError("more than the metrics of a worker")
    if told and not told.endswith(b"\n"):
        raise OSError("it ended in the middle of a line")
    return bytes(told)


def merge(texts: Iterable[bytes]) -> bytes:
    """Texts of the same metrics as one, in which each metric stands once, with the samples of all."""
    samples: dict[bytes, list[bytes]] = {}
    for text in texts:
        head: list[bytes] = []
        for line in text.splitlines(keepends=True):
            if line.startswith(b"# HELP "):
                head = [line]
            elif line.startswith(b"#"):
                head.append(line)
                samples.setdefault(b"".join(head), [])
            else:
                samples[b"".join(head)].append(line)
    return b"".join(part for head, lines in samples.items() for part in (head, *lines))
