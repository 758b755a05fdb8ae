"""Which index finds recipients, which counts tell how many, and cursors of any bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.mail import base64url
from gateway.mail.campaign import LeftOutReason
from gateway.mail.message import Status
from gateway.mail.verdict import Cause
from service.graph.recipient_pages import Place, RecipientQuery, Segment, Source, counters_of, read_place

FULL = RecipientQuery(
    mailing_ids=(1, 2),
    statuses=(Status.HELD,),
    causes=(Cause.SPAM,),
    left_out=(LeftOutReason.ERASED,),
    opened=True,
    clicked=False,
    search="ada",
)


def sources(**values: Any) -> list[Source]:
    return [segment.source for segment in RecipientQuery(mailing_ids=(7,), **values).segments()]


def test_the_narrowest_range_is_read() -> None:
    assert sources() == [Source.AUDIENCE, Source.LEFT_OUT]
    assert sources(statuses=(Status.HELD, Status.REFUSED)) == [Source.TROUBLE] * 2
    assert sources(statuses=(Status.HELD, Status.ACCEPTED)) == [Source.AUDIENCE]
    assert sources(causes=(Cause.SPAM,)) == [Source.TROUBLE] * 5
    assert sources(causes=(Cause.SPAM, Cause.BY_PERSON)) == [Source.AUDIENCE]
    assert sources(left_out=(LeftOutReason.ERASED,)) == [Source.LEFT_OUT_FOR]
    assert sources(left_out=(LeftOutReason.ERASED,), statuses=(Status.HELD,)) == [Source.TROUBLE, Source.LEFT_OUT_FOR]
    assert sources(opened=True, clicked=True) == [Source.CLICKED]
    assert sources(opened=True) == [Source.OPENED]
    assert sources(opened=False) == [Source.AUDIENCE, Source.LEFT_OUT]
    assert sources(search="ada", opened=True) == [Source.FOUND]
    assert RecipientQuery(mailing_ids=()).segments() == []


@pytest.mark.parametrize(
    ("values", "counters"),
    [
        ({"statuses": (Status.ACCEPTED, Status.HANDED_OFF)}, ["accepted", "on_the_wire"]),
        ({"statuses": (Status.QUEUED, Status.DEFERRED)}, ["queued"]),
        ({"statuses": (Status.QUEUED,)}, None),
        ({"statuses": ()}, []),
        ({"statuses": (Status.RECEIVED,)}, []),
        ({"left_out": (LeftOutReason.ERASED,), "statuses": (Status.HELD,)}, ["left_out_erased", "held"]),
        ({"opened": True}, ["opened"]),
        ({"opened": False}, None),
        ({"clicked": True}, ["clicked"]),
        ({"clicked": True, "opened": True}, None),
        ({"opened": True, "statuses": (Status.ACCEPTED,)}, None),
        ({"causes": (Cause.SPAM,)}, None),
        ({"search": "ada"}, None),
    ],
)
def test_counts_tell_how_many_where_the_filter_is_one(values: dict[str, Any], counters: list[str] | None) -> None:
    assert counters_of(RecipientQuery(mailing_ids=(7,), **values)) == counters


def test_a_query_reads_back() -> None:
    for query in (FULL, RecipientQuery(mailing_ids=(3,)), RecipientQuery(mailing_ids=(), statuses=())):
        assert RecipientQuery.from_json(query.to_json()) == query


def test_a_place_reads_back() -> None:
    place = Place(
        segment=Segment(source=Source.TROUBLE, mailing_id=7, value="HELD"),
        planned_at=datetime(2026, 12, 1, 12, 0, 0, 123456, tzinfo=UTC),
        customer_id=2**63 - 1,
        occurrence="2026-12-01 ä",
        message_key=UUID(int=5),
        mailing_id=7,
    )
    assert read_place(place.cursor) == place
    assert read_place(FULL.start.cursor) == FULL.start


@given(some.binary(max_size=60))
def test_no_bytes_break_the_reading_of_a_cursor(raw: bytes) -> None:
    found = read_place(base64url.encode(raw))
    assert found is None or found.customer_id >= 0


@given(some.lists(some.none() | some.integers() | some.text(max_size=5) | some.floats(), min_size=8, max_size=8))
def test_no_values_break_it(values: list[object]) -> None:
    found = read_place(base64url.encode(json.dumps(["audience", *values[1:]]).encode()))
    assert found is None or -1 < found.customer_id < 2**63
