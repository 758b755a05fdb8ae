"""Which way the next claim goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.outbox.claim import WHOLE_CLAIMS, Claim, NextWay

NOTHING = Claim(leased=(), parked=0)
WHOLE = replace(NOTHING, parked=3)
SHORT = replace(NOTHING, short=True)


def test_claims_try_the_short_way_until_one_has_to_go_the_whole_way() -> None:
    way = NextWay()
    leased: Any = (object(),)
    found_short = replace(SHORT, leased=leased)
    for found in (SHORT, NOTHING, found_short, SHORT):
        way.note(found)
        assert way.is_short

    way.note(WHOLE)

    assert not way.is_short


def test_after_some_whole_claims_the_short_way_is_tried_again() -> None:
    way = NextWay()
    way.note(WHOLE)

    for _ in range(WHOLE_CLAIMS - 1):
        way.note(WHOLE)
        assert not way.is_short
    way.note(NOTHING)

    assert way.is_short
