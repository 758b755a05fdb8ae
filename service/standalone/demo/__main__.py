"""The demo: an invented installer company sends its customers real mail through the API, once.

    python -m service.standalone.demo URL DATA

Finished steps are recorded in DATA/demo.json, and every mutation has an idempotency key: after an interruption the
next start continues; after the end it only prints the query to try.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from service.standalone.demo.answers import read_answers
from service.standalone.demo.api_client import ApiClient, ApiError
from service.standalone.demo.checkpoint import Checkpoint
from service.standalone.demo.company import CameBack, Company, Progress
from service.standalone.demo.readers import read_the_mail

_SETTLE_SECONDS = 120.0
"""Long enough for the retry of greylisted mail; other retries are hours away."""
_ANSWER_SECONDS = 60.0
"""The last answer is due fourteen seconds after its mail."""

HISTORY = (
    '{ customer(id: \\"%s\\") { name emails {'
    " sent(first: 5) { nodes { campaignTitle subject sentAt openedAt colorHint info { colorHint status } } }"
    " clicks(first: 5) { nodes { clickedAt url campaignTitle subject } }"
    " connectionNotes(first: 5) { nodes { occurredAt direction connectionType title openedAt colorHint"
    " info { colorHint status response { code enhancedCode text } } } } } } }"
)


def run(company: Company, checkpoint: Checkpoint, data: Path, url: str, say: Callable[[str], None]) -> None:
    """Send all mail, let the customers read it, wait for the first retries. Raises ApiError."""
    say("Demo: Northlight Home Systems, an invented installer, writes to its customers")
    company.send_everything()
    wait_until(company, lambda progress: not progress.busy, say)
    show_query(checkpoint.steps["customers"][0], url, data, say)
    say("Demo: the customers read; greylisted mail is retried in a minute")
    read_new_mail(company, checkpoint, data / "inbox", url, say)
    await_answers(company, say)
    wait_until(company, lambda progress: not progress.busy and not progress.retried_soon, say)
    read_new_mail(company, checkpoint, data / "inbox", url, say)
    checkpoint.record("finished", "yes")
    say("Demo: finished; mail that is still deferred is retried for hours")


def wait_until(company: Company, settled: Callable[[Progress], bool], say: Callable[[str], None]) -> None:
    """Wait until `settled`, at most `_SETTLE_SECONDS`; print the counts whenever they change."""
    ends, last = time.monotonic() + _SETTLE_SECONDS, ""
    while time.monotonic() < ends:
        progress = company.progress()
        if str(progress) != last:
            last = str(progress)
            say(f"  {last}")
        if settled(progress):
            return
        time.sleep(1)


def await_answers(company: Company, say: Callable[[str], None]) -> None:
    """Wait until everything that is to come back is in the history, at most `_ANSWER_SECONDS`; print what came."""
    expected = CameBack.of(answer for answer in read_answers() if not answer.by_hand)
    ends, came = time.monotonic() + _ANSWER_SECONDS, company.came_back()
    while came != expected and time.monotonic() < ends:
        time.sleep(1)
        came = company.came_back()
    say(f"  what came back: {came}")


def show_query(customer_id: str, url: str, data: Path, say: Callable[[str], None]) -> None:
    """Print a curl command that reads one customer's three lists."""
    say("The three lists of one customer, ready to paste:")
    say(f"""
curl -s {url}/graphql \\
  -H "Authorization: Bearer $(cat '{data / "token"}')" \\
  -H 'Content-Type: application/json' \\
  -d '{{"query": "{HISTORY % customer_id}"}}'
""")


def read_new_mail(company: Company, checkpoint: Checkpoint, inbox: Path, url: str, say: Callable[[str], None]) -> None:
    """The customers open, click and, one of them, unsubscribe: in every mail that arrived since the last call."""
    last_read = checkpoint.steps.get("read", "")
    unread = [mail for mail in sorted(inbox.glob("*.eml")) if mail.name > last_read]
    if not unread:
        return
    done = read_the_mail(unread, url, company.customers, time.sleep)
    checkpoint.record("read", unread[-1].name)
    say(f"  their readers: {done.opens} opens, {done.clicks} clicks, {done.unsubscribed} unsubscribed")


def main(url: str, data: Path) -> int:
    """Returns the exit code: 0 also when the API refused a mutation, which is then on the terminal."""
    checkpoint = Checkpoint(data / "demo.json")

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        if "finished" in checkpoint.steps:
            show_query(checkpoint.steps["customers"][0], url, data, say)
        else:
            api = ApiClient(url, (data / "token").read_text().strip())
            run(Company(api, checkpoint, say), checkpoint, data, url, say)
    except ApiError as error:
        say(f"The demo stopped: {error}. The next `make run` continues it.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
