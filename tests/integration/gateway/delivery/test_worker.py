"""The whole engine on real servers: what the mail server says is what the ledger says."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from prometheus_client import REGISTRY, generate_latest

from gateway.delivery.worker import Worker
from gateway.deployment import Deployment
from gateway.mail.letter import Mailbox
from gateway.mail.source import SourceType
from gateway.notify.wakeup import Wakeup
from gateway.outbox import claim
from gateway.settings import Settings, parse_relay
from gateway.smtp.relays import Timeouts
from gateway.telemetry.log import JsonLines
from gateway.telemetry.traces import begin_span
from service.standalone.postgres import Postgres
from tests.builders import SECRET_KEYS, make_campaign, make_customer, make_message, make_outbox
from tests.engine import (
    PATIENCE_SECONDS,
    SHORT_WAIT,
    Start,
    attempts_of,
    claimed,
    deployment,
    empty,
    queue_mail,
    start,
    state_of,
    until,
)
from tests.eventually import eventually
from tests.gateways import gateway_environment
from tests.smtp_server import Drop, Reply, Silence, SmtpServer

__all__ = ["deployment", "start"]


async def test_mail_is_sent_and_the_servers_whole_answer_kept(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(after_dot=Reply(250, "2.0.0 Ok: queued as 4Zx\nsee you"))
    ref = await queue_mail(connection, deployment)
    start()

    message = await until(connection, ref, "ACCEPTED")

    [attempt] = await attempts_of(connection, ref)
    assert (attempt["verdict"], attempt["stage"], attempt["code"]) == ("ACCEPTED", "END_OF_DATA", 250)
    assert "queued as 4Zx" in attempt["response"]
    assert attempt["relay"] == deployment.settings.relay_url[0].name
    assert message["sent_at"] is not None
    assert message["mail_sha256"] == message["content_sha256"]
    [received] = smtp_server.taken
    assert f"<{ref.message_id.hex}.{ref.customer_id}@fabrikam.example>".encode() in received.content
    assert await connection.fetchval("select count(*) from outbox") == 0


async def test_a_refused_address_is_refused_for_good_and_suppressed(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(rcpt=Reply(550, "5.1.1 No such user here"))
    ref = await queue_mail(connection, deployment)
    start()

    message = await until(connection, ref, "REFUSED")

    assert message["cause"] == "BAD_ADDRESS"
    assert message["advice"]
    [attempt] = await attempts_of(connection, ref)
    assert (attempt["stage"], attempt["code"], attempt["enhanced"]) == ("RCPT", 550, "5.1.1")
    assert await connection.fetchval("select count(*) from suppression where message_id = $1", ref.message_id) == 1
    again = await queue_mail(connection, deployment, "ann@customer.example ".strip())
    assert (await until(connection, again, "HELD"))["cause"] == "SUPPRESSED"


async def test_greylisted_mail_is_deferred_and_goes_at_the_next_try(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(rcpt=[Reply(451, "4.7.1 Greylisted, try again later"), Reply(250, "2.1.5 Ok")])
    ref = await queue_mail(connection, deployment)
    start(wait=lambda attempt, verdict: SHORT_WAIT)

    await until(connection, ref, "ACCEPTED")

    first, second = await attempts_of(connection, ref)
    assert (first["verdict"], first["cause"], first["code"]) == ("DEFERRED", "GREYLISTED", 451)
    assert (second["number"], second["verdict"]) == (2, "ACCEPTED")


async def test_a_deferral_past_the_deadline_expires_and_keeps_the_last_words(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(rcpt=Reply(451, "4.3.0 Come back next week"))
    ref = await queue_mail(connection, deployment)
    start(wait=lambda attempt, verdict: timedelta(days=7))

    message = await until(connection, ref, "EXPIRED")

    assert message["cause"] == "DEADLINE"
    [attempt] = await attempts_of(connection, ref)
    assert attempt["response"].endswith("Come back next week")
    assert await connection.fetchval("select kind from event where message_id = $1", ref.message_id) == "EXPIRED"


async def test_silence_after_the_dot_is_uncertain_and_never_retried(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(after_dot=Silence())
    ref = await queue_mail(connection, deployment)
    start(timeouts=Timeouts(end_of_data=1.0))

    message = await until(connection, ref, "UNCERTAIN")

    assert message["cause"] == "TIMEOUT"
    [attempt] = await attempts_of(connection, ref)
    assert (attempt["verdict"], attempt["stage"], attempt["code"]) == ("UNCERTAIN", "END_OF_DATA", None)
    assert await connection.fetchval("select count(*) from outbox") == 0


@pytest.mark.parametrize(
    ("plays", "state", "verdicts"),
    [
        ([Drop()], "ACCEPTED", ["UNCERTAIN", "ACCEPTED"]),
        ([Drop(), Drop()], "UNCERTAIN", ["UNCERTAIN", "UNCERTAIN"]),
        ([Reply(451, "4.3.0 Later"), Drop()], "ACCEPTED", ["DEFERRED", "UNCERTAIN", "ACCEPTED"]),
    ],
    ids=["the second is taken", "both are uncertain", "a deferral is not that try"],
)
async def test_a_deployment_may_choose_that_uncertain_mail_is_tried_once_more(
    connection: Any,
    settings: Settings,
    start: Start,
    smtp_server: SmtpServer,
    deployment: Deployment,
    plays: list[Drop | Reply],
    state: str,
    verdicts: list[str],
) -> None:
    smtp_server.script(after_dot=plays)
    chosen = Deployment.open(settings.model_copy(update={"retry_once": (SourceType.CARD_PROCESSING,)}))
    ref = await queue_mail(connection, chosen)
    start(wait=lambda attempt, verdict: SHORT_WAIT)

    await until(connection, ref, state)

    assert [attempt["verdict"] for attempt in await attempts_of(connection, ref)] == verdicts
    # The first try stays uncertain, and the history says that another was made without a person's word.
    events = await connection.fetch(
        "select kind::text, actor, (data ->> 'attempt')::integer as attempt from event where message_id = $1"
        " order by id limit 2",
        ref.message_id,
    )
    first = verdicts.index("UNCERTAIN") + 1
    assert [tuple(event) for event in events] == [
        ("UNCERTAIN", "gateway", first),
        ("RETRIED_ONCE", "gateway", first),
    ]


async def test_uncertain_mail_of_other_source_types_or_past_its_deadline_is_not_tried_again(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(after_dot=Drop())
    campaigns = Deployment.open(settings.model_copy(update={"retry_once": (SourceType.CAMPAIGN,)}))
    cards = Deployment.open(settings.model_copy(update={"retry_once": (SourceType.CARD_PROCESSING,)}))
    other = await queue_mail(connection, campaigns)
    late = await queue_mail(connection, cards)
    start(wait=lambda attempt, verdict: timedelta(days=2))

    for ref in (other, late):
        await until(connection, ref, "UNCERTAIN")

    assert await connection.fetchval("select count(*) from event where kind = 'RETRIED_ONCE'") == 0
    assert len(smtp_server.taken) == 2


async def test_only_the_deferred_one_of_three_recipients_is_tried_again(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(
        rcpt={
            "refused@customer.example": Reply(550, "5.1.1 Unknown"),
            "later@customer.example": [Reply(450, "4.2.1 Busy"), Reply(250, "Ok")],
        }
    )
    ref = await queue_mail(
        connection,
        deployment,
        cc=(Mailbox(address="refused@customer.example"), Mailbox(address="later@customer.example")),
    )
    start(wait=lambda attempt, verdict: SHORT_WAIT)

    await until(connection, ref, "ACCEPTED")
    await empty(connection)

    copies = await connection.fetch("select status::text from copy order by recipient_no")
    assert [copy["status"] for copy in copies] == ["REFUSED", "ACCEPTED"]
    tries = await connection.fetch("select recipient_no, count(*) from attempt group by 1 order by 1")
    assert [tuple(row) for row in tries] == [(0, 1), (1, 1), (2, 2)]
    assert sorted(mail.recipients[0] for mail in smtp_server.taken) == [
        "ann@customer.example",
        "later@customer.example",
    ]


async def test_a_ring_wakes_the_worker_long_before_its_sweep(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    worker = start(settings.model_copy(update={"sweep_seconds": 60.0}))
    await until_idle(worker)
    ref = await queue_mail(connection, deployment)
    wakeup = Wakeup(settings.redis_url)

    await wakeup.notify()

    assert (await until(connection, ref, "ACCEPTED"))["sent_at"]
    await wakeup.close()


async def until_idle(worker: Worker) -> None:
    """The worker has looked for mail and found none: from now on only a ring or its sweep wakes it."""

    async def waits() -> bool:
        return worker.idle

    await eventually(waits, "an idle worker")


async def test_without_valkey_the_sweep_finds_the_mail_and_a_ring_does_no_harm(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    nowhere = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    start(nowhere)
    wakeup = Wakeup(nowhere.redis_url)
    ref = await queue_mail(connection, deployment)

    await wakeup.notify()

    assert (await until(connection, ref, "ACCEPTED"))["sent_at"]
    await wakeup.close()


async def test_mail_that_cannot_be_composed_is_held_and_says_so(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    ref = await queue_mail(connection, deployment)
    await connection.execute("update message set content_sha256 = null")
    start()

    message = await until(connection, ref, "HELD")

    assert message["cause"] == "OUR_CONFIGURATION"
    assert smtp_server.messages == []


async def test_mail_bound_to_another_relay_is_held_by_a_worker_that_lacks_it(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    ref = await queue_mail(connection, deployment, bound_relay="main")
    await connection.execute("update outbox set bound_relay = 'demo'")
    start()

    assert (await until(connection, ref, "HELD"))["cause"] == "WRONG_RELAY"


async def test_mail_that_waited_past_its_deadline_expires_even_in_a_paused_lane(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    ref = await queue_mail(connection, deployment)
    await connection.execute("update lane set paused_at = now(), paused_why = 'x'")
    await connection.execute("update outbox set expires_at = now() - interval '1 second'")
    start(scan_seconds=0.05)

    assert (await until(connection, ref, "EXPIRED"))["cause"] == "DEADLINE"


async def test_a_stopped_worker_finishes_what_it_handed_off_and_gives_back_the_rest(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    answer = asyncio.Event()
    smtp_server.script(after_dot=Reply(250, "2.0.0 taken", when=answer))
    relays = (parse_relay(f"{smtp_server.url}&connections=1"),)
    refs = [await queue_mail(connection, deployment) for _ in range(6)]
    worker = start(settings.model_copy(update={"relay_url": relays, "drain_seconds": 10.0}))
    await smtp_server.command_received("DATA")

    worker.stop()
    answer.set()

    async def given_back() -> bool:
        return not await connection.fetchval("select count(*) from outbox where lease_owner is not null")

    await eventually(given_back, "the leases' end")
    states = [(await state_of(connection, ref))["state"] for ref in refs]
    assert sorted(set(states)) == ["ACCEPTED", "QUEUED"]
    assert states.count("ACCEPTED") == len(smtp_server.taken) <= 3


async def test_a_worker_has_no_more_at_hand_than_two_mails_a_connection_however_much_is_due(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    answer = asyncio.Event()
    smtp_server.script(after_dot=Reply(250, "2.0.0 taken", when=answer))
    relays = (parse_relay(f"{smtp_server.url}&connections=1"),)
    for _ in range(12):
        await queue_mail(connection, deployment)
    worker = start(settings.model_copy(update={"relay_url": relays}))
    await smtp_server.command_received("DATA")
    await until_idle(worker)

    leased = await connection.fetchval("select count(*) from outbox where lease_owner is not null")
    answer.set()

    assert leased == 2
    await empty(connection)


async def test_mail_of_a_claim_whose_answer_was_never_heard_is_given_back_and_sent_once(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a claim that is committed, while its answer is lost with the connection
    usual = claim.claim
    unheard: list[claim.Claim] = []

    async def claim_unheard(*given: Any, **values: Any) -> claim.Claim:
        found = await usual(*given, **values)
        if unheard or not found.leased:
            return found
        unheard.append(found)
        raise asyncpg.ConnectionDoesNotExistError("closed in the middle of operation")

    monkeypatch.setattr("gateway.outbox.claim.claim", claim_unheard)
    ref = await queue_mail(connection, deployment)

    # When the worker goes on
    start()

    # Then nothing is uncertain: the mail is sent, once, long before the lease would have ended
    await until(connection, ref, "ACCEPTED")
    assert [row.handed_off for row in unheard[0].leased] == [True]
    assert len(smtp_server.taken) == 1
    assert await connection.fetchval("select count(*) from event") == 0


@pytest.mark.parametrize("keywords", [["8BITMIME", "SMTPUTF8"], ["8BITMIME"], []])
async def test_a_copy_whose_header_shows_an_address_beyond_ascii_goes_only_where_that_is_understood(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, keywords: list[str]
) -> None:
    smtp_server.keywords, able = keywords, "SMTPUTF8" in keywords
    office = Mailbox(address="office@fabrikam.example")
    ref = await queue_mail(connection, deployment, address="jörg@customer.example", bcc=(office,))
    start()

    await until(connection, ref, "ACCEPTED" if able else "REFUSED")
    await empty(connection)

    copy = await connection.fetchrow("select status::text, cause::text from copy where message_id = $1", ref.message_id)
    assert tuple(copy) == (("ACCEPTED", None) if able else ("REFUSED", "UNSUPPORTED"))
    assert [taken.options for taken in smtp_server.taken] == ["BODY=8BITMIME SMTPUTF8"] * (2 if able else 0)
    assert await connection.fetchval("select count(*) from relay_event") == 0


async def test_what_a_worker_claims_while_it_is_stopped_is_given_back_at_once(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that has just leased a mail, and is not done with its claim
    usual, leased, stopped = claim.claim, asyncio.Event(), asyncio.Event()

    async def slow_claim(*given: Any, **values: Any) -> claim.Claim:
        found = await usual(*given, **values)
        leased.set()
        await stopped.wait()
        return found

    monkeypatch.setattr("gateway.outbox.claim.claim", slow_claim)
    ref = await queue_mail(connection, deployment)
    worker = start()
    await leased.wait()

    # When it is stopped
    worker.stop()
    asyncio.get_running_loop().call_later(0.05, stopped.set)

    # Then the mail is free long before the lease would have ended
    async def given_back() -> bool:
        return not await connection.fetchval("select count(*) from outbox where lease_owner is not null")

    await eventually(given_back, "the lease's end")
    assert (await state_of(connection, ref))["state"] == "QUEUED"
    assert smtp_server.messages == []


async def test_postgresql_going_away_and_coming_back_loses_nothing(
    connection: Any,
    database_url: str,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
) -> None:
    start()
    first = await queue_mail(connection, deployment)
    await until(connection, first, "ACCEPTED")

    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )

    second = await queue_mail(connection, deployment)
    await until(connection, second, "ACCEPTED")
    assert len(smtp_server.taken) == 2


async def test_the_depth_of_all_campaigns_shows_as_one_lanes(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    for waiting in (3, 0):
        campaign_id = await make_campaign(connection)
        lane_id = await connection.fetchval(
            "update lane set paused_at = now(), paused_why = 'x' where campaign_id = $1 returning id", campaign_id
        )
        for _ in range(waiting):
            customer_id = await make_customer(connection)
            message_id = await make_message(connection, customer_id, campaign_id=campaign_id)
            await make_outbox(connection, customer_id, message_id, lane_id=lane_id)
    start(scan_seconds=0.05)

    async def shown() -> bool:
        return REGISTRY.get_sample_value("mail_queue_depth", {"lane": "campaigns"}) == 3

    await eventually(shown, "the campaigns' depth")
    await connection.execute("delete from outbox")
    await connection.execute("delete from lane where campaign_id is not null")

    async def gone() -> bool:
        return REGISTRY.get_sample_value("mail_queue_depth", {"lane": "campaigns"}) == 0

    await eventually(gone, "an empty depth")
    assert smtp_server.messages == []


async def test_what_is_sent_shows_in_the_metrics_and_the_log_without_personal_data(
    connection: Any,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "gateway.attempt")

    def sent() -> float:
        labels = {"source_type": "CARD_PROCESSING", "verdict": "ACCEPTED", "cause": ""}
        return REGISTRY.get_sample_value("mail_attempts_total", labels) or 0.0

    before = sent()
    start()
    ref = await queue_mail(connection, deployment, "somebody.particular@customer.example")
    await until(connection, ref, "ACCEPTED")

    async def counted() -> bool:
        return sent() == before + 1

    await eventually(counted, "the count")
    shown = generate_latest()
    assert b"somebody" not in shown
    assert b"customer.example" not in shown
    # One line an attempt, with what the ledger says of it
    lines = await eventually(
        lambda: [JsonLines().format(record) for record in caplog.records if record.name == "gateway.attempt"], "a line"
    )
    [line] = map(orjson.loads, lines)
    assert (line["message_id"], line["code"], line["verdict"]) == (str(ref.message_id), 250, "ACCEPTED")
    assert (line["lane"], line["provider"], line["recipient"], line["attempt"]) == ("individual", "other", 0, 1)
    assert not any(word in str(line) for word in ("somebody", "customer.example"))


def shown_now(name: str, **labels: str) -> float:
    """A metric as a scrape would find it."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_depth_age_latencies_connections_and_group_sizes_show_in_the_metrics(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    stages = {stage: shown_now("mail_stage_seconds_count", stage=stage) for stage in ("claim", "compose", "send")}
    groups = {name: shown_now("mail_batch_rows_count", statement=name) for name in ("claim", "record")}
    refs = [await queue_mail(connection, deployment) for _ in range(3)]
    await connection.execute(
        "update outbox set due_at = now() - interval '1 hour';"
        " update lane set paused_at = now(), paused_why = 'x' where name = 'individual'"
    )
    start(scan_seconds=0.05)

    async def waiting() -> bool:
        deep = shown_now("mail_queue_depth", lane="individual") == 3
        return deep and shown_now("mail_queue_age_seconds", lane="individual") >= 3600

    await eventually(waiting, "the depth and the age of the lane")
    await connection.execute("update lane set paused_at = null, paused_why = null")
    for ref in refs:
        await until(connection, ref, "ACCEPTED")

    async def seen() -> bool:
        measured = all(shown_now("mail_stage_seconds_count", stage=stage) > stages[stage] for stage in stages)
        grouped = all(shown_now("mail_batch_rows_count", statement=name) > groups[name] for name in groups)
        connected = shown_now("mail_connections", relay="main", state="connected") >= 1
        return measured and grouped and connected and shown_now("mail_queue_depth", lane="individual") == 0

    assert await eventually(seen, "latencies, group sizes, connections, an empty lane")


async def test_the_gateways_command_starts_several_workers_and_drains_them(
    connection: Any, settings: Settings, deployment: Deployment, smtp_server: SmtpServer
) -> None:
    environment = gateway_environment(settings, smtp_server.url)
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--workers", "2", env=environment, stderr=asyncio.subprocess.PIPE
    )
    assert gateway.stderr is not None
    lines: list[dict[str, Any]] = []
    try:
        while sum(line.get("message") == "the gateway is running" for line in lines) < 2:
            lines.append(json.loads(await asyncio.wait_for(gateway.stderr.readline(), PATIENCE_SECONDS)))
        ref = await queue_mail(connection, deployment)
        await until(connection, ref, "ACCEPTED")
    finally:
        gateway.terminate()  # also where the test fails: it would outlive it

    _, rest = await asyncio.wait_for(gateway.communicate(), PATIENCE_SECONDS)
    assert gateway.returncode == 0
    assert rest.count(b"the gateway has drained") == 2


async def what_the_gateway_says(*, without: str = "", **variables: str) -> str:
    """Standard error of `python -m gateway`, which does not start."""
    right = {
        "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/mail",
        "PUBLIC_URL": "https://mail.example.com",
        "DEFAULT_FROM": "hello@fabrikam.com",
        "RELAY_URL": "smtp://127.0.0.1:1",
        "SECRET_KEYS": SECRET_KEYS,
    }
    environment = {name: value for name, value in (os.environ | right | variables).items() if name != without}
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(gateway.communicate(), PATIENCE_SECONDS)
    assert gateway.returncode == 1
    assert b"Traceback" not in said
    return said.decode()


async def test_the_gateway_names_a_missing_setting() -> None:
    said = await what_the_gateway_says(without="DATABASE_URL")
    assert said.startswith("DATABASE_URL is missing. For example: DATABASE_URL=postgresql://")


async def test_the_gateway_names_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    said = await what_the_gateway_says(JOURNAL_DIR=str(tmp_path / "taken" / "journal"))
    assert said.startswith(f"JOURNAL_DIR: {tmp_path}/taken/journal cannot be written (Not a directory): choose another")
    assert "For example: JOURNAL_DIR=/var/lib/" in said
    # and makes one that is only missing, leaving nothing in it
    await what_the_gateway_says(JOURNAL_DIR=str(tmp_path / "var" / "journal"))
    assert list((tmp_path / "var" / "journal").iterdir()) == []


async def test_the_gateway_says_what_to_do_about_a_database_that_is_away_or_empty(postgres: Postgres) -> None:
    away = await what_the_gateway_says()
    assert away.startswith("The gateway cannot start: ")
    assert "Check DATABASE_URL and that PostgreSQL runs." in away
    empty = await what_the_gateway_says(DATABASE_URL=postgres.url("postgres"))
    assert empty == "The database has no tables of ours yet: run make migrate.\n"


async def test_the_gateway_names_a_port_for_metrics_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = await what_the_gateway_says(METRICS_PORT=str(port))
        cannot = "cannot be opened (Address already in use): choose another.\n"
        assert said == f"METRICS_PORT: port {port} of METRICS_HOST=127.0.0.1 {cannot}"
        # Only there: another address of this machine is free, and a gateway comes as far as its database
        elsewhere = await what_the_gateway_says(METRICS_PORT=str(port), METRICS_HOST="127.0.0.2")
    assert elsewhere.startswith("The gateway cannot start: ")


def test_spans_are_made_where_opentelemetry_is_installed_and_nothing_elsewhere() -> None:
    class Tracer:
        def __init__(self) -> None:
            self.spans: list[tuple[str, dict[str, Any]]] = []

        def start_span(self, name: str, attributes: dict[str, Any]) -> Tracer:
            self.spans.append((name, attributes))
            return self

        def end(self) -> None:
            self.spans.append(("ended", {}))

    row = claimed()
    tracer = Tracer()
    for end in (begin_span(tracer, "mail.send", row), begin_span(None, "mail.send", row)):
        end()
    [(name, attributes), ended] = tracer.spans
    assert (name, ended) == ("mail.send", ("ended", {}))
    assert attributes == {"mail.message_id": str(row.message_id), "mail.attempt": 1}
