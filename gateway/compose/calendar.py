"""The .ics of a work order (RFC 5545, RFC 5546): one event a work order, whatever happens to it.

All its letters share one UID; SEQUENCE rises, so that calendars keep the latest. The only importer of icalendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, TimezoneDaylight, TimezoneStandard, vCalAddress, vText

from gateway.mail.letter import Mailbox, WorkOrderKind, WorkOrderLetter

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
    zone = ZoneInfo(letter.window.time_zone)
    event.add("dtstart", letter.window.start.replace(tzinfo=zone))
    event.add("dtend", letter.window.end.replace(tzinfo=zone))
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
    return Invitation(method=method, content=_calendar(method, event, letter.window.start.date()))


def event_id(customer_id: int, number: str) -> UUID:
    """Returns the UID of a work order's event: the same in every letter about it."""
    return uuid5(NAMESPACE_URL, f"customer-emails:work-order:{customer_id}:{number}")


def _calendar(method: str, event: Event, day: date) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(event)
    # A year around the visit: the rules of its zone, without a century of its past.
    calendar.add_missing_timezones(first_date=day - timedelta(days=366), last_date=day + timedelta(days=732))
    for part in calendar.walk():
        if isinstance(part, TimezoneStandard | TimezoneDaylight):
            _use_local_time_before(part)
    return bytes(calendar.to_ical(sorted=True))


def _use_local_time_before(observance: TimezoneStandard | TimezoneDaylight) -> None:
    """Write onsets in the local time before the change (RFC 5545 3.6.5); icalendar writes the time after it.

    It does so only where clocks are put forward; where they are put back its onsets are right.
    """
    ahead = max(observance.TZOFFSETTO - observance.TZOFFSETFROM, timedelta())
    observance.DTSTART = observance.DTSTART - ahead
    observance.rdates = [onset - ahead for onset, _ in observance.rdates]


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
