"""Metrics of several workers as one text: each metric once, each sample with its worker's place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.parser import text_string_to_metric_families

from service import worker_metrics
from service.worker_metrics import WorkerMetrics, merge


def worker(directory: Path, place: int, *, requests: int) -> WorkerMetrics:
    """A worker that has answered so many requests."""
    registry = CollectorRegistry()
    Counter("http_requests", "Requests:\nby route.", ("route",), registry=registry).labels('/a"b').inc(requests)
    Histogram("http_seconds", "Time.", buckets=(1,), registry=registry).observe(0.5)
    return WorkerMetrics(directory=directory, place=place, registry=registry)


async def test_a_worker_shows_its_own_and_those_of_the_others(tmp_path: Path) -> None:
    first, second = worker(tmp_path, 0, requests=3), worker(tmp_path, 1, requests=4)
    async with first.told(), second.told():
        texts = [(await one.latest()).decode() for one in (first, second)]
    assert sorted(texts[0].splitlines()) == sorted(texts[1].splitlines())
    families = {family.name: family for family in text_string_to_metric_families(texts[0])}
    assert families["http_requests"].documentation == "Requests:\nby route."
    counted = {
        one.labels["worker"]: one.value for one in families["http_requests"].samples if one.name.endswith("_total")
    }
    assert counted == {"0": 3.0, "1": 4.0}
    buckets = [one for one in families["http_seconds"].samples if one.name.endswith("_bucket")]
    assert [(one.labels["worker"], one.labels["le"]) for one in buckets] == [
        *(("0", "1.0"), ("0", "+Inf")),
        *(("1", "1.0"), ("1", "+Inf")),
    ]


async def test_a_worker_that_is_gone_is_left_out_and_its_successor_asked(tmp_path: Path) -> None:
    first, second = worker(tmp_path, 0, requests=3), worker(tmp_path, 1, requests=4)
    async with first.told():
        async with second.told():
            # Its successor takes the place before it ends
            successor = worker(tmp_path, 1, requests=7)
            async with successor.told():
                assert 'http_requests_total{route="/a\\"b",worker="1"} 7.0' in (await first.latest()).decode()
        alone = (await first.latest()).decode()
    assert 'worker="0"' in alone
    assert 'worker="1"' not in alone


@pytest.mark.parametrize("told", [b"# HELP a A.\n# TYPE a counter\na 1", b"a 1\n" * 300])
async def test_one_that_is_cut_off_or_says_too_much_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bytes
) -> None:
    # Given a neighbour whose text ends within a line, or is longer than any
    monkeypatch.setattr(worker_metrics, "MAX_OCTETS", 1000)

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(told)
        writer.close()

    neighbour = await asyncio.start_unix_server(tell, tmp_path / "1")
    # When this worker is asked
    one = worker(tmp_path, 0, requests=3)
    async with neighbour, one.told():
        said = (await one.latest()).decode()
    # Then it tells its own
    assert {line.partition("{")[0] for line in said.splitlines() if not line.startswith("#")} >= {"http_requests_total"}
    assert "a 1" not in said


def test_nothing_of_others_leaves_a_text_as_it_is() -> None:
    text = b"# HELP a A.\n# TYPE a counter\na 1.0\n# HELP b B.\n# TYPE b gauge\n"
    assert merge([text, b""]) == text
