"""The demo of `make run`: what a newcomer sees, down to the curl that the terminal offers."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.standalone.api import Api
from service.standalone.demo import Diary, Firm
from tests.launching import ROOT, Launcher, launched

TOLD_SECONDS = 90.0
README = (ROOT / "README.md").read_text(encoding="utf-8")
STATUSES = """{ customers(first: 50) { nodes { externalRef emails { connectionNotes(first: 20) {
  nodes { sourceType colorHint info { colorHint status attempts { response { text } } } } } } } } }"""
OPENS = "{ customers(first: 50) { nodes { emails { sent(first: 5) { nodes { openedAt } } } } } }"
CLICKS = """{ customers(first: 50) { nodes { emails { clicks(first: 20, includeMachine: true) {
  nodes { url verdict } } } } } }"""


def until(launcher: Launcher, happened: Callable[[], bool]) -> None:
    """Until it has happened, as long as all goes well."""
    ends, pause = time.monotonic() + TOLD_SECONDS, threading.Event()
    while not happened():
        assert "The demo stopped" not in launcher.output, launcher.log("service")
        assert "Traceback" not in launcher.output, launcher.output
        assert launcher.process.poll() is None, launcher.output
        assert time.monotonic() < ends, launcher.output
        pause.wait(0.1)


@pytest.fixture(scope="module")
def demo(run_directory: Path) -> Iterator[Launcher]:
    """Seeded, sent, answered; it is being read, and greylisted mail waits a minute for its second try."""
    with launched(run_directory / "demo", {"DEMO": "1"}) as launcher:
        until(launcher, lambda: "the customers read" in launcher.output)
        yield launcher


def rows(demo: Launcher, document: str, name: str) -> list[Any]:
    """The nodes of one list of all customers."""
    status, answer = demo.query(document)
    assert status == 200, answer
    return [row for node in answer["data"]["customers"]["nodes"] for row in node["emails"][name]["nodes"]]


def test_the_history_shows_grey_red_and_amber_in_the_relays_own_words(demo: Launcher) -> None:
    assert "refused:" not in demo.output
    notes = rows(demo, STATUSES, "connectionNotes")
    icons = Counter(note["info"]["colorHint"] for note in notes)
    assert icons["GREY"] > 100
    assert icons["RED"] > 5
    assert icons["AMBER"] > 5
    assert {note["colorHint"] for note in notes} == {"GREY", "BLUE"}
    assert {note["sourceType"] for note in notes} == {"CAMPAIGN", "WORK_ORDER", "E_SIGNATURE", "CARD_PROCESSING"}
    assert {note["info"]["status"] for note in notes} >= {"ACCEPTED", "REFUSED", "DEFERRED", "UNCERTAIN", "HELD"}
    attempts = [attempt for note in notes for attempt in note["info"]["attempts"] if attempt["response"]]
    said = " ".join(attempt["response"]["text"] or "" for attempt in attempts)
    for words in (
        "Ok: queued as",
        "User unknown in virtual mailbox",
        "Mailbox size limit",
        "local policy",
        "Greylisted",
    ):
        assert words in said


def test_what_the_relay_accepted_lies_in_the_inbox(demo: Launcher) -> None:
    assert len(list((demo.data / "inbox").glob("*.eml"))) > 100


def test_the_lists_show_people_and_machines(demo: Launcher) -> None:
    until(demo, lambda: any(row["openedAt"] for row in rows(demo, OPENS, "sent")))
    until(demo, lambda: {click["verdict"] for click in rows(demo, CLICKS, "clicks")} >= {"HUMAN", "MACHINE"})
    assert all(click["url"].startswith("https://") for click in rows(demo, CLICKS, "clicks"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine to paste the line to")
def test_the_curl_on_the_terminal_answers_the_three_lists(demo: Launcher) -> None:
    start = demo.output.index("curl -s ")
    command = demo.output[start : demo.output.index("\n\n", start)]
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert "errors" not in answer
    customer = answer["data"]["customer"]
    assert customer["name"] == "Eleanor Hartley"
    assert len(customer["emails"]["sent"]["nodes"]) == 2
    assert len(customer["emails"]["connectionNotes"]["nodes"]) == 5


def test_what_the_readme_asks_and_shows_is_so(demo: Launcher) -> None:
    asked, shown = re.findall(r"-d '(.+?)'\n.+?```json\n(.+?)```", README, re.DOTALL)[0]
    query, shown = json.loads(asked)["query"], without_times(json.loads(shown))
    # Which link was clicked last is as it happens: README's is one of them, as soon as it has been judged.
    [click] = shown["data"]["customer"]["emails"].pop("clicks")["nodes"]
    more = query.replace("clicks(first: 1)", "clicks(first: 9)")
    until(demo, lambda: click in without_times(demo.query(more)[1]["data"]["customer"]["emails"]["clicks"]["nodes"]))

    def answer() -> Any:
        found = without_times(demo.query(query)[1])
        assert found["data"]["customer"]["emails"].pop("clicks")["nodes"] != []
        return found

    # Opens are judged some seconds after they were seen.
    until(demo, lambda: answer()["data"]["customer"]["emails"]["sent"]["nodes"][0]["openedAt"])
    assert answer() == shown


def test_the_refusal_that_the_readme_shows_is_so(demo: Launcher) -> None:
    [(info, shown)] = re.findall(r"`(info \{.+\})` of `NL-1005`:\n\n```json\n(.+?)```", README, re.DOTALL)
    notes = f"connectionNotes(first: 1) {{ nodes {{ {info} }} }}"
    answer = demo.query(f'{{ customer(externalRef: "NL-1005") {{ emails {{ {notes} }} }} }}')[1]
    [note] = answer["data"]["customer"]["emails"]["connectionNotes"]["nodes"]
    assert note["info"] == json.loads(shown)


def without_times(answer: Any) -> Any:
    """The same JSON with a T for each point in time."""
    return json.loads(re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "T", json.dumps(answer)))


def test_told_again_the_demo_sends_nothing_twice(demo: Launcher, tmp_path: Path) -> None:
    """What the diary forgets, the ledger knows by its keys."""
    # Given a demo whose diary was lost, but for the day that its letters speak of
    notes = json.loads((demo.data / "demo.json").read_text())
    assert (notes["letters"], len(notes["customers"])) == (109, 40)
    before = len(rows(demo, STATUSES, "connectionNotes"))
    diary, said = Diary(tmp_path / "demo.json"), list[str]()
    diary.note("started", notes["started"])
    # When it is told from the beginning, then it is told as the first time, and nobody gets another mail
    with contextlib.closing(Api(f"http://127.0.0.1:{demo.port}", demo.token)) as api:
        Firm(api, diary, said.append).write_to_everybody()
    assert said == [line for line in demo.output.splitlines() if line in said]
    assert diary.notes["customers"] == notes["customers"]
    assert len(rows(demo, STATUSES, "connectionNotes")) == before
