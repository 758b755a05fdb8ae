"""Letters become mails: right MIME, one of each header, the same bytes every time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event

from gateway.compose.campaign import compose_campaign
from gateway.compose.headers import COMPOSER_VERSION
from gateway.compose.sender_profiles import SenderVersion
from gateway.errors import Refusal
from gateway.mail import base64url
from gateway.mail.letter import (
    CardLetter,
    CardMailKind,
    DocumentKind,
    ESignatureLetter,
    Letter,
    Mailbox,
    Money,
    Window,
    WorkOrderKind,
    WorkOrderLetter,
)
from gateway.mail.mime import AttachedFile
from gateway.mail.source import SourceType
from gateway.mail.tracking import read_reply_address
from gateway.templates import builtin
from gateway.templates.builtin import LetterParts
from gateway.templates.compiled_json import read_parts
from gateway.templates.versions import CompiledTemplate
from tests.builders import KEYRING
from tests.mails import FACTS, SENDER, body, campaign_template, composed, parsed

CORPUS = Path(__file__).parents[3] / "corpus" / "composed"

WORK_ORDER = WorkOrderLetter(
    kind=WorkOrderKind.CREATED,
    number="WO-7",
    type="Cinema & sound",
    window=Window.parse("2026-12-01T09:00", "2026-12-01T11:00", "Europe/Berlin"),
    technician="Kim",
    job_site_address="2 Side Street\nSpringfield",
    notes="Ring twice <please>",
    confirm_url="https://crm.fabrikam.example/confirm?wo=7&x=1",
)
E_SIGNATURE = ESignatureLetter(
    document_kind=DocumentKind.PROPOSAL,
    title="Größere Leinwand",
    portal_url="https://sign.fabrikam.example/d/8f3c?k=1",
    expires_at=datetime(2026, 12, 24, 17, tzinfo=UTC),
)
CARD = CardLetter(
    kind=CardMailKind.CHARGE,
    amount=Money(amount=Decimal("3000000000.00"), currency="IDR"),
    invoice_number="INV-9",
    card_brand="Visa",
    card_last_four="4242",
    portal_url="https://pay.fabrikam.example/9",
)
NEWS = campaign_template(
    subject="News for {{ first_name }}",
    html='<p>Hello {{ first_name }}, <a href="https://fabrikam.example/new?x=1&amp;y=2">look</a></p>'
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>',
)
LETTERS: dict[str, Letter] = {"work-order": WORK_ORDER, "e-signature": E_SIGNATURE, "card": CARD}
ALL = (*LETTERS, "campaign")
OWN_DOMAINS: dict[str, Any] = {"bounce_domain": "bounce.fabrikam.example", "reply_domain": "reply.fabrikam.example"}


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=80)
GOLDEN = {
    "work-order": ("{{ type }}: {{ day }}", "{{ notes }}\n{{ hours }}\n{{ confirm_url }}", "{{ notes|lines }}"),
    "e-signature": ("{{ title }}", "{{ expires }}\n{{ portal_url }}", '<a href="{{ portal_url }}">{{ title }}</a>'),
    "card": ("{{ amount }}", "{{ card_brand }} {{ card_last_four }}", "<b>{{ amount }}</b> {{ invoice_number }}"),
}
"""Templates of their own: better words in ours change no golden file."""


def mail_of(name: str) -> bytes:
    return campaign_mail() if name == "campaign" else composed(LETTERS[name]).content


def campaign_mail(
    version: int = COMPOSER_VERSION, template: CompiledTemplate = NEWS, sender: SenderVersion = SENDER, **facts: Any
) -> bytes:
    known = replace(FACTS, composer_version=version, **facts)
    given: dict[str, Any] = {"template": template, "sender": sender, "facts": known, "keyring": KEYRING}
    return compose_campaign(**given, merge_data={"first_name": "Ann"}).content


def calendar_of(letter: WorkOrderLetter, **facts: Any) -> Calendar:
    calendar = Calendar.from_ical(calendar_text(letter, **facts))
    assert isinstance(calendar, Calendar)
    assert len(calendar.timezones) == 1
    return calendar


def calendar_text(letter: WorkOrderLetter, **facts: Any) -> str:
    message = parsed(composed(letter, **facts).content)
    (part,) = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    text = str(part.get_content())
    assert f"METHOD:{part.get_param('method')}" in text
    return text


def event_of(letter: WorkOrderLetter, **facts: Any) -> tuple[str, Event]:
    calendar = calendar_of(letter, **facts)
    return str(calendar["METHOD"]), calendar.events[0]


# Every mail


@pytest.mark.parametrize("name", ALL)
def test_a_mail_is_seven_bit_with_short_lines_and_crlf_only(name: str) -> None:
    content = mail_of(name)
    assert content.isascii()
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\r\n." not in content


@pytest.mark.parametrize("name", ALL)
def test_a_mail_has_one_of_each_header(name: str) -> None:
    message = parsed(mail_of(name))
    for header in ("From", "To", "Date", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Reply-To"):
        assert len(message.get_all(header) or []) == 1
    assert message["From"] == "Fabrikam Installers <hello@fabrikam.example>"
    assert message["To"] == "Ann Lee <ann@customer.example>"
    assert message["Date"].datetime == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert message["Message-ID"] == "<01936a0000007000800000000000002a.42@fabrikam.example>"


@pytest.mark.parametrize("name", ALL)
def test_a_mail_can_be_read_without_html(name: str) -> None:
    message = parsed(mail_of(name))
    assert len(body(message, "plain").strip()) > 20
    assert "<" not in body(message, "plain").replace("<please>", "")
    assert body(message, "html").lower().startswith(("<!doctype html>", "<html lang"))


@pytest.mark.parametrize("name", ALL)
def test_the_same_letter_gives_the_same_bytes(name: str) -> None:
    assert mail_of(name) == mail_of(name)


@pytest.mark.parametrize("version", range(2, COMPOSER_VERSION + 1))
@pytest.mark.parametrize("name", ALL)
def test_a_composer_version_gives_the_bytes_it_always_gave(name: str, version: int) -> None:
    sender = replace(SENDER, track_replies=True)
    made = (
        golden_mail(name, version, sender)
        if name in GOLDEN
        else campaign_mail(version, stored_template(), sender, **OWN_DOMAINS)
    )
    assert made == (CORPUS / f"v{version}-{name}.eml").read_bytes()


def stored_template() -> CompiledTemplate:
    """NEWS as publishing 3 compiled and stored it: a version published once is never compiled again."""
    stored = json.loads((CORPUS / "campaign-template.json").read_bytes())
    return replace(NEWS, merge=read_parts(stored["compiled"], tuple(stored["fields"])))


@pytest.mark.parametrize("between", ["|", ", ", ",", "\u3001", " \u2014 ", "\u201d \u201c"])
def test_plans_named_in_the_notes_of_a_work_order_are_a_link_each(between: str) -> None:
    # Given notes that name two plans, as people type them
    letter = replace(WORK_ORDER, notes=f"\u201chttps://plans.example/a{between}https://plans.example/b\u201d\u2026")
    # When the mail is tracked
    text = body(parsed(composed(letter, tracked=True).content), "plain")
    # Then each is a link of its own, and what stands around them is still there
    led = [base64url.decode(found) for found in re.findall(r"/c/k1-[\w-]+/([\w-]+)", text)]
    assert {b"https://plans.example/a", b"https://plans.example/b"} <= set(led)
    assert between.strip() in text
    assert "\u201d\u2026" in text


def golden_mail(name: str, version: int, sender: SenderVersion) -> bytes:
    subject, text, html = GOLDEN[name]
    parts = LetterParts(subject=subject, text=text, html=f"<!DOCTYPE html><html><body>{html}</body></html>")
    file = AttachedFile(name="Größe.txt", media_type="text/plain", content=b"1.5 m\n")
    template = replace(NEWS, merge=None, letter=parts)
    facts: dict[str, Any] = {"composer_version": version, **OWN_DOMAINS}
    return composed(LETTERS[name], template=template, attachments=(file,), sender=sender, **facts).content


@pytest.mark.parametrize("name", LETTERS)
def test_replies_to_a_letter_come_back_where_its_sender_asks_for_it(name: str) -> None:
    message = parsed(composed(LETTERS[name], sender=replace(SENDER, track_replies=True), **OWN_DOMAINS).content)
    [reply_to] = message["Reply-To"].addresses
    assert (reply_to.display_name, reply_to.domain) == ("Fabrikam Installers", "reply.fabrikam.example")
    assert read_reply_address(KEYRING, reply_to.addr_spec) == FACTS.ref
    # Letters carry no CFBL headers: they are no bulk mail, and their return path names them in any complaint
    assert not {"CFBL-Address", "CFBL-Feedback-ID"} & set(message.keys())
    # And not elsewhere
    assert parsed(composed(LETTERS[name], **OWN_DOMAINS).content)["Reply-To"] == "office@fabrikam.example"


@pytest.mark.parametrize("name", ["work-order", "e-signature", "card"])
def test_individual_mail_is_marked_automatic_and_never_bulk(name: str) -> None:
    message = parsed(mail_of(name))
    assert message["Auto-Submitted"] == "auto-generated"
    assert {"Precedence", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"}.isdisjoint(message.keys())


def test_a_campaign_mail_can_be_unsubscribed_with_one_click() -> None:
    message = parsed(mail_of("campaign"))
    assert re.fullmatch(r"<https://mail\.fabrikam\.example/u/\S+>", message["List-Unsubscribe"])
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Auto-Submitted" not in message
    assert message["List-Unsubscribe"][1:-1] in body(message, "html")
    assert message["List-Unsubscribe"][1:-1] in body(message, "plain")
    assert message["Feedback-ID"].startswith("01936a000000700080000000000000cc:")


def test_copies_are_named_and_blind_copies_are_not() -> None:
    cc = (Mailbox(address="bob@customer.example", name="Lee, Bob"), Mailbox(address="carl@customer.example"))
    message = parsed(composed(E_SIGNATURE, cc=cc).content)
    assert [(a.display_name, a.addr_spec) for a in message["Cc"].addresses] == [
        ("Lee, Bob", "bob@customer.example"),
        ("", "carl@customer.example"),
    ]
    assert "Bcc" not in message


def test_an_address_beyond_ascii_stands_in_the_header_as_it_is() -> None:
    mail = composed(CARD, to=Mailbox(address="jörg@xn--bcher-kva.de", name="Jörg"))
    assert "To: =?utf-8?b?SsO2cmc=?= <jörg@xn--bcher-kva.de>\r\n".encode() in mail.content
    assert composed(CARD).content.isascii()


@settings(max_examples=50)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300))
def test_any_note_arrives_escaped_in_html_and_as_it_is_in_text(note: str) -> None:
    try:
        letter = replace(CARD, note=note)
    except Refusal:
        return
    message = parsed(composed(letter).content)
    assert "<script" not in body(message, "html")
    assert re.sub(r"\s+", "", note) in re.sub(r"\s+", "", body(message, "plain"))


# Tracking


def links(html: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', html)


def test_a_work_order_has_its_links_counted_and_a_pixel() -> None:
    page = body(parsed(mail_of("work-order")), "html")
    assert all(link.startswith("https://mail.fabrikam.example/c/") for link in links(page))
    assert page.count("https://mail.fabrikam.example/o/") == 1


def test_a_signing_link_is_never_rewritten_and_a_pixel_only_comes_when_asked_for() -> None:
    for tracked, pixels in ((True, 1), (False, 0)):
        page = body(parsed(composed(E_SIGNATURE, tracked=tracked).content), "html")
        assert links(page) == ["https://sign.fabrikam.example/d/8f3c?k=1"]
        assert page.count("/o/") == pixels


def test_card_mail_is_never_tracked() -> None:
    message = parsed(composed(CARD, tracked=True).content)
    assert links(body(message, "html")) == ["https://pay.fabrikam.example/9"]
    assert "mail.fabrikam.example/" not in body(message, "html") + body(message, "plain")


def test_an_untracked_work_order_is_left_alone() -> None:
    page = body(parsed(composed(WORK_ORDER, tracked=False).content), "html")
    assert links(page) == ["https://crm.fabrikam.example/confirm?wo=7&amp;x=1"]
    assert "<img" not in page


# Calendars


def test_a_work_order_brings_its_event_as_a_part_and_as_a_file() -> None:
    message = parsed(mail_of("work-order"))
    files = list(message.iter_attachments())
    assert [(file.get_filename(), file.get_content_type()) for file in files] == [("invite.ics", "application/ics")]
    method, event = event_of(WORK_ORDER)
    assert method == "REQUEST"
    assert isinstance(event.start, datetime)
    assert event.start == WORK_ORDER.window.start_utc
    assert event.start.utcoffset() == timedelta(hours=1)
    assert str(event["ORGANIZER"]) == "mailto:hello@fabrikam.example"


def test_every_letter_about_a_work_order_means_the_same_event_and_the_latest_counts() -> None:
    kinds = [WorkOrderKind.CREATED, WorkOrderKind.CHANGED, WorkOrderKind.CANCELLED]
    events = [
        event_of(replace(WORK_ORDER, kind=kind), mail_date=datetime(2026, 11, 23, 12, second, tzinfo=UTC))
        for second, kind in enumerate(kinds)
    ]
    assert [method for method, _ in events] == ["REQUEST", "REQUEST", "CANCEL"]
    assert len({str(event["UID"]) for _, event in events}) == 1
    sequences = [event.sequence for _, event in events]
    assert sequences == sorted(set(sequences))
    assert [str(event["STATUS"]) for _, event in events] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]


@settings(max_examples=100)
@given(note=WORDS, street=WORDS, name=LINE, kind=LINE)
def test_any_words_fit_into_an_event(note: str, street: str, name: str, kind: str) -> None:
    try:
        letter = replace(WORK_ORDER, notes=note, job_site_address=street, type=kind)
    except Refusal:
        return
    _, event = event_of(letter, to=Mailbox(address="ann@customer.example", name=name))
    assert str(event["SUMMARY"]).strip().startswith(kind.strip())
    assert str(event["ATTENDEE"]) == "mailto:ann@customer.example"
    assert "".join(str(event.get("DESCRIPTION", "")).split()) == "".join(note.split())


def test_an_event_tells_the_rules_of_its_zone() -> None:
    zone = calendar_of(at("2027-07-01T09:00", "2027-07-01T11:00", "America/New_York")).timezones[0]
    assert str(zone["TZID"]) == "America/New_York"
    told = [
        (part.name, part["DTSTART"].to_ical(), part["RRULE"].to_ical(), part["TZOFFSETTO"].to_ical())
        for part in zone.subcomponents
    ]
    assert told == [
        ("DAYLIGHT", b"20260308T020000", b"FREQ=YEARLY;BYDAY=2SU;BYMONTH=3", "-0400"),
        ("STANDARD", b"20261101T020000", b"FREQ=YEARLY;BYDAY=1SU;BYMONTH=11", "-0500"),
    ]


@pytest.mark.parametrize(
    "zone", ["America/Denver", "Europe/Dublin", "America/Santiago", "Africa/Casablanca", "Asia/Kolkata"]
)
def test_a_reader_that_knows_only_the_file_reads_the_right_moment(zone: str) -> None:
    read = calendar_of(at("2027-07-01T09:00", "2027-07-01T11:00", zone)).timezones[0].to_tz(lookup_tzid=False)
    for month in range(1, 13):
        local = datetime(2027, month, 20, 9)  # noqa: DTZ001  # local, in the zone that is read
        assert local.replace(tzinfo=read).utcoffset() == local.replace(tzinfo=ZoneInfo(zone)).utcoffset()


def test_the_second_of_two_coming_times_is_written_as_a_moment() -> None:
    letter = at("2027-11-07T01:30-05:00", "2027-11-07T03:00", "America/New_York")
    calendar = Calendar.from_ical(calendar_text(letter))
    assert calendar.timezones == []
    assert calendar.events[0]["DTSTART"].to_ical() == b"20271107T063000Z"
    assert calendar.events[0]["DTEND"].to_ical() == b"20271107T080000Z"
    first = calendar_of(at("2027-11-07T01:30-04:00", "2027-11-07T03:00", "America/New_York"))
    assert first.events[0]["DTSTART"].to_ical() == b"20271107T013000"


def at(start: str, end: str, zone: str) -> WorkOrderLetter:
    return replace(WORK_ORDER, window=Window.parse(start, end, zone))


def test_an_unusual_address_is_a_right_uri() -> None:
    _, event = event_of(WORK_ORDER, to=Mailbox(address='"two words"@customer.example'))
    assert str(event["ATTENDEE"]) == "mailto:%22two%20words%22@customer.example"


def test_a_sequence_that_the_caller_counts_is_kept() -> None:
    assert event_of(replace(WORK_ORDER, sequence=3))[1].sequence == 3


def test_another_customers_work_order_of_the_same_number_is_another_event() -> None:
    other = builtin.sample_letter(SourceType.WORK_ORDER, "CREATED")
    assert isinstance(other, WorkOrderLetter)
    assert event_of(replace(other, number="WO-7"))[1]["UID"] == event_of(WORK_ORDER)[1]["UID"]
    assert event_of(replace(WORK_ORDER, number="WO-8"))[1]["UID"] != event_of(WORK_ORDER)[1]["UID"]


def test_completed_work_leaves_nothing_in_the_calendar() -> None:
    message = parsed(composed(replace(WORK_ORDER, kind=WorkOrderKind.COMPLETED)).content)
    assert "text/calendar" not in [part.get_content_type() for part in message.walk()]


# Files


def test_files_arrive_as_they_were_with_their_names() -> None:
    files = (
        AttachedFile(name="Angebot Größe.pdf", media_type="application/pdf", content=bytes(range(256)) * 999),
        AttachedFile(name="empty.bin", media_type="application/octet-stream", content=b""),
        AttachedFile(name="page.html", media_type="text/html", content=b"<script>alert(1)</script>"),
    )
    message = parsed(composed(E_SIGNATURE, attachments=files).content)
    arrived = list(message.iter_attachments())
    assert [part.get_filename() for part in arrived] == [file.name for file in files]
    assert [part.get_payload(decode=True) for part in arrived] == [file.content for file in files]
    assert {part.get_content_disposition() for part in arrived} == {"attachment"}
    assert arrived[2].get_content_type() == "application/octet-stream"


def test_a_document_that_stays_online_takes_no_file() -> None:
    file = AttachedFile(name="a.pdf", media_type="application/pdf", content=b"x")
    with pytest.raises(Refusal) as refused:
        composed(replace(E_SIGNATURE, online_only=True), attachments=(file,))
    assert refused.value.field == ("attachmentIds",)


# Words


def every_sample() -> Iterator[tuple[str, str]]:
    for source in builtin.read_sources().values():
        yield source.source_type.value, source.kind


@pytest.mark.parametrize(("source_type", "kind"), sorted(set(every_sample())))
@pytest.mark.parametrize("locale", ["en", "de", "de-AT", "fr-CA", "ja"])
def test_every_kind_of_letter_composes_in_every_locale(source_type: str, kind: str, locale: str) -> None:
    letter: Letter = builtin.sample_letter(SourceType(source_type), kind)
    page = body(parsed(composed(letter, locale=locale, customer_name=None).content), "html")
    assert "prefers-color-scheme: dark" in page
    assert "{{" not in page
    assert "{%" not in page
    assert "jx" not in re.sub(r"/[cou]/\S+", "", page)


def test_dates_and_money_are_in_the_customers_words() -> None:
    german = parsed(composed(WORK_ORDER, locale="de").content)
    assert german["Subject"] == "Ihr Termin: Cinema & sound, Dienstag, 1. Dezember 2026"
    assert "09:00 \u2013 11:00 (Mitteleuropäische Normalzeit)" in body(german, "plain")
    assert "IDR\u00a03,000,000,000.00" in body(parsed(composed(CARD).content), "plain").replace("IDR3", "IDR\u00a03")
    assert "December 24, 2026, 12:00\u202fPM (Eastern Standard Time)" in body(
        parsed(composed(E_SIGNATURE).content), "plain"
    )


def test_an_own_subject_and_body_take_the_place_of_ours() -> None:
    message = parsed(composed(replace(E_SIGNATURE, subject="Bitte, Ann", body="Eins\n<Zwei>")).content)
    assert message["Subject"] == "Bitte, Ann"
    assert "Eins<br>&lt;Zwei&gt;" in body(message, "html")
    assert "Eins\r\n<Zwei>" in body(message, "plain").replace("\r\n", "\n").replace("\n", "\r\n")
    assert E_SIGNATURE.portal_url in body(message, "plain")


def test_a_sender_without_name_or_extras_is_fine() -> None:
    bare = replace(SENDER, from_name=None, reply_to=None, signature=None, postal_address=None)
    message = parsed(composed(WORK_ORDER, sender=bare).content)
    assert message["From"] == "hello@fabrikam.example"
    assert "Reply-To" not in message
