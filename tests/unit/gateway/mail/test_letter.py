"""The letters to one customer: what each takes and refuses, and until when it may be sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.mail.currency import MINOR_DIGITS
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
from gateway.outbox.idempotency import digest_of

CARD = "4111 1111 1111 1111"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEADLINES = SimpleNamespace(completed_deadline=timedelta(hours=47), card_deadline=timedelta(hours=24))


def window(**changes: Any) -> Window:
    given: dict[str, Any] = {
        "start": "2026-12-01T09:00",
        "end": "2026-12-01T11:00",
        "time_zone": "Europe/Berlin",
    } | changes
    return Window.parse(**given)


def work_order(**changes: Any) -> WorkOrderLetter:
    given: dict[str, Any] = {
        "kind": WorkOrderKind.CREATED,
        "number": "WO-1",
        "type": "Installation",
        "window": window(),
    } | changes
    return WorkOrderLetter(**given)


def e_signature(**changes: Any) -> ESignatureLetter:
    given: dict[str, Any] = {"document_kind": DocumentKind.PROPOSAL, "title": "Cinema", "portal_url": "https://sign.example/x",
             "expires_at": NOW + timedelta(days=7)} | changes  # fmt: skip
    return ESignatureLetter(**given)


def card(**changes: Any) -> CardLetter:
    given: dict[str, Any] = {
        "kind": CardMailKind.CHARGE,
        "amount": Money(amount=Decimal("12.50"), currency="USD"),
    } | changes
    return CardLetter(**given)


def local(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, fold=fold, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[arg-type,misc]  # mypy: parts may hold a tzinfo


def refusal(make: Any, **changes: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        make(**changes)
    return refused.value


# Money


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("12.50", "USD", 1250), ("3000000000.00", "IDR", 300000000000), ("3E+9", "IDR", 300000000000), ("100", "JPY", 100),
     ("1.234", "KWD", 1234), ("0.01", "EUR", 1), ("92233720368547758.07", "USD", 2**63 - 1)],
)  # fmt: skip
def test_money_is_exact(amount: str, currency: str, minor: int) -> None:
    assert Money(amount=Decimal(amount), currency=currency).minor_units == minor


@pytest.mark.parametrize(
    ("amount", "currency", "where"),
    [("1.005", "USD", "amount"), ("0.5", "JPY", "amount"), ("1", "XXY", "currency"), ("1", "usd", "currency"),
     ("0", "USD", "amount"), ("-1", "USD", "amount"), ("NaN", "USD", "amount"), ("Infinity", "USD", "amount"),
     ("92233720368547758.08", "USD", "amount"), ("1E+999999", "USD", "amount")],
)  # fmt: skip
def test_money_that_is_not_money_is_refused(amount: str, currency: str, where: str) -> None:
    assert refusal(Money, amount=Decimal(amount), currency=currency).field == ("amount", where)


@given(st.sampled_from(sorted(MINOR_DIGITS)), st.integers(min_value=1, max_value=2**63 - 1))
def test_every_minor_unit_of_every_currency_survives(currency: str, minor: int) -> None:
    amount = Decimal(minor).scaleb(-MINOR_DIGITS[currency])
    assert Money(amount=amount, currency=currency).minor_units == minor


# Windows


def test_a_window_knows_its_moments() -> None:
    assert window().start_utc == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert window(time_zone="America/New_York").end_utc == datetime(2026, 12, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"end": "2026-12-01T09:00"}, "end"), ({"end": "2026-12-01T08:00"}, "end"), ({"end": "2028-12-01T08:00"}, "end"),
     ({"start": "2026-12-01 09:00"}, "start"), ({"start": "2026-12-01T09:00Z"}, "start"),
     ({"start": "2026-02-30T09:00"}, "start"), ({"start": "0001-01-01T00:00"}, "start"),
     ({"start": "2026-12-01T25:00"}, "start"), ({"time_zone": "Mars/Olympus"}, "timeZone"),
     ({"time_zone": "../../etc/passwd"}, "timeZone"), ({"time_zone": ""}, "timeZone"),
     ({"time_zone": "America"}, "timeZone")],
)  # fmt: skip
def test_a_bad_window_is_refused(changes: dict[str, str], where: str) -> None:
    assert refusal(window, **changes).field == ("window", where)


@pytest.mark.parametrize(
    ("start", "end", "taken"),
    [
        ("1971-01-01T00:00", "1971-01-02T00:00", True),
        ("1970-12-31T00:00", "1971-01-02T00:00", False),
        ("2999-12-30T00:00", "2999-12-31T00:00", True),
        ("2999-12-31T00:00", "3000-01-01T00:00", False),
        ("2026-01-01T00:00", "2027-01-02T00:00", True),
        ("2026-01-01T00:00", "2027-01-02T00:01", False),
        ("2026-01-01T00:00", "2026-01-01T00:00:01", True),
    ],
)
def test_a_window_lies_between_1971_and_2999_and_is_at_most_366_days_long(start: str, end: str, taken: bool) -> None:
    if taken:
        assert window(start=start, end=end, time_zone="UTC").start.year == int(start[:4])
    else:
        assert refusal(window, start=start, end=end, time_zone="UTC").code is RefusalCode.INVALID


def test_a_local_time_has_no_offset() -> None:
    with pytest.raises(Refusals) as refused:
        Window(start=NOW, end=NOW + timedelta(hours=1), time_zone="UTC")
    assert [(one.field, "local" in one.message) for one in refused.value.refusals] == [
        (("window", "start"), True),
        (("window", "end"), True),
    ]


def test_a_time_that_the_clocks_skip_is_refused_with_the_reason() -> None:
    refused = refusal(window, start="2027-03-28T02:30", end="2027-03-28T04:00")
    assert refused.field == ("window", "start")
    assert "does not exist" in refused.message


NIGHTS = [
    ("America/New_York", "2027-11-07T01:30", "-04:00", "-05:00"),
    ("Europe/Berlin", "2027-10-31T02:30", "+02:00", "+01:00"),
    ("Australia/Lord_Howe", "2027-04-04T01:45", "+11:00", "+10:30"),
]


@pytest.mark.parametrize(("zone", "text", "first", "second"), NIGHTS)
def test_a_time_that_comes_twice_is_refused_with_both_of_its_offsets(
    zone: str, text: str, first: str, second: str
) -> None:
    with pytest.raises(Refusals) as refused:
        window(start=text, end=text, time_zone=zone)
    assert [one.field for one in refused.value.refusals] == [("window", "start"), ("window", "end")]
    for one in refused.value.refusals:
        assert f"{text}:00{first}" in one.message
        assert f"{text}:00{second}" in one.message


@pytest.mark.parametrize(("zone", "text", "first", "second"), NIGHTS)
def test_an_offset_says_which_of_two_coming_times_is_meant(zone: str, text: str, first: str, second: str) -> None:
    between = window(start=text + first, end=text + second, time_zone=zone)
    assert (between.start_utc, between.end_utc) == (
        datetime.fromisoformat(text + first),
        datetime.fromisoformat(text + second),
    )
    assert between.start == between.end == datetime.fromisoformat(text)
    intents = [window(start=text + offset, end="2027-12-01T09:00", time_zone=zone) for offset in (first, second)]
    assert digest_of(intents[0]) != digest_of(intents[1])


def test_an_offset_must_be_the_zones_then() -> None:
    assert window(start="2026-12-01T09:00+01:00") == window(start="2026-12-01T09:00")
    refused = refusal(window, start="2026-12-01T09:00+02:00")
    assert refused.field == ("window", "start")
    assert "2026-12-01T09:00:00+01:00" in refused.message
    assert "does not exist" in refusal(window, start="2027-03-28T02:30+01:00", end="2027-03-28T04:00").message


def test_both_ends_of_a_window_are_refused_together() -> None:
    with pytest.raises(Refusals) as refused:
        window(start="2026-02-30T09:00", end="soon")
    assert [one.field for one in refused.value.refusals] == [("window", "start"), ("window", "end")]
    with pytest.raises(Refusals) as skipped:
        window(start="2027-03-28T02:15", end="2027-03-28T02:30")
    assert [one.field for one in skipped.value.refusals] == [("window", "start"), ("window", "end")]


@given(
    st.datetimes(min_value=local(2000, 1, 1), max_value=local(2100, 1, 1)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=30)),
)
def test_any_window_is_in_order_or_refused(start: datetime, length: timedelta) -> None:
    try:
        made = Window(start=start, end=start + length, time_zone="Europe/Berlin")
    except Refusal:
        return
    assert made.start_utc < made.end_utc


# Fields


@pytest.mark.parametrize("url", ["http://a.example", "https://a.example:8443/x?y=%20z#f", "https://xn--bcher-kva.de/"])
def test_an_http_url_is_taken(url: str) -> None:
    assert e_signature(portal_url=url).portal_url == url


@pytest.mark.parametrize(
    "url",
    ["", "javascript:alert(1)", "ftp://a.example", "https://", "//a.example", "https://u:p@a.example/", "https://a b/",
     "https://a.example/\"onclick=", "https://a.example/<x>", "https://a.example/ü", "https://[::1", "https://a.example:x/",
     "https://a.example\\@b.example/", "https://a.example/" + "x" * 2000],
)  # fmt: skip
def test_any_other_url_is_refused(url: str) -> None:
    assert refusal(e_signature, portal_url=url).field == ("portalUrl",)


FREE_TEXTS = [
    (work_order, "number", ("number",)), (work_order, "type", ("type",)), (work_order, "technician", ("technician",)),
    (work_order, "job_site_address", ("jobSiteAddress",)), (work_order, "notes", ("notes",)),
    (e_signature, "title", ("title",)), (e_signature, "revision", ("revision",)),
    (e_signature, "subject", ("subject",)),
    (e_signature, "body", ("body",)), (card, "invoice_number", ("invoiceNumber",)),
    (card, "card_brand", ("cardBrand",)),
    (card, "authorisation_code", ("authorisationCode",)), (card, "note", ("note",)),
    (card, "card_last_four", ("cardLastFour",)),
]  # fmt: skip


@pytest.mark.parametrize(("make", "name", "path"), FREE_TEXTS)
def test_a_card_number_is_refused_in_every_text_of_every_letter(make: Any, name: str, path: tuple[str, ...]) -> None:
    refused = refusal(make, **{name: f"{CARD}"})
    assert (refused.code, refused.field) == (RefusalCode.CARD_NUMBER, path)


@pytest.mark.parametrize(
    ("make", "name", "path"), [row for row in FREE_TEXTS if row[1] not in ("job_site_address", "notes", "body", "note")]
)
@pytest.mark.parametrize("text", ["x\r\nBcc: a@b.example", "x\n", "x\0"])
def test_a_line_break_is_refused_in_every_text_that_reaches_a_header(
    make: Any, name: str, path: tuple[str, ...], text: str
) -> None:
    refused = refusal(make, **{name: text})
    assert (refused.code, refused.field) == (RefusalCode.HEADER_INJECTION, path)


@pytest.mark.parametrize(("make", "name", "path"), FREE_TEXTS[:-1])
def test_every_text_has_a_limit(make: Any, name: str, path: tuple[str, ...]) -> None:
    refused = refusal(make, **{name: "x" * 100_000})
    assert (refused.code, refused.field) == (RefusalCode.TOO_LONG, path)


LONGEST = {
    "number": 100, "type": 200, "technician": 200, "job_site_address": 500, "notes": 10_000, "title": 200,
    "revision": 50, "subject": 500, "body": 50_000, "invoice_number": 100, "card_brand": 50, "authorisation_code": 50,
    "note": 10_000,
}  # fmt: skip


@pytest.mark.parametrize(("make", "name", "path"), FREE_TEXTS[:-1])
def test_a_text_as_long_as_its_limit_is_taken_and_one_letter_more_is_not(
    make: Any, name: str, path: tuple[str, ...]
) -> None:
    assert getattr(make(**{name: "x" * LONGEST[name]}), name)
    assert refusal(make, **{name: "x" * (LONGEST[name] + 1)}).code is RefusalCode.TOO_LONG


def test_a_url_has_at_most_2000_octets() -> None:
    longest = "https://a.example/" + "x" * 1982
    assert e_signature(portal_url=longest).portal_url == longest
    assert refusal(e_signature, portal_url=longest + "x").code is RefusalCode.TOO_LONG


@pytest.mark.parametrize(("sequence", "taken"), [(-1, False), (0, True), (2**31 - 1, True), (2**31, False)])
def test_a_sequence_is_what_a_calendar_can_count(sequence: int, taken: bool) -> None:
    if taken:
        assert work_order(sequence=sequence).sequence == sequence
    else:
        assert refusal(work_order, sequence=sequence).field == ("sequence",)


def test_an_empty_line_is_none_where_one_is_needed() -> None:
    for make, name in ((work_order, "number"), (work_order, "type"), (e_signature, "title"), (e_signature, "subject")):
        assert refusal(make, **{name: " "}).code is RefusalCode.REQUIRED
    assert card(invoice_number="", card_last_four="0000").card_last_four == "0000"


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    assert refusal(work_order, notes=text).code is RefusalCode.INVALID


def test_notes_may_have_lines() -> None:
    assert work_order(notes="one\r\ntwo").notes == "one\r\ntwo"


@pytest.mark.parametrize("digits", ["411", "41111", "41a1", "\uff11\uff12\uff13\uff14", ""])
def test_the_last_four_are_four_digits(digits: str) -> None:
    assert refusal(card, card_last_four=digits).field == ("cardLastFour",)


def test_a_payment_link_needs_its_link() -> None:
    assert refusal(card, kind=CardMailKind.PAYMENT_LINK).code is RefusalCode.REQUIRED
    assert card(kind=CardMailKind.PAYMENT_LINK, portal_url="https://pay.example/").portal_url


def test_an_expiry_needs_its_offset() -> None:
    assert refusal(e_signature, expires_at=local(2026, 12, 1)).field == ("expiresAt",)


# Mailboxes and deadlines


def test_a_mailbox_is_normalised_and_guarded() -> None:
    made = Mailbox.parse("Ann@Fabrikam.com", " Ann Lee ", allow_reserved=False, path=("cc", "0"))
    assert made == Mailbox(address="Ann@fabrikam.com", name="Ann Lee")
    for nameless in (None, "", "  "):
        assert Mailbox.parse("ann@fabrikam.com", nameless, allow_reserved=False, path=("cc", "0")).name is None
    with pytest.raises(Refusal) as refused:
        Mailbox.parse("ann@fabrikam.com", "Ann\r\nBcc: x", allow_reserved=False, path=("cc", "0"))
    assert refused.value.field == ("cc", "0", "name")


@pytest.mark.parametrize(
    ("letter", "until"),
    [(work_order(), datetime(2026, 12, 1, 8, tzinfo=UTC)),
     (work_order(kind=WorkOrderKind.COMPLETED), NOW + timedelta(hours=47)),
     (e_signature(), NOW + timedelta(days=7)), (card(), NOW + timedelta(hours=24))],
)  # fmt: skip
def test_every_letter_has_its_deadline(letter: Letter, until: datetime) -> None:
    assert letter.deadline(NOW, DEADLINES) == until
