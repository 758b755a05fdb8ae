"""Campaigns: what is refused, what becomes of an audience, and exact pauses, cancels and ends."""

from __future__ import annotations

import asyncio
import quopri
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.campaigns import drafts, expansion, lifecycle
from gateway.campaigns.drafts import CampaignOrder, CampaignRecipient
from gateway.compose import sender_profiles
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.message import MessageRef
from gateway.mail.source import SourceType
from gateway.outbox.actions import assume_sent, retry
from gateway.settings import Settings, parse_relay
from gateway.templates import versions
from service.graph.context import Context
from service.graph.node import message_global_id
from service.graph.schema import schema
from tests.builders import insert, make_campaign, make_customer, make_message
from tests.engine import SHORT_WAIT, Start, empty, queue_mail, start, until
from tests.eventually import eventually
from tests.smtp_server import Drop, Reply, SmtpServer

__all__ = ["start"]

PAGE = '<p>Hello {{ first_name }}</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def publish(connection: Any, html: str = PAGE, text: str | None = None) -> UUID:
    made = await versions.publish(
        connection,
        name=f"News {uuid4()}",
        subject="News for {{ first_name }}",
        mjml=None,
        html=html,
        text=text,
        sample_data={"first_name": "Alex"},
    )
    return made.template_id


async def order(connection: Any, customers: list[int], **values: Any) -> CampaignOrder:
    usual: dict[str, Any] = {"title": "Spring news", "idempotency_key": uuid4().hex}
    if "template_id" not in values:
        usual["template_id"] = await publish(connection)
    if "sender_id" not in values:
        profile = await sender_profiles.create(
            connection,
            name="Fabrikam",
            from_address="news@fabrikam.example",
            postal_address="1 Main",
            allow_reserved=True,
        )
        usual["sender_id"] = profile.sender_id
    usual["recipients"] = tuple(
        CampaignRecipient(customer_id=customer, merge_data={"first_name": f"N{number}"})
        for number, customer in enumerate(customers)
    )
    return CampaignOrder(**(usual | values))


async def running(connection: Any, deployment: Deployment, count: int, **values: Any) -> tuple[UUID, list[int]]:
    """A launched campaign to so many new customers."""
    customers = [await make_customer(connection) for _ in range(count)]
    made = await drafts.create(connection, await order(connection, customers, **values), deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment)
    return made, customers


async def tally(connection: Any, campaign_id: UUID) -> dict[str, int]:
    row = await connection.fetchrow(
        "select coalesce(sum(made), 0) as made, coalesce(sum(accepted), 0) as accepted, coalesce(sum(refused), 0) as"
        " refused, coalesce(sum(uncertain), 0) as uncertain, coalesce(sum(held), 0) as held,"
        " coalesce(sum(cancelled), 0) as cancelled from campaign_tally where campaign_id = $1",
        campaign_id,
    )
    return {name: int(count) for name, count in row.items() if count}


async def status_of(connection: Any, campaign_id: UUID) -> str:
    found: str = await connection.fetchval("select status::text from campaign where id = $1", campaign_id)
    return found


async def test_a_campaign_reaches_everybody_and_finishes(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    made, customers = await running(connection, deployment, 25)
    start()

    async def finished() -> bool:
        return await status_of(connection, made) == "FINISHED"

    await eventually(finished, "the end of the campaign")

    assert await tally(connection, made) == {"made": 25, "accepted": 25}
    assert await connection.fetchval("select count(*) from lane where campaign_id = $1", made) == 0
    received = {mail.recipients[0]: mail.content for mail in smtp_server.taken}
    assert len(received) == 25
    mail = await connection.fetchrow("select recipient, subject from message where customer_id = $1", customers[3])
    assert mail["subject"] == "News for N3"
    assert b"Hello N3" in quopri.decodestring(received[mail["recipient"]])
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in received[mail["recipient"]]


async def test_opted_out_recipients_are_counted_and_suppressed_ones_held(
    connection: Any, deployment: Deployment
) -> None:
    made, customers = await running(connection, deployment, 5)
    await insert(connection, "opt_out", customer_id=customers[0], kind="MARKETING", source="STAFF", actor="t")
    await insert(connection, "opt_out", customer_id=customers[1], kind="EVENT_BASED", source="STAFF", actor="t")
    keys = await connection.fetch(
        "select address_key from customer_address where customer_id = any($1)", customers[2:4]
    )
    await insert(
        connection, "address_opt_out", address_key=keys[0]["address_key"], kind="MARKETING", source="LINK", actor="c"
    )
    await insert(connection, "suppression", address_key=keys[1]["address_key"], reason="COMPLAINT", actor="t")

    assert await expansion.make_messages(connection, deployment) == 5

    assert await connection.fetchval("select opted_out from campaign where id = $1", made) == 2
    assert await tally(connection, made) == {"made": 3, "held": 1}
    held = await connection.fetchrow("select status, cause, advice from message where status = 'HELD'")
    assert held["cause"] == "SUPPRESSED"
    assert held["advice"]
    assert await connection.fetchval("select count(*) from outbox where opt_out_kind = 'MARKETING'") == 2


async def test_an_address_in_another_spelling_is_the_customers_and_stays_suppressed(
    connection: Any, deployment: Deployment
) -> None:
    # Given a customer whose address must not be mailed
    customer = await make_customer(connection, addresses=["free@customer.example", "Jörg@xn--bcher-kva.de"])
    key = await connection.fetchval("select address_key from customer_address where position = 1")
    await insert(connection, "suppression", address_key=key, reason="COMPLAINT", actor="t")
    # When a campaign names it as a person would write it
    recipient = CampaignRecipient(customer_id=customer, address="jörg@Bücher.de", merge_data={"first_name": "Jörg"})
    made = await drafts.create(connection, await order(connection, [], recipients=(recipient,)), deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment)
    await expansion.make_messages(connection, deployment)
    # Then the mail is held
    message = await connection.fetchrow("select recipient, status, cause from message")
    assert tuple(message) == ("Jörg@xn--bcher-kva.de", "HELD", "SUPPRESSED")
    assert await connection.fetchval("select count(*) from outbox") == 0


async def test_a_reserved_address_of_a_draft_from_when_they_were_allowed_is_held(
    connection: Any, deployment: Deployment, settings: Settings
) -> None:
    # Given a campaign made while reserved names were allowed
    customers = [await make_customer(connection, addresses=[address]) for address in ("a@b.example", "a@fabrikam.com")]
    made = await drafts.create(connection, await order(connection, customers), deployment)
    # When it is launched and made where they are not
    strict = Deployment.open(settings.model_copy(update={"allow_reserved_domains": False}))
    await lifecycle.launch(connection, made, uuid4().hex, strict)
    await expansion.make_messages(connection, strict)
    # Then only the other one's mail is queued
    rows = await connection.fetch("select recipient, status, cause from message order by recipient")
    assert [tuple(row) for row in rows] == [("a@b.example", "HELD", "BAD_ADDRESS"), ("a@fabrikam.com", "QUEUED", None)]
    assert await connection.fetchval("select count(*) from outbox") == 1


async def test_messages_are_made_in_batches_and_only_a_look_ahead(connection: Any, deployment: Deployment) -> None:
    made, _ = await running(connection, deployment, 10)

    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) == 4
    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) == 4
    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) is None
    await connection.execute("delete from outbox")
    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) == 2
    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) is None
    assert await tally(connection, made) == {"made": 10}


async def test_two_workers_make_each_message_once(
    pool: asyncpg.Pool[Any], connection: Any, deployment: Deployment
) -> None:
    made, _ = await running(connection, deployment, 6)
    async with pool.acquire() as one, pool.acquire() as other, one.transaction():
        assert await expansion.make_messages(one, deployment, batch=3) == 3
        assert await expansion.make_messages(other, deployment, batch=3) is None
    assert await expansion.make_messages(connection, deployment, batch=3) == 3
    assert await tally(connection, made) == {"made": 6}


async def test_a_paused_campaign_sends_nothing_until_it_is_resumed(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    made, _ = await running(connection, deployment, 3)
    await expansion.make_messages(connection, deployment)
    await lifecycle.pause(connection, made, "Dana")
    start()
    other, _ = await running(connection, deployment, 1)

    async def other_is_done() -> bool:
        return await status_of(connection, other) == "FINISHED"

    await eventually(other_is_done)
    assert await tally(connection, made) == {"made": 3}
    await lifecycle.resume(connection, made)
    await empty(connection)
    assert await tally(connection, made) == {"made": 3, "accepted": 3}


async def test_cancelling_takes_back_what_waits_and_makes_no_more(connection: Any, deployment: Deployment) -> None:
    made, _ = await running(connection, deployment, 6)
    await expansion.make_messages(connection, deployment, batch=4)
    await connection.execute(
        "update outbox set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 min',"
        " handed_off_at = now() where message_id = (select max(message_id::text)::uuid from outbox)"
    )

    assert await lifecycle.cancel(connection, made, "Dana") == 3

    assert await tally(connection, made) == {"made": 4, "cancelled": 3}
    assert await expansion.make_messages(connection, deployment) is None
    assert await connection.fetchval("select count(*) from event where kind = 'CANCELLED' and actor = 'Dana'") == 3
    # What was on its way comes back deferred: it is taken back, too, and then the lane goes.
    await connection.execute("update outbox set lease_owner = null, lease_until = null, handed_off_at = null")
    await lifecycle.finish(connection)
    assert await tally(connection, made) == {"made": 4, "cancelled": 4}
    assert await connection.fetchval("select count(*) from lane where campaign_id = $1", made) == 0


async def test_a_campaign_with_an_uncertain_recipient_is_not_finished(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(after_dot=[Drop()])
    made, _ = await running(connection, deployment, 2)
    start(wait=lambda attempt, verdict: SHORT_WAIT)

    async def one_is_uncertain() -> bool:
        return await tally(connection, made) == {"made": 2, "accepted": 1, "uncertain": 1}

    await eventually(one_is_uncertain)
    assert await lifecycle.finish(connection) == []
    row = await connection.fetchrow("select customer_id, id from message where status = 'UNCERTAIN'")
    ref = MessageRef(customer_id=row["customer_id"], message_id=row["id"])

    await retry(connection, ref, "Dana", deployment)
    await empty(connection)
    assert await tally(connection, made) == {"made": 2, "accepted": 2}
    with pytest.raises(Refusal):
        await assume_sent(connection, ref, "Dana")

    async def finished() -> bool:
        return await status_of(connection, made) == "FINISHED"

    await eventually(finished)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"title": " "}, RefusalCode.REQUIRED, ("title",)),
        ({"title": "a\r\nBcc: x"}, RefusalCode.HEADER_INJECTION, ("title",)),
        ({"priority": 8}, RefusalCode.INVALID, ("priority",)),
        ({"template_id": uuid4()}, RefusalCode.NOT_FOUND, ("templateId",)),
        ({"recipients": ()}, RefusalCode.REQUIRED, ("recipients",)),
        (
            {"recipients": (CampaignRecipient(customer_id=10**12, merge_data={"first_name": "x"}),)},
            RefusalCode.NOT_FOUND,
            ("recipients", "0", "customerId"),
        ),
        ({"merge_data": {"card": "4111 1111 1111 1111"}}, RefusalCode.CARD_NUMBER, ("mergeData", "card")),
    ],
)
async def test_a_wrong_campaign_is_refused_and_writes_nothing(
    connection: Any, deployment: Deployment, change: dict[str, Any], code: RefusalCode, field: tuple[str, ...]
) -> None:
    right = await order(connection, [await make_customer(connection)])

    with pytest.raises(Refusal) as refused:
        await drafts.create(connection, replace(right, **change), deployment)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert await connection.fetchval("select count(*) from campaign") == 0


async def test_a_missing_merge_field_is_named_with_its_recipient(connection: Any, deployment: Deployment) -> None:
    right = await order(connection, [await make_customer(connection), await make_customer(connection)])
    wrong = replace(right, recipients=(right.recipients[0], replace(right.recipients[1], merge_data={})))

    with pytest.raises(Refusal) as refused:
        await drafts.create(connection, wrong, deployment)

    assert refused.value.code is RefusalCode.MERGE_FIELD_MISSING
    assert refused.value.field == ("recipients", "1", "mergeData", "first_name")


async def test_values_that_make_a_card_number_of_the_templates_digits_are_refused(
    connection: Any, deployment: Deployment
) -> None:
    # Given a template with one half of a card's number, and a recipient whose value is the other
    half = await publish(connection, PAGE.replace("Hello ", "41111111"))
    customers = [await make_customer(connection) for _ in range(2)]
    recipients = tuple(
        CampaignRecipient(customer_id=customer, merge_data={"first_name": value})
        for customer, value in zip(customers, ["Ann", "11111111"], strict=True)
    )
    # When a campaign is made of them
    with pytest.raises(Refusal) as refused:
        await drafts.create(
            connection, await order(connection, [], template_id=half, recipients=recipients), deployment
        )
    # Then it is refused, and the recipient named
    assert refused.value.code is RefusalCode.CARD_NUMBER
    assert refused.value.field == ("recipients", "1", "mergeData")


async def test_a_repeated_creation_and_launch_change_nothing(connection: Any, deployment: Deployment) -> None:
    right = await order(connection, [await make_customer(connection)])
    made = await drafts.create(connection, right, deployment)
    assert await drafts.create(connection, right, deployment) == made
    with pytest.raises(Refusal) as refused:
        await drafts.create(connection, replace(right, title="Other"), deployment)
    assert refused.value.code is RefusalCode.IDEMPOTENCY_CONFLICT

    await lifecycle.launch(connection, made, "launch-1", deployment)
    await lifecycle.launch(connection, made, "launch-1", deployment)
    with pytest.raises(Refusal) as again:
        await lifecycle.launch(connection, made, "launch-2", deployment)
    assert again.value.code is RefusalCode.ILLEGAL_STATE


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"html": "<p>Hello</p>"}, RefusalCode.UNSUBSCRIBE_MISSING, "HTML shows no unsubscribe link"),
        (
            {"html": "<p>x</p>{{ postal_address }}", "text": "bye {{ unsubscribe_url }} {{ postal_address }}"},
            RefusalCode.UNSUBSCRIBE_MISSING,
            'HTML shows no unsubscribe link: put <a href="{{ unsubscribe_url }}"> into it',
        ),
        ({"sender_id": None}, RefusalCode.POSTAL_ADDRESS_MISSING, "make a sender with one"),
    ],
)
async def test_a_launch_needs_an_unsubscribe_link_and_a_postal_address(
    connection: Any, deployment: Deployment, change: dict[str, Any], code: RefusalCode, words: str
) -> None:
    # Given a draft that lacks one of them
    customer = await make_customer(connection)
    source = {name: value for name, value in change.items() if name in ("html", "text")}
    values = {"template_id": await publish(connection, **source)} if source else change
    made = await drafts.create(connection, await order(connection, [customer], **values), deployment)
    # When it is launched
    with pytest.raises(Refusal) as refused:
        await lifecycle.launch(connection, made, uuid4().hex, deployment)
    # Then it stays a draft, and the refusal says what to add
    assert refused.value.code is code
    assert words in refused.value.message
    assert await status_of(connection, made) == "DRAFT"


@pytest.mark.parametrize("field", ["postal_address", "unsubscribe_url"])
async def test_a_version_of_earlier_days_that_lacks_a_footer_is_completed_when_published_again(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    # Given a template whose text lacks a field, published when nothing was completed
    customer = await make_customer(connection)
    source = {"html": PAGE, "text": "{{ postal_address }} {{ unsubscribe_url }}".replace(f"{{{{ {field} }}}}", "bye")}
    with monkeypatch.context() as earlier:
        earlier.setattr("gateway.templates.merge_compiler._with_footer", lambda text, unsubscribe: text)
        earlier.setattr("gateway.templates.versions.PUBLISHING", 1)
        old = await publish(connection, **source)
    made = await drafts.create(connection, await order(connection, [customer], template_id=old), deployment)
    # When it is launched, then the refusal says how it is completed
    with pytest.raises(Refusal) as refused:
        await lifecycle.launch(connection, made, uuid4().hex, deployment)
    assert "publish the template again" in refused.value.message
    # And published again, the same source launches
    new = await publish(connection, **source)
    again = await drafts.create(connection, await order(connection, [customer], template_id=new), deployment)
    await lifecycle.launch(connection, again, uuid4().hex, deployment)
    assert await status_of(connection, again) != "DRAFT"


async def test_individual_mail_overtakes_a_running_campaign(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, settings: Settings
) -> None:
    await versions.publish_builtins(connection)
    smtp_server.script(rcpt=lambda point: Reply(250, "Ok", delay=0.02))
    await running(connection, deployment, 300)
    slow = settings.model_copy(update={"relay_url": (parse_relay(f"{smtp_server.url}&connections=2"),)})
    start(slow)
    await smtp_server.accepted(5)

    ref = await queue_mail(connection, deployment)
    await until(connection, ref, "ACCEPTED")

    assert len(smtp_server.taken) < 150


@pytest.mark.parametrize("status", ["RUNNING", "FINISHED"])
async def test_a_recipient_retried_while_its_campaign_ends_keeps_its_lane(
    pool: asyncpg.Pool[Any], deployment: Deployment, status: str
) -> None:
    async with pool.acquire() as person, pool.acquire() as sweep:
        ended = {"finished_at": datetime.now(UTC)} if status == "FINISHED" else {}
        campaign_id = await make_campaign(person, status=status, **ended)
        customer_id = await make_customer(person)
        message_id = await make_message(person, customer_id, campaign_id=campaign_id, status="REFUSED")
        decision = person.transaction()
        await decision.start()
        await retry(person, MessageRef(customer_id=customer_id, message_id=message_id), "Dana", deployment)

        ending = asyncio.create_task(lifecycle.finish(sweep))

        async def waits_or_has_ended() -> bool:
            return ending.done() or bool(await person.fetchval("select count(*) from pg_locks where not granted"))

        await eventually(waits_or_has_ended, "the sweep")
        await decision.commit()
        await ending

        waiting = await person.fetchval("select count(*) from outbox o join lane l on l.id = o.lane_id")
        assert waiting == 1
        assert await status_of(person, campaign_id) == "RUNNING"


@pytest.mark.parametrize("status", ["RUNNING", "PAUSED"])
async def test_a_recipient_is_not_retried_whose_campaign_is_cancelled_meanwhile(
    pool: asyncpg.Pool[Any], make_context: Callable[..., Context], status: str
) -> None:
    async with pool.acquire() as person, pool.acquire() as canceller:
        campaign_id = await make_campaign(person, status=status)
        customer_id = await make_customer(person)
        message_id = await make_message(person, customer_id, campaign_id=campaign_id, status="REFUSED")
        decision = canceller.transaction()
        await decision.start()
        await lifecycle.cancel(canceller, campaign_id, "Kim")

        mutation = "mutation($id: ID!) { retryMessage(input: {messageId: $id}) { userErrors { code message } } }"
        message = message_global_id(customer_id, message_id)
        asked = asyncio.create_task(
            schema.execute(mutation, context_value=make_context(), variable_values={"id": message})
        )

        async def waits() -> bool:
            return bool(await person.fetchval("select count(*) from pg_locks where not granted"))

        await eventually(waits, "the retry, at the campaign's lock")
        await decision.commit()

        answer = await asked
        assert answer.data == {
            "retryMessage": {"userErrors": [{"code": "ILLEGAL_STATE", "message": "Its campaign was cancelled."}]}
        }
        assert await person.fetchval("select status::text from message where id = $1", message_id) == "REFUSED"
        assert await status_of(person, campaign_id) == "CANCELLED"
        assert await person.fetchval("select count(*) from outbox") == 0


async def test_a_campaigns_mail_knows_whether_an_uncertain_try_is_followed_by_one_more(
    connection: Any, settings: Settings
) -> None:
    for chosen in ((SourceType.CAMPAIGN,), (SourceType.WORK_ORDER,)):
        deployment = Deployment.open(settings.model_copy(update={"retry_once": chosen}))
        await running(connection, deployment, 1)
        await expansion.make_messages(connection, deployment)

    rows = await connection.fetch("select retry_once from outbox order by message_id")
    assert [row["retry_once"] for row in rows] == [True, False]


@pytest.mark.parametrize(("status", "paused"), [("RUNNING", False), ("PAUSED", True)])
async def test_an_uncertain_mail_keeps_no_lane_and_gets_one_when_it_is_retried(
    connection: Any, deployment: Deployment, status: str, paused: bool
) -> None:
    campaign_id = await make_campaign(connection)
    customer_id = await make_customer(connection)
    message_id = await make_message(connection, customer_id, campaign_id=campaign_id, status="UNCERTAIN")
    await insert(connection, "campaign_tally", campaign_id=campaign_id, shard=0, uncertain=1)

    assert await lifecycle.finish(connection) == []

    assert await status_of(connection, campaign_id) == "RUNNING"
    assert await connection.fetchval("select count(*) from lane where campaign_id = $1", campaign_id) == 0
    if status == "PAUSED":
        await lifecycle.pause(connection, campaign_id, "Kim")
    await retry(connection, MessageRef(customer_id=customer_id, message_id=message_id), "Dana", deployment)
    waiting = await connection.fetchrow(
        "select l.paused_at is not null as paused, o.attempt from outbox o join lane l on l.id = o.lane_id"
        " where l.campaign_id = $1",
        campaign_id,
    )
    assert tuple(waiting) == (paused, 1)


async def test_a_campaign_whose_uncertain_mail_was_settled_finishes_without_a_lane(connection: Any) -> None:
    campaign_id = await make_campaign(connection)
    customer_id = await make_customer(connection)
    message_id = await make_message(connection, customer_id, campaign_id=campaign_id, status="UNCERTAIN")
    await insert(connection, "campaign_tally", campaign_id=campaign_id, shard=0, uncertain=1)
    await lifecycle.finish(connection)

    await assume_sent(connection, MessageRef(customer_id=customer_id, message_id=message_id), "Dana")

    assert await lifecycle.finish(connection) == [campaign_id]
    assert await status_of(connection, campaign_id) == "FINISHED"
