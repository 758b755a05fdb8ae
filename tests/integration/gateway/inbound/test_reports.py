"""Delivery reports in the history: which of them change a status, and which only stand there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef
from gateway.mail.tracking import ReturnPath, read_return_path, return_path
from gateway.settings import Settings
from tests.builders import KEYRING, insert, make_attempt, make_outbox
from tests.integration.gateway.inbound.returning import (
    ANN,
    DOMAIN,
    Said,
    Sent,
    altered,
    complaint,
    make_sent,
    message_id,
    path,
    read_all,
    receive,
    report,
    suppressed,
    take_in,
)

BAD_ADDRESS = [("BAD_ADDRESS", "ALL_MAIL")]
FAILED, DELAYED = Said(), Said(action="delayed", status="4.4.1", diagnostic="smtp; 451 4.4.1 no answer from host")
DELIVERED, RELAYED = Said(action="delivered", status="2.0.0"), Said(action="relayed", status="2.0.0")
EXPANDED = Said(action="expanded", status="2.0.0")
FULL = Said(status="5.2.2", diagnostic="smtp; 552 5.2.2 mailbox full")


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A mail, the reports that come to its return path one after the other, and what is then."""

    name: str
    before: str
    reports: list[list[Said]]
    after: str
    events: list[str]
    suppressed: list[tuple[str, str]] = field(default_factory=list)


CASES = [
    Case(name="failed", before="ACCEPTED", reports=[[FAILED]], after="BOUNCED", events=["BOUNCED", "SUPPRESSED"],
         suppressed=BAD_ADDRESS),
    Case(name="failed, not for the address", before="ACCEPTED", reports=[[FULL]], after="BOUNCED", events=["BOUNCED"]),
    Case(name="delayed", before="ACCEPTED", reports=[[DELAYED]], after="ACCEPTED", events=["DELAYED"]),
    Case(name="delivered", before="ACCEPTED", reports=[[DELIVERED]], after="ACCEPTED", events=["DELIVERED"]),
    Case(name="relayed", before="ACCEPTED", reports=[[RELAYED]], after="ACCEPTED", events=["RELAYED"]),
    Case(name="expanded", before="ACCEPTED", reports=[[EXPANDED]], after="ACCEPTED", events=["EXPANDED"]),
    Case(name="delayed, then failed", before="ACCEPTED", reports=[[DELAYED], [FULL]], after="BOUNCED",
         events=["DELAYED", "BOUNCED"]),
    Case(name="delivered after failed", before="ACCEPTED", reports=[[FULL], [DELIVERED]], after="BOUNCED",
         events=["BOUNCED", "DELIVERED"]),
    Case(name="failed after delivered suppresses nobody", before="ACCEPTED", reports=[[DELIVERED], [FAILED]],
         after="BOUNCED", events=["DELIVERED", "BOUNCED"]),
    Case(name="failed twice", before="ACCEPTED", reports=[[FULL], [FAILED]], after="BOUNCED",
         events=["BOUNCED", "BOUNCED", "SUPPRESSED"], suppressed=BAD_ADDRESS),
    Case(name="bounced already", before="BOUNCED", reports=[[FULL]], after="BOUNCED", events=["BOUNCED"]),
    Case(name="an uncertain one failed", before="UNCERTAIN", reports=[[FAILED]], after="BOUNCED",
         events=["BOUNCED", "SETTLED", "SUPPRESSED"], suppressed=BAD_ADDRESS),
    Case(name="an uncertain one was delivered", before="UNCERTAIN", reports=[[DELIVERED]], after="ACCEPTED",
         events=["DELIVERED", "SETTLED"]),
    Case(name="an uncertain one was relayed", before="UNCERTAIN", reports=[[RELAYED]], after="ACCEPTED",
         events=["RELAYED", "SETTLED"]),
    Case(name="an uncertain one is delayed", before="UNCERTAIN", reports=[[DELAYED]], after="UNCERTAIN",
         events=["DELAYED"]),
    Case(name="an uncertain one was relayed and failed", before="UNCERTAIN", reports=[[RELAYED], [FULL]],
         after="BOUNCED", events=["RELAYED", "SETTLED", "BOUNCED"]),
    Case(name="queued again", before="QUEUED", reports=[[FAILED]], after="QUEUED", events=["BOUNCED"]),
    Case(name="held", before="HELD", reports=[[FAILED]], after="HELD", events=["BOUNCED"]),
    Case(name="cancelled", before="CANCELLED", reports=[[FAILED]], after="CANCELLED", events=["BOUNCED"]),
    Case(name="refused", before="REFUSED", reports=[[FAILED]], after="REFUSED", events=["BOUNCED"]),
    Case(name="expired", before="EXPIRED", reports=[[DELIVERED]], after="EXPIRED", events=["DELIVERED"]),
    Case(name="a mailbox it was forwarded to is another address", before="ACCEPTED",
         reports=[[Said(recipient="ann@elsewhere.example")]], after="BOUNCED", events=["BOUNCED"]),
    Case(name="one member of a list failed", before="ACCEPTED",
         reports=[[Said(recipient="x@elsewhere.example"), DELIVERED]], after="ACCEPTED",
         events=["BOUNCED", "DELIVERED"]),
]  # fmt: skip


async def test_what_reports_make_of_a_mail(connection: Any, deployment: Deployment) -> None:
    for case in CASES:
        sent = await make_sent(connection, status=case.before, of_campaign=True)
        for number, said in enumerate(case.reports):
            raw = report(*said, own_id=f"<{number}@mx.example>")
            await receive(connection, deployment, raw, to=path(sent.ref))
        found = (await sent.status(), await sent.events(), await suppressed(connection), await sent.tally())
        counted = {} if case.after == "QUEUED" else {case.after.lower(): 1}
        assert found == (case.after, case.events, case.suppressed, counted), case.name
        assert len(await sent.reports()) == sum(map(len, case.reports)), case.name
        await connection.execute("delete from suppression")


async def test_a_bounced_mail_keeps_when_it_was_sent_and_says_why_it_came_back(
    connection: Any, deployment: Deployment
) -> None:
    # Given mail that was accepted, and mail of which nobody knew
    accepted, uncertain = await make_sent(connection), await make_sent(connection, status="UNCERTAIN")
    before = await accepted.message()
    # When both come back
    for number, sent in enumerate([accepted, uncertain]):
        await receive(connection, deployment, report(own_id=f"<{number}@mx.example>"), to=path(sent.ref))
    # Then the first keeps its time, and the other was sent no later than it was given up
    after, settled = await accepted.message(), await uncertain.message()
    assert (after["sent_at"], after["decided_at"]) == (before["sent_at"], before["decided_at"])
    assert after["bounced_at"] is not None
    assert after["cause"] == "BAD_ADDRESS"
    assert after["advice"]
    assert settled["sent_at"] == settled["decided_at"]


FORGERIES: dict[str, Callable[[MessageRef], dict[str, str]]] = {
    "a Message-ID in the returned headers": lambda ref: {"returned": f"Message-ID: {message_id(ref)}\r\n"},
    "an altered return path beside it": lambda ref: {
        "returned": f"Message-ID: {message_id(ref)}\r\nReturn-Path: <{altered(path(ref))}>\r\n"
    },
}


async def test_a_report_without_our_token_stands_in_the_history_and_changes_nothing(
    connection: Any, deployment: Deployment
) -> None:
    for name, forged in FORGERIES.items():
        # Given a mail, and a person who has seen its headers
        sent = await make_sent(connection, of_campaign=True)
        # When they write a report about it
        row = await receive(connection, deployment, report(**forged(sent.ref)), to=f"office@{DOMAIN}")
        # Then it is there, as unverified, and nothing else
        [found] = await sent.reports()
        assert (found["verified"], found["matched_by"], row["matched_by"]) == (False, "MESSAGE_ID", "MESSAGE_ID"), name
        assert (await sent.status(), await sent.events()) == ("ACCEPTED", ["BOUNCED"]), name
        assert await suppressed(connection) == [], name


UNMATCHED: dict[str, tuple[Callable[[MessageRef], dict[str, str]], str]] = {
    "a recipient and nothing else": (lambda ref: {}, "NO_TRACE"),
    "a Message-ID of another domain": (
        lambda ref: {"returned": f"Message-ID: {message_id(ref, 'evil.example')}\r\n"},
        "NO_TRACE",
    ),
    "an altered return path that comes back": (
        lambda ref: {"returned": f"Return-Path: <{altered(path(ref))}>\r\n"},
        "TOKEN_INVALID",
    ),
    "an altered return path as recipient": (lambda ref: {"to": altered(path(ref))}, "TOKEN_INVALID"),
    "a right token of a mail that is gone": (
        lambda ref: {"to": path(MessageRef(customer_id=ref.customer_id + 1, message_id=ref.message_id))},
        "NO_TRACE",
    ),
}


async def test_a_report_that_proves_nothing_is_nobodys(connection: Any, deployment: Deployment) -> None:
    for name, (forged, why) in UNMATCHED.items():
        sent = await make_sent(connection)
        raw = report(**forged(sent.ref), own_id=f"<{sent.ref.message_id}@mx.example>")
        row = await receive(connection, deployment, raw, to=f"office@{DOMAIN}")
        assert (row["unmatched"], row["customer_id"], row["from_address"]) == (why, None, None), name
        assert row["subject"] == "Undelivered Mail Returned to Sender"
        assert "User unknown" in row["excerpt"]
        assert (await sent.events(), await sent.status()) == ([], "ACCEPTED"), name


async def test_a_token_counts_wherever_it_comes_back(connection: Any, deployment: Deployment) -> None:
    for place in ("envelope", "to", "returned"):
        sent = await make_sent(connection)
        upper = path(sent.ref).upper()
        raw = report(
            to=upper if place == "to" else "mailer@elsewhere.example",
            returned=f"Return-Path: <{upper}>\r\n" if place == "returned" else "",
        )
        await receive(connection, deployment, raw, to=upper if place == "envelope" else None)
        assert await sent.status() == "BOUNCED", place


async def test_a_report_under_the_returned_mails_own_id_counts_for_each_attempt(
    connection: Any, deployment: Deployment
) -> None:
    # Given a mail that came back, from a system that returns it under the id that it had
    sent = await make_sent(connection)
    first, second = (return_path(KEYRING, DOMAIN, sent.ref, 0, attempt) for attempt in (1, 2))
    await receive(connection, deployment, report(own_id=message_id(sent.ref), to=first), to=first)
    assert await sent.status() == "BOUNCED"
    # When it is sent once more, under its id as before, and comes back again
    await make_attempt(connection, sent.ref.customer_id, sent.ref.message_id, number=2, verdict="ACCEPTED")
    await connection.execute("update message set status = 'ACCEPTED', bounced_at = null, cause = null, advice = null")
    await receive(connection, deployment, report(own_id=message_id(sent.ref), to=second), to=second)
    # Then the second report counts as the first did
    assert await sent.status() == "BOUNCED"
    assert [found["attempt"] for found in await sent.reports()] == [1, 2]


async def test_a_bounce_of_the_staff_mailbox_closes_no_way_to_it(connection: Any, deployment: Deployment) -> None:
    # Given a reply that was forwarded to a mailbox of our own staff
    sent = await make_sent(connection, internal=True, source_type=None, template_version_id=None, tracked=False)
    # When the mailbox is not there for a while
    await receive(connection, deployment, report(), to=path(sent.ref))
    # Then that mail came back, and the next one is not held
    assert await sent.status() == "BOUNCED"
    assert await suppressed(connection) == []


async def test_the_same_report_by_two_ways_is_one(connection: Any, deployment: Deployment) -> None:
    # Given a report that came by SMTP
    sent = await make_sent(connection)
    raw = report(to=path(sent.ref))
    first = await receive(connection, deployment, raw, to=path(sent.ref))
    # When a mailbox that is read, too, has it with another header
    second = await receive(connection, deployment, b"Received: from a by b; Mon, 30 Nov 2026 12:00:00 +0000\r\n" + raw)
    # Then both mails are the message's, and the history has it once
    assert first["id"] != second["id"]
    assert second["message_id"] == sent.ref.message_id
    assert await sent.events() == ["BOUNCED", "SUPPRESSED"]
    assert len(await sent.reports()) == 1


async def test_a_suppression_that_a_person_lifted_is_not_brought_back_by_older_mail(
    connection: Any, deployment: Deployment
) -> None:
    sent = await make_sent(connection)
    await insert(
        connection, "lifted_suppression", id=sent.ref.message_id, address_key=deployment.key_of(ANN), scope="ALL_MAIL",
        reason="BAD_ADDRESS", actor="gateway", since=(await sent.message())["sent_at"], lifted_by="jo",
        lifted_why="It works.",
    )  # fmt: skip
    await receive(connection, deployment, report(), to=path(sent.ref))
    assert (await sent.status(), await suppressed(connection)) == ("BOUNCED", [])


def tokens_say(attempt: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Return paths name this attempt, None: none, as those of the first releases."""

    def read(keyring: Keyring, address: str) -> ReturnPath | None:
        found = read_return_path(keyring, address)
        return replace(found, attempt=attempt) if found is not None else None

    monkeypatch.setattr("gateway.inbound.matching.read_return_path", read)


async def test_a_report_about_an_earlier_attempt_is_an_event_and_changes_nothing(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status, attempt in product(("ACCEPTED", "UNCERTAIN"), (None, 1)):
        # Given a mail that was sent twice
        sent = await make_sent(connection, status=status, attempts=2)
        # When a report about the first comes, or one whose token does not say about which it is
        tokens_say(attempt, monkeypatch)
        await receive(connection, deployment, report(), to=path(sent.ref))
        # Then it is in the history, and changes nothing
        assert (await sent.status(), await sent.events(), await suppressed(connection)) == (status, ["BOUNCED"], [])
        assert [row["attempt"] for row in await sent.reports()] == [attempt]


async def test_a_report_about_the_latest_attempt_counts(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for attempts, named in ((2, 2), (300, 255)):
        sent = await make_sent(connection)
        await make_attempt(connection, sent.ref.customer_id, sent.ref.message_id, number=attempts)
        tokens_say(named, monkeypatch)
        await receive(connection, deployment, report(), to=path(sent.ref))
        assert await sent.status() == "BOUNCED", named


async def test_attempts_that_left_the_mail_nowhere_do_not_make_an_old_token_unclear(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a mail that was put off once and then accepted
    sent = await make_sent(connection, attempts=0)
    for number, verdict in ((1, "DEFERRED"), (2, "ACCEPTED")):
        await make_attempt(connection, sent.ref.customer_id, sent.ref.message_id, number=number, verdict=verdict)
    # When a report comes whose token names no attempt
    tokens_say(None, monkeypatch)
    await receive(connection, deployment, report(), to=path(sent.ref))
    # Then only the accepted one can be meant
    assert await sent.status() == "BOUNCED"


async def test_a_report_that_is_faster_than_the_outcome_waits_for_it(connection: Any, deployment: Deployment) -> None:
    # Given a mail that is handed off
    sent = await make_sent(connection, status="QUEUED", attempts=0)
    await make_outbox(connection, sent.ref.customer_id, sent.ref.message_id, address=ANN)
    await connection.execute(
        "update outbox set handed_off_at = now(), lease_owner = gen_random_uuid(), lease_until = now()"
    )
    # When its report comes before the server's answer is written
    inbound = await take_in(connection, report(), to=path(sent.ref))
    await read_all(connection, deployment)
    # Then nothing is written, and the try does not count
    row = await connection.fetchrow("select read_at, tries from inbound_mail where id = $1", inbound)
    assert tuple(row) == (None, 0)
    # And when the answer is there, the report counts
    await connection.execute("delete from outbox")
    await make_attempt(connection, sent.ref.customer_id, sent.ref.message_id)
    await connection.execute("update message set status = 'ACCEPTED', decided_at = now(), sent_at = now()")
    await connection.execute("update inbound_mail set due_at = now()")
    await read_all(connection, deployment)
    assert await sent.status() == "BOUNCED"


async def test_of_an_erased_customer_only_codes_are_kept(connection: Any, deployment: Deployment) -> None:
    # Given a customer that was erased after a mail was sent
    sent = await make_sent(connection)
    key = deployment.key_of(ANN)
    await connection.execute("update customer set erased_at = now(), name = null")
    await connection.execute("update message set recipient = null, subject = null, recipient_key = $1", key)
    # When the mail comes back
    row = await receive(connection, deployment, report(), to=path(sent.ref))
    # Then that it did is kept, and the address stays suppressed
    [found] = await sent.reports()
    assert (await sent.status(), await suppressed(connection)) == ("BOUNCED", BAD_ADDRESS)
    assert (found["status_code"], found["code"], found["cause"]) == ("5.1.1", 550, "BAD_ADDRESS")
    # And nothing that names anybody
    assert [found[name] for name in ("recipient", "words", "reported_by", "host")] == [None] * 4
    assert row["content_sha256"] is None
    assert await connection.fetchval("select count(*) from content") == 0


async def copies(sent: Sent, connection: Any) -> dict[int, str]:
    rows = await connection.fetch("select recipient_no, status::text from copy order by recipient_no")
    return {row["recipient_no"]: row["status"] for row in rows}


async def with_copies(connection: Any) -> Sent:
    """A mail to Ann with two copies, all of them accepted but the second, which is uncertain."""
    sent = await make_sent(connection)
    for number, status in ((1, "ACCEPTED"), (2, "UNCERTAIN")):
        await insert(
            connection, "copy", customer_id=sent.ref.customer_id, message_id=sent.ref.message_id, recipient_no=number,
            role="CC", address=f"copy{number}@customer.example", status=status,
            decided_at=(await sent.message())["decided_at"],
        )  # fmt: skip
        await make_attempt(connection, sent.ref.customer_id, sent.ref.message_id, recipient_no=number, verdict=status)
    return sent


async def test_a_report_about_a_copy_is_that_copys(connection: Any, deployment: Deployment) -> None:
    sent = await with_copies(connection)
    for number in (1, 2):
        raw = report(Said(recipient=f"copy{number}@customer.example"), own_id=f"<{number}@mx.example>")
        await receive(connection, deployment, raw, to=path(sent.ref, number))
    assert await copies(sent, connection) == {1: "BOUNCED", 2: "BOUNCED"}
    assert await sent.status() == "ACCEPTED"
    assert [row["recipient_no"] for row in await sent.reports()] == [1, 2]
    keys = await connection.fetch("select address_key from suppression order by since")
    assert [row[0] for row in keys] == [deployment.key_of(f"copy{number}@customer.example") for number in (1, 2)]


async def test_a_token_vouches_for_its_own_recipient_only(connection: Any, deployment: Deployment) -> None:
    # Given a mail with copies, and the reader of one, who knows the return path of that copy
    sent = await with_copies(connection)
    # When a report to that path names all three
    raw = report(Said(), Said(recipient="copy1@customer.example"), Said(recipient="copy2@customer.example"))
    await receive(connection, deployment, raw, to=path(sent.ref, 1))
    # Then only that copy came back, and what it says of the others is unverified
    assert (await sent.status(), await copies(sent, connection)) == ("ACCEPTED", {1: "BOUNCED", 2: "UNCERTAIN"})
    found = {row["recipient_no"]: row["verified"] for row in await sent.reports()}
    assert found == {0: False, 1: True, 2: False}
    assert await connection.fetchval("select count(*) from suppression") == 1


async def test_what_postgresql_cannot_keep_is_replaced(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection)
    raw = report(
        Said(diagnostic="smtp; 550 5.1.1 no \x00 such \udcff user".encode("utf-8", "surrogateescape").decode("latin-1"))
    )
    await receive(connection, deployment, raw, to=path(sent.ref))
    assert await sent.status() == "BOUNCED"
    assert "\0" not in (await sent.reports())[0]["words"]


async def test_a_complaint_is_no_report(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection)
    await receive(connection, deployment, complaint(), to=path(sent.ref))
    assert (await sent.status(), await sent.reports()) == ("ACCEPTED", [])
