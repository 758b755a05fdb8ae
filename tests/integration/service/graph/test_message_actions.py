"""Advice can be followed: the API accepts what `message { actions }` names, and no advice asks for anything else."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson

from gateway.deployment import Deployment
from gateway.mail.message import Status
from gateway.outbox.possible_actions import MessageAction
from gateway.verdict_rules import read_verdict_rules
from service.graph.context import Context
from service.graph.node import message_global_id
from service.graph.schema import schema
from tests.builders import NOON, insert, make_campaign, make_customer, make_message, make_outbox
from tests.conventions.sources import sources
from tests.engine import deployment

__all__ = ["deployment"]

MakeContext = Callable[..., Context]

ADDRESS, RIGHT = "ann@customer.example", "right@customer.example"
ACTIONS = "query($id: ID!) { message(id: $id) { status actions } }"
ON_MESSAGE = {
    MessageAction.RETRY: "retryMessage(input: $i)",
    MessageAction.RETRY_TO_PRESENT_ADDRESS: "retryMessage(input: $i, toPresentAddress: true)",
    MessageAction.ASSUME_SENT: "assumeSent(input: $i)",
    MessageAction.CANCEL: "cancelMessage(input: $i)",
}


async def execute(context: Context, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    [value] = orjson.loads(orjson.dumps(result.data)).values()
    return value


async def try_on_message(make_context: MakeContext, message: str, action: MessageAction) -> list[str]:
    """The sentences with which it is refused; none when it was done."""
    query = f"mutation($i: MessageInput!) {{ a: {ON_MESSAGE[action]} {{ userErrors {{ message }} }} }}"
    done = await execute(make_context(), query, i={"messageId": message})
    return [error["message"] for error in done["userErrors"]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A message in some state, and its customer."""

    customer: int
    id: UUID

    @property
    def message(self) -> str:
        return message_global_id(self.customer, self.id)


async def make(connection: Any, status: str, *, address: str = ADDRESS, **values: Any) -> Made:
    """A message that is shown with this status, and its outbox row where it has one."""
    customer = await make_customer(connection, addresses=[address])
    waits = status in ("QUEUED", "HANDED_OFF", "DEFERRED")
    shown = "QUEUED" if waits else status
    if not waits:
        values.setdefault("decided_at", datetime.now(UTC))
    values.setdefault("recipient", address)
    message = await make_message(connection, customer, status=shown, **values)
    if waits:
        row: dict[str, Any] = {"address": address, "attempt": 2 if status == "DEFERRED" else 1}
        await make_outbox(connection, customer, message, **row)
    if status == "HANDED_OFF":
        await connection.execute(
            "update outbox set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 hour',"
            " handed_off_at = now() where message_id = $1",
            message,
        )
    return Made(customer=customer, id=message)


# What the API accepts is what it names ---------------------------------------------------------------------------


async def suppress(connection: Any, deployment: Deployment, address: str) -> None:
    await connection.execute(
        "insert into suppression (address_key, reason, actor) values ($1, 'BAD_ADDRESS', 'gateway')"
        " on conflict do nothing",
        deployment.key_of(address),
    )


async def move(connection: Any, deployment: Deployment, made: Made, address: str) -> None:
    """The CRM has given the customer another address."""
    await connection.execute(
        "update customer_address set address = $1, address_key = $2 where customer_id = $3",
        address, deployment.key_of(address), made.customer,
    )  # fmt: skip


SITUATIONS = (
    "plain", "suppressed", "moved", "moved_to_suppressed", "no_address", "erased",
    "relay_missing", "campaign", "campaign_opted_out", "campaign_cancelled",
)  # fmt: skip
STATUSES = tuple(str(status) for status in Status if status is not Status.RECEIVED)


async def make_in(connection: Any, deployment: Deployment, status: str, situation: str) -> Made:
    values: dict[str, Any] = {"cause": "BAD_ADDRESS"} if status in ("REFUSED", "BOUNCED") else {}
    if situation.startswith("campaign"):
        values["campaign_id"] = await make_campaign(connection)
    if situation == "relay_missing":
        values["bound_relay"] = "elsewhere"
    made = await make(connection, status, **values)
    match situation:
        case "suppressed":
            await suppress(connection, deployment, ADDRESS)
        case "moved" | "moved_to_suppressed":
            await move(connection, deployment, made, RIGHT if situation == "moved" else "closed@customer.example")
        case "no_address" | "erased":
            await connection.execute("delete from customer_address where customer_id = $1", made.customer)
        case "campaign_opted_out":
            await insert(connection, "opt_out", customer_id=made.customer, kind="MARKETING", source="STAFF", actor="t")
        case "campaign_cancelled":
            await connection.execute(
                "update campaign set status = 'CANCELLED', finished_at = now() where id = $1", values["campaign_id"]
            )
    if situation == "erased":
        await connection.execute("update customer set erased_at = now() where id = $1", made.customer)
        await connection.execute(
            "update message set recipient = null, recipient_key = $1 where id = $2", bytes(32), made.id
        )
    return made


async def test_the_api_accepts_exactly_what_is_named_and_says_why_not_of_the_rest(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    await suppress(connection, deployment, "closed@customer.example")
    cases = [(status, "plain") for status in STATUSES]
    cases += [(status, situation) for situation in SITUATIONS[1:] for status in ("QUEUED", "HELD", "REFUSED")]
    for status, situation in cases:
        await connection.execute("delete from suppression where address_key = $1", deployment.key_of(ADDRESS))
        # Given a message in this status and situation
        made = await make_in(connection, deployment, status, situation)
        told = await execute(make_context(), ACTIONS, id=made.message)
        assert told["status"] == status
        named = {MessageAction(one) for one in told["actions"]}
        # Then what is not named is refused with a sentence, and nothing changes
        for action in sorted(ON_MESSAGE.keys() - named):
            [sentence] = await try_on_message(make_context, made.message, action)
            assert sentence.endswith("."), (status, situation, action)
        assert await execute(make_context(), ACTIONS, id=made.message) == told
        # And each that is named is done, to a message of its own
        for action in sorted(named & ON_MESSAGE.keys()):
            again = await make_in(connection, deployment, status, situation)
            assert await try_on_message(make_context, again.message, action) == [], (status, situation, action)


async def test_what_can_be_done_follows_status_and_address(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    async def named(status: str, situation: str) -> list[str]:
        made = await make_in(connection, deployment, status, situation)
        found: list[str] = (await execute(make_context(), ACTIONS, id=made.message))["actions"]
        return found

    assert await named("REFUSED", "plain") == ["RETRY", "CORRECT_ADDRESS", "DISMISS"]
    assert await named("REFUSED", "moved") == ["RETRY", "RETRY_TO_PRESENT_ADDRESS", "DISMISS"]
    assert await named("UNCERTAIN", "plain") == ["RETRY", "ASSUME_SENT"]
    assert await named("HELD", "campaign_opted_out") == ["CANCEL", "DISMISS"]
    assert await named("HELD", "erased") == ["CANCEL", "DISMISS"]
    assert await named("DEFERRED", "plain") == ["CANCEL"]
    for status in ("ACCEPTED", "CANCELLED", "HANDED_OFF"):
        assert await named(status, "plain") == []
    assert await named("REFUSED", "suppressed") == ["LIFT_SUPPRESSION", "CORRECT_ADDRESS", "DISMISS"]


async def test_a_mail_goes_to_who_may_be_mailed_though_its_copy_may_not(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given a mail that is uncertain, and its copy that is held for a suppressed address
    made = await make(connection, "UNCERTAIN")
    await insert(
        connection, "copy", customer_id=made.customer, message_id=made.id, recipient_no=1, role="CC",
        address="boss@customer.example", status="HELD", cause="SUPPRESSED", decided_at=NOON,
    )  # fmt: skip
    await suppress(connection, deployment, "boss@customer.example")
    told = await execute(make_context(), ACTIONS, id=made.message)
    assert told["actions"] == ["RETRY", "ASSUME_SENT", "CANCEL", "LIFT_SUPPRESSION"]
    # When it is tried again, then the copy stays held
    assert await try_on_message(make_context, made.message, MessageAction.RETRY) == []
    assert await connection.fetchval("select array_agg(address) from outbox") == [ADDRESS]
    assert await connection.fetchval("select status from copy") == "HELD"


# Advice ----------------------------------------------------------------------------------------------------------

STEPS: dict[str, MessageAction] = {
    r"[Ss]end it again|[Tt]ry again": MessageAction.RETRY,
    r"[Mm]ark it as sent": MessageAction.ASSUME_SENT,
    r"cancel the mail": MessageAction.CANCEL,
    r"lift the suppression": MessageAction.LIFT_SUPPRESSION,
    r"Add one to the customer, and send this to it": MessageAction.RETRY_TO_PRESENT_ADDRESS,
    r"[Cc]heck (it|the address),? (with the customer|or ask)|Check it with the customer|Correct (it|the address)"
    r"|Ask the customer for |Ask for it|Ask the customer; if|Write the customer's address": (
        MessageAction.CORRECT_ADDRESS
    ),
}
"""What an advice tells a person to do about the message, and the action of the API that does it."""
ELSEWHERE = (
    r"[Ww]hoever (runs|looks after) |(Have|have) [^.;]* (checked|allowed|added there|removed)|Ask the customer to "
    r"|ask (the customer|them) to |[Rr]each (them|the customer) another way|mail administrator has to"
    r"|ask (that service|for a higher limit)|the settings is wrong|Check its attachments and links"
    # A new sending, or a new version of a template and a new campaign.
    r"|Send (it|the mail) with|send it anew|Send it without|mail it by another campaign"
)
"""What an advice tells a person to change outside of this message."""
NOTHING = (
    r"Nothing (is|was|is known|is to be) |at the moment|for now|This is normal|took it back|was cancelled"
    r"|could not check the address yet|fewer connections|makes no sense|hold back mail"
)
"""What an advice says where nothing is to be done: it mends itself, or is over."""
OF_CODE = {
    "Its address must not be mailed": ("HELD", "SUPPRESSED"),
    "The customer opted out": ("HELD", "OPTED_OUT"),
    "This mail may leave only by a relay": ("HELD", "WRONG_RELAY"),
    "The mail could not be composed": ("HELD", "OUR_CONFIGURATION"),
    "The deadline passed": ("EXPIRED", "DEADLINE"),
    "The gateway stopped": ("UNCERTAIN", "CONNECTION_LOST"),
    "The ledger was restored": ("UNCERTAIN", "RESTORED"),
    "A person took it back": ("CANCELLED", "BY_PERSON"),
    "Its campaign was cancelled": ("CANCELLED", "BY_PERSON"),
    "The customer has no address any more": ("HELD", "BAD_ADDRESS"),
    "Nobody can have this address": ("HELD", "BAD_ADDRESS"),
    "The customer lost a value": ("HELD", "OUR_CONFIGURATION"),
    "The other mail system has it and goes on trying": ("ACCEPTED", "UNKNOWN"),
}
"""The status and cause of mail with the advice in code that begins so."""


def advices_in_code() -> set[str]:
    """Every text that is named ...ADVICE, or passed as `advice`, in the gateway's code."""
    found: set[str] = set()
    for source in sources("gateway"):
        for node in ast.walk(source.tree):
            given = node.value if isinstance(node, ast.keyword) and node.arg == "advice" else None
            if isinstance(node, ast.Assign) and any(
                isinstance(one, ast.Name) and one.id.endswith("ADVICE") for one in node.targets
            ):
                given = node.value
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                found.add(given.value)
    return found


@cache
def every_advice() -> Sequence[tuple[str, str, str]]:
    """Every advice, with the status and cause of mail that has it when its outcome is known."""
    return sorted(set(_every_advice()))


def _every_advice() -> Iterable[tuple[str, str, str]]:
    rules = read_verdict_rules()
    for rule in rules.replies:
        yield rule.advice, "DEFERRED" if rule.defers or rule.stops_relay else "REFUSED", rule.cause
    for fault in rules.faults:
        yield fault.advice, "UNCERTAIN" if fault.after_dot else "REFUSED" if fault.refuses else "DEFERRED", fault.cause
    for text in advices_in_code():
        [(status, cause)] = [known for start, known in OF_CODE.items() if text.startswith(start)] or [("?", text)]
        yield text, status, cause


def test_every_advice_says_what_to_do_here_or_elsewhere_or_that_nothing_is_to_be_done() -> None:
    assert len(every_advice()) > 70
    assert [text for text, status, _ in every_advice() if status == "?"] == [], "give it a line in OF_CODE"
    known = "|".join([*STEPS, ELSEWHERE, NOTHING])
    assert [text for text, _, _ in every_advice() if not re.search(known, text)] == []


async def test_every_advice_can_be_followed(connection: Any, deployment: Deployment, make_context: MakeContext) -> None:
    followed: set[tuple[str, str, MessageAction]] = set()
    for text, status, cause in every_advice():
        steps = [action for words, action in STEPS.items() if re.search(words, text)]
        if status == "REFUSED" and re.search(ELSEWHERE, text):
            steps.append(MessageAction.RETRY)  # once it was changed elsewhere
        for action in steps:
            if (status, cause, action) in followed or status == "DEFERRED":
                continue
            # Given a mail with this advice
            made = await with_advice(connection, deployment, text, status, cause)
            if action is MessageAction.RETRY and cause == "SUPPRESSED":
                await follow(make_context, made, MessageAction.LIFT_SUPPRESSION)
            if cause == "WRONG_RELAY" and action is MessageAction.RETRY:
                await connection.execute("update message set bound_relay = null where id = $1", made.id)
            # When a person does what it says, then the API names it, does it, and the mail is dealt with
            await follow(make_context, made, action)
            followed.add((status, cause, action))
    # A report is no advice: what a person is to do about it stands beside its words. Nor is to
    # leave it as it is, or as it was
    assert {action for _, _, action in followed} == set(MessageAction) - {
        MessageAction.BELIEVE_REPORT, MessageAction.DISMISS, MessageAction.UNDO,
    }  # fmt: skip


async def with_advice(connection: Any, deployment: Deployment, text: str, status: str, cause: str) -> Made:
    await connection.execute("delete from suppression")
    address = "" if text.startswith("The customer has no address") else ADDRESS
    bound = "elsewhere" if cause == "WRONG_RELAY" else None
    made = await make(connection, status, recipient=address, cause=cause, advice=text, bound_relay=bound)
    if cause == "SUPPRESSED":
        await suppress(connection, deployment, ADDRESS)
    return made


async def follow(make_context: MakeContext, made: Made, action: MessageAction) -> None:
    """A person does it: what the API names, by the mutation of it."""
    told = await execute(make_context(), ACTIONS, id=made.message)
    assert action in told["actions"], (action, told)
    if action in ON_MESSAGE:
        assert await try_on_message(make_context, made.message, action) == []
    elif action is MessageAction.LIFT_SUPPRESSION:
        lift = "mutation($i: LiftSuppressionInput!) { liftSuppression(input: $i) { userErrors { message } } }"
        done = await execute(make_context(), lift, i={"address": ADDRESS, "why": "It is right"})
        assert done["userErrors"] == []
        return
    else:
        correct = "mutation($i: CorrectAddressInput!) { correctAddress(input: $i) { userErrors { message } } }"
        whose = {"customerId": f"Customer_{made.customer}", "address": ADDRESS, "correctAddress": RIGHT}
        done = await execute(make_context(), correct, i=whose)
        assert done["userErrors"] == []
    after = await execute(make_context(), ACTIONS, id=made.message)
    moved = {MessageAction.ASSUME_SENT: "ACCEPTED", MessageAction.CANCEL: "CANCELLED"}.get(action, "QUEUED")
    waits_for_a_person = after["status"] == told["status"] and "RETRY_TO_PRESENT_ADDRESS" in after["actions"]
    assert after["status"] == moved or waits_for_a_person
