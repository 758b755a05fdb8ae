"""Hits in the ledger: classified after a moment, and again when later hits or the mail's final answer say otherwise."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.message import MessageRef
from gateway.notify.changes import CHANNEL
from gateway.smtp.relays import Timeouts
from gateway.tracking.classify import classify_due, reclassify
from gateway.tracking.hit_rules import read_hit_rules
from gateway.tracking.raw_hit import insert_hits
from tests.builders import insert as insert_row
from tests.builders import make_campaign, make_outbox
from tests.engine import Start, deployment, queue_mail, start, state_of
from tests.eventually import eventually
from tests.hits import CHROME, START, hit, make_ref, raw
from tests.smtp_server import Silence, SmtpServer

__all__ = ["deployment", "start"]

RULES = read_hit_rules()


async def classify(connection: Any, seconds: float = 3600) -> int:
    """Classify as if it were that long after START, until nothing is due."""
    total = 0
    while classified := await classify_due(connection, START + timedelta(seconds=seconds)):
        total += classified
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


async def test_a_hit_is_classified_only_when_it_has_settled(connection: Any) -> None:
    ref = await make_ref(connection)
    await hit(connection, ref, 0)
    assert await classify(connection, RULES.settle.total_seconds() - 1) == 0
    assert await opened_at(connection, ref) is None
    assert await classify(connection, RULES.settle.total_seconds()) == 1
    assert await verdicts(connection, ref) == [("HUMAN", ["BROWSER_AGENT"])]
    assert await opened_at(connection, ref) == 0
    assert await connection.fetchval("select rules_version from hit") == RULES.version
    # and it is not due again
    assert await classify(connection) == 0


async def test_the_first_open_not_a_machines_counts_and_a_persons_click_implies_one(connection: Any) -> None:
    # Given a privacy proxy's open, then a person's click without images, then an image proxy's open
    ref = await make_ref(connection)
    await hit(connection, ref, 0, agent="Mozilla/5.0")
    await hit(connection, ref, 60, link=1)
    await hit(connection, ref, 90, agent="GoogleImageProxy")
    await classify(connection)
    assert [verdict for verdict, _ in await verdicts(connection, ref)] == ["MACHINE", "HUMAN", "UNKNOWN"]
    assert await opened_at(connection, ref) == 60
    # but a click that may be a machine's implies nothing
    other = await make_ref(connection)
    await hit(connection, other, 0, link=1, agent="Fabrikam Reader 1")
    await classify(connection)
    assert await verdicts(connection, other) == [("UNKNOWN", ["UNRECOGNISED_AGENT"])]
    assert await opened_at(connection, other) is None


async def test_what_came_with_a_hit_says_that_it_was_a_machine(connection: Any) -> None:
    # Given a check of a link, a prefetch, and a follower of the link that nobody sees
    ref = await make_ref(connection)
    for number, name in enumerate(("head", "prefetch", "honeypot")):
        await hit(connection, ref, number * 100, link=1, **{name: True})
    await classify(connection)
    reasons = ["HEAD_REQUEST", "PREFETCH_HEADER", "HONEYPOT"]
    assert await verdicts(connection, ref) == [("MACHINE", [reason]) for reason in reasons]


async def test_who_looks_at_the_customer_is_told_of_new_classifications(pool: Any) -> None:
    # Given a page that is open, and one that is not
    watched, other = await make_ref(pool), await make_ref(pool)
    told: list[Any] = []
    await pool.execute(
        "insert into customer_watch values ($1, uuidv7(), now() + interval '1 hour')", watched.customer_id
    )
    async with pool.acquire() as page, pool.acquire() as connection:

        def listen(_page: Any, _process: int, _channel: str, change: str) -> None:
            told.append(json.loads(change))

        await page.add_listener(CHANNEL, listen)
        # When hits of both come, and are classified
        now = time.time()
        await insert_hits(connection, [raw(watched), raw(other)], at=now)
        await connection.execute("update hit set occurred_at = $1", START)
        await classify(connection)
        # Then it is told of each
        await eventually(lambda: asyncio.sleep(0, len(told) >= 2))
        await page.remove_listener(CHANNEL, listen)
    change = {"customer": watched.customer_id, "message": watched.message_id.hex, "kind": "HIT"}
    assert told == [change, change]


async def test_a_later_burst_revises_earlier_classifications_and_the_opening_with_it(connection: Any) -> None:
    # Given a lone click and an open that were taken for a person's
    ref = await make_ref(connection)
    await hit(connection, ref, 0)
    await hit(connection, ref, 1, link=1)
    assert await classify(connection, 10) == 2
    assert await opened_at(connection, ref) == 0
    # When their origin fetches every link within a second, and Ann reads the mail later
    for link in (2, 3, 4):
        await hit(connection, ref, 60 + link / 10, link=link)
    await hit(connection, ref, 1800, origin="ann's phone")
    await classify(connection)
    # Then they were the scanner's, and the opening is Ann's
    assert [verdict for verdict, _ in await verdicts(connection, ref)] == ["MACHINE"] * 5 + ["HUMAN"]
    assert (await verdicts(connection, ref))[0] == ("MACHINE", ["LINK_BURST"])
    assert await opened_at(connection, ref) == 1800


async def test_one_origin_over_many_messages_revises_the_first_of_them(connection: Any) -> None:
    refs = [await make_ref(connection) for _ in range(RULES.origin_messages)]
    await hit(connection, refs[0], 0)
    assert await classify(connection, 5) == 1
    assert await verdicts(connection, refs[0]) == [("HUMAN", ["BROWSER_AGENT"])]
    for number, ref in enumerate(refs[1:], 1):
        await hit(connection, ref, 1 + number / 10)
    await classify(connection)
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
    await classify(connection)
    assert [reasons for _, reasons in await verdicts(connection, accepted)] == [["BEFORE_ANSWER"], ["BROWSER_AGENT"]]
    assert await verdicts(connection, waiting) == [("MACHINE", ["BEFORE_ANSWER"])]


async def test_a_persons_click_settles_what_nobody_knew(connection: Any) -> None:
    # Given three uncertain campaign mails
    campaign = await make_campaign(connection)
    ref, scanned, opened = [
        await make_ref(connection, status="UNCERTAIN", campaign_id=campaign, cause="CONNECTION_LOST") for _ in range(3)
    ]
    # When a person follows a link of one, a scanner one of the second, and the third is opened
    await hit(connection, ref, 0, link=1)
    await hit(connection, scanned, 0, link=1, agent="curl/8", origin="scanner")
    await hit(connection, opened, 0)
    await classify(connection)
    # Then the first was accepted, with the click as evidence; the others wait on
    assert await connection.fetchval("select status from message where id = $1", opened.message_id) == "UNCERTAIN"
    row = await connection.fetchrow("select status, sent_at, cause from message where id = $1", ref.message_id)
    assert (row["status"], row["cause"]) == ("ACCEPTED", None)
    assert row["sent_at"] is not None
    event = await connection.fetchrow("select kind, actor, data from event where message_id = $1", ref.message_id)
    assert (event["kind"], event["actor"], event["data"]["evidence"]) == ("SETTLED", "gateway", "CLICK")
    assert await connection.fetchval("select status from message where id = $1", scanned.message_id) == "UNCERTAIN"
    assert await connection.fetchrow("select sum(accepted), sum(uncertain) from mailing_tally") == (1, -1)


@pytest.mark.parametrize("role", ["CC", "BCC"])
async def test_a_click_settles_no_mail_that_has_copies(connection: Any, role: str) -> None:
    # Given an uncertain mail of which a colleague has a copy, accepted
    ref = await make_ref(connection, status="UNCERTAIN", cause="CONNECTION_LOST")
    of = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    copy = {"recipient_no": 1, "role": role, "address": "colleague@customer.example"}
    await insert_row(connection, "copy", **of, **copy, status="ACCEPTED", decided_at=START, sent_at=START)
    # When a person follows its link
    await hit(connection, ref, 0, link=1)
    await classify(connection)
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
    await classify(connection)
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
async def test_a_hit_on_a_mail_in_flight_is_classified_again_by_itself_once_its_answer_is_known(
    connection: Any, status: str, answered: float, verdict: tuple[str, list[str]], shown: str
) -> None:
    # Given a click on a mail that is with a worker, and one on a mail that waits on
    ref, waiting = await make_ref(connection, status="QUEUED"), await make_ref(connection, status="QUEUED")
    for one in (ref, waiting):
        await make_outbox(connection, one.customer_id, one.message_id)
        await hit(connection, one, 0, link=1, origin=str(one.message_id))
    assert await classify(connection, 10) == 2
    assert await verdicts(connection, ref) == [("MACHINE", ["BEFORE_ANSWER"])]
    # When the mail is decided
    await decide(connection, ref, status, answered)
    # Then the click is classified again soon after, without anybody's asking
    assert await classify(connection, 11) == 0
    assert await classify(connection, 120) == 2
    assert await verdicts(connection, ref) == [verdict]
    assert await opened_at(connection, ref) == (0 if verdict[0] == "HUMAN" else None)
    assert await connection.fetchval("select status from message where id = $1", ref.message_id) == shown
    # And never after that; the other goes on being classified, ever more seldom
    assert await connection.fetchval("select look_again_at from hit where message_id = $1", ref.message_id) is None
    assert await verdicts(connection, waiting) == [("MACHINE", ["BEFORE_ANSWER"])]
    assert [await classify(connection, seconds) for seconds in (239, 240, 479, 480, 779, 780)] == [0, 1, 0, 1, 0, 1]


async def test_a_hit_on_a_mail_in_flight_is_looked_at_again_after_as_long_as_it_waited(connection: Any) -> None:
    # Given a click on a mail that is with a worker: the first look is after five seconds, however young it is
    ref = await make_ref(connection, status="QUEUED")
    await make_outbox(connection, ref.customer_id, ref.message_id)
    await hit(connection, ref, 0, link=1)
    assert [await classify(connection, seconds) for seconds in (4, 8.9, 9)] == [1, 0, 1]
    # When another comes, and is classified together with it
    await hit(connection, ref, 10, link=2)
    assert await classify(connection, 14) == 1
    # Then that puts the first one off no further
    again = await connection.fetch("select look_again_at from hit order by occurred_at")
    assert [(row["look_again_at"] - START).total_seconds() for row in again] == [18, 19]


async def test_a_click_while_the_server_falls_silent_settles_the_mail_without_anybodys_asking(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that classifies at once, and a server that has a mail and says nothing any more
    monkeypatch.setattr("gateway.worker_process.CLASSIFY_SECONDS", 0.05)
    monkeypatch.setattr("gateway.tracking.classify.MIN_RECLASSIFY_WAIT", timedelta(seconds=0.1))
    monkeypatch.setattr("gateway.tracking.classify.read_hit_rules", lambda: replace(RULES, settle=timedelta(0)))
    smtp_server.script(after_dot=Silence())
    ref = await queue_mail(connection, deployment)
    start(timeouts=Timeouts(end_of_data=3.0))
    await smtp_server.received(1)
    # When its reader follows a link, while nobody has given the mail up yet
    await insert_hits(connection, [raw(ref)], at=time.time())

    # Then the click is a person's, and says that the mail arrived
    async def settled() -> Any:
        return await connection.fetchval("select data from event where kind = 'SETTLED'")

    assert (await eventually(settled, "the evidence"))["evidence"] == "CLICK"
    assert await verdicts(connection, ref) == [("HUMAN", ["BROWSER_AGENT"])]
    assert (await state_of(connection, ref))["state"] == "ACCEPTED"


async def test_a_flood_that_piled_up_is_classified_to_its_end(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given more hits on one token than are classified together, while nobody classified
    monkeypatch.setattr("gateway.tracking.classify.MAX_HITS_OF_MESSAGE", 7)
    monkeypatch.setattr("gateway.tracking.classify.MAX_DUE_HITS", 5)
    ref = await make_ref(connection)
    for number in range(30):
        await hit(connection, ref, number * 10)
    # When they are classified, the oldest first
    classified = [await classify_due(connection, START + timedelta(hours=1)) for _ in range(7)]
    # Then every one of them is, and there is an end
    assert classified[-1] == 0
    assert await verdicts(connection, ref) == [("HUMAN", ["BROWSER_AGENT"])] * 30


async def test_what_a_flood_leaves_out_is_put_in_its_place(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given two clicks of a scanner on one mail, of which only the newest is read, and one on another mail between them
    monkeypatch.setattr("gateway.tracking.classify.MAX_HITS_OF_MESSAGE", 1)
    ref, other = await make_ref(connection), await make_ref(connection)
    await hit(connection, ref, 0, link=1)
    await hit(connection, other, 0.1, link=1, origin="bob")
    await hit(connection, ref, 0.2, link=2)
    # When they are classified
    await classify(connection)
    # Then the two are seen together
    assert await verdicts(connection, ref) == [("MACHINE", ["LINK_BURST"])] * 2
    assert await verdicts(connection, other) == [("HUMAN", ["BROWSER_AGENT"])]


async def test_a_hit_of_a_process_whose_clock_is_wrong_is_classified(connection: Any) -> None:
    ref = await make_ref(connection)
    await hit(connection, ref, 0)
    await connection.execute("update hit set id = uuidv7($1 - now())", START - timedelta(hours=5))
    assert await classify(connection, 10) == 1
    assert await verdicts(connection, ref) == [("HUMAN", ["BROWSER_AGENT"])]


async def test_only_one_process_classifies_at_a_time(pool: Any) -> None:
    ref = await make_ref(pool)
    for number in range(20):
        await hit(pool, ref, number * 20)

    async def work() -> int:
        async with pool.acquire() as connection:
            return await classify_due(connection, START + timedelta(hours=1))

    # Given one that does, which commits late
    async with pool.acquire() as connection, connection.transaction():
        assert await classify_due(connection, START + timedelta(hours=1)) == 20
        # Then another one has nothing to do, and who classifies history waits
        assert await work() == 0
        async with pool.acquire() as other:
            history = asyncio.create_task(reclassify(other))
            waits = "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1"
            await eventually(lambda: pool.fetchval(waits, other.get_server_pid()))
            history.cancel()
            with suppress(asyncio.CancelledError):
                await history
    assert await pool.fetchval("select count(*) from hit where rules_version = 0") == 0


async def test_history_is_reclassified_by_the_current_rules(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given history classified by rules that knew Fabrikam's reader for a person's
    ref, other = await make_ref(connection), await make_ref(connection)
    for number in range(3):
        await hit(connection, ref, number * 100, agent=CHROME if number else "Fabrikam Scanner")
    await hit(connection, other, 0, agent="Fabrikam Scanner")
    await connection.execute("update hit set verdict = 'HUMAN', reasons = '{BROWSER_AGENT}', rules_version = 1")
    await connection.execute("update message set opened_at = $1", START)
    unclassified = await make_ref(connection)
    await hit(connection, unclassified, 0)
    # When one customer's history is reclassified
    current = replace(RULES, version=2)
    monkeypatch.setattr("gateway.tracking.classify.read_hit_rules", lambda: current)
    done = await reclassify(connection, customer_id=ref.customer_id)
    # Then its classifications and its opening follow the rules, and nothing else is touched
    assert (done.classified, done.changed) == (3, 1)
    assert [verdict for verdict, _ in await verdicts(connection, ref)] == ["MACHINE", "HUMAN", "HUMAN"]
    assert await opened_at(connection, ref) == 100
    assert (await verdicts(connection, other))[0][0] == "HUMAN"
    # and of everybody, from a moment on
    late = await reclassify(connection, since=START + timedelta(seconds=150))
    assert (late.classified, late.changed) == (1, 0)
    everybody = await reclassify(connection)
    assert (everybody.classified, everybody.changed) == (4, 1)
    assert await opened_at(connection, other) is None
    versions = await connection.fetch("select rules_version from hit order by rules_version")
    assert [row["rules_version"] for row in versions] == [0, 2, 2, 2, 2]
    # and up to a moment, before it
    early = await reclassify(connection, customer_id=ref.customer_id, until=START + timedelta(seconds=100))
    assert (early.classified, early.changed) == (1, 0)


async def test_a_stretch_of_history_is_reclassified_with_what_came_around_it(connection: Any) -> None:
    # Given a scanner's two clicks
    ref = await make_ref(connection)
    await hit(connection, ref, 0, link=1)
    await hit(connection, ref, 0.4, link=2)
    await classify(connection)
    # When a stretch is classified again that holds the first of them, or the second
    middle = START + timedelta(seconds=0.2)
    for since, until in ((None, middle), (middle, None)):
        done = await reclassify(connection, since=since, until=until)
        # Then it is a scanner's still
        assert (done.classified, done.changed) == (1, 0)
    assert await verdicts(connection, ref) == [("MACHINE", ["LINK_BURST"])] * 2


async def test_history_is_reclassified_in_pages_with_what_a_clock_ahead_wrote(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given classified hits of two customers, one of them from an hour ahead
    monkeypatch.setattr("gateway.tracking.classify._RECLASSIFY_PAGE", 2)
    monkeypatch.setattr("gateway.tracking.classify.MAX_RECLASSIFIED", 5)
    for _ in range(2):
        ref = await make_ref(connection)
        for number in range(2):
            await hit(connection, ref, number * 100, agent="curl/8")
    await connection.execute(
        "insert into hit (customer_id, message_id, kind, occurred_at, id)"
        " values ($1, $2, 'OPEN', now() + interval '1 hour', uuidv7(interval '1 hour'))",
        ref.customer_id,
        ref.message_id,
    )
    await connection.execute("update hit set rules_version = 1")
    # When all history is classified again, then each is once
    done = await reclassify(connection)
    assert (done.classified, done.changed) == (5, 5)


async def test_a_busy_scanners_years_are_reclassified_as_they_were(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a scanner that came over all mailboxes every hour, and so often that one read cannot hold it
    refs = [await make_ref(connection) for _ in range(RULES.origin_messages)]
    for hour in range(6):
        for number, ref in enumerate(refs):
            await hit(connection, ref, hour * 3600 + number / 10, link=1)
    await classify(connection, 7 * 3600)
    monkeypatch.setattr("gateway.tracking.busy_origins.MAX_ORIGIN_HITS", 12)
    # When its history is reclassified
    done = await reclassify(connection)
    # Then it is still seen every time
    assert (done.classified, done.changed) == (6 * RULES.origin_messages, 0)
    for ref in refs:
        assert await verdicts(connection, ref) == [("MACHINE", ["MANY_MESSAGES"])] * 6


async def test_too_much_history_at_once_is_refused(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.tracking.classify.MAX_RECLASSIFIED", 2)
    ref = await make_ref(connection)
    for number in range(3):
        await hit(connection, ref, number)
    await connection.execute("update hit set rules_version = 1")
    with pytest.raises(Refusal, match="More than 2 hits") as refusal:
        await reclassify(connection)
    assert refusal.value.code is RefusalCode.TOO_MANY
    assert await connection.fetchval("select count(*) from hit where rules_version = 1") == 3
