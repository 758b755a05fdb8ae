"""From the mutation over SMTP to the history: each source type with each kind of server response."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from tests.campaigning import launch, parse, run, upsert
from tests.engine import Start, start
from tests.eventually import eventually
from tests.smtp_server import Drop, Reply, SmtpServer

__all__ = ["start"]

VISIT = {"start": "2040-12-01T09:00", "end": "2040-12-01T11:00", "timeZone": "Europe/Berlin"}
LETTERS: dict[str, dict[str, Any]] = {
    "sendWorkOrderEmail": {"kind": "CREATED", "number": "WO-7", "type": "Installation", "window": VISIT},
    "sendESignatureEmail": {
        "documentKind": "PROPOSAL",
        "title": "Home cinema",
        "portalUrl": "https://sign.firm.example/p/7",
        "expiresAt": "2040-12-01T09:00:00Z",
    },
    "sendCardProcessingEmail": {"kind": "CHARGE", "amount": {"amount": "12.50", "currency": "USD"}},
}
ROWS = {
    "launchCampaign": ("CAMPAIGN", "GREY"),
    "sendWorkOrderEmail": ("WORK_ORDER", "GREY"),
    "sendESignatureEmail": ("E_SIGNATURE", "BLUE"),
    "sendCardProcessingEmail": ("CARD_PROCESSING", "BLUE"),
}
OUTCOMES = {
    # The dropped connection comes last, since the relay is paused for a moment after it.
    "taken": ("ACCEPTED", "GREY", "END_OF_DATA", "2.0.0 Ok: queued as 4Zx"),
    "greylisted": ("DEFERRED", "AMBER", "RCPT", "4.2.0 Greylisted, come again"),
    "unknown": ("REFUSED", "RED", "RCPT", "5.1.1 No such user"),
    "blocked": ("REFUSED", "RED", "END_OF_DATA", "5.7.1 Not by our policy"),
    "silent": ("UNCERTAIN", "AMBER", None, None),
}
HISTORY = """query($id: ID!) { customer(id: $id) { emails {
  sent { nodes { info { status } } }
  connectionNotes { nodes { sourceType colorHint info {
    status colorHint sentAt nextAttemptAt response { stage text } attempts { number } } } } } } }"""


def address(name: str) -> str:
    return f"{name}@customer.example"


def script_responses(server: SmtpServer) -> None:
    """Scripts the responses of `OUTCOMES`, by recipient."""
    words = {name: text for name, (_, _, _, text) in OUTCOMES.items() if text}
    server.script(
        rcpt={address("greylisted"): Reply(450, words["greylisted"]), address("unknown"): Reply(550, words["unknown"])},
        after_dot={
            address("taken"): Reply(250, words["taken"]),
            address("blocked"): Reply(554, words["blocked"]),
            address("silent"): Drop(),
        },
    )


async def send(client: httpx.AsyncClient, mutation: str, customer: str, key: str) -> None:
    if mutation == "launchCampaign":
        await launch(client, key, [customer])
    else:
        await run(client, mutation, "message { id }", customerId=customer, idempotencyKey=key, **LETTERS[mutation])


async def history(client: httpx.AsyncClient, customer: str) -> Any:
    body = (await client.post("/graphql", json={"query": HISTORY, "variables": {"id": customer}})).json()
    assert "errors" not in body, body
    return body["data"]["customer"]["emails"]


def check_form(mutation: str, mail: EmailMessage) -> None:
    """Checks what each letter must carry."""
    for header in ("From", "Date", "Subject", "Message-ID"):
        assert len(mail.get_all(header, [])) == 1, header
    assert mail.get_body(preferencelist=("plain",)) is not None
    assert mail.get_body(preferencelist=("html",)) is not None
    assert ("List-Unsubscribe" in mail) == (mutation == "launchCampaign")
    calendars = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    assert bool(calendars) == (mutation == "sendWorkOrderEmail")


@pytest.mark.parametrize("mutation", ROWS)
async def test_the_history_shows_the_servers_response(
    client: httpx.AsyncClient, smtp_server: SmtpServer, start: Start, mutation: str
) -> None:
    # Given a server with a different response for each of five customers
    script_responses(smtp_server)
    start()
    customers = await upsert(client, *OUTCOMES)
    for customer, (name, (status, icon, stage, words)) in zip(customers, OUTCOMES.items(), strict=True):
        # When each is sent a mail
        await send(client, mutation, customer, key=f"{mutation} {name}")

        async def decided(customer: str = customer, status: str = status) -> Any:
            emails = await history(client, customer)
            rows = emails["connectionNotes"]["nodes"] + emails["sent"]["nodes"]
            # The lists are read one after the other: both must show it.
            settled = [row for row in rows if row["info"]["status"] == status]
            return emails if len(settled) == 1 + (mutation == "launchCampaign") else None

        # Then the history shows the server's response, with the right colours
        emails = await eventually(decided, f"{status} of {name}")
        [note] = emails["connectionNotes"]["nodes"]
        info = note["info"]
        assert (note["sourceType"], note["colorHint"]) == ROWS[mutation]
        assert (info["colorHint"], len(info["attempts"])) == (icon, 1)
        assert (info["response"] or {}).get("stage") == stage
        assert words is None or words in info["response"]["text"]
        assert (info["sentAt"] is not None) == (status == "ACCEPTED")
        assert (info["nextAttemptAt"] is not None) == (status == "DEFERRED")
        # And only campaign mail is in the first list
        assert [row["info"]["status"] for row in emails["sent"]["nodes"]] == [status] * (mutation == "launchCampaign")
    [taken] = [mail for mail in smtp_server.messages if mail.recipients == (address("taken"),)]
    check_form(mutation, parse(taken.content))
