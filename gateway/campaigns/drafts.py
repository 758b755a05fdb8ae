"""Campaigns before they are launched: an order is checked as a whole and written; a draft is changed, copied, deleted.

Of a campaign under way only title and priority change. One that is over can be put away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict
from uuid import UUID

from gateway.campaigns import history, mailings, named_customers
from gateway.campaigns.lifecycle import refuse_sender_without_address
from gateway.campaigns.mailings import CheckedMailing, MailingOrder
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.campaigns.possible_actions import CampaignAction, lock_for
from gateway.compose import sender_profiles
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector, Refusals
from gateway.mail.campaign import CampaignKind, CampaignStatus, EventRepeat
from gateway.mail.card_number import refuse_card_number
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.merge_data import read_merge_data
from gateway.mail.names import tidy_name
from gateway.outbox.idempotency import check_key, digest_of, first_result, idempotency_conflict, remember_campaign
from gateway.templates import versions
from gateway.templates.versions import CompiledTemplate

MAX_LISTS = 50
"""Lists of a campaign, and as many exclusions: each may be a condition of the statement that freezes the audience."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignOrder:
    """A campaign to customers named one by one, to lists without exclusions, or, event-based, to whom events happen.

    Priority 1 goes before 7. Either `template_id`, of the only mailing, or `mailings`; without both they are added
    later. `recipients` None says nothing; an empty tuple is an audience that was forgotten.
    """

    title: str
    idempotency_key: str
    actor: str
    template_id: UUID | None = None
    mailings: tuple[MailingOrder, ...] | None = None
    recipients: tuple[CampaignRecipient, ...] | None = None
    list_ids: tuple[int, ...] = ()
    excluded_list_ids: tuple[int, ...] = ()
    kind: CampaignKind = CampaignKind.MARKETING
    priority: int = 4
    sender_id: UUID | None = None
    merge_data: Mapping[str, Any] = field(default_factory=dict)
    tracked: bool = True
    repeat: EventRepeat | None = None
    bound_relay: str | None = None

    @property
    def named(self) -> tuple[CampaignRecipient, ...]:
        """The customers named one by one."""
        return self.recipients or ()


class CampaignChanges(TypedDict, total=False):
    """What changes of a campaign; what is not there stays. Each replaces what was."""

    title: str
    priority: int
    sender_id: UUID | None
    merge_data: Mapping[str, Any]
    recipients: tuple[CampaignRecipient, ...]
    list_ids: tuple[int, ...]
    excluded_list_ids: tuple[int, ...]
    tracked: bool
    repeat: EventRepeat


_UNDER_WAY_TOO = ("title", "priority")
_PATHS = {
    "sender_id": "senderId",
    "merge_data": "mergeData",
    "list_ids": "listIds",
    "excluded_list_ids": "excludedListIds",
}


# Creating --------------------------------------------------------------------------------------------------------


async def create(
    connection: Connection, order: CampaignOrder, deployment: Deployment, *, misread: Sequence[Refusal] = ()
) -> UUID:
    """Write a draft with all that it has in one transaction; returns its id, the first one's when the key is known.
    `misread` is what was refused of the input before: it comes with the rest.

    Raises Refusal, or Refusals of the whole input, having written nothing: INVALID, REQUIRED, TOO_LONG, TOO_MANY,
    NOT_FOUND, ERASED, ADDRESS_INVALID, ADDRESS_RESERVED, MERGE_FIELD_MISSING (its path names the field), CARD_NUMBER,
    HEADER_INJECTION, TEMPLATE_INVALID, SCHEDULE_INVALID, UNSUBSCRIBE_MISSING, POSTAL_ADDRESS_MISSING,
    IDEMPOTENCY_CONFLICT.
    """
    found = RefusalCollector()
    _add(misread, found)
    campaign_data, recipient_data = _read(order, found)
    async with connection.transaction():
        digest = b""
        if found.is_empty:
            digest = _digest(order, campaign_data or {}, recipient_data)
            first = await first_result(connection, order.idempotency_key, digest)
            if first is not None:
                return _first_campaign(first)
        profile_id, checked = await _check_order(connection, order, deployment, found)
        with found.check():
            if campaign_data is not None:
                await _check_values([one.version for one in checked], order, campaign_data, recipient_data)
        with found.check():
            await named_customers.check_customers(connection, order.named[: len(recipient_data)], deployment)
        found.raise_any()
        campaign_id = await _insert(connection, order, profile_id, checked, campaign_data or {}, recipient_data)
        await history.record(
            connection, campaign_id, "createCampaign", order.actor, await _described_whole(connection, campaign_id)
        )
        await remember_campaign(connection, order.idempotency_key, digest, campaign_id)
    return campaign_id


def _read(
    order: CampaignOrder, found: RefusalCollector
) -> tuple[dict[str, str] | None, Sequence[Mapping[str, str] | None]]:
    """Returns the merge data of the campaign and of its recipients, as far as it can be read."""
    with found.check():
        check_key(order.idempotency_key)
    with found.check():
        _check_title(order.title)
    with found.check():
        _check_priority(order.priority)
    with found.check():
        _check_repeat(order.repeat, order.kind)
    with found.check():
        if order.recipients == () and not order.list_ids:
            raise Refusal(RefusalCode.REQUIRED, "A campaign has at least one recipient.", ("recipients",))
    with found.check():
        if order.template_id is not None and order.mailings is not None:
            raise Refusal(RefusalCode.INVALID, "Give templateId or mailings, not both.", ("mailings",))
        mailings.check_number(len(order.mailings or ()), ("mailings",))
    _check_lists(order.list_ids, order.excluded_list_ids, found)
    campaign_data = None
    with found.check():
        campaign_data = read_merge_data(order.merge_data, ("mergeData",))
    return campaign_data, named_customers.read_recipients(order.named, found)


def _check_title(title: str) -> None:
    refuse_header_break(title, ("title",))
    refuse_card_number(title, ("title",))
    if not tidy_name(title):
        raise Refusal(RefusalCode.REQUIRED, "A campaign has a title.", ("title",))
    if len(title) > 255:
        raise Refusal(RefusalCode.TOO_LONG, "A title has at most 255 characters.", ("title",))


def _check_priority(priority: int) -> None:
    if not 1 <= priority <= 7:
        raise Refusal(RefusalCode.INVALID, "A priority is 1 (first) to 7.", ("priority",))


def _check_repeat(repeat: EventRepeat | None, kind: CampaignKind) -> None:
    if repeat is not None and kind is not CampaignKind.EVENT_BASED:
        raise Refusal(RefusalCode.INVALID, "Only an event-based campaign repeats.", ("repeat",))


def _check_lists(list_ids: Sequence[int], excluded: Sequence[int], found: RefusalCollector) -> None:
    seen: set[int] = set()
    for name, ids in (("listIds", list_ids), ("excludedListIds", excluded)):
        with found.check():
            if len(ids) > MAX_LISTS:
                raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_LISTS} lists.", (name,))
        for place, list_id in enumerate(ids[:MAX_LISTS]):
            with found.check():
                if list_id in seen:
                    raise Refusal(RefusalCode.INVALID, "This list is named twice.", (name, str(place)))
            seen.add(list_id)


def _digest(
    order: CampaignOrder, campaign_data: Mapping[str, str], recipient_data: Sequence[Mapping[str, str] | None]
) -> bytes:
    """What tells this intent from others. Of an order in the form of before mailings as it was then: its key may be
    from that time."""
    content = {
        "campaign": [order.title, order.kind, order.priority, str(order.template_id), str(order.sender_id)],
        "merge_data": campaign_data,
        "tracked": order.tracked,
        "recipients": [
            [recipient.customer_id, recipient.address, data]
            for recipient, data in zip(order.named, recipient_data, strict=True)
        ],
    }
    wide = {
        "mailings": order.mailings,
        "lists": order.list_ids or None,
        "excluded": order.excluded_list_ids or None,
        "repeat": order.repeat,
    }
    return digest_of(content | {name: value for name, value in wide.items() if value is not None})


def _first_campaign(row: Any) -> UUID:
    """The campaign that this key's first call made. Raises Refusal when it made something else."""
    if row["campaign_id"] is None or row["mailing_id"] is not None:
        raise idempotency_conflict()
    return UUID(str(row["campaign_id"]))


async def _check_order(
    connection: Connection, order: CampaignOrder, deployment: Deployment, found: RefusalCollector
) -> tuple[UUID, list[CheckedMailing]]:
    """Returns the sender's version, and the mailings in which nothing is wrong."""
    orders, paths = _mailings_of(order)
    checked = await mailings.check_orders(
        connection,
        orders,
        kind=order.kind,
        now=await QUERIES.now(connection),
        paths=paths,
        own_ids=frozenset(),
        found=found,
    )
    profile_id = UUID(int=0)
    with found.check():
        profile_id = await _check_sender(connection, order.sender_id, deployment)
    with found.check():
        await _hold_lists(connection, order.list_ids, "listIds")
    with found.check():
        await _hold_lists(connection, order.excluded_list_ids, "excludedListIds")
    return profile_id, checked


def _mailings_of(order: CampaignOrder) -> tuple[Sequence[MailingOrder], list[tuple[str, ...]]]:
    """Returns the mailings of an order of either form, each with its path."""
    if order.mailings is None:
        one = [] if order.template_id is None else [MailingOrder(template_id=order.template_id)]
        return one, [()] * len(one)
    shown = order.mailings[: mailings.MAX_MAILINGS]
    return shown, [("mailings", str(place)) for place in range(len(shown))]


async def _check_sender(connection: Connection, sender_id: UUID | None, deployment: Deployment) -> UUID:
    """Returns the version in use of a sender that may send campaigns. Raises Refusal."""
    profile = await sender_profiles.current(connection, sender_id, default_from=deployment.settings.default_from)
    refuse_sender_without_address(profile.postal_address, ("senderId",))
    return profile.id


async def _hold_lists(connection: Connection, list_ids: Sequence[int], name: str) -> None:
    """Keep lists from being deleted until the transaction ends. Raises Refusal or Refusals: NOT_FOUND."""
    if not list_ids:
        return
    held = {row["id"] async for row in QUERIES.hold_lists(connection, list_ids=sorted(list_ids))}
    found = RefusalCollector()
    for place, list_id in enumerate(list_ids):
        with found.check():
            if list_id not in held:
                raise Refusal(RefusalCode.NOT_FOUND, "There is no such list.", (name, str(place)))
    found.raise_any()


async def _check_values(
    shown: Sequence[CompiledTemplate],
    order: CampaignOrder,
    campaign_data: Mapping[str, str],
    recipient_data: Sequence[Mapping[str, str] | None],
) -> None:
    if not order.named:
        await named_customers.check_common_values(shown, campaign_data)
    nulls = named_customers.nulls_of(order.named)
    await named_customers.check_audience_data(shown, campaign_data, recipient_data, nulls=nulls)


async def _insert(
    connection: Connection,
    order: CampaignOrder,
    profile_id: UUID,
    checked: Sequence[CheckedMailing],
    campaign_data: Mapping[str, str],
    recipient_data: Sequence[Mapping[str, str] | None],
) -> UUID:
    campaign_id = UUID(
        str(
            await QUERIES.insert_campaign(
                connection,
                title=tidy_name(order.title),
                kind=order.kind,
                priority=order.priority,
                sender_version_id=profile_id,
                merge_data=campaign_data,
                tracked=order.tracked,
                bound_relay=order.bound_relay,
                repeat=_repeat(order),
            )
        )
    )
    for number, mailing in enumerate(checked, start=1):
        await mailings.insert(connection, campaign_id, number, mailing, campaign_data)
    await named_customers.insert(connection, campaign_id, order.named, recipient_data)
    await _insert_lists(connection, campaign_id, order.list_ids, excluded=False)
    await _insert_lists(connection, campaign_id, order.excluded_list_ids, excluded=True)
    return campaign_id


def _repeat(order: CampaignOrder) -> EventRepeat | None:
    if order.kind is not CampaignKind.EVENT_BASED:
        return None
    return order.repeat or EventRepeat.ONCE_A_DAY


async def _insert_lists(connection: Connection, campaign_id: UUID, list_ids: Sequence[int], *, excluded: bool) -> None:
    await QUERIES.insert_campaign_lists(connection, campaign_id=campaign_id, list_ids=list(list_ids), excluded=excluded)


async def _described_whole(connection: Connection, campaign_id: UUID) -> dict[str, Any]:
    """A campaign and its mailings, for the history."""
    described: dict[str, Any] = await QUERIES.describe_campaign(connection, campaign_id=campaign_id)
    rows = QUERIES.describe_mailings(connection, campaign_id=campaign_id)
    return {**described, "mailings": [row["described"] async for row in rows]}


# Changing --------------------------------------------------------------------------------------------------------


async def update(
    connection: Connection,
    campaign_id: UUID,
    changes: CampaignChanges,
    deployment: Deployment,
    *,
    actor: str,
    misread: Sequence[Refusal] = (),
) -> None:
    """Change a campaign that is not over: a draft in all that it has, another one in title and priority. `misread` is
    what was refused of the input before: it comes with the rest.

    Raises Refusal, or Refusals of the whole input, having written nothing: as `create`, and ILLEGAL_STATE.
    """
    found, campaign = RefusalCollector(), None
    _add(misread, found)
    async with connection.transaction():
        with found.check():
            campaign = await lock_for(connection, campaign_id, CampaignAction.UPDATE)
        if campaign is None:
            return found.raise_any()
        content = await QUERIES.campaign_content(connection, campaign_id=campaign_id)
        before = await QUERIES.describe_campaign(connection, campaign_id=campaign_id)
        with found.check():
            _check_fields(changes, CampaignKind(content["kind"]))
        with found.check():
            if campaign["status"] != CampaignStatus.DRAFT:
                _refuse_of_draft_alone(changes)
        if not found.is_empty and campaign["status"] != CampaignStatus.DRAFT:
            found.raise_any()
        values = await _check_changes(connection, campaign_id, changes, content, deployment, found)
        found.raise_any()
        await QUERIES.update_campaign(connection, campaign_id=campaign_id, **values)
        after = await QUERIES.describe_campaign(connection, campaign_id=campaign_id)
        differences = history.differences(before, after)
        if "recipients" in changes:
            differences.setdefault("customers", {"was": before["customers"], "is": after["customers"]})
        if differences:
            await history.record(connection, campaign_id, "updateCampaign", actor, differences)


def _add(misread: Sequence[Refusal], found: RefusalCollector) -> None:
    with found.check():
        if misread:
            raise Refusals(tuple(misread))


def _check_fields(changes: CampaignChanges, kind: CampaignKind) -> None:
    found = RefusalCollector()
    with found.check():
        if "title" in changes:
            _check_title(changes["title"])
    with found.check():
        if "priority" in changes:
            _check_priority(changes["priority"])
    with found.check():
        _check_repeat(changes.get("repeat"), kind)
    found.raise_any()


def _refuse_of_draft_alone(changes: CampaignChanges) -> None:
    found = RefusalCollector()
    for name in changes:
        with found.check():
            if name not in _UNDER_WAY_TOO:
                message = "Of a campaign that was launched only title and priority can be changed."
                raise Refusal(RefusalCode.ILLEGAL_STATE, message, (_PATHS.get(name, name),))
    found.raise_any()


async def _check_changes(
    connection: Connection,
    campaign_id: UUID,
    changes: CampaignChanges,
    content: Any,
    deployment: Deployment,
    found: RefusalCollector,
) -> dict[str, Any]:
    """Write what a campaign has of customers and lists; returns what its own row shall have. What is wrong goes into
    `found`, and then nothing is to be kept."""
    profile_id = content["sender_version_id"]
    with found.check():
        if "sender_id" in changes:
            profile_id = await _check_sender(connection, changes["sender_id"], deployment)
    await _change_lists(connection, campaign_id, changes, found)
    merge_data = await _change_values(connection, campaign_id, changes, content, deployment, found)
    return {
        "title": tidy_name(changes.get("title", content["title"])),
        "priority": changes.get("priority", content["priority"]),
        "sender_version_id": profile_id,
        "merge_data": merge_data,
        "tracked": changes.get("tracked", content["tracked"]),
        "repeat": changes.get("repeat", content["repeat"]),
    }


async def _change_lists(
    connection: Connection, campaign_id: UUID, changes: CampaignChanges, found: RefusalCollector
) -> None:
    if "list_ids" not in changes and "excluded_list_ids" not in changes:
        return
    rows = [row async for row in QUERIES.lists_of_campaign(connection, campaign_id=campaign_id)]
    had = {excluded: tuple(row["list_id"] for row in rows if row["excluded"] is excluded) for excluded in (False, True)}
    wanted = {False: changes.get("list_ids", had[False]), True: changes.get("excluded_list_ids", had[True])}
    before = RefusalCollector()
    _check_lists(wanted[False], wanted[True], before)
    for excluded, name in ((False, "listIds"), (True, "excludedListIds")):
        with before.check():
            await _hold_lists(connection, wanted[excluded], name)
    with found.check():
        before.raise_any()
        for excluded in (False, True):
            await QUERIES.delete_campaign_lists(connection, campaign_id=campaign_id, excluded=excluded)
        for excluded, ids in wanted.items():
            await _insert_lists(connection, campaign_id, ids, excluded=excluded)


async def _change_values(
    connection: Connection,
    campaign_id: UUID,
    changes: CampaignChanges,
    content: Any,
    deployment: Deployment,
    found: RefusalCollector,
) -> Mapping[str, str]:
    """Returns the values for all recipients, as they shall be."""
    merge_data: Mapping[str, str] = content["merge_data"]
    if "merge_data" not in changes and "recipients" not in changes:
        return merge_data
    before = RefusalCollector()
    with before.check():
        merge_data = read_merge_data(changes.get("merge_data", merge_data), ("mergeData",))
    recipients = changes.get("recipients", ())
    recipient_data = named_customers.read_recipients(recipients, before)
    with before.check():
        await named_customers.check_customers(connection, recipients[: len(recipient_data)], deployment)
    readable = before.is_empty
    with found.check():
        before.raise_any()
    shown = await _versions_of(connection, campaign_id)
    with found.check():
        if "recipients" in changes:
            nulls = named_customers.nulls_of(recipients)
            await named_customers.check_audience_data(shown, merge_data, recipient_data, nulls=nulls)
        else:
            named = await named_customers.stored_data(connection, campaign_id)
            await named_customers.check_stored_values(shown, merge_data, named, ("mergeData",))
        await named_customers.check_common_values(shown, merge_data)
    if readable and "recipients" in changes:
        await QUERIES.delete_campaign_customers(connection, campaign_id=campaign_id)
        await named_customers.insert(connection, campaign_id, recipients, recipient_data)
    return merge_data


async def _versions_of(connection: Connection, campaign_id: UUID) -> list[CompiledTemplate]:
    """Returns what a campaign's mailings show, each with the subject that it has."""
    rows = [row async for row in QUERIES.mailings_of_campaign(connection, campaign_id=campaign_id)]
    return [
        versions.with_subject(await versions.load(connection, row["template_version_id"]), row["subject"])
        for row in rows
    ]


# Copying, deleting, putting away ---------------------------------------------------------------------------------


async def copy(
    connection: Connection,
    campaign_id: UUID,
    *,
    title: str,
    key: str,
    actor: str,
    deployment: Deployment,
    bound_relay: str | None = None,
) -> UUID:
    """Make a draft like another campaign, with its mailings in the same versions, its lists and its customers; returns
    its id, the first one's when the key is known. Times that are past are copied, too: its launch refuses them.

    Raises Refusal, or Refusals of the whole input, having written nothing: NOT_FOUND, REQUIRED, TOO_LONG, CARD_NUMBER,
    HEADER_INJECTION, POSTAL_ADDRESS_MISSING, IDEMPOTENCY_CONFLICT.
    """
    found = RefusalCollector()
    with found.check():
        check_key(key)
    with found.check():
        _check_title(title)
    found.raise_any()
    digest = digest_of({"copy": str(campaign_id), "title": title})
    async with connection.transaction():
        first = await first_result(connection, key, digest)
        if first is not None:
            return _first_campaign(first)
        content = await QUERIES.campaign_content(connection, campaign_id=campaign_id)
        if content is None:
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such campaign.", ("campaignId",))
        profile = await sender_profiles.current(
            connection, content["sender_id"], default_from=deployment.settings.default_from
        )
        refuse_sender_without_address(profile.postal_address, ("campaignId",))
        made = await QUERIES.copy_campaign(
            connection,
            campaign_id=campaign_id,
            title=tidy_name(title),
            sender_version_id=profile.id,
            bound_relay=bound_relay,
        )
        both = {"campaign_id": campaign_id, "copy_id": made}
        await QUERIES.copy_campaign_customers(connection, **both)
        await QUERIES.copy_campaign_lists(connection, **both)
        await QUERIES.copy_mailings(connection, **both)
        await QUERIES.copy_not_opened(connection, **both)
        described = await _described_whole(connection, made)
        detail = {"copyOf": content["title"], **described}
        await history.record(connection, made, "copyCampaign", actor, detail)
        await remember_campaign(connection, key, digest, made)
    return UUID(str(made))


async def delete(connection: Connection, campaign_id: UUID) -> None:
    """Delete a draft with all that it has, its history, too. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        await lock_for(connection, campaign_id, CampaignAction.DELETE)
        await QUERIES.delete_campaign(connection, campaign_id=campaign_id)


async def archive(connection: Connection, campaign_id: UUID, *, archived: bool, actor: str) -> None:
    """Put a campaign away that is over, or back; a repeat changes nothing. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        await lock_for(connection, campaign_id, CampaignAction.ARCHIVE)
        content = await QUERIES.campaign_content(connection, campaign_id=campaign_id)
        was = content["archived_at"] is not None
        if was == archived:
            return
        await QUERIES.archive_campaign(connection, campaign_id=campaign_id, archived=archived)
        detail = {"archived": {"was": was, "is": archived}}
        await history.record(connection, campaign_id, "archiveCampaign", actor, detail)
