"""Mailings of a campaign: checked and written with their template's version pinned; added, changed, taken off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.campaigns import history, named_customers
from gateway.campaigns.possible_actions import CampaignAction, lock_for
from gateway.campaigns.schedule_orders import AT_ONCE, ScheduleOrder, read_schedule
from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.campaign import CampaignKind, CampaignStatus, MailingStatus
from gateway.mail.mailing_schedule import MailingSchedule, first_due
from gateway.outbox.idempotency import check_key, digest_of, first_result, idempotency_conflict, remember_mailing
from gateway.outbox.outcomes import GATEWAY
from gateway.templates import versions
from gateway.templates.own_subject import read_own_subject
from gateway.templates.versions import CompiledTemplate

MAX_MAILINGS = 50
"""Of one campaign, called off ones among them: all are shown with it. A series of a year has one a week."""

_CHANGEABLE = frozenset({MailingStatus.DRAFT, MailingStatus.SCHEDULED})

Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MailingOrder:
    """A mailing as it shall be. The template's newest version, its subject and at once where nothing is said;
    `not_opened_mailing_id`: only those of whom it is not known that they opened that mailing of the campaign's."""

    template_id: UUID
    template_version: int | None = None
    subject: str | None = None
    schedule: ScheduleOrder = AT_ONCE
    not_opened_mailing_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedMailing:
    """A mailing that can be written. `version` is filled in with the subject that it will have."""

    version: CompiledTemplate
    subject: str | None
    schedule: MailingSchedule
    not_opened_mailing_id: int | None

    @property
    def values(self) -> Mapping[str, Any]:
        """Of the statements that write it."""
        return {
            "template_version_id": self.version.id,
            "subject": self.subject,
            "send_at": self.schedule.send_at,
            "local_time": self.schedule.local_time,
            "after_days": self.schedule.after_days,
            "after_minutes": self.schedule.after_minutes,
            "not_before": self.schedule.not_before,
            "not_opened_mailing_id": self.not_opened_mailing_id,
        }


# Checking --------------------------------------------------------------------------------------------------------


async def check_orders(
    connection: Connection,
    orders: Sequence[MailingOrder],
    *,
    kind: CampaignKind,
    now: datetime,
    paths: Sequence[Path],
    own_ids: frozenset[int],
    found: RefusalCollector,
) -> list[CheckedMailing]:
    """Returns those of these mailings in which nothing is wrong; what is goes into `found`, below each one's path.

    `own_ids` are the campaign's mailings whose readers one may leave out. INVALID, REQUIRED, TOO_LONG, NOT_FOUND,
    SCHEDULE_INVALID, TEMPLATE_INVALID, CARD_NUMBER, HEADER_INJECTION, UNSUBSCRIBE_MISSING, POSTAL_ADDRESS_MISSING.
    """
    wanted = QUERIES.wanted_versions(
        connection,
        template_ids=[order.template_id for order in orders],
        numbers=[order.template_version for order in orders],
    )
    pinned = [row async for row in wanted]
    checked = []
    for order, row, path in zip(orders, pinned, paths, strict=True):
        if found.full:
            break
        before = RefusalCollector()
        version, schedule = None, MailingSchedule()
        with before.check():
            version = await _read_version(connection, row, path)
        with before.check():
            if version is not None and order.subject is not None:
                version = read_own_subject(version, order.subject, (*path, "subject"))
        with before.check():
            schedule = read_schedule(order.schedule, kind, now, (*path, "schedule"))
        with before.check():
            _check_not_opened(order, kind, own_ids, (*path, "notOpenedMailingId"))
        if version is not None and before.is_empty:
            checked.append(
                CheckedMailing(
                    version=version,
                    subject=order.subject,
                    schedule=schedule,
                    not_opened_mailing_id=order.not_opened_mailing_id,
                )
            )
        with found.check():
            before.raise_any()
    return checked


async def _read_version(connection: Connection, row: Any, path: Path) -> CompiledTemplate:
    if not row["known"]:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such template.", (*path, "templateId"))
    if row["id"] is None:
        raise Refusal(RefusalCode.NOT_FOUND, "The template has no such version.", (*path, "templateVersion"))
    version = await versions.load(connection, row["id"])
    versions.refuse_without_footer(version, (*path, "templateId"))
    return version


def _check_not_opened(order: MailingOrder, kind: CampaignKind, own_ids: frozenset[int], path: Path) -> None:
    if order.not_opened_mailing_id is None:
        return
    if kind is CampaignKind.EVENT_BASED:
        raise Refusal(RefusalCode.INVALID, "Only a marketing campaign's mailing leaves out readers.", path)
    if order.not_opened_mailing_id not in own_ids:
        raise Refusal(RefusalCode.NOT_FOUND, "The campaign has no such other mailing.", path)


def check_number(count: int, path: Path) -> None:
    """Refuse more mailings than a campaign may have. Raises Refusal(TOO_MANY)."""
    if count > MAX_MAILINGS:
        raise Refusal(RefusalCode.TOO_MANY, f"A campaign has at most {MAX_MAILINGS} mailings.", path)


# Adding, changing, taking off ------------------------------------------------------------------------------------


async def insert(
    connection: Connection, campaign_id: UUID, number: int, mailing: CheckedMailing, merge_data: Mapping[str, str]
) -> int:
    """Write a mailing of a campaign; returns its id."""
    return int(
        await QUERIES.insert_mailing(
            connection, campaign_id=campaign_id, number=number, merge_data=merge_data, **mailing.values
        )
    )


async def add(connection: Connection, campaign_id: UUID, order: MailingOrder, key: str, actor: str) -> int:
    """Add a mailing to a campaign; returns its id, the first one's when the key is known. To a campaign under way only
    one whose time is still to come.

    Raises Refusal, or Refusals of the whole input, having written nothing: as `check_orders`, and NOT_FOUND,
    ILLEGAL_STATE, TOO_MANY, MERGE_FIELD_MISSING, IDEMPOTENCY_CONFLICT.
    """
    check_key(key)
    digest = digest_of({"add": str(campaign_id), "mailing": order})
    async with connection.transaction():
        first = await first_result(connection, key, digest)
        if first is not None:
            return _first_mailing(first)
        campaign = await lock_for(connection, campaign_id, CampaignAction.UPDATE)
        under_way = campaign["status"] != CampaignStatus.DRAFT
        if under_way and campaign["kind"] == CampaignKind.EVENT_BASED:
            message = "Events that happened would not get it: copy the campaign, and launch the copy."
            raise Refusal(RefusalCode.ILLEGAL_STATE, message, ("campaignId",))
        described = await _described(connection, campaign_id)
        numbers = [one["number"] for one in described.values()]
        found = RefusalCollector()
        with found.check():
            check_number(len(numbers) + 1, ("mailing",))
        content, checked = await _check(connection, campaign_id, order, found, own_ids=_open_ids(described))
        if not found.is_empty or checked is None:
            found.raise_any()
            raise LookupError("a mailing without a fault was not checked")
        made = await insert(connection, campaign_id, max(numbers, default=0) + 1, checked, content["merge_data"])
        if under_way:
            await _schedule(connection, campaign_id, made, checked.schedule, content)
        after = await _described(connection, campaign_id)
        await history.record(connection, campaign_id, "addMailing", actor, {"mailing": after[made]})
        await remember_mailing(connection, key, digest, campaign_id=campaign_id, mailing_id=made)
    return made


async def update(connection: Connection, mailing_id: int, order: MailingOrder, actor: str) -> None:
    """Write a mailing anew whose audience is not frozen; its number and id stay.

    Raises Refusal, or Refusals of the whole input, having written nothing: as `add`.
    """
    async with connection.transaction():
        campaign, mailing = await _lock(connection, mailing_id)
        if mailing["status"] not in _CHANGEABLE:
            what = (
                f"Only a mailing whose audience is not frozen can be changed; this one is {mailing['status'].lower()}."
            )
            raise Refusal(RefusalCode.ILLEGAL_STATE, what, ("mailingId",))
        campaign_id, found = campaign["id"], RefusalCollector()
        before = await _described(connection, campaign_id)
        own_ids = _open_ids(before) - {mailing_id}
        content, checked = await _check(connection, campaign_id, order, found, own_ids=own_ids)
        if not found.is_empty or checked is None:
            found.raise_any()
            raise LookupError("a mailing without a fault was not checked")
        await QUERIES.update_mailing(connection, mailing_id=mailing_id, **checked.values)
        if mailing["status"] == MailingStatus.SCHEDULED:
            await _schedule(connection, campaign_id, mailing_id, checked.schedule, content)
        after = await _described(connection, campaign_id)
        changes = history.differences(before[mailing_id], after[mailing_id])
        if changes:
            detail = {"mailing": mailing["number"], **changes}
            await history.record(connection, campaign_id, "updateMailing", actor, detail)


async def remove(connection: Connection, mailing_id: int, actor: str) -> UUID:
    """Take a mailing off: one of a draft is deleted, a scheduled one is called off, and stays as CANCELLED. Returns its
    campaign, which is finished where it was the last that was not over.

    Raises Refusal: NOT_FOUND, ILLEGAL_STATE; CONFLICT where another mailing leaves out its readers.
    """
    async with connection.transaction():
        campaign, mailing = await _lock(connection, mailing_id)
        campaign_id, status = UUID(str(campaign["id"])), MailingStatus(mailing["status"])
        before = await _described(connection, campaign_id)
        if status is MailingStatus.DRAFT:
            await _refuse_readers(connection, mailing_id)
            await QUERIES.delete_mailing(connection, mailing_id=mailing_id)
        elif status is MailingStatus.SCHEDULED:
            await _refuse_readers(connection, mailing_id)
            await QUERIES.call_off_mailing(connection, mailing_id=mailing_id)
        else:
            message = f"Only a mailing that has not begun can be taken off; this one is {status.lower()}."
            raise Refusal(RefusalCode.ILLEGAL_STATE, message, ("mailingId",))
        await history.record(connection, campaign_id, "removeMailing", actor, {"mailing": before[mailing_id]})
        if status is MailingStatus.SCHEDULED and await QUERIES.finish_campaign(connection, campaign_id=campaign_id):
            await history.record(connection, campaign_id, "finished", GATEWAY)
    return campaign_id


async def _refuse_readers(connection: Connection, mailing_id: int) -> None:
    """Refuse to take off a mailing whose readers another one leaves out: that would go to everybody. Raises Refusal."""
    number = await QUERIES.readers_left_out(connection, mailing_id=mailing_id)
    if number is not None:
        message = f"Mailing {number} is for those who did not open it: change that one first."
        raise Refusal(RefusalCode.CONFLICT, message, ("mailingId",))


async def _lock(connection: Connection, mailing_id: int) -> tuple[Any, Any]:
    """Returns campaign and mailing, locked in this order, as freezing locks them. Raises Refusal."""
    campaign_id = await QUERIES.campaign_of_mailing(connection, mailing_id=mailing_id)
    campaign = mailing = None
    if campaign_id is not None:
        campaign = await lock_for(connection, campaign_id, CampaignAction.UPDATE, ("mailingId",))
        mailing = await QUERIES.lock_mailing(connection, mailing_id=mailing_id)
    if mailing is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such mailing.", ("mailingId",))
    return campaign, mailing


async def _check(
    connection: Connection, campaign_id: UUID, order: MailingOrder, found: RefusalCollector, *, own_ids: frozenset[int]
) -> tuple[Any, CheckedMailing | None]:
    """Returns the campaign's content, and the mailing where nothing is wrong with it."""
    content = await QUERIES.campaign_content(connection, campaign_id=campaign_id)
    checked = await check_orders(
        connection,
        [order],
        kind=CampaignKind(content["kind"]),
        now=content["now"],
        paths=[("mailing",)],
        own_ids=own_ids,
        found=found,
    )
    if not checked:
        return content, None
    with found.check():
        named = await named_customers.stored_data(connection, campaign_id)
        await named_customers.check_stored_values(
            [checked[0].version], content["merge_data"], named, ("mailing", "templateId")
        )
    return content, checked[0]


async def _schedule(
    connection: Connection, campaign_id: UUID, mailing_id: int, schedule: MailingSchedule, content: Any
) -> None:
    """Let a mailing go by itself that was written while its campaign is under way. Raises Refusal."""
    due_at = first_due(schedule, content["launched_at"])
    if due_at <= content["now"]:
        message = "The campaign is under way: give a time that is still to come."
        raise Refusal(RefusalCode.SCHEDULE_INVALID, message, ("mailing", "schedule"))
    await QUERIES.launch_mailing(connection, mailing_id=mailing_id, due_at=due_at)
    number = await QUERIES.reader_before(connection, campaign_id=campaign_id, mailing_id=mailing_id)
    if number is not None:
        message = f"Mailing {number} is for those who did not open another one: it goes after that."
        raise Refusal(RefusalCode.SCHEDULE_INVALID, message, ("mailing", "schedule"))


async def _described(connection: Connection, campaign_id: UUID) -> dict[int, dict[str, Any]]:
    rows = QUERIES.describe_mailings(connection, campaign_id=campaign_id)
    return {row["id"]: row["described"] async for row in rows}


def _open_ids(described: Mapping[int, Mapping[str, Any]]) -> frozenset[int]:
    """Those that are not called off: what is not sent has no readers."""
    return frozenset(one for one, what in described.items() if what["status"] != MailingStatus.CANCELLED)


def _first_mailing(row: Any) -> int:
    """The mailing that this key's first call made. Raises Refusal when it made something else."""
    if row["mailing_id"] is None:
        raise idempotency_conflict()
    return int(row["mailing_id"])
