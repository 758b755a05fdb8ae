"""The whole table of statuses as clients see it: colour, failures, what waits for a person; and ids of history rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest

from gateway.mail.message import MessageRef, Status
from gateway.outbox.dismissals import dismiss_many
from service.graph.context import Context
from service.graph.schema import schema
from tests.builders import NOON, insert, make_campaign, make_customer, make_hit, make_message, make_outbox

MakeContext = Callable[..., Context]

TABLE = {
    "ACCEPTED": ("GREY", False, False),
    "RECEIVED": ("GREY", False, False),
    "CANCELLED": ("GREY", False, False),
    "QUEUED": ("AMBER", False, False),
    "HANDED_OFF": ("AMBER", False, False),
    "DEFERRED": ("AMBER", False, False),
    "UNCERTAIN": ("AMBER", False, True),
    "REFUSED": ("RED", True, True),
    "HELD": ("RED", True, True),
    "EXPIRED": ("RED", True, True),
    "BOUNCED": ("RED", True, True),
}
"""Of each status: the icon's colour, whether it counts as failed, whether it waits for a person."""
CUSTOMER = """query($id: ID!) { customer(id: $id) { failedEmails needsAttention emails {
  id
  sent { nodes { __typename id colorHint info { __typename id status colorHint } message { __typename id } } }
  clicks { nodes { __typename id url message { id } } }
  connectionNotes { nodes { __typename id info { __typename id status colorHint tracked }
    message { __typename id needsAttention } } } } } }"""


async def ask(context: Context, query: str, **variables: Any) -> Any:
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    return orjson.loads(orjson.dumps(result.data))


async def make(connection: Any, customer: int, status: str, **values: Any) -> UUID:
    """A message that is shown with this status, and a copy of it that has the same where a copy can."""
    waits = status in ("QUEUED", "HANDED_OFF", "DEFERRED")
    own: dict[str, Any] = {"direction": "RECEIVED"} if status == "RECEIVED" else {}
    message = await make_message(connection, customer, status="QUEUED" if waits else status, **own, **values)
    if status == "RECEIVED":
        return message
    decided = {} if waits else {"decided_at": NOON}
    await insert(
        connection, "copy", customer_id=customer, message_id=message, recipient_no=1, role="CC",
        address="boss@customer.example", status="QUEUED" if waits else status, **decided,
    )  # fmt: skip
    for number in (0, 1) if waits else ():
        attempt = 2 if status == "DEFERRED" else 1
        await make_outbox(connection, customer, message, recipient_no=number, attempt=attempt)
    if status == "HANDED_OFF":
        await connection.execute(
            "update outbox set lease_owner = gen_random_uuid(), lease_until = now(), handed_off_at = now()"
            " where message_id = $1",
            message,
        )
    return message


@pytest.mark.parametrize("shaping", [True, False])
async def test_every_status_has_its_colour_and_only_failures_count_as_failed(
    connection: Any, make_context: MakeContext, shaping: bool
) -> None:
    assert TABLE.keys() == {str(status) for status in Status}
    query = """query($id: ID!) { customer(id: $id) { failedEmails needsAttention emails { connectionNotes { nodes {
      info { status colorHint copies { status colorHint } } message { needsAttention } } } } } }"""
    for status, (color, failed, waits) in TABLE.items():
        # Given a customer with one message in this status
        customer = await make_customer(connection)
        await make(connection, customer, status)
        # Then it has its colour, and so has a copy; failures are counted, a cancelled mail is none
        told = (await ask(make_context(shaping=shaping), query, id=f"Customer_{customer}"))["customer"]
        [note] = told["emails"]["connectionNotes"]["nodes"]
        assert (note["info"]["status"], note["info"]["colorHint"]) == (status, color)
        for copy in note["info"]["copies"]:
            assert (copy["status"], copy["colorHint"]) == (status, color)
        assert (told["failedEmails"], told["needsAttention"]) == (int(failed), waits), status
        assert note["message"]["needsAttention"] is waits


@pytest.mark.parametrize("shaping", [True, False])
async def test_mail_that_an_opt_out_holds_waits_for_nobody(
    connection: Any, make_context: MakeContext, shaping: bool
) -> None:
    customer = await make_customer(connection)
    await make(connection, customer, "HELD", cause="OPTED_OUT")
    told = (await ask(make_context(shaping=shaping), CUSTOMER, id=f"Customer_{customer}"))["customer"]
    assert told["needsAttention"] is False
    assert told["emails"]["connectionNotes"]["nodes"][0]["message"]["needsAttention"] is False


@pytest.mark.parametrize("shaping", [True, False])
async def test_mail_that_a_person_dismissed_waits_for_nobody(
    connection: Any, make_context: MakeContext, shaping: bool
) -> None:
    # Given failed mail of a customer that a person took off the worklist
    customer = await make_customer(connection)
    message = await make(connection, customer, "REFUSED", cause="BAD_ADDRESS")
    assert await dismiss_many(connection, [MessageRef(customer_id=customer, message_id=message)], "Kim") == 1
    # Then neither it nor its customer waits for anybody, and it has failed as before
    told = (await ask(make_context(shaping=shaping), CUSTOMER, id=f"Customer_{customer}"))["customer"]
    assert (told["failedEmails"], told["needsAttention"]) == (1, False)
    assert told["emails"]["connectionNotes"]["nodes"][0]["message"]["needsAttention"] is False
    listed = "{ customers(filter: { needsAttention: true }) { nodes { id } } }"
    assert (await ask(make_context(shaping=shaping), listed))["customers"]["nodes"] == []


@pytest.mark.parametrize("shaping", [True, False])
async def test_every_row_of_a_history_has_an_id_that_node_reads(
    connection: Any, make_context: MakeContext, shaping: bool
) -> None:
    # Given a tracked campaign mail with a click, and a letter that is not tracked
    customer = await make_customer(connection)
    campaign = await make_message(
        connection, customer, campaign_id=await make_campaign(connection), status="ACCEPTED", tracked=True
    )
    letter = await make_message(connection, customer, status="ACCEPTED", tracked=False)
    click = (await make_hit(connection, customer, campaign, url="https://shop.example/"))["id"]
    opened = (await make_hit(connection, customer, campaign))["id"]
    # When the history is read
    told = (await ask(make_context(shaping=shaping), CUSTOMER, id=f"Customer_{customer}"))["customer"]["emails"]
    # Then ids say type, customer and row, and no two are alike
    row = f"{customer}_{campaign.hex}"
    [sent], [clicked] = told["sent"]["nodes"], told["clicks"]["nodes"]
    assert (told["id"], sent["id"]) == (f"CustomerEmails_{customer}", f"SentEmail_{row}")
    assert (sent["info"]["id"], clicked["id"]) == (f"EmailInfo_{row}", f"LinkClick_{customer}_{click.hex}")
    notes = told["connectionNotes"]["nodes"]
    assert [note["id"] for note in notes] == [f"ConnectionNote_{customer}_{one.hex}" for one in (letter, campaign)]
    assert [note["info"]["tracked"] for note in notes] == [False, True]
    # And each is read by `node`; those of other rows are nobody's
    query = "query($id: ID!) { node(id: $id) { __typename id } }"
    for found in (told["id"], sent["id"], sent["info"]["id"], clicked["id"], *(note["id"] for note in notes)):
        assert (await ask(make_context(), query, id=found))["node"] == {
            "__typename": found.partition("_")[0],
            "id": found,
        }
    for wrong in (
        f"SentEmail_{customer}_{letter.hex}",
        f"LinkClick_{customer}_{opened.hex}",
        f"EmailInfo_{customer}_{click.hex}",
        "CustomerEmails_999999",
    ):
        assert (await ask(make_context(), query, id=wrong))["node"] is None
    broken = await schema.execute(query, context_value=make_context(), variable_values={"id": "CustomerEmails_1_2"})
    assert "is no id of ours" in str(broken.errors)
    emails = "query($id: ID!) { node(id: $id) { ... on CustomerEmails { sent { nodes { id } } } } }"
    assert (await ask(make_context(), emails, id=told["id"]))["node"] == {"sent": {"nodes": [{"id": sent["id"]}]}}
