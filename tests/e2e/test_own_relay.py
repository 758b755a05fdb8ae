"""`make run RELAY_URL=...`: own mail goes by the own relay, demo mail only by the demo relay."""

from __future__ import annotations

import json
import signal
import smtplib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from service.standalone.postgres import Postgres
from tests.launching import ROOT, Launcher, free_port, launched, refused

UPSERT = """mutation { upsertCustomers(input: {customers: [{externalRef: "C-1", addresses: ["%s"]}]})
  { customers { id } userErrors { code } } }"""
SEND = """mutation { sendCardProcessingEmail(input: {customerId: "%s", kind: CHARGE, idempotencyKey: "receipt %s",
  amount: {amount: "12.50", currency: USD}}) { userErrors { code } } }"""
TEMPLATE = """mutation { createTemplate(input: {name: "News", subject: "News",
  html: "<p>Hello</p><a href='{{ unsubscribe_url }}'>unsubscribe</a>"})
  { template { id } userErrors { code } } }"""
CAMPAIGN = """mutation { createCampaign(input: {title: "News", templateId: "%s", idempotencyKey: "news",
  recipients: [{customerId: "%s"}]}) { userErrors { code } } }"""
WAITING = {"QUEUED", "HANDED_OFF", "DEFERRED"}
NOTES = """{ customers(first: 50) { nodes { emails { connectionNotes(first: 20) {
  nodes { info { status cause } } } } } } }"""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnRelay:
    """A mail server that accepts everything."""

    url: str
    accepted: Path

    def recipients(self) -> list[str]:
        """Returns the recipients of accepted mail."""
        lines = self.accepted.read_text().splitlines() if self.accepted.exists() else []
        return [recipient for line in lines for recipient in json.loads(line)["recipients"]]


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[OwnRelay]:
    port, accepted = free_port(), tmp_path / "accepted"
    command = [sys.executable, "-m", "tests.smtp_server", "--port", str(port), "--accepted", str(accepted)]
    with subprocess.Popen(command, cwd=ROOT) as server:
        yield OwnRelay(url=f"smtp://127.0.0.1:{port}", accepted=accepted)
        server.kill()


@contextmanager
def launched_with(relay: OwnRelay, data: Path) -> Iterator[Launcher]:
    with launched(data, {"DEMO": "", "RELAY_URL": relay.url}) as launcher:
        yield launcher


def refusals(launcher: Launcher, document: str, *values: str) -> list[str]:
    """Returns the codes of a mutation's userErrors."""
    status, answer = launcher.query(document % values)
    assert status == 200, answer
    return [error["code"] for payload in answer["data"].values() for error in payload["userErrors"]]


def mails(launcher: Launcher) -> Counter[tuple[str, str | None]]:
    """Counts all customers' mails by status and cause."""
    nodes: list[Any] = launcher.query(NOTES)[1]["data"]["customers"]["nodes"]
    notes = [note["info"] for node in nodes for note in node["emails"]["connectionNotes"]["nodes"]]
    return Counter((info["status"], info["cause"]) for info in notes)


def greets(port: int) -> bool:
    """Whether a mail server answers at this port."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10):
            return True
    except OSError:
        return False


async def make_all_due(data: Path) -> None:
    """Makes all mail that waits for a retry or for its relay due now."""
    url = Postgres(data=data / "postgres", run=data / "run", log=data / "log" / "postgres.log").url()
    connection = await asyncpg.connect(url)
    await connection.execute(
        "update relay set paused_until = null, paused_why = null; update outbox set due_at = now()"
    )
    await connection.close()


def test_mail_goes_by_the_named_relay_and_there_is_no_demo(run_directory: Path, relay: OwnRelay) -> None:
    with launched_with(relay, run_directory / "own") as launcher:
        assert refusals(launcher, UPSERT, "ada@firm.example") == ["ADDRESS_RESERVED"]
        assert refusals(launcher, UPSERT, "ada@fabrikam.com") == []
        assert refusals(launcher, SEND, "Customer_1", "1") == []
        launcher.wait_until(lambda: relay.recipients() == ["ada@fabrikam.com"])
        assert "set DEFAULT_FROM to an address of yours" in launcher.output
        assert "Demo" not in launcher.output
        # And no mail comes back, which is said
        assert "Mail in      off: bounces that come later" in launcher.output
        assert launcher.servers("-m gateway --inbound$") == []


def test_own_mail_is_not_sent_by_the_demo_relay(run_directory: Path) -> None:
    # Given mail that waits, since its relay is down; what comes back is taken, as the settings say
    data, away = run_directory / "waiting", f"smtp://127.0.0.1:{free_port()}"
    port = str(free_port())
    inbound = {"INBOUND_SMTP": port, "BOUNCE_DOMAIN": "bounce.fabrikam.com"}
    with launched(data, {"DEMO": "", "RELAY_URL": away, **inbound}) as launcher:
        assert f"Mail in      by INBOUND_SMTP={port}, for bounce.fabrikam.com\n" in launcher.output
        launcher.wait_until(lambda: greets(int(port)))
        assert refusals(launcher, UPSERT, "ada@fabrikam.com") == []
        assert refusals(launcher, SEND, "Customer_1", "1") == []
    # When RELAY_URL is missing, then nothing starts: the demo relay would accept the mail, which would be lost
    said = refused(data, {"DEMO": "0"})
    assert said.startswith("Mail of your own waits in this ledger")
    assert len(said.splitlines()) == 1


async def test_demo_mail_is_held_when_another_relay_is_used(run_directory: Path, relay: OwnRelay) -> None:
    # Given a demo that was stopped while some of its mail waited for a retry
    data = run_directory / "moved"
    with launched(data, {"DEMO": "1"}) as demo:
        demo.wait_until(lambda: any(status == "DEFERRED" for status, _ in mails(demo)))
        assert demo.end(signal.SIGINT) == []
    # When its data is used with another relay, and the mail is due
    with launched_with(relay, data) as launcher:
        waited = sum(count for (status, _), count in mails(launcher).items() if status == "DEFERRED")
        await make_all_due(data)
        # Then that mail is held, with the cause
        launcher.wait_until(lambda: not WAITING & {status for status, _ in mails(launcher)})
        assert mails(launcher)["HELD", "WRONG_RELAY"] >= waited > 0
        # And no mail can be sent to the demo's customers, but to others it can
        template = launcher.query(TEMPLATE)[1]["data"]["createTemplate"]["template"]["id"]
        assert refusals(launcher, SEND, "Customer_1", "1") == ["ADDRESS_RESERVED"]
        assert refusals(launcher, CAMPAIGN, template, "Customer_1") == ["POSTAL_ADDRESS_MISSING", "ADDRESS_RESERVED"]
        own = launcher.query(UPSERT % "ada@fabrikam.com")[1]["data"]["upsertCustomers"]["customers"][0]["id"]
        assert refusals(launcher, SEND, own, "2") == []
        launcher.wait_until(lambda: relay.recipients() != [])
        assert relay.recipients() == ["ada@fabrikam.com"]
