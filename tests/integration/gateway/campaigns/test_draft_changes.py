"""Drafts changed, copied, deleted and put away; what is offered in each state is taken; and the history of it all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.campaigns import drafts, lifecycle, lists, mailings
from gateway.campaigns.lists import NewList
from gateway.campaigns.mailings import MailingOrder
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.campaigns.possible_actions import CampaignAction, actions_of
from gateway.campaigns.schedule_orders import ScheduleOrder
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.mail.campaign import CampaignKind, CampaignStatus, EventRepeat
from tests.builders import NOON, make_campaign, make_customer
from tests.integration.gateway.campaigns.orders import PAGE, launch, named, order, publish, status_of


async def draft(connection: Any, deployment: Deployment, **values: Any) -> UUID:
    customers = [await make_customer(connection)]
    return await drafts.create(connection, await order(connection, customers, **values), deployment)


async def history(connection: Any, campaign_id: UUID) -> list[tuple[str, str, Any]]:
    rows = await connection.fetch(
        "select action, actor, detail from campaign_event where campaign_id = $1 order by id", campaign_id
    )
    return [tuple(row) for row in rows]


# Changing --------------------------------------------------------------------------------------------------------


async def test_a_draft_changes_in_all_that_it_has(connection: Any, deployment: Deployment) -> None:
    # Given a draft to one customer, and two lists
    made = await draft(connection, deployment, merge_data={"offer": "10 %", "until": "May"})
    vip, away = [await lists.create(connection, NewList(name=name), "Dana") for name in ("VIP", "Away")]
    others = [await make_customer(connection) for _ in range(2)]
    # When everything is changed at once
    await drafts.update(
        connection,
        made,
        {
            "title": "Summer  news",
            "priority": 2,
            "tracked": False,
            "merge_data": {"offer": "20 %", "until": "May"},
            "recipients": named(others),
            "list_ids": (vip,),
            "excluded_list_ids": (away,),
        },
        deployment,
        actor="Kim",
    )
    # Then it is as it was told, and its history says what it was and what it became
    row = await connection.fetchrow("select title, priority, tracked, merge_data from campaign where id = $1", made)
    assert tuple(row) == ("Summer news", 2, False, {"offer": "20 %", "until": "May"})
    kept = await connection.fetch("select customer_id from campaign_customer where campaign_id = $1", made)
    assert [one["customer_id"] for one in kept] == others
    assert (await history(connection, made))[-1] == (
        "updateCampaign",
        "Kim",
        {
            "title": {"was": "Spring news", "is": "Summer news"},
            "priority": {"was": 4, "is": 2},
            "tracked": {"was": True, "is": False},
            "mergeData": {"was": {"offer": "10 %"}, "is": {"offer": "20 %"}},
            "lists": {"was": [], "is": ["VIP"]},
            "excludedLists": {"was": [], "is": ["Away"]},
            "customers": {"was": 1, "is": 2},
        },
    )
    # And a list leaves it, while another stays
    await drafts.update(connection, made, {"list_ids": ()}, deployment, actor="Kim")
    left = await connection.fetch("select list_id, excluded from campaign_list where campaign_id = $1", made)
    assert [tuple(one) for one in left] == [(away, True)]
    # And what changes nothing is no change
    before = len(await history(connection, made))
    await drafts.update(connection, made, {"title": "Summer news", "list_ids": ()}, deployment, actor="Kim")
    assert len(await history(connection, made)) == before


async def test_all_that_is_wrong_with_a_change_is_said_at_once(connection: Any, deployment: Deployment) -> None:
    made = await draft(connection, deployment)
    wrong: drafts.CampaignChanges = {
        "title": " ",
        "priority": 8,
        "repeat": EventRepeat.ONCE,
        "sender_id": uuid4(),
        "list_ids": (10**6,),
        "excluded_list_ids": (10**6,),
        "recipients": named([10**12]),
    }
    with pytest.raises(Refusals) as refused:
        await drafts.update(connection, made, wrong, deployment, actor="Kim")
    assert [(one.code.value, ".".join(one.field)) for one in refused.value.refusals] == [
        ("REQUIRED", "title"),
        ("INVALID", "priority"),
        ("INVALID", "repeat"),
        ("NOT_FOUND", "senderId"),
        ("INVALID", "excludedListIds.0"),
        ("NOT_FOUND", "listIds.0"),
        ("NOT_FOUND", "excludedListIds.0"),
        ("NOT_FOUND", "recipients.0.customerId"),
    ]
    assert await connection.fetchval("select count(*) from campaign_customer where campaign_id = $1", made) == 1


async def test_values_that_recipients_need_cannot_be_taken_away(connection: Any, deployment: Deployment) -> None:
    # Given a draft whose customers have their names from the campaign
    customer = await make_customer(connection)
    everybody = (CampaignRecipient(customer_id=customer),)
    right = await order(connection, [], merge_data={"first_name": "friend"}, recipients=everybody)
    made = await drafts.create(connection, right, deployment)
    # When the value is taken away, then it is refused
    with pytest.raises(Refusal) as refused:
        await drafts.update(connection, made, {"merge_data": {}}, deployment, actor="Kim")
    assert (refused.value.code, refused.value.field) == (RefusalCode.MERGE_FIELD_MISSING, ("mergeData",))


async def test_of_a_campaign_under_way_title_and_priority_change(connection: Any, deployment: Deployment) -> None:
    made = await draft(connection, deployment)
    await launch(connection, made, deployment)
    await drafts.update(connection, made, {"title": "Renamed", "priority": 1}, deployment, actor="Kim")
    assert await connection.fetchval("select priority from lane where campaign_id = $1", made) == 101
    with pytest.raises(Refusals) as refused:
        await drafts.update(
            connection, made, {"tracked": False, "list_ids": (), "title": "No"}, deployment, actor="Kim"
        )
    assert [(one.code.value, one.field) for one in refused.value.refusals] == [
        ("ILLEGAL_STATE", ("tracked",)),
        ("ILLEGAL_STATE", ("listIds",)),
    ]
    assert await connection.fetchval("select title from campaign where id = $1", made) == "Renamed"


# Copying, deleting, putting away ---------------------------------------------------------------------------------


async def test_a_copy_is_a_draft_like_the_other(connection: Any, deployment: Deployment) -> None:
    # Given a series that was launched: three mailings, one of them called off, one for who did not open the first
    template = await publish(connection)
    vip = await lists.create(connection, NewList(name="VIP"), "Dana")
    away = await lists.create(connection, NewList(name="Away"), "Dana")
    customers = [await make_customer(connection) for _ in range(2)]
    right = await order(
        connection, customers, mailings=(), list_ids=(vip,), excluded_list_ids=(away,), merge_data={"offer": "x"}
    )
    made = await drafts.create(connection, right, deployment)
    later = ScheduleOrder(at_local_time="2030-01-01T09:00")
    first, _, off = [
        await mailings.add(connection, made, MailingOrder(template_id=template, **values), uuid4().hex, "Dana")
        for values in ({"subject": "One"}, {"subject": "Two", "schedule": later}, {"schedule": later})
    ]
    second = await connection.fetchval("select id from mailing where campaign_id = $1 and number = 2", made)
    again = MailingOrder(template_id=template, subject="Two", schedule=later, not_opened_mailing_id=first)
    await mailings.update(connection, second, again, "Dana")
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    await mailings.remove(connection, off, "Dana")
    await connection.execute("update customer set erased_at = now(), name = null where id = $1", customers[1])
    # When it is copied, and the call repeated
    values: dict[str, Any] = {"title": "Again", "key": "c", "actor": "Kim", "deployment": deployment}
    copy = await drafts.copy(connection, made, **values)
    assert await drafts.copy(connection, made, **values) == copy
    # Then there is one draft with the same mailings, lists and customers, as far as they are still there
    row = await connection.fetchrow("select title, status::text, merge_data from campaign where id = $1", copy)
    assert tuple(row) == ("Again", "DRAFT", {"offer": "x"})
    copied = await connection.fetch(
        "select g.number, g.status::text, g.subject, g.local_time is not null as timed, n.number as not_opened"
        " from mailing g left join mailing n on n.id = g.not_opened_mailing_id and n.campaign_id = g.campaign_id"
        " where g.campaign_id = $1 order by g.number",
        copy,
    )
    assert [tuple(one) for one in copied] == [(1, "DRAFT", "One", False, None), (2, "DRAFT", "Two", True, 1)]
    kept = await connection.fetch("select list_id, excluded from campaign_list where campaign_id = $1 order by 1", copy)
    assert [tuple(one) for one in kept] == [(vip, False), (away, True)]
    assert await connection.fetch("select customer_id from campaign_customer where campaign_id = $1", copy) == [
        (customers[0],)
    ]
    [(action, actor, detail)] = await history(connection, copy)
    assert (action, actor, detail["copyOf"], len(detail["mailings"])) == ("copyCampaign", "Kim", "Spring news", 2)


async def test_a_draft_is_deleted_with_all_that_it_has(connection: Any, deployment: Deployment) -> None:
    made = await draft(connection, deployment)
    await drafts.delete(connection, made)
    for table in ("campaign", "mailing", "campaign_customer", "campaign_event", "idempotency_key"):
        assert await connection.fetchval(f"select count(*) from {table}") == 0  # noqa: S608 - constants
    with pytest.raises(Refusal) as refused:
        await drafts.delete(connection, made)
    assert refused.value.code is RefusalCode.NOT_FOUND


async def test_what_is_over_is_put_away_and_back(connection: Any, deployment: Deployment) -> None:
    made = await draft(connection, deployment)
    await lifecycle.cancel(connection, made, "Dana")
    for archived in (True, True, False):
        await drafts.archive(connection, made, archived=archived, actor="Kim")
        since = await connection.fetchval("select archived_at from campaign where id = $1", made)
        assert (since is not None) == archived
    assert (await history(connection, made))[-2:] == [
        ("archiveCampaign", "Kim", {"archived": {"was": False, "is": True}}),
        ("archiveCampaign", "Kim", {"archived": {"was": True, "is": False}}),
    ]


# What is offered is taken ----------------------------------------------------------------------------------------


DECIDE: Mapping[CampaignAction, Callable[[Any, UUID, Deployment], Awaitable[object]]] = {
    CampaignAction.LAUNCH: lambda c, i, d: lifecycle.launch(c, i, uuid4().hex, d, actor="Dana"),
    CampaignAction.PAUSE: lambda c, i, d: lifecycle.pause(c, i, "Dana"),
    CampaignAction.RESUME: lambda c, i, d: lifecycle.resume(c, i, actor="Dana"),
    CampaignAction.CANCEL: lambda c, i, d: lifecycle.cancel(c, i, "Dana"),
    CampaignAction.UPDATE: lambda c, i, d: drafts.update(c, i, {"title": "Other"}, d, actor="Dana"),
    CampaignAction.DELETE: lambda c, i, d: drafts.delete(c, i),
    CampaignAction.ARCHIVE: lambda c, i, d: drafts.archive(c, i, archived=True, actor="Dana"),
}
"""Of RETRY and SETTLE their own tests tell."""


@pytest.mark.parametrize("status", CampaignStatus)
@pytest.mark.parametrize("action", DECIDE)
async def test_every_action_offered_is_taken_and_no_other(
    connection: Any, deployment: Deployment, status: CampaignStatus, action: CampaignAction
) -> None:
    # Given a campaign in some state
    made = await draft(connection, deployment)
    over = status in (CampaignStatus.FINISHED, CampaignStatus.CANCELLED)
    paused = status is CampaignStatus.PAUSED
    await connection.execute(
        "update campaign set status = $2::campaign_status, launched_at = $3, finished_at = $4, paused_at = $5,"
        " paused_why = $6 where id = $1",
        made,
        status,
        None if status is CampaignStatus.DRAFT else NOON,
        NOON if over else None,
        NOON if paused else None,
        "Paused by Ann." if paused else None,
    )
    # When something is done about it, then it is done if it was offered, else refused
    if action in actions_of(status):
        await DECIDE[action](connection, made, deployment)
        return
    with pytest.raises(Refusal) as refused:
        await DECIDE[action](connection, made, deployment)
    assert (refused.value.code, refused.value.field) == (RefusalCode.ILLEGAL_STATE, ("campaignId",))
    assert await status_of(connection, made) == status


async def test_of_two_launches_at_once_one_is_refused(pool: asyncpg.Pool[Any], deployment: Deployment) -> None:
    async with pool.acquire() as connection:
        made = await draft(connection, deployment)

    async def try_it() -> str:
        async with pool.acquire() as own:
            try:
                await lifecycle.launch(own, made, uuid4().hex, deployment, actor="Dana")
            except Refusal as refusal:
                return refusal.code.value
        return "launched"

    assert sorted(await asyncio.gather(try_it(), try_it())) == ["ILLEGAL_STATE", "launched"]


async def test_every_change_of_a_life_is_in_the_history(connection: Any, deployment: Deployment) -> None:
    made = await draft(connection, deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    await lifecycle.pause(connection, made, "Kim")
    await lifecycle.resume(connection, made, actor="Lee")
    await lifecycle.cancel(connection, made, "Max")
    await drafts.archive(connection, made, archived=True, actor="Eve")
    events = await history(connection, made)
    assert [(action, actor) for action, actor, _ in events] == [
        ("createCampaign", "Dana"),
        ("launchCampaign", "Dana"),
        ("pauseCampaign", "Kim"),
        ("resumeCampaign", "Lee"),
        ("cancelCampaign", "Max"),
        ("archiveCampaign", "Eve"),
    ]
    assert (events[0][2]["title"], events[0][2]["customers"]) == ("Spring news", 1)


async def test_a_campaign_that_ends_by_itself_says_so(connection: Any) -> None:
    made = await make_campaign(connection)
    assert await lifecycle.finish(connection) == [made]
    assert await history(connection, made) == [("finished", "gateway", {})]


async def test_a_series_of_events_waits_for_them_with_its_repeat(connection: Any, deployment: Deployment) -> None:
    for repeat, kept in ((None, "ONCE_A_DAY"), (EventRepeat.ONCE, "ONCE")):
        right = await order(connection, [], kind=CampaignKind.EVENT_BASED, recipients=None, repeat=repeat)
        made = await drafts.create(connection, right, deployment)
        assert await connection.fetchval("select repeat::text from campaign where id = $1", made) == kept
    with pytest.raises(Refusal) as refused:
        await draft(connection, deployment, repeat=EventRepeat.ONCE)
    assert (refused.value.code, refused.value.field) == (RefusalCode.INVALID, ("repeat",))


async def test_common_values_make_no_card_number_of_a_templates_digits(connection: Any, deployment: Deployment) -> None:
    half = await publish(connection, PAGE.replace("Hello ", "41111111"))
    vip = await lists.create(connection, NewList(name="VIP"), "Dana")
    right = await order(
        connection, [], template_id=half, list_ids=(vip,), merge_data={"first_name": "11111111"}, recipients=None
    )
    with pytest.raises(Refusal) as refused:
        await drafts.create(connection, right, deployment)
    assert (refused.value.code, refused.value.field) == (RefusalCode.CARD_NUMBER, ("mergeData",))
