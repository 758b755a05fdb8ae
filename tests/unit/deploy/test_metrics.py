"""Alert rules and dashboard against the metrics that there are, and the table of them."""

from __future__ import annotations

import re

from prometheus_client import REGISTRY

import gateway.telemetry.metrics  # noqa: F401 - which registers the gateway's
import service.metrics
from service.settings import Settings
from tests.conventions.test_docs import table
from tests.deploy_kit import PROMETHEUS, dashboard_queries, rules

ROWS = {cells[0].strip("`"): re.split(r" *\| *", " | ".join(cells)) for cells in table("docs/operations.md", "metric")}
"""Name, labels, meaning and alert of each; an empty cell is one."""
NAMES = re.compile(r"\b(?:mail|http|graphql|database)_[a-z_]+\b(?!=)")
"""Of metrics, in a query; `(?!=)`: no label is called so."""
SUFFIXES = ("_total", "_bucket", "_sum", "_count")


def family(name: str) -> str:
    """The metric that a series belongs to, as the table writes it."""
    suffix = next((end for end in SUFFIXES if name.endswith(end)), "")
    return name.removesuffix(suffix)


def named(query: str) -> set[str]:
    """Series of ours that a query reads."""
    return set(NAMES.findall(re.sub(r'"[^"]*"', '""', query)))


def exported() -> set[str]:
    """Every series name that the two programs export, without those of histograms' parts."""
    kinds = {
        found.name: found.type for registry in (REGISTRY, service.metrics.REGISTRY) for found in registry.collect()
    }
    names: set[str] = set()
    for name, kind in kinds.items():
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(kind, ("",))
        names |= {name + end for end in ends}
    return names


def test_every_metric_of_a_rule_exists() -> None:
    read = set().union(*(named(rule["expr"]) for rule in rules()))
    assert len(read) > 20
    assert read - exported() == set()


def test_every_metric_of_the_dashboard_exists() -> None:
    read = set().union(*(named(query) for query in dashboard_queries()))
    assert read - exported() == set()


def test_the_dashboard_shows_every_metric() -> None:
    shown = {family(name) for query in dashboard_queries() for name in named(query)}
    assert set(ROWS) - shown == set()


def test_every_alert_of_the_table_has_a_rule_and_no_other_metric_has() -> None:
    wanted = {name for name, cells in ROWS.items() if cells[3]}
    ruled = {family(name) for rule in rules() for name in named(rule["expr"])}
    assert ruled == wanted


def test_labels_of_a_rule_are_the_metrics_own() -> None:
    for rule in rules():
        for name, matchers in re.findall(r"\b([a-z_]+)\{([^}]*)", re.sub(r"\[[{}]\]", "", rule["expr"])):
            labels = set(re.findall(r"([a-z_]+)=", matchers)) - {"job"}
            known = set(re.findall(r"`([a-z_]+)`", ROWS[family(name)][1])) if name != "up" else set()
            assert labels <= known, f"{rule['alert']}: {name}"


def test_the_limit_of_a_lagging_replica_is_the_settings_default() -> None:
    [rule] = [rule for rule in rules() if rule["alert"] == "ReplicaBehind"]
    limit = Settings.model_fields["replica_lag_seconds"].default
    assert rule["expr"].endswith(f"> {limit:g}")


def test_every_rule_says_what_to_do_and_is_tested() -> None:
    tested = (PROMETHEUS / "alerts.test.yaml").read_text(encoding="utf-8")
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert f'alertname="{rule["alert"]}"' in tested
