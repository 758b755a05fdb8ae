"""`retryCampaign` and `settleCampaign`: what they answer, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.deployment import Deployment
from gateway.settings import Settings
from service.graph.context import Context
from service.graph.node import number_global_id, row_global_id
from service.graph.schema import schema
from tests.builders import mailing_of
from tests.integration.gateway.campaigns.deciding import carry_out, sent, statuses
from tests.integration.gateway.campaigns.orders import tally

PAYLOAD = "{ campaign { status } recipients userErrors { code field } }"


async def ask(context: Context, mutation: str, **input: Any) -> Any:
    kind = mutation[0].upper() + mutation[1:]
    document = f"mutation($input: {kind}Input!) {{ {mutation}(input: $input) {PAYLOAD} }}"
    answer = await schema.execute(document, context_value=context, variable_values={"input": input})
    assert answer.errors is None
    assert answer.data is not None
    return answer.data[mutation]


async def test_failures_are_retried_and_uncertain_mail_settled_by_one_call_each(
    connection: Any, settings: Settings, make_context: Callable[..., Context]
) -> None:
    # Given a campaign with a refused mail and an uncertain one
    deployment, context = Deployment.open(settings), make_context()
    made, refs = await sent(connection, deployment, [("REFUSED", "SPAM"), ("REFUSED", "POLICY"), "UNCERTAIN"])
    campaign = row_global_id("Campaign", made)
    mailing = number_global_id("Mailing", await mailing_of(connection, made))
    # When both are decided
    retried = await ask(
        context, "retryCampaign", campaignId=campaign, statuses=["REFUSED"], causes=["SPAM"], mailingId=mailing,
        expectedCount=1, idempotencyKey="r",
    )  # fmt: skip
    settled = await ask(context, "settleCampaign", campaignId=campaign, uncertain="ASSUME_SENT", idempotencyKey="s")
    # Then each says for how many, and the job does it in the caller's name
    for answer in (retried, settled):
        assert answer == {"campaign": {"status": "RUNNING"}, "recipients": 1, "userErrors": []}
    await carry_out(connection, deployment)
    assert await statuses(connection, refs) == ["QUEUED", "REFUSED", "ACCEPTED"]
    assert await tally(connection, made) == {"made": 3, "accepted": 1, "refused": 1}
    actors = await connection.fetch("select distinct actor from event where kind in ('RETRIED', 'ASSUMED_SENT')")
    assert [row["actor"] for row in actors] == [context.actor]


async def test_refusals_are_user_errors_and_nothing_is_done(
    connection: Any, settings: Settings, make_context: Callable[..., Context]
) -> None:
    made, _ = await sent(connection, Deployment.open(settings), ["UNCERTAIN"])
    campaign = row_global_id("Campaign", made)
    settle = {"uncertain": "RETRY", "idempotencyKey": "k"}
    for mutation, input, code, field in (
        ("settleCampaign", {"campaignId": "Campaign_1", **settle}, "NOT_FOUND", "campaignId"),
        ("settleCampaign", {"campaignId": campaign, **settle, "mailingId": "Mailing_x"}, "NOT_FOUND", "mailingId"),
        ("settleCampaign", {"campaignId": campaign, **settle, "mailingId": "Mailing_999"}, "NOT_FOUND", "mailingId"),
        ("settleCampaign", {"campaignId": campaign, **settle, "expectedCount": 41}, "CONFLICT", "expectedCount"),
        ("retryCampaign", {"campaignId": campaign, "statuses": ["ACCEPTED"], "idempotencyKey": "k"}, "INVALID",
         "statuses"),
    ):  # fmt: skip
        answer = await ask(make_context(), mutation, **input)
        assert answer == {"campaign": None, "recipients": 0, "userErrors": [{"code": code, "field": [field]}]}
    assert await connection.fetchval("select count(*) from campaign_decision") == 0
