"""A process that no longer serves ends: its supervisor can do nothing about one that merely hangs."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from gateway.telemetry.watchdog import watch_event_loop

PROGRAM = """
import asyncio, re
from gateway.telemetry.watchdog import watch_event_loop

def stuck():
    re.match("(a+)+$", "a" * 60 + "b")

async def main():
    watching = asyncio.create_task(watch_event_loop(2.0))
    for _ in range(30):
        await asyncio.sleep(0.1)
    print("served", flush=True)
    {last}

asyncio.run(main())
"""


def run(last: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM.replace("{last}", last)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_loop_that_is_stuck_in_one_call_ends_the_process_and_says_where() -> None:
    # Given a process that serves longer than its watchdog waits, and then hangs with the interpreter's lock held
    ended = run("stuck()")
    # Then it ends by itself, with the place and without the text it hung on
    assert (ended.returncode, ended.stdout) == (1, "served\n")
    assert "in stuck" in ended.stderr
    assert "aaaa" not in ended.stderr


def test_a_loop_that_turns_goes_on() -> None:
    assert run("pass").returncode == 0


async def test_a_watchdog_that_is_cancelled_lets_the_process_be(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled: list[bool] = []
    monkeypatch.setattr("faulthandler.dump_traceback_later", lambda seconds, *, exit: None)
    monkeypatch.setattr("faulthandler.cancel_dump_traceback_later", lambda: cancelled.append(True))
    watching = asyncio.create_task(watch_event_loop())
    await asyncio.sleep(0)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert cancelled == [True]
