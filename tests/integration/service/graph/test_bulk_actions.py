"""`previewMessageAction` and the mutations of its tokens: exactly what was shown, once, for who previewed it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.mail.message import MessageRef
from gateway.outbox import actions
from service.graph import bulk_actions
from service.graph.context import Context
from service.graph.node import message_global_id
from service.graph.schema import schema
from tests.builders import insert, make_campaign, make_customer, make_message
from tests.engine import deployment
from tests.finding import keep_up
from tests.integration.gateway.outbox.many import amiss, events, mails, statuses

__all__ = ["deployment"]

MakeContext = Callable[..., Context]

PREVIEW = """query($action: BulkMessageAction!, $filter: MessageFilter!, $search: String) {
  previewMessageAction(action: $action, filter: $filter, search: $search) {
    token expiresAt messages more notAllowed stay { reason messages }
    causes { cause messages } sample { id status } } }"""
FAILED = {"statuses": ["REFUSED", "UNCERTAIN", "HELD"]}
NOW = 1_795_000_000.0


async def preview(context: Context, action: str, filter: Any, search: str | None = None) -> Any:
    """What it would do."""
    given = {"action": action, "filter": filter, "search": search}
    answer = await schema.execute(PREVIEW, context_value=context, variable_values=given)
    assert answer.errors is None, answer.errors
    assert answer.data is not None
    return answer.data["previewMessageAction"]


async def act(context: Context, mutation: str, token: str) -> Any:
    """What came of it."""
    kind = mutation[0].upper() + mutation[1:]
    document = (
        f"mutation($token: String!) {{ {mutation}(input: {{token: $token}})"
        " { done skipped userErrors { code field message } } }"
    )
    assert f"{kind}Input" in schema.as_str()
    answer = await schema.execute(document, context_value=context, variable_values={"token": token})
    assert answer.errors is None, answer.errors
    assert answer.data is not None
    return answer.data[mutation]


def done(number: int, skipped: int = 0) -> dict[str, Any]:
    return {"done": number, "skipped": skipped, "userErrors": []}


def ids(refs: Sequence[MessageRef]) -> list[str]:
    return [message_global_id(ref.customer_id, ref.message_id) for ref in refs]


@asynccontextmanager
async def read_only(context: Context) -> AsyncIterator[None]:
    """PostgreSQL refuses writes of the context's connections until the block ends."""
    for way in ("on", "off"):
        async with context.pools.writing_connection() as connection:
            await connection.execute(f"set default_transaction_read_only = {way}")
        if way == "on":
            yield


async def given(connection: Any, deployment: Deployment, ends: Sequence[str]) -> list[MessageRef]:
    """Mail in these states, that can be found."""
    refs = await mails(connection, ends)
    await keep_up(connection, deployment)
    return refs


async def test_a_preview_says_what_would_be_done_and_its_token_does_just_that(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given failures, of which one must not be mailed, and other mail
    refs = await given(connection, deployment, ["REFUSED", "UNCERTAIN", "ACCEPTED", "HELD", "QUEUED", "REFUSED"])
    await connection.execute("update message set cause = 'SPAM' where id = $1", refs[3].message_id)
    key = deployment.key_of("c5@customer.example")
    await insert(connection, "suppression", address_key=key, reason="STAFF", actor="Kim")
    # When the failures are previewed
    async with read_only(make_context()):
        shown = await preview(make_context(), "RETRY", FAILED)
    # Then it says how many, why they failed, and which; and nothing is written
    assert (shown["messages"], shown["notAllowed"], shown["more"]) == (3, 1, False)
    assert shown["causes"] == [{"cause": "UNKNOWN", "messages": 2}, {"cause": "SPAM", "messages": 1}]
    assert shown["stay"] == [{"reason": "SUPPRESSED", "messages": 1}]
    assert [one["id"] for one in shown["sample"]] == ids([refs[0], refs[1], refs[3]])
    # When that is done
    assert await act(make_context(), "retryMessages", shown["token"]) == done(3)
    # Then each has its event by the caller
    assert await statuses(connection, refs) == ["QUEUED", "QUEUED", "ACCEPTED", "QUEUED", "QUEUED", "REFUSED"]
    assert await events(connection) == {("RETRIED", "tester"): 3}
    assert await amiss(connection) == []
    # And the same token again returns the same, also when its time is over
    assert await act(make_context(), "retryMessages", shown["token"]) == done(3)
    assert await act(make_context(clock=lambda: NOW + 10**7), "retryMessages", shown["token"]) == done(3)
    assert await events(connection) == {("RETRIED", "tester"): 3}


async def test_each_action_has_its_mutation(connection: Any, deployment: Deployment, make_context: MakeContext) -> None:
    # Given mail of every kind of waiting
    refs = await given(connection, deployment, ["UNCERTAIN", "REFUSED", "QUEUED", "HELD", "REFUSED"])
    await connection.execute(
        "update customer_address set address = 'new@customer.example', address_key = $2 where customer_id = $1",
        refs[4].customer_id, deployment.key_of("new@customer.example"),
    )  # fmt: skip
    for action, mutation, which, after in (
        ("ASSUME_SENT", "assumeSentMessages", 0, "ACCEPTED"),
        ("DISMISS", "dismissMessages", 1, "REFUSED"),
        ("CANCEL", "cancelMessages", 2, "CANCELLED"),
        ("CANCEL", "cancelMessages", 3, "CANCELLED"),
        ("RETRY_TO_PRESENT_ADDRESS", "retryMessages", 4, "QUEUED"),
    ):
        # When one is previewed and acted on
        shown = await preview(make_context(), action, {"ids": ids(refs[which : which + 1])})
        assert shown["messages"] == 1, action
        assert await act(make_context(), mutation, shown["token"]) == done(1)
        # Then that came of it
        assert (await statuses(connection, refs))[which] == after
    assert await amiss(connection) == []


async def test_what_changed_or_matches_no_longer_is_skipped_and_what_came_since_is_not_touched(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given uncertain mail that nobody opened, previewed
    refs = await given(connection, deployment, ["UNCERTAIN"] * 4)
    shown = await preview(make_context(), "RETRY", {"statuses": ["UNCERTAIN"], "opened": False})
    assert shown["messages"] == 4
    # When one is decided, one opened, and more becomes uncertain that is older
    await actions.assume_sent(connection, refs[0], "Kim", deployment)
    await connection.execute("update message set opened_at = now() where id = $1", refs[1].message_id)
    more = await given(connection, deployment, ["UNCERTAIN"])
    # Then only what was shown, matches, and is as it was is done
    assert await act(make_context(), "retryMessages", shown["token"]) == done(2, skipped=2)
    assert await statuses(connection, [*refs, *more]) == ["ACCEPTED", "UNCERTAIN", "QUEUED", "QUEUED", "UNCERTAIN"]


async def test_a_token_of_another_caller_action_or_time_and_no_token_are_refused(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    refs = await given(connection, deployment, ["UNCERTAIN"])
    token = (await preview(make_context(clock=lambda: NOW), "RETRY", FAILED))["token"]
    altered = token[:-1] + ("A" if token[-1] != "A" else "B")
    at, mutation = {"clock": lambda: NOW + 60}, "retryMessages"
    for context, name, text, code, words in (
        (make_context(clock=lambda: NOW + 901), mutation, token, "PREVIEW_EXPIRED", "older than 15 minutes"),
        (make_context(actor="somebody", **at), mutation, token, "PREVIEW_EXPIRED", "by somebody else"),
        (make_context(**at), "assumeSentMessages", token, "PREVIEW_EXPIRED", "for another action"),
        (make_context(**at), mutation, altered, "INVALID", "no token"),
        (make_context(**at), mutation, "nonsense", "INVALID", "no token"),
        (make_context(**at), mutation, "", "INVALID", "no token"),
    ):
        answer = await act(context, name, text)
        [error] = answer.pop("userErrors")
        assert answer == {"done": 0, "skipped": 0}
        assert (error["code"], error["field"]) == (code, ["token"])
        assert words in error["message"]
    assert await statuses(connection, refs) == ["UNCERTAIN"]
    assert await connection.fetchval("select count(*) from bulk_action") == 0
    # The token still serves who made it
    assert await act(make_context(clock=lambda: NOW + 900), mutation, token) == done(1)


async def test_what_stays_as_it_is_is_counted_by_the_reason_why(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given mail that was accepted, and failures: one suppressed, one whose relay is gone, two that may be retried
    refs = await given(connection, deployment, ["ACCEPTED", "REFUSED", "REFUSED", "ACCEPTED", "REFUSED", "REFUSED"])
    key = deployment.key_of("c1@customer.example")
    await insert(connection, "suppression", address_key=key, reason="STAFF", actor="Kim")
    await connection.execute("update message set bound_relay = 'gone' where id = $1", refs[2].message_id)
    # When a retry of all of them is previewed, then each reason is counted, the most first
    everything = {"ids": ids(refs)}
    shown = await preview(make_context(), "RETRY", everything)
    assert (shown["messages"], shown["notAllowed"]) == (2, 4)
    assert shown["stay"] == [
        {"reason": "STATUS", "messages": 2},
        {"reason": "SUPPRESSED", "messages": 1},
        {"reason": "RELAY_GONE", "messages": 1},
    ]
    # And one that is off the worklist stays off it
    await act(
        make_context(), "dismissMessages", (await preview(make_context(), "DISMISS", {"ids": ids(refs[4:5])}))["token"]
    )
    shown = await preview(make_context(), "DISMISS", everything)
    assert shown["stay"] == [{"reason": "STATUS", "messages": 2}, {"reason": "DISMISSED", "messages": 1}]
    assert (shown["messages"], shown["notAllowed"]) == (3, 3)


async def test_nothing_to_do_has_no_token(connection: Any, deployment: Deployment, make_context: MakeContext) -> None:
    await given(connection, deployment, ["ACCEPTED"])
    for filter, not_allowed in (
        ({"statuses": ["ACCEPTED"]}, 1),
        ({"statuses": []}, 0),
        ({"ids": ["Message_9_" + "0" * 32]}, 0),
    ):
        shown = await preview(make_context(), "RETRY", filter)
        assert (shown["token"], shown["messages"], shown["notAllowed"]) == (None, 0, not_allowed), filter
        assert (shown["more"], shown["causes"], shown["sample"]) == (False, [], [])


async def test_a_filter_that_says_nothing_or_cannot_be_read_is_refused(make_context: MakeContext) -> None:
    for filter, words, *search in (
        ({}, "is empty"),
        ({}, "is empty", "blocked"),
        ({}, "is empty", "someone@customer.example"),
        ({"statuses": None, "opened": None}, "is empty"),
        ({"ids": ["Customer_1"]}, "is not a Message's id"),
        ({"campaignIds": ["Campaign_" + "0" * 32]}, "there is no Campaign_"),
    ):
        given = {"action": "RETRY", "filter": filter, "search": search[0] if search else None}
        answer = await schema.execute(PREVIEW, context_value=make_context(), variable_values=given)
        assert answer.data == {"previewMessageAction": None}
        assert answer.errors is not None
        [error] = answer.errors
        assert (error.extensions or {})["code"] == "BAD_USER_INPUT"
        assert words in error.message


async def test_the_oldest_are_acted_on_and_more_are_said_to_match(
    connection: Any, deployment: Deployment, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given more mail than one preview takes, of which reading comes in several pages
    monkeypatch.setattr(bulk_actions, "MAX_SHOWN", 5)
    monkeypatch.setattr(bulk_actions, "AT_ONCE", 2)
    refs = await given(connection, deployment, ["REFUSED"] * 7)
    # When it is previewed and done, again and again
    counts = []
    for _ in range(2):
        shown = await preview(make_context(), "RETRY", FAILED)
        counts.append((shown["messages"], shown["more"]))
        assert await act(make_context(), "retryMessages", shown["token"]) == done(shown["messages"])
        if len(counts) == 1:
            assert await statuses(connection, refs) == [*["QUEUED"] * 5, *["REFUSED"] * 2]
        await keep_up(connection, deployment)
    # Then the oldest come first, and the rest after them
    assert counts == [(5, True), (2, False)]
    assert await events(connection) == {("RETRIED", "tester"): 7}


async def test_a_preview_that_reaches_a_bound_says_so(
    connection: Any, deployment: Deployment, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given mail of which the oldest does not allow a retry, because its address is suppressed
    await given(connection, deployment, ["REFUSED"] * 4)
    for number in range(2):
        key = deployment.key_of(f"c{number}@customer.example")
        await insert(connection, "suppression", address_key=key, reason="STAFF", actor="Kim")
    for bound in ("MAX_LOOKED_AT", "MAX_WALKS", "MAX_REFUSED"):
        # When a preview looks at no more than that
        with monkeypatch.context() as patch:
            patch.setattr(bulk_actions, "AT_ONCE", 1)
            patch.setattr(bulk_actions, bound, 2)
            shown = await preview(make_context(), "RETRY", FAILED)
        # Then it says that there is more
        assert (shown["messages"], shown["notAllowed"], shown["more"], shown["token"]) == (0, 2, True, None), bound


async def test_waiting_campaign_mail_is_cancelled_and_counted(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given a campaign's mail in the queue, before its first answer
    campaign = await make_campaign(connection)
    customer = await make_customer(connection, addresses=["ann@customer.example"])
    message = await make_message(connection, customer, campaign_id=campaign, recipient="ann@customer.example")
    lane = await connection.fetchval("select id from lane where campaign_id = $1", campaign)
    await connection.execute(
        "insert into outbox (customer_id, message_id, lane_id, address, address_key, domain, expires_at)"
        " values ($1, $2, $3, 'ann@customer.example', $4, 'customer.example', now() + interval '1 day')",
        customer, message, lane, deployment.key_of("ann@customer.example"),
    )  # fmt: skip
    await keep_up(connection, deployment)
    shown = await preview(make_context(), "CANCEL", {"statuses": ["QUEUED"]})
    assert shown["messages"] == 1
    assert await act(make_context(), "cancelMessages", shown["token"]) == done(1)
    assert await connection.fetchval("select sum(cancelled) from mailing_tally") == 1
