"""Browser tests: the launcher's own processes, a scriptable mail server, and mail that was really sent.

All tests share one world, whose databases, worker and web server take seconds to start. Tests that change it use a
customer of their own (`World.customer`). Without Chromium they are skipped, with that reason.
"""

from __future__ import annotations

import email
import email.policy
import itertools
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, async_playwright, expect

from gateway.database import prepare_connection
from service.standalone.data_directory import DataDirectory
from service.standalone.postgres import Postgres
from tests.eventually import eventually
from tests.launching import Launcher, free_port, launched
from tests.smtp_server import Drop, Play, Reply, SmtpServer

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 45_000.0
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
READER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605"
)


def mutation(name: str, input_type: str, result: str) -> str:
    """Returns a document whose `done` is the payload of this mutation."""
    return f"mutation($input: {input_type}!) {{ done: {name}(input: $input) {{ {result} userErrors {{ message }} }} }}"


UPSERT = mutation("upsertCustomers", "UpsertCustomersInput", "customers { id }")
SENDER = mutation("createSender", "CreateSenderInput", "sender { id }")
TEMPLATE = mutation("createTemplate", "CreateTemplateInput", "template { id }")
CAMPAIGN = mutation("createCampaign", "CreateCampaignInput", "campaign { id }")
LAUNCH = mutation("launchCampaign", "LaunchCampaignInput", "campaign { id }")
WORK_ORDER = mutation("sendWorkOrderEmail", "SendWorkOrderEmailInput", "message { id }")
E_SIGNATURE = mutation("sendESignatureEmail", "SendESignatureEmailInput", "message { id }")
CARD = mutation("sendCardProcessingEmail", "SendCardProcessingEmailInput", "message { id }")
STATUS = "query($id: ID!) { message(id: $id) { status } }"

NEWSLETTER = """<html><body style="font-family: sans-serif"><h1 style="color: #1a4fc0">Spring service</h1>
<p>Dear {{ customer_name }}, <a href="https://fabrikam.example/book?visit=spring">book an hour</a>
or <a href="https://fabrikam.example/prices">see the prices</a>.</p>
<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>"""

_numbers = itertools.count(1)


@dataclass(kw_only=True)
class World:
    """The servers of the browser tests, and calls that send mail. `replies`: the mail server's, by recipient."""

    launcher: Launcher
    smtp: SmtpServer
    client: httpx.AsyncClient
    database: asyncpg.Connection[Any]
    replies: dict[str, Play] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The page's URL."""
        return f"http://127.0.0.1:{self.launcher.port}"

    async def call(self, document: str, **variables: Any) -> Any:
        """Returns the `done` of a mutation, which must succeed; or all data of a query."""
        answer = (await self.client.post("/graphql", json={"query": document, "variables": variables})).json()
        assert not answer.get("errors"), answer
        done = answer["data"].get("done", answer["data"])
        assert not done.get("userErrors"), done
        return done

    async def customer(self, name: str | None, address: str | None = None, *, ref: str | None = None) -> str:
        """Creates a customer; returns its global id."""
        given = {
            "externalRef": ref or f"E-{next(_numbers)}",
            "name": name,
            "addresses": [address] if address else [],
            "timeZone": "America/New_York",
        }
        return str((await self.call(UPSERT, input={"customers": [given]}))["customers"][0]["id"])

    async def work_order(self, customer: str, number: str = "WO-7", **given: Any) -> str:
        """Queues a work-order mail; returns its global id."""
        window = {"start": "2036-12-01T09:00", "end": "2036-12-01T11:00", "timeZone": "America/New_York"}
        usual = {"kind": "CREATED", "number": number, "type": "Installation", "window": window}
        return await self._send(WORK_ORDER, customer, usual | given)

    async def card(self, customer: str, **given: Any) -> str:
        """Queues a receipt; returns its global id."""
        usual = {"kind": "CHARGE", "amount": {"amount": "1542.00", "currency": "USD"}, "invoiceNumber": "INV-7"}
        return await self._send(CARD, customer, usual | given)

    async def e_signature(self, customer: str, **given: Any) -> str:
        """Queues a proposal to sign; returns its global id."""
        usual = {
            "documentKind": "PROPOSAL",
            "title": "Home cinema",
            "portalUrl": "https://portal.fabrikam.example/sign/7",
            "expiresAt": "2036-12-31T12:00:00Z",
            "onlineOnly": True,
        }
        return await self._send(E_SIGNATURE, customer, usual | given)

    async def _send(self, document: str, customer: str, given: Mapping[str, Any]) -> str:
        key = {"customerId": customer, "idempotencyKey": f"e2e/{next(_numbers)}"}
        return str((await self.call(document, input={**given, **key}))["message"]["id"])

    async def campaign(self, *customers: str) -> None:
        """Launches the campaign "Spring service 2027" to these customers."""
        number = next(_numbers)
        sender = {
            "name": f"Fabrikam {number}",
            "fromName": "Fabrikam Installers",
            "fromAddress": "hello@fabrikam.example",
        }
        sender_id = (await self.call(SENDER, input={**sender, "postalAddress": "1 Main Street, Springfield"}))[
            "sender"
        ]["id"]
        template = {
            "name": f"Spring {number}",
            "subject": "An hour for your system, {{ customer_name }}",
            "html": NEWSLETTER,
        }
        template_id = (await self.call(TEMPLATE, input=template))["template"]["id"]
        campaign = {
            "title": "Spring service 2027",
            "templateId": template_id,
            "senderId": sender_id,
            "recipients": [{"customerId": each} for each in customers],
            "idempotencyKey": f"e2e/campaign/{number}",
        }
        made = (await self.call(CAMPAIGN, input=campaign))["campaign"]["id"]
        await self.call(LAUNCH, input={"campaignId": made, "idempotencyKey": f"e2e/launch/{number}"})

    async def arrived(self, address: str, subject: str) -> str:
        """Returns the HTML of this mail, once the server has accepted it."""
        await self.smtp.until(lambda: self._taken(address, subject) is not None, f"{subject} to {address}")
        content = self._taken(address, subject)
        assert content is not None
        return content

    async def read(self, address: str, subject: str) -> None:
        """Opens an accepted mail as the customer does, and follows its first link."""
        content = await self.arrived(address, subject)
        links = [unescape(found) for found in re.findall(r"(?:href|src)=\"([^\"]+)\"", content)]
        headers = {"User-Agent": READER}
        for kind in ("/o/", "/c/"):
            found = next((each for each in links if each.startswith(self.url + kind)), None)
            if found:
                await self.client.get(found, headers=headers)

    def _taken(self, address: str, subject: str) -> str | None:
        for message in self.smtp.taken:
            parsed = email.message_from_bytes(message.content, policy=email.policy.default)
            if address in message.recipients and subject in str(parsed["Subject"]):
                return str(parsed.get_body(preferencelist=("html",)).get_content())  # type: ignore[union-attr]  # all have one
        return None

    async def settled(self, message: str, status: str) -> None:
        """Waits until the message has this status."""

        async def reached() -> bool:
            return str((await self.call(STATUS, id=message))["message"]["status"]) == status

        await eventually(reached, f"{status} of {message}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Returns the path of the browser; skips the test when there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH: the page is not tested in a browser (apt-get install chromium)")
    return CHROMIUM


@asynccontextmanager
async def running_browser(chromium: str) -> AsyncIterator[Browser]:
    """A browser until the block ends."""
    # The default of five seconds is too short on a busy machine.
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One browser for all tests; each has a context, hence a session, of its own."""
    async with running_browser(chromium) as running:
        yield running


@asynccontextmanager
async def _connected(launcher: Launcher) -> AsyncIterator[asyncpg.Connection[Any]]:
    data = launcher.data
    stores = Postgres(
        data=data / "postgres", run=DataDirectory(data).run_directory(), log=data / "log" / "postgres.log"
    )
    connection = await asyncpg.connect(stores.url())
    await prepare_connection(connection)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture(scope="package")
def relay_port() -> int:
    """A free port for the mail server, which starts after the launcher."""
    return free_port()


@pytest.fixture(scope="package")
def running(chromium: str, run_directory: Path, relay_port: int) -> Iterator[Launcher]:
    """Everything that `make run` starts, with the tests' mail server as its relay."""
    variables = {
        "RELAY_URL": f"smtp://127.0.0.1:{relay_port}?name=main",
        "ALLOW_RESERVED_DOMAINS": "1",
        "GRAPHIQL": "1",
    }
    with launched(run_directory / f"page-{relay_port}", variables) as launcher:
        yield launcher


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def world(running: Launcher, relay_port: int) -> AsyncIterator[World]:
    """The world; its mail server refuses, defers or drops mail to some addresses."""
    headers = {"Authorization": f"Bearer {running.token}"}
    async with (
        SmtpServer(port=relay_port) as smtp,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", headers=headers, timeout=30) as client,
        _connected(running) as database,
    ):
        made = World(launcher=running, smtp=smtp, client=client, database=database)
        smtp.script(
            rcpt=lambda point: made.replies.get(point.key),
            after_dot=lambda point: Drop() if any("dee@" in each for each in point.recipients) else None,
        )
        made.replies["gone@customer.example"] = Reply(
            550, "5.1.1 <gone@customer.example>: User unknown in virtual mailbox table"
        )
        made.replies["full@customer.example"] = Reply(552, "5.2.2 <full@customer.example>: Mailbox size limit exceeded")
        made.replies["slow@customer.example"] = Reply(
            450, "4.2.0 <slow@customer.example>: Greylisted, try again in 300 seconds"
        )
        yield made


def _breaks_policy(said: ConsoleMessage) -> bool:
    """Whether our own page violated its policy, which names 'self'; that of a preview's frame does not."""
    return "Content Security Policy" in said.text and "'self'" in said.text


@asynccontextmanager
async def looking(
    browser: Browser, world: World, *, phone: bool = False, dark: bool = False, signed_in: bool = True
) -> AsyncIterator[Page]:
    """A page in a context of its own. A script error, or a violation of the page's policy, fails the test."""
    context: BrowserContext = await browser.new_context(
        base_url=world.url,
        viewport=PHONE if phone else DESKTOP,
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        timezone_id="America/New_York",
        has_touch=phone,
    )
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if _breaks_policy(said) else None)
    if signed_in:
        answer = await context.request.post("/session", data={"token": world.launcher.token})
        assert answer.ok
    try:
        yield page
    finally:
        await context.close()
    assert not faults, faults
