"""Hits in the ledger: judged after a moment, revised by what comes later, kept while PostgreSQL is away."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

import service.settings
from gateway.database import open_pool
from gateway.deployment import Deployment
from gateway.errors import BufferUnavailable, Refusal, RefusalCode
from gateway.mail.hit import HitKind
from gateway.mail.message import MessageRef
from gateway.mail.tracking import click_url, open_url, unsubscribe_url
from gateway.settings import OriginPrivacy, Settings
from gateway.tracking.classify import read_hit_rules
from gateway.tracking.recorder import (
    Fate,
    HitBuffer,
    HitRecorder,
    RawHit,
    classify_due,
    insert,
    new_hit_id,
    origin_of,
    reclassify,
)
from service.app import create_app
from service.standalone.migrate import migrate
from service.standalone.postgres import Postgres
from tests.builders import KEYRING, make_campaign, make_customer, make_message, make_outbox
from tests.builders import insert as insert_row
from tests.conftest import stop
from tests.engine import Start, deployment, queue_mail, start, state_of
from tests.eventually import eventually
from tests.smtp_server import Silence, SmtpServer

__all__ = ["deployment", "start"]

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
RULES = read_hit_rules()
START = datetime(2026, 11, 23, 13, tzinfo=UTC)
"""An hour after the builders' messages were accepted."""


async def make_ref(connection: Any, **values: Any) -> MessageRef:
    customer = await make_customer(connection)
    # As old as what the builders say: a message's id is its age
    made = await connection.fetchval("select uuidv7($1 - now())", START - timedelta(hours=1))
    usual = {"status": "ACCEPTED", "id": made}
    return MessageRef(customer_id=customer, message_id=await make_message(connection, customer, **(usual | values)))


async def hit(connection: Any, ref: MessageRef, seconds: float, *, link: int | None = None, **values: Any) -> None:
    """A hit, `seconds` after START: a click when it has a link."""
    row = {"agent": CHROME, "origin": "ann"} | values
    await connection.execute(
        "insert into hit (customer_id, message_id, kind, occurred_at, link, url, agent, origin, head, id)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, uuidv7($4 - now()))",
        ref.customer_id,
        ref.message_id,
        "OPEN" if link is None else "CLICK",
        START + timedelta(seconds=seconds),
        link,
        None if link is None else f"https://shop.example/{link}",
        row["agent"],
        row["origin"],
        row.get("head", False),
    )


async def judge(connection: Any, seconds: float = 3600) -> int:
    """Judge as if it were that long after START, until nothing is due."""
    total = 0
    while judged := await classify_due(connection, START + timedelta(seconds=seconds)):
        total += judged
    return total


async def verdicts(connection: Any, ref: MessageRef) -> list[tuple[str, list[str]]]:
    rows = await connection.fetch(
        "select verdict, reasons::text[] from hit where message_id = $1 order by occurred_at", ref.message_id
    )
    return [(row["verdict"], row["reasons"]) for row in rows]


async def opened_at(connection: Any, ref: MessageRef) -> float | None:
    """Seconds after START."""
    moment = await connection.fetchval("select opened_at from message where id = $1", ref.message_id)
    return None if moment is None else (moment - START).total_seconds()


async def test_a_hit_is_judged_only_when_it_has_settled(connection: Any) -> None:
    ref = await make_ref(connection)
    await hit(connection, ref, 0)
    assert await judge(connection, RULES.settle.total_seconds() - 1) == 0
    assert await opened_at(connection, ref) is None
    assert await judge(connection, RULES.settle.total_seconds()) == 1
    assert await verdicts(connection, ref) == [("HUMAN", ["BROWSER_AGENT"])]
    assert await opened_at(connection, ref) == 0
    assert await connection.fetchval("select rules_version from hit") == RULES.version
    # and it is not due again
    assert await judge(connection) == 0


async def test_the_first_open_not_a_machines_counts_and_a_persons_click_implies_one(connection: Any) -> None:
    # Given a privacy proxy's open, then a person's click without images, then an image proxy's open
    ref = await make_ref(connection)
    await hit(connection, ref, 0, agent="Mozilla/5.0")
    await hit(connection, ref, 60, link=1)
    await hit(connection, ref, 90, agent="GoogleImageProxy")
    await judge(connection)
    assert [verdict for verdict, _ in await verdicts(connection, ref)] == ["MACHINE", "HUMAN", "UNKNOWN"]
    assert await opened_at(connection, ref) == 60
    # but a click that may be a machine's implies nothing
    other = await make_ref(connection)
    await hit(connection, other, 0, link=1, agent="Fabrikam Reader 1")
    await judge(connection)
    assert await verdicts(connection, other) == [("UNKNOWN", ["UNRECOGNISED_AGENT"])]
    assert await opened_at(connection, other) is None


async def test_a_later_burst_revises_what_was_judged_before_and_the_opening_with_it(connection: Any) -> None:
    # Given a lone click and an open that were taken for a person's
    ref = await make_ref(connection)
    await hit(connection, ref, 0)
    await hit(connection, ref, 1, link=1)
    assert await judge(connection, 10) == 2
    assert await opened_at(connection, ref) == 0
    # When their origin fetches every link within a second, and Ann reads the mail later
    for link in (2, 3, 4):
        await hit(connection, ref, 60 + link / 10, link=link)
    await hit(connection, ref, 1800, origin="ann's phone")
    await judge(connection)
    # Then they were the scanner's, and the opening is Ann's
    assert [verdict for verdict, _ in await verdicts(connection, ref)] == ["MACHINE"] * 5 + ["HUMAN"]
    assert (await verdicts(connection, ref))[0] == ("MACHINE", ["LINK_BURST"])
    assert await opened_at(connection, ref) == 1800


async def test_one_origin_over_many_messages_revises_the_first_of_them(connection: Any) -> None:
    refs = [await make_ref(connection) for _ in range(RULES.origin_messages)]
    await hit(connection, refs[0], 0)
    assert await judge(connection, 5) == 1
    assert await verdicts(connection, refs[0]) == [("HUMAN", ["BROWSER_AGENT"])]
    for number, ref in enumerate(refs[1:], 1):
        await hit(connection, ref, 1 + number / 10)
    await judge(connection)
    for ref in refs:
        assert await verdicts(connection, ref) == [("MACHINE", ["MANY_MESSAGES"])]
        assert await opened_at(connection, ref) is None


async def test_a_hit_before_the_servers_final_answer_is_a_machines(connection: Any) -> None:
    accepted = await make_ref(connection, sent_at=START + timedelta(seconds=10))
    await hit(connection, accepted, 5)
    await hit(connection, accepted, 11)
    waiting = await make_ref(connection, status="QUEUED")
    await make_outbox(connection, waiting.customer_id, waiting.message_id)
    await hit(connection, waiting, 5)
    await judge(connection)
    assert [reasons for _, reasons in await verdicts(connection, accepted)] == [["BEFORE_ANSWER"], ["BROWSER_AGENT"]]
    assert await verdicts(connection, waiting) == [("MACHINE", ["BEFORE_ANSWER"])]


async def test_a_persons_click_settles_what_nobody_knew(connection: Any) -> None:
    # Given two uncertain campaign mails
    campaign = await make_campaign(connection)
    ref, scanned = [
        await make_ref(connection, status="UNCERTAIN", campaign_id=campaign, cause="CONNECTION_LOST") for _ in range(2)
    ]
    # When a person follows a link of one, and a scanner one of the other
    await hit(connection, ref, 0, link=1)
    await hit(connection, scanned, 0, link=1, agent="curl/8", origin="scanner")
    await judge(connection)
    # Then the first was accepted, with the click as evidence; the other waits on
    row = await connection.fetchrow("select status, sent_at, cause from message where id = $1", ref.message_id)
    assert (row["status"], row["cause"]) == ("ACCEPTED", None)
    assert row["sent_at"] is not None
    event = await connection.fetchrow("select kind, actor, data from event where message_id = $1", ref.message_id)
    assert (event["kind"], event["actor"], event["data"]["evidence"]) == ("SETTLED", "gateway", "CLICK")
    assert await connection.fetchval("select status from message where id = $1", scanned.message_id) == "UNCERTAIN"
    assert await connection.fetchrow("select accepted, uncertain from campaign_tally") == (1, -1)


@pytest.mark.parametrize("role", ["CC", "BCC"])
async def test_a_click_settles_no_mail_that_has_copies(connection: Any, role: str) -> None:
    # Given an uncertain mail of which a colleague has a copy, accepted
    ref = await make_ref(connection, status="UNCERTAIN", cause="CONNECTION_LOST")
    of = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    copy = {"recipient_no": 1, "role": role, "address": "colleague@customer.example"}
    await insert_row(connection, "copy", **of, **copy, status="ACCEPTED", decided_at=START, sent_at=START)
    # When a person follows its link
    await hit(connection, ref, 0, link=1)
    await judge(connection)
    # Then somebody read it, but nobody knows whether the customer's arrived
    assert await opened_at(connection, ref) == 0
    assert await connection.fetchval("select status from message where id = $1", ref.message_id) == "UNCERTAIN"
    assert await connection.fetchval("select count(*) from event where message_id = $1", ref.message_id) == 0


@pytest.mark.parametrize("status", ["QUEUED", "ACCEPTED"])
async def test_who_clicks_what_was_uncertain_and_is_sent_again_is_no_machine(connection: Any, status: str) -> None:
    # Given a mail that was uncertain, and is queued again, or was taken the second time
    ref = await make_ref(connection, status=status)
    if status == "QUEUED":
        await make_outbox(connection, ref.customer_id, ref.message_id)
    else:
        await connection.execute("update message set sent_at = $1", START + timedelta(minutes=5))
    of = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    await insert_row(connection, "event", **of, kind="UNCERTAIN", actor="gateway")
    # When a person clicks in between
    await hit(connection, ref, 0, link=1)
    await judge(connection)
    # Then it was the first mail, which had arrived
    assert await verdicts(connection, ref) == [("HUMAN", ["BROWSER_AGENT"])]
    assert await opened_at(connection, ref) == 0


async def decide(connection: Any, ref: MessageRef, status: str, seconds: float) -> None:
    """The mail's final answer, or that nobody will ever know it, `seconds` after START."""
    moment = START + timedelta(seconds=seconds)
    await connection.execute("delete from outbox where message_id = $1", ref.message_id)
    await connection.execute(
        "update message set status = $2, decided_at = $3, sent_at = $4 where id = $1",
        ref.message_id,
        status,
        moment,
        moment if status == "ACCEPTED" else None,
    )
    if status == "UNCERTAIN":
        of = {"customer_id": ref.customer_id, "message_id": ref.message_id}
        await insert_row(connection, "event", **of, kind="UNCERTAIN", actor="gateway")


@pytest.mark.parametrize(
    ("status", "answered", "verdict", "shown"),
    [
        # The worker died with the answer: nobody knows when it was, and the click says that the mail arrived
        ("UNCERTAIN", 60, ("HUMAN", ["BROWSER_AGENT"]), "ACCEPTED"),
        # The server's answer is known, from before the hit (it was written late) or from after it
        ("ACCEPTED", -1, ("HUMAN", ["BROWSER_AGENT"]), "ACCEPTED"),
        ("ACCEPTED", 60, ("MACHINE", ["BEFORE_ANSWER"]), "ACCEPTED"),
    ],
)
async def test_a_hit_on_a_mail_in_flight_is_judged_again_by_itself_once_its_answer_is_known(
    connection: Any, status: str, answered: float, verdict: tuple[str, list[str]], shown: str
) -> None:
    # Given a click on a mail that is with a worker, and one on a mail that waits on
    ref, waiting = await make_ref(connection, status="QUEUED"), await make_ref(connection, status="QUEUED")
    for one in (ref, waiting):
        await make_outbox(connection, one.customer_id, one.message_id)
        await hit(connection, one, 0, link=1, origin=str(one.message_id))
    assert await judge(connection, 10) == 2
    assert await verdicts(connection, ref) == [("MACHINE", ["BEFORE_ANSWER"])]
    # When the mail is decided
    await decide(connection, ref, status, answered)
    # Then the click is looked at again soon after, without anybody's asking
    assert await judge(connection, 11) == 0
    assert await judge(connection, 120) == 2
    assert await verdicts(connection, ref) == [verdict]
    assert await opened_at(connection, ref) == (0 if verdict[0] == "HUMAN" else None)
    assert await connection.fetchval("select status from message where id = $1", ref.message_id) == shown
    # And never after that; the other goes on being looked at, ever more seldom
    assert await connection.fetchval("select look_again_at from hit where message_id = $1", ref.message_id) is None
    assert await verdicts(connection, waiting) == [("MACHINE", ["BEFORE_ANSWER"])]
    assert [await judge(connection, seconds) for seconds in (239, 240, 479, 480, 779, 780)] == [0, 1, 0, 1, 0, 1]


async def test_a_click_while_the_server_falls_silent_settles_the_mail_without_anybodys_asking(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that judges at once, and a server that has a mail and says nothing any more
    monkeypatch.setattr("gateway.__main__.CLASSIFY_SECONDS", 0.05)
    monkeypatch.setattr("gateway.tracking.classify.LOOK_AGAIN_SOONEST", timedelta(seconds=0.1))
    monkeypatch.setattr("gateway.tracking.classify.read_hit_rules", lambda: replace(RULES, settle=timedelta(0)))
    smtp_server.script(after_dot=Silence())
    ref = await queue_mail(connection, deployment)
    start()
    await smtp_server.received(1)
    # When its reader follows a link, while nobody has given the mail up yet
    await insert(connection, [raw(ref)], at=time.time())

    # Then the click is a person's, and says that the mail arrived
    async def settled() -> Any:
        return await connection.fetchval("select data from event where kind = 'SETTLED'")

    assert (await eventually(settled, "the evidence"))["evidence"] == "CLICK"
    assert await verdicts(connection, ref) == [("HUMAN", ["BROWSER_AGENT"])]
    assert (await state_of(connection, ref))["state"] == "ACCEPTED"


async def test_a_flood_that_piled_up_is_judged_to_its_end(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given more hits on one token than are judged together, while no judge worked
    monkeypatch.setattr("gateway.tracking.classify.MAX_OF_MESSAGE", 7)
    monkeypatch.setattr("gateway.tracking.classify.MAX_DUE", 5)
    ref = await make_ref(connection)
    for number in range(30):
        await hit(connection, ref, number * 10)
    # When they are judged, the oldest first
    judged = [await classify_due(connection, START + timedelta(hours=1)) for _ in range(7)]
    # Then every one of them is, and there is an end
    assert judged[-1] == 0
    assert await verdicts(connection, ref) == [("HUMAN", ["BROWSER_AGENT"])] * 30


async def test_a_hit_of_a_process_whose_clock_is_wrong_is_judged(connection: Any) -> None:
    ref = await make_ref(connection)
    await hit(connection, ref, 0)
    await connection.execute("update hit set id = uuidv7($1 - now())", START - timedelta(hours=5))
    assert await judge(connection, 10) == 1
    assert await verdicts(connection, ref) == [("HUMAN", ["BROWSER_AGENT"])]


async def test_only_one_judge_works_at_a_time(pool: Any) -> None:
    ref = await make_ref(pool)
    for number in range(20):
        await hit(pool, ref, number * 20)

    async def work() -> int:
        async with pool.acquire() as connection:
            return await classify_due(connection, START + timedelta(hours=1))

    assert sorted(await asyncio.gather(*(work() for _ in range(4))))[-1] == 20
    assert await pool.fetchval("select count(*) from hit where rules_version = 0") == 0


async def test_history_is_judged_again_by_the_current_rules(connection: Any) -> None:
    # Given history judged by rules that knew Fabrikam's reader for a person's
    ref, other = await make_ref(connection), await make_ref(connection)
    for number in range(3):
        await hit(connection, ref, number * 100, agent=CHROME if number else "Fabrikam Scanner")
    await hit(connection, other, 0, agent="Fabrikam Scanner")
    await connection.execute("update hit set verdict = 'HUMAN', reasons = '{BROWSER_AGENT}', rules_version = 1")
    await connection.execute("update message set opened_at = $1", START)
    unjudged = await make_ref(connection)
    await hit(connection, unjudged, 0)
    # When one customer's history is judged again
    current = replace(RULES, version=2)
    done = await reclassify(connection, customer_id=ref.customer_id, rules=current)
    # Then its verdicts and its opening follow the rules, and nothing else is touched
    assert (done.judged, done.changed) == (3, 1)
    assert [verdict for verdict, _ in await verdicts(connection, ref)] == ["MACHINE", "HUMAN", "HUMAN"]
    assert await opened_at(connection, ref) == 100
    assert (await verdicts(connection, other))[0][0] == "HUMAN"
    # and of everybody, from a moment on
    late = await reclassify(connection, since=START + timedelta(seconds=150), rules=current)
    assert (late.judged, late.changed) == (1, 0)
    everybody = await reclassify(connection, rules=current)
    assert (everybody.judged, everybody.changed) == (4, 1)
    assert await opened_at(connection, other) is None
    assert await connection.fetchval("select count(*) from hit where rules_version = 0") == 1


async def test_a_busy_scanners_years_are_judged_again_as_they_were(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a scanner that came over all mailboxes every hour, and so often that one read cannot hold it
    refs = [await make_ref(connection) for _ in range(RULES.origin_messages)]
    for hour in range(6):
        for number, ref in enumerate(refs):
            await hit(connection, ref, hour * 3600 + number / 10, link=1)
    await judge(connection, 7 * 3600)
    monkeypatch.setattr("gateway.tracking.classify.MAX_OF_ORIGINS", 12)
    # When its history is judged again
    done = await reclassify(connection)
    # Then every crowd is still seen
    assert (done.judged, done.changed) == (6 * RULES.origin_messages, 0)
    for ref in refs:
        assert await verdicts(connection, ref) == [("MACHINE", ["MANY_MESSAGES"])] * 6


async def test_too_much_history_at_once_is_refused(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.tracking.classify.MAX_RECLASSIFIED", 2)
    ref = await make_ref(connection)
    for number in range(3):
        await hit(connection, ref, number)
    await connection.execute("update hit set rules_version = 1")
    with pytest.raises(Refusal, match="More than 2 hits") as refusal:
        await reclassify(connection, rules=replace(RULES, version=2))
    assert refusal.value.code is RefusalCode.TOO_MANY
    assert await connection.fetchval("select count(*) from hit where rules_version = 1") == 3


# Recording -------------------------------------------------------------------------------------------------------


def raw(ref: MessageRef, **values: Any) -> RawHit:
    now = time.time()
    usual: dict[str, Any] = {"kind": HitKind.CLICK, "link": 1, "url": "https://shop.example/", "agent": CHROME}
    return RawHit(id=new_hit_id(now), ref=ref, at=now, **(usual | values))


@pytest.fixture
async def buffer(redis_url: str) -> AsyncIterator[HitBuffer]:
    """The list of waiting hits, as another process sees it."""
    made = HitBuffer(redis_url)
    yield made
    await made.close()


Record = Callable[..., HitRecorder]


@pytest.fixture
async def record(redis_url: str) -> AsyncIterator[Record]:
    """Makes recorders that write to a pool; they are closed at the end, however the test ends."""
    recorders: list[HitRecorder] = []

    def make(pool: Any, url: str = redis_url) -> HitRecorder:
        recorders.append(HitRecorder(pool, HitBuffer(url)))
        return recorders[-1]

    yield make
    for recorder in recorders:
        await recorder.close()


async def test_a_group_written_twice_is_there_once(connection: Any) -> None:
    ref = await make_ref(connection)
    group = [raw(ref), raw(ref, kind=HitKind.OPEN, link=None, url=None)]
    for _ in range(2):
        await insert(connection, group, at=time.time())
    assert await connection.fetchval("select count(*) from hit") == 2


async def test_a_hit_survives_the_list(connection: Any) -> None:
    one = raw(MessageRef(customer_id=2**62, message_id=uuid4()), origin="o", head=True, url="https://bücher.example/")
    assert RawHit.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    ("privacy", "check"),
    [
        (OriginPrivacy.FULL, lambda kept: kept == "192.0.2.7"),
        (OriginPrivacy.HASH, lambda kept: len(kept) == 32 and "192" not in kept),
        (OriginPrivacy.NONE, lambda kept: kept is None),
    ],
)
def test_network_addresses_are_kept_as_the_setting_says(settings: Settings, privacy: OriginPrivacy, check: Any) -> None:
    deployment = Deployment.open(settings.model_copy(update={"origin_privacy": privacy}))
    assert check(origin_of("192.0.2.7", deployment))
    # the same address written the other way is the same origin
    assert origin_of("::ffff:192.0.2.7", deployment) == origin_of("192.0.2.7", deployment)
    assert origin_of("testclient", deployment) is None
    assert origin_of(None, deployment) is None


@pytest.fixture
def own_postgres(run_directory: Path) -> Iterator[Postgres]:
    """A server of this test's own, to be stopped and started: the session's serves other tests."""
    made = run_directory / f"own-{uuid4().hex[:6]}"
    made.mkdir()
    server = Postgres(data=made / "data", run=made, log=made / "log", durable=False)
    server.start()
    server.wait_ready()
    migrate(server.url("mail"))
    yield server
    stop(server.process, signal.SIGQUIT)


async def test_postgresql_stops_under_load_and_no_hit_is_lost(
    own_postgres: Postgres, record: Record, buffer: HitBuffer
) -> None:
    # Given hits that keep coming
    pool = await open_pool(own_postgres.url("mail"), size=4, name="test")
    refs = [await make_ref(pool) for _ in range(5)]
    recorder = record(pool)
    recorder.start()
    sent = 0

    async def load(until: float) -> None:
        nonlocal sent
        while time.monotonic() < until:
            for ref in refs:
                recorder.add(raw(ref, link=sent % 7 + 1))
                sent += 1
            await asyncio.sleep(0.01)

    await load(time.monotonic() + 0.5)
    await eventually(lambda: pool.fetchval("select count(*) > 0 from hit"), "a first hit")
    # When PostgreSQL is stopped in the middle, and hits keep coming
    loading = asyncio.create_task(load(time.monotonic() + 3))
    await asyncio.to_thread(stop, own_postgres.process, signal.SIGINT)

    async def buffered() -> bool:
        return await buffer.size() > 0

    await eventually(buffered, "hits in Valkey")
    # And it comes back
    await asyncio.to_thread(own_postgres.start)
    await asyncio.to_thread(own_postgres.wait_ready)
    await loading

    # Then every hit is there, once
    async def arrived() -> bool:
        try:
            return bool(await pool.fetchval("select count(*) = $1 from hit", sent))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    await eventually(arrived, f"{sent} hits")

    async def emptied() -> bool:
        return await buffer.size() == 0

    # What waits in Valkey is removed after it can be read
    await eventually(emptied, "an empty list")
    assert recorder.counts[Fate.DROPPED] == 0
    assert recorder.counts[Fate.BUFFERED] > 0
    await recorder.close()
    pool.terminate()


async def test_without_postgresql_links_lead_on_and_no_unsubscribe_is_promised(
    own_postgres: Postgres, settings: Settings
) -> None:
    # Given a service whose PostgreSQL is stopped
    gateway_settings = settings.model_copy(update={"database_url": own_postgres.url("mail")})
    names = ("database_url", "redis_url", "public_url")
    own = service.settings.read_settings(
        **{name: getattr(gateway_settings, name) for name in names}, pool_wait_seconds=1
    )
    app = create_app(own, gateway_settings)
    pool = await open_pool(gateway_settings.database_url, size=2, name="test")
    ref = await make_ref(pool)
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=gateway_settings.public_url)
    async with app.router.lifespan_context(app), browser:
        await asyncio.to_thread(stop, own_postgres.process, signal.SIGINT)
        # When a reader opens, follows a link and unsubscribes
        opened = await browser.get(open_url(KEYRING, gateway_settings.public_url, ref))
        clicked = await browser.get(click_url(KEYRING, gateway_settings.public_url, ref, 1, "https://shop.example/"))
        leave = unsubscribe_url(KEYRING, gateway_settings.public_url, ref)
        asked, left = await browser.get(leave), await browser.post(leave, data={"List-Unsubscribe": "One-Click"})
        # Then the reader gets where the link leads, and hears that nothing was changed
        assert (opened.status_code, clicked.status_code) == (200, 302)
        assert (asked.status_code, left.status_code) == (503, 503)
        assert left.headers["retry-after"] == "5"
        assert "Nothing has changed" in left.text
        # And when PostgreSQL is back, the hits arrive, the unsubscribe does not, until it is asked again
        await asyncio.to_thread(own_postgres.start)
        await asyncio.to_thread(own_postgres.wait_ready)

        async def arrived() -> bool:
            try:
                return bool(await pool.fetchval("select count(*) = 2 from hit"))
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return False

        await eventually(arrived, "both hits")
        assert await pool.fetchval("select count(*) from address_opt_out") == 0
        assert (await browser.post(leave, data={"List-Unsubscribe": "One-Click"})).status_code == 200
        assert await pool.fetchval("select count(*) from address_opt_out") == 1
    pool.terminate()


async def test_what_waits_at_the_end_is_kept_for_the_next_process(pool: Any, database_url: str, record: Record) -> None:
    # Given a process that cannot reach PostgreSQL and is told to end
    ref = await make_ref(pool)
    gone = await open_pool(database_url, size=1, name="gone")
    await gone.close()
    dying = record(gone)
    dying.start()
    for _ in range(3):
        dying.add(raw(ref))
    await dying.close()
    assert dying.counts == {Fate.BUFFERED: 3}
    # When the next one starts
    record(pool).start()
    # Then it brings them in
    await eventually(lambda: pool.fetchval("select count(*) = 3 from hit"), "three hits")


async def test_a_long_list_does_not_hold_up_the_end(
    pool: Any, record: Record, buffer: HitBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a list that takes long to bring in
    monkeypatch.setattr("gateway.tracking.recorder.LARGEST_GROUP", 1)
    ref = await make_ref(pool)
    await buffer.push([raw(ref).to_json() for _ in range(5000)])
    recorder = record(pool)
    recorder.start()
    await eventually(lambda: pool.fetchval("select count(*) > 0 from hit"), "a first hit")
    # When the process ends in the middle
    await recorder.close()
    # Then what is not in the ledger waits for the next one
    assert await buffer.size() > 0
    assert await buffer.size() + await pool.fetchval("select count(*) from hit") == 5000


async def test_a_full_list_keeps_the_oldest_and_counts_the_rest(
    buffer: HitBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "_most", 3)
    assert await buffer.push([b"1", b"2"]) == 0
    assert await buffer.push([b"3", b"4", b"5"]) == 2
    assert await buffer.push([b"6"]) == 1
    assert await buffer.oldest(10) == [b"1", b"2", b"3"]
    await buffer.remove_oldest(2)
    assert await buffer.oldest(10) == [b"3"]


async def test_without_valkey_hits_wait_in_memory_and_the_limit_is_counted(
    pool: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.tracking.recorder.MAX_IN_MEMORY", 5)
    nowhere = "redis://127.0.0.1:1/0"
    with pytest.raises(BufferUnavailable, match="REDIS_URL"):
        await HitBuffer(nowhere).size()
    ref = await make_ref(pool)
    recorder = record(pool, nowhere)
    for _ in range(8):
        recorder.add(raw(ref))
    assert recorder.counts == {Fate.DROPPED: 3}
    # PostgreSQL alone is enough
    recorder.start()
    await eventually(lambda: pool.fetchval("select count(*) = 5 from hit"), "five hits")


async def test_what_is_no_hit_in_the_list_does_not_stop_the_others(
    pool: Any, record: Record, buffer: HitBuffer
) -> None:
    ref = await make_ref(pool)
    await buffer.push([b"nonsense", raw(ref).to_json(), b"{}", b"[1]"])
    recorder = record(pool)
    recorder.start()
    await counted(recorder, {Fate.DROPPED: 3, Fate.RECORDED: 1})
    assert await pool.fetchval("select count(*) from hit") == 1


async def counted(recorder: HitRecorder, counts: dict[Fate, int]) -> None:
    """Waits: a group is counted after it can be read."""

    async def equal() -> bool:
        return recorder.counts == counts

    await eventually(equal, f"{counts}")


async def test_what_postgresql_refuses_does_not_stop_what_comes_after(
    pool: Any, record: Record, buffer: HitBuffer
) -> None:
    # Given a hit in the list that no ledger will ever take
    ref = await make_ref(pool)
    await buffer.push([raw(ref, link=2**40).to_json()])
    recorder = record(pool)
    # When another comes
    recorder.add(raw(ref))
    recorder.start()
    # Then that one is there, and the first is counted as lost
    await counted(recorder, {Fate.DROPPED: 1, Fate.RECORDED: 1})
    assert await pool.fetchval("select count(*) from hit") == 1

    async def emptied() -> bool:
        return await buffer.size() == 0

    await eventually(emptied, "an empty list")


async def test_one_refused_hit_takes_none_of_its_group_along(pool: Any, record: Record) -> None:
    # Given two hits that no ledger takes, one that the driver refuses and one that PostgreSQL does, among others
    ref = await make_ref(pool)
    group = [raw(ref, link=number) for number in range(1, 51)]
    group[17] = raw(ref, link=2**40)
    group[18] = raw(ref, url=None)
    recorder = record(pool)
    for one in group:
        recorder.add(one)
    # When they are written together
    recorder.start()
    # Then these two are missing, and no other
    await counted(recorder, {Fate.DROPPED: 2, Fate.RECORDED: 48})
    links = [row["link"] for row in await pool.fetch("select link from hit order by link")]
    assert links == [number for number in range(1, 51) if number not in (18, 19)]


async def test_a_ledger_that_cannot_be_written_keeps_hits_waiting(
    pool: Any, database_url: str, record: Record, buffer: HitBuffer
) -> None:
    # Given a PostgreSQL that answers and takes nothing, as a standby does
    ref = await make_ref(pool)
    standby = await asyncpg.create_pool(
        database_url, min_size=1, server_settings={"default_transaction_read_only": "on"}
    )
    recorder = record(standby)
    recorder.start()
    # When a hit comes
    recorder.add(raw(ref))

    async def waits() -> bool:
        return await buffer.size() == 1

    # Then it waits for one that does
    await eventually(waits, "a hit in Valkey")
    await recorder.close()
    assert recorder.counts == {Fate.BUFFERED: 1}
    record(pool).start()
    await eventually(lambda: pool.fetchval("select count(*) = 1 from hit"), "the hit")
    standby.terminate()
