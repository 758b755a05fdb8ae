"""What the deploy kit starts: commands that exist, as users without rights."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import re
from collections.abc import Callable, Sequence

import pytest

import gateway.__main__
import service.__main__
from tests.conventions.sources import ROOT
from tests.deploy_kit import DEPLOY, UNITS, commands, compose, dockerfile, our_containers, unit

MAINS: dict[str, Callable[[list[str]], int]] = {"gateway": gateway.__main__.main, "service": service.__main__.main}
COMMANDS = list(commands())


def help_of(module: str) -> str:
    """What a program says of its options."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit):
        MAINS[module](["--help"])
    return said.getvalue()


@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=[place for place, _ in COMMANDS])
def test_every_command_exists(place: str, command: Sequence[str]) -> None:
    python, dash_m, module, *words = command
    assert python.rpartition("/")[2] == "python"
    assert dash_m == "-m"
    assert importlib.util.find_spec(f"{module}.__main__" if module in MAINS else module) is not None
    for option in (word for word in words if word.startswith("--")):
        assert option in help_of(module)


def test_a_service_that_is_reloaded_has_workers_to_replace() -> None:
    """A single process is no supervisor: SIGHUP would end it."""
    for path in UNITS:
        settings = dict(unit(path.read_text(encoding="utf-8")))
        if "ExecReload" in settings:
            workers = re.search(r"-m service --workers (\d+)", settings["ExecStart"])
            assert workers is not None
            assert int(workers[1]) > 1


def test_every_unit_has_few_rights() -> None:
    assert len(UNITS) == 3
    for path in UNITS:
        settings = unit(path.read_text(encoding="utf-8"))
        for one in (
            ("User", "customer-emails"),
            ("NoNewPrivileges", "yes"),
            ("ProtectSystem", "strict"),
            ("CapabilityBoundingSet", ""),
        ):
            assert one in settings, path.name


def test_the_image_is_locked_by_hashes_and_runs_as_a_fixed_user() -> None:
    instructions = dockerfile()
    assert [word for word, _ in instructions].count("FROM") == 2
    installs = [json.loads(rest) for word, rest in instructions if word == "RUN" and '"install", "--r' in rest]
    assert installs == [[".venv/bin/pip", "install", "--require-hashes", "-r", "requirements.lock"]]
    assert [rest for word, rest in instructions if word == "USER"] == ["10001:10001"]
    for container in our_containers().values():
        assert container["user"] == "10001:10001"
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]


def test_the_image_uses_no_shell() -> None:
    shown = [rest for word, rest in dockerfile() if word in ("RUN", "CMD", "ENTRYPOINT")]
    shown += [rest.partition(" CMD ")[2] for word, rest in dockerfile() if word == "HEALTHCHECK"]
    assert len(shown) > 4
    assert [rest for rest in shown if not isinstance(json.loads(rest), list)] == []


def test_everything_that_is_copied_exists_and_enters_the_build() -> None:
    entering = {
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {rest.split()[0] for word, rest in dockerfile() if word == "COPY" and not rest.startswith("--from")}
    assert copied == entering
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_health_is_asked_by_programs_that_compile() -> None:
    probes = [json.loads(rest.partition(" CMD ")[2]) for word, rest in dockerfile() if word == "HEALTHCHECK"]
    probes += [
        one["healthcheck"]["test"][1:] for one in our_containers().values() if "test" in one.get("healthcheck", {})
    ]
    assert len(probes) == 4
    for python, dash_c, program in probes:
        assert (python, dash_c) == ("python", "-c")
        compile(program, "healthcheck", "exec")
        assert re.search(r"/(healthz|metrics)'", program)


def test_nothing_serves_before_the_migration() -> None:
    for name, container in compose()["services"].items():
        if name in our_containers() and name != "migrate":
            assert container["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, name
