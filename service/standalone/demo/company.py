"""Northlight Home Systems, the demo's company: its customers, sender, letters and campaigns, sent through the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from service.standalone.demo.answers import Answer, AnswerKind
from service.standalone.demo.api_client import ApiClient
from service.standalone.demo.checkpoint import Checkpoint
from service.standalone.demo.customers import Customer, read_customers
from service.standalone.demo.letters import Sending, letters_of
from service.standalone.demo.proposal import proposal_pdf

POSTAL_ADDRESS = "5 Foundry Lane, Brookhaven"
STAFF = "rosa.delgado@northlight.example"
"""The mailbox of the colleague who answers customers; the demo relay keeps what is forwarded there in the inbox."""
_TEMPLATES = Path(__file__).parent
_SOON_SECONDS = 80.0
"""A retry within this time is worth waiting for: greylisted mail. Later retries are hours away."""

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
CAMPAIGNS = "{ campaigns(first: 10) { nodes { audienceSize progress { made leftOut } } } }"
CAME_BACK = """query ($after: String) { customers(first: 50, after: $after) { pageInfo { hasNextPage endCursor }
  nodes { emails { connectionNotes(first: 20) { nodes {
    message { received { automatic } } info { events { kind } } } } } } }
  unmatchedMail(first: 20) { nodes { id } } }"""
STATUSES = """query ($after: String) { customers(first: 50, after: $after) { pageInfo { hasNextPage endCursor }
  nodes { emails { connectionNotes(first: 20) { nodes { info { status nextAttemptAt } } } } } } }"""


class Company:
    """Everything that Northlight Home Systems sends, each step once. `say` prints a line on the terminal."""

    def __init__(self, api: ApiClient, checkpoint: Checkpoint, say: Callable[[str], None]) -> None:
        self._api = api
        self._checkpoint = checkpoint
        self._say = say
        self.customers = read_customers()

    def send_everything(self) -> None:
        """Create the customers and the sender, send all letters, launch both campaigns. Raises ApiError."""
        started = date.fromisoformat(self._checkpoint.once("started", _today))
        ids = self._checkpoint.once("customers", self._upsert)
        self._say(f"  {len(ids)} customers")
        sender = self._checkpoint.once("sender", lambda: self._create_sender(_office()))
        letters = self._checkpoint.once("letters", lambda: self._send_letters(ids, sender, started))
        self._say(f"  {letters} work-order, e-signature and card-processing mails")
        news = self._checkpoint.once("news sender", lambda: self._create_sender(_news()))
        # The campaign with the higher priority first: the histories then have the same order in every run.
        notice = self._checkpoint.once("notice", lambda: self._campaign(_notice(ids, self.customers), news))
        spring = self._checkpoint.once("spring", lambda: self._campaign(_spring(ids, self.customers), news))
        self._say(f"  2 campaigns of {spring} and {notice} recipients")

    def _do(self, document: str, what: str, given: dict[str, Any]) -> Any:
        """Returns one mutation's result; None when it was refused, with the reason on the terminal."""
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

    def _create_sender(self, given: dict[str, Any]) -> str:
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
            # Recorded by itself: a repeated key must come with the same input, hence the same file.
            given["attachmentIds"] = [self._checkpoint.once(f"pdf {customer.ref}", lambda: self._upload(customer))]
        name = letter.mutation
        document = SEND % (name[0].upper() + name[1:], name)
        return int(self._do(document, f"{customer.ref} {name}", given) is not None)

    def _upload(self, customer: Customer) -> str:
        return self._api.upload(f"Proposal-{customer.ref}.pdf", proposal_pdf(customer))

    def _campaign(self, campaign: dict[str, Any], sender: str) -> int:
        given = {**campaign.pop("template")}
        given["mjml"] = (_TEMPLATES / given["mjml"]).read_text(encoding="utf-8")
        key = campaign["idempotencyKey"]
        create = partial(self._do, CREATE_TEMPLATE, given["name"], given)
        template = self._checkpoint.once(f"template {key}", lambda: create()["id"])
        made = self._do(CREATE_CAMPAIGN, campaign["title"], {**campaign, "templateId": template, "senderId": sender})
        self._do(LAUNCH_CAMPAIGN, campaign["title"], {"campaignId": made["id"], "idempotencyKey": f"{key}/launch"})
        return len(campaign["recipients"])

    def progress(self) -> Progress:
        """Returns the statuses of all mail, read through the API."""
        counted: Counter[str] = Counter()
        # Before the mail: what is made in between is counted twice rather than not at all.
        campaigns = self._api.call(CAMPAIGNS)["campaigns"]["nodes"]
        counted["NOT YET MADE"] = sum(
            campaign["audienceSize"] - campaign["progress"]["made"] - campaign["progress"]["leftOut"]
            for campaign in campaigns
        )
        retried = 0
        for page in self._pages(STATUSES):
            for note in _notes(page):
                counted[note["info"]["status"]] += 1
                retried += _retried_soon(note["info"])
        return Progress(statuses=+counted, retried_soon=retried)

    def came_back(self) -> CameBack:
        """Returns what has come back so far, read through the API."""
        counted: Counter[str] = Counter()
        strangers = 0
        for page in self._pages(CAME_BACK):
            strangers = len(page["unmatchedMail"]["nodes"])
            for note in _notes(page):
                counted.update(event["kind"] for event in note["info"]["events"])
                if note["message"]["received"] is not None:
                    counted["AUTOMATIC" if note["message"]["received"]["automatic"] else "WRITTEN"] += 1
        return CameBack(
            bounces=counted["BOUNCED"],
            delays=counted["DELAYED"],
            complaints=counted["COMPLAINED"],
            replies=counted["WRITTEN"],
            automatic=counted["AUTOMATIC"],
            strangers=strangers,
        )

    def _pages(self, document: str) -> Iterator[Any]:
        """Returns the answers to a query of all customers, page by page."""
        after = None
        while True:
            page = self._api.call(document, {"after": after})
            yield page
            if not page["customers"]["pageInfo"]["hasNextPage"]:
                return
            after = page["customers"]["pageInfo"]["endCursor"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How many mails have which status, and how many deferred ones are retried within `_SOON_SECONDS`."""

    statuses: Mapping[str, int]
    retried_soon: int

    @property
    def busy(self) -> bool:
        """Whether any mail is queued, being sent, or not yet made by its campaign."""
        return any(self.statuses.get(status) for status in ("QUEUED", "HANDED_OFF", "NOT YET MADE"))

    def __str__(self) -> str:
        shown = sorted(self.statuses.items(), key=lambda item: -item[1])
        return " · ".join(f"{count} {status.lower().replace('_', ' ')}" for status, count in shown)


@dataclass(frozen=True, kw_only=True, slots=True)
class CameBack:
    """How much has come back of each kind; `automatic` are the answers of machines, `strangers` the mails of people who
    are no customers."""

    bounces: int
    delays: int
    complaints: int
    replies: int
    automatic: int
    strangers: int

    @classmethod
    def of(cls, answers: Iterable[Answer]) -> CameBack:
        """Returns what these answers are, all come."""
        kinds = Counter(answer.kind for answer in answers)
        return cls(
            bounces=kinds[AnswerKind.BOUNCE],
            delays=kinds[AnswerKind.DELAY],
            complaints=kinds[AnswerKind.COMPLAINT],
            replies=kinds[AnswerKind.REPLY] + kinds[AnswerKind.LETTER],
            automatic=kinds[AnswerKind.AWAY],
            strangers=kinds[AnswerKind.STRANGER],
        )

    def __str__(self) -> str:
        return (
            f"{self.bounces} bounced, {self.delays} delayed, {self.complaints} called spam, {self.replies} replies, "
            f"{self.automatic} out of office, {self.strangers} from a stranger"
        )


def _notes(page: Any) -> Iterator[Any]:
    """The rows of the third lists of one page of customers."""
    for node in page["customers"]["nodes"]:
        yield from node["emails"]["connectionNotes"]["nodes"]


def _office() -> dict[str, Any]:
    """Whom individual mail is from: replies join the history, and go on to a colleague's mailbox."""
    return {
        "name": "Northlight office",
        "fromName": "Northlight Home Systems",
        "fromAddress": "office@northlight.example",
        "trackReplies": True,
        "forwardRepliesTo": STAFF,
        "signature": "Your team at Northlight\n+1 555 0134",
        "postalAddress": POSTAL_ADDRESS,
        "locale": "en",
        "timeZone": "America/New_York",
    }


def _news() -> dict[str, Any]:
    """Whom campaigns are from: replies join the history."""
    given = {**_office(), "name": "Northlight news", "fromAddress": "news@northlight.example"}
    del given["forwardRepliesTo"]
    return given


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
