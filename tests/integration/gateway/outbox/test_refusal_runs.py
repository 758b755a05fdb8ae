"""The second net of verdicts: equal refusals in a row stop a relay or a destination until a person resumes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.deployment import Deployment
from gateway.mail.message import MessageRef
from gateway.outbox.domain_limits import destinations, domain_depths, resume_destination
from gateway.outbox.refusal_runs import RELAY_DOMAINS
from gateway.outbox.relay_limits import relay_events, relay_states, resume_relay
from gateway.settings import Settings
from service.graph.context import Context
from service.graph.schema import schema
from tests.engine import Start, deployment, empty, queue_mail, start, state_of, until
from tests.eventually import eventually
from tests.smtp_server import Point, Reply, SmtpServer

__all__ = ["deployment", "start"]

ENOUGH = 6
UNKNOWN = "5.1.1 <{}>: User unknown"


@pytest.fixture
def few(settings: Settings, smtp_server: SmtpServer) -> Settings:
    """Settings with a net that a few mails fill, and one connection, so that mails go one after the other."""
    [relay] = Settings.model_validate(
        settings.model_dump() | {"relay_url": smtp_server.url + "&connections=1"}
    ).relay_url
    return settings.model_copy(update={"same_refusals": ENOUGH, "relay_url": (relay,)})


def refuse(server: SmtpServer, *domains: str, words: str = UNKNOWN) -> None:
    """Refuse every recipient, or those of these domains."""

    def play(point: Point) -> Reply | None:
        domain = point.key.rpartition("@")[2]
        return Reply(550, words.format(point.key)) if not domains or domain in domains else None

    server.script(rcpt=play)


async def queue(connection: Any, deployment: Deployment, *addresses: str) -> list[MessageRef]:
    return [await queue_mail(connection, deployment, address) for address in addresses]


def stops_counted(place: str) -> float:
    """As scraped: how many relays or destinations were stopped."""
    return REGISTRY.get_sample_value("mail_refusal_stops_total", {"place": place}) or 0.0


async def stopped_relay(connection: Any) -> Any:
    return next((relay for relay in await relay_states(connection) if relay.stopped_at), None)


async def stopped_domains(connection: Any) -> dict[str, str | None]:
    return {found.domain: found.stopped_why for found in await destinations(connection) if found.stopped_at}


async def statuses(connection: Any, refs: Sequence[MessageRef]) -> list[str]:
    return [(await state_of(connection, ref))["state"] for ref in refs]


async def test_a_stale_list_at_several_domains_stops_the_relay_and_its_other_mail_is_kept(
    connection: Any,
    deployment: Deployment,
    few: Settings,
    start: Start,
    smtp_server: SmtpServer,
    make_context: Callable[..., Context],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a list on which nobody is known any more
    refuse(smtp_server)
    refs = await queue(connection, deployment, *[f"p{n}@d{n % RELAY_DOMAINS}.example" for n in range(40)])
    # When its mails go out
    before = stops_counted("relay")
    worker = start(few)
    relay = await eventually(lambda: stopped_relay(connection), "the stop")
    await eventually(lambda: stops_counted("relay") > before, "the count of stops")
    # Then the relay is stopped, with the words and without an address, in the API and for the mail that waits
    assert relay.stopped_why.endswith("550 5.1.1 user unknown")
    assert not relay.usable
    await eventually(lambda: worker.outcomes.unwritten == 0, "the outcomes of what was on its way")
    # (How much of the list went out before the stop was written is the machine's matter: this mail comes after it,
    # to a domain of its own, for those of the list may be stopped by themselves.)
    refs += await queue(connection, deployment, "last@alone.example")
    left = [ref for ref, status in zip(refs, await statuses(connection, refs), strict=True) if status != "REFUSED"]
    assert len(refs) - len(left) >= ENOUGH
    assert left[-1] == refs[-1], "mail that waits is kept"
    shown = await schema.execute(
        "{ gateway { relays { stoppedAt stoppedWhy events { kind code response } } } }", context_value=make_context()
    )
    assert shown.errors is None
    assert shown.data is not None
    [api] = shown.data["gateway"]["relays"]
    assert api["stoppedWhy"] == relay.stopped_why
    assert {"kind": "STOPPED", "code": 550, "response": "550 5.1.1 user unknown"} in api["events"]
    assert "stopped until a person resumes it" in caplog.text
    assert "example" not in "".join(record.message for record in caplog.records if "stopped" in record.message)
    waits = await connection.fetchrow("select * from message_wait where id = $1", left[-1].message_id)
    assert (waits["next_attempt_at"], waits["waits_for"]) == (None, f"The relay is stopped: {relay.stopped_why}")
    # And only a person resumes it
    smtp_server.forget_scripts()
    resumed = await schema.execute(
        'mutation { resumeRelay(input: {relay: "main"}) { userErrors { message } } }', context_value=make_context()
    )
    assert resumed.errors is None
    # (A domain of the list may have been stopped by itself, and is resumed by itself.)
    for domain in await stopped_domains(connection):
        await resume_destination(connection, domain, actor="a person")
    for ref in left:
        await until(connection, ref, "ACCEPTED")
    assert await connection.fetchval("select count(*) from refusal_run where of_relay") == 0


async def test_refusals_of_one_domain_stop_that_domain_alone_until_a_person_resumes_it(
    connection: Any, deployment: Deployment, few: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    refuse(smtp_server, "dead.example")
    dead = await queue(connection, deployment, *[f"p{n}@dead.example" for n in range(40)])
    start(few)
    stopped = await eventually(lambda: stopped_domains(connection), "the stop")
    assert list(stopped) == ["dead.example"]
    assert (stopped["dead.example"] or "").endswith("550 5.1.1 user unknown")
    # Others go on, the rest of the domain's mail waits and says why
    [other] = await queue(connection, deployment, "b@fine.example")
    await until(connection, other, "ACCEPTED")
    assert await stopped_relay(connection) is None

    async def waiting() -> list[MessageRef]:
        found = await connection.fetch("select customer_id, message_id from outbox where due_at > now()")
        return [MessageRef(**row) for row in found]

    left = await eventually(waiting, "mail parked for the domain")
    waits = await connection.fetchrow("select * from message_wait where id = $1", left[0].message_id)
    assert (waits["next_attempt_at"], waits["waits_for"]) == (
        None,
        f"The destination is stopped: {stopped['dead.example']}",
    )
    [depth] = await domain_depths(connection)
    assert (depth.domain, depth.paused_until, depth.paused_why) == ("dead.example", None, stopped["dead.example"])
    events = await relay_events(connection, "main")
    assert [(event.kind, event.domain, event.code) for event in events] == [("STOPPED", "dead.example", 550)]
    smtp_server.forget_scripts()
    await resume_destination(connection, "dead.example", "tests")
    await empty(connection)
    assert set(await statuses(connection, dead)) == {"REFUSED", "ACCEPTED"}


async def test_an_acceptance_between_starts_the_counts_anew(
    connection: Any, deployment: Deployment, few: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    def play(point: Point) -> Reply | None:
        return Reply(550, "5.1.1 User unknown") if point.key.startswith("bad") else None

    smtp_server.script(rcpt=play)
    start(few)
    for turn in range(4):
        batch = [f"bad{turn}{n}@d{n % RELAY_DOMAINS}.example" for n in range(ENOUGH - 1)]
        await queue(connection, deployment, *batch)
        await empty(connection)
        await queue(connection, deployment, *[f"good{turn}@d{n}.example" for n in range(RELAY_DOMAINS)])
        await empty(connection)
    assert await stopped_relay(connection) is None
    assert await stopped_domains(connection) == {}
    assert await connection.fetchval("select count(*) from refusal_run") == 0


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        # Many mails to one dead address, and many bad addresses that are refused in words of their own.
        (["list@d0.example"] * 3 * ENOUGH, "5.1.0 {}: no"),
        ([f"p{n}@d{n % RELAY_DOMAINS}.example" for n in range(3 * ENOUGH)], "own words"),
    ],
)
async def test_one_dead_address_and_refusals_in_different_words_stop_nothing(
    connection: Any,
    deployment: Deployment,
    few: Settings,
    start: Start,
    smtp_server: SmtpServer,
    addresses: list[str],
    words: str,
) -> None:
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    smtp_server.script(
        rcpt=lambda point: Reply(
            550, f"5.7.1 reason {next(letters)}" if words == "own words" else words.format(point.key)
        )
    )
    refs = await queue(connection, deployment, *addresses)
    start(few)
    for ref in refs:
        await until(connection, ref, "REFUSED")
    assert await stopped_relay(connection) is None
    assert await stopped_domains(connection) == {}


async def test_workers_count_together_and_forget_nothing_when_one_ends(
    connection: Any, deployment: Deployment, few: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    refuse(smtp_server)
    # Given a worker that saw one refusal too few, and is gone
    first = start(few)
    refs = await queue(connection, deployment, *[f"p{n}@d{n % RELAY_DOMAINS}.example" for n in range(ENOUGH - 1)])
    for ref in refs:
        await until(connection, ref, "REFUSED")
    first.stop()
    assert await stopped_relay(connection) is None
    # When another sees the next, then it stops the relay; a third one that runs uses it no more either
    start(few)
    start(few)
    [last] = await queue(connection, deployment, "last@d0.example")
    await until(connection, last, "REFUSED")
    await eventually(lambda: stopped_relay(connection), "the stop")
    # Resumed, the count starts anew
    await resume_relay(connection, "main", "Dana")
    [more] = await queue(connection, deployment, "more@d1.example")
    await until(connection, more, "REFUSED")
    assert await stopped_relay(connection) is None


async def test_refusals_more_than_a_day_apart_are_no_row(
    connection: Any, deployment: Deployment, few: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    refuse(smtp_server)
    start(few, scan_seconds=0.05)
    await queue(connection, deployment, *[f"p{n}@d{n % RELAY_DOMAINS}.example" for n in range(ENOUGH - 1)])

    async def count() -> int:
        return await connection.fetchval("select coalesce(sum(cardinality(address_keys)), 0) from refusal_run") or 0

    async def counted() -> bool:
        return await count() == 2 * (ENOUGH - 1)

    async def forgotten() -> bool:
        return await count() == 0

    await eventually(counted, "all refusals counted, for the relay and for the domains")
    await connection.execute("update refusal_run set changed_at = changed_at - $1::interval", timedelta(hours=25))

    assert await eventually(forgotten, "the end of old runs")
