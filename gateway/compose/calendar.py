"""The .ics of a work order (RFC 5545, RFC 5546): one event a work order, whatever happens to it.

All its letters share one UID; SEQUENCE rises, so that calendars keep the latest. The only importer of icalendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress, vText

from gateway.compose.zone_rules import Observance, observances
from gateway.mail.letter import Mailbox, Window, WorkOrderKind, WorkOrderLetter

PRODUCT = "-//customer-emails//gateway//EN"
_MAILTO = "@!$'*+-._~"
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """A calendar file and its METHOD, which its Content-Type must repeat (RFC 6047 2.4)."""

    method: str
    content: bytes


def invite(
    letter: WorkOrderLetter,
    *,
    customer_id: int,
    organizer: Mailbox,
    attendee: Mailbox,
    sequence: int | None,
    sent_at: datetime,
) -> Invitation | None:
    """Returns the calendar file of a work order letter; None for COMPLETED, after which there is no appointment.

    Without a `sequence` the time of sending is used, in seconds: it rises, too.
    """
    if letter.kind is WorkOrderKind.COMPLETED:
        return None
    method = "CANCEL" if letter.kind is WorkOrderKind.CANCELLED else "REQUEST"
    event = Event()
    event.add("uid", str(event_id(customer_id, letter.number)))
    event.add("dtstamp", sent_at.astimezone(UTC).replace(microsecond=0))
    event.add("sequence", int((sent_at - _EPOCH).total_seconds()) if sequence is None else sequence)
    _add_window(event, letter.window)
    summary = f"{letter.type} ({letter.number})"
    event.add("summary", summary)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    if letter.job_site_address:
        event.add("location", ", ".join(letter.job_site_address.split("\n")))
    if letter.notes:
        event.add("description", letter.notes)
    if letter.confirm_url:
        event.add("url", letter.confirm_url)
    event.add("organizer", _address(organizer), encode=False)
    event.add("attendee", _attendee(attendee), encode=False)
    if method == "REQUEST":
        event.add_component(_alarm(summary))
    return Invitation(method=method, content=_calendar(method, event, letter.window))


def event_id(customer_id: int, number: str) -> UUID:
    """Returns the UID of a work order's event: the same in every letter about it."""
    return uuid5(NAMESPACE_URL, f"customer-emails:work-order:{customer_id}:{number}")


def _add_window(event: Event, window: Window) -> None:
    """Local times in their zone; UTC where the clocks are put back, for a local time means its first coming there
    (RFC 5545 3.3.5)."""
    zone = UTC if window.start.fold or window.end.fold else ZoneInfo(window.time_zone)
    event.add("dtstart", window.start_utc.astimezone(zone))
    event.add("dtend", window.end_utc.astimezone(zone))


def _calendar(method: str, event: Event, window: Window) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    if "TZID" in event["dtstart"].params:
        calendar.add_component(_time_zone(window))
    calendar.add_component(event)
    return bytes(calendar.to_ical(sorted=True))


def _time_zone(window: Window) -> Timezone:
    """The zone's rules around the visit. Rules of the year, since Outlook is reported to misread listed changes."""
    zone = Timezone()
    zone.add("tzid", window.time_zone)
    for observance in observances(window.time_zone, window.start.year):
        zone.add_component(_observance(observance))
    return zone


def _observance(observance: Observance) -> TimezoneStandard | TimezoneDaylight:
    first = observance.first
    component = TimezoneDaylight() if first.after > first.before else TimezoneStandard()
    component.add("dtstart", first.at)
    component.add("tzname", first.name)
    component.add("tzoffsetfrom", first.before)
    component.add("tzoffsetto", first.after)
    if observance.rule:
        component.add("rrule", dict(observance.rule))
    if observance.others:
        component.add("rdate", list(observance.others))
    return component


def _address(mailbox: Mailbox) -> vCalAddress:
    # RFC 6068 2: a quoted or international local part is percent-encoded.
    address = vCalAddress(f"mailto:{quote(mailbox.address, safe=_MAILTO)}")
    if mailbox.name:
        address.params["CN"] = vText(mailbox.name)
    return address


def _attendee(mailbox: Mailbox) -> vCalAddress:
    address = _address(mailbox)
    address.params["ROLE"] = vText("REQ-PARTICIPANT")
    address.params["PARTSTAT"] = vText("NEEDS-ACTION")
    address.params["RSVP"] = vText("FALSE")
    return address


def attendee_line(mailbox: Mailbox) -> bytes:
    """Returns the ATTENDEE property of this mailbox as it stands in an invitation, folded, with its line end."""
    event = Event()
    event.add("attendee", _attendee(mailbox), encode=False)
    lines = bytes(event.to_ical())
    return lines.removeprefix(b"BEGIN:VEVENT\r\n").removesuffix(b"END:VEVENT\r\n")


def _alarm(summary: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", timedelta(hours=-2))
    return alarm
