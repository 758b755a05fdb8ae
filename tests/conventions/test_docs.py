"""The documents against what they speak of: settings, metrics, commands, files, layers, queries, links."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate
from prometheus_client import REGISTRY
from pydantic.fields import FieldInfo

import gateway.__main__
import gateway.settings
import gateway.telemetry.metrics
import service.__main__
import service.metrics
import service.settings
from gateway.settings import Relay, examples
from tests.conventions.sources import ROOT

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
}
LONGEST_README = 170
SETTINGS: dict[str, FieldInfo] = {
    name.upper(): field
    for settings in (gateway.settings.Settings, service.settings.Settings)
    for name, field in settings.model_fields.items()
}
AS_SET = examples(gateway.settings.Settings, {}) | examples(service.settings.Settings, {})
MADE_BY_THE_CLIENT_LIBRARY = ("python_", "process_")
OUR_SUFFIXES = (".graphql", ".lock", ".md", ".py", ".sql", ".toml", ".txt")
MADE_BY_COMMANDS = (".bench/", ".data/")
TOP_LEVEL_FOLDERS = ("gateway", "service", "tests", "migrations", "docs", "deploy", ".ci")


def table(page: str, first_heading: str) -> Iterator[list[str]]:
    """The rows of every table of a page whose first column has this heading, cell by cell."""
    inside = False
    for line in PAGES[page].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith(f"| {first_heading} |"):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("| ---"):
            yield cells


def outside_code(text: str) -> str:
    """A page without its blocks of code, fenced or indented."""
    return re.sub(r"^```.*?^```$|^    [^\n]*$", "", text, flags=re.MULTILINE | re.DOTALL)


# Settings --------------------------------------------------------------------------------------------------------

VARIABLES = [(cells[0].strip("`"), cells[1]) for cells in table("docs/configuration.md", "variable")]


def test_every_setting_stands_in_the_tables_once() -> None:
    assert sorted(name for name, _ in VARIABLES) == sorted(SETTINGS)


@pytest.mark.parametrize(("name", "written"), VARIABLES)
def test_a_default_in_the_table_is_the_settings_own(name: str, written: str) -> None:
    assert written.strip("`") == shown(SETTINGS[name], as_set=AS_SET[name])


def shown(field: FieldInfo, *, as_set: str) -> str:
    """A default as the table says it."""
    if field.is_required():
        return "required"
    if field.default is None or field.default == ():
        return "none"
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    return as_set


def test_the_options_of_a_relay_are_its_fields() -> None:
    relay = Relay(name="", host="", port=25, tls=gateway.settings.TlsMode.OFF)
    found = {cells[0].strip("`"): cells[1].strip("`") for cells in table("docs/configuration.md", "option")}
    assert set(found) == {*Relay.__dataclass_fields__} - {"host", "port", "username", "password"}
    for name in set(found) - {"name", "tls", "verify"}:
        default = getattr(relay, name)
        assert found[name] == ("none" if default is None else f"{default:g}"), name


# Metrics and commands --------------------------------------------------------------------------------------------


def test_every_metric_stands_in_the_table_once() -> None:
    registered = {family.name for registry in (REGISTRY, service.metrics.REGISTRY) for family in registry.collect()}
    ours = {name for name in registered if not name.startswith(MADE_BY_THE_CLIENT_LIBRARY)}
    assert sorted(cells[0].strip("`") for cells in table("docs/operations.md", "metric")) == sorted(ours)


def help_of(main: Callable[[list[str]], int], *words: str) -> str:
    """What a command says of itself."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit):
        main([*words, "--help"])
    return said.getvalue()


def commands(main: Callable[[list[str]], int], *words: str) -> Iterator[tuple[str, ...]]:
    """Every command below these words, by its own help."""
    text = help_of(main, *words)
    named = re.search(r"\{([a-z,-]+)\}", text)
    for name in named[1].split(",") if named else ():
        yield from commands(main, *words, name)
    yield (*words, *sorted(set(re.findall(r"--[a-z-]+", text)) - {"--help"}))


@pytest.mark.parametrize("module", ["gateway", "service"])
def test_every_command_and_option_stands_in_operations(module: str) -> None:
    main = gateway.__main__.main if module == "gateway" else service.__main__.main
    operations = PAGES["docs/operations.md"]
    found = list(commands(main))
    assert found
    for words in found:
        command = " ".join(["python -m", module, *(word for word in words if not word.startswith("--"))])
        assert command in operations
        for option in (word for word in words if word.startswith("--")):
            assert option in operations, f"{command} {option}"


def test_every_target_of_make_stands_in_the_documents() -> None:
    named = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert named
    targets = {target for target in named[1].split() if target != "help" and not target.startswith("environment")}
    together = "\n".join(PAGES.values())
    assert {target for target in targets if f"make {target}" not in together} == set()


# Files and links -------------------------------------------------------------------------------------------------


def named_files() -> Iterator[tuple[str, str]]:
    """Every file and folder of the project's that a page names in code, as a pattern below the project: `gateway/mail`,
    `tests/corpus/responses.txt`; `outbox/parked.py` and `schema.sql` may stand anywhere."""
    for page, text in PAGES.items():
        for name in re.findall(r"`([\w.-]+(?:/[\w.*-]+)*/?)`", outside_code(text)):
            if name.partition("/")[0] in TOP_LEVEL_FOLDERS:
                yield page, name
            elif name.endswith(OUR_SUFFIXES) and not name.startswith(MADE_BY_COMMANDS):
                yield page, name if (ROOT / name).exists() else f"*/**/{name}"


def found(pattern: str) -> bool:
    """Whether there is such a file among the project's own."""
    folders = [folder for folder in TOP_LEVEL_FOLDERS if pattern.startswith("*/")]
    places = [(ROOT / folder, pattern.removeprefix("*/")) for folder in folders] or [(ROOT, pattern)]
    return any(next(root.glob(below), None) for root, below in places)


def test_every_file_that_a_page_names_exists() -> None:
    assert {f"{page}: {name}" for page, name in named_files() if not found(name)} == set()


def anchor(heading: str) -> str:
    """A heading's anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def links() -> Iterator[tuple[str, str]]:
    """Every link and picture of a page that leads to a file or a heading of ours."""
    for page, text in PAGES.items():
        for target in re.findall(r"\]\(([^()\s]+)\)", outside_code(text)):
            if not target.startswith(("https:", "mailto:")):
                yield page, target


def test_every_link_leads_somewhere() -> None:
    broken = set()
    for page, target in links():
        name, _, heading = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        anchors = {anchor(found) for found in re.findall(r"^#+ (.+)$", read(path), re.MULTILINE)}
        if not path.exists() or (heading and heading not in anchors):
            broken.add(f"{page}: {target}")
    assert broken == set()


def read(path: Path) -> str:
    """A page's text; nothing of what is no page."""
    return path.read_text(encoding="utf-8") if path.suffix == ".md" and path.exists() else ""


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {target.partition("#")[0] for page, target in links() if page == "README.md"}
    assert set(PAGES) - {"README.md"} - linked == set()


def test_the_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) < LONGEST_README


# What is drawn and shown -----------------------------------------------------------------------------------------


def test_the_layers_drawn_are_the_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    section = PAGES["docs/architecture.md"].partition("## The layers")[2].partition("\n## ")[0]
    assert [line.strip() for line in section.splitlines() if line.startswith("    ")] == layers


def test_every_package_stands_in_the_architecture() -> None:
    packages = {
        path.parent.relative_to(ROOT).as_posix()
        for root in ("gateway", "service")
        for path in ROOT.glob(f"{root}/*/__init__.py")
    }
    described = {cells[0].strip("`") for cells in table("docs/architecture.md", "package")}
    assert packages - described == set()


SHOWN_QUERIES = [
    (page, document)
    for page, text in PAGES.items()
    for document in re.findall(r"^```graphql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
]


def test_every_query_shown_is_valid() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    assert SHOWN_QUERIES
    assert [(page, error.message) for page, text in SHOWN_QUERIES for error in validate(schema, parse(text))] == []
