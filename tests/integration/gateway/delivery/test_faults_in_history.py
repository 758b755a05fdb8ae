"""Every fault of a mail server, through the whole engine, and what the customer's history then says.

`test_smtp_faults.py` holds what an exchange says of each; here is what a person reads: the status and its colour, every
attempt with the server's words, or what the mail waits for, and the relay's trouble in its words.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.deployment import Deployment
from gateway.mail.letter import Mailbox
from gateway.mail.message import MessageRef
from gateway.mail.source import SourceType
from gateway.mail.verdict import Verdict
from gateway.outbox.relay_limits import resume_relay
from gateway.settings import Settings, parse_relay
from gateway.smtp.relays import Timeouts
from gateway.storage import attachments
from service.graph.context import Context
from service.graph.node import customer_global_id
from service.graph.schema import schema
from tests.engine import SHORT_WAIT, Start, deployment, queue_mail, start, until
from tests.eventually import eventually
from tests.smtp_server import DEFAULT_KEYWORDS, Drop, Endless, Raw, Reply, Silence, SmtpServer

__all__ = ["deployment", "start"]

MakeContext = Callable[..., Context]

HISTORY = """query($id: ID!) {
  customer(id: $id) { emails { connectionNotes { nodes { colorHint info {
    colorHint status cause waitsFor nextAttemptAt sentAt
    attempts { number verdict stage startedAt unreadableReply response { code text } copy { address } }
    copies { address status cause }
    events { kind by }
  } } } } }
  gateway { relays { events { kind stage code response domain } } }
}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """A mail server and how it misbehaves. `attach`: octets of a file that goes with the mail. `relay`: options of
    RELAY_URL, `login` what stands before its host. `mends`: it takes mail again once its script is forgotten."""

    script: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)
    relay: str = ""
    login: str = ""
    host: str = "localhost"
    attach: int = 0
    timeouts: Timeouts = field(default_factory=Timeouts)
    mends: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Says:
    """What the history says of a mail that was tried: its status, and the attempt with code and words."""

    status: str
    cause: str | None
    verdict: str
    stage: str
    code: int | None = None
    words: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """What it says of a mail that nothing was said of: it waits, for this, and no attempt is burnt. The relay's events
    have the kind, the stage and the words."""

    waits_for: str
    kind: str
    stage: str
    code: int | None = None
    words: str = ""


LARGE = 6_000_000
"""Octets that no socket's buffers hold: their end has not left while the server does not read."""


def refused(stage: str, code: int, cause: str, words: str) -> Says:
    """For good."""
    return Says(status="REFUSED", cause=cause, verdict="REFUSED", stage=stage, code=code, words=words)


def uncertain(cause: str, words: str = "") -> Says:
    """The whole mail was on its way, and nothing came back that says what became of it."""
    return Says(status="UNCERTAIN", cause=cause, verdict="UNCERTAIN", stage="END_OF_DATA", words=words)


def deferred(stage: str, cause: str, code: int | None = None, words: str = "") -> Says:
    """This mail's attempt, kept and retried; one mail's failure pauses neither relay nor destination."""
    return Says(status="DEFERRED", cause=cause, verdict="DEFERRED", stage=stage, code=code, words=words)


def accepted(words: str) -> Says:
    """By the server's own words."""
    return Says(status="ACCEPTED", cause=None, verdict="ACCEPTED", stage="END_OF_DATA", code=250, words=words)


def relay_waits(kind: str, stage: str, code: int | None = None, words: str = "") -> Waits:
    """The relay is left alone for a while."""
    return Waits(waits_for="The relay is paused: ", kind=kind, stage=stage, code=code, words=words)


BYE = Reply(421, "4.3.2 going down", then=Drop(taken=False))
STARTTLS: dict[str, Any] = {"tls": "starttls"}
LOGIN: dict[str, Any] = {"logins": {"user": "right"}}

SLOWLY = {"greeting": 220, "mail": 250, "rcpt": 250, "data": 354, "after_dot": 250}

TRIED: dict[str, tuple[Given, Says]] = {
    "a drop amid a small mail, all of which was on its way": (
        Given(script={"body": Drop(after_bytes=10, reset=True)}),
        uncertain("CONNECTION_LOST"),
    ),
    "a drop after the dot": (Given(script={"after_dot": Drop()}), uncertain("CONNECTION_LOST")),
    "a drop amid the last reply": (
        Given(script={"after_dot": Raw(b"250-half a rep", then=Drop())}),
        uncertain("CONNECTION_LOST"),
    ),
    "a reply after our timeout": (
        Given(script={"after_dot": Reply(250, "2.0.0 late", delay=1.0)}, timeouts=Timeouts(end_of_data=0.5)),
        uncertain("TIMEOUT"),
    ),
    "silence after the dot": (
        Given(script={"after_dot": Silence()}, timeouts=Timeouts(end_of_data=0.5)),
        uncertain("TIMEOUT"),
    ),
    "a reply of several lines": (
        Given(script={"after_dot": Reply(250, "2.0.0 one\ntwo\nthree")}),
        accepted("2.0.0 one\ntwo\nthree"),
    ),
    "a reply of mixed codes": (
        Given(script={"after_dot": Raw(b"250-fine so far\r\n550 5.7.1 no\r\n")}),
        refused("END_OF_DATA", 550, "UNKNOWN", "250-fine so far\n5.7.1 no"),
    ),
    "a reply without a text": (Given(script={"after_dot": Raw(b"250\r\n")}), accepted("")),
    "an endless reply after the dot": (Given(script={"after_dot": Endless()}), uncertain("CONNECTION_LOST")),
    "replies a byte at a time": (Given(server={"pace": "bytewise"}), accepted("2.0.0 <ann@customer.example> taken")),
    "replies in one packet": (Given(server={"pace": "coalesced"}), accepted("2.0.0 <ann@customer.example> taken")),
    "a tarpit that ends": (
        Given(script={stage: Reply(code, "slowly", delay=0.2) for stage, code in SLOWLY.items()}),
        accepted("slowly"),
    ),
    "greylisting": (
        Given(script={"rcpt": Reply(451, "4.7.1 Greylisted, try again in 5 minutes")}),
        Says(
            status="DEFERRED",
            cause="GREYLISTED",
            verdict="DEFERRED",
            stage="RCPT",
            code=451,
            words="4.7.1 Greylisted, try again in 5 minutes",
        ),
    ),
    "SIZE smaller than the mail": (
        Given(server={"keywords": ["PIPELINING", "SIZE 1000"]}),
        Says(status="REFUSED", cause="SIZE", verdict="REFUSED", stage="MAIL"),
    ),
    "SIZE that is no number": (
        Given(server={"keywords": ["PIPELINING", "SIZE lots"]}),
        accepted("2.0.0 <ann@customer.example> taken"),
    ),
    "552 at MAIL": (
        Given(script={"mail": Reply(552, "5.3.4 too big")}),
        refused("MAIL", 552, "SIZE", "5.3.4 too big"),
    ),
    "552 at the dot": (
        Given(script={"after_dot": Reply(552, "5.3.4 too big")}),
        refused("END_OF_DATA", 552, "SIZE", "5.3.4 too big"),
    ),
    "552 amid the content": (
        Given(script={"body": Reply(552, "5.3.4 enough", then=Silence())}, attach=LARGE),
        refused("CONTENT", 552, "SIZE", "5.3.4 enough"),
    ),
    "a refusal, and a drop before DATA is answered": (
        Given(script={"rcpt": Reply(550, "5.1.1 unknown", then=Drop())}),
        refused("RCPT", 550, "BAD_ADDRESS", "5.1.1 unknown"),
    ),
    "all recipients refused, but DATA answered 354": (
        Given(script={"rcpt": Reply(550, "5.1.1 unknown"), "data": Reply(354), "after_dot": Reply(554, "none")}),
        refused("RCPT", 550, "BAD_ADDRESS", "5.1.1 unknown"),
    ),
    "a drop before DATA is answered": (Given(script={"data": Drop()}), deferred("DATA", "CONNECTION_LOST")),
    "a drop after 354, before the dot": (
        Given(script={"data": Reply(354, "go", then=Drop(reset=True))}, attach=LARGE),
        deferred("CONTENT", "CONNECTION_LOST"),
    ),
    "a drop amid a large mail": (
        Given(script={"body": Drop(after_bytes=300_000, reset=True)}, attach=LARGE),
        deferred("CONTENT", "CONNECTION_LOST"),
    ),
    "421 at MAIL": (Given(script={"mail": BYE}), deferred("MAIL", "DESTINATION_TROUBLE", 421, "4.3.2 going down")),
    "421 at RCPT": (Given(script={"rcpt": BYE}), deferred("RCPT", "DESTINATION_TROUBLE", 421, "4.3.2 going down")),
    "421 at DATA": (Given(script={"data": BYE}), deferred("DATA", "DESTINATION_TROUBLE", 421, "4.3.2 going down")),
    "421 amid the content": (
        Given(script={"body": Reply(421, "4.3.2 going down", then=Silence())}, attach=LARGE),
        deferred("CONTENT", "DESTINATION_TROUBLE", 421, "4.3.2 going down"),
    ),
    "421 after the dot": (
        Given(script={"after_dot": BYE}),
        deferred("END_OF_DATA", "DESTINATION_TROUBLE", 421, "4.3.2 going down"),
    ),
    "an endless reply before the mail": (
        Given(script={"mail": Endless()}),
        deferred("MAIL", "RELAY_TROUBLE", words="250-and another thing"),
    ),
    "a reply that is none": (
        Given(script={"rcpt": Raw(b"999 what\r\n")}),
        deferred("RCPT", "RELAY_TROUBLE", words="999 what"),
    ),
    "a code that is none": (
        Given(script={"rcpt": Raw(b"000 no\r\n")}),
        deferred("RCPT", "RELAY_TROUBLE", words="000 no"),
    ),
    "a code in two parts": (
        Given(script={"mail": Raw(b"25 0 ok\r\n")}),
        deferred("MAIL", "RELAY_TROUBLE", words="25 0 ok"),
    ),
    "a final reply that is none, in Latin-1": (
        Given(script={"after_dot": Raw(b"OK Pr\xfcfsumme 7\r\n")}),
        uncertain("CONNECTION_LOST", words="OK Prüfsumme 7"),
    ),
    "a final refusal in Latin-1 that rings a bell": (
        Given(script={"after_dot": Raw(b"554 ung\xfcltige Pr\xfcfsumme\x07\r\n")}),
        refused("END_OF_DATA", 554, "UNKNOWN", "ungültige Prüfsumme\\x07"),
    ),
    "354 to RCPT": (
        Given(script={"rcpt": Reply(354, "go ahead")}),
        deferred("RCPT", "RELAY_TROUBLE", 354, "go ahead"),
    ),
    "250 to DATA": (Given(script={"data": Reply(250, "ok")}), deferred("DATA", "RELAY_TROUBLE", 250, "ok")),
    "a tarpit that never ends": (
        Given(script={"mail": Raw(b"250-d", then=Silence())}, timeouts=Timeouts(mail=0.5)),
        deferred("MAIL", "TIMEOUT", words="250-d"),
    ),
}

UNTRIED: dict[str, tuple[Given, Waits]] = {
    "421 as the greeting": (
        Given(script={"greeting": BYE}),
        relay_waits("UNAVAILABLE", "GREETING", 421, "4.3.2 going down"),
    ),
    "421 at EHLO": (Given(script={"ehlo": BYE}), relay_waits("UNAVAILABLE", "EHLO", 421, "4.3.2 going down")),
    "421 at STARTTLS": (
        Given(server=STARTTLS, script={"starttls": BYE}),
        relay_waits("TLS", "STARTTLS", 421, "4.3.2 going down"),
    ),
    "421 at AUTH": (
        Given(server=LOGIN, login="user:right@", script={"auth": BYE}),
        relay_waits("LOGIN", "AUTH", 421, "4.3.2 going down"),
    ),
    "STARTTLS stripped from the offer": (
        Given(relay="smtp+starttls://", mends=False),
        relay_waits("TLS", "STARTTLS", None, "does not offer STARTTLS"),
    ),
    "STARTTLS refused": (
        Given(server=STARTTLS, script={"starttls": Reply(454, "4.7.0 no certificate today")}),
        relay_waits("TLS", "STARTTLS", 454, "4.7.0 no certificate today"),
    ),
    "a bad certificate": (
        Given(server=STARTTLS | {"certificate_for": ["elsewhere.test"]}, mends=False),
        relay_waits("TLS", "STARTTLS", None, "Hostname mismatch"),
    ),
    "STARTTLS hung": (
        Given(server=STARTTLS, script={"starttls": Silence()}, timeouts=Timeouts(hello=0.5)),
        relay_waits("TLS", "STARTTLS", None, "No answer in time"),
    ),
    "a hung TLS handshake": (
        Given(server=STARTTLS, script={"handshake": Silence()}, timeouts=Timeouts(hello=0.5)),
        relay_waits("TLS", "STARTTLS", None, "No answer in time"),
    ),
    "454 at AUTH": (
        Given(server=LOGIN, login="user:right@", script={"auth": Reply(454, "4.7.0 later")}),
        relay_waits("LOGIN", "AUTH", 454, "4.7.0 later"),
    ),
    "535 at AUTH": (
        Given(server=LOGIN, login="user:right@", script={"auth": Reply(535, "5.7.8 wrong")}),
        Waits(waits_for="The relay is stopped: ", kind="STOPPED", stage="AUTH", code=535, words="5.7.8 wrong"),
    ),
    "a relay whose name is not in the DNS": (
        Given(host="nowhere.invalid", mends=False),
        relay_waits("CONNECTION", "CONNECT", None, "cannot be resolved"),
    ),
}


def long_pause(step: int, verdict: Verdict, jitter: float) -> timedelta:
    """A pause that lasts until a person ends it."""
    return timedelta(minutes=5)


def settings_for(given: Given, server: SmtpServer, settings: Settings) -> Settings:
    """One relay: the server, under a name that its certificate is for, and as the case wants it."""
    scheme, _, rest = server.url.partition("://")
    url = f"{given.relay.removesuffix('://') or scheme}://{given.login}{rest.replace('127.0.0.1', given.host)}"
    return settings.model_copy(update={"relay_url": (parse_relay(url),)})


async def queue(connection: Any, deployment: Deployment, given: Given) -> MessageRef:
    """The mail."""
    if not given.attach:
        return await queue_mail(connection, deployment)
    octets = b"%PDF-1.7 " + b"x" * given.attach
    file = await attachments.store(connection, name="plan.pdf", stream=octets, uploaded_by="tests")
    return await queue_mail(connection, deployment, attachment_ids=(file,))


async def read(make_context: MakeContext, ref: MessageRef) -> tuple[Any, list[Any]]:
    """The mail's icon and details in the customer's history, and the relay's events, newest first."""
    answer = await schema.execute(
        HISTORY, context_value=make_context(), variable_values={"id": customer_global_id(ref.customer_id)}
    )
    assert answer.errors is None, answer.errors
    data: Any = orjson.loads(orjson.dumps(answer.data))
    [note] = data["customer"]["emails"]["connectionNotes"]["nodes"]
    relays = data["gateway"]["relays"]
    return note["info"], [event for relay in relays for event in relay["events"]]


async def read_when(
    make_context: MakeContext, ref: MessageRef, ready: Callable[[Any], bool], what: str
) -> tuple[Any, list[Any]]:
    """The same, once it says so. The events are read anew: they may have been read just before it came to be so. The
    mail is not: a claim under way may take it for a moment, and give it back."""

    async def check() -> Any:
        info, _ = await read(make_context, ref)
        return info if ready(info) else None

    info = await eventually(check, what)
    return info, (await read(make_context, ref))[1]


@asynccontextmanager
async def sending(
    given: Given, connection: Any, settings: Settings, deployment: Deployment, start: Start
) -> AsyncIterator[tuple[SmtpServer, MessageRef]]:
    """A worker that sends one mail to a server that behaves as given."""
    async with SmtpServer(**given.server) as server:
        server.script(connection=None, **given.script)
        ref = await queue(connection, deployment, given)
        start(settings_for(given, server, settings), timeouts=given.timeouts, pause=long_pause)
        yield server, ref


ICONS = {"ACCEPTED": "GREY", "REFUSED": "RED", "UNCERTAIN": "AMBER", "DEFERRED": "AMBER"}


@pytest.mark.parametrize("name", TRIED)
async def test_a_try_shows_what_came_of_it_in_the_servers_own_words(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, make_context: MakeContext, name: str
) -> None:
    given, says = TRIED[name]
    async with sending(given, connection, settings, deployment, start) as (server, ref):
        info, _ = await read_when(make_context, ref, lambda info: info["attempts"] != [], "the attempt")

        assert (info["status"], info["colorHint"], info["cause"]) == (says.status, ICONS[says.status], says.cause)
        [attempt] = info["attempts"]
        assert (attempt["number"], attempt["verdict"], attempt["stage"]) == (1, says.verdict, says.stage)
        if says.code is None:
            assert (attempt["response"], says.words in (attempt["unreadableReply"] or "")) == (None, True)
        else:
            assert (attempt["response"]["code"], attempt["response"]["text"]) == (says.code, says.words)
        assert (info["sentAt"] is not None) == (says.status == "ACCEPTED")
        assert (info["waitsFor"], info["nextAttemptAt"] is not None) == (
            ("The next attempt", True) if says.status == "DEFERRED" else (None, False)
        )
        if says.status == "REFUSED":
            assert server.taken == []


@pytest.mark.parametrize("name", UNTRIED)
async def test_trouble_on_the_way_burns_no_attempt_and_says_what_the_mail_waits_for(
    connection: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    make_context: MakeContext,
    trusted_authority: Path,
    name: str,
) -> None:
    given, waits = UNTRIED[name]
    async with sending(given, connection, settings, deployment, start) as (server, ref):
        info, events = await read_when(
            make_context, ref, lambda info: (info["waitsFor"] or "").startswith(waits.waits_for), "the wait"
        )

        assert (info["status"], info["colorHint"], info["attempts"]) == ("QUEUED", "AMBER", [])
        # A stop ends when a person says so, a pause by itself.
        assert (info["nextAttemptAt"] is None) == (waits.kind == "STOPPED")
        event = events[-1]
        assert (event["kind"], event["stage"], event["code"]) == (waits.kind, waits.stage, waits.code)
        assert waits.words in event["response"]
        assert event["domain"] is None
        assert server.taken == []
        if given.mends:
            server.forget_scripts()
            await resume_relay(connection, "main", "Dana")
            info, _ = await read_when(make_context, ref, lambda info: info["status"] == "ACCEPTED", "the sending")
            assert [(attempt["number"], attempt["verdict"]) for attempt in info["attempts"]] == [(1, "ACCEPTED")]
            assert len(server.taken) == 1


async def test_of_three_recipients_only_the_deferred_one_is_tried_again(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, make_context: MakeContext
) -> None:
    smtp_server.script(
        rcpt={
            "refused@customer.example": Reply(550, "5.1.1 Unknown"),
            "later@customer.example": [Reply(450, "4.2.1 Busy"), Reply(250, "Ok")],
        }
    )
    copies = (Mailbox(address="refused@customer.example"), Mailbox(address="later@customer.example"))
    ref = await queue_mail(connection, deployment, cc=copies)
    start(wait=lambda attempt, verdict: SHORT_WAIT)

    info, _ = await read_when(make_context, ref, lambda info: len(info["attempts"]) == 4, "four attempts")

    tries = [
        (attempt["copy"] and attempt["copy"]["address"], attempt["number"], attempt["response"]["code"])
        for attempt in info["attempts"]
    ]
    assert tries == [
        (None, 1, 250),
        ("refused@customer.example", 1, 550),
        ("later@customer.example", 1, 450),
        ("later@customer.example", 2, 250),
    ]
    assert (info["status"], info["copies"]) == (
        "ACCEPTED",
        [
            {"address": "refused@customer.example", "status": "REFUSED", "cause": "BAD_ADDRESS"},
            {"address": "later@customer.example", "status": "ACCEPTED", "cause": None},
        ],
    )


async def test_where_a_deployment_has_uncertain_mail_tried_once_more_the_history_says_so(
    connection: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    make_context: MakeContext,
) -> None:
    smtp_server.script(after_dot=[Drop()])
    chosen = Deployment.open(settings.model_copy(update={"retry_once": (SourceType.CARD_PROCESSING,)}))
    ref = await queue_mail(connection, chosen)
    start(wait=lambda attempt, verdict: SHORT_WAIT, pause=long_pause)

    info, _ = await read_when(make_context, ref, lambda info: info["status"] == "ACCEPTED", "the second try")

    # It has arrived twice, as the deployment was told that it may: the first try stays uncertain.
    assert [(attempt["number"], attempt["verdict"]) for attempt in info["attempts"]] == [
        (1, "UNCERTAIN"),
        (2, "ACCEPTED"),
    ]
    assert info["events"] == [{"kind": "UNCERTAIN", "by": "gateway"}, {"kind": "RETRIED_ONCE", "by": "gateway"}]
    assert len(smtp_server.taken) == 2


@pytest.mark.parametrize("keywords", [DEFAULT_KEYWORDS, DEFAULT_KEYWORDS[1:]], ids=["pipelined", "one by one"])
async def test_a_server_that_closes_idle_connections_costs_no_attempt(
    connection: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    make_context: MakeContext,
    keywords: list[str],
) -> None:
    async with SmtpServer(keywords=keywords) as server:
        start(settings_for(Given(host="127.0.0.1"), server, settings), pause=long_pause)
        await until(connection, await queue_mail(connection, deployment, "first@customer.example"), "ACCEPTED")
        # It closes at the very moment when the next mail comes, which is the worst.
        server.script(connection=1, mail=Drop(reset=True))
        ref = await queue_mail(connection, deployment)

        info, events = await read_when(make_context, ref, lambda info: info["status"] == "ACCEPTED", "the sending")

        assert [(attempt["number"], attempt["verdict"]) for attempt in info["attempts"]] == [(1, "ACCEPTED")]
        assert (events, len(server.connections), len(server.taken)) == ([], 2, 2)


async def test_a_clock_an_hour_off_on_the_workers_host_changes_no_time_in_the_history(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, make_context: MakeContext
) -> None:
    smtp_server.script(rcpt=[Reply(451, "4.7.1 Greylisted")])
    begun = datetime.now(UTC)
    ref = await queue_mail(connection, deployment)
    start(clock_skew=timedelta(hours=1), wait=lambda attempt, verdict: SHORT_WAIT)

    info, _ = await read_when(make_context, ref, lambda info: info["status"] == "ACCEPTED", "the sending")

    ended = datetime.now(UTC)
    first, second = [datetime.fromisoformat(attempt["startedAt"]) for attempt in info["attempts"]]
    # Times are reckoned back from the database's clock: to the millisecond.
    assert begun - timedelta(seconds=0.1) <= first < second <= datetime.fromisoformat(info["sentAt"]) <= ended
