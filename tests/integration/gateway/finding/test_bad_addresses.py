"""Addresses that take no mail: which are listed from when to when, whatever changes in the ledger."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from gateway.consent import suppressions
from gateway.deployment import Deployment
from gateway.finding import bad_addresses
from gateway.mail.address import address_key
from gateway.mail.choice import SuppressionScope
from gateway.settings import Settings
from tests.builders import KEYRING, NOON, insert, make_attempt, make_customer, make_message
from tests.finding import keep_up

GONE, OTHER = "Gone@customer.example", "other@customer.example"
HOUR = timedelta(hours=1)


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def failed(connection: Any, customer: int, hours: int = 0, **values: Any) -> UUID:
    """A mail that was decided some hours after noon; refused as a bad address unless told otherwise."""
    usual = {"status": "REFUSED", "cause": "BAD_ADDRESS", "recipient": GONE} | values
    moments = {"decided_at": NOON + hours * HOUR}
    if usual["status"] in ("ACCEPTED", "BOUNCED"):
        moments["sent_at"] = NOON + hours * HOUR
    if usual["status"] == "BOUNCED":
        moments |= {"sent_at": NOON, "bounced_at": NOON + hours * HOUR}
    if usual["status"] == "ACCEPTED":
        usual["cause"] = None
    return await make_message(connection, customer, **usual, **moments)


async def listed(connection: Any, deployment: Deployment) -> list[Any]:
    """Which addresses are listed once the job is through, by whom and why: the newest failure first."""
    await keep_up(connection, deployment)
    rows = await connection.fetch(
        "select b.customer_id, a.address, b.cause, (extract(epoch from b.failing_since - $1) / 3600)::int as since,"
        " (extract(epoch from b.failed_at - $1) / 3600)::int as last, b.message_id from bad_address b"
        " join customer_address a using (customer_id, address_key) order by b.failed_at desc, b.id desc",
        NOON,
    )
    return [tuple(row) for row in rows]


async def test_one_failure_that_speaks_of_the_address_lists_it(connection: Any, deployment: Deployment) -> None:
    wanted = []
    for number, (status, cause) in enumerate(
        product(["REFUSED", "BOUNCED"], ["BAD_ADDRESS", "BAD_DOMAIN", "MAILBOX_FULL", "INACTIVE"])
    ):
        customer = await make_customer(connection, addresses=[GONE.lower(), OTHER])
        message = await failed(connection, customer, number, status=status, cause=cause)
        wanted.append((customer, GONE.lower(), cause, number, number, message))
    assert await listed(connection, deployment) == wanted[::-1]


async def test_what_passed_its_deadline_counts_as_what_its_last_attempt_was_told(
    connection: Any, deployment: Deployment
) -> None:
    # Given mail that expired: told of a full mailbox; of trouble over there; and told nothing
    found = []
    for cause in ("MAILBOX_FULL", "DESTINATION_TROUBLE", None):
        customer = await make_customer(connection, addresses=[GONE])
        message = await failed(connection, customer, status="EXPIRED", cause="DEADLINE")
        if cause:
            await make_attempt(connection, customer, message, verdict="DEFERRED", cause="GREYLISTED")
            await make_attempt(connection, customer, message, number=2, verdict="DEFERRED", cause=cause)
        found.append((customer, GONE, cause, 0, 0, message))
    # Then only the first is listed, with what was said
    assert await listed(connection, deployment) == found[:1]


async def test_other_refusals_list_it_when_they_keep_coming(connection: Any, deployment: Deployment) -> None:
    # Given two refusals for reasons that may be anybody's
    customer = await make_customer(connection, addresses=[GONE])
    for hours, cause in enumerate(["POLICY", "SPAM"]):
        await failed(connection, customer, hours, cause=cause)
    assert await listed(connection, deployment) == []
    # When what is the mail's own fault is added, then nothing is listed; with a third of them it is
    await failed(connection, customer, 2, cause="SIZE")
    assert await listed(connection, deployment) == []
    message = await failed(connection, customer, 3, cause="POLICY")
    assert await listed(connection, deployment) == [(customer, GONE, "POLICY", 0, 3, message)]
    # And words that speak of the address go before newer ones that do not
    speaks = await failed(connection, customer, 4, cause="INACTIVE")
    await failed(connection, customer, 5, cause="POLICY")
    assert await listed(connection, deployment) == [(customer, GONE, "INACTIVE", 0, 4, speaks)]


async def test_a_success_takes_it_off_and_a_failure_after_that_is_a_new_row(
    connection: Any, deployment: Deployment
) -> None:
    # Given an address that fails twice, while mail to another one of the customer's arrives
    customer = await make_customer(connection, addresses=[GONE, OTHER])
    await failed(connection, customer, 0, cause="MAILBOX_FULL")
    again = await failed(connection, customer, 2, cause="MAILBOX_FULL")
    await failed(connection, customer, 3, status="ACCEPTED", recipient=OTHER)
    assert await listed(connection, deployment) == [(customer, GONE, "MAILBOX_FULL", 0, 2, again)]
    first_id = await connection.fetchval("select id from bad_address")
    # When mail to it was accepted between the two, as is learnt late, then it fails since the second
    await failed(connection, customer, 1, status="ACCEPTED", recipient=GONE.upper())
    assert await listed(connection, deployment) == [(customer, GONE, "MAILBOX_FULL", 2, 2, again)]
    assert await connection.fetchval("select id from bad_address") == first_id
    # When it takes mail, then it is off the list; a failure after that lists it anew
    await failed(connection, customer, 4, status="ACCEPTED")
    assert await listed(connection, deployment) == []
    later = await failed(connection, customer, 5)
    assert await listed(connection, deployment) == [(customer, GONE, "BAD_ADDRESS", 5, 5, later)]
    assert await connection.fetchval("select id from bad_address") != first_id


async def test_mail_that_bounces_later_lists_it_although_it_was_accepted(
    connection: Any, deployment: Deployment
) -> None:
    customer = await make_customer(connection, addresses=[GONE])
    message = await failed(connection, customer, 0, status="ACCEPTED")
    assert await listed(connection, deployment) == []
    await connection.execute(
        "update message set status = 'BOUNCED', bounced_at = $1, cause = 'BAD_ADDRESS'", NOON + 3 * HOUR
    )
    assert await listed(connection, deployment) == [(customer, GONE, "BAD_ADDRESS", 3, 3, message)]
    # When it is tried again, then it is off the list until that is decided
    await connection.execute(
        "update message set status = 'QUEUED', decided_at = null, sent_at = null, bounced_at = null, cause = null"
    )
    assert await listed(connection, deployment) == []


async def test_an_address_that_the_customer_loses_is_off_the_list_at_once(
    connection: Any, deployment: Deployment
) -> None:
    # Given two customers with the same bad address, each with mail of its own
    one, two = [await make_customer(connection, addresses=[OTHER, GONE]) for _ in range(2)]
    for customer in (one, two):
        await failed(connection, customer)
    assert {row[0] for row in await listed(connection, deployment)} == {one, two}
    before = await connection.fetch("select * from bad_address order by id")
    # When an upsert writes all addresses of one anew, then nothing changes
    async with connection.transaction():
        rows = await connection.fetch("delete from customer_address where customer_id = $1 returning *", one)
        for row in rows:
            await insert(connection, "customer_address", **dict(row))
    assert await connection.fetch("select * from bad_address order by id") == before
    # When one's address is corrected and the other's is removed, then both rows are gone, before the job runs
    right = "right@customer.example"
    await connection.execute(
        "update customer_address set address = $2, address_key = $3 where customer_id = $1 and position = 1",
        one, right, address_key(right, KEYRING.address_key),
    )  # fmt: skip
    await connection.execute("delete from customer_address where customer_id = $1 and position = 1", two)
    assert await connection.fetchval("select count(*) from bad_address") == 0
    assert await listed(connection, deployment) == []
    # And when the wrong one comes back, it is listed as soon as mail to it fails
    await connection.execute(
        "insert into customer_address (customer_id, position, address, address_key) values ($1, 2, $2, $3)",
        one, GONE, address_key(GONE, KEYRING.address_key),
    )  # fmt: skip
    assert await listed(connection, deployment) == []
    message = await failed(connection, one, 1)
    assert await listed(connection, deployment) == [(one, GONE, "BAD_ADDRESS", 0, 1, message)]


async def test_lifting_what_stops_all_mail_takes_it_off(connection: Any, deployment: Deployment) -> None:
    # Given a bad address, suppressed, and another customer whose mail to it was held for that
    one, two = [await make_customer(connection, addresses=[GONE]) for _ in range(2)]
    message = await failed(connection, one)
    key = deployment.key_of(GONE)
    usual = {"reason": "BAD_ADDRESS", "actor": "gateway", "customer_id": one, "message_id": message}
    await insert(connection, "suppression", address_key=key, **usual)
    held = await failed(connection, two, 1, status="HELD", cause="SUPPRESSED")
    assert await listed(connection, deployment) == [
        (two, GONE, "BAD_ADDRESS", 1, 1, held), (one, GONE, "BAD_ADDRESS", 0, 0, message)
    ]  # fmt: skip
    # When it is lifted, then it is off both lists at once, and stays off though the job looks again
    await suppressions.lift(
        connection, address=GONE, why="They say so", release_held=False, actor="ann", deployment=deployment
    )
    assert await connection.fetchval("select count(*) from bad_address") == 0
    await bad_addresses.keep_bad_addresses(connection, deployment, [])
    await connection.execute("update message set advice = 'x'")
    assert await listed(connection, deployment) == []


async def test_dismissing_the_mail_that_failed_last_takes_it_off_until_that_is_taken_back(
    connection: Any, deployment: Deployment
) -> None:
    # Given an address at which two mails failed
    customer = await make_customer(connection, addresses=[GONE])
    first, last = [await failed(connection, customer, hours) for hours in (0, 2)]
    row = (customer, GONE, "BAD_ADDRESS", 0, 2, last)
    assert await listed(connection, deployment) == [row]
    # When the older one is dismissed, then it fails since the newer; when that is, too, it is off the list
    dismiss = "update message_trouble set dismissed_at = now() where message_id = $1"
    await connection.execute(dismiss, first)
    assert await listed(connection, deployment) == [(customer, GONE, "BAD_ADDRESS", 2, 2, last)]
    await connection.execute(dismiss, last)
    assert await listed(connection, deployment) == []
    # When both are taken back, then it is there again; and a failure after a dismissal lists it anew
    await connection.execute("update message_trouble set dismissed_at = null")
    assert await listed(connection, deployment) == [row]
    await connection.execute(dismiss, last)
    later = await failed(connection, customer, 3)
    assert await listed(connection, deployment) == [(customer, GONE, "BAD_ADDRESS", 3, 3, later)]


async def test_a_choice_of_the_owner_or_of_staff_is_no_bad_address(connection: Any, deployment: Deployment) -> None:
    # Given mail held by an opt-out, a complaint and a person's suppression, and mail without fault of the address
    for cause, reason in (("OPTED_OUT", None), ("SUPPRESSED", "COMPLAINT"), ("SUPPRESSED", "STAFF")):
        address = f"{reason}@customer.example".lower()
        customer = await make_customer(connection, addresses=[address])
        if reason:
            await insert(
                connection, "suppression", address_key=deployment.key_of(address), reason=reason, actor="ann",
                scope=SuppressionScope.ALL_MAIL,
            )  # fmt: skip
        for _ in range(3):
            await failed(connection, customer, status="HELD", cause=cause, recipient=address)
    customer = await make_customer(connection, addresses=[GONE])
    for cause in ("OUR_CONFIGURATION", "CONTENT", "RELAY_TROUBLE", "SIZE"):
        await failed(connection, customer, cause=cause)
    await failed(connection, customer, status="CANCELLED", cause="BY_PERSON")
    await failed(connection, customer, recipient="stranger@customer.example")
    assert await listed(connection, deployment) == []


async def test_a_lifted_complaint_says_nothing_of_the_address(connection: Any, deployment: Deployment) -> None:
    customer = await make_customer(connection, addresses=[GONE])
    message = await failed(connection, customer, cause="MAILBOX_FULL")
    key = deployment.key_of(GONE)
    await insert(connection, "suppression", address_key=key, reason="COMPLAINT", actor="x", scope="CAMPAIGNS")
    await listed(connection, deployment)
    await suppressions.lift(
        connection, address=GONE, why="They asked", release_held=False, actor="ann", deployment=deployment
    )
    assert await listed(connection, deployment) == [(customer, GONE, "MAILBOX_FULL", 0, 0, message)]


async def test_of_a_customer_with_much_mail_the_newest_is_read_and_older_rows_stay(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given that three messages of a customer are read, and a bad address behind them
    monkeypatch.setattr(bad_addresses, "DEPTH", 3)
    customer = await make_customer(connection, addresses=[OTHER, GONE])
    message = await failed(connection, customer)
    row = (customer, GONE, "BAD_ADDRESS", 0, 0, message)
    assert await listed(connection, deployment) == [row]
    # When newer mail goes to the other address, then the row stays; until mail to it arrives
    for hours in range(1, 5):
        await failed(connection, customer, hours, status="ACCEPTED", recipient=OTHER)
        assert await listed(connection, deployment) == [row]
    await failed(connection, customer, 6, status="ACCEPTED")
    assert await listed(connection, deployment) == []


async def test_mail_from_before_is_listed_by_the_backfill(connection: Any, deployment: Deployment) -> None:
    customers = [await make_customer(connection, addresses=[f"c{n}@customer.example"]) for n in range(3)]
    for number, customer in enumerate(customers):
        await failed(connection, customer, number, recipient=f"c{number}@customer.example")
    await connection.execute("truncate message_change")
    await connection.execute("insert into search_backfill values (0, '00000000-0000-0000-0000-000000000000')")
    assert [row[0] for row in await listed(connection, deployment)] == customers[::-1]
