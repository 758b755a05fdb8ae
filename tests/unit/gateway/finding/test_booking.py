"""Figures booked by the difference equal a recount of what every mail counts as in the end."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gateway.finding.booking import FIGURES, Booking, Facts, hour_of

HOURS = (490_000, 490_001, 490_030)
"""Two of a day, and one of the next."""
FACTS = st.builds(
    Facts,
    mailing_id=st.sampled_from([None, 1]),
    domain_no=st.sampled_from([None, 1, 2]),
    sender_no=st.just(1),
    relay_no=st.sampled_from([None, 3]),
    source_type=st.sampled_from(["CAMPAIGN", "WORK_ORDER", None]),
    direction=st.sampled_from(["SENT", "RECEIVED"]),
    status=st.sampled_from(["ACCEPTED", "REFUSED", "BOUNCED", "QUEUED"]),
    cause=st.sampled_from([None, "BAD_ADDRESS"]),
    tracked=st.booleans(),
    opened=st.booleans(),
    clicked=st.booleans(),
    complained=st.booleans(),
    deferrals=st.integers(0, 3),
)
STATE = st.tuples(FACTS, st.sampled_from([None, 0, 7, 255]))
"""What a mail counts as, and the bucket of its time."""


def id_in(hour: int, number: int) -> UUID:
    """The id of a mail of this hour (RFC 9562 5.7)."""
    return UUID(int=((hour * 3_600_000) << 80) | (7 << 76) | (2 << 62) | number)


def test_a_mail_counts_in_the_hour_of_its_id() -> None:
    assert hour_of(id_in(490_001, 5)) == 490_001
    assert hour_of(UUID("0193b0a0-0000-7000-8000-000000000000")) == 0x0193B0A00000 // 3_600_000


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(HOURS), STATE), max_size=30))
def test_what_is_booked_equals_a_recount(changes: list[tuple[int, int, tuple[Facts, int | None]]]) -> None:
    # Given some mails, each of which counts as this and that, one after the other, booked in one batch or in many
    many: list[Booking] = []
    one = Booking()
    states: dict[UUID, tuple[Facts, int | None]] = {}
    for number, hour, now in changes:
        mail = next((known for known in states if known.int & 0xFF == number), id_in(hour, number))
        before = states.get(mail)
        for booking in (one, Booking()):
            if before is None:
                booking.add(mail, *now)
            else:
                booking.change(mail, before, now)
            if booking is not one:
                many.append(booking)
        states[mail] = now
    # Then what both add up to is what the mails count as in the end
    wanted = Booking()
    for mail, state in states.items():
        wanted.add(mail, *state)
    assert figures([one]) == figures(many) == figures([wanted])
    assert times([one]) == times(many) == times([wanted])


def figures(bookings: list[Booking]) -> tuple[Counter[Any], Counter[Any]]:
    """The sums by mail and by domain, without those that are 0."""
    by_mail, by_domain = Counter[Any](), Counter[Any]()
    for booking in bookings:
        for row in booking.by_mail():
            *key, _bucket, _mails = row[: -len(FIGURES)]
            by_mail.update({(*key, name): count for name, count in zip(FIGURES, row[-len(FIGURES) :], strict=True)})
        for row in booking.by_domain():
            *key, sent = row[:4]
            figures_of_row = (sent, *row[4:-1])
            by_domain.update({(*key, name): count for name, count in zip(FIGURES, figures_of_row, strict=True)})
    return tuple(Counter({key: count for key, count in each.items() if count}) for each in (by_mail, by_domain))  # type: ignore[return-value]  # two of two


def times(bookings: list[Booking]) -> tuple[Counter[Any], Counter[Any]]:
    """How many mails are in each bucket, by mail and by domain, without those that are 0."""
    by_mail, by_domain = Counter[Any](), Counter[Any]()
    for booking in bookings:
        for *key, bucket, mails in (row[: -len(FIGURES)] for row in booking.by_mail()):
            if bucket is not None:
                by_mail[*key, bucket] += mails
        for row in booking.by_domain():
            for number in row[-1]:
                by_domain[*row[:3], number & 255] += number >> 8
    return tuple(Counter({key: count for key, count in each.items() if count}) for each in (by_mail, by_domain))  # type: ignore[return-value]  # two of two
