"""A query as a value: what goes into a cursor, a link or a token comes out the same."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.message import MessageRef, Status
from gateway.mail.source import Direction, SourceType
from gateway.mail.verdict import Cause
from service.finding.query import MessageQuery

BIGINTS = st.integers(-(2**63), 2**63 - 1)
REFS = st.builds(MessageRef, customer_id=st.integers(1, 2**63 - 1), message_id=st.uuids())
MOMENTS = st.datetimes(timezones=st.just(UTC))


def some(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | st.lists(values, max_size=3).map(tuple)


QUERIES = st.builds(
    MessageQuery,
    ids=some(REFS),
    customer_ids=some(BIGINTS),
    statuses=some(st.sampled_from(Status)),
    causes=some(st.sampled_from(Cause)),
    source_types=some(st.sampled_from(SourceType)),
    direction=st.none() | st.sampled_from(Direction),
    campaign_ids=some(st.uuids()),
    mailing_ids=some(st.integers(1, 2**31 - 1)),
    sender_ids=some(st.uuids()),
    relays=some(st.text(max_size=5)),
    domains=some(st.text(max_size=5)),
    addresses=some(st.text(max_size=5)),
    address_hashes=some(BIGINTS),
    since=st.none() | MOMENTS,
    until=st.none() | MOMENTS,
    opened=st.none() | st.booleans(),
    clicked=st.none() | st.booleans(),
    tracked=st.none() | st.booleans(),
    needs_attention=st.none() | st.booleans(),
    search=st.none() | st.text(max_size=5),
    search_hash=st.none() | BIGINTS,
)


@given(QUERIES)
def test_json_keeps_a_query_whole(query: MessageQuery) -> None:
    told = orjson.loads(orjson.dumps(query.to_json()))
    assert MessageQuery.from_json(told) == query
    assert query.is_whole == (told == {})


@given(QUERIES, QUERIES)
def test_cursors_of_other_queries_have_another_mark(one: MessageQuery, other: MessageQuery) -> None:
    assert (one.mark("NEWEST") == other.mark("NEWEST")) == (one == other)
    assert one.mark("NEWEST") != one.mark("OLDEST")


def test_an_empty_list_and_an_empty_span_find_nothing() -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert MessageQuery(relays=()).finds_nothing
    assert MessageQuery(since=noon, until=noon).finds_nothing
    assert not MessageQuery(since=noon, ids=(MessageRef(customer_id=1, message_id=UUID(int=1)),)).finds_nothing
