"""Campaigns: a draft with its audience, the launch, and the audience's way into messages, batch by batch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from gateway import compose, sender, template
from gateway.database import QUERIES
from gateway.errors import Refusal, RefusalCode
from gateway.house import House
from gateway.idempotency import check_key, digest_of, first_result, idempotency_conflict
from gateway.mail.address import RESERVED_NAMES, parse_address, with_a_labels
from gateway.mail.card_number import refuse_card_number
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.keys import Purpose
from gateway.mail.letter import read_merge_data
from gateway.mail.source import SourceType
from gateway.mail.verdict import Cause
from gateway.record import SUPPRESSED_ADVICE, WRONG_RELAY_ADVICE
from gateway.seam import refuse_card_number_in_seams, seams_of, weight_of
from gateway.watch import ChangeKind, tell_customers

LARGEST_AUDIENCE = 10_000
"""Recipients of one createCampaign: with their merge data they fit a request."""
MAKE_BATCH = 5000
"""Recipients a batch: 26,000 messages a second were made so; batches of 500 reach 0.6 of that."""
FILLED_AT_ONCE = 5000
"""Fields filled in, to look for card numbers, before others may run: some ten milliseconds; or a hundred recipients."""
LOOK_AHEAD = 25_000
"""Rows a campaign may have waiting: seconds of sending, so that queue time and send time stay close together, and a
cancel takes back little."""
NO_ADDRESS_ADVICE = "The customer has no address any more. Add one to the customer and retry."
RESERVED_ADVICE = "Nobody can have this address: its name is reserved. Correct the customer's and send it anew."
CANCELLED_ADVICE = "Its campaign was cancelled before it was sent."


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignRecipient:
    """One customer of an audience; `address` must be one of the customer's, None means the primary one."""

    customer_id: int
    address: str | None = None
    merge_data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignOrder:
    """A campaign to an explicit audience. `kind` is MARKETING or EVENT_BASED; priority 1 goes before 7."""

    title: str
    template_id: UUID
    recipients: tuple[CampaignRecipient, ...]
    idempotency_key: str
    actor: str
    kind: str = "MARKETING"
    priority: int = 4
    sender_id: UUID | None = None
    merge_data: Mapping[str, Any] = field(default_factory=dict)
    tracked: bool = True
    bound_relay: str | None = None


async def create(connection: Any, order: CampaignOrder, house: House) -> UUID:
    """Write a draft and its audience; one transaction. Raises Refusal, having written nothing: INVALID, TOO_MANY,
    NOT_FOUND, ERASED, ADDRESS_INVALID, ADDRESS_RESERVED, MERGE_FIELD_MISSING (its path names the field), CARD_NUMBER,
    IDEMPOTENCY_CONFLICT."""
    _check(order)
    shared = read_merge_data(order.merge_data, ("mergeData",))
    own = [
        read_merge_data(recipient.merge_data, ("recipients", str(place), "mergeData"))
        for place, recipient in enumerate(order.recipients)
    ]
    digest = _digest(order, shared, own)
    async with connection.transaction():
        first = await first_result(connection, order.idempotency_key, digest)
        if first is not None:
            return _first_campaign(first)
        version = await _newest_version(connection, order.template_id)
        await check_audience_data(version, shared, own)
        await _refuse_unreachable_recipients(connection, order, house)
        profile = await sender.current(connection, order.sender_id, default_from=house.settings.default_from)
        campaign_id = await _insert(connection, order, version.id, profile.id, shared, own)
        await _remember(connection, order.idempotency_key, digest, campaign_id)
    return campaign_id


def _check(order: CampaignOrder) -> None:
    check_key(order.idempotency_key)
    refuse_header_break(order.title, ("title",))
    refuse_card_number(order.title, ("title",))
    if not order.title.strip():
        raise Refusal(RefusalCode.REQUIRED, "A campaign has a title.", ("title",))
    if len(order.title) > 255:
        raise Refusal(RefusalCode.TOO_LONG, "A title has at most 255 characters.", ("title",))
    if not 1 <= order.priority <= 7:
        raise Refusal(RefusalCode.INVALID, "A priority is 1 (first) to 7.", ("priority",))
    if not order.recipients:
        raise Refusal(RefusalCode.REQUIRED, "A campaign has at least one recipient.", ("recipients",))
    if len(order.recipients) > LARGEST_AUDIENCE:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {LARGEST_AUDIENCE:,} recipients in one call.", ("recipients",))
    seen: set[int] = set()
    for place, recipient in enumerate(order.recipients):
        if recipient.customer_id in seen:
            path = ("recipients", str(place), "customerId")
            raise Refusal(RefusalCode.INVALID, "This customer is in the list twice.", path)
        seen.add(recipient.customer_id)


def _digest(order: CampaignOrder, shared: Mapping[str, str], own: Sequence[Mapping[str, str]]) -> bytes:
    return digest_of(
        {
            "campaign": [order.title, order.kind, order.priority, str(order.template_id), str(order.sender_id)],
            "merge_data": shared,
            "tracked": order.tracked,
            "recipients": [
                [recipient.customer_id, recipient.address, data]
                for recipient, data in zip(order.recipients, own, strict=True)
            ],
        }
    )


def _first_campaign(row: Any) -> UUID:
    if row["campaign_id"] is None:
        raise idempotency_conflict()
    return UUID(str(row["campaign_id"]))


async def _newest_version(connection: Any, template_id: UUID) -> template.CompiledTemplate:
    version_id = await QUERIES.newest_template_version(connection, template_id=template_id)
    if version_id is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such template.", ("templateId",))
    return await template.load(connection, version_id)


async def check_audience_data(
    version: template.CompiledTemplate, shared: Mapping[str, str], own: Sequence[Mapping[str, str]]
) -> None:
    """Refuse values that cannot be mailed, letting others run in between: ten thousand recipients take a while, most
    with templates of earlier days. Raises Refusal: MERGE_FIELD_MISSING, HEADER_INJECTION, CARD_NUMBER."""
    seams = seams_of(version.merge) if version.merge else ()
    pause = max(1, min(100, FILLED_AT_ONCE // (weight_of(seams) or 1)))
    for place, data in enumerate(own):
        if place % pause == 0:
            await asyncio.sleep(0)
        path = ("recipients", str(place), "mergeData")
        values = {**shared, **data}
        template.check_merge_data(version, values, path)
        refuse_card_number_in_seams(seams, values, path)


async def _refuse_unreachable_recipients(connection: Any, order: CampaignOrder, house: House) -> None:
    """Every customer exists, is not erased, and has the address that the mail is to go to, under a name that may be."""
    allow_reserved = house.settings.allow_reserved_domains
    async for row in QUERIES.audience_facts(
        connection,
        positions=list(range(len(order.recipients))),
        customer_ids=[recipient.customer_id for recipient in order.recipients],
        addresses=_addresses(order),
        reserved_names=[] if allow_reserved else sorted(RESERVED_NAMES),
    ):
        path = ("recipients", str(row["position"]))
        if not row["known"]:
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", (*path, "customerId"))
        if row["erased"]:
            raise Refusal(RefusalCode.ERASED, "This customer was erased.", (*path, "customerId"))
        if row["address"] is not None:
            parse_address(row["address"], allow_reserved=allow_reserved, field=(*path, "address"))
        raise Refusal(
            RefusalCode.ADDRESS_INVALID, "The customer does not have this address, or none at all.", (*path, "address")
        )


def _addresses(order: CampaignOrder) -> list[str | None]:
    return [None if one.address is None else with_a_labels(one.address) for one in order.recipients]


async def _insert(
    connection: Any,
    order: CampaignOrder,
    version_id: UUID,
    sender_version_id: UUID,
    shared: Mapping[str, str],
    own: Sequence[Mapping[str, str]],
) -> UUID:
    campaign_id = await QUERIES.insert_campaign(
        connection,
        title=order.title,
        kind=order.kind,
        priority=order.priority,
        template_version_id=version_id,
        sender_version_id=sender_version_id,
        merge_data=shared,
        tracked=order.tracked,
        audience_size=len(order.recipients),
        bound_relay=order.bound_relay,
    )
    await QUERIES.insert_audience(
        connection,
        campaign_id=campaign_id,
        positions=list(range(1, len(order.recipients) + 1)),
        customer_ids=[recipient.customer_id for recipient in order.recipients],
        addresses=_addresses(order),
        merge_data=[orjson.dumps(data).decode() for data in own],
    )
    return UUID(str(campaign_id))


async def _remember(connection: Any, key: str, digest: bytes, campaign_id: UUID) -> None:
    await QUERIES.insert_idempotency_key(
        connection, key=key, input_sha256=digest, customer_id=None, message_id=None, campaign_id=campaign_id
    )


# The person's word -----------------------------------------------------------------------------------------------


async def _locked(connection: Any, campaign_id: UUID) -> Any:
    row = await QUERIES.lock_campaign(connection, campaign_id=campaign_id)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such campaign.", ("campaignId",))
    return row


def _refuse_unless(row: Any, allowed: Sequence[str], what: str) -> None:
    if row["status"] not in allowed:
        raise Refusal(RefusalCode.ILLEGAL_STATE, f"{what}; this one is {str(row['status']).lower()}.", ("campaignId",))


async def launch(connection: Any, campaign_id: UUID, key: str, house: House) -> None:
    """Let a draft run; answers at once, the worker makes its messages. Ring the bell after the commit.

    Raises Refusal: NOT_FOUND, ILLEGAL_STATE, UNSUBSCRIBE_MISSING, POSTAL_ADDRESS_MISSING, IDEMPOTENCY_CONFLICT.
    """
    check_key(key)
    digest = digest_of({"launch": str(campaign_id)})
    async with connection.transaction():
        first = await first_result(connection, key, digest)
        if first is not None:
            return
        row = await _locked(connection, campaign_id)
        _refuse_unless(row, ["DRAFT"], "Only a draft can be launched")
        _refuse_unlawful(await template.load(connection, row["template_version_id"]), row["postal_address"])
        await QUERIES.launch_campaign(connection, campaign_id=campaign_id)
        await QUERIES.insert_campaign_lane(connection, campaign_id=campaign_id, priority=row["priority"])
        await _remember(connection, key, digest, campaign_id)


def _refuse_unlawful(version: template.CompiledTemplate, postal_address: str | None) -> None:
    """Campaign mail shows an unsubscribe link and the sender's postal address, in whichever part is read. Publishing
    completes what it can; versions of earlier days may lack more."""
    lacking = version.merge.part_without_unsubscribe if version.merge else "html"
    if lacking == "html":
        raise Refusal(
            RefusalCode.UNSUBSCRIBE_MISSING,
            "The template's HTML shows no unsubscribe link: "
            'put <a href="{{ unsubscribe_url }}"> into it and make the campaign anew.',
            ("campaignId",),
        )
    if not postal_address:
        raise Refusal(
            RefusalCode.POSTAL_ADDRESS_MISSING,
            "The sender has no postal address, which campaign mail must show: make a sender with one.",
            ("campaignId",),
        )
    if lacking or version.merge is None or version.merge.part_without_postal_address:
        code = RefusalCode.UNSUBSCRIBE_MISSING if lacking else RefusalCode.POSTAL_ADDRESS_MISSING
        message = (
            "This version of the template does not show the unsubscribe link and the postal address in both parts: "
            "publish the template again, which completes it, and make the campaign anew."
        )
        raise Refusal(code, message, ("campaignId",))


async def pause(connection: Any, campaign_id: UUID, actor: str) -> None:
    """Stop a running campaign exactly: when this returns, nothing more of it is handed off. What was handed off just
    before shows HANDED_OFF. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        row = await _locked(connection, campaign_id)
        _refuse_unless(row, ["RUNNING"], "Only a running campaign can be paused")
        await QUERIES.set_campaign_status(connection, campaign_id=campaign_id, status="PAUSED")
        await QUERIES.pause_campaign_lane(connection, campaign_id=campaign_id, why=f"Paused by {actor}.")


async def resume(connection: Any, campaign_id: UUID, actor: str) -> None:
    """Let a paused campaign run on. Ring the bell after the commit. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        row = await _locked(connection, campaign_id)
        _refuse_unless(row, ["PAUSED"], "Only a paused campaign can be resumed")
        await QUERIES.set_campaign_status(connection, campaign_id=campaign_id, status="RUNNING")
        await QUERIES.resume_campaign_lane(connection, campaign_id=campaign_id)


async def cancel(connection: Any, campaign_id: UUID, actor: str) -> int:
    """End a campaign for good: its waiting mail is CANCELLED, the rest of its audience gets none. Answers how many
    messages were taken back. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        row = await _locked(connection, campaign_id)
        _refuse_unless(row, ["DRAFT", "RUNNING", "PAUSED"], "Only a campaign that is not over can be cancelled")
        if row["status"] == "DRAFT":
            await QUERIES.launch_campaign(connection, campaign_id=campaign_id)
        await QUERIES.pause_campaign_lane(connection, campaign_id=campaign_id, why=f"Cancelled by {actor}.")
        await QUERIES.set_campaign_status(connection, campaign_id=campaign_id, status="CANCELLED")
        return await cancel_rows(connection, campaign_id, actor)


async def cancel_rows(connection: Any, campaign_id: UUID, actor: str) -> int:
    """Take back what of a cancelled campaign is in the queue. Answers how many."""
    return int(
        await QUERIES.cancel_campaign_rows(connection, campaign_id=campaign_id, actor=actor, advice=CANCELLED_ADVICE)
    )


# Audience to messages --------------------------------------------------------------------------------------------


async def make_messages(
    connection: Any, house: House, *, batch: int = MAKE_BATCH, look_ahead: int = LOOK_AHEAD
) -> int | None:
    """Make the next batch of some running campaign that may have more mail waiting; one transaction, resumable.

    Answers how many audience rows it dealt with; None when there was nothing to make. Opted-out recipients are
    counted and get no message; suppressed ones get one that is HELD and says why.
    """
    async with connection.transaction():
        campaign = await QUERIES.campaign_to_make(connection, look_ahead=look_ahead)
        if campaign is None:
            return None
        rows = [
            row
            async for row in QUERIES.audience_batch(
                connection,
                campaign_id=campaign["id"],
                kind=campaign["kind"],
                after=campaign["made_position"],
                batch=batch,
            )
        ]
        made = [row for row in rows if not row["opted_out"]]
        if made:
            await _make(connection, campaign, made, house)
        await QUERIES.advance_campaign(
            connection,
            campaign_id=campaign["id"],
            made_position=min(campaign["made_position"] + batch, campaign["audience_size"]),
            opted_out=len(rows) - len(made),
        )
    return len(rows)


async def _make(connection: Any, campaign: Any, rows: Sequence[Any], house: House) -> None:
    version = await template.load(connection, campaign["template_version_id"])
    profile = await sender.load(connection, campaign["sender_version_id"])
    shared = campaign["merge_data"]
    held = [_held(row, campaign["bound_relay"], house) for row in rows]
    await QUERIES.make_campaign_messages(
        connection,
        campaign_id=campaign["id"],
        kind=campaign["kind"],
        template_version_id=campaign["template_version_id"],
        sender_version_id=campaign["sender_version_id"],
        lane_id=campaign["lane_id"],
        sender=profile.mailbox,
        composer_version=compose.COMPOSER_VERSION,
        token_key_id=house.keyring.sign_key(Purpose.OPEN)[0],
        tracked=campaign["tracked"],
        bound_relay=campaign["bound_relay"],
        deadline=house.settings.campaign_deadline,
        retry_once=SourceType.CAMPAIGN in house.settings.retry_once,
        positions=[row["position"] for row in rows],
        customer_ids=[row["customer_id"] for row in rows],
        addresses=[row["address"] or "" for row in rows],
        address_keys=[row["address_key"] or house.key_of(row["address"] or "") for row in rows],
        domains=[(row["address"] or "").rpartition("@")[2].lower() for row in rows],
        subjects=[
            compose.render_subject(version, {**shared, **row["merge_data"]}, customer_name=row["name"]) for row in rows
        ],
        held_causes=[why[0] if why else None for why in held],
        held_advices=[why[1] if why else None for why in held],
    )
    await tell_customers(connection, ChangeKind.MESSAGE, [row["customer_id"] for row in rows])


def _held(row: Any, bound_relay: str | None, house: House) -> tuple[Cause, str] | None:
    """Why a recipient's message is made but not sent, if it is not."""
    if row["address"] is None:
        return Cause.BAD_ADDRESS, NO_ADDRESS_ADVICE
    if bound_relay is not None and bound_relay not in house.relay_names:
        return Cause.WRONG_RELAY, WRONG_RELAY_ADVICE
    if not house.settings.allow_reserved_domains and row["address"].rpartition(".")[2].lower() in RESERVED_NAMES:
        return Cause.BAD_ADDRESS, RESERVED_ADVICE  # the draft is from when they were allowed
    return (Cause.SUPPRESSED, SUPPRESSED_ADVICE) if row["suppressed"] else None


async def finish(connection: Any) -> list[UUID]:
    """Finish campaigns of which nobody is undecided, take back what cancelled ones still have, drop empty lanes."""
    async for row in QUERIES.cancelled_with_rows(connection):
        await cancel_rows(connection, row["id"], "gateway")
    async with connection.transaction():
        # Locked first: the statements behind it see what was queued until then, and nothing is queued meanwhile.
        settled = [row["id"] async for row in QUERIES.lock_settled_campaigns(connection)]
        if not settled:
            return []
        finished = [row["id"] async for row in QUERIES.finish_campaigns(connection, campaign_ids=settled)]
        await QUERIES.drop_empty_lanes(connection, campaign_ids=settled)
    return finished
