"""What customers write back: on the right customer's history, once, under the name of who may be believed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from gateway.deployment import Deployment
from gateway.inbound.reading import Joined
from gateway.inbound.reports import TooEarly
from gateway.mail.message import MessageRef
from gateway.mail.tracking import return_path
from gateway.notify.changes import CHANNEL
from tests.builders import KEYRING, NOON, insert, mailing_of, make_campaign, make_outbox, make_sender_version
from tests.eventually import eventually
from tests.replying import (
    BOUNCE_DOMAIN,
    CARA,
    OFFICE,
    OUR_SERVER,
    VERIFIED,
    deployment,
    events,
    letter,
    make_sent,
    message_id,
    read_and_join,
    receive,
    received,
    sent,
    settled_events,
    taken_in,
    token_address,
)
from tests.results import results_amiss

__all__ = ["deployment", "sent"]

FORGED = f"{OUR_SERVER}; dmarc=fail header.from=customer.example"


async def test_a_reply_joins_the_history_with_its_words(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    body = (
        "Thursday suits me.\r\n\r\nOn Mon, 23 Nov 2026 at 12:00, Fabrikam <hello@fabrikam.example> wrote:\r\n> Monday?"
    )
    joined = await receive(connection, deployment, letter(body=body), to=token_address(sent))
    assert isinstance(joined, Joined)
    assert (joined.ref.customer_id, joined.matched_by) == (sent.customer_id, "TOKEN")
    (row,) = await received(connection)
    assert (row["id"], row["status"], row["source_type"]) == (joined.ref.message_id, "RECEIVED", "WORK_ORDER")
    assert row["answers_message_id"] == sent.message_id
    assert (row["sender"], row["recipient"]) == (f"Cara <{CARA}>", token_address(sent))
    assert (row["subject"], row["body"]) == ("Re: Your appointment", "Thursday suits me.")
    assert "> Monday?" in row["quoted"]
    assert (row["from_address"], row["from_name"], row["author"]) == (CARA, "Cara", "CUSTOMER")
    assert (row["automatic"], row["cut"], row["more_attachments"]) == (False, False, 0)
    # and both messages say what happened
    assert await events(connection, joined.ref) == [("RECEIVED", "gateway")]
    assert await events(connection, sent) == [("REPLIED", "gateway")]
    data = await connection.fetchval("select data from event where message_id = $1", sent.message_id)
    assert data == {"message": str(joined.ref.message_id), "automatic": False, "matchedBy": "TOKEN"}


@pytest.mark.parametrize(
    ("by_token", "from_", "results", "author"),
    [
        (True, CARA, None, "CUSTOMER"),
        (True, CARA, FORGED, "CUSTOMER"),
        (True, "colleague@elsewhere.example", None, "OTHER"),
        (True, None, None, "OTHER"),
        (False, CARA, None, "UNVERIFIED"),
        (False, CARA, FORGED, "UNVERIFIED"),
        (False, CARA, VERIFIED, "CUSTOMER"),
        (False, CARA.upper(), VERIFIED, "CUSTOMER"),
        (False, CARA, VERIFIED.replace(OUR_SERVER, "mx.evil.example"), "UNVERIFIED"),
    ],
)
async def test_who_wrote_is_told_as_far_as_it_can_be_known(
    by_token: bool,
    from_: str | None,
    results: str | None,
    author: str,
    connection: Any,
    deployment: Deployment,
    sent: MessageRef,
) -> None:
    trusted = {"authentication_results": results} if results else {}
    raw = letter(from_, **trusted)
    assert isinstance(
        await receive(connection, deployment, raw, to=token_address(sent) if by_token else OFFICE), Joined
    )
    (row,) = await received(connection)
    assert (row["author"], row["from_address"]) == (
        author,
        from_ and from_.replace("CUSTOMER.EXAMPLE", "customer.example"),
    )
    assert row["sender"] == row["from_address"]


async def test_a_message_may_be_answered_from_the_address_that_it_went_to(
    connection: Any, deployment: Deployment
) -> None:
    # Given mail to an address that the customer no longer has
    sent = await make_sent(connection, recipient="Old@customer.example")
    # When it is answered from there, with a token or without
    raw = letter("old@customer.example", in_reply_to=message_id(sent), authentication_results=VERIFIED)
    assert isinstance(await receive(connection, deployment, raw), Joined)
    await receive(connection, deployment, letter("old@customer.example", message_id="<2@x>"), to=token_address(sent))
    # Then it is the customer's
    assert [row["author"] for row in await received(connection)] == ["CUSTOMER", "CUSTOMER"]


async def test_out_of_office_mail_comes_to_the_return_path(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    raw = letter("Away <away@customer.example>", "I have left the company.", auto_submitted="auto-replied")
    found = await receive(connection, deployment, raw, to=return_path(KEYRING, BOUNCE_DOMAIN, sent), mail_from="")
    assert isinstance(found, Joined)
    (row,) = await received(connection)
    assert (row["automatic"], row["author"], found.matched_by) == (
        True, "OTHER", "TOKEN",
    )  # fmt: skip
    # and is no bounce
    assert await connection.fetchval("select status from message where id = $1", sent.message_id) == "ACCEPTED"


async def test_a_row_stands_where_the_mail_came_whatever_it_says_and_whenever_it_is_read(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    now = await connection.fetchval("select now()")
    early, late = now - timedelta(hours=5), now - timedelta(hours=2)
    # Given a mail of the future that came early and is read last
    await receive(connection, deployment, letter(message_id="<2@x>"), received_at=late)
    dated = letter(date="Tue, 19 Jan 2038 03:14:07 +0000")
    await receive(connection, deployment, dated, to=token_address(sent), received_at=early)
    rows = await received(connection)
    assert [row["mail_date"] for row in rows] == [early, late]
    minted = await connection.fetch(
        "select uuid_extract_timestamp(id) as at from message where direction = 'RECEIVED' order by id"
    )
    assert [abs((row["at"] - moment).total_seconds()) < 1 for row, moment in zip(minted, [early, late], strict=True)]
    assert all(row["id"] > sent.message_id for row in rows)


# Once ------------------------------------------------------------------------------------------------------------


async def test_a_mail_that_is_read_again_is_the_same_message(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    raw = letter()
    stored = await taken_in(connection, raw, to=token_address(sent))
    first = await read_and_join(connection, deployment, raw, stored)
    # Given words as rules of then read them
    await connection.execute("update received_mail set body = 'Thursday', quoted = 'suits me.', cut = true")
    again = await read_and_join(connection, deployment, raw, stored)
    assert first == again
    (row,) = await received(connection)
    assert (row["body"], row["quoted"], row["cut"]) == ("Thursday suits me.", None, False)
    assert await events(connection, sent) == [("REPLIED", "gateway")]


@pytest.mark.parametrize("token_first", [True, False])
async def test_a_mail_to_two_addresses_of_ours_is_shown_once(
    token_first: bool, connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    # Given the same mail by two ways, each with its own trace headers; the office's alone proves nothing
    ways = [
        (token_address(sent), b"Received: from a\r\nDelivered-To: token\r\n"),
        (OFFICE, b"Received: from b\r\nDelivered-To: office\r\n"),
    ]
    found = [
        await receive(connection, deployment, trace + letter(), to=to)
        for to, trace in (ways if token_first else reversed(ways))
    ]
    assert isinstance(found[0], Joined)
    assert isinstance(found[1], Joined)
    assert found[0].ref == found[1].ref
    # Then it stands there once, as sure as the surer way
    (row,) = await received(connection)
    assert (row["author"], row["answers_message_id"]) == ("CUSTOMER", sent.message_id)
    assert await events(connection, sent) == [("REPLIED", "gateway")]
    assert await connection.fetchval("select count(distinct message_id) from inbound_mail") == 1


@pytest.mark.parametrize(
    "other",
    [
        letter(body="Friday suits me."),
        letter(message_id="<2@customer.example>"),
        letter(subject="Re: Something else"),
        letter("Colleague <cara@customer.example>"),
    ],
    ids=["words", "id", "subject", "name"],
)
async def test_another_mail_is_another_message(
    other: bytes, connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    await receive(connection, deployment, letter(), to=token_address(sent))
    await receive(connection, deployment, other, to=token_address(sent))
    assert len(await received(connection)) == 2


async def test_the_same_mail_weeks_later_is_another_message(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    now = await connection.fetchval("select now()")
    await receive(connection, deployment, letter(), to=token_address(sent), received_at=now - timedelta(days=8))
    await receive(connection, deployment, letter(), to=OFFICE)
    assert len(await received(connection)) == 2


async def test_copies_that_are_read_at_once_are_one_message(
    pool: Any, connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    # Given that the customer is locked by the reading of the first copy
    raw = letter()
    first = await taken_in(connection, raw, to=token_address(sent))
    second = await taken_in(connection, raw, to=OFFICE)
    async with pool.acquire() as one, pool.acquire() as other:
        await asyncio.gather(read_and_join(one, deployment, raw, first), read_and_join(other, deployment, raw, second))
    assert len(await received(connection)) == 1


# Evidence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("automatic", [False, True])
async def test_an_answer_with_the_token_settles_an_uncertain_mail(
    automatic: bool, connection: Any, deployment: Deployment
) -> None:
    campaign = await make_campaign(connection)
    await insert(connection, "mailing_tally", mailing_id=await mailing_of(connection, campaign), shard=0, uncertain=1)
    sent = await make_sent(connection, status="UNCERTAIN", campaign_id=campaign, cause="CONNECTION_LOST")
    marked = {"auto_submitted": "auto-replied"} if automatic else {}
    found = await receive(connection, deployment, letter(**marked), to=token_address(sent))
    assert isinstance(found, Joined)
    row = await connection.fetchrow("select status, sent_at, cause from message where id = $1", sent.message_id)
    assert (row["status"], row["sent_at"], row["cause"]) == ("ACCEPTED", NOON, None)
    assert await settled_events(connection, sent) == [
        {"evidence": "REPLY", "message": str(found.ref.message_id), "verdict": "ACCEPTED"}
    ]
    assert tuple(await connection.fetchrow("select sum(accepted), sum(uncertain) from mailing_tally")) == (1, 0)


@pytest.mark.parametrize(("marked", "counted"), [({}, 1), ({"auto_submitted": "auto-replied"}, 0)])
async def test_a_campaign_counts_who_answered_and_no_machine(
    connection: Any, deployment: Deployment, marked: dict[str, str], counted: int
) -> None:
    sent = await make_sent(connection, campaign_id=await make_campaign(connection))
    for number in range(2):
        await receive(
            connection,
            deployment,
            letter(body=f"Answer {number}.", message_id=f"<{number}@customer.example>", **marked),
            to=token_address(sent),
        )
    assert await connection.fetchval("select coalesce(sum(replied), 0)::int from mailing_tally") == counted
    assert await results_amiss(connection) == []


async def test_an_answer_waits_for_what_comes_of_a_mail_that_is_being_sent(
    connection: Any, deployment: Deployment
) -> None:
    # Given a mail whose server answers no more, and whose reader does
    sent = await make_sent(connection, status="QUEUED")
    await make_outbox(
        connection, sent.customer_id, sent.message_id, handed_off_at=NOON, lease_owner=uuid4(), lease_until=NOON
    )
    raw = letter()
    stored = await taken_in(connection, raw, to=token_address(sent))
    with pytest.raises(TooEarly):
        await read_and_join(connection, deployment, raw, stored)
    assert await received(connection) == []
    # When it is given up as uncertain
    await connection.execute("delete from outbox")
    await connection.execute("update message set status = 'UNCERTAIN', decided_at = now()")
    # Then the answer settles it
    assert isinstance(await read_and_join(connection, deployment, raw, stored), Joined)
    assert len(await settled_events(connection, sent)) == 1


async def test_an_answer_waits_an_hour_at_most(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection, status="QUEUED")
    await make_outbox(
        connection, sent.customer_id, sent.message_id, handed_off_at=NOON, lease_owner=uuid4(), lease_until=NOON
    )
    hour_ago = await connection.fetchval("select now() - interval '61 minutes'")
    found = await receive(connection, deployment, letter(), to=token_address(sent), received_at=hour_ago)
    assert isinstance(found, Joined)


async def test_an_answer_without_the_token_settles_nothing(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection, status="UNCERTAIN")
    raw = letter(in_reply_to=message_id(sent), authentication_results=VERIFIED)
    assert isinstance(await receive(connection, deployment, raw), Joined)
    assert await connection.fetchval("select status from message where id = $1", sent.message_id) == "UNCERTAIN"


async def test_of_a_mail_with_copies_an_answer_settles_whose_return_path_it_came_to(
    connection: Any, deployment: Deployment
) -> None:
    sent = await make_sent(connection, status="UNCERTAIN")
    copy = {"customer_id": sent.customer_id, "message_id": sent.message_id, "role": "CC", "decided_at": NOON}
    await insert(connection, "copy", recipient_no=1, address="a@x.example", status="UNCERTAIN", **copy)
    await insert(connection, "copy", recipient_no=2, address="b@x.example", status="UNCERTAIN", **copy)

    async def statuses() -> list[str]:
        rows = await connection.fetch(
            "select status from message where direction = 'SENT'"
            " union all (select status from copy order by recipient_no)"
        )
        return [row["status"] for row in rows]

    # A reply may be of any reader
    await receive(connection, deployment, letter(), to=token_address(sent))
    assert await statuses() == ["UNCERTAIN"] * 3
    # An answer to a return path is of one
    await receive(connection, deployment, letter(message_id="<2@x>"), to=return_path(KEYRING, BOUNCE_DOMAIN, sent, 2))
    assert await statuses() == ["UNCERTAIN", "UNCERTAIN", "ACCEPTED"]
    await receive(connection, deployment, letter(message_id="<3@x>"), to=return_path(KEYRING, BOUNCE_DOMAIN, sent, 0))
    assert await statuses() == ["ACCEPTED", "UNCERTAIN", "ACCEPTED"]
    replied = "select array_agg(recipient_no order by id) from event where kind = 'REPLIED'"
    assert await connection.fetchval(replied) == [0, 2, 0]
    assert await connection.fetchval(
        "select array_agg(recipient_no order by id) from event where kind = 'SETTLED'"
    ) == [2, 0]


# Forwarded -------------------------------------------------------------------------------------------------------


async def forwarded_to(connection: Any) -> list[str]:
    """Where internal mail goes."""
    return [row["recipient"] for row in await connection.fetch("select recipient from message where internal")]


async def make_forwarding(connection: Any) -> MessageRef:
    """A mail of a sender whose replies go on to staff."""
    sender = await make_sender_version(connection, forward_replies_to="staff@fabrikam.example")
    return await make_sent(connection, sender_version_id=sender)


async def test_a_reply_goes_on_to_staff_once(connection: Any, deployment: Deployment) -> None:
    sent = await make_forwarding(connection)
    raw = letter(in_reply_to=message_id(sent))
    found = await receive(connection, deployment, raw, to=token_address(sent))
    await receive(connection, deployment, raw, to=OFFICE)
    assert await forwarded_to(connection) == ["staff@fabrikam.example"]
    assert isinstance(found, Joined)
    assert [kind for kind, _ in await events(connection, found.ref)] == ["RECEIVED", "FORWARDED"]


async def test_what_a_machine_wrote_or_an_erased_customer_does_not_go_on(
    connection: Any, deployment: Deployment
) -> None:
    sent = await make_forwarding(connection)
    await receive(connection, deployment, letter(auto_submitted="auto-replied"), to=token_address(sent))
    await connection.execute("update customer set erased_at = now()")
    await receive(connection, deployment, letter(message_id="<2@x>"), to=token_address(sent))
    assert await forwarded_to(connection) == []
    assert len(await received(connection)) == 2


async def test_a_reply_that_cannot_go_on_is_in_the_history(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent = await make_forwarding(connection)

    async def forward(connection: Any, *_: Any, **__: Any) -> None:
        await connection.execute("delete from received_mail")
        await connection.execute("select 1 / 0")

    monkeypatch.setattr("gateway.inbound.replies.forward", forward)
    assert isinstance(await receive(connection, deployment, letter(), to=token_address(sent)), Joined)
    assert len(await received(connection)) == 1
    assert "a reply could not be forwarded" in caplog.text

    # but PostgreSQL's absence is no matter of this mail
    async def away(*_: Any, **__: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr("gateway.inbound.replies.forward", away)
    with pytest.raises(ConnectionError):
        await receive(connection, deployment, letter(message_id="<2@x>"), to=token_address(sent))


# Erased ----------------------------------------------------------------------------------------------------------


async def test_nothing_personal_is_kept_of_an_erased_customers_mail(connection: Any, deployment: Deployment) -> None:
    sent = await make_sent(connection, status="UNCERTAIN")
    await connection.execute("update customer set erased_at = now()")
    await connection.execute("delete from customer_address")
    raw = letter(
        body="--b\r\n\r\nmy words\r\n--b\r\nContent-Disposition: attachment; filename=mine.txt\r\n\r\nmine\r\n--b--",
        content_type="multipart/mixed; boundary=b", authentication_results=VERIFIED,
    )  # fmt: skip
    found = await receive(connection, deployment, raw, to=token_address(sent))
    assert isinstance(found, Joined)
    # Then the history says that it came, when and to what
    (row,) = await received(connection)
    assert (row["answers_message_id"], row["source_type"]) == (sent.message_id, "WORK_ORDER")
    assert await connection.fetchval("select status from message where id = $1", sent.message_id) == "ACCEPTED"
    # and nothing else
    personal = (
        "sender",
        "recipient",
        "subject",
        "content_sha256",
        "from_address",
        "from_name",
        "quoted",
        "authentication",
    )
    assert {row[name] for name in personal} == {None}
    assert row["body"] == ""
    assert await connection.fetchval("select count(*) from message_attachment") == 0
    assert await connection.fetchval("select count(*) from content") == 0
    inbound = await connection.fetchrow("select envelope_from, content_sha256, subject, excerpt from inbound_mail")
    assert list(inbound) == [None] * 4


async def test_mail_that_another_customer_has_too_stays_theirs(connection: Any, deployment: Deployment) -> None:
    erased, sent = await make_sent(connection), await make_sent(connection, addresses=("dora@customer.example",))
    await connection.execute("update customer set erased_at = now() where id = $1", erased.customer_id)
    await receive(connection, deployment, letter(), to=token_address(sent))
    await receive(connection, deployment, letter(), to=token_address(erased))
    assert [row["content_sha256"] is None for row in await received(connection)] == [False, True]
    assert await connection.fetchval("select count(*) from content") == 1


async def test_open_pages_are_told(connection: Any, deployment: Deployment, sent: MessageRef) -> None:
    heard: list[str] = []

    def hear(*change: Any) -> None:
        heard.append(change[3])

    await connection.add_listener(CHANNEL, hear)
    await connection.execute(
        "insert into customer_watch values ($1, uuidv7(), now() + interval '1 hour')", sent.customer_id
    )
    found = await receive(connection, deployment, letter(), to=token_address(sent))
    assert isinstance(found, Joined)

    async def told() -> bool:
        await connection.fetchval("select 1")
        return len(heard) == 2

    await eventually(told)
    await connection.remove_listener(CHANNEL, hear)
    assert {ref.message_id.hex in "".join(heard) for ref in (found.ref, sent)} == {True}
