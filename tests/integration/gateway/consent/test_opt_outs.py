"""Opt-outs and suppressions: who chose what, and what becomes of mail that was already made."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.consent import opt_outs, suppressions
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.choice import OptOutKind, OptOutSource, SuppressionReason
from gateway.mail.message import MessageRef
from gateway.settings import Settings
from tests.builders import make_campaign, make_customer, make_message, make_outbox

ANN = "ann@customer.example"
MARKETING, EVENT_BASED = OptOutKind.MARKETING, OptOutKind.EVENT_BASED


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def queue_campaign_mail(
    connection: Any, customer_id: int, *, address: str = ANN, kind: str = "MARKETING", **outbox: Any
) -> UUID:
    campaign = await make_campaign(connection, kind=kind)
    lane = await connection.fetchval("select id from lane where campaign_id = $1", campaign)
    message = await make_message(connection, customer_id, campaign_id=campaign, recipient=address)
    await make_outbox(connection, customer_id, message, address=address, opt_out_kind=kind, lane_id=lane, **outbox)
    return message


async def state(connection: Any, customer_id: int, message_id: UUID) -> tuple[str, str | None]:
    row = await connection.fetchrow(
        "select s.status, m.cause from message_state s join message m using (customer_id, id)"
        " where s.customer_id = $1 and s.id = $2",
        customer_id,
        message_id,
    )
    return row["status"], row["cause"]


async def test_staff_opt_a_customer_out_and_queued_mail_is_held(connection: Any) -> None:
    # Given a customer with queued campaign mail of both kinds and a work order
    customer = await make_customer(connection, addresses=[ANN])
    marketing = await queue_campaign_mail(connection, customer)
    event_based = await queue_campaign_mail(connection, customer, kind="EVENT_BASED")
    order = await make_message(connection, customer, recipient=ANN)
    await make_outbox(connection, customer, order, address=ANN)
    # When a colleague opts it out of marketing
    changed = await opt_outs.set_opt_out(connection, customer_id=customer, kind=MARKETING, opted_out=True, actor="jo")
    # Then only the marketing mail is held, and says why, by whom
    assert changed
    assert await state(connection, customer, marketing) == ("HELD", "OPTED_OUT")
    assert await state(connection, customer, event_based) == ("QUEUED", None)
    assert await state(connection, customer, order) == ("QUEUED", None)
    event = await connection.fetchrow("select kind, actor from event where message_id = $1", marketing)
    assert (event["kind"], event["actor"]) == ("HELD", "jo")
    row = await connection.fetchrow("select source, actor, opted_out_at from opt_out where customer_id = $1", customer)
    assert (row["source"], row["actor"]) == ("STAFF", "jo")


async def test_a_repeat_changes_and_writes_nothing(connection: Any) -> None:
    customer = await make_customer(connection)
    for expected in (True, False, False):
        changed = await opt_outs.set_opt_out(
            connection, customer_id=customer, kind=EVENT_BASED, opted_out=True, actor="jo"
        )
        assert changed is expected
    assert await connection.fetchval("select count(*) from consent_event") == 1


async def test_mail_on_the_wire_is_not_called_back(connection: Any) -> None:
    customer = await make_customer(connection, addresses=[ANN])
    now = await connection.fetchval("select now()")
    sent = await queue_campaign_mail(connection, customer, lease_owner=uuid4(), lease_until=now, handed_off_at=now)
    await opt_outs.set_opt_out(connection, customer_id=customer, kind=MARKETING, opted_out=True, actor="jo")
    assert await state(connection, customer, sent) == ("HANDED_OFF", None)


async def test_opting_in_again_lifts_the_customers_and_its_addresses_choice(
    connection: Any, deployment: Deployment
) -> None:
    customer = await make_customer(connection, addresses=[ANN])
    message = await queue_campaign_mail(connection, customer)
    ref = MessageRef(customer_id=customer, message_id=message)
    await opt_outs.opt_out_by_link(connection, ref, kinds=None, source=OptOutSource.ONE_CLICK, deployment=deployment)
    await opt_outs.set_opt_out(connection, customer_id=customer, kind=MARKETING, opted_out=True, actor="jo")
    assert await opt_outs.set_opt_out(connection, customer_id=customer, kind=MARKETING, opted_out=False, actor="jo")
    assert not await opt_outs.set_opt_out(connection, customer_id=customer, kind=MARKETING, opted_out=False, actor="jo")
    assert await connection.fetchval("select count(*) from opt_out") == 0
    assert await connection.fetchval("select count(*) from address_opt_out") == 0
    story = await connection.fetch("select opted_out, source, actor from consent_event order by id")
    assert [tuple(row) for row in story] == [
        (True, "ONE_CLICK", "customer"),
        (True, "STAFF", "jo"),
        (False, "STAFF", "jo"),
        (False, "STAFF", "jo"),
    ]


@pytest.mark.parametrize(("erased", "code"), [(None, RefusalCode.NOT_FOUND), (True, RefusalCode.ERASED)])
async def test_no_choice_for_nobody(connection: Any, erased: bool | None, code: RefusalCode) -> None:
    customer = 999_999
    if erased:
        customer = await make_customer(connection)
        await connection.execute("update customer set erased_at = now() where id = $1", customer)
    with pytest.raises(Refusal) as refusal:
        await opt_outs.set_opt_out(connection, customer_id=customer, kind=MARKETING, opted_out=True, actor="jo")
    assert refusal.value.code is code
    assert refusal.value.field == ("customerId",)


async def test_a_link_opts_the_address_out_under_every_customer(connection: Any, deployment: Deployment) -> None:
    # Given two customers that share an address, spelled differently, and a third that does not
    one = await make_customer(connection, addresses=[ANN])
    other = await make_customer(connection, addresses=["second@customer.example", "Ann@Customer.Example"])
    third = await make_customer(connection, addresses=["bob@customer.example"])
    read = await queue_campaign_mail(connection, one)
    waiting = await queue_campaign_mail(connection, other, address="Ann@Customer.Example")
    elsewhere = await queue_campaign_mail(connection, other, address="second@customer.example")
    bobs = await queue_campaign_mail(connection, third, address="bob@customer.example")
    # When Ann unsubscribes by the link of one mail
    ref = MessageRef(customer_id=one, message_id=read)
    chosen = await opt_outs.opt_out_by_link(
        connection, ref, kinds=None, source=OptOutSource.LINK, deployment=deployment
    )
    # Then her address gets no marketing under either, and other addresses do
    assert chosen == frozenset({MARKETING})
    assert await state(connection, one, read) == ("HELD", "OPTED_OUT")
    assert await state(connection, other, waiting) == ("HELD", "OPTED_OUT")
    assert await state(connection, other, elsewhere) == ("QUEUED", None)
    assert await state(connection, third, bobs) == ("QUEUED", None)
    # and the mail's history says so
    event = await connection.fetchrow("select actor, data from event where kind = 'OPTED_OUT'")
    assert (event["actor"], event["data"]) == ("customer", {"kinds": ["MARKETING"], "source": "LINK"})


async def test_a_link_pressed_twice_at_once_is_one_choice(pool: Any, deployment: Deployment) -> None:
    customer = await make_customer(pool, addresses=[ANN])
    ref = MessageRef(customer_id=customer, message_id=await queue_campaign_mail(pool, customer, kind="EVENT_BASED"))

    async def press() -> frozenset[OptOutKind] | None:
        async with pool.acquire() as connection:
            return await opt_outs.opt_out_by_link(
                connection, ref, kinds=None, source=OptOutSource.ONE_CLICK, deployment=deployment
            )

    assert await asyncio.gather(*(press() for _ in range(8))) == [frozenset({EVENT_BASED})] * 8
    assert await pool.fetchval("select count(*) from address_opt_out") == 1
    assert await pool.fetchval("select count(*) from consent_event") == 1
    assert await pool.fetchval("select count(*) from event where kind = 'OPTED_OUT'") == 1


async def test_the_page_knows_what_was_chosen(connection: Any, deployment: Deployment) -> None:
    customer = await make_customer(connection, addresses=[ANN], locale="de")
    ref = MessageRef(customer_id=customer, message_id=await queue_campaign_mail(connection, customer))
    before = await opt_outs.read_subscription(connection, ref, deployment=deployment)
    assert before == opt_outs.Subscription(
        locale="de", sender="Fabrikam Installers", kind=MARKETING, opted_out=frozenset()
    )
    await opt_outs.opt_out_by_link(
        connection, ref, kinds=[MARKETING, EVENT_BASED], source=OptOutSource.LINK, deployment=deployment
    )
    after = await opt_outs.read_subscription(connection, ref, deployment=deployment)
    assert after is not None
    assert after.opted_out == {MARKETING, EVENT_BASED}


async def test_a_message_of_nobody_is_nobodys_choice(connection: Any, deployment: Deployment) -> None:
    nobody = MessageRef(customer_id=1, message_id=uuid4())
    assert await opt_outs.read_subscription(connection, nobody, deployment=deployment) is None
    link = OptOutSource.LINK
    assert await opt_outs.opt_out_by_link(connection, nobody, kinds=None, source=link, deployment=deployment) is None
    assert await connection.fetchval("select count(*) from address_opt_out") == 0


async def erase(connection: Any, customer: int, deployment: Deployment) -> None:
    """What erasure leaves of a customer as far as consent goes: no address, and the key of each mail's."""
    await connection.execute(
        "update message set recipient = null, recipient_key = $2 where customer_id = $1",
        customer,
        deployment.key_of(ANN),
    )
    await connection.execute("update customer set erased_at = now(), name = null where id = $1", customer)
    await connection.execute("delete from customer_address where customer_id = $1", customer)


async def test_the_link_of_an_erased_customers_mail_still_opts_the_address_out(
    connection: Any, deployment: Deployment
) -> None:
    # Given Ann, who was erased, and who is imported again later
    customer = await make_customer(connection, addresses=[ANN])
    ref = MessageRef(customer_id=customer, message_id=await queue_campaign_mail(connection, customer))
    await erase(connection, customer, deployment)
    again = await make_customer(connection, addresses=[ANN])
    waiting = await queue_campaign_mail(connection, again)
    # When she unsubscribes by the link of the old mail
    before = await opt_outs.read_subscription(connection, ref, deployment=deployment)
    chosen = await opt_outs.opt_out_by_link(
        connection, ref, kinds=None, source=OptOutSource.LINK, deployment=deployment
    )
    # Then her address gets no marketing any more, under whatever customer
    assert chosen == frozenset({MARKETING})
    assert await connection.fetchval("select address_key from address_opt_out") == deployment.key_of(ANN)
    assert await state(connection, again, waiting) == ("HELD", "OPTED_OUT")
    # and the page of the old link knows
    after = await opt_outs.read_subscription(connection, ref, deployment=deployment)
    assert before is not None
    assert after is not None
    assert not before.opted_out
    assert after.opted_out == {MARKETING}


async def test_nobody_takes_a_mails_address_and_leaves_no_key(connection: Any) -> None:
    customer = await make_customer(connection)
    await make_message(connection, customer)
    with pytest.raises(asyncpg.CheckViolationError, match="message_keeps_whom_it_went_to"):
        await connection.execute("update message set recipient = null")


@pytest.mark.parametrize(
    ("reason", "individual"), [("BAD_ADDRESS", ("HELD", "SUPPRESSED")), ("COMPLAINT", ("QUEUED", None))]
)
async def test_a_closed_address_holds_what_is_queued_for_it_once_and_a_complaint_only_campaigns(
    connection: Any, deployment: Deployment, reason: str, individual: tuple[str, str | None]
) -> None:
    customer = await make_customer(connection, addresses=[ANN])
    campaign = await queue_campaign_mail(connection, customer)
    order = await make_message(connection, customer, recipient=ANN)
    await make_outbox(connection, customer, order, address=ANN)
    closing: dict[str, Any] = {
        "address_key": deployment.key_of(ANN),
        "reason": SuppressionReason(reason),
        "evidence": MessageRef(customer_id=customer, message_id=campaign),
    }
    assert await suppressions.suppress(connection, **closing)
    assert not await suppressions.suppress(connection, **closing)
    assert await state(connection, customer, campaign) == ("HELD", "SUPPRESSED")
    assert await state(connection, customer, order) == individual
