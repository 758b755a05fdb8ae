"""The window that is measured, and the wait for its ends."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import cast

import pytest

from tests.bench import steady
from tests.bench.sink import Sink
from tests.bench.steady import until_taken, window_of


class Program:
    """A program that runs, or has ended."""

    args = ("sender",)

    def __init__(self, returncode: int | None) -> None:
        self.returncode = returncode

    def poll(self) -> int | None:
        return self.returncode


RUNNING, ENDED = (cast("subprocess.Popen[bytes]", Program(returncode)) for returncode in (None, 1))


def sink(*counts: int) -> Sink:
    told: Iterator[int] = iter(counts)
    return Sink(port=25, kind="own sink", pid=1, taken=lambda: next(told))


def test_mails_before_and_after_are_sent_but_not_measured() -> None:
    window = window_of(10_000)
    assert (window.before, window.within, window.after, window.mails) == (2000, 10_000, 1000, 13_000)
    assert window_of(50).mails == 250


async def test_the_count_at_the_end_of_the_wait_is_the_sinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "LOOK_SECONDS", 0)
    assert await until_taken(sink(100, 100, 130), 120, RUNNING) == 130


async def test_a_program_may_end_with_its_last_mail() -> None:
    assert await until_taken(sink(120), 120, ENDED) == 120


async def test_a_load_that_does_not_move_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "STUCK_SECONDS", 0)
    with pytest.raises(RuntimeError, match="nothing was sent"):
        await until_taken(sink(90, 90), 120, RUNNING)


async def test_a_program_that_ends_too_early_is_a_failure() -> None:
    with pytest.raises(RuntimeError, match="ended with 1 after 90 mails, 120 awaited"):
        await until_taken(sink(90, 90), 120, ENDED)
