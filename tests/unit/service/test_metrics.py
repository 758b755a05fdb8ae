"""The service's metrics: names that clients choose are bounded, operations are counted by what came of them."""

from __future__ import annotations

import pytest

from service.auth.callers import Caller
from service.graph.documents import DocumentRefused
from service.graph.parameters import Parameters
from service.metrics import REGISTRY, BoundedNames
from tests.small_schema import make_execution

ANN = Caller(name="ann")


def operations(operation: str, kind: str, outcome: str) -> float:
    """How many operations of this kind were counted."""
    labels = {"operation": operation, "type": kind, "outcome": outcome}
    return REGISTRY.get_sample_value("graphql_operations_total", labels) or 0.0


def test_the_first_names_are_labels_and_the_rest_is_other() -> None:
    names = BoundedNames(limit=2)
    assert [names.label(name) for name in ("A", "B", "C", "A", None, "D")] == [
        "A",
        "B",
        "other",
        "A",
        "unnamed",
        "other",
    ]


@pytest.mark.parametrize(
    ("document", "operation", "kind", "outcome"),
    [
        ("query Greeting { hello }", "Greeting", "query", "ok"),
        ("{ hello }", "unnamed", "query", "ok"),
        ("query Trouble { broken }", "Trouble", "query", "errors"),
        ('mutation Rename { rename(name: "x") }', "Rename", "mutation", "ok"),
    ],
)
async def test_an_operation_is_counted_by_name_and_outcome(
    document: str, operation: str, kind: str, outcome: str
) -> None:
    execution = make_execution()
    before = operations(operation, kind, outcome)
    timed = REGISTRY.get_sample_value("graphql_operation_seconds_count", {"operation": operation}) or 0.0
    await execution.run(await execution.prepare(Parameters(query=document)), ANN)
    assert operations(operation, kind, outcome) == before + 1
    assert REGISTRY.get_sample_value("graphql_operation_seconds_count", {"operation": operation}) == timed + 1


async def test_what_is_refused_has_no_name_in_the_metrics() -> None:
    before = operations("", "", "refused")
    with pytest.raises(DocumentRefused):
        await make_execution().prepare(Parameters(query="query Mistaken { nothing }"))
    assert operations("", "", "refused") == before + 1
    assert operations("Mistaken", "query", "refused") == 0


async def test_a_subscription_is_counted_when_it_begins() -> None:
    execution = make_execution()
    before = operations("Follow", "subscription", "ok")
    ready = await execution.prepare(Parameters(query="subscription Follow { breaks }"))
    stream = await execution.stream(ready, ANN)
    assert hasattr(stream, "aclose")
    await stream.aclose()
    assert operations("Follow", "subscription", "ok") == before + 1


def test_of_the_gateways_only_hits_and_mail_handed_in_stand_among_them() -> None:
    shown = {family.name for family in REGISTRY.collect()}
    assert {name for name in shown if name.startswith("mail_")} == {
        "mail_hits",
        "mail_inbound_accepted",
        "mail_inbound_bytes",
        "mail_inbound_refused",
        "mail_inbound_store_seconds",
    }
