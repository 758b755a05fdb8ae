"""What a person decides about many recipients of a campaign at once: retry its failures, settle what is uncertain.

What a decision is about is written down when it is asked, so that it acts on exactly those; a background job carries it
out in batches, each a transaction, and any worker goes on where another was killed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.campaigns import history
from gateway.campaigns.possible_actions import CampaignAction, lock_for
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.campaign import UncertainDecision
from gateway.mail.message import MessageRef, Status
from gateway.mail.verdict import Cause
from gateway.outbox.actions import decide_many
from gateway.outbox.idempotency import check_key, digest_of, first_result, remember_campaign
from gateway.outbox.outcomes import GATEWAY
from gateway.outbox.possible_actions import MessageAction
from gateway.outbox.put_off import Work, put_off_if_it_fails

BATCH = 1000
"""Messages a transaction, some tenths of a second: individual mail, and who pauses the campaign, wait no longer."""
MAX_RECIPIENTS = 1_000_000
"""Recipients of one decision: writing them down takes seconds, while the caller waits."""

FAILED = (Status.REFUSED, Status.BOUNCED, Status.EXPIRED, Status.HELD)
"""The states that `retry` knows."""
_NO_CONSENT = frozenset({Cause.OPTED_OUT})
_SAME_AGAIN = frozenset({Cause.BAD_ADDRESS, Cause.BAD_DOMAIN, Cause.SUPPRESSED})
"""Causes that only another address, or lifting a suppression, mends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignRetry:
    """Which failures of a campaign to try again; None: all states, all causes that a retry can mend, all mailings,
    any number. `expected_count`: how many that is."""

    campaign_id: UUID
    statuses: tuple[Status, ...] | None = None
    causes: tuple[Cause, ...] | None = None
    mailing_id: int | None = None
    to_present_addresses: bool = False
    expected_count: int | None = None
    idempotency_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignSettlement:
    """What becomes of a campaign's uncertain mail; the rest as for `CampaignRetry`."""

    campaign_id: UUID
    uncertain: UncertainDecision
    mailing_id: int | None = None
    expected_count: int | None = None
    idempotency_key: str


def hopeless(*, to_present_addresses: bool) -> frozenset[Cause]:
    """The causes that a retry cannot mend, at the same address or at the customer's present one. Who opted out gets
    nothing at any."""
    return _NO_CONSENT if to_present_addresses else _NO_CONSENT | _SAME_AGAIN


async def retry(connection: Connection, asked: CampaignRetry, actor: str) -> int:
    """Have a campaign's failures tried again, exactly those of now; a finished campaign runs again, those of a paused
    one wait. Returns for how many recipients; a known key returns its first result.

    Raises Refusal or Refusals: NOT_FOUND, INVALID, ILLEGAL_STATE (a draft, or cancelled), CONFLICT (another number than
    expected), TOO_MANY, IDEMPOTENCY_CONFLICT.
    """
    statuses = FAILED if asked.statuses is None else asked.statuses
    if not set(statuses) <= set(FAILED):
        message = (
            "A retry is of REFUSED, BOUNCED, EXPIRED and HELD mail; `settleCampaign` decides about UNCERTAIN mail."
        )
        raise Refusal(RefusalCode.INVALID, message, ("statuses",))
    action = MessageAction.RETRY_TO_PRESENT_ADDRESS if asked.to_present_addresses else MessageAction.RETRY
    left = hopeless(to_present_addresses=asked.to_present_addresses) if asked.causes is None else frozenset[Cause]()
    about = _About(action=action, asked=CampaignAction.RETRY, statuses=statuses, causes=asked.causes, hopeless=left)
    detail = {
        "statuses": sorted(statuses),
        "causes": None if asked.causes is None else sorted(asked.causes),
        "toPresentAddresses": asked.to_present_addresses,
    }
    return await _write_down(connection, asked, about, actor, "retryCampaign", detail)


async def settle(connection: Connection, asked: CampaignSettlement, actor: str) -> int:
    """Decide all that is uncertain of a campaign, exactly what is so now: retry it, which may mail somebody twice, or
    take it for sent, which a cancelled campaign's may be, too. Otherwise as `retry`."""
    again = asked.uncertain is UncertainDecision.RETRY
    about = _About(
        action=MessageAction.RETRY if again else MessageAction.ASSUME_SENT,
        asked=CampaignAction.RETRY if again else CampaignAction.SETTLE,
        statuses=(Status.UNCERTAIN,),
    )
    return await _write_down(connection, asked, about, actor, "settleCampaign", {"uncertain": asked.uncertain})


@dataclass(frozen=True, kw_only=True, slots=True)
class _About:
    """What is asked of the campaign, what is done to each message, and to mail in which states for which causes, None
    for any, but the `hopeless` ones."""

    asked: CampaignAction
    action: MessageAction
    statuses: Collection[Status]
    causes: Collection[Cause] | None = None
    hopeless: Collection[Cause] = ()


async def _write_down(
    connection: Connection,
    asked: CampaignRetry | CampaignSettlement,
    about: _About,
    actor: str,
    name: str,
    detail: dict[str, Any],
) -> int:
    """Write down a decision with its messages, in one transaction; returns how many."""
    check_key(asked.idempotency_key)
    digest = digest_of(asked)
    async with connection.transaction():
        if await first_result(connection, asked.idempotency_key, digest) is not None:
            return int(await QUERIES.recipients_of_decision(connection, idempotency_key=asked.idempotency_key))
        await lock_for(connection, asked.campaign_id, about.asked)
        mailing_ids = await _mailings(connection, asked.campaign_id, asked.mailing_id)
        decision = await QUERIES.write_down_decision(
            connection,
            campaign_id=asked.campaign_id,
            idempotency_key=asked.idempotency_key,
            action=about.action,
            actor=actor,
            mailing_ids=mailing_ids,
            statuses=list(about.statuses),
            causes=None if about.causes is None else list(about.causes),
            hopeless=list(about.hopeless),
            limit=MAX_RECIPIENTS,
        )
        found = int(decision["recipients"])
        _refuse_number(found, asked.expected_count)
        await remember_campaign(connection, asked.idempotency_key, digest, asked.campaign_id)
        told = detail | {"mailing": asked.mailing_id, "recipients": found, "decision": decision["id"]}
        await history.record(connection, asked.campaign_id, name, actor, told)
    return found


async def _mailings(connection: Connection, campaign_id: UUID, mailing_id: int | None) -> list[int]:
    """The campaign's mailings, or this one of them. Raises Refusal NOT_FOUND."""
    of_campaign = [row["id"] async for row in QUERIES.mailings_of_campaign(connection, campaign_id=campaign_id)]
    if mailing_id is None:
        return of_campaign
    if mailing_id not in of_campaign:
        raise Refusal(RefusalCode.NOT_FOUND, "The campaign has no such mailing.", ("mailingId",))
    return [mailing_id]


def _refuse_number(found: int, expected: int | None) -> None:
    """Raises Refusal; the caller's transaction takes back what was written down."""
    if found > MAX_RECIPIENTS:
        message = f"One decision is about at most {MAX_RECIPIENTS} recipients: name a mailing, states or causes."
        raise Refusal(RefusalCode.TOO_MANY, message, ("campaignId",))
    if expected is not None and expected != found:
        message = f"It is {found} recipients now. Look again, and confirm that number if you still mean it."
        raise Refusal(RefusalCode.CONFLICT, message, ("expectedCount",))


async def carry_out(connection: Connection, deployment: Deployment, *, batch: int = BATCH) -> int | None:
    """Carry out the next batch of some decision; one transaction, resumable. Messages that were decided otherwise since
    it was asked, or that must not be mailed, are skipped and counted.

    Returns how many messages were dealt with; None when there was nothing to do.
    """
    async with put_off_if_it_fails(connection, Work.DECISION) as taken:
        decision = await QUERIES.decision_to_carry_out(connection)
        if decision is None:
            return None
        taken.id = decision["id"]
        messages = await _take(connection, decision, batch)
        refs = await _still_so(connection, messages, decision["asked_at"])
        # Before the counts, as who cancels the campaign locks it; its history is written last.
        await QUERIES.lock_campaign(connection, campaign_id=decision["campaign_id"])
        done = 0
        if refs:
            action, actor = MessageAction(decision["action"]), decision["actor"]
            done = await decide_many(connection, refs, action, actor, deployment, decision_id=decision["id"])
        finished = await QUERIES.advance_decision(
            connection,
            decision_id=decision["id"],
            done=done,
            skipped=len(messages) - done,
            carried_customer=messages[-1][0].customer_id,
            carried_message=messages[-1][0].message_id,
        )
        if finished:
            await _tell(connection, decision, done=done, skipped=len(messages) - done)
    return len(messages)


async def _take(connection: Connection, decision: Any, batch: int) -> list[tuple[MessageRef, str]]:
    """The next messages of a decision and what each was, in the order of their keys; at least one."""
    rows = QUERIES.take_messages_of_decision(
        connection,
        decision_id=decision["id"],
        carried_customer=decision["carried_customer"],
        carried_message=decision["carried_message"],
        batch=batch,
    )
    taken = [
        (MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]), row["status"]) async for row in rows
    ]
    return sorted(taken, key=lambda one: (one[0].customer_id, one[0].message_id))


async def _still_so(
    connection: Connection, taken: Sequence[tuple[MessageRef, str]], asked_at: datetime
) -> list[MessageRef]:
    """Those that are as they were when it was asked, locked."""
    rows = QUERIES.lock_messages_as_they_were(
        connection,
        customer_ids=[ref.customer_id for ref, _ in taken],
        message_ids=[ref.message_id for ref, _ in taken],
        statuses=[status for _, status in taken],
        asked_at=asked_at,
    )
    return [MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) async for row in rows]


async def _tell(connection: Connection, decision: Any, *, done: int, skipped: int) -> None:
    """Write down in the campaign's history what came of a decision, after its last batch."""
    detail = {
        "decision": decision["id"],
        "recipients": decision["recipients"],
        "done": decision["done"] + done,
        "skipped": decision["skipped"] + skipped,
    }
    await history.record(connection, decision["campaign_id"], "carriedOut", GATEWAY, detail)
