"""Person or machine: one readable table a rule, and bursts in their context."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.hit import (
    LONGEST_AGENT,
    Classification,
    Hit,
    HitContext,
    HitKind,
    HitReason,
    HitVerdict,
    Span,
    busy_spans,
    classify_hits,
    clean_agent,
    is_prefetch,
    join_spans,
)
from gateway.tracking.hit_rules import read_hit_rules

RULES = read_hit_rules()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
_numbers = count()
ANSWERED = HitContext(answered_at=NOON - timedelta(hours=2), undecided=False, busy={})


def hit(kind: HitKind, seconds: float, link: int | None, **values: Any) -> Hit:
    usual: dict[str, Any] = {"origin": "ann", "agent": CHROME}
    occurred_at = NOON + timedelta(seconds=seconds)
    return Hit(id=UUID(int=next(_numbers)), kind=kind, occurred_at=occurred_at, link=link, **(usual | values))


def click(seconds: float = 0, *, link: int = 1, **values: Any) -> Hit:
    return hit(HitKind.CLICK, seconds, link, **values)


def opened(seconds: float = 0, **values: Any) -> Hit:
    return hit(HitKind.OPEN, seconds, None, **values)


def classify(*hits: Hit, context: HitContext = ANSWERED) -> list[Classification]:
    return classify_hits(hits, context, RULES)


def verdicts(*hits: Hit, context: HitContext = ANSWERED) -> Sequence[str]:
    return [one.verdict for one in classify(*hits, context=context)]


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
        "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
        "Outlook-iOS/723.4202",
        "Mozilla/5.0 (Linux; Android 9; CUBOT X20 Pro) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0 Mobile",
    ],
)
def test_what_people_read_with_is_human(agent: str) -> None:
    for hit in (click(agent=agent), opened(agent=agent)):
        assert classify(hit) == [Classification(verdict=HitVerdict.HUMAN, reasons=(HitReason.BROWSER_AGENT,))]


@pytest.mark.parametrize(
    ("hit", "reason"),
    [
        (click(head=True), HitReason.HEAD_REQUEST),
        (click(prefetch=True), HitReason.PREFETCH_HEADER),
        (click(agent=None), HitReason.EMPTY_AGENT),
        (click(agent="  "), HitReason.EMPTY_AGENT),
        (click(agent="python-requests/2.32"), HitReason.SCANNER_AGENT),
        (click(agent="curl/8.9"), HitReason.SCANNER_AGENT),
        (click(agent="Mozilla/5.0 (compatible; Googlebot/2.1)"), HitReason.SCANNER_AGENT),
        (click(agent="Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 HeadlessChrome/120.0"), HitReason.SCANNER_AGENT),
        (click(agent="BarracudaCentral/1.0"), HitReason.SCANNER_AGENT),
        (opened(agent="Mozilla/5.0"), HitReason.PRIVACY_PROXY),
        (click(honeypot=True, link=0), HitReason.HONEYPOT),
    ],
)
def test_one_sign_of_a_machine_is_enough(hit: Hit, reason: HitReason) -> None:
    assert classify(hit) == [Classification(verdict=HitVerdict.MACHINE, reasons=(reason,))]


@pytest.mark.parametrize(
    ("hit", "reason"),
    [
        (
            opened(agent="Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"),
            "IMAGE_PROXY",
        ),
        (opened(agent="YahooMailProxy; https://help.yahoo.com"), "IMAGE_PROXY"),
        (click(agent="Mozilla/5.0"), "UNRECOGNISED_AGENT"),
        (click(agent="Fabrikam Reader 1"), "UNRECOGNISED_AGENT"),
    ],
)
def test_what_nobody_can_tell_is_unknown(hit: Hit, reason: str) -> None:
    assert classify(hit) == [Classification(verdict=HitVerdict.UNKNOWN, reasons=(HitReason(reason),))]


def test_every_reason_is_given() -> None:
    [made] = classify(click(head=True, prefetch=True, agent=None, honeypot=True))
    assert made.reasons == ("PREFETCH_HEADER", "HEAD_REQUEST", "EMPTY_AGENT", "HONEYPOT")


def test_several_links_at_once_are_a_burst_and_the_pixel_beside_them_is_part_of_it() -> None:
    # Given a scanner that fetched the pixel and three links within a second, and Ann ten minutes later
    scanner = {"origin": "scanner"}
    story = [opened(0, **scanner), *(click(n / 5, link=n, **scanner) for n in (1, 2, 3)), opened(600), click(610)]
    assert verdicts(*story) == ["MACHINE"] * 4 + ["HUMAN"] * 2
    assert classify(*story)[0].reasons == (HitReason.LINK_BURST,)


def test_a_later_burst_says_what_the_first_lone_click_was() -> None:
    # Given a scanner's probe of one link, a minute before it fetches the rest
    probe = click(0, link=1, origin="scanner")
    assert verdicts(probe) == ["HUMAN"]
    burst = [click(60 + n / 10, link=n, origin="scanner") for n in (1, 2, 3)]
    assert verdicts(probe, *burst) == ["MACHINE"] * 4
    # but not of one who only shares its address, with another agent, nor of the same an hour before
    neighbour = click(30, origin="scanner", agent="Outlook-iOS/723.4202")
    early = click(-3600, origin="scanner")
    assert verdicts(early, neighbour, *burst) == ["HUMAN", "HUMAN", "MACHINE", "MACHINE", "MACHINE"]


def test_a_burst_from_many_addresses_is_one() -> None:
    assert verdicts(*(click(n / 10, link=n, origin=f"cloud-{n}") for n in (1, 2, 3))) == ["MACHINE"] * 3


@pytest.mark.parametrize(
    "story",
    [
        [click(0, link=1), click(0.2, link=1, agent=CHROME + "x"), click(0.4, link=1, origin="x")],
        [click(0, link=1), click(1.5, link=2), click(3, link=3), click(5, link=4)],
        [click(0, link=1), click(0.8, link=2)],
    ],
)
def test_a_double_click_and_a_quick_reader_are_no_burst(story: list[Hit]) -> None:
    assert set(verdicts(*story)) == {"HUMAN"}


def test_a_hit_before_the_servers_answer_is_a_machine() -> None:
    for context, expected in [
        (HitContext(answered_at=NOON + timedelta(seconds=1), undecided=False, busy={}), "MACHINE"),
        (HitContext(answered_at=NOON, undecided=False, busy={}), "HUMAN"),
        (HitContext(answered_at=None, undecided=True, busy={}), "MACHINE"),
        # Nobody knows whether the server took it: no reason against the reader
        (HitContext(answered_at=None, undecided=False, busy={}), "HUMAN"),
    ]:
        assert verdicts(click(), context=context) == [expected]


def test_an_origin_on_many_messages_is_a_machine_while_it_is() -> None:
    moments = [NOON + timedelta(seconds=n) for n in (0, 1, 2, 3, 4, 600)]
    spans = busy_spans([(moment, UUID(int=n)) for n, moment in enumerate(moments)], RULES)
    assert spans == [Span(start=moments[0], end=moments[4])]
    context = HitContext(answered_at=None, undecided=False, busy={"ann": spans})
    assert verdicts(click(2), click(5), click(600), click(3, origin="bob"), context=context) == [
        "MACHINE", "HUMAN", "HUMAN", "HUMAN",
    ]  # fmt: skip
    # an image proxy stands for thousands of readers
    proxied = opened(2, agent="Mozilla/5.0 (via ggpht.com GoogleImageProxy)")
    assert verdicts(proxied, context=context) == ["UNKNOWN"]


def test_one_message_read_often_crowds_nothing() -> None:
    assert busy_spans([(NOON, UUID(int=1))] * 50, RULES) == []


moments = st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 6)), max_size=25).map(sorted)


@given(moments)
def test_bursts_are_what_the_rule_says(times: list[tuple[int, int]]) -> None:
    hits = [click(ms / 1000, link=link, origin=None, agent=f"{CHROME} {n}") for n, (ms, link) in enumerate(times)]

    def in_burst(place: int) -> bool:
        for rule in RULES.bursts:
            for start in range(place + 1):
                stretch = [hit for hit in hits[start:] if hit.occurred_at - hits[start].occurred_at <= rule.within]
                if hits[place] in stretch and len({hit.link for hit in stretch}) >= rule.links:
                    return True
        return False

    assert [verdict == "MACHINE" for verdict in verdicts(*hits)] == [in_burst(place) for place in range(len(hits))]


@given(moments)
def test_crowds_are_what_the_rule_says(times: list[tuple[int, int]]) -> None:
    seen = [(NOON + timedelta(milliseconds=ms), UUID(int=message)) for ms, message in times]

    def busy(moment: datetime) -> bool:
        stretches = [
            [one for one in seen if timedelta(0) <= one[0] - first <= RULES.origin_within] for first, _ in seen
        ]
        return any(
            stretch[0][0] <= moment <= stretch[-1][0]
            and len({message for _, message in stretch}) >= RULES.origin_messages
            for stretch in stretches
        )

    spans = busy_spans(seen, RULES)
    assert [any(span.start <= moment <= span.end for span in spans) for moment, _ in seen] == [
        busy(moment) for moment, _ in seen
    ]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=8))
def test_join_spans_hold_the_same_moments_once(lengths: list[tuple[int, int]]) -> None:
    spans = [
        Span(start=NOON + timedelta(seconds=start), end=NOON + timedelta(seconds=start + length))
        for start, length in lengths
    ]
    for half_seconds in range(60):
        moment = NOON + timedelta(seconds=half_seconds / 2)
        holding = [span for span in join_spans(spans) if span.start <= moment <= span.end]
        assert len(holding) == any(span.start <= moment <= span.end for span in spans)


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (None, None),
        (b"Mozilla/5.0 (X11)", "Mozilla/5.0 (X11)"),
        (b"a\x00b\x1b[31mc\td", "a\ufffdb\ufffd[31mc\ufffdd"),
        (b"\xff\xfe caf\xc3\xa9 \xe2\x80\xae", "\ufffd\ufffd caf\u00e9 \ufffd"),
        (b"A" * 100_000, "A" * LONGEST_AGENT),
    ],
)
def test_a_user_agent_is_stored_as_one_safe_line(header: bytes | None, kept: str | None) -> None:
    assert clean_agent(header) == kept


@given(st.binary(max_size=3000))
def test_any_user_agent_can_be_stored(header: bytes) -> None:
    kept = clean_agent(header)
    assert kept is not None
    assert len(kept) <= LONGEST_AGENT
    assert kept == "" or kept.isprintable()
    assert "\x00" not in kept


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({b"sec-purpose": b"prefetch;prerender"}, True),
        ({b"purpose": b"Prefetch"}, True),
        ({b"x-moz": b"prefetch"}, True),
        ({b"x-purpose": b"preview"}, True),
        ({b"purpose": b"\xff"}, False),
        ({b"sec-fetch-dest": b"document"}, False),
    ],
)
def test_a_prefetch_says_so(headers: dict[bytes, bytes], expected: bool) -> None:
    assert is_prefetch(headers) is expected
