"""Mail in: one transaction, one result a key, and what a person may decide about one message."""

from __future__ import annotations

import asyncio
import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from icalendar import Calendar, Event

from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.letter import (
    CardLetter,
    CardMailKind,
    DocumentKind,
    ESignatureLetter,
    Mailbox,
    Money,
    Window,
    WorkOrderKind,
    WorkOrderLetter,
)
from gateway.mail.message import MessageRef
from gateway.outbox.actions import assume_sent, cancel, retry
from gateway.outbox.enqueue import SendRequest, enqueue
from gateway.outbox.idempotency import first_result
from gateway.settings import Settings
from gateway.storage import attachments, content
from gateway.templates import versions
from tests.builders import insert, make_customer
from tests.eventually import eventually

CARD = CardLetter(kind=CardMailKind.CHARGE, amount=Money(amount=Decimal("12.50"), currency="USD"))
VISIT = WorkOrderLetter(
    kind=WorkOrderKind.CREATED,
    number="WO-7",
    type="Installation",
    window=Window.parse("2099-12-01T09:00", "2099-12-01T11:00", "Europe/Berlin"),
)


@pytest.fixture
async def deployment(settings: Settings, connection: Any) -> Deployment:
    await versions.publish_builtins(connection)
    return Deployment.open(settings)


def request(customer_id: int, **values: Any) -> SendRequest:
    usual: dict[str, Any] = {"letter": CARD, "idempotency_key": uuid4().hex, "actor": "tests"}
    return SendRequest(customer_id=customer_id, **(usual | values))


async def message_of(connection: Any, ref: MessageRef) -> Any:
    return await connection.fetchrow(
        "select m.*, s.status as state from message m join message_state s using (customer_id, id) where m.id = $1",
        ref.message_id,
    )


async def test_a_letter_is_composed_stored_and_queued_in_one_go(connection: Any, deployment: Deployment) -> None:
    customer_id = await make_customer(connection, addresses=["ann@customer.example"], name="Ann")

    made = await enqueue(connection, request(customer_id, letter=VISIT), deployment)

    message = await message_of(connection, made.ref)
    assert (message["state"], message["source_type"], message["letter_kind"]) == ("QUEUED", "WORK_ORDER", "CREATED")
    assert (message["recipient"], message["recipient_name"]) == ("ann@customer.example", "Ann")
    assert message["sender"] == "Fabrikam Installers <hello@fabrikam.example>"
    stored = await content.load(connection, message["content_sha256"])
    assert made.ref.message_id.hex.encode() in stored
    waiting = await connection.fetchrow("select o.*, l.name as lane from outbox o join lane l on l.id = o.lane_id")
    assert (waiting["lane"], waiting["domain"], waiting["attempt"]) == ("work-order", "customer.example", 1)
    assert waiting["expires_at"] == datetime(2099, 12, 1, 8, 0, tzinfo=UTC)


async def event_in(connection: Any, ref: MessageRef) -> Event:
    """The calendar event of a work order's letter."""
    stored = await content.load(connection, (await message_of(connection, ref))["content_sha256"])
    message = email.message_from_bytes(stored, policy=email.policy.default)
    [file] = [part for part in message.walk() if part.get_content_type() == "application/ics"]
    return Calendar.from_ical(file.get_content()).events[0]


async def test_letters_of_one_moment_about_a_work_order_have_rising_sequences(
    connection: Any, deployment: Deployment
) -> None:
    customer_id, other = await make_customer(connection), await make_customer(connection)
    kinds = [WorkOrderKind.CREATED, WorkOrderKind.CHANGED, WorkOrderKind.REMINDER, WorkOrderKind.CANCELLED]

    # Given one moment: `now()` is the same for all letters of a transaction
    async with connection.transaction():
        letters = [request(customer_id, letter=replace(VISIT, kind=kind)) for kind in kinds]
        events = [await event_in(connection, (await enqueue(connection, one, deployment)).ref) for one in letters]
        again = [(await enqueue(connection, one, deployment)).repeated for one in letters]
        others = await event_in(connection, (await enqueue(connection, request(other, letter=VISIT), deployment)).ref)
        counted = replace(VISIT, kind=WorkOrderKind.CHANGED, sequence=2**31 - 2)
        ahead = await event_in(
            connection, (await enqueue(connection, request(customer_id, letter=counted), deployment)).ref
        )
        last = request(customer_id, letter=replace(VISIT, kind=WorkOrderKind.CHANGED))
        behind = await event_in(connection, (await enqueue(connection, last, deployment)).ref)

    assert len({event.DTSTAMP for event in events}) == len({str(event["UID"]) for event in events}) == 1
    first = events[0].sequence
    assert [event.sequence for event in events] == [first, first + 1, first + 2, first + 3]
    # A repeat counts nothing, another customer's order of this number has its own count, and who counts is believed.
    assert again == [True] * len(kinds)
    assert others.sequence == first
    assert (ahead.sequence, behind.sequence) == (2**31 - 2, 2**31 - 1)


async def test_a_sequence_below_an_earlier_one_of_its_work_order_is_refused(
    connection: Any, deployment: Deployment
) -> None:
    # Given a work order whose caller has counted to 5
    customer_id = await make_customer(connection)
    await enqueue(connection, request(customer_id, letter=replace(VISIT, sequence=5)), deployment)

    # When a later letter says 3, then it is refused and nothing is written
    changed = replace(VISIT, kind=WorkOrderKind.CHANGED)
    with pytest.raises(Refusal) as refused:
        await enqueue(connection, request(customer_id, letter=replace(changed, sequence=3)), deployment)
    assert (refused.value.code, refused.value.field) == (RefusalCode.INVALID, ("sequence",))
    assert await connection.fetchval("select count(*) from message") == 1

    # And the same (a reminder), a higher one, and one that the ledger counts are taken
    for sequence, written in ((5, 5), (9, 9), (None, 10)):
        taken = await enqueue(connection, request(customer_id, letter=replace(changed, sequence=sequence)), deployment)
        assert (await event_in(connection, taken.ref)).sequence == written


async def test_the_same_key_gives_the_first_result_and_other_content_is_refused(
    connection: Any, deployment: Deployment
) -> None:
    customer_id = await make_customer(connection)
    first_order = request(customer_id)
    first = await enqueue(connection, first_order, deployment)

    again = await enqueue(connection, replace(first_order, actor="somebody else"), deployment)
    assert (again.ref, again.repeated) == (first.ref, True)

    with pytest.raises(Refusal) as refused:
        await enqueue(connection, replace(first_order, letter=replace(CARD, note="changed")), deployment)
    assert (refused.value.code, refused.value.field) == (RefusalCode.IDEMPOTENCY_CONFLICT, ("idempotencyKey",))
    assert await connection.fetchval("select count(*) from message") == 1


async def test_two_callers_of_one_key_make_one_message(pool: Any, connection: Any, deployment: Deployment) -> None:
    customer_id = await make_customer(connection)
    one = request(customer_id)
    async with pool.acquire() as first, pool.acquire() as second:
        async with first.transaction():
            made = await enqueue(first, one, deployment)
            waiting = asyncio.create_task(enqueue(second, one, deployment))
        assert (await waiting).ref == made.ref
    assert await connection.fetchval("select count(*) from message") == 1


async def test_copies_are_recipients_of_their_own_and_nobody_gets_two(connection: Any, deployment: Deployment) -> None:
    customer_id = await make_customer(connection, addresses=["ann@customer.example"])
    made = await enqueue(
        connection,
        request(
            customer_id,
            cc=(Mailbox(address="boss@customer.example", name="Boss"), Mailbox(address="Ann@customer.example")),
            bcc=(Mailbox(address="files@customer.example"),),
            bcc_sender=True,
        ),
        deployment,
    )

    copies = await connection.fetch("select recipient_no, role, address from copy order by recipient_no")
    assert [tuple(copy) for copy in copies] == [
        (1, "CC", "boss@customer.example"),
        (2, "BCC", "files@customer.example"),
        (3, "BCC", "hello@fabrikam.example"),
    ]
    assert await connection.fetchval("select count(*) from outbox") == 4
    stored = await content.load(connection, (await message_of(connection, made.ref))["content_sha256"])
    assert b"files@customer.example" not in stored


async def test_attachments_are_carried_once_each_and_kept_from_the_sweep(
    connection: Any, deployment: Deployment
) -> None:
    customer_id = await make_customer(connection)
    kept = await attachments.store(connection, name="plan.pdf", stream=b"%PDF-1.4 plan", uploaded_by="tests")

    made = await enqueue(connection, request(customer_id, attachment_ids=(kept,)), deployment)

    row = await connection.fetchrow("select * from message_attachment where message_id = $1", made.ref.message_id)
    assert (row["name"], row["media_type"], row["size"]) == ("plan.pdf", "application/pdf", 13)
    assert await connection.fetchval("select referenced_at is not null from attachment")
    assert b"plan.pdf" in await content.load(connection, (await message_of(connection, made.ref))["content_sha256"])


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"customer_id": 999_999}, RefusalCode.NOT_FOUND, ("customerId",)),
        ({"address": "stranger@elsewhere.example"}, RefusalCode.ADDRESS_INVALID, ("address",)),
        ({"sender_id": uuid4()}, RefusalCode.NOT_FOUND, ("senderId",)),
        ({"attachment_ids": (uuid4(),)}, RefusalCode.NOT_FOUND, ("attachmentIds", "0")),
        ({"idempotency_key": ""}, RefusalCode.REQUIRED, ("idempotencyKey",)),
        ({"idempotency_key": "k" * 256}, RefusalCode.TOO_LONG, ("idempotencyKey",)),
        ({"cc": tuple(Mailbox(address=f"c{n}@x.example") for n in range(101))}, RefusalCode.TOO_MANY, ("cc",)),
        (
            {"letter": replace(VISIT, window=Window.parse("2020-12-01T09:00", "2020-12-01T10:00", "UTC"))},
            RefusalCode.DEADLINE_PASSED,
            ("window", "start"),
        ),
        (
            {
                "letter": ESignatureLetter(
                    document_kind=DocumentKind.PROPOSAL,
                    title="Roof",
                    portal_url="https://portal.example/1",
                    expires_at=datetime.now(UTC) - timedelta(seconds=1),
                )
            },
            RefusalCode.DEADLINE_PASSED,
            ("expiresAt",),
        ),
    ],
)
async def test_what_is_refused_writes_nothing(
    connection: Any, deployment: Deployment, change: dict[str, Any], code: RefusalCode, field: tuple[str, ...]
) -> None:
    customer_id = await make_customer(connection)

    with pytest.raises(Refusal) as refused:
        await enqueue(connection, request(**({"customer_id": customer_id} | change)), deployment)

    assert (refused.value.code, refused.value.field) == (code, field)
    for table in ("message", "outbox", "idempotency_key", "event"):
        assert await connection.fetchval(f"select count(*) from {table}") == 0  # noqa: S608 - names are the test's own


async def test_an_erased_customer_gets_no_mail(connection: Any, deployment: Deployment) -> None:
    customer_id = await make_customer(connection, erased_at=datetime.now(UTC))

    with pytest.raises(Refusal) as refused:
        await enqueue(connection, request(customer_id), deployment)

    assert refused.value.code is RefusalCode.ERASED


async def test_a_suppressed_address_is_held_and_says_why_and_its_copy_goes(
    connection: Any, deployment: Deployment
) -> None:
    customer_id = await make_customer(connection, addresses=["gone@customer.example"])
    await insert(
        connection,
        "suppression",
        address_key=deployment.key_of("GONE@customer.example"),
        reason="BAD_ADDRESS",
        actor="t",
    )

    made = await enqueue(connection, request(customer_id, cc=(Mailbox(address="boss@customer.example"),)), deployment)

    message = await message_of(connection, made.ref)
    assert (message["state"], message["cause"]) == ("HELD", "SUPPRESSED")
    assert "must not be mailed" in message["advice"]
    event = await connection.fetchrow("select kind, actor, data from event")
    assert (event["kind"], event["actor"], event["data"]["cause"]) == ("HELD", "gateway", "SUPPRESSED")
    assert await connection.fetchval("select address from outbox") == "boss@customer.example"


async def test_mail_bound_to_a_relay_that_is_not_configured_is_held(connection: Any, deployment: Deployment) -> None:
    made = await enqueue(connection, request(await make_customer(connection), bound_relay="demo"), deployment)

    message = await message_of(connection, made.ref)
    assert (message["state"], message["cause"]) == ("HELD", "WRONG_RELAY")
    assert await connection.fetchval("select count(*) from outbox") == 0


async def decided(connection: Any, ref: MessageRef, status: str) -> None:
    """The first attempt has come to this."""
    await connection.execute("delete from outbox")
    await connection.execute(
        "update message set status = $1::email_status, decided_at = now(), cause = 'UNKNOWN',"
        " sent_at = case when $1::email_status in ('ACCEPTED', 'BOUNCED') then now() end,"
        " bounced_at = case when $1::email_status = 'BOUNCED' then now() end",
        status,
    )
    await insert(
        connection,
        "event",
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        kind="UNCERTAIN",
        actor="gateway",
        data={"attempt": 3},
    )


@pytest.mark.parametrize("status", ["UNCERTAIN", "REFUSED", "EXPIRED", "BOUNCED", "HELD"])
async def test_a_person_may_retry_what_was_not_accepted(connection: Any, deployment: Deployment, status: str) -> None:
    ref = (await enqueue(connection, request(await make_customer(connection)), deployment)).ref
    await decided(connection, ref, status)

    await retry(connection, ref, "Dana", deployment)

    message = await message_of(connection, ref)
    assert (message["status"], message["decided_at"], message["cause"]) == ("QUEUED", None, None)
    waiting = await connection.fetchrow("select attempt, expires_at > now() as in_time from outbox")
    assert (waiting["attempt"], waiting["in_time"]) == (4, True)
    event = await connection.fetchrow("select * from event where kind = 'RETRIED'")
    assert (event["actor"], event["data"]["before"]) == ("Dana", status)


async def test_nothing_can_be_done_about_a_message_that_is_not_there(connection: Any, deployment: Deployment) -> None:
    nowhere = MessageRef(customer_id=1, message_id=uuid4())
    for call in (
        retry(connection, nowhere, "Dana", deployment),
        cancel(connection, nowhere, "Dana", deployment),
        assume_sent(connection, nowhere, "Dana", deployment),
    ):
        with pytest.raises(Refusal) as refused:
            await call
        assert refused.value.code is RefusalCode.NOT_FOUND


async def test_accepted_mail_cannot_be_retried_and_a_suppressed_address_not_before_it_is_free(
    connection: Any, deployment: Deployment
) -> None:
    customer_id = await make_customer(connection, addresses=["a@customer.example"])
    ref = (await enqueue(connection, request(customer_id), deployment)).ref
    for status, code in (("ACCEPTED", RefusalCode.ILLEGAL_STATE), ("REFUSED", RefusalCode.SUPPRESSED)):
        await decided(connection, ref, status)
        await connection.execute(
            "insert into suppression (address_key, reason, actor) values ($1, 'STAFF', 't') on conflict do nothing",
            deployment.key_of("a@customer.example"),
        )
        with pytest.raises(Refusal) as refused:
            await retry(connection, ref, "Dana", deployment)
        assert refused.value.code is code


async def test_a_person_may_assume_an_uncertain_mail_sent_and_no_other(connection: Any, deployment: Deployment) -> None:
    ref = (await enqueue(connection, request(await make_customer(connection)), deployment)).ref
    with pytest.raises(Refusal):
        await assume_sent(connection, ref, "Dana", deployment)
    await decided(connection, ref, "UNCERTAIN")

    await assume_sent(connection, ref, "Dana", deployment)

    message = await message_of(connection, ref)
    assert (message["state"], message["sent_at"] is not None) == ("ACCEPTED", True)
    assert await connection.fetchval("select actor from event where kind = 'ASSUMED_SENT'") == "Dana"


async def test_a_queued_mail_can_be_cancelled_until_it_is_handed_off(connection: Any, deployment: Deployment) -> None:
    ref = (await enqueue(connection, request(await make_customer(connection)), deployment)).ref
    await connection.execute(
        "update outbox set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 min',"
        " handed_off_at = now()"
    )
    with pytest.raises(Refusal) as refused:
        await cancel(connection, ref, "Dana", deployment)
    assert refused.value.code is RefusalCode.ILLEGAL_STATE
    await connection.execute("update outbox set lease_owner = null, lease_until = null, handed_off_at = null")

    await cancel(connection, ref, "Dana", deployment)

    message = await message_of(connection, ref)
    assert (message["state"], message["cause"]) == ("CANCELLED", "BY_PERSON")
    assert await connection.fetchval("select actor from event where kind = 'CANCELLED'") == "Dana"


@pytest.mark.parametrize("handed_off", [0, 1])
async def test_a_mail_of_which_one_recipient_is_handed_off_cannot_be_cancelled(
    connection: Any, deployment: Deployment, handed_off: int
) -> None:
    # Given a mail whose To is with the server while its CC waits, or the other way round
    copied = request(await make_customer(connection), cc=(Mailbox(address="bob@customer.example"),))
    ref = (await enqueue(connection, copied, deployment)).ref
    await connection.execute(
        "update outbox set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 min',"
        " handed_off_at = now() where recipient_no = $1",
        handed_off,
    )

    with pytest.raises(Refusal) as refused:
        await cancel(connection, ref, "Dana", deployment)

    # Then nothing of it is written, whatever part could have been
    assert refused.value.code is RefusalCode.ILLEGAL_STATE
    assert await connection.fetchval("select count(*) from outbox") == 2
    assert await connection.fetchval("select count(*) from event") == 0
    assert await connection.fetchval("select status::text from copy") == "QUEUED"


async def test_the_same_name_with_other_bytes_under_one_key_is_refused(connection: Any, deployment: Deployment) -> None:
    customer_id = await make_customer(connection)
    one, other = [
        await attachments.store(connection, name="offer.txt", stream=text, uploaded_by="tests")
        for text in (b"12,50", b"99,00")
    ]
    first = request(customer_id, attachment_ids=(one,))
    made = await enqueue(connection, first, deployment)

    with pytest.raises(Refusal) as refused:
        await enqueue(connection, replace(first, attachment_ids=(other,)), deployment)

    assert refused.value.code is RefusalCode.IDEMPOTENCY_CONFLICT
    assert (await enqueue(connection, first, deployment)).ref == made.ref


async def test_a_held_mail_can_be_cancelled_too(connection: Any, deployment: Deployment) -> None:
    ref = (await enqueue(connection, request(await make_customer(connection), bound_relay="demo"), deployment)).ref

    await cancel(connection, ref, "Dana", deployment)

    assert (await message_of(connection, ref))["state"] == "CANCELLED"


async def test_who_uses_a_key_at_the_same_time_waits_for_the_first(connection: Any, pool: Any) -> None:
    async with pool.acquire() as other, pool.acquire() as observer:
        # Given a caller that has looked a key up and not ended
        async with connection.transaction():
            assert await first_result(connection, "the key", b"digest") is None
            # When another uses the key, then it waits
            asking = asyncio.create_task(first_result(other, "the key", b"digest"))
            waiting = "select exists (select from pg_locks where not granted and pid = $1)"
            await eventually(lambda: observer.fetchval(waiting, other.get_server_pid()), "the wait for the key")
        # And goes on when the first has ended
        assert await asking is None
