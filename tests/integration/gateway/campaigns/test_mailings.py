"""Mailings: checked as they are written, added, changed and taken off; a series on the wire, each with its subject."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.campaigns import drafts, expansion, freezing, lifecycle, mailings
from gateway.campaigns.mailings import MAX_MAILINGS, MailingOrder
from gateway.campaigns.schedule_orders import OffsetOrder, ScheduleOrder
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.mail.campaign import CampaignKind
from gateway.templates import versions
from tests.builders import make_customer
from tests.engine import Start, start
from tests.eventually import eventually
from tests.integration.gateway.campaigns.orders import PAGE, order, publish, status_of
from tests.integration.gateway.delivery.test_signed_mail import made_again
from tests.smtp_server import SmtpServer

__all__ = ["start"]

IN_A_DAY = ScheduleOrder(after=OffsetOrder(days=1))
LONG_AGO = datetime(2020, 1, 1, 9, tzinfo=UTC)


async def series(connection: Any, deployment: Deployment, count: int = 2, customers: int = 1, **values: Any) -> UUID:
    """A draft of so many mailings of one template: the first at once, each other one a day after the launch."""
    template = await publish(connection)
    named = [await make_customer(connection, name="Ann Lee") for _ in range(customers)]
    wanted = tuple(
        MailingOrder(
            template_id=template, subject=f"Part {number}", schedule=IN_A_DAY if number > 1 else ScheduleOrder()
        )
        for number in range(1, count + 1)
    )
    return await drafts.create(connection, await order(connection, named, mailings=wanted, **values), deployment)


async def ids_of(connection: Any, campaign_id: UUID) -> list[int]:
    rows = await connection.fetch("select id from mailing where campaign_id = $1 order by number", campaign_id)
    return [row["id"] for row in rows]


async def actions(connection: Any, campaign_id: UUID) -> list[tuple[str, str, Any]]:
    rows = await connection.fetch(
        "select action, actor, detail from campaign_event where campaign_id = $1 order by id", campaign_id
    )
    return [tuple(row) for row in rows]


async def template_of(connection: Any, campaign_id: UUID) -> UUID:
    found: UUID = await connection.fetchval(
        "select v.template_id from mailing g join template_version v on v.id = g.template_version_id"
        " where g.campaign_id = $1 limit 1",
        campaign_id,
    )
    return found


# What is refused -------------------------------------------------------------------------------------------------


async def test_everything_that_is_wrong_with_a_series_is_said_at_once(connection: Any, deployment: Deployment) -> None:
    # Given mailings that are each wrong in another way, and more than one way
    template, customer = await publish(connection), await make_customer(connection)
    wrong = (
        MailingOrder(template_id=uuid4()),
        MailingOrder(template_id=template, template_version=7),
        MailingOrder(template_id=template, subject="a\r\nBcc: x", schedule=ScheduleOrder(at=LONG_AGO)),
        MailingOrder(template_id=template, subject="{{ unsubscribe_url }}"),
        MailingOrder(template_id=template, subject="Hello {{ nickname }}"),
        MailingOrder(template_id=template, subject="Pay with 4111 1111 1111 1111"),
        MailingOrder(template_id=template, subject=" "),
        MailingOrder(template_id=template, schedule=ScheduleOrder(at_local_time="2026-12-01T09:00Z")),
        MailingOrder(template_id=template, schedule=ScheduleOrder(at_local_time="2020-12-01T09:00")),
        MailingOrder(
            template_id=template, schedule=ScheduleOrder(after=OffsetOrder(days=-1, minutes=2000, local_time="9"))
        ),
        MailingOrder(template_id=template, schedule=ScheduleOrder(at=LONG_AGO, at_local_time="2020-12-01T09:00")),
        MailingOrder(template_id=template, schedule=ScheduleOrder(after=OffsetOrder(days=9999))),
        MailingOrder(template_id=template, not_opened_mailing_id=1),
    )
    # When a campaign is made of them, and of lists that there are not
    right = await order(connection, [customer], mailings=wrong, list_ids=(-1, 10**6), excluded_list_ids=(10**6,))
    with pytest.raises(Refusals) as refused:
        await drafts.create(connection, right, deployment)
    # Then each is named, and nothing is written
    assert [(one.code.value, ".".join(one.field)) for one in refused.value.refusals] == [
        ("INVALID", "excludedListIds.0"),
        ("NOT_FOUND", "mailings.0.templateId"),
        ("NOT_FOUND", "mailings.1.templateVersion"),
        ("HEADER_INJECTION", "mailings.2.subject"),
        ("SCHEDULE_INVALID", "mailings.2.schedule.at"),
        ("TEMPLATE_INVALID", "mailings.3.subject"),
        ("TEMPLATE_INVALID", "mailings.4.subject"),
        ("CARD_NUMBER", "mailings.5.subject"),
        ("REQUIRED", "mailings.6.subject"),
        ("INVALID", "mailings.7.schedule.atLocalTime"),
        ("SCHEDULE_INVALID", "mailings.8.schedule.atLocalTime"),
        ("INVALID", "mailings.9.schedule.after.days"),
        ("INVALID", "mailings.9.schedule.after.minutes"),
        ("INVALID", "mailings.9.schedule.after.localTime"),
        ("INVALID", "mailings.10.schedule"),
        ("SCHEDULE_INVALID", "mailings.11.schedule.after"),
        ("NOT_FOUND", "mailings.12.notOpenedMailingId"),
        ("NOT_FOUND", "listIds.0"),
        ("NOT_FOUND", "listIds.1"),
        ("NOT_FOUND", "excludedListIds.0"),
    ]
    assert await connection.fetchval("select count(*) from campaign") == 0


async def test_a_series_has_fifty_mailings_at_most(connection: Any, deployment: Deployment) -> None:
    made = await series(connection, deployment, count=MAX_MAILINGS)
    template = await template_of(connection, made)
    with pytest.raises(Refusal) as refused:
        await mailings.add(connection, made, MailingOrder(template_id=template), "k", "Dana")
    assert (refused.value.code, refused.value.field) == (RefusalCode.TOO_MANY, ("mailing",))
    with pytest.raises(Refusal) as refused:
        await series(connection, deployment, count=MAX_MAILINGS + 1)
    assert (refused.value.code, refused.value.field) == (RefusalCode.TOO_MANY, ("mailings",))


async def test_events_have_no_moment_and_leave_out_no_readers(connection: Any, deployment: Deployment) -> None:
    template = await publish(connection)
    right = await order(connection, [], mailings=(), kind=CampaignKind.EVENT_BASED, recipients=None)
    made = await drafts.create(connection, right, deployment)
    for wrong, path in (
        (MailingOrder(template_id=template, schedule=ScheduleOrder(at_local_time="2030-01-01T09:00")), "atLocalTime"),
        (MailingOrder(template_id=template, schedule=ScheduleOrder(at=datetime(2030, 1, 1, tzinfo=UTC))), "at"),
    ):
        with pytest.raises(Refusal) as refused:
            await mailings.add(connection, made, wrong, uuid4().hex, "Dana")
        assert (refused.value.code, refused.value.field[-1]) == (RefusalCode.INVALID, path)
    late = MailingOrder(template_id=template, schedule=ScheduleOrder(after=OffsetOrder(minutes=5)))
    first = await mailings.add(connection, made, late, uuid4().hex, "Dana")
    wrong = MailingOrder(template_id=template, not_opened_mailing_id=first)
    with pytest.raises(Refusal) as refused:
        await mailings.add(connection, made, wrong, uuid4().hex, "Dana")
    assert refused.value.field == ("mailing", "notOpenedMailingId")


async def test_a_subject_needs_a_default_where_its_template_has_one(connection: Any, deployment: Deployment) -> None:
    # Given a template that shows a nickname only where there is one
    template = await publish(connection, PAGE.replace("Hello", 'Hello {{ nickname|default("you") }}'))
    customer = await make_customer(connection)
    bare = (MailingOrder(template_id=template, subject="{{ nickname }}"),)
    with pytest.raises(Refusal) as refused:
        await drafts.create(connection, await order(connection, [customer], mailings=bare), deployment)
    assert (refused.value.code, refused.value.field) == (RefusalCode.TEMPLATE_INVALID, ("mailings", "0", "subject"))
    right = (MailingOrder(template_id=template, subject='{{ nickname|default("") }} {{ customer_name }}'),)
    await drafts.create(connection, await order(connection, [customer], mailings=right), deployment)


async def test_a_template_that_named_customers_lack_a_value_for_is_not_added(
    connection: Any, deployment: Deployment
) -> None:
    made = await series(connection, deployment, customers=2)
    other = await publish(connection, PAGE.replace("Hello", "Hello {{ title }}"))
    with pytest.raises(Refusal) as refused:
        await mailings.add(connection, made, MailingOrder(template_id=other), "k", "Dana")
    assert (refused.value.code, refused.value.field) == (
        RefusalCode.MERGE_FIELD_MISSING,
        ("mailing", "templateId"),
    )
    assert refused.value.message.startswith("Recipient 1 of the campaign: ")


# What is written -------------------------------------------------------------------------------------------------


async def test_a_version_is_pinned_when_the_mailing_is_written(connection: Any, deployment: Deployment) -> None:
    # Given a campaign, and a version of its template that is published later
    made = await series(connection, deployment, count=1)
    template, [mailing] = await template_of(connection, made), await ids_of(connection, made)
    pinned = await connection.fetchval("select template_version_id from mailing where id = $1", mailing)
    name = await connection.fetchval("select name from template where id = $1", template)
    newer = await connection.fetchval(
        "insert into template_version (template_id, number, locale, subject, source, compiled, fields, links,"
        " has_unsubscribe, preview_subject, preview_html, preview_text, source_sha256)"
        " select template_id, 2, locale, subject, source, compiled, fields, links, has_unsubscribe, preview_subject,"
        " preview_html, preview_text, sha256('2') from template_version where id = $1 returning id",
        pinned,
    )
    # When it is launched, then its mail is of the version that it was made with
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    assert await connection.fetchval("select template_version_id from mailing where id = $1", mailing) == pinned
    # And a mailing that is written now has the new one, or the one that it asks for
    later = await mailings.add(connection, made, MailingOrder(template_id=template, schedule=IN_A_DAY), "a", "Dana")
    old = MailingOrder(template_id=template, template_version=1, schedule=IN_A_DAY)
    other = await mailings.add(connection, made, old, "b", "Dana")
    for one, version in ((later, newer), (other, pinned)):
        assert await connection.fetchval("select template_version_id from mailing where id = $1", one) == version
    assert (await actions(connection, made))[-1] == (
        "addMailing",
        "Dana",
        {
            "mailing": {
                "number": 3, "status": "SCHEDULED", "template": name, "version": 1, "subject": None, "sendAt": None,
                "atLocalTime": None, "afterDays": 1, "afterMinutes": 0, "localTime": None, "notOpened": None,
            }
        },
    )  # fmt: skip


async def test_a_mailing_is_added_once_by_a_key(connection: Any, deployment: Deployment) -> None:
    made = await series(connection, deployment, count=1)
    one = MailingOrder(template_id=await template_of(connection, made), subject="More")
    first = await mailings.add(connection, made, one, "k", "Dana")
    assert await mailings.add(connection, made, one, "k", "Dana") == first
    with pytest.raises(Refusal) as refused:
        await mailings.add(connection, made, MailingOrder(template_id=one.template_id), "k", "Dana")
    assert refused.value.code is RefusalCode.IDEMPOTENCY_CONFLICT
    assert len(await ids_of(connection, made)) == 2


async def test_a_campaign_under_way_takes_mailings_whose_time_is_to_come(
    connection: Any, deployment: Deployment
) -> None:
    made = await series(connection, deployment, count=1)
    template = await template_of(connection, made)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    for late in (ScheduleOrder(), ScheduleOrder(after=OffsetOrder())):
        with pytest.raises(Refusal) as refused:
            await mailings.add(connection, made, MailingOrder(template_id=template, schedule=late), "k", "Dana")
        assert (refused.value.code, refused.value.field) == (RefusalCode.SCHEDULE_INVALID, ("mailing", "schedule"))
    moment = await connection.fetchval("select now() + interval '3 days'")
    added = await mailings.add(
        connection, made, MailingOrder(template_id=template, schedule=ScheduleOrder(at=moment)), "k", "Dana"
    )
    row = await connection.fetchrow("select status::text, due_at, number from mailing where id = $1", added)
    assert tuple(row) == ("SCHEDULED", moment, 2)
    # And it may be moved until its audience is frozen
    later = MailingOrder(template_id=template, schedule=ScheduleOrder(at=moment + timedelta(days=1)), subject="Later")
    await mailings.update(connection, added, later, "Kim")
    assert await connection.fetchval("select due_at from mailing where id = $1", added) == later.schedule.at
    action, actor, detail = (await actions(connection, made))[-1]
    assert (action, actor, detail["mailing"]) == ("updateMailing", "Kim", 2)
    assert detail["subject"] == {"was": None, "is": "Later"}
    assert set(detail) == {"mailing", "subject", "sendAt"}


async def test_a_mailing_whose_audience_is_frozen_stays_as_it_is(connection: Any, deployment: Deployment) -> None:
    made = await series(connection, deployment, count=1)
    template, [mailing] = await template_of(connection, made), await ids_of(connection, made)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    while await freezing.freeze(connection) is not None:
        pass
    with pytest.raises(Refusal) as refused:
        await mailings.update(connection, mailing, MailingOrder(template_id=template), "Dana")
    assert (refused.value.code, refused.value.field) == (RefusalCode.ILLEGAL_STATE, ("mailingId",))
    with pytest.raises(Refusal) as refused:
        await mailings.remove(connection, mailing, "Dana")
    assert (refused.value.code, refused.value.field) == (RefusalCode.ILLEGAL_STATE, ("mailingId",))


async def test_a_mailing_is_taken_off_a_draft_and_called_off_later(connection: Any, deployment: Deployment) -> None:
    # Given a draft of three mailings, one for who did not open another
    made = await series(connection, deployment, count=3)
    first, second, third = await ids_of(connection, made)
    template = await template_of(connection, made)
    again = MailingOrder(template_id=template, schedule=IN_A_DAY, not_opened_mailing_id=second)
    await mailings.update(connection, third, again, "Dana")
    with pytest.raises(Refusal) as refused:
        await mailings.remove(connection, second, "Dana")
    assert refused.value.code is RefusalCode.CONFLICT
    # When the third is taken off, then the numbers of the others stay
    await mailings.remove(connection, third, "Dana")
    assert await ids_of(connection, made) == [first, second]
    # When the second is called off after the launch, it stays, as cancelled
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    await mailings.remove(connection, second, "Kim")
    assert await connection.fetchval("select status::text from mailing where id = $1", second) == "CANCELLED"
    with pytest.raises(Refusal) as refused:
        await mailings.remove(connection, second, "Kim")
    assert refused.value.code is RefusalCode.ILLEGAL_STATE
    # And with the last one the campaign is through
    await mailings.remove(connection, first, "Kim")
    assert await status_of(connection, made) == "FINISHED"
    assert [(action, actor) for action, actor, _ in await actions(connection, made)] == [
        ("createCampaign", "Dana"),
        ("updateMailing", "Dana"),
        ("removeMailing", "Dana"),
        ("launchCampaign", "Dana"),
        ("removeMailing", "Kim"),
        ("removeMailing", "Kim"),
        ("finished", "gateway"),
    ]


@pytest.mark.parametrize("change", [mailings.remove, mailings.update])
async def test_a_mailing_that_is_not_there_is_refused(connection: Any, deployment: Deployment, change: Any) -> None:
    order_of = (MailingOrder(template_id=uuid4()),) if change is mailings.update else ()
    with pytest.raises(Refusal) as refused:
        await change(connection, 12345, *order_of, "Dana")
    assert (refused.value.code, refused.value.field) == (RefusalCode.NOT_FOUND, ("mailingId",))


# On the wire -----------------------------------------------------------------------------------------------------


async def test_each_mailing_of_a_series_has_its_own_subject_on_the_wire(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a series of three mailings of one template: a subject of its own with a field, another one, the template's
    template = await publish(connection)
    customers = [await make_customer(connection, name=name) for name in ("Ann Lee", "Jörg")]
    subjects = ("Zuerst für {{ first_name }} ({{ customer_name }})", "The same for all", None)
    wanted = tuple(MailingOrder(template_id=template, subject=subject) for subject in subjects)
    made = await drafts.create(connection, await order(connection, customers, mailings=wanted), deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    # When it is sent
    start()

    async def finished() -> bool:
        return await status_of(connection, made) == "FINISHED"

    await eventually(finished, "the end of the series")
    # Then every mail has its subject, in the ledger as on the wire
    told = {
        *(f"Zuerst für {first} ({name})" for first, name in (("N0", "Ann Lee"), ("N1", "Jörg"))),
        "The same for all",
        *("News for N0", "News for N1"),
    }
    assert {message_from_bytes(mail.content, policy=default)["subject"] for mail in smtp_server.taken} == told
    rows = await connection.fetch(
        "select m.*, g.subject as own_subject from message m join mailing g on g.id = m.mailing_id"
        " where m.campaign_id = $1",
        made,
    )
    assert {row["subject"] for row in rows} == told
    assert len(rows) == len(smtp_server.taken) == 6
    # And years later each is made again, to the byte
    for row in rows:
        again = await made_again(connection, row, deployment.settings, deployment)
        assert again.subject == row["subject"]
        assert hashlib.sha256(again.content).digest() == row["mail_sha256"]


async def test_a_message_has_the_subject_of_its_mailing_before_it_is_sent(
    connection: Any, deployment: Deployment
) -> None:
    made = await series(connection, deployment, count=1)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    await freezing.freeze(connection)
    await expansion.make_messages(connection, deployment)
    assert await connection.fetchval("select subject from message where campaign_id = $1", made) == "Part 1"


async def test_a_version_with_a_subject_is_made_once(connection: Any) -> None:
    template = await publish(connection)
    version_id = await connection.fetchval("select id from template_version where template_id = $1", template)
    version = await versions.load(connection, version_id)
    assert versions.with_subject(version, None) is version
    assert versions.with_subject(version, "One") is versions.with_subject(version, "One")
    assert versions.with_subject(version, "One") is not versions.with_subject(version, "Two")


# Who did not open another one -------------------------------------------------------------------------------------


async def reminding(connection: Any, deployment: Deployment) -> tuple[UUID, int, int]:
    """A campaign under way: a mailing in a day, and one a day later to those who did not open that."""
    made = await series(connection, deployment)
    template, (first, second) = await template_of(connection, made), await ids_of(connection, made)
    await mailings.update(connection, first, MailingOrder(template_id=template, schedule=IN_A_DAY), "Dana")
    reminder = MailingOrder(template_id=template, schedule=in_days(2), not_opened_mailing_id=first)
    await mailings.update(connection, second, reminder, "Dana")
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    return made, first, second


def in_days(days: int) -> ScheduleOrder:
    return ScheduleOrder(after=OffsetOrder(days=days))


async def test_a_mailing_to_those_who_did_not_open_another_goes_after_it_also_under_way(
    connection: Any, deployment: Deployment
) -> None:
    made, first, second = await reminding(connection, deployment)
    template = await template_of(connection, made)
    sooner = MailingOrder(template_id=template, schedule=IN_A_DAY, not_opened_mailing_id=first)
    later = MailingOrder(template_id=template, schedule=in_days(3))
    for change in (
        mailings.update(connection, first, later, "Dana"),
        mailings.update(connection, second, sooner, "Dana"),
        mailings.add(connection, made, sooner, uuid4().hex, "Dana"),
    ):
        with pytest.raises(Refusal) as refused:
            await change
        assert (refused.value.code, refused.value.field) == (RefusalCode.SCHEDULE_INVALID, ("mailing", "schedule"))
    assert len(await ids_of(connection, made)) == 2


async def test_a_mailing_whose_readers_another_leaves_out_is_not_called_off(
    connection: Any, deployment: Deployment
) -> None:
    made, first, second = await reminding(connection, deployment)
    with pytest.raises(Refusal) as refused:
        await mailings.remove(connection, first, "Dana")
    assert (refused.value.code, refused.value.field) == (RefusalCode.CONFLICT, ("mailingId",))
    await mailings.remove(connection, second, "Dana")
    await mailings.add(connection, made, await after_three_days(connection, made), uuid4().hex, "Dana")
    await mailings.remove(connection, first, "Dana")
    # And of one that is called off there will be no readers
    with pytest.raises(Refusal) as refused:
        await mailings.add(connection, made, await after_three_days(connection, made, first), uuid4().hex, "Dana")
    assert (refused.value.code, refused.value.field) == (RefusalCode.NOT_FOUND, ("mailing", "notOpenedMailingId"))


async def after_three_days(connection: Any, campaign_id: UUID, not_opened: int | None = None) -> MailingOrder:
    template = await template_of(connection, campaign_id)
    return MailingOrder(template_id=template, schedule=in_days(3), not_opened_mailing_id=not_opened)


async def test_a_campaign_of_which_one_mailing_was_called_off_still_waits_after_a_pause(
    connection: Any, deployment: Deployment
) -> None:
    made, _, second = await reminding(connection, deployment)
    await mailings.remove(connection, second, "Dana")
    await lifecycle.pause(connection, made, actor="Dana")
    await lifecycle.resume(connection, made, actor="Dana")
    assert await status_of(connection, made) == "SCHEDULED"
