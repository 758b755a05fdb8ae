"""The gateway as a process of its own, in a hurry: `python -m tests.proof.gateway`.

The same code as `python -m gateway`; only its waits and pauses are shorter, so that a run ends.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import uvloop

from gateway.__main__ import work
from gateway.log import log_as_json
from gateway.mail.verdict import Verdict
from gateway.settings import read_settings
from gateway.worker import Pace


def wait(attempt: int, verdict: Verdict) -> timedelta:
    """Between tries."""
    return timedelta(milliseconds=100 * attempt)


def pause(step: int, verdict: Verdict, jitter: float) -> timedelta:
    """Of a relay or destination."""
    return timedelta(milliseconds=100)


if __name__ == "__main__":
    log_as_json()
    sys.exit(uvloop.run(work(read_settings(), number=None, pace=Pace(wait=wait, pause=pause, scan_seconds=0.5))))
