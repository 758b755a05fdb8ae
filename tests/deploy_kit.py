"""The files of `deploy/`, read as the programs that they are for read them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import yaml  # type: ignore[import-untyped]  # its stubs are another package, which nothing else needs

from tests.conventions.sources import ROOT

DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
ENVIRONMENT = DEPLOY / "customer-emails.env"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
BACKUP = DEPLOY / "postgresql"
BACKUP_UNITS = sorted(path for path in BACKUP.iterdir() if path.suffix in (".service", ".timer"))
"""Of the database's host, for the user postgres."""
OUR_IMAGE = "customer-emails"


def environment_file(text: str) -> dict[str, str]:
    """The variables of an environment file, in the part of its syntax that systemd and docker share."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def unit(text: str) -> list[tuple[str, str]]:
    """The settings of a unit in their order; a name may stand several times."""
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "["))]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def unit_environment(text: str) -> dict[str, str]:
    """What the lines `Environment=` of a unit set."""
    return dict(value.split("=", 1) for name, value in unit(text) if name == "Environment")


def compose() -> dict[str, Any]:
    """`compose.yaml`, with its anchors resolved and nothing interpolated."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def our_containers() -> dict[str, dict[str, Any]]:
    """The services of compose that run our image, by name."""
    return {name: one for name, one in compose()["services"].items() if one["image"] == OUR_IMAGE}


def dockerfile() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile: continued lines as one, without comments."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def image_environment() -> dict[str, str]:
    """What the lines ENV of the Dockerfile set in the end."""
    return dict(pair.split("=", 1) for word, rest in dockerfile() if word == "ENV" for pair in shlex.split(rest))


def rules() -> list[dict[str, Any]]:
    """Every alert rule."""
    groups = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_queries() -> list[str]:
    """Every PromQL query of the dashboard."""
    panels = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def commands() -> Iterator[tuple[str, Sequence[str]]]:
    """Every command of ours that the kit starts, with the file that starts it, from `python` on."""
    for path in UNITS:
        for name, value in unit(path.read_text(encoding="utf-8")):
            if name == "ExecStart":
                yield path.name, value.split()
    for name, container in our_containers().items():
        yield f"compose.yaml {name}", container["command"]
    for word, rest in dockerfile():
        if word == "CMD":
            yield "Dockerfile", json.loads(rest)
