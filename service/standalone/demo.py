"""The demo: an invented installer firm sends its customers real mail through the API, once.

    python -m service.standalone.demo URL DATA

What is done is noted in DATA/demo.json, and every mutation carries an idempotency key: interrupted, the next start
goes on; finished, it only says where to look.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from service.standalone.api import Api, ApiError
from service.standalone.firm.customers import Customer, read_customers
from service.standalone.firm.letters import Sending, letters_of
from service.standalone.firm.proposal import proposal_pdf
from service.standalone.readers import read_the_mail

FIRM = Path(__file__).parent / "firm"
POSTAL_ADDRESS = "5 Foundry Lane, Brookhaven"
_SETTLING_SECONDS = 120.0
"""Long enough for greylisted mail to be tried again; what waits longer than that waits for hours."""
_SOON_SECONDS = 80.0

UPSERT = """mutation ($input: UpsertCustomersInput!) {
  upsertCustomers(input: $input) { customers { id } userErrors { code message field } } }"""
CREATE_SENDER = """mutation ($input: CreateSenderInput!) {
  createSender(input: $input) { sender { id } userErrors { code message field } } }"""
CREATE_TEMPLATE = """mutation ($input: CreateTemplateInput!) {
  createTemplate(input: $input) { template { id } userErrors { code message field } } }"""
CREATE_CAMPAIGN = """mutation ($input: CreateCampaignInput!) {
  createCampaign(input: $input) { campaign { id } userErrors { code message field } } }"""
LAUNCH_CAMPAIGN = """mutation ($input: LaunchCampaignInput!) {
  launchCampaign(input: $input) { campaign { id } userErrors { code message field } } }"""
SEND = """mutation ($input: %sInput!) {
  %s(input: $input) { message { id } userErrors { code message field } } }"""
CAMPAIGNS = "{ campaigns(first: 10) { nodes { audienceSize progress { made optedOut } } } }"
STATUSES = """query ($after: String) { customers(first: 50, after: $after) { pageInfo { hasNextPage endCursor }
  nodes { emails { connectionNotes(first: 20) { nodes { info { status nextAttemptAt } } } } } } }"""
HISTORY = (
    '{ customer(id: \\"%s\\") { name emails {'
    " sent(first: 5) { nodes { campaignTitle subject sentAt openedAt colorHint info { colorHint status } } }"
    " clicks(first: 5) { nodes { clickedAt url campaignTitle subject } }"
    " connectionNotes(first: 5) { nodes { occurredAt direction connectionType title openedAt colorHint"
    " info { colorHint status response { code enhancedCode text } } } } } } }"
)


class Diary:
    """DATA/demo.json: what the demo has done, and on which day it began."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.notes: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def once(self, what: str, do: Callable[[], Any]) -> Any:
        """The result of `do`, from the diary when it was done before."""
        if what not in self.notes:
            self.note(what, do())
        return self.notes[what]

    def note(self, what: str, result: Any) -> None:
        """Written at once, whole or not at all."""
        self.notes[what] = result
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self.notes, indent=1))
        fresh.rename(self._path)


class Firm:
    """Northlight Home Systems at work."""

    def __init__(self, api: Api, diary: Diary, say: Callable[[str], None]) -> None:
        self._api = api
        self._diary = diary
        self._say = say
        self.customers = read_customers()

    def write_to_everybody(self) -> None:
        """All customers, letters and campaigns. Raises ApiError."""
        started = date.fromisoformat(self._diary.once("started", _today))
        ids = self._diary.once("customers", self._upsert)
        self._say(f"  {len(ids)} customers")
        sender = self._diary.once("sender", self._create_sender)
        letters = self._diary.once("letters", lambda: self._send_letters(ids, sender, started))
        self._say(f"  {letters} work-order, e-signature and card-processing mails")
        # The one with the higher priority first: so every start's history has the same order.
        notice = self._diary.once("notice", lambda: self._campaign(_notice(ids, self.customers), sender))
        spring = self._diary.once("spring", lambda: self._campaign(_spring(ids, self.customers), sender))
        self._say(f"  2 campaigns of {spring} and {notice} recipients")

    def _do(self, document: str, what: str, given: dict[str, Any]) -> Any:
        """One mutation's result; None, said on the terminal, when it was refused."""
        payload = next(iter(self._api.call(document, {"input": given}).values()))
        for error in payload["userErrors"]:
            self._say(f"  refused: {what}: {error['code']} {error['message']}")
        return next(value for name, value in payload.items() if name != "userErrors")

    def _upsert(self) -> list[str]:
        rows = [
            {
                "externalRef": customer.ref,
                "name": customer.name,
                "addresses": list(customer.addresses),
                "locale": customer.locale,
                "timeZone": customer.time_zone,
            }
            for customer in self.customers
        ]
        return [row["id"] for row in self._do(UPSERT, "the customers", {"customers": rows})]

    def _create_sender(self) -> str:
        given = {
            "name": "Northlight office",
            "fromName": "Northlight Home Systems",
            "fromAddress": "office@northlight.example",
            "replyTo": "office@northlight.example",
            "signature": "Your team at Northlight\n+1 555 0134",
            "postalAddress": POSTAL_ADDRESS,
            "locale": "en",
            "timeZone": "America/New_York",
        }
        return str(self._do(CREATE_SENDER, "the sender", given)["id"])

    def _send_letters(self, ids: list[str], sender: str, started: date) -> int:
        sent = 0
        for customer, customer_id in zip(self.customers, ids, strict=True):
            for letter in letters_of(customer, customer_id, started):
                sent += self._send(customer, letter, sender)
        return sent

    def _send(self, customer: Customer, letter: Sending, sender: str) -> int:
        given = {**letter.input, "senderId": sender}
        if letter.attach:
            # In the diary, since the key's input must name the same file again.
            given["attachmentIds"] = [self._diary.once(f"pdf {customer.ref}", lambda: self._upload(customer))]
        name = letter.mutation
        document = SEND % (name[0].upper() + name[1:], name)
        return int(self._do(document, f"{customer.ref} {name}", given) is not None)

    def _upload(self, customer: Customer) -> str:
        return self._api.upload(f"Proposal-{customer.ref}.pdf", proposal_pdf(customer))

    def _campaign(self, campaign: dict[str, Any], sender: str) -> int:
        given = {**campaign.pop("template")}
        given["mjml"] = (FIRM / given["mjml"]).read_text(encoding="utf-8")
        key = campaign["idempotencyKey"]
        template = self._diary.once(f"template {key}", lambda: self._do(CREATE_TEMPLATE, given["name"], given)["id"])
        made = self._do(CREATE_CAMPAIGN, campaign["title"], {**campaign, "templateId": template, "senderId": sender})
        self._do(LAUNCH_CAMPAIGN, campaign["title"], {"campaignId": made["id"], "idempotencyKey": f"{key}/launch"})
        return len(campaign["recipients"])

    def progress(self) -> Progress:
        """How far all mail is, as the API tells it."""
        counted: Counter[str] = Counter()
        retried, after = 0, None
        while True:
            page = self._api.call(STATUSES, {"after": after})["customers"]
            for node in page["nodes"]:
                for note in node["emails"]["connectionNotes"]["nodes"]:
                    counted[note["info"]["status"]] += 1
                    retried += _retried_soon(note["info"])
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        campaigns = self._api.call(CAMPAIGNS)["campaigns"]["nodes"]
        counted["NOT YET MADE"] = sum(
            campaign["audienceSize"] - campaign["progress"]["made"] - campaign["progress"]["optedOut"]
            for campaign in campaigns
        )
        return Progress(statuses=+counted, retried_soon=retried)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How many mails have which status; how many deferred ones are tried again within `_SOON_SECONDS`."""

    statuses: Mapping[str, int]
    retried_soon: int

    @property
    def busy(self) -> bool:
        """Whether mail is on its way at this moment."""
        return any(self.statuses.get(status) for status in ("QUEUED", "HANDED_OFF", "NOT YET MADE"))

    def __str__(self) -> str:
        shown = sorted(self.statuses.items(), key=lambda item: -item[1])
        return " · ".join(f"{count} {status.lower().replace('_', ' ')}" for status, count in shown)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _retried_soon(info: dict[str, Any]) -> bool:
    if info["status"] != "DEFERRED" or not info["nextAttemptAt"]:
        return False
    waits = datetime.fromisoformat(info["nextAttemptAt"]) - datetime.now(UTC)
    return waits.total_seconds() < _SOON_SECONDS


def _spring(ids: list[str], customers: tuple[Customer, ...]) -> dict[str, Any]:
    recipients = [
        {"customerId": customer_id, "mergeData": {"system": customer.project}}
        for customer_id, customer in zip(ids, customers, strict=True)
    ]
    return {
        "title": "Spring service 2027",
        "kind": "MARKETING",
        "priority": 4,
        "mergeData": {"month": "March and April", "price": "$149"},
        "recipients": recipients,
        "idempotencyKey": "demo/campaign/spring",
        "template": {
            "name": "Spring service",
            "subject": "An hour for your system, {{ customer_name }}",
            "mjml": "spring-service.mjml",
            "sampleData": {"system": "home cinema", "month": "March", "price": "$149"},
        },
    }


def _notice(ids: list[str], customers: tuple[Customer, ...]) -> dict[str, Any]:
    recipients = [
        {"customerId": customer_id}
        for customer_id, customer in zip(ids, customers, strict=True)
        if customer.story in ("installed", "changed", "scheduled")
    ]
    return {
        "title": "Controller update 12.4",
        "kind": "EVENT_BASED",
        "priority": 2,
        "mergeData": {"version": "12.4", "controller": "Halo controller", "night": "Sunday"},
        "recipients": recipients,
        "idempotencyKey": "demo/campaign/notice",
        "template": {
            "name": "Controller update",
            "subject": "Version {{ version }} for your {{ controller }}",
            "mjml": "firmware-notice.mjml",
            "sampleData": {"version": "12.4", "controller": "Halo controller", "night": "Sunday"},
        },
    }


def watch(firm: Firm, settled: Callable[[Progress], bool], say: Callable[[str], None]) -> None:
    """Until it has settled, or for so long that it will not: each change of the counts is a line."""
    ends, last = time.monotonic() + _SETTLING_SECONDS, ""
    while time.monotonic() < ends:
        progress = firm.progress()
        if str(progress) != last:
            last = str(progress)
            say(f"  {last}")
        if settled(progress):
            return
        time.sleep(1)


def invite(customer_id: str, url: str, data: Path, say: Callable[[str], None]) -> None:
    """The three lists of one customer, ready to paste."""
    say("The three lists of one customer, ready to paste:")
    say(f"""
curl -s {url}/graphql \\
  -H "Authorization: Bearer $(cat '{data / "token"}')" \\
  -H 'Content-Type: application/json' \\
  -d '{{"query": "{HISTORY % customer_id}"}}'
""")


def read(firm: Firm, diary: Diary, inbox: Path, url: str, say: Callable[[str], None]) -> None:
    """The customers open, click and, one of them, unsubscribe: every mail that nobody has looked at yet."""
    seen = diary.notes.get("read", "")
    unread = [mail for mail in sorted(inbox.glob("*.eml")) if mail.name > seen]
    if not unread:
        return
    done = read_the_mail(unread, url, firm.customers, time.sleep)
    diary.note("read", unread[-1].name)
    say(f"  their readers: {done.opens} opens, {done.clicks} clicks, {done.unsubscribed} unsubscribed")


def notify_change(firm: Firm, diary: Diary, data: Path, url: str, say: Callable[[str], None]) -> None:
    """The whole story, once. Raises ApiError."""
    say("Demo: Northlight Home Systems, an invented installer, writes to its customers")
    firm.write_to_everybody()
    watch(firm, lambda progress: not progress.busy, say)
    invite(diary.notes["customers"][0], url, data, say)
    say("Demo: the customers read; greylisted mail is tried again in a minute")
    read(firm, diary, data / "inbox", url, say)
    watch(firm, lambda progress: not progress.busy and not progress.retried_soon, say)
    read(firm, diary, data / "inbox", url, say)
    diary.note("told", "yes")
    say("Demo: that is all; what is deferred now is tried again for hours, as mail is")


def main(url: str, data: Path) -> int:
    """Exit code 0 also when the API refused something: the terminal says what."""
    diary = Diary(data / "demo.json")

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        if "told" in diary.notes:
            invite(diary.notes["customers"][0], url, data, say)
        else:
            notify_change(Firm(Api(url, (data / "token").read_text().strip()), diary, say), diary, data, url, say)
    except ApiError as error:
        say(f"The demo stopped: {error} The next `make run` goes on with it.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
