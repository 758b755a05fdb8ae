"""The gateway as a process of its own, with short waits: `python -m tests.proof.gateway [words]`.

The same code as `python -m gateway`, but its waits and pauses are shorter, so that a run ends, and every mail's return
path identifies its attempt, so that the mail server's record can be compared with the ledger. Words change it:

- `pauses`: those of relays and destinations are as long as in production, and mail is retried after 3, 6, 9 seconds and
  so on;
- `late-mark`: the flight recorder notes a dot 3 ms after it was written, which is wrong: the proof must see it;
- `slow-settling`: a dead worker's mail is settled when its leases are over;
- `another-boot`: no file of another process is of this boot;
- `disk-full`: there is no room for a file;
- `short-taking`: received mail that a worker took is due again after some seconds;
- `forks`: reads words and environments from standard input, a JSON line each, and forks a gateway for each, whose
  process id it writes: a gateway that starts at once, since all is imported.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import uvloop

from gateway.delivery import settle
from gateway.delivery.flight_recorder import Slot
from gateway.delivery.recorder_file import Word
from gateway.delivery.routing import RelayRouter
from gateway.delivery.schedule import RetrySchedule
from gateway.delivery.send import Mail
from gateway.delivery.settle import Settler
from gateway.inbound import read_job
from gateway.mail.verdict import Verdict
from gateway.outbox.trouble import usual_pause
from gateway.settings import read_settings
from gateway.smtp.connection import Receiver
from gateway.telemetry.log import log_as_json
from gateway.worker_process import work
from tests.proof.counts import LEASE_SECONDS, sender_of

LATE_SECONDS = 0.003
SLOW_SECONDS = 1.5 * LEASE_SECONDS
TAKEN_FOR = timedelta(seconds=3)


def wait(attempt: int, verdict: Verdict) -> timedelta:
    """Returns the wait before the next attempt."""
    return timedelta(milliseconds=100 * attempt)


def pause(step: int, verdict: Verdict, jitter: float) -> timedelta:
    """Returns the pause of a relay or destination."""
    return timedelta(milliseconds=100)


Deliver = Callable[[RelayRouter, Mail, Receiver], None]


def with_attempt_path(deliver: Deliver) -> Deliver:
    """Returns `deliver` with the return path that identifies the attempt."""

    def deliver_with_path(router: RelayRouter, mail: Mail, result: Receiver) -> None:
        path = sender_of(mail.row.message_id, mail.row.attempt)
        deliver(router, replace(mail, envelope=replace(mail.envelope, return_path=path)), result)

    return deliver_with_path


def mark_late(slot: Slot) -> None:
    """The mark after the write: what must not be."""

    def mark() -> None:
        words = slot._recorder.words
        if words[slot._word] == int(Word.LEASED):
            words[slot._word] = int(Word.DOT)

    asyncio.get_running_loop().call_later(LATE_SECONDS, mark)


def settle_late(settle_in_time: Callable[[Settler], Coroutine[Any, Any, None]]) -> Any:
    """Settling that takes longer than a lease."""

    async def settle_slowly(settler: Settler) -> None:
        await asyncio.sleep(SLOW_SECONDS)
        await settle_in_time(settler)

    return settle_slowly


def disk_full(*_: object) -> None:
    """In place of `os.posix_fallocate`. Raises OSError."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def replace_in(owner: object, name: str, value: object) -> None:
    """Replace a function of the product in this process."""
    setattr(owner, name, value)


def change(words: Sequence[str]) -> RetrySchedule:
    """Change this process as the words say; returns its schedule."""
    replace_in(RelayRouter, "deliver", with_attempt_path(RelayRouter.deliver))
    if "late-mark" in words:
        replace_in(Slot, "mark_dot", mark_late)
    if "slow-settling" in words:
        replace_in(Settler, "settle", settle_late(Settler.settle))
    if "another-boot" in words:
        boot = uuid4()
        replace_in(settle, "boot_id", lambda: boot)
    if "disk-full" in words:
        replace_in(os, "posix_fallocate", disk_full)
    if "short-taking" in words:
        replace_in(read_job, "TAKEN_FOR", TAKEN_FOR)
    if "pauses" in words:
        return RetrySchedule(wait=lambda attempt, verdict: 30 * wait(attempt, verdict), pause=usual_pause)
    return RetrySchedule(wait=wait, pause=pause, scan_seconds=0.5)


def run(words: Sequence[str]) -> int:
    """One gateway until it is stopped."""
    log_as_json()
    return uvloop.run(work(read_settings(), number=None, schedule=change(words)))


def fork_gateways() -> int:
    """Fork a gateway for each line, until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets those that die
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.environ.update(order["environment"])
            os._exit(run(order["words"]))
        print(child, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(fork_gateways() if "forks" in sys.argv else run(sys.argv[1:]))
