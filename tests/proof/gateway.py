"""The gateway as a process of its own, with short waits: `python -m tests.proof.gateway [pauses]`.

The same code as `python -m gateway`, but its waits and pauses are shorter, so that a run ends, and every mail's return
path identifies its attempt, so that the mail server's record can be compared with the ledger. With `pauses` those of
relays and destinations are as long as in production, and mail is retried after 3, 6, 9 seconds and
so on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import uvloop

from gateway.__main__ import work
from gateway.delivery.routing import RelayRouter
from gateway.delivery.schedule import RetrySchedule
from gateway.delivery.send import Mail
from gateway.mail.verdict import Verdict
from gateway.outbox.trouble import usual_pause
from gateway.settings import read_settings
from gateway.smtp.connection import Receiver
from gateway.telemetry.log import log_as_json
from tests.proof.counts import sender_of


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


if __name__ == "__main__":
    log_as_json()
    setattr(RelayRouter, "deliver", with_attempt_path(RelayRouter.deliver))  # noqa: B010  mypy refuses to assign a method
    schedule = RetrySchedule(wait=wait, pause=pause, scan_seconds=0.5)
    if "pauses" in sys.argv:
        schedule = RetrySchedule(wait=lambda attempt, verdict: 30 * wait(attempt, verdict), pause=usual_pause)
    sys.exit(uvloop.run(work(read_settings(), number=None, schedule=schedule)))
