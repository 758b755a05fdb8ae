"""The proof's own judgement: each promise of it can be broken, and is then named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.proof.counts import CONNECTIONS, Counts, Seen, Shown, sender_of, try_of

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
# One mail went at once; one was uncertain and a person had it tried again; one is uncertain with its lost worker.
SHOWN = Shown(
    statuses={ONE: "ACCEPTED", TWO: "ACCEPTED", THREE: "UNCERTAIN"},
    queued=0,
    unmade=0,
    accepted=frozenset({(ONE, 1), (TWO, 2)}),
    uncertain=frozenset({(TWO, 1), (THREE, 1)}),
    lost=frozenset({(THREE, 1)}),
)
SEEN = Seen(taken=((ONE, 1), (TWO, 1), (TWO, 2)), answered=frozenset({(ONE, 1), (TWO, 1), (TWO, 2)}), drops={"data": 1})
HELD = Counts(asked=3, shown=SHOWN, seen=SEEN, lost_workers=1, deeds={})
CROWD = frozenset((UUID(int=number), 1) for number in range(100, 101 + 2 * CONNECTIONS))


def test_promises_that_hold_are_not_called_broken() -> None:
    assert HELD.broken() == []
    assert HELD.mails_taken_twice == 1
    assert "accepted 2, uncertain 1, still queued 0" in HELD.words()


@pytest.mark.parametrize(
    ("shown", "seen", "promise"),
    [
        ({"statuses": {ONE: "ACCEPTED", TWO: "ACCEPTED"}}, {}, "no mail is lost"),
        ({"queued": 1}, {}, "no mail is lost"),
        ({"statuses": {ONE: "REFUSED", TWO: "ACCEPTED", THREE: "UNCERTAIN"}}, {}, "what the server took is shown"),
        ({"accepted": frozenset({(ONE, 2), (TWO, 2)})}, {}, "what the server took is shown"),
        ({}, {"taken": ((TWO, 1), (TWO, 2))}, "what is shown as accepted"),
        ({}, {"taken": ((ONE, 1), (ONE, 1), (TWO, 2))}, "no try reached the server twice"),
        # Its second try is uncertain, not the first.
        ({"uncertain": frozenset({(TWO, 2), (THREE, 1)})}, {}, "unless its first try is shown"),
        ({"lost": CROWD}, {}, "two mails a connection"),
        ({}, {"drops": {"data": 1, "mail": 0}}, "dropped at every stage"),
    ],
)
def test_a_promise_that_did_not_hold_is_named(shown: dict[str, Any], seen: dict[str, Any], promise: str) -> None:
    counts = replace(HELD, shown=replace(SHOWN, **shown), seen=replace(SEEN, **seen))

    assert any(promise in broken for broken in counts.broken())


def test_a_return_path_tells_its_try() -> None:
    assert try_of(sender_of(TWO, 3)) == (TWO, 3)
    with pytest.raises(ValueError, match="UUID"):
        try_of("somebody@else.example")
