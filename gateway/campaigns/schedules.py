"""When the mailings of a campaign that is launched begin, and when each customer's mail is due, by its time zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.field_checks import time_zones
from gateway.mail.mailing_schedule import MailingSchedule, due_in, first_due

FREEZE_AHEAD = timedelta(minutes=30)
"""How long before its first mail is due the audience of a mailing at local times is frozen: millions of customers are
in it by then, and who is mailed hours later, in another zone, is judged as late as can be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchedMailing:
    """A mailing of a campaign that is being launched. `not_opened_mailing_id`: it is for those of that one's audience
    of whom no open is known."""

    id: int
    number: int
    schedule: MailingSchedule
    not_opened_mailing_id: int | None

    @classmethod
    def from_row(cls, row: Any) -> LaunchedMailing:
        """Of a row of `mailing`."""
        return cls(
            id=row["id"],
            number=row["number"],
            schedule=read_schedule(row),
            not_opened_mailing_id=row["not_opened_mailing_id"],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DueTimes:
    """When a mailing is due in each time zone there is, and for customers of another one, or of none."""

    zones: tuple[str, ...]
    due_ats: tuple[datetime, ...]
    otherwise: datetime


def read_schedule(row: Mapping[str, Any]) -> MailingSchedule:
    """Returns the schedule of a row of `mailing`."""
    return MailingSchedule(
        send_at=row["send_at"],
        local_time=row["local_time"],
        after_days=row["after_days"],
        after_minutes=row["after_minutes"],
        not_before=row["not_before"],
    )


def first_dues(
    mailings: Sequence[LaunchedMailing], launched_at: datetime, path: tuple[str, ...]
) -> dict[int, datetime]:
    """Returns when the first mail of each mailing is due, by the mailing's id.

    Raises Refusal or Refusals of all of them, with this path: SCHEDULE_INVALID for a time that is past in every zone or
    too far ahead, and for one that goes to who did not open a mailing that has not gone by then.
    """
    found = RefusalCollector()
    due: dict[int, datetime] = {}
    for mailing in mailings:
        with found.check():
            due[mailing.id] = _first_due(mailing, launched_at, path)
    numbers = {mailing.id: mailing.number for mailing in mailings}
    for mailing in mailings:
        first = due.get(mailing.not_opened_mailing_id or 0)
        if first is not None and mailing.id in due and due[mailing.id] <= first:
            with found.check():
                number = numbers[mailing.not_opened_mailing_id or 0]
                message = (
                    f"Mailing {mailing.number} is for those who did not open mailing {number}: it goes after that."
                )
                raise Refusal(RefusalCode.SCHEDULE_INVALID, message, path)
    found.raise_any()
    return due


def _first_due(mailing: LaunchedMailing, launched_at: datetime, path: tuple[str, ...]) -> datetime:
    try:
        return first_due(mailing.schedule, launched_at)
    except Refusal as refusal:
        raise Refusal(refusal.code, f"Mailing {mailing.number}: {refusal.message}", path) from None


def known_zone(*names: str | None) -> tzinfo:
    """Returns the first of these time zones that there is, else UTC: of names that were stored once, the database of
    zones may not have one any more."""
    return next((ZoneInfo(name) for name in names if name in time_zones()), UTC)


@lru_cache(maxsize=64)
def due_times(schedule: MailingSchedule, first: datetime, sender_zone: str) -> DueTimes:
    """Returns when a mailing whose first mail is due at `first` is due in each zone.

    All zones at once: some 600, whose files are read once a mailing, however many batches its audience has.
    """
    if not schedule.by_zone:
        return DueTimes(zones=(), due_ats=(), otherwise=first)
    zones = sorted(time_zones())
    due = {zone: due_in(schedule, ZoneInfo(zone), first) for zone in zones}
    return DueTimes(
        zones=tuple(due),
        due_ats=tuple(due.values()),
        otherwise=due.get(sender_zone) or due_in(schedule, UTC, first),
    )
