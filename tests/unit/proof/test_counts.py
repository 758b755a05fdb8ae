"""The checks of the proof: each guarantee can be violated, and is then reported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.proof.counts import CONNECTIONS, Counts, LedgerState, ServerState, attempt_of, sender_of

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
# One mail was accepted at once; one was uncertain and retried by a person; one is uncertain since its worker died.
LEDGER = LedgerState(
    statuses={ONE: "ACCEPTED", TWO: "ACCEPTED", THREE: "UNCERTAIN"},
    queued=0,
    unmade=0,
    accepted=frozenset({(ONE, 1), (TWO, 2)}),
    uncertain=frozenset({(TWO, 1), (THREE, 1)}),
    lost=frozenset({(THREE, 1)}),
)
SERVER = ServerState(
    accepted=((ONE, 1), (TWO, 1), (TWO, 2)), replied=frozenset({(ONE, 1), (TWO, 1), (TWO, 2)}), drops={"data": 1}
)
KEPT = Counts(mails=3, ledger=LEDGER, server=SERVER, lost_workers=1, disruptions={})
CROWD = frozenset((UUID(int=number), 1) for number in range(100, 101 + 2 * CONNECTIONS))


def test_guarantees_that_were_kept_are_not_reported() -> None:
    assert KEPT.violations() == []
    assert KEPT.mails_accepted_twice == 1
    assert "accepted 2, uncertain 1, still queued 0" in KEPT.report()


@pytest.mark.parametrize(
    ("ledger", "server", "guarantee"),
    [
        ({"statuses": {ONE: "ACCEPTED", TWO: "ACCEPTED"}}, {}, "no mail is lost"),
        ({"queued": 1}, {}, "no mail is lost"),
        ({"statuses": {ONE: "REFUSED", TWO: "ACCEPTED", THREE: "UNCERTAIN"}}, {}, "what the server took is shown"),
        ({"accepted": frozenset({(ONE, 2), (TWO, 2)})}, {}, "what the server took is shown"),
        ({}, {"accepted": ((TWO, 1), (TWO, 2))}, "what is shown as accepted"),
        ({}, {"accepted": ((ONE, 1), (ONE, 1), (TWO, 2))}, "no try reached the server twice"),
        # Its second attempt is uncertain, not the first.
        ({"uncertain": frozenset({(TWO, 2), (THREE, 1)})}, {}, "unless its first try is shown"),
        ({"lost": CROWD}, {}, "two mails a connection"),
        ({}, {"drops": {"data": 1, "mail": 0}}, "dropped at every stage"),
    ],
)
def test_a_violated_guarantee_is_reported(ledger: dict[str, Any], server: dict[str, Any], guarantee: str) -> None:
    counts = replace(KEPT, ledger=replace(LEDGER, **ledger), server=replace(SERVER, **server))

    assert any(guarantee in violation for violation in counts.violations())


def test_a_return_path_identifies_its_attempt() -> None:
    assert attempt_of(sender_of(TWO, 3)) == (TWO, 3)
    with pytest.raises(ValueError, match="UUID"):
        attempt_of("somebody@else.example")
