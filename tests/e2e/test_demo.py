"""The demo of `make run`: the history it makes, in both directions, and the curl command it prints."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from service.standalone.demo.api_client import ApiClient
from service.standalone.demo.checkpoint import Checkpoint
from service.standalone.demo.company import STAFF, Company
from tests.launching import ROOT, Launcher, launched

DEMO_SECONDS = 90.0
README = (ROOT / "README.md").read_text(encoding="utf-8")
STATUSES = """{ customers(first: 50) { nodes { externalRef emails { connectionNotes(first: 20) {
  nodes { sourceType direction colorHint info { colorHint status attempts { response { text } } } } } } } } }"""
OPENS = "{ customers(first: 50) { nodes { emails { sent(first: 5) { nodes { openedAt } } } } } }"
CAME_BACK = """{ customers(first: 50) { nodes { externalRef emails { connectionNotes(first: 20) { nodes {
  title direction colorHint
  info { colorHint status cause report { action text reportedBy host } events { kind detail } }
  message { inReplyTo { subject } received { author text automatic attachments { name mediaType } } }
} } } } } unmatchedMail(first: 5) { nodes { kind reason from to subject excerpt } } }"""
SUPPRESSED = "{ suppressions(first: 20) { nodes { reason scope address } } }"
CLICKS = """{ customers(first: 50) { nodes { emails { clicks(first: 20, includeMachine: true) {
  nodes { url verdict } } } } } }"""


def until(launcher: Launcher, happened: Callable[[], bool]) -> None:
    """Wait until it has happened; fails at once when the demo does."""
    ends, pause = time.monotonic() + DEMO_SECONDS, threading.Event()
    while not happened():
        assert "The demo stopped" not in launcher.output, launcher.log("service")
        assert "Traceback" not in launcher.output, launcher.output
        assert launcher.process.poll() is None, launcher.output
        assert time.monotonic() < ends, launcher.output
        pause.wait(0.1)


@pytest.fixture(scope="module")
def demo(run_directory: Path) -> Iterator[Launcher]:
    """Its mail is sent; the customers are reading, and greylisted mail waits a minute for its retry."""
    with launched(run_directory / "demo", {"DEMO": "1"}) as launcher:
        until(launcher, lambda: "the customers read" in launcher.output)
        yield launcher


def rows(demo: Launcher, document: str, name: str) -> list[Any]:
    """Returns the nodes of one list, of all customers."""
    status, answer = demo.query(document)
    assert status == 200, answer
    return [row for node in answer["data"]["customers"]["nodes"] for row in node["emails"][name]["nodes"]]


def sent(demo: Launcher) -> list[Any]:
    """Returns the rows of all mail of ours; what comes back comes meanwhile."""
    return [note for note in rows(demo, STATUSES, "connectionNotes") if note["direction"] == "SENT"]


def test_the_history_shows_grey_red_and_amber_in_the_relays_own_words(demo: Launcher) -> None:
    assert "refused:" not in demo.output
    notes = sent(demo)
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


def test_what_the_relay_accepted_is_in_the_inbox(demo: Launcher) -> None:
    assert len(list((demo.data / "inbox").glob("*.eml"))) > 100


def test_the_lists_show_people_and_machines(demo: Launcher) -> None:
    until(demo, lambda: any(row["openedAt"] for row in rows(demo, OPENS, "sent")))
    until(demo, lambda: {click["verdict"] for click in rows(demo, CLICKS, "clicks")} >= {"HUMAN", "MACHINE"})
    assert all(click["url"].startswith("https://") for click in rows(demo, CLICKS, "clicks"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine to paste the line to")
def test_the_curl_on_the_terminal_returns_the_three_lists(demo: Launcher) -> None:
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
    # Which link was clicked last varies: README's is one of them, once it has been classified.
    [click] = shown["data"]["customer"]["emails"].pop("clicks")["nodes"]
    more = query.replace("clicks(first: 1)", "clicks(first: 9)")
    until(demo, lambda: click in without_times(demo.query(more)[1]["data"]["customer"]["emails"]["clicks"]["nodes"]))

    def answer() -> Any:
        found = without_times(demo.query(query)[1])
        assert found["data"]["customer"]["emails"].pop("clicks")["nodes"] != []
        return found

    # Opens are classified some seconds after they were recorded.
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


def test_run_again_the_demo_sends_nothing_twice(demo: Launcher, tmp_path: Path) -> None:
    """What the checkpoint has lost, the ledger knows by the idempotency keys."""
    # Given a demo whose checkpoint was lost, except the day that its letters are counted from
    steps = json.loads((demo.data / "demo.json").read_text())
    assert (steps["letters"], len(steps["customers"])) == (109, 40)
    before = len(sent(demo))
    checkpoint, said = Checkpoint(tmp_path / "demo.json"), list[str]()
    checkpoint.record("started", steps["started"])
    # When it runs from the beginning, then it prints the same as the first time, and no mail is sent again
    with contextlib.closing(ApiClient(f"http://127.0.0.1:{demo.port}", demo.token)) as api:
        Company(api, checkpoint, said.append).send_everything()
    assert said == [line for line in demo.output.splitlines() if line in said]
    assert checkpoint.steps["customers"] == steps["customers"]
    assert len(sent(demo)) == before


@pytest.fixture(scope="module")
def history(demo: Launcher) -> dict[str, list[Any]]:
    """The rows of each customer by reference, once everything that comes back is there."""

    def read() -> dict[str, list[Any]]:
        nodes = demo.query(CAME_BACK)[1]["data"]["customers"]["nodes"]
        return {node["externalRef"]: node["emails"]["connectionNotes"]["nodes"] for node in nodes}

    def all_there() -> bool:
        notes = [note for found in read().values() for note in found]
        events = Counter(event["kind"] for note in notes for event in note["info"]["events"])
        received = sum(note["direction"] == "RECEIVED" for note in notes)
        return (events["BOUNCED"], events["DELAYED"], events["COMPLAINED"], received) == (2, 1, 1, 8)

    until(demo, all_there)
    return read()


def one(notes: list[Any], title: str, direction: str = "SENT") -> Any:
    """Returns the one row with these words in its title."""
    [found] = [note for note in notes if title in note["title"] and note["direction"] == direction]
    return found


def test_two_mails_came_back_after_they_were_accepted(demo: Launcher, history: dict[str, list[Any]]) -> None:
    bounced = one(history["NL-1026"], "An hour for your system")["info"]
    assert (bounced["status"], bounced["colorHint"], bounced["cause"]) == ("BOUNCED", "RED", "BAD_ADDRESS")
    assert bounced["report"] == {
        "action": "FAILED",
        "text": "550 5.1.1 <g.petrakis@postbox.example>: Recipient address rejected: No such user here",
        "reportedBy": "mx.northlight.example",
        "host": "mx.postbox.example",
    }
    blocked = one(history["NL-1023"], "Proposal to sign")
    assert (blocked["colorHint"], blocked["info"]["status"], blocked["info"]["cause"]) == ("BLUE", "BOUNCED", "CONTENT")
    # One that only waits is no failure
    waits = one(history["NL-1036"], "Please pay")["info"]
    assert (waits["status"], [event["kind"] for event in waits["events"]]) == ("ACCEPTED", ["DELAYED"])


def test_bad_addresses_and_complaints_suppress(demo: Launcher, history: dict[str, list[Any]]) -> None:
    complained = one(history["NL-1034"], "An hour for your system")["info"]
    assert complained["status"] == "ACCEPTED"
    assert {event["kind"] for event in complained["events"]} == {"COMPLAINED", "SUPPRESSED"}
    nodes = demo.query(SUPPRESSED)[1]["data"]["suppressions"]["nodes"]
    suppressed = {node["address"]: (node["reason"], node["scope"]) for node in nodes}
    assert suppressed["yusuf.demir@postbox.example"] == ("COMPLAINT", "CAMPAIGNS")
    assert suppressed["g.petrakis@postbox.example"] == ("BAD_ADDRESS", "ALL_MAIL")
    assert "owen.pritchard@postbox.example" not in suppressed


@pytest.mark.parametrize(
    ("ref", "title", "colour", "words", "author"),
    [
        ("NL-1025", "Re: Reminder", "GREY", "Could your technician ring ten minutes before?", "CUSTOMER"),
        ("NL-1031", "Re: Proposal to sign", "BLUE", "¿los altavoces de la terraza aguantan la lluvia", "CUSTOMER"),
        ("NL-1022", "Re: Change order to sign", "BLUE", "pouvez-vous le retirer de la révision", "CUSTOMER"),
        ("NL-1015", "Re: An hour for your system", "GREY", "Could you look at the left projector, too?", "CUSTOMER"),
        ("NL-1021", "Re: Your appointment", "GREY", "the amplifier shows this red light", "CUSTOMER"),
        ("NL-1039", "Re: Changed appointment", "GREY", "please use the back entrance", "OTHER"),
    ],
)
def test_replies_stand_beside_what_they_answer(
    history: dict[str, list[Any]], ref: str, title: str, colour: str, words: str, author: str
) -> None:
    note = one(history[ref], title, "RECEIVED")
    assert (note["colorHint"], note["info"]["colorHint"], note["info"]["status"]) == (colour, "GREY", "RECEIVED")
    assert note["message"]["inReplyTo"]["subject"] == note["title"].removeprefix("Re: ")
    received = note["message"]["received"]
    assert words in received["text"]
    # What they quote is folded
    assert "Northlight Home Systems" not in received["text"]
    assert (received["author"], received["automatic"]) == (author, False)
    assert [file["name"] for file in received["attachments"]] == (["amplifier.png"] if ref == "NL-1021" else [])


def test_replies_to_the_office_go_on_to_a_colleague(demo: Launcher, history: dict[str, list[Any]]) -> None:
    """Five of the six: the sixth answers a campaign, whose sender forwards nothing."""

    def forwarded() -> list[EmailMessage]:
        mails = [path.read_bytes() for path in (demo.data / "inbox").glob("*.eml")]
        found = [mail for mail in mails if f"Delivered-To: {STAFF}\r\n".encode() in mail]
        return [email.message_from_bytes(mail, policy=email.policy.default) for mail in found]

    until(demo, lambda: len(forwarded()) >= 5)
    mails = forwarded()
    # Whom the colleague answers is the customer; whom servers see is the firm
    assert sorted(mail["Reply-To"].addresses[0].addr_spec for mail in mails) == [
        "alice.tremblay@willowmail.example",
        "diego.fuentes@postbox.example",
        "leila.haddad@willowmail.example",
        "nora.finch@blue-heron.example",
        "studio@westgate-yoga.example",
    ]
    assert {mail["From"].addresses[0].addr_spec for mail in mails} == {"office@northlight.example"}


def test_an_answering_machine_is_marked_and_who_writes_first_is_found(history: dict[str, list[Any]]) -> None:
    away = one(history["NL-1027"], "Automatic reply", "RECEIVED")["message"]
    assert away["received"]["automatic"] is True
    assert away["inReplyTo"]["subject"] == "An hour for your system, Amber Fields Winery"
    doorbell = one(history["NL-1038"], "The new doorbell", "RECEIVED")["message"]
    assert (doorbell["inReplyTo"], doorbell["received"]["author"]) == (None, "CUSTOMER")


def test_a_stranger_waits_for_a_person(demo: Launcher, history: dict[str, list[Any]]) -> None:
    def strangers() -> list[Any]:
        found: list[Any] = demo.query(CAME_BACK)[1]["data"]["unmatchedMail"]["nodes"]
        return found

    until(demo, lambda: strangers() != [])
    [mail] = strangers()
    assert mail.pop("excerpt").startswith("Hello, I heard the new music at the Copper Kettle")
    assert mail == {
        "kind": "REPLY",
        "reason": "UNKNOWN_SENDER",
        "from": "paula.renwick@harbourmail.example",
        "to": "office@reply.northlight.example",
        "subject": "Do you work in Fernley?",
    }


def test_what_came_back_stands_on_the_terminal(demo: Launcher, history: dict[str, list[Any]]) -> None:
    until(demo, lambda: "what came back:" in demo.output)
    counts = "2 bounced, 1 delayed, 1 called spam, 7 replies, 1 out of office, 1 from a stranger"
    assert f"  what came back: {counts}\n" in demo.output
