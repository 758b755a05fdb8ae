"""The proof of campaigns sees what it must: each promise that is broken, and nothing where all are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.proof.campaign_counts import CampaignCounts, MailingCount, _amiss, _Log
from tests.proof.sink import Sink

KEPT = CampaignCounts(
    customers=3,
    mailings=(MailingCount(finished=True, launched=3, counted={"accepted": 3}, recounted={"accepted": 3}),),
    campaigns={"FINISHED": 1},
    early=0,
    taken=3,
    twice=0,
    unlabelled=0,
    repeated=0,
    contradicted=0,
    decisions=0,
    decided=0,
    skipped=0,
    decisions_amiss=0,
    retried=0,
    assumed=0,
    kills=0,
    disruptions={},
)
ONE, TWO = UUID(int=1), UUID(int=2)


def test_nothing_is_violated_where_all_is_kept() -> None:
    assert KEPT.violations() == []
    assert "3 recipients of 1 mailings; accepted 3; difference 0" in KEPT.report()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("early", 1),
        ("unlabelled", 1),
        ("repeated", 1),
        ("contradicted", 1),
        ("decisions_amiss", 1),
        ("customers", 4),
        ("campaigns", {"FINISHED": 1, "RUNNING": 1}),
    ],
)
def test_each_broken_promise_is_seen(name: str, value: Any) -> None:
    assert len(replace(KEPT, **{name: value}).violations()) == 1


@pytest.mark.parametrize(("counted", "recounted"), [(2, 3), (3, 2), (4, 3)])
def test_a_recipient_that_is_lost_or_counted_wrongly_is_a_difference(counted: int, recounted: int) -> None:
    mailing = MailingCount(finished=True, launched=3, counted={"accepted": counted}, recounted={"accepted": recounted})
    assert mailing.difference != 0
    assert len(replace(KEPT, mailings=(mailing,)).violations()) == 2


def log(taken: list[tuple[UUID, int]], events: list[dict[str, Any]], **status: str) -> _Log:
    sink = Sink(url="", log=Path(), taken=[(message, attempt, "a@x.example") for message, attempt in taken])
    messages = {
        one: {"mailing_id": one.int, "status": status.get(f"m{one.int}", "ACCEPTED"), "recipient": "a@x.example"}
        for one in (ONE, TWO)
    }
    return _Log(sink, messages, events)


def retried(message: UUID, attempt: int) -> dict[str, Any]:
    return {"kind": "RETRIED", "message_id": message, "attempt": attempt, "decision": None}


def test_a_mail_that_arrived_again_needs_the_event_between_the_two() -> None:
    both = [(ONE, 1), (ONE, 2), (TWO, 1)]
    assert (log(both, []).twice, log(both, []).unlabelled) == (1, 1)
    assert log(both, [retried(ONE, 1)]).unlabelled == 0
    assert log(both, [retried(ONE, 2), retried(TWO, 1)]).unlabelled == 1
    assert log([(ONE, 1), (ONE, 1), (TWO, 1)], []).repeated == 1


def test_what_was_taken_is_not_given_up_and_what_was_not_is_not_accepted() -> None:
    assert log([(ONE, 1), (TWO, 1)], []).contradicted == 0
    assert log([(ONE, 1), (TWO, 1)], [], m1="CANCELLED").contradicted == 1
    assert log([(ONE, 1), (TWO, 1)], [retried(ONE, 1)], m1="CANCELLED").contradicted == 0
    assert log([(ONE, 1)], []).contradicted == 1
    assumed = {"kind": "ASSUMED_SENT", "message_id": TWO, "attempt": 1, "decision": "7"}
    assert log([(ONE, 1)], [assumed]).contradicted == 0


def test_a_decision_is_amiss_that_was_not_ended_or_done_twice() -> None:
    decision = {"id": 7, "recipients": 2, "done": 1, "skipped": 1, "finished_at": "now"}
    event = {"decision": "7", "message_id": ONE}
    assert _amiss([decision], [event]) == 0
    assert _amiss([decision], [event, event]) == 1
    assert _amiss([decision], []) == 1
    assert _amiss([decision | {"finished_at": None}], [event]) == 1
    assert _amiss([decision | {"skipped": 0}], [event]) == 1
