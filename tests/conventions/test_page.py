"""Rules for the page's own files."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "service" / "page"
MODULES = sorted(PAGE.glob("*.js"))
MAX_LINES = 420


def test_one_file_calls_graphql() -> None:
    assert MODULES
    assert [
        module.name for module in MODULES if '"/graphql"' in module.read_text() or "/graphql`" in module.read_text()
    ] == ["graphql.js"]


def test_one_file_holds_the_colours() -> None:
    colours = re.compile(r"#[0-9a-fA-F]{6}\b|\brgb\(")
    assert [module.name for module in MODULES if colours.search(module.read_text())] == []
    below_the_tokens = (PAGE / "page.css").read_text().split("/* Ground")[1]
    assert set(colours.findall(below_the_tokens)) <= {"#ffffff"}, "the ground of a mail's preview alone is no token"


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_evaluated() -> None:
    for module in MODULES:
        text = module.read_text()
        assert all(name.startswith("./") for name in re.findall(r'from "([^"]+)"', text)), module.name
        assert not re.search(r"\beval\(|new Function|innerHTML|unsafeHTML|document\.write", text), module.name


def test_every_module_starts_with_a_sentence_and_is_used() -> None:
    everything = "".join(module.read_text() for module in PAGE.rglob("*.js")) + (PAGE / "index.html").read_text()
    for module in MODULES:
        text = module.read_text()
        assert text.startswith("// "), f"{module.name}: a sentence first"
        assert len(text.splitlines()) <= MAX_LINES, module.name
        assert f"/{module.name}" in everything, f"{module.name} is not imported"


def test_vendored_files_name_their_version_and_licence() -> None:
    vendors = (PAGE / "vendor", PAGE.parent / "graphiql" / "vendor", Path(__file__).resolve().parents[1] / "vendor")
    directories = [directory for vendor in vendors for directory in vendor.iterdir() if directory.is_dir()]
    assert len(directories) >= 6
    for directory in directories:
        assert re.search(r"\d+\.\d+\.\d+, [A-Z]", (directory / "VERSION").read_text())
        assert "icen" in (directory / "LICENSE").read_text()
